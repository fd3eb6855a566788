"""催签: who has not signed, by town; attempts, signed pledges, notices to print, lists to fill in."""

from __future__ import annotations

import io
import re
from typing import Any

import pandas as pd
from flask import Blueprint, abort, render_template, request, send_file, url_for
from sqlalchemy import Connection

from zp_registry.desk.access import me, needs, note, noted
from zp_registry.desk.state import desk
from zp_registry.desk.work import hand_in
from zp_registry.errors import UsageError
from zp_registry.flags.reminders import NAMES, reminder_levels
from zp_registry.jobs.lists import pledge_notices, reminder_rules
from zp_registry.jobs.pledging import subject
from zp_registry.lists.casedocs import DOCX
from zp_registry.lists.followups_form import METHODS, OUTCOMES
from zp_registry.lists.safety import file_name
from zp_registry.registry import followup_lines
from zp_registry.registry.known import today
from zp_registry.registry.standing import reference_date

page = Blueprint("followups", __name__)
PER_PAGE, NOTICES = 50, 200


def _days() -> int:
    return desk().office.settings.pledges.deadline_days


def _staged(connection: Connection, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines with ``level`` (a word of LEVELS) and ``reminder``: how urgent each has become, in Chinese."""
    if not rows:
        return rows
    attempts, since = pd.Series([r["attempts"] for r in rows]), pd.Series([r["first_seen"] for r in rows], dtype="str")
    levels = reminder_levels(attempts, since, reference_date(connection), reminder_rules(desk().office))
    return [{**r, "level": level, "reminder": NAMES[level]} for r, level in zip(rows, levels, strict=True)]


@page.get("/followups")
@needs("clerk")
def followups() -> Any:
    """The list, filtered by town, reason and whether anybody tried."""
    town, code, tried, start = (request.args.get(k, "")[:60] for k in ("town", "code", "tried", "start"))
    at = int(start) if start.isdigit() and len(start) < 8 else 0
    with desk().office.engine.connect() as connection:
        key = "|".join(me().towns or ()) if me().towns is not None else "*"
        by_town = desk().once(connection, f"followups {key}", lambda: followup_lines.by_town(connection, me().towns))
        given = {"town": town or None, "code": code or None, "tried": tried or None}
        rows = _staged(
            connection,
            followup_lines.lines(connection, me().towns, **given, limit=PER_PAGE, offset=at, deadline_days=_days()),
        )
        plain = not code and not tried
        known = {(r["town"] or "-"): r["n"] for r in by_town}
        n = (known.get(town, 0) if town else sum(known.values())) if plain else followup_lines.count(
            connection, me().towns, **given)  # fmt: skip
    folder = desk().office.home.root / "desk" / "lists"
    files = sorted(p.name for p in folder.glob("*.xlsx") if _may(p.name)) if folder.is_dir() else []
    return render_template("followups.html", rows=rows, n=n, at=at, step=PER_PAGE, by_town=by_town, town=town, code=code,
                           tried=tried, files=files, most=NOTICES)  # fmt: skip


def _line(flag_id: str) -> dict[str, Any]:
    with desk().office.engine.connect() as connection:
        found = followup_lines.one(connection, flag_id, me().towns, _days())
        if found is None:
            abort(404)
        return _staged(connection, [found])[0]


@page.get("/followups/<flag_id>")
@needs("clerk")
def one(flag_id: str) -> Any:
    """One entity: what was tried, and the forms."""
    answer = _one(flag_id, {})
    noted("show follow-up", flag_id)
    return answer


def _one(flag_id: str, clear: dict[str, Any]) -> Any:
    row = _line(flag_id)
    with desk().office.engine.connect() as connection:
        following = followup_lines.following(connection, row, me().towns)
    return render_template("followup.html", row=row, following=following, methods=METHODS, outcomes=OUTCOMES, clear=clear,
                           today=today().isoformat())  # fmt: skip


@page.post("/followups/<flag_id>/phone")
@needs("clerk")
def phone(flag_id: str) -> Any:
    """The phone in clear, as it stands on the list that is written for the town; noted on the trail."""
    row = _line(flag_id)
    with desk().office.engine.begin() as connection:
        note(connection, "show phone", row["entity_id"], flag_id)
        values = subject(connection, desk().office, row["entity_id"]) or {}
    return _one(flag_id, {"phone": values.get("phone") or row["phone_mask"] or "（没有电话）"})


@page.post("/followups/<flag_id>/attempt")
@needs("clerk")
def attempt(flag_id: str) -> Any:
    """One attempt."""
    _line(flag_id)
    given = {k: request.form.get(k, "").strip()[:500] for k in ("on", "method", "outcome", "note")}
    return hand_in("attempt", flag_id, {"flag_id": flag_id, **given}, url_for("followups.one", flag_id=flag_id))


@page.post("/followups/<flag_id>/pledge")
@needs("clerk")
def pledge(flag_id: str) -> Any:
    """A signed pledge with its scan's number."""
    row = _line(flag_id)
    names = ("number", "signer", "signed_on", "scan_number", "version", "method", "remark")
    given = {k: request.form.get(k, "").strip()[:200] for k in names}
    return hand_in("pledge", flag_id, {"entity_id": row["entity_id"], **given}, url_for("followups.one", flag_id=flag_id))


@page.get("/followups/notices")
@needs("clerk")
def notices() -> Any:
    """Notices to print as a Word document from the bureau's template, one page each: of one entity, or of the filtered list."""
    with desk().office.engine.connect() as connection:
        if flag := request.args.get("flag", ""):
            found = followup_lines.one(connection, flag, me().towns, _days())
            rows = [found] if found else []
        else:
            given: dict[str, Any] = {k: request.args.get(k, "")[:60] or None for k in ("town", "code", "tried")}
            rows = followup_lines.lines(connection, me().towns, **given, limit=NOTICES, deadline_days=_days())
        rows = [{**r, "reminder": r["level"]} for r in _staged(connection, rows)]
    if not rows:
        abort(404)
    noted("print notices", f"{len(rows)} entities")
    try:
        data = pledge_notices(desk().office, rows)
    except UsageError:  # the command says what is wrong with the bureau's template
        return render_template("error.html", said="本局的通知书模板不能使用，请联系系统管理员", code=500), 500
    name = f"催签通知书_{rows[0]['entity_id'] if len(rows) == 1 else request.args.get('town') or '全部'}.docx"
    return send_file(io.BytesIO(data), mimetype=DOCX, as_attachment=True, download_name=file_name(name))


@page.post("/followups/lists")
@needs("clerk")
def write() -> Any:
    """Writes the lists anew, as the command does."""
    return hand_in("lists", "催签清单", {}, url_for("followups.followups"))


def _may(name: str) -> bool:
    """Those of one town get its list alone."""
    return me().towns is None or any(re.fullmatch(rf"催签清单_{re.escape(t)}_[\d-]+\.xlsx", name) for t in me().towns or ())


@page.get("/followups/lists/<name>")
@needs("clerk")
def download(name: str) -> Any:
    """One of the lists that were written."""
    folder = desk().office.home.root / "desk" / "lists"
    path = next((p for p in folder.glob("*.xlsx") if p.name == name), None) if folder.is_dir() else None
    if path is None or name.startswith(".") or not _may(name):
        abort(404)
    noted("download list", name)
    return send_file(path, as_attachment=True, download_name=name)
