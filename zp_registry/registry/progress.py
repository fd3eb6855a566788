"""How far the county is: pledges by town and over time, platforms that are late or incomplete, what waits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from statistics import median
from typing import Any, Final

import pandas as pd
from sqlalchemy import Connection

from zp_registry.frames import as_records
from zp_registry.registry import bulk
from zp_registry.registry.search import TOWN, only

POINTS: Final = 12  # report dates on the curve
LATE: Final = 1.5  # a platform is late when its newest report is older than so many of its usual intervals
_USUAL: Final = 31  # days between two reports of a platform that has sent only one


def pledges_by_town(connection: Connection, towns: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """town (None: unknown), subjects (entities with an account that is not closed), signed, exempt, missing, expired, outdated,
    mismatch, and ``rate`` (signed and exempt among them), the most subjects first."""
    seen, names = only(towns)
    rows = bulk.read(
        connection,
        f"""
        SELECT v.town, v.pledge_status, COUNT(*) AS n FROM (
            SELECT e.entity_id, e.pledge_status, {TOWN} AS town FROM entity e WHERE {seen} AND EXISTS (
                SELECT 1 FROM account a WHERE a.entity_id = e.entity_id AND a.gone_on IS NULL
                AND COALESCE(a.account_status, '') <> 'closed')) v
        GROUP BY v.town, v.pledge_status""",
        names,
        integers=["n"],
    )
    table = rows.assign(town=rows["town"].fillna("")).pivot_table(
        index="town", columns="pledge_status", values="n", aggfunc="sum", fill_value=0
    ) if len(rows) else pd.DataFrame()  # fmt: skip
    out = []
    for town, counts in table.iterrows():
        line: dict[str, Any] = {"town": str(town) or None}
        for status in ("signed", "exempt", "missing", "expired", "outdated", "mismatch"):
            line[status] = int(counts.get(status, 0))
        line["subjects"] = int(counts.sum())
        line["rate"] = (line["signed"] + line["exempt"]) / line["subjects"] if line["subjects"] else 0.0
        out.append(line)
    return sorted(out, key=lambda r: -r["subjects"])


def pledge_curve(connection: Connection, towns: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """as_of, subjects, unsigned, rate on the last report dates: who held an account then, and whose pledge was wanting."""
    seen, names = only(towns)
    dates = bulk.read(
        connection,
        f"SELECT DISTINCT as_of FROM report WHERE superseded_by IS NULL AND as_of <> '' ORDER BY as_of DESC LIMIT {POINTS}",
    )["as_of"].tolist()  # fmt: skip
    if not dates:
        return []
    days = " UNION ALL ".join(f"SELECT CAST(:d{i} AS TEXT) AS as_of" for i in range(len(dates)))
    given = {**{f"d{i}": d for i, d in enumerate(dates)}, **names}
    held = bulk.read(
        connection,
        f"""
        SELECT d.as_of, COUNT(DISTINCT h.entity_id) AS n FROM ({days}) d
        JOIN holding h ON h.recorded_to IS NULL AND h.valid_from <= d.as_of AND (h.valid_to IS NULL OR h.valid_to > d.as_of)
        JOIN entity e ON e.entity_id = h.entity_id WHERE {seen} GROUP BY d.as_of""",
        given,
        integers=["n"],
    )
    wanting = bulk.read(
        connection,
        f"""
        SELECT d.as_of, COUNT(DISTINCT f.entity_id) AS n FROM ({days}) d
        JOIN flag f ON f.family = 'PLEDGE' AND f.first_seen <= d.as_of AND (f.status <> 'resolved' OR f.last_seen >= d.as_of)
        JOIN entity e ON e.entity_id = f.entity_id WHERE {seen} GROUP BY d.as_of""",
        given,
        integers=["n"],
    )
    subjects = dict(zip(held["as_of"], held["n"], strict=True))
    unsigned = dict(zip(wanting["as_of"], wanting["n"], strict=True))
    return [
        {"as_of": d, "subjects": int(n), "unsigned": min(int(n), int(unsigned.get(d, 0))),
         "rate": 1 - min(int(n), int(unsigned.get(d, 0))) / int(n)}
        for d in sorted(dates) if (n := subjects.get(d))
    ]  # fmt: skip


def platforms(connection: Connection, reference: str | None) -> list[dict[str, Any]]:
    """source, newest, days (since then, on the reference date), usual (interval in days), late, parts, missing (parts that came
    before and not with the newest date), accounts (of the newest date)."""
    rows = bulk.read(
        connection,
        """
        SELECT r.source, r.as_of, r.part, SUM(f.rows_loaded + f.rows_unchanged) AS n FROM report r
        JOIN report_file f ON f.id = r.file_id
        WHERE r.superseded_by IS NULL AND r.part NOT LIKE '%*%' AND r.part NOT LIKE '%更正%'
        GROUP BY r.source, r.as_of, r.part""",
        integers=["n"],
    )
    out = []
    for source, own in rows.groupby("source"):
        days = sorted(set(own["as_of"]))
        gaps = [(date.fromisoformat(b) - date.fromisoformat(a)).days for a, b in pairwise(days)]
        usual = int(median(gaps)) if gaps else _USUAL
        newest = own[own["as_of"] == days[-1]]
        age = (date.fromisoformat(reference) - date.fromisoformat(days[-1])).days if reference else 0
        former = set(own.loc[own["as_of"].isin(days[-3:]), "part"])
        out.append(
            {"source": source, "newest": days[-1], "days": age, "usual": usual, "late": age > LATE * usual,
             "parts": sorted(set(newest["part"])), "missing": sorted(former - set(newest["part"])),
             "rows": int(newest["n"].max())}
        )  # fmt: skip
    return sorted(out, key=lambda r: (not r["late"], not r["missing"], r["source"]))


def waiting(connection: Connection) -> dict[str, int]:
    """How many rejected rows, open flags by family, and decided ones there are."""
    rows = as_records(bulk.read(
        connection,
        "SELECT family || '/' || status AS what, COUNT(*) AS n FROM flag GROUP BY family, status "
        "UNION ALL SELECT 'rejects', COUNT(*) FROM reject WHERE status = 'open'", integers=["n"],
    ))  # fmt: skip
    return {r["what"]: int(r["n"]) for r in rows}


def files_of(connection: Connection, run_id: str) -> list[dict[str, Any]]:
    """The files that a run read, with their counts."""
    return as_records(bulk.read(
        connection,
        "SELECT name, mapping, state, message, rows_read, rows_loaded, rows_unchanged, rows_repeated, rows_rejected, "
        "rows_skipped FROM report_file WHERE run_id = :r ORDER BY id LIMIT 200", {"r": run_id},
        integers=["rows_read", "rows_loaded", "rows_unchanged", "rows_repeated", "rows_rejected", "rows_skipped"],
    ))  # fmt: skip
