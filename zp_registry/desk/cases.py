"""转让线索: suspected transfers as cases, with what the months showed, what is shared with others, and what people did."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any, Final

from flask import Blueprint, abort, redirect, render_template, request, send_file, url_for

from zp_registry.desk.access import me, needs, noted
from zp_registry.desk.state import desk
from zp_registry.desk.work import hand_in
from zp_registry.errors import UsageError
from zp_registry.flags.codes import FLAG_CODES
from zp_registry.jobs.cases import RUNNING, STATE_NAMES, STATES, CaseFilter, list_cases, note_document, one_case
from zp_registry.lists.casedocs import DOCX, case_docx, case_html
from zp_registry.registry import audit, people, search
from zp_registry.registry.casestory import LANES
from zp_registry.registry.progress import pledges_by_town

page = Blueprint("cases", __name__)
PER_PAGE = 50
ACTS: Final = ("assigned", "noted", "attached", "visited", "confirmed", "dismissed", "handed_over", "reopened")
LEVELS: Final = {"high": "高", "medium": "中", "low": "低"}
DOCUMENTS: Final[dict[str, tuple[str, Callable[[dict[str, Any], str], str | bytes]]]] = {
    "docx": (DOCX, case_docx),
    "html": ("text/html", case_html),
}
_CASE = re.compile(r"[A-Za-z0-9-]{1,30}")
_STARS = re.compile(r"\*{5,}")
_ROW, _WIDTH, _BOX = 44, 760, 190


@page.get("/cases")
@needs("investigator")
def cases() -> Any:
    """The cases, the strongest first."""
    asked = {k: request.args.get(k, "")[:80] for k in ("state", "town", "platform", "level", "code", "mine", "overdue", "q")}
    number = request.args.get("page", "")
    at = max(1, int(number)) if number.isdigit() and len(number) < 6 else 1
    town = asked["town"] or None
    if (towns := me().towns) is not None:
        town = town if town in towns else (towns[0] if towns else "-")
    states = {"": RUNNING, "all": STATES}.get(asked["state"], (asked["state"],))
    wanted = CaseFilter(
        states=states, assignee=me().name if asked["mine"] else None, town=town, platform=asked["platform"] or None,
        level=asked["level"] or None, code=asked["code"] or None, overdue=bool(asked["overdue"]), query=asked["q"] or None,
    )  # fmt: skip
    told = list_cases(desk().office, wanted, page=at, size=PER_PAGE)
    with desk().office.engine.connect() as connection:
        known = desk().once(connection, "towns *", lambda: pledges_by_town(connection, None))
    return render_template(
        "cases.html", told=told, asked=asked, names=STATE_NAMES, levels=LEVELS, town=town, codes=_codes(),
        towns=list(towns) if towns is not None else [r["town"] for r in known if r["town"]],
        args={k: v for k, v in asked.items() if v},
    )  # fmt: skip


def _codes() -> dict[str, str]:
    return {c: v.title for c, v in FLAG_CODES.items() if v.family == "TRANSFER"}


def _seen(case_id: str) -> dict[str, Any]:
    """The case whole, if whoever asks may see its account."""
    if not _CASE.fullmatch(case_id):
        abort(404)
    try:
        told = one_case(desk().office, case_id)
    except UsageError:
        abort(404)
    account = told["dossier"]["account"] or {}
    with desk().office.engine.connect() as connection:
        holder = told["case"]["entity_id"]
        town = account.get("town") or (search.town_of(connection, holder) if holder else None)
    if not me().sees(town):
        abort(404)
    if me().towns is not None:  # what an account shares with others may lie in any town: that is for those of the whole county
        told |= {"graph": {"nodes": [], "edges": [], "more": 0}, "others": []}
    return told


@page.get("/cases/<case_id>")
@needs("investigator")
def one(case_id: str) -> Any:
    """One case."""
    told = _seen(case_id)
    noted("show case", case_id)
    with desk().office.engine.connect() as connection:
        staff = [p.name for p in people.every(connection) if p.may("investigator") and not p.disabled]
        holder = next((e["name"] for e in search.described(connection, [told["case"]["entity_id"]], me().towns)), None)
    return render_template("case.html", told=told, case=told["case"], lanes=LANES, graph=told["graph"],
                           drawn=drawn(told["graph"]), staff=staff, levels=LEVELS, codes=_codes(), holder=holder)  # fmt: skip


@page.get("/cases/<case_id>/document/<kind>")
@needs("investigator")
def document(case_id: str, kind: str) -> Any:
    """The case as a Word document or a page for the file; noted as the command notes it."""
    told = _seen(case_id)
    if kind not in DOCUMENTS:
        abort(404)
    mime, make = DOCUMENTS[kind]
    with audit.acting_as(me().name):
        note_document(desk().office, case_id)
    made = make(told, desk().office.settings.county.name)
    data = made.encode() if isinstance(made, str) else made
    return send_file(io.BytesIO(data), mimetype=mime, as_attachment=True, download_name=f"线索{case_id}.{kind}")


@page.post("/cases/<case_id>/act")
@needs("investigator")
def act(case_id: str) -> Any:
    """A person's act, unless somebody else changed the case meanwhile."""
    _seen(case_id)
    action, version = request.form.get("action", ""), request.form.get("expect", "")
    if action not in ACTS or not version.isdigit():
        return redirect(url_for("cases.one", case_id=case_id))
    given = {k: request.form.get(k, "").strip()[:1000] for k in ("note", "assignee", "reference")}
    work = {"case_id": case_id, "action": action, "expect": int(version), "note": given["note"],
            "assignee": given["assignee"] or None, "reference": given["reference"] or None}  # fmt: skip
    return hand_in("case", case_id, work, url_for("cases.one", case_id=case_id))


def drawn(graph: dict[str, Any]) -> dict[str, Any]:
    """Where the nodes stand: holders on the left, accounts in the middle, phones and payee accounts on the right."""
    columns = {"holder": 0, "account": 1, "phone": 2, "payee": 2}
    rows = [0, 0, 0]
    places: dict[str, dict[str, Any]] = {}
    for node in graph["nodes"]:
        column = columns[node["kind"]]
        x = 10 + column * (_WIDTH - _BOX - 20) // 2
        places[node["id"]] = {**node, "x": x, "y": 10 + rows[column] * _ROW, "text": _short(node["label"])}
        rows[column] += 1
    height = 20 + max(rows) * _ROW
    for node in places.values():  # each column in the middle of the height
        node["y"] += (max(rows) - rows[columns[node["kind"]]]) * _ROW // 2
    lines = []
    for edge in graph["edges"]:
        a, b = places[edge["left"]], places[edge["right"]]
        left, right = (a, b) if a["x"] < b["x"] else (b, a)
        lines.append({"x1": left["x"] + _BOX, "y1": left["y"] + 16, "x2": right["x"], "y2": right["y"] + 16})
    said = [(places[e["left"]]["label"], places[e["right"]]["label"], places[e["right"]]["kind"]) for e in graph["edges"]]
    return {"width": _WIDTH, "height": height, "box": _BOX, "nodes": list(places.values()), "lines": lines, "said": said}


def _short(label: str) -> str:
    label = _STARS.sub("****", label)
    return label if len(label) <= 13 else label[:12] + "…"
