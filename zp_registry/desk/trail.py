"""审计: who did what to whose data, and why; for administrators of the whole county. Reading it is on the trail itself."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import Blueprint, render_template, request

from zp_registry.desk.access import needs, noted
from zp_registry.desk.state import desk
from zp_registry.desk.trail_words import ACTIONS
from zp_registry.desk.words import HERE
from zp_registry.logs import redact_text
from zp_registry.registry import audit

page = Blueprint("trail", __name__)
PER_PAGE = 100


@page.get("/trail")
@needs("admin", whole=True)
def trail() -> Any:
    """The trail, the newest first, by person, kind of act, thing and days."""
    asked = {k: request.args.get(k, "").strip()[:80] for k in ("who", "action", "subject", "since", "until")}
    before = request.args.get("before", "")
    wanted = {
        "who": asked["who"] or None, "action": asked["action"] or None, "subject": asked["subject"] or None,
        "since": _moment(asked["since"]), "until": _moment(asked["until"], dt.timedelta(days=1)),
        "before": int(before) if before.isdigit() and len(before) < 18 else None,
    }  # fmt: skip
    noted("show audit", redact_text("; ".join(f"{k} {v}" for k, v in asked.items() if v)) or "-")
    with desk().office.engine.connect() as connection:
        rows = audit.entries(connection, **wanted, limit=PER_PAGE + 1)  # type: ignore[arg-type]
    older = rows[PER_PAGE - 1]["id"] if len(rows) > PER_PAGE else None
    return render_template("trail.html", rows=rows[:PER_PAGE], asked=asked, older=older, actions=ACTIONS, start=before,
                           args={k: v for k, v in asked.items() if v})  # fmt: skip


def _moment(day: str, later: dt.timedelta = dt.timedelta()) -> str | None:
    """The moment (UTC) at which a day here begins; None for what is no day."""
    try:
        begins = dt.datetime.combine(dt.date.fromisoformat(day), dt.time(), HERE)
    except ValueError:
        return None
    return (begins + later).astimezone(dt.UTC).isoformat(timespec="milliseconds")
