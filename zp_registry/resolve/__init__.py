"""Resolve: from all live evidence to entities, holdings, roles and links; a pure function, written as differences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pandas as pd

from zp_registry.evidence import FACTS, Evidence, Part, Parts
from zp_registry.resolve import history, survivorship
from zp_registry.resolve.history import ACCOUNT
from zp_registry.resolve.links import links
from zp_registry.resolve.roles import roles
from zp_registry.resolve.subjects import masks_fit

__all__ = ["LINKED", "Resolved", "TellingRules", "Told", "resolve", "with_entity"]


@dataclass
class Tables:
    """``entities``, ``identifiers``, ``names``, ``accounts``, ``holdings``, ``roles``: as the tables · ``doubts``: code,
    platform, account_id, entity_id, as_of, why, place (for DATA flags)."""

    entities: pd.DataFrame
    identifiers: pd.DataFrame
    names: pd.DataFrame
    accounts: pd.DataFrame
    holdings: pd.DataFrame
    roles: pd.DataFrame
    doubts: pd.DataFrame


@dataclass
class Told(Tables):
    """What one part of the evidence tells. ``points``: report_id, record_id of the rows by which somebody holds an account, in
    order of account and date."""

    points: pd.DataFrame


@dataclass
class Resolved(Tables):
    """What all parts tell, in order of the tables' keys. ``parts``: of each part its points, holdings and doubts ·
    ``entity_of``: index subject_id, entity_id · ``facts``, ``faces``: Parts.facts and Evidence.faces with ``entity_id`` ·
    ``links``: as the table and more (links.COLUMNS) · ``alike``: entity_id, other_entity_id of persons of one name and the same
    visible digits whom review may find to be one."""

    parts: list[Told]
    entity_of: pd.Series[str]
    facts: pd.DataFrame
    faces: pd.DataFrame
    links: pd.DataFrame
    alike: pd.DataFrame


def with_entity(records: pd.DataFrame, entity_of: pd.Series[str]) -> pd.DataFrame:
    """``records`` (subject_id) with the entity that each subject is, NA where it is none."""
    return records.assign(entity_id=records["subject_id"].map(entity_of).astype("str"))


def entity_ids(roots: pd.Series[int]) -> pd.Series[str]:
    """An entity is called after its oldest subject, so that ids are never used twice and come back after an un-merge."""
    return ("E" + roots.astype("str").str.zfill(8)).astype("str")


@dataclass(frozen=True)
class TellingRules:
    """What is told of entities besides who is who: which values are shown, and how many names make a thing say nothing."""

    shown: survivorship.Preferences = field(default_factory=survivorship.Preferences)
    hub_names: int = 4


def resolve(
    evidence: Evidence,
    parts: Parts,
    entity_of: pd.Series[str],
    unsure: pd.DataFrame,
    rules: TellingRules | None = None,
    keep: Callable[[Told], Told] = lambda told: told,
) -> Resolved:
    """Entities and their history from ``evidence`` and its ``parts``, given who is who (``entity_of``: index subject_id, and
    ``unsure`` edges: left_id, right_id, rule); the same for the same evidence in whatever order it came, and however it is
    divided.

    ``keep`` gets what each part tells and returns what of it is to be kept (with empty frames for the
    rest): of entities at least LINKED, of accounts the account and last_seen, of names and roles nothing.
    """
    rules = rules or TellingRules()
    rivals = unsure.loc[unsure["rule"] == "rival"]
    rivalled = set(pd.concat([rivals["left_id"], rivals["right_id"]]).map(entity_of).dropna())
    told = [keep(_tell(part, evidence, entity_of, rivalled, rules)) for part in parts.reading(WIDE)]
    whole = {}
    for name, keys in _KEYS.items():
        whole[name] = _together([getattr(t, name) for t in told], keys)
        if name not in ("holdings", "doubts"):
            told = [replace(t, **{name: pd.DataFrame()}) for t in told]
    facts = with_entity(parts.facts(), entity_of)
    return Resolved(
        parts=told,
        entity_of=entity_of,
        facts=facts,
        faces=with_entity(evidence.faces, entity_of),
        links=links(facts, whole["entities"], rules.hub_names),
        alike=_alike(unsure, entity_of, whole["entities"]),
        **whole,
    )


_KEYS = {
    "entities": ["entity_id"],
    "identifiers": ["entity_id", "kind", "value"],
    "names": ["entity_id", "name"],
    "accounts": ACCOUNT,
    "holdings": [*ACCOUNT, "valid_from"],
    "roles": [*ACCOUNT, "role", "party_key", "valid_from"],
    "doubts": ["code", *ACCOUNT, "as_of"],
}
# What is asked for of a record, and of entities behind this stage.
WIDE = (*FACTS, "id_mask", "phone_mask", "payee_mask", "town", "source", "account_handle", "account_name", "account_url",
        "account_kind", "account_status", "held_from", "held_to", "info_status", "subject_name", "legal_representative",
        "operator_name", "contact_name", "business_address", "agency_name", "agency_uscc")  # fmt: skip
LINKED = ("entity_id", "kind", "name", "name_key", "uscc", "id_hash", "id_mask", "town")


def _together(frames: list[pd.DataFrame], keys: list[str]) -> pd.DataFrame:
    """All rows, in an order that does not depend on how the evidence was divided."""
    if len(frames) == 1:
        return frames[0]
    every = pd.concat(frames, ignore_index=True)
    return every.sort_values(keys, ignore_index=True) if len(every) else every


def _tell(part: Part, evidence: Evidence, entity_of: pd.Series[str], rivalled: set[str], rules: TellingRules) -> Told:
    records = with_entity(part.records, entity_of)
    observed = history.observations(records, part.sightings, evidence.reports)
    points, undecided = history.choose_holders(observed)
    named = records.loc[records["account_id"].notna(), [*ACCOUNT, "account_name"]].drop_duplicates()
    absences = history.absences(points, evidence.reports, evidence.present, named)
    points = pd.concat([points, absences], ignore_index=True).sort_values([*ACCOUNT, "as_of", "kind"], ignore_index=True)
    held = history.holdings(points)
    seen = part.sightings.merge(records, on="record_id").merge(
        evidence.reports[["report_id", "as_of", "part"]], on="report_id"
    )
    entities, identifiers, names = survivorship.survive(seen, rules.shown)
    hold = points[points["kind"] == "hold"].assign(record_id=lambda f: f["record_id"].astype("int64"))
    numbered = entities.loc[entities["uscc"].notna() | entities["id_hash"].notna(), "entity_id"]
    return Told(
        entities=entities,
        identifiers=identifiers,
        names=names,
        accounts=_accounts(points, held, records, entities),
        holdings=held,
        roles=roles(hold, records, part.people),
        points=hold[["report_id", "record_id"]].astype("int64").reset_index(drop=True),
        doubts=_doubts(rivalled - set(numbered), points, undecided),
    )


def _accounts(points: pd.DataFrame, held: pd.DataFrame, records: pd.DataFrame, entities: pd.DataFrame) -> pd.DataFrame:
    """One row per account with its present holder, or its last one when it is gone."""
    there = points[points["kind"] != "end"]
    seen = (
        there.groupby(ACCOUNT)
        .agg(first_seen=("as_of", "min"), last_seen=("as_of", "max"), unmatched=("unmatched", "last"))
        .reset_index()
    )
    last = there.drop_duplicates(ACCOUNT, keep="last")[[*ACCOUNT, "record_id"]]
    holder = held.drop_duplicates(ACCOUNT, keep="last")[[*ACCOUNT, "entity_id", "valid_to"]]
    out = seen.merge(last, on=ACCOUNT).merge(holder, on=ACCOUNT, how="left").rename(columns={"valid_to": "gone_on"})
    shown = ["record_id", "account_handle", "account_name", "account_url", "account_kind", "account_status", "town"]
    out = out.assign(record_id=out["record_id"].astype("int64")).merge(records[shown], on="record_id", how="left")
    out["town"] = out["town"].fillna(out["entity_id"].map(entities.set_index("entity_id")["town"]).astype("str"))
    out["account_status"] = out["account_status"].fillna("normal")
    return out


def _alike(unsure: pd.DataFrame, entity_of: pd.Series[str], entities: pd.DataFrame) -> pd.DataFrame:
    ends = {"entity_id": unsure["left_id"].map(entity_of), "other_entity_id": unsure["right_id"].map(entity_of)}
    pairs = pd.DataFrame(ends).dropna().astype("str").drop_duplicates()
    persons = entities.loc[entities["uscc"].isna(), ["entity_id", "name_key", "id_mask", "id_hash"]]
    both = pairs.merge(persons, on="entity_id").merge(
        persons.rename(columns={"entity_id": "other_entity_id"}), on="other_entity_id", suffixes=("", "_other")
    )
    one_name = both["name_key"].notna() & (both["name_key"] == both["name_key_other"]).fillna(False)
    shown = both["id_mask"].notna() & both["id_mask_other"].notna() & masks_fit(both["id_mask"], both["id_mask_other"])
    open_ = both["id_hash"].isna() | both["id_hash_other"].isna()
    return both.loc[one_name & shown & open_, ["entity_id", "other_entity_id"]]


def _doubts(rivalled: set[str], points: pd.DataFrame, undecided: pd.DataFrame) -> pd.DataFrame:
    placed = points[points["kind"] != "end"].assign(place=lambda f: history.place(f))
    several = undecided.merge(placed, on=[*ACCOUNT, "as_of"])
    parts = [several.assign(code="HOLDERS_SEVERAL", why="同一账号在同一报送中有多个主体，且未注明各自期间")]
    strangers = placed[placed["unmatched"] == 1]
    parts.append(strangers.assign(code="ACCOUNT_UNMATCHED", why="共享数据中的账号在该平台的报送中未找到"))
    unsure = placed[placed["entity_id"].isin(rivalled)]
    parts.append(unsure.assign(code="ENTITY_UNSURE", why="名称及部分要素与多个主体相符"))
    return pd.concat(parts, ignore_index=True)[
        ["code", *ACCOUNT, "entity_id", "as_of", "why", "place", "file_name", "sheet", "row"]
    ]
