"""The follow-up list page by page: who has not signed, what was tried, and who is next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from zp_registry.frames import as_records
from zp_registry.registry import bulk
from zp_registry.registry.followups import REASONS
from zp_registry.registry.search import TOWN, only

_FROM = f"""
    FROM (SELECT f.flag_id, f.code, f.status, f.first_seen, e.entity_id, e.kind, e.name, e.contact_name, e.phone_mask,
                 e.address,
                 {TOWN} AS town
          FROM flag f JOIN entity e ON e.entity_id = f.entity_id WHERE f.family = 'PLEDGE') v"""
# What was tried before it was listed was another matter: a pledge of years ago.
_OF_THIS = "FROM followup_attempt t WHERE t.flag_id = v.flag_id AND t.attempted_on >= v.first_seen"
_TRIED = f"(SELECT COUNT(*) {_OF_THIS})"


def _where(
    towns: Sequence[str] | None, town: str | None, code: str | None, tried: str | None
) -> tuple[str, dict[str, Any]]:
    seen, given = only(towns, "v.town")
    out: dict[str, Any] = dict(given)
    parts = ["v.status = 'open'", seen]
    if town:
        parts.append("COALESCE(v.town, '') = :town")
        out["town"] = "" if town == "-" else town
    if code:
        parts.append("v.code = :code")
        out["code"] = code
    if tried in ("no", "yes"):
        parts.append(f"{_TRIED} {'= 0' if tried == 'no' else '> 0'}")
    return " AND ".join(parts), out


def lines(
    connection: Connection, towns: Sequence[str] | None, *, town: str | None = None, code: str | None = None,
    tried: str | None = None, limit: int = 50, offset: int = 0, deadline_days: int = 15,
) -> list[dict[str, Any]]:  # fmt: skip
    """flag_id, entity_id, kind, name, contact_name, phone_mask, address, town, reason, first_seen, attempts, last_on,
    last_outcome, deadline; those listed first come first. ``town`` "-": those of no known town."""
    where, given = _where(towns, town, code, tried)
    last = f"{_OF_THIS} ORDER BY t.attempted_on DESC, t.id DESC LIMIT 1"
    rows = bulk.read(
        connection,
        f"""
        SELECT v.*, {_TRIED} AS attempts, (SELECT t.attempted_on {last}) AS last_on,
               (SELECT t.method || '：' || t.outcome {last}) AS last_outcome
        {_FROM} WHERE v.flag_id IN (
            SELECT v.flag_id {_FROM} WHERE {where} ORDER BY v.first_seen, v.flag_id LIMIT :limit OFFSET :offset)
        ORDER BY v.first_seen, v.flag_id""",
        {**given, "limit": limit, "offset": offset},
        integers=["attempts"],
    )
    return [_told(r, deadline_days) for r in as_records(rows)]


def _told(row: dict[str, Any], deadline_days: int) -> dict[str, Any]:
    since = dt.date.fromisoformat(row["last_on"] or row["first_seen"])
    deadline = (since + dt.timedelta(days=deadline_days)).isoformat()
    return {**row, "reason": REASONS.get(row["code"], row["code"]), "deadline": deadline}


def count(
    connection: Connection, towns: Sequence[str] | None, *, town: str | None = None, code: str | None = None,
    tried: str | None = None,
) -> int:  # fmt: skip
    """How many lines there are."""
    where, given = _where(towns, town, code, tried)
    return int(bulk.read(connection, f"SELECT COUNT(*) AS n {_FROM} WHERE {where}", given, integers=["n"])["n"].iloc[0])


def by_town(connection: Connection, towns: Sequence[str] | None) -> list[dict[str, Any]]:
    """town (None: unknown) and how many wait there, the most first."""
    where, given = _where(towns, None, None, None)
    return as_records(bulk.read(
        connection, f"SELECT v.town, COUNT(*) AS n {_FROM} WHERE {where} GROUP BY v.town ORDER BY n DESC", given,
        integers=["n"],
    ))  # fmt: skip


def following(connection: Connection, line: dict[str, Any], towns: Sequence[str] | None) -> str | None:
    """The flag that comes behind this line among the open ones of its town."""
    where, given = _where(towns, line["town"] or "-", None, None)
    rows = bulk.read(
        connection,
        f"SELECT v.flag_id {_FROM} WHERE {where} AND (v.first_seen > :first OR (v.first_seen = :first AND v.flag_id > :flag)) "
        "ORDER BY v.first_seen, v.flag_id LIMIT 1",
        {**given, "first": line["first_seen"], "flag": line["flag_id"]},
    )
    return None if rows.empty else str(rows["flag_id"].iloc[0])


def one(connection: Connection, flag_id: str, towns: Sequence[str] | None, deadline_days: int) -> dict[str, Any] | None:
    """One line, also of a flag that is resolved by now, with ``tried`` (attempted_on, method, outcome, note, sheet,
    recorded_at)."""
    seen, given = only(towns, "v.town")
    rows = as_records(bulk.read(
        connection, f"SELECT v.*, NULL AS last_on {_FROM} WHERE v.flag_id = :f AND {seen}", {"f": flag_id, **given}
    ))  # fmt: skip
    if not rows:
        return None
    tried = as_records(bulk.read(
        connection,
        "SELECT attempted_on, method, outcome, note, sheet, recorded_at FROM followup_attempt WHERE flag_id = :f "
        "ORDER BY attempted_on DESC, id DESC", {"f": flag_id},
    ))  # fmt: skip
    rows[0]["last_on"] = tried[0]["attempted_on"] if tried else None
    return {**_told(rows[0], deadline_days), "tried": tried, "attempts": len(tried)}
