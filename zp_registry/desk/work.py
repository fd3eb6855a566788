"""Work in the background: what waits, goes on, and came of it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, jsonify, redirect, render_template, url_for
from werkzeug.wrappers import Response

from zp_registry.desk.access import me, needs
from zp_registry.desk.state import desk
from zp_registry.registry import tasks
from zp_registry.registry.runs import last_runs

page = Blueprint("work", __name__)


def hand_in(kind: str, subject: str, given: dict[str, Any], back: str, onward: str | None = None) -> Response:
    """Hands work in and leads on: back to ``back`` with what came of it (to ``onward`` when it was done), or to its progress
    when it takes longer."""
    row = desk().hand_in(kind, me().name, subject, given)
    if row["state"] in ("done", "failed"):
        back = onward if onward and row["state"] == "done" else back
        return redirect(f"{back}{'&' if '?' in back else '?'}done={row['token']}")
    return redirect(url_for("work.one", token=row["token"]))


@page.get("/work")
@needs("clerk")
def work() -> Any:
    """The newest work: one's own, and for those of the whole county everybody's."""
    person = me()
    with desk().office.engine.connect() as connection:
        rows = tasks.newest(connection, None if person.towns is None else person.name, 50)
    runs = last_runs(desk().office.engine, 30) if person.towns is None else []
    return render_template("work.html", rows=rows, runs=runs)


def _mine(token: str) -> dict[str, Any]:
    with desk().office.engine.connect() as connection:
        row = tasks.one(connection, token)
    if row is None or row["who"] != me().name:
        abort(404)
    return row


@page.get("/work/<token>")
@needs("clerk")
def one(token: str) -> Any:
    """How far one piece of work is, or what came of it."""
    row = _mine(token)
    return render_template("work_one.html", row=row, back=_back(row))


@page.get("/work/<token>/state")
@needs("clerk")
def state(token: str) -> Any:
    """The same for the progress bar."""
    row = _mine(token)
    told = {k: row[k] for k in ("state", "step", "done", "total")}
    if row["state"] in ("done", "failed") and row["kind"] != "import":  # an import shows its table on the page of the work
        back = _back(row)
        told["next"] = f"{back}{'&' if '?' in back else '?'}done={token}"
    return jsonify(told)


def _back(row: dict[str, Any]) -> str:
    subject, kind = row["subject"], row["kind"]
    if kind == "understand":
        found = row["result"].get("uploads")
        return url_for("upload.check", u=found) if found else url_for("upload.upload")
    if kind == "decide":
        return url_for("review.pair", pair=subject)
    if kind in ("attempt", "pledge"):
        return url_for("followups.one", flag_id=subject)
    if kind == "case":
        return url_for("cases.one", case_id=subject)
    return url_for({"correct": "rejects.rejects", "lists": "followups.followups"}.get(kind, "upload.upload"))
