"""Keeping cases: what follows from the flags, what people did, and nothing that a person wrote is ever lost."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sqlalchemy import Connection, insert, text

from zp_registry.flags.cases import WITHDRAWN, cases_of, groups, settled_state
from zp_registry.flags.rulebook import Rulebook
from zp_registry.frames import as_records
from zp_registry.registry import bulk, differences
from zp_registry.registry.models import CaseEvent
from zp_registry.registry.state import read_state, write_state

SYSTEM = "系统"
FACTS = ("entity_id", "level", "score", "codes", "opened_on", "news_on", "grace_until", "deadline", "provisional")
_KEY = ["platform", "account_id"]
_INTEGERS = ["provisional", "worked", "version"]


def read_cases(connection: Connection) -> pd.DataFrame:
    """The table ``case_file``."""
    return bulk.read(connection, "SELECT * FROM case_file ORDER BY case_id", integers=_INTEGERS, floats=["score"])


def write_cases(connection: Connection, book: Rulebook, now: str) -> dict[str, int]:
    """Makes the cases follow the flags as they stand. A case that nobody worked on is nothing but what the flags say of it; one
    that somebody did keeps its state, its history says what became of its cause."""
    flags = bulk.read(
        connection,
        "SELECT code, status, platform, account_id, entity_id, first_seen, last_seen, score, explained FROM flag "
        "WHERE family = 'TRANSFER' AND account_id IS NOT NULL",
        floats=["score"],
    )
    told = cases_of(flags, book)
    old = read_cases(connection)
    both = told.merge(
        old[[*_KEY, "case_id", "state", "assignee", "group_id", "closed_why", "worked", "version", "news_on"]].rename(
            columns={"news_on": "was_news_on"}
        ),
        on=_KEY,
        how="left",
    )
    fresh = both["case_id"].isna()
    both.loc[fresh, "case_id"] = _new_ids(connection, int(fresh.sum()))
    both = both.fillna({"state": "open", "worked": 0, "version": 0}).astype({"worked": "int64", "version": "int64"})
    both, events = _settled(both, now)
    # What the flags no longer speak of at all: nobody's work is thrown away.
    lost = old[~old.set_index(_KEY).index.isin(told.set_index(_KEY).index) & (old["worked"] == 1)].copy()
    closing = lost["state"].isin(["open", "assigned", "visited"])
    events += [_event(c, now, "closed", s, "closed", WITHDRAWN) for c, s in lost.loc[closing, ["case_id", "state"]].to_numpy()]
    lost.loc[closing, "closed_why"] = WITHDRAWN
    lost.loc[closing, "version"] += 1
    lost.loc[closing, "state"] = "closed"
    every = pd.concat([both.reindex(columns=old.columns), lost], ignore_index=True)
    every["group_id"] = _grouped(connection, every)
    counts = differences.write_difference(connection, "case_file", every[list(old.columns)], ["case_id"])
    if events:
        connection.execute(insert(CaseEvent), events)
    return counts


def _settled(both: pd.DataFrame, now: str) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    events: list[dict[str, Any]] = []
    both["closed_why"] = both["closed_why"].astype("str")
    states = both[["state", "standing"]].drop_duplicates()
    goes = {(s, t): settled_state(s, t) for s, t in states.itertuples(index=False, name=None)}
    # An untouched case has no state but what its flags say.
    plain = {t: settled_state("open", t) for t in both["standing"].unique()}
    after = [goes[(s, t)] if w else plain[t] for s, t, w in zip(both["state"], both["standing"], both["worked"], strict=True)]
    state = pd.Series([a for a, _ in after], index=both.index, dtype="str")
    why = pd.Series([w for _, w in after], index=both.index, dtype="str")
    state = state.mask((state == "open") & both["assignee"].notna(), "assigned")
    moved = (both["state"] != state) & (both["worked"] == 1)
    for case, was, to, reason, codes, news in (
        both.assign(to=state, why=why)
        .loc[moved, ["case_id", "state", "to", "why", "codes", "news_on"]]
        .itertuples(index=False, name=None)
    ):
        again = to in ("open", "assigned")
        events.append(
            _event(case, now, "reopened" if again else to, was, to, f"{reason}：{codes}（{news}）" if again else reason)
        )
    newer = (both["worked"] == 1) & ~moved & state.isin(["confirmed", "handed_over", "assigned", "visited", "open"])
    newer &= (both["news_on"] > both["was_news_on"]).fillna(False)
    for case, to, codes, news in (
        both.assign(to=state).loc[newer, ["case_id", "to", "codes", "news_on"]].itertuples(index=False, name=None)
    ):
        events.append(_event(case, now, "news", to, to, f"出现新的依据：{codes}（{news}）"))
    over = state.isin(["closed"])
    both["closed_why"] = why.where(over & (why != ""), both["closed_why"].where(over))
    both["version"] = both["version"] + (moved | newer).astype("int64")
    both["state"] = state
    return both, events


def _event(case: str, now: str, action: str, was: str, to: str, note: str) -> dict[str, Any]:
    return {
        "case_id": case, "at": now, "who": SYSTEM, "action": action, "from_state": was, "to_state": to, "note": note,
        "reference": None,
    }  # fmt: skip


def _new_ids(connection: Connection, count: int) -> list[str]:
    start = int(read_state(connection, "last_case") or 0)
    if count:
        write_state(connection, "last_case", str(start + count))
    return [f"C{n:08d}" for n in range(start + 1, start + count + 1)]


def _grouped(connection: Connection, cases: pd.DataFrame) -> pd.Series[str]:
    """Cases of one controller: one present holder, phone, payee account or undeclared person on camera. What an agency lends
    its clients groups nothing; a group is a hint for those who visit, no finding."""
    bulk.stage(connection, "cs_cases", cases[["case_id", *_KEY]].astype("str"))
    rows = bulk.read(
        connection,
        """
        SELECT n.case_id, a.entity_id, c.phone_hashes, c.phone_hash, c.payee_hash, c.agency_key, c.subject_key, a.record_id
        FROM cs_cases n JOIN account a ON a.platform = n.platform AND a.account_id = n.account_id
        JOIN record c ON c.id = a.record_id""",
        integers=["record_id"],
    )
    faces = bulk.read(
        connection,
        """
        SELECT n.case_id, p.id_hash, p.name_key, c.subject_key FROM cs_cases n
        JOIN account a ON a.platform = n.platform AND a.account_id = n.account_id
        JOIN record c ON c.id = a.record_id JOIN record_streamer p ON p.record_id = a.record_id
        WHERE p.id_hash IS NOT NULL AND (p.relation IS NULL OR p.relation = 'other')""",
    )
    bulk.unstage(connection, "cs_cases")
    own = rows[rows["agency_key"].isna()]
    phones = own["phone_hashes"].fillna(own["phone_hash"]).str.split(";")
    faces = faces[(faces["name_key"] != faces["subject_key"]).fillna(True)]
    parts = [
        pd.DataFrame({"case": rows["case_id"], "token": "e" + rows["entity_id"]}),
        pd.DataFrame({"case": own["case_id"], "token": phones})
        .explode("token")
        .assign(token=lambda f: "p" + f["token"].astype("str")),
        pd.DataFrame({"case": own["case_id"], "token": "m" + own["payee_hash"]}),
        pd.DataFrame({"case": faces["case_id"], "token": "f" + faces["id_hash"]}),
    ]
    members = pd.concat(parts, ignore_index=True).dropna().drop_duplicates()
    if members.empty:
        return pd.Series(pd.NA, index=cases.index, dtype="str")
    number = groups(members)
    size = number.groupby(number).transform("size")
    first = pd.Series(number.index, index=number.index).groupby(number).transform("min")
    named = ("G" + first.str.slice(1)).where(size > 1)
    return cases["case_id"].map(named).astype("str")


def case_row(connection: Connection, case_id: str) -> dict[str, Any] | None:
    """One row of ``case_file``; None when there is no such case."""
    row = connection.execute(text("SELECT * FROM case_file WHERE case_id = :c"), {"c": case_id}).mappings().first()
    return None if row is None else dict(row)


def case_events(connection: Connection, case_id: str) -> list[dict[str, Any]]:
    """Who did what to a case, the oldest first."""
    rows = connection.execute(
        text(
            "SELECT id, at, who, action, from_state, to_state, note, reference FROM case_event WHERE case_id = :c ORDER BY id"
        ),
        {"c": case_id},
    )
    return [dict(r) for r in rows.mappings()]


def note_act(
    connection: Connection,
    case: dict[str, Any],
    *,
    action: str,
    to: str,
    who: str,
    note: str,
    now: str,
    reference: str | None = None,
    assignee: str | None = None,
) -> bool:
    """Writes a person's act, if nobody was quicker (``case["version"]`` still stands); False otherwise."""
    done = connection.execute(
        text(
            "UPDATE case_file SET state = :s, assignee = :a, worked = 1, version = version + 1, closed_why = :w "
            "WHERE case_id = :c AND version = :v"
        ),
        {
            "s": to,
            "a": assignee if assignee is not None else case["assignee"],
            "w": note if to == "dismissed" else None,
            "c": case["case_id"],
            "v": case["version"],
        },
    ).rowcount
    if done:
        connection.execute(
            insert(CaseEvent).values(
                case_id=case["case_id"],
                at=now,
                who=who,
                action=action,
                from_state=case["state"],
                to_state=to,
                note=note,
                reference=reference,
            )
        )
    return bool(done)


def cases_about(
    connection: Connection, *, entity_id: str | None = None, account: tuple[str, str] | None = None
) -> list[dict[str, Any]]:
    """case_id and state of the cases of a present holder, or of an account (platform and id), the newest first."""
    where = "entity_id = :e" if entity_id is not None else "platform = :p AND account_id = :a"
    platform, account_id = account or (None, None)
    return as_records(bulk.read(
        connection, f"SELECT case_id, state FROM case_file WHERE {where} ORDER BY case_id DESC",
        {"e": entity_id, "p": platform, "a": account_id},
    ))  # fmt: skip
