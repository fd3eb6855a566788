"""查询: people and accounts by whatever is known of them, the dossier, and numbers in clear for a reason."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from sqlalchemy import Connection

from zp_registry.desk.access import me, needs, note, noted
from zp_registry.desk.state import desk
from zp_registry.flags.codes import FLAG_CODES
from zp_registry.jobs.pledging import subject
from zp_registry.lists import dossier
from zp_registry.logs import redact_text
from zp_registry.registry import search
from zp_registry.registry.cases import cases_about
from zp_registry.registry.dossier import account_dossier, current_entity, entity_dossier
from zp_registry.registry.standing import reference_date

page = Blueprint("look", __name__)
_NUMBER_LIKE = 6  # so many digits are somebody's number, which does not belong into an address


@page.route("/look", methods=["GET", "POST"])
@needs("clerk")
def look() -> Any:
    """The words are sent by POST; names come back as an address that can be kept, numbers as one that is good for this
    person and this server alone: so the browser can go back to the answer, and no number stands in its history."""
    if request.method == "POST":
        words = request.form.get("q", "").strip()[:400]
        if sum(c.isdigit() for c in words) < _NUMBER_LIKE:
            return redirect(url_for("look.look", q=words or None))
        return redirect(url_for("look.look", k=desk().asked.keep(me().name, words)))
    words, key = request.args.get("q", "").strip()[:400], request.args.get("k", "")
    if key:
        words = desk().asked.words(me().name, key)
    if not words:
        return render_template("look.html", words="", found=None, lost=bool(key))
    with desk().office.engine.connect() as connection:
        index = desk().names(connection)
        found = search.find(connection, desk().office.ring, index, words, me().towns)
    only = [e["entity_id"] for e in found.entities]
    noted("look up", redact_text(words) if sum(c.isdigit() for c in words) < _NUMBER_LIKE else "(number)",
          f"{'、'.join(found.how) or '无'}: {len(only)} + {len(found.accounts)}")  # fmt: skip
    return render_template("look.html", words=words, found=found, lost=False)


def seen(connection: Connection, entity_id: str) -> str:
    """The present id of an entity that may be seen by whoever asks; 404 for all others alike."""
    current = current_entity(connection, entity_id)
    if current is None or not me().sees(search.town_of(connection, current)):
        abort(404)
    return current


@page.get("/entity/<entity_id>")
@needs("clerk")
def entity(entity_id: str) -> Any:
    """The dossier of an entity."""
    return _dossier(entity_id, {})


def _dossier(entity_id: str, clear: dict[str, Any]) -> Any:
    with desk().office.engine.connect() as connection:
        seen(connection, entity_id)
        found = entity_dossier(connection, entity_id, reference_date(connection) or "9999-12-31")
        if found is None:
            abort(404)
        found = _within(connection, found)
        about = _cases(connection, entity_id=found["entity"]["entity_id"])
    wanting = next((f["flag_id"] for f in found["flags"] if f["family"] == "PLEDGE" and f["status"] == "open"), None)
    noted("show", entity_id)
    head = {**found["entity"], "former_ids": "、".join(found["former_ids"])}
    return render_template("dossier.html", title=head["name"] or entity_id, head=_head(head), parts=_parts(found),
                           flags=found["flags"], entity_id=found["entity"]["entity_id"], clear=clear, wanting=wanting,
                           cases=about)  # fmt: skip


def _within(connection: Connection, found: dict[str, Any]) -> dict[str, Any]:
    """A dossier without what it tells of entities in towns that are not for whoever asks: those linked with it, doubted,
    judged or changed places with, and an account's former holders with the people around them."""
    if me().towns is None:
        return found
    far = {"links": "linked_id", "doubts": "other_entity_id", "judgements": "other_entity_id", "flags": "other_entity_id",
           "history": "entity_id"}  # fmt: skip
    if holder := found.get("account", {}).get("entity_id"):
        far["holdings"] = "entity_id"
        found = {**found, "roles": [r for r in found["roles"] if r["valid_to"] is None]}
    others = {r[c] for part, c in far.items() for r in found.get(part, ()) if r.get(c)} - {holder}
    near = {e["entity_id"] for e in search.described(connection, sorted(others), me().towns)} | {holder, None}
    return {**found, **{p: [r for r in found[p] if r.get(c) in near] for p, c in far.items() if p in found}}


def _cases(connection: Connection, **of: Any) -> list[dict[str, Any]]:
    """The cases about something, for those who handle cases."""
    return cases_about(connection, **of) if me().may("investigator") else []


@page.post("/entity/<entity_id>/unmask")
@needs("investigator")
def unmask(entity_id: str) -> Any:
    """Number and phone in clear, for a reason that is kept."""
    why = request.form.get("why", "").strip()[:500]
    with desk().office.engine.begin() as connection:
        current = seen(connection, entity_id)
        if len(why) < 2:
            return redirect(url_for("look.entity", entity_id=entity_id))
        note(connection, "unmask", current, redact_text(why))
        values = subject(connection, desk().office, current)
    return _dossier(entity_id, values or {})


@page.get("/account/<platform>/<path:account_id>")
@needs("clerk")
def account(platform: str, account_id: str) -> Any:
    """The dossier of an account."""
    with desk().office.engine.connect() as connection:
        found = account_dossier(connection, platform, account_id, reference_date(connection) or "9999-12-31")
        holder = found["account"]["entity_id"] if found else None
        if found is None or not me().sees(search.town_of(connection, holder) if holder else found["account"]["town"]):
            abort(404)
        found = _within(connection, found)
        about = _cases(connection, account=(platform, account_id))
    noted("show", f"{platform}:{account_id}")
    return render_template("dossier.html", title=found["account"]["account_name"] or account_id, head=_head(found["account"]),
                           parts=_parts(found), flags=found["flags"], entity_id=None, clear={}, cases=about)  # fmt: skip


def _head(values: dict[str, Any]) -> list[tuple[str, str, Any]]:
    return [(k, dossier.WORDS.get(k, k), dossier.shown(k, v)) for k, v in values.items()
            if v not in (None, "") and k not in dossier.HEAD_HIDDEN and (v or k != "unmatched")]  # fmt: skip


def _parts(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Each part of the dossier that has rows, as a table of words; ids of entities and accounts become links."""
    out = []
    for name, (title, order) in dossier.PARTS.items():
        rows = found.get(name) or []
        if name == "links":
            rows = [{**r, "relation": dossier.relation(r)} for r in rows]
        if name == "flags":
            rows = [{**r, "code": FLAG_CODES[r["code"]].title} for r in rows]
        columns = [c for c in order if any(r.get(c) is not None for r in rows)]
        if rows:
            lines = [[(c, r, dossier.shown(c, r[c])) for c in columns] for r in rows]
            out.append({"name": name, "title": title.split("（撤销")[0], "rows": lines,
                        "columns": [dossier.label(name, c) for c in columns]})  # fmt: skip
    return out
