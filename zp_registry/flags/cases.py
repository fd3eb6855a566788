"""Which accounts make a case, how strong it is and in what state it ought to be: a pure function of flags and settings."""

from __future__ import annotations

import numpy as np
import pandas as pd

from zp_registry.flags.codes import FLAG_CODES
from zp_registry.flags.rulebook import HIGH, MEDIUM, Rulebook
from zp_registry.resolve.history import ACCOUNT
from zp_registry.workdays import deadlines

OPEN_STATES = ("open", "assigned", "visited")
WITHDRAWN = "依据已被更正或撤回"  # stands in ``explained`` of a flag whose cause is gone


def qualified(flags: pd.DataFrame, book: Rulebook) -> pd.DataFrame:
    """Accounts (index platform, account_id) with one high flag or two medium ones: ``score``, ``level``, ``codes``,
    ``opened_on`` (report date from which on that was so), ``entity_id``.

    Whatever makes a case has a high sign or two medium ones, so that their level would tell nothing apart. A case's score is
    that of all its strong signs together (1 − ∏(1 − score)), and it is high above ``book.first``: where signs bear each other
    out.
    """
    strong = flags[flags["score"] >= MEDIUM].sort_values([*ACCOUNT, "first_seen", "code"])
    if strong.empty:
        names = ["score", "level", "codes", "opened_on", "entity_id"]
        return pd.DataFrame(columns=names, index=pd.MultiIndex.from_arrays([[], []], names=ACCOUNT))
    strong = strong.assign(nth=strong.groupby(ACCOUNT).cumcount())
    enough = (strong["score"] >= HIGH) | (strong["nth"] >= 1)
    opened = strong[enough].groupby(ACCOUNT)["first_seen"].min()
    grouped = strong.groupby(ACCOUNT)
    out = pd.DataFrame(
        {
            "score": (1 - (1 - strong["score"]).groupby([strong[c] for c in ACCOUNT]).prod()).round(4),
            "codes": grouped["code"].agg(lambda s: ";".join(sorted(set(s)))),
            "opened_on": opened,
            "entity_id": grouped["entity_id"].last(),
        }
    ).dropna(subset=["opened_on"])
    out["level"] = np.where(out["score"] > book.first, "high", "medium")
    return out


def cases_of(flags: pd.DataFrame, book: Rulebook) -> pd.DataFrame:
    """One row per account that ever made a case. ``flags``: TRANSFER flags with a status each.

    Columns: platform, account_id, entity_id, level, score, codes, opened_on, news_on, grace_until, deadline, provisional,
    ``standing``: live (it makes a case by what is open), hinted (something medium or high is open), confirmed, dismissed,
    withdrawn (its grounds were corrected away) or ended (its cause has passed).
    """
    flags = flags[flags["account_id"].notna()]
    ever = qualified(flags, book)
    if ever.empty:
        return pd.DataFrame(
            columns=[*ACCOUNT, "entity_id", "level", "score", "codes", "opened_on", "news_on", "grace_until", "deadline",
                     "provisional", "standing"]
        )  # fmt: skip
    open_now = flags[flags["status"] == "open"]
    live = qualified(open_now, book)
    # What is open tells how strong the case is; of a case that is over, what it was about.
    out = live.combine_first(ever)
    event = flags["code"].map({c: v.event for c, v in FLAG_CODES.items()}).astype(bool)
    dates = flags.assign(news=flags["last_seen"].where(event, flags["first_seen"]))
    strong = dates[dates["score"] >= MEDIUM]
    out["news_on"] = strong.groupby(ACCOUNT)["news"].max()
    out["opened_on"] = ever["opened_on"]
    grounds = pd.DataFrame(index=out.index)
    for status in ("confirmed", "dismissed"):
        grounds[status] = flags[flags["status"] == status].groupby(ACCOUNT).size()
    grounds["hinted"] = open_now[open_now["score"] >= MEDIUM].groupby(ACCOUNT).size()
    grounds["withdrawn"] = flags[(flags["explained"] == WITHDRAWN).fillna(False)].groupby(ACCOUNT).size()
    have = grounds.notna()
    standing = pd.Series("ended", index=out.index, dtype="str")
    standing = standing.mask(have["withdrawn"], "withdrawn").mask(have["dismissed"], "dismissed")
    standing = standing.mask(have["confirmed"], "confirmed")
    standing = standing.mask(have["hinted"] & standing.isin(["dismissed", "confirmed"]), "hinted")
    out["standing"] = standing.mask(out.index.isin(live.index), "live")
    out = out.reset_index()
    out["grace_until"], _ = deadlines(out["opened_on"], book.grace_days)
    out["deadline"], provisional = deadlines(out["news_on"], book.case_days)
    out["provisional"] = provisional.astype("int64")
    return out


def live_cases(flags: pd.DataFrame, acts: pd.DataFrame, book: Rulebook) -> pd.DataFrame:
    """The cases that ``flags`` give, each in the state (``state``) that the last of ``acts`` (platform, account_id, to_state,
    in order) left it in."""
    last = acts[acts["to_state"] != ""].drop_duplicates(ACCOUNT, keep="last")[[*ACCOUNT, "to_state"]]
    found = cases_of(flags[flags["family"] == "TRANSFER"], book)
    found = found[found["standing"] == "live"].merge(last, on=ACCOUNT, how="left")
    return found.assign(state=found["to_state"].astype("str").fillna("open").replace("closed", "open"))


def settled_state(state: str, standing: str) -> tuple[str, str]:
    """(the state that a case goes into by itself, why in Chinese or empty). What a person settled stands until there is new
    evidence; a case whose cause is gone closes, and opens again when the cause comes back."""
    if standing == "live":
        return (state, "") if state in (*OPEN_STATES, "confirmed", "handed_over") else ("open", "出现新的依据")
    if state == "dismissed" and standing == "hinted":
        return "open", "出现新的依据"
    if state in ("confirmed", "handed_over", "dismissed"):
        return state, ""
    if standing == "hinted":
        return (state, "") if state in OPEN_STATES else ("closed", "")
    if standing in ("confirmed", "dismissed"):
        word = {"confirmed": "确认", "dismissed": "排除"}[standing]
        return standing, f"其线索已逐条{word}"
    return "closed", WITHDRAWN if standing == "withdrawn" else "情形已消除"


def groups(members: pd.DataFrame) -> pd.Series[int]:
    """Cases that hang together: index case, the number of its group. ``members``: case, token (whatever two of one controller
    have in common)."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    cases, names = pd.factorize(members["case"])
    tokens, _ = pd.factorize(members["token"])
    n = len(names)
    size = n + (int(tokens.max()) + 1 if len(tokens) else 0)
    graph = coo_matrix((np.ones(len(cases)), (cases, tokens + n)), shape=(size, size))
    _, labels = connected_components(graph, directed=False)
    return pd.Series(labels[:n], index=names)
