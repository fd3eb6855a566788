"""Keeping flags: their ids and first dates over the nights, and what people decided about them."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import Connection, text

from zp_registry.flags import Flagged
from zp_registry.flags.cases import WITHDRAWN
from zp_registry.flags.codes import FLAG_CODES
from zp_registry.frames import among
from zp_registry.registry import bulk, differences
from zp_registry.registry.models import Base
from zp_registry.registry.state import read_state, write_state


def write_flags(connection: Connection, flagged: Flagged, decisions: pd.DataFrame) -> dict[str, int]:
    """Makes the table ``flag`` equal what was computed, and the entities' pledge status with it.

    A flag keeps its id as long as its anchor stays. One whose cause is gone disappears, unless somebody worked on it
    or has it on a list: then it
    stays as ``resolved``, so that nothing a person wrote loses its ground.
    """
    names = [c.name for c in Base.metadata.tables["flag"].columns]
    old = bulk.read(connection, "SELECT flag_id, anchor FROM flag")
    new = flagged.flags.reindex(columns=[c for c in names if c != "flag_id"])
    new["flag_id"] = new["anchor"].map(old.set_index("anchor")["flag_id"]).astype("str")
    fresh = new["flag_id"].isna()
    new.loc[fresh, "flag_id"] = _new_ids(connection, int(fresh.sum()))
    gone = _worked_on(connection, old[~among(old["anchor"], new["anchor"])])
    gone = gone.assign(status="resolved", explained=WITHDRAWN)
    every = (pd.concat([new, gone], ignore_index=True) if len(gone) else new)[names]
    every["status"] = decided(every, decisions)
    counts = differences.write_difference(connection, "flag", every, ["flag_id"])
    _write_pledge_status(connection, flagged.pledge_status)
    return counts


def _worked_on(connection: Connection, flags: pd.DataFrame) -> pd.DataFrame:
    """Those of ``flags`` (flag_id) that somebody decided on, or that stand on a list or in a case that somebody works on: their
    rows as they stand."""
    bulk.stage(connection, "wf_gone", flags[["flag_id"]])
    rows = bulk.read(
        connection,
        """
        SELECT f.* FROM wf_gone n JOIN flag f ON f.flag_id = n.flag_id
        WHERE EXISTS (SELECT 1 FROM decision d WHERE d.flag_id = f.flag_id)
           OR EXISTS (SELECT 1 FROM followup_attempt a WHERE a.flag_id = f.flag_id)
           OR EXISTS (SELECT 1 FROM followup_listing l WHERE l.flag_id = f.flag_id)
           OR EXISTS (SELECT 1 FROM case_file c WHERE c.platform = f.platform AND c.account_id = f.account_id AND c.worked = 1)
        ORDER BY f.flag_id""",
        floats=["score"],
    )
    bulk.unstage(connection, "wf_gone")
    return rows


def decided(flags: pd.DataFrame, decisions: pd.DataFrame) -> pd.Series[str]:
    """Status with people's decisions laid over it. A dismissed flag opens again when something newer than what was dismissed
    has happened to it: an event flag whose last_seen moved on, a state that ended and began anew."""
    last = decisions.drop_duplicates("flag_id", keep="last").set_index("flag_id")
    what = flags["flag_id"].map(last["decision"]).astype("str")
    until = flags["flag_id"].map(last["seen_until"]).astype("str")
    event = flags["code"].map({c: v.event for c, v in FLAG_CODES.items()}).fillna(False).astype(bool)
    newer = (flags["last_seen"].where(event, flags["first_seen"]) > until).fillna(False)
    return flags["status"].mask(what.isin(["confirmed", "dismissed"]).fillna(False) & ~newer, what)


def _new_ids(connection: Connection, count: int) -> list[str]:
    """Ids that were never used, from a counter that only grows."""
    start = int(read_state(connection, "last_flag") or 0)
    if count:
        write_state(connection, "last_flag", str(start + count))
    return [f"F{n:08d}" for n in range(start + 1, start + count + 1)]


def _write_pledge_status(connection: Connection, status: pd.Series[str]) -> None:
    bulk.stage(
        connection,
        "wf_status",
        pd.DataFrame({"entity_id": status.index.astype("str"), "status": status.to_numpy()}).astype("str"),
    )
    connection.exec_driver_sql("CREATE INDEX wf_status_key ON wf_status (entity_id)")
    connection.exec_driver_sql(
        "UPDATE entity AS t SET pledge_status = n.status FROM wf_status n WHERE t.entity_id = n.entity_id "
        "AND t.pledge_status IS DISTINCT FROM n.status"
    )
    bulk.unstage(connection, "wf_status")


def decide(connection: Connection, flag_id: str, decision: str, who: str, why: str, now: str) -> bool:
    """Notes a decision about a flag; False when there is no such flag."""
    row = connection.execute(text("SELECT last_seen FROM flag WHERE flag_id = :f"), {"f": flag_id}).first()
    if row is None:
        return False
    connection.execute(
        text("INSERT INTO decision (flag_id, decision, who, why, decided_at, seen_until) VALUES (:f, :d, :w, :y, :n, :s)"),
        {"f": flag_id, "d": decision, "w": who, "y": why, "n": now, "s": row[0]},
    )
    status = {"confirmed": "confirmed", "dismissed": "dismissed", "reopened": "open"}[decision]
    connection.execute(text("UPDATE flag SET status = :s WHERE flag_id = :f"), {"s": status, "f": flag_id})
    return True
