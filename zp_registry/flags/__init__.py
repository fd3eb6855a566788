"""Flags: leads for people to check, as a pure function of the history at each report date, the settings and decisions."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from zp_registry.evidence import Evidence, Parts
from zp_registry.flags.changes import change_marks
from zp_registry.flags.circle import Circle
from zp_registry.flags.data import data_flags
from zp_registry.flags.evidence import COLUMNS
from zp_registry.flags.missing import pledge_flags, status_changes
from zp_registry.flags.outside import SAID, outside_flags
from zp_registry.flags.pledges import PledgeRules, match_pledges
from zp_registry.flags.rulebook import HIGH, MEDIUM, Rulebook, packaged
from zp_registry.flags.sharing import Sharing, SharingRules
from zp_registry.flags.steps import WIDE, steps
from zp_registry.flags.transfers import sharing_flags, transfer_flags
from zp_registry.resolve import Resolved, with_entity
from zp_registry.resolve.history import ACCOUNT

__all__ = ["FlagRules", "Flagged", "flag"]


@dataclass(frozen=True)
class FlagRules:
    """The rules' settings, whose version stands on every run."""

    pledges: PledgeRules = field(default_factory=PledgeRules)
    sharing: SharingRules = field(default_factory=SharingRules)
    book: Rulebook = field(default_factory=packaged)


@dataclass
class Flagged:
    """``flags``: evidence.COLUMNS, ``rule_version``, ``anchor`` · ``pledge_status``: index entity_id · ``matched``: the ledger
    with entities."""

    flags: pd.DataFrame
    pledge_status: pd.Series[str]
    matched: pd.DataFrame


def flag(evidence: Evidence, parts: Parts, resolved: Resolved, rules: FlagRules) -> Flagged:
    """Every flag as of ``evidence.as_of``; when or how often this runs, and how the evidence is divided, does not matter.
    ``parts``: the same as for ``resolved``."""
    dates = sorted(evidence.reports["as_of"].unique().tolist())
    matched = match_pledges(evidence, resolved)
    if not dates:
        return Flagged(pd.DataFrame(columns=[*COLUMNS, "rule_version", "anchor"], dtype="str"), pd.Series(dtype="str"), matched)
    book = rules.book
    circle = Circle(resolved.facts, resolved.faces, resolved.links, evidence.reviewed, dates[-1])
    least = {code: book.rules[code].least for code in ("SHARED_ADDRESS", "FAR_ADDRESS")}
    sharing = Sharing(resolved.facts, resolved.faces, circle, rules.sharing, least)
    found, states, said = [], [], []
    for part, own in zip(parts.reading(WIDE), resolved.parts, strict=True):
        part.records = with_entity(part.records, resolved.entity_of)
        table = steps(own.points, part, evidence.reports)
        theirs = circle.of(table["entity_id"].drop_duplicates())
        marks = change_marks(table, theirs)
        found.append(transfer_flags(marks, own.holdings, own.doubts, theirs, dates, book))
        sharing.add(marks)
        states.append(status_changes(table))
        if len(evidence.notices):
            said.append(table.drop_duplicates([*ACCOUNT, *SAID], keep="last")[[*ACCOUNT, "as_of", *SAID]])
    found.append(sharing_flags(*sharing.gathered(), resolved.holdings, dates, rules.sharing, book))
    found.append(outside_flags(evidence.notices, said, resolved, circle, dates[-1], book))
    missing, status = pledge_flags(matched, resolved, pd.concat(states, ignore_index=True), dates, rules.pledges)
    last_seen = resolved.accounts.set_index(ACCOUNT)["last_seen"]
    found = [missing, *found, data_flags(resolved.doubts, matched, last_seen, dates[-1])]
    flags = pd.concat([f for f in found if len(f)], ignore_index=True) if any(map(len, found)) else missing
    del found, missing, sharing, circle  # flags are the widest of all that is held whole: one copy is enough
    off = [c for c, r in book.rules.items() if r.off]
    if off:
        flags = flags[~flags["code"].isin(off)].reset_index(drop=True)
    flags = _alone(flags)
    told = ("减轻情形：" + flags["explained"] + "。").fillna("")
    flags["reason"] = (flags["reason"] + told).astype("str")
    flags["rule_version"] = book.versions(flags["code"])
    flags["anchor"] = anchors(flags)
    loose = flags["code"].isin(["PLEDGE_UNMATCHED", "NOTICE_UNMATCHED"])
    flags.loc[loose, "account_id"] = pd.NA
    # Ids are given in this order, which is the same however the evidence is divided.
    return Flagged(flags.sort_values(["family", "code", "anchor"], ignore_index=True), status, matched)


def _alone(flags: pd.DataFrame) -> pd.DataFrame:
    """One high sign or two medium ones make a flag: a medium sign with no other beside it is told at level low, and says so.
    Its score stays. Beside a sign that stands only those count that stand too."""
    strong = (flags["family"] == "TRANSFER") & (flags["score"] >= MEDIUM)
    stands = strong & (flags["status"] == "open")
    about = flags["platform"] + ":" + flags["account_id"]
    beside = about.where(strong).groupby(about).transform("count")
    beside = beside.mask(stands, about.where(stands).groupby(about).transform("count"))
    alone = strong & (beside == 1) & (flags["score"] < HIGH)
    note = alone.map({True: "（单独一条中等迹象，暂不立案）", False: ""}).astype("str")
    return flags.assign(level=flags["level"].mask(alone, "low"), reason=flags["reason"] + note)


def anchors(flags: pd.DataFrame) -> pd.Series[str]:
    """What a flag is about: its code and account, or the pledge of an entity; it keeps its id as long as this stays."""
    account = flags["platform"].fillna("") + ":" + flags["account_id"].fillna("")
    about = account.where(flags["account_id"].notna(), flags["entity_id"].fillna(""))
    what = flags["code"].mask(flags["family"] == "PLEDGE", "PLEDGE")
    return (what + "|" + about).astype("str")
