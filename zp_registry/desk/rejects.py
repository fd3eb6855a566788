"""待更正: rows that were turned back, corrected in the page or as a workbook, and sent in again."""

from __future__ import annotations

import datetime as dt
import io
import secrets
from typing import Any

from flask import Blueprint, abort, render_template, request, send_file, url_for

from zp_registry.desk.access import me, needs, noted
from zp_registry.desk.state import desk
from zp_registry.desk.work import hand_in
from zp_registry.jobs.corrections import export_rejects, shown_cells
from zp_registry.jobs.shift import on_shift
from zp_registry.quarantine.codes import message, severity
from zp_registry.registry import audit
from zp_registry.registry.known import today
from zp_registry.registry.rejects import listed, open_rejects, tally

page = Blueprint("rejects", __name__)
PER_PAGE = 50
CHANGES = dt.timedelta(days=30)  # so long the list tells who corrected what


def _own() -> str | None:
    """Those of single towns see the rows of the files that they uploaded."""
    return None if me().towns is None else me().name


@page.get("/rejects")
@needs("clerk")
def rejects() -> Any:
    """The open rows, filtered by file and code; and the last corrections."""
    file, code, start = (request.args.get(k, "") for k in ("file", "code", "start"))
    at = int(start) if start.isdigit() and len(start) < 8 else 0
    with desk().office.engine.connect() as connection:
        files, codes = tally(connection, _own())
        file = file if file in files else ""  # its last row was just corrected
        rows, n = listed(connection, own=_own(), file=file, code=code, limit=PER_PAGE, offset=at)
        changes = audit.entries(
            connection, who=_own(), action="import corrected rows", since=(today() - CHANGES).isoformat(), limit=20
        )
    return render_template("rejects.html", rows=rows, n=n, at=at, step=PER_PAGE, files=files,
                           codes={c: message(c) for c in codes}, counts=codes, file=file, code=code, all=sum(files.values()),
                           changes=changes)  # fmt: skip


@page.route("/rejects/<token>", methods=["GET", "POST"])
@needs("clerk")
def one(token: str) -> Any:
    """One row: its bad cells in clear, the others masked."""
    with desk().office.engine.connect() as connection:
        found = open_rejects(connection, desk().office.ring, [token], _own())
    if not found:
        abort(404)
    row = found[0]
    cells = shown_cells(row)
    if request.method == "POST":
        if row.status != "open":
            abort(404)
        edited = {h: request.form.get(f"c{i}", v)[:2000] for i, (h, v) in enumerate(cells.items())}
        onward = url_for("rejects.rejects", file=row.source_file)
        place = " ".join(filter(None, (row.source_file, row.sheet, f"第 {row.row} 行")))
        return hand_in("correct", place, {"cells": {token: edited}}, url_for("rejects.one", token=token), onward)
    noted("show reject", f"{row.source_file} {row.sheet} {row.row}")
    grave = {h for h, said in row.bad.items() if any(severity(c) != "note" for c, _ in said)}
    return render_template("reject.html", row=row, cells=cells, grave=grave, whole=row.bad.get("", []))


@page.post("/rejects.xlsx")
@needs("clerk", whole=True)
def workbook() -> Any:
    """All open rows as a workbook, as the command writes it."""
    path = desk().office.home.root / "desk" / "spool" / f"{secrets.token_hex(8)}.xlsx"  # emptied when the desk starts
    try:
        with audit.acting_as(me().name), on_shift(desk().office, "desk rejects export", patience=20) as office:
            export_rejects(office, path)
        data = io.BytesIO(path.read_bytes())
    finally:
        path.unlink(missing_ok=True)
    return send_file(data, as_attachment=True, download_name="待更正.xlsx")
