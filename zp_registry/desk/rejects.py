"""待更正: rows that were turned back, corrected in the page or as a workbook, and sent in again."""

from __future__ import annotations

import io
import secrets
from collections import Counter
from typing import Any

from flask import Blueprint, abort, render_template, request, send_file, url_for
from sqlalchemy import Connection, text

from zp_registry.desk.access import me, needs, noted
from zp_registry.desk.state import desk
from zp_registry.desk.work import hand_in
from zp_registry.jobs.corrections import export_rejects, shown_cells
from zp_registry.jobs.shift import on_shift
from zp_registry.registry import audit
from zp_registry.registry.rejects import KeptRow, open_rejects

page = Blueprint("rejects", __name__)
PER_PAGE = 50


def _rows(connection: Connection, tokens: list[str] | None = None) -> list[KeptRow]:
    """The open rows that may be seen: those of one town see those of the files that they uploaded."""
    rows = open_rejects(connection, desk().office.ring, tokens)
    if me().towns is None:
        return rows
    own = "SELECT f.id FROM report_file f JOIN desk_upload u ON u.sha256 = f.sha256 WHERE u.who = :w"
    mine = {r[0] for r in connection.execute(text(own), {"w": me().name})}
    return [r for r in rows if r.file_id in mine]


@page.get("/rejects")
@needs("clerk")
def rejects() -> Any:
    """The open rows, filtered by file, code or words."""
    file, code, start = (request.args.get(k, "") for k in ("file", "code", "start"))
    with desk().office.engine.connect() as connection:
        rows = _rows(connection)
    files = Counter(r.source_file for r in rows)
    codes = Counter((c, m) for r in rows for said in r.bad.values() for c, m in said)
    chosen = [r for r in rows if (not file or r.source_file == file)
              and (not code or any(c == code for said in r.bad.values() for c, _ in said))]  # fmt: skip
    at = min(int(start), len(chosen)) if start.isdigit() else 0
    return render_template("rejects.html", rows=chosen[at:at + PER_PAGE], n=len(chosen), at=at, step=PER_PAGE, files=files,
                           codes=codes, file=file, code=code, all=len(rows))  # fmt: skip


@page.route("/rejects/<token>", methods=["GET", "POST"])
@needs("clerk")
def one(token: str) -> Any:
    """One row: its bad cells in clear, the others masked."""
    with desk().office.engine.connect() as connection:
        found = _rows(connection, [token])
    if not found:
        abort(404)
    row = found[0]
    cells = shown_cells(row)
    if request.method == "POST":
        if row.status != "open":
            abort(404)
        edited = {h: request.form.get(f"c{i}", v)[:2000] for i, (h, v) in enumerate(cells.items())}
        return hand_in("correct", token, {"cells": {token: edited}}, url_for("rejects.one", token=token))
    noted("show reject", f"{row.source_file} {row.sheet} {row.row}")
    return render_template("reject.html", row=row, cells=cells, whole=row.bad.get("", []))


@page.post("/rejects.xlsx")
@needs("clerk")
def workbook() -> Any:
    """All open rows as a workbook, as the command writes it; for those of the whole county."""
    if me().towns is not None:
        abort(403)
    folder = desk().office.home.root / "desk" / "lists"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f".{secrets.token_hex(8)}.xlsx"
    try:
        with audit.acting_as(me().name), on_shift(desk().office, "desk rejects export", patience=20) as office:
            export_rejects(office, path)
        data = io.BytesIO(path.read_bytes())
    finally:
        path.unlink(missing_ok=True)
    return send_file(data, as_attachment=True, download_name="待更正.xlsx")
