"""Rejected rows: out to a clerk with only the bad cells in clear, and back laid over the sealed original."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

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


def open_rejects(connection: Connection, ring: Keyring, tokens: Sequence[str] | None = None) -> list[KeptRow]:
    """The open rejects (or those of ``tokens``, whatever their state), in file and row order."""
    rows = bulk.read(
        connection,
        """
        SELECT j.id, j.token, j.file_id, f.name AS source_file, f.mapping, f.kind, f.options, j.as_of, j.sheet,
        j.row, CASE WHEN r.superseded_by IS NULL THEN j.status ELSE 'superseded' END AS status, j.sealed
        FROM reject j JOIN report_file f ON f.id = j.file_id LEFT JOIN report r ON r.id = j.report_id
        ORDER BY f.id, j.sheet, j.row""",
        integers=["id", "file_id", "row"],
        raw=["sealed"],
    )
    rows = rows[rows["token"].isin(list(tokens))] if tokens is not None else rows[rows["status"] == "open"]
    faults = bulk.read(
        connection,
        "SELECT reject_id, header, code, note FROM fault WHERE reject_id IS NOT NULL ORDER BY id",
        integers=["reject_id"],
    )
    by_reject: dict[int, dict[str, list[tuple[str, str]]]] = {}
    for reject, header, code, note in faults.itertuples(index=False, name=None):
        entry = by_reject.setdefault(int(reject), {}).setdefault(header if isinstance(header, str) else "", [])
        entry.append((code, message(code, note if isinstance(note, str) else "")))
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
