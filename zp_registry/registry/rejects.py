"""Rejected rows: out to a clerk with only the bad cells in clear, and back laid over the sealed original."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy import Connection, text

from zp_registry.crypto import Keyring
from zp_registry.frames import as_records
from zp_registry.quarantine.codes import message
from zp_registry.registry import bulk


@dataclass
class KeptRow:
    """A rejected row opened: its cells as they stood, and per header the codes with their Chinese messages."""

    token: str
    file_id: int
    source_file: str
    mapping: str
    kind: str
    options: str
    as_of: str
    sheet: str
    row: int
    status: str
    cells: dict[str, str]
    bad: dict[str, list[tuple[str, str]]]


_FROM = "FROM reject j JOIN report_file f ON f.id = j.file_id LEFT JOIN report r ON r.id = j.report_id"
_OPEN = "j.status = 'open' AND r.superseded_by IS NULL"
# Rows of a file that this person uploaded.
_OWN = "EXISTS (SELECT 1 FROM desk_upload u WHERE u.sha256 = f.sha256 AND u.who = :own)"


def open_rejects(
    connection: Connection, ring: Keyring, tokens: Sequence[str] | None = None, own: str | None = None
) -> list[KeptRow]:
    """The open rejects (or those of ``tokens``, whatever their state), in file and row order; ``own``: of files that this
    person uploaded alone."""
    where = [_OPEN] if tokens is None else ["j.token IN (SELECT token FROM or_tokens)"]
    where += [_OWN] if own is not None else []
    if tokens is not None:
        bulk.stage(connection, "or_tokens", pd.DataFrame({"token": sorted(set(tokens))}, dtype="str"))
    rows = bulk.read(
        connection,
        f"""
        SELECT j.id, j.token, j.file_id, f.name AS source_file, f.mapping, f.kind, f.options, j.as_of, j.sheet,
        j.row, CASE WHEN r.superseded_by IS NULL THEN j.status ELSE 'superseded' END AS status, j.sealed
        {_FROM} WHERE {" AND ".join(where)} ORDER BY f.id, j.sheet, j.row""",
        {"own": own},
        integers=["id", "file_id", "row"],
        raw=["sealed"],
    )
    if tokens is not None:
        bulk.unstage(connection, "or_tokens")
    by_reject = _said(connection, rows["id"].tolist())
    return [
        KeptRow(
            r["token"],
            r["file_id"],
            r["source_file"],
            r["mapping"],
            r["kind"],
            r["options"],
            r["as_of"] or "",
            r["sheet"],
            r["row"],
            r["status"],
            json.loads(ring.unseal(bytes(r["sealed"]), column="reject.sealed", record_key=r["token"]).decode()),
            by_reject.get(r["id"], {}),
        )
        for r in as_records(rows)
    ]


def _said(connection: Connection, rejects: Sequence[int]) -> dict[int, dict[str, list[tuple[str, str]]]]:
    """By reject and header the codes with their messages."""
    bulk.stage(connection, "or_rejects", pd.DataFrame({"id": list(rejects)}, dtype="int64"))
    faults = bulk.read(
        connection,
        "SELECT u.reject_id, u.header, u.code, u.note FROM or_rejects n JOIN fault u ON u.reject_id = n.id ORDER BY u.id",
        integers=["reject_id"],
    )
    bulk.unstage(connection, "or_rejects")
    out: dict[int, dict[str, list[tuple[str, str]]]] = {}
    for reject, header, code, note in faults.itertuples(index=False, name=None):
        entry = out.setdefault(int(reject), {}).setdefault(header if isinstance(header, str) else "", [])
        entry.append((code, message(code, note if isinstance(note, str) else "")))
    return out


def listed(
    connection: Connection, *, own: str | None = None, file: str | None = None, code: str | None = None, limit: int = 50,
    offset: int = 0,
) -> tuple[list[dict[str, Any]], int]:  # fmt: skip
    """Open rejects without their cells: token, source_file, sheet, row, as_of, bad (as of KeptRow), in file and row order; and
    how many there are in all."""
    where, given = [_OPEN], {"own": own, "file": file, "code": code, "limit": limit, "offset": offset}
    where += [_OWN] if own is not None else []
    where += ["f.name = :file"] if file else []
    where += ["EXISTS (SELECT 1 FROM fault t WHERE t.reject_id = j.id AND t.code = :code)"] if code else []
    among = f"{_FROM} WHERE {' AND '.join(where)}"
    count = bulk.read(connection, f"SELECT COUNT(*) AS n {among}", given, integers=["n"])["n"].iloc[0]
    rows = as_records(bulk.read(
        connection,
        f"SELECT j.id, j.token, f.name AS source_file, j.sheet, j.row, j.as_of {among} "
        "ORDER BY f.id, j.sheet, j.row LIMIT :limit OFFSET :offset", given, integers=["id", "row"],
    ))  # fmt: skip
    said = _said(connection, [r["id"] for r in rows])
    return [{**r, "bad": said.get(r["id"], {})} for r in rows], int(count)


def tally(connection: Connection, own: str | None = None) -> tuple[dict[str, int], dict[str, int]]:
    """How many open rejects each file has, and each code."""
    where = _OPEN + (f" AND {_OWN}" if own is not None else "")
    rows = as_records(bulk.read(
        connection,
        f"""
        SELECT 'file' AS what, f.name AS x, COUNT(*) AS n {_FROM} WHERE {where} GROUP BY f.name
        UNION ALL SELECT 'code', t.code, COUNT(DISTINCT j.id) {_FROM} JOIN fault t ON t.reject_id = j.id WHERE {where}
        GROUP BY t.code ORDER BY 1, 3 DESC, 2""", {"own": own}, integers=["n"],
    ))  # fmt: skip
    files, codes = ({r["x"]: int(r["n"]) for r in rows if r["what"] == what} for what in ("file", "code"))
    return files, codes


def laid_over(original: dict[str, str], shown: dict[str, str], edited: dict[str, str]) -> dict[str, str]:
    """The original cells with those that a clerk changed: a cell counts as changed when it differs from what was shown, and a
    masked value never takes the place of a real one."""
    out = dict(original)
    for header, value in edited.items():
        if header in original and value != shown.get(header, "") and "*" not in value:
            out[header] = value
    return out


def close(connection: Connection, tokens: Sequence[str], now: str) -> None:
    """Closes rejects as corrected."""
    bulk.stage(connection, "rc_tokens", pd.DataFrame({"token": list(tokens)}).astype("str"))
    connection.execute(
        text(
            "UPDATE reject SET status = 'corrected', closed_at = :n WHERE token IN (SELECT token FROM rc_tokens) AND "
            "status = 'open'"
        ),
        {"n": now},
    )
    bulk.unstage(connection, "rc_tokens")
