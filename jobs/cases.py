"""Casework for the command line and the desk: find cases, look at one whole, and act on it without overwriting anybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import pandas as pd
from sqlalchemy import Connection, text

from zp_registry.errors import UsageError
from zp_registry.flags.codes import FLAG_CODES
from zp_registry.frames import as_records
from zp_registry.logs import redact_text
from zp_registry.normalise.names import business_key, person_key
from zp_registry.registry import audit, bulk, flags, notices
from zp_registry.registry.cases import case_events, case_row, note_act, write_cases
from zp_registry.registry.casestory import graph, timeline
from zp_registry.registry.dossier import account_dossier, current_entity
from zp_registry.registry.standing import reference_date
from zp_registry.workdays import workdays_after

from . import derive
from .office import Office

State = Literal["open", "assigned", "visited", "confirmed", "dismissed", "handed_over", "closed"]
STATES: Final = ("open", "assigned", "visited", "confirmed", "dismissed", "handed_over", "closed")
RUNNING: Final = ("open", "assigned", "visited")
STATE_NAMES: Final = {
    "open": "待办", "assigned": "已分派", "visited": "已走访", "confirmed": "已确认", "dismissed": "已排除",
    "handed_over": "已移送", "closed": "已了结",
}  # fmt: skip
ACTION_NAMES: Final = {
    "assigned": "分派", "noted": "记录", "attached": "附件", "visited": "走访", "confirmed": "确认", "dismissed": "排除",
    "handed_over": "移送", "reopened": "重新开启", "closed": "自动了结", "news": "新的依据",
}  # fmt: skip
_AFTER: Final[dict[str, str]] = {
    "assigned": "assigned", "visited": "visited", "confirmed": "confirmed", "dismissed": "dismissed",
    "handed_over": "handed_over", "reopened": "open",
}  # fmt: skip
# From which states an act is possible; what keeps the state is always possible.
_FROM: Final[dict[str, tuple[str, ...]]] = {
    "assigned": RUNNING, "visited": RUNNING, "confirmed": RUNNING, "dismissed": (*RUNNING, "confirmed"),
    "handed_over": (*RUNNING, "confirmed"), "reopened": ("confirmed", "dismissed", "handed_over", "closed"),
}  # fmt: skip
_DECISIONS: Final = {"confirmed": "confirmed", "handed_over": "confirmed", "dismissed": "dismissed", "reopened": "reopened"}


class CaseOvertaken(UsageError):
    """Somebody else changed the case since it was looked at; ``case``: what it is now."""

    def __init__(self, case: dict[str, Any]) -> None:
        self.case = case
        super().__init__(
            f"{case['case_id']} was changed meanwhile: it is {case['state']} (version {case['version']}) now; look again"
        )


@dataclass(frozen=True)
class CaseFilter:
    """Which cases are wanted; None: all. ``overdue``: with a deadline before the reference date and still running; ``query``:
    part of the account's or the holder's name, or the account id."""

    states: tuple[str, ...] = RUNNING
    assignee: str | None = None
    town: str | None = None
    platform: str | None = None
    level: str | None = None
    code: str | None = None
    group: str | None = None
    overdue: bool = False
    query: str | None = None


def list_cases(office: Office, wanted: CaseFilter | None = None, *, page: int = 1, size: int = 50) -> dict[str, Any]:
    """``cases`` (dictionaries; the strongest first), ``total``, ``page``, ``pages``, ``states`` (count by state under the same
    other filters), ``as_of``. UsageError for a page or size below 1."""
    if page < 1 or size < 1:
        raise UsageError("page and size begin at 1")
    w = wanted or CaseFilter()
    with office.engine.connect() as connection:
        day = reference_date(connection)
        where, values = _where(w, day)
        joined = (
            "FROM case_file c LEFT JOIN account a ON a.platform = c.platform AND a.account_id = c.account_id "
            "LEFT JOIN entity e ON e.entity_id = c.entity_id"
        )
        by_state = connection.execute(text(f"SELECT c.state, COUNT(*) {joined} WHERE {where} GROUP BY c.state"), values)
        states = {str(s): int(n) for s, n in by_state}
        marks = {f"s{i}": s for i, s in enumerate(w.states)}
        among = f"c.state IN ({', '.join(':' + m for m in marks)})" if marks else "1 = 1"
        total = sum(n for s, n in states.items() if not marks or s in w.states)
        rows = bulk.read(
            connection,
            "SELECT c.case_id, c.state, c.level, c.score, c.platform, c.account_id, a.account_name, c.entity_id, e.name, "
            "e.kind, COALESCE(a.town, e.town) AS town, c.codes, c.opened_on, c.news_on, c.grace_until, c.deadline, "
            "c.provisional, c.assignee, c.group_id, c.closed_why, c.version "
            f"{joined} WHERE {where} AND {among} ORDER BY c.score DESC, c.opened_on, c.case_id LIMIT :size OFFSET :skip",
            {**values, **marks, "size": size, "skip": (page - 1) * size},
            integers=["provisional", "version"],
            floats=["score"],
        )
    cases = [{**r, "overdue": r["state"] in RUNNING and r["deadline"] < day} for r in as_records(rows)]
    return {"cases": cases, "total": total, "page": page, "pages": max(1, -(-total // size)), "states": states, "as_of": day}


def _where(w: CaseFilter, day: str) -> tuple[str, dict[str, Any]]:
    parts, values = ["1 = 1"], {}
    plain = {"assignee": "c.assignee", "platform": "c.platform", "level": "c.level", "group": "c.group_id"}
    for name, column in plain.items():
        if (value := getattr(w, name)) is not None:
            parts.append(f"{column} = :{name}")
            values[name] = value
    if w.town is not None:
        parts.append("COALESCE(a.town, e.town) = :town")
        values["town"] = w.town
    if w.code is not None:
        parts.append("';' || c.codes || ';' LIKE :code")
        values["code"] = f"%;{w.code};%"
    if w.overdue:
        parts.append("c.deadline < :day AND c.state IN ('open', 'assigned', 'visited')")
        values["day"] = day
    if w.query:
        parts.append("(a.account_name LIKE :query ESCAPE '!' OR e.name LIKE :query ESCAPE '!' OR c.account_id = :exact)")
        safe = w.query.replace("!", "!!").replace("%", "!%").replace("_", "!_")
        values |= {"query": f"%{safe}%", "exact": w.query}
    return " AND ".join(parts), values


def one_case(office: Office, case_id: str) -> dict[str, Any]:
    """One case whole as plain data: ``case``, ``flags`` (each with its rows of evidence, ground and innocent causes),
    ``events``, ``timeline`` (casestory.timeline), ``graph`` (casestory.graph), ``dossier`` (of the account), ``others`` (cases
    of the same group), ``as_of``. Numbers are masked. UsageError when there is no such case."""
    with office.engine.connect() as connection:
        case = _known(connection, case_id)
        day = reference_date(connection)
        dossier = account_dossier(connection, case["platform"], case["account_id"], day)
        if dossier is None:
            dossier = {"account": None, "holdings": [], "history": [], "roles": [], "links": [], "flags": []}
        found = [f for f in dossier["flags"] if f["family"] == "TRANSFER"]
        for one in found:
            code = FLAG_CODES[one["code"]]
            one |= {"title": code.title, "ground": code.ground, "innocent": code.innocent}
        others = bulk.read(
            connection,
            "SELECT case_id, state, level, platform, account_id FROM case_file WHERE group_id = :g AND case_id <> :c "
            "ORDER BY case_id",
            {"g": case["group_id"], "c": case_id},
        )
        return {
            "case": {
                **case,
                "state_name": STATE_NAMES[case["state"]],
                "overdue": case["state"] in RUNNING and case["deadline"] < day,
            },
            "flags": found,
            "events": [
                {**e, "action_name": ACTION_NAMES.get(e["action"], e["action"])} for e in case_events(connection, case_id)
            ],
            "timeline": timeline(dossier["history"]),
            "graph": graph(connection, case["platform"], case["account_id"]),
            "dossier": dossier,
            "others": [{**o, "state_name": STATE_NAMES[o["state"]]} for o in as_records(others)],
            "as_of": day,
        }


def _known(connection: Connection, case_id: str) -> dict[str, Any]:
    case = case_row(connection, case_id)
    if case is None:
        raise UsageError(f"there is no case {case_id}")
    return case


def act(
    office: Office,
    case_id: str,
    action: str,
    note: str = "",
    *,
    who: str | None = None,
    expect: int | None = None,
    assignee: str | None = None,
    reference: str | None = None,
) -> dict[str, Any]:
    """A person's act on a case: assigned (``assignee``), noted, attached (``reference``), visited, confirmed, dismissed,
    handed_over or reopened. Confirming, handing over and dismissing decide its open flags too. Gives the case as it is then.

    ``expect``: the version that the person saw; CaseOvertaken when it is another by now. UsageError when the act does not fit
    the state, or when a note, an assignee or a reference is missing.
    """
    note, who = redact_text(note.strip()), who or audit.who_am_i()
    if action not in (*_AFTER, "noted", "attached"):
        raise UsageError(f"no act {action!r}; there are: {', '.join((*_AFTER, 'noted', 'attached'))}")
    if action == "assigned" and not (assignee or "").strip():
        raise UsageError("say to whom the case is assigned")
    if action == "attached" and not (reference or "").strip():
        raise UsageError("say where the attachment lies")
    if action not in ("assigned", "attached") and not note:
        raise UsageError("a note is needed: it is kept with the case")
    with office.engine.begin() as connection:
        case = _known(connection, case_id)
        if expect is not None and case["version"] != expect:
            raise CaseOvertaken(case)
        if action in _FROM and case["state"] not in _FROM[action]:
            raise UsageError(f"{case_id} is {case['state']}: it cannot be {action}")
        to = _AFTER.get(action, case["state"])
        if action == "assigned" and case["state"] == "visited":
            to = "visited"
        if action == "reopened" and case["assignee"]:
            to = "assigned"
        now = audit.moment()
        if not note_act(
            connection, case, action=action, to=to, who=who, note=note, now=now, assignee=assignee, reference=reference
        ):
            raise CaseOvertaken(_known(connection, case_id))
        if decision := _DECISIONS.get(action):
            _decide_flags(connection, case, decision, who, note, now)
        audit.note(connection, f"case {action}", case_id, note or assignee or reference, who)
        return _known(connection, case_id)


def _decide_flags(connection: Connection, case: dict[str, Any], decision: str, who: str, why: str, now: str) -> None:
    """What is said of a case is said of its flags: of those that are open, or for ``reopened`` of those that were decided."""
    statuses = ("confirmed", "dismissed") if decision == "reopened" else ("open", "confirmed", "dismissed")
    rows = connection.execute(
        text("SELECT flag_id, status FROM flag WHERE family = 'TRANSFER' AND platform = :p AND account_id = :a"),
        {"p": case["platform"], "a": case["account_id"]},
    ).all()
    for flag_id, status in rows:
        if status in statuses and status != decision:
            flags.decide(connection, flag_id, decision, who, why, now)


def refresh(connection: Connection, office: Office) -> None:
    """Lets the cases follow after flags were decided one by one, in the caller's transaction."""
    write_cases(connection, office.rulebook, audit.moment())


def review_pair(
    office: Office, entity_id: str, other: str, why: str, *, until: str | None = None, who: str | None = None
) -> dict[str, Any]:
    """Notes that a holder and another (an entity id or a name) were looked at and their tie is innocent until a date (default:
    the rules' term), and derives what follows. UsageError for unknown entities or a date that has passed."""
    why, who = redact_text(why.strip()), who or audit.who_am_i()
    if not why:
        raise UsageError("a reason is needed: it is kept with the pair")
    with office.engine.begin() as connection:
        day = reference_date(connection)
        holder = current_entity(connection, entity_id)
        if holder is None:
            raise UsageError(f"there is no entity {entity_id}")
        other_id = current_entity(connection, other)
        end = until or str((pd.Timestamp(day or "today") + pd.Timedelta(days=office.rulebook.reviewed_days)).date())
        if day and end < day:
            raise UsageError(f"{end} has passed: the newest report is of {day}")
        name = None if other_id else other.strip()
        key = None if name is None else person_key(name) if len(name) <= 4 else business_key(name)
        connection.execute(
            text(
                "INSERT INTO reviewed_pair (entity_id, other_entity_id, name, name_key, expires_on, who, why, created_at) "
                "VALUES (:e, :o, :n, :k, :x, :w, :y, :t)"
            ),
            {"e": entity_id, "o": other if other_id else None, "n": name, "k": key, "x": end, "w": who, "y": why,
             "t": audit.moment()},
        )  # fmt: skip
        audit.note(connection, "reviewed pair", f"{entity_id} {other if other_id else ''}".strip(), why, who)
        counts = derive.derive_within(connection, office)
    return {"entity_id": entity_id, "other": other, "until": end, **counts}


def reviewed_pairs(office: Office) -> list[dict[str, Any]]:
    """Every pair that stands, the newest first, with ``lapsed``: whether its date has passed."""
    with office.engine.connect() as connection:
        day = reference_date(connection)
        rows = bulk.read(
            connection,
            "SELECT id, entity_id, other_entity_id, name, expires_on, who, why, created_at FROM reviewed_pair "
            "WHERE withdrawn_at IS NULL ORDER BY id DESC",
            integers=["id"],
        )
    return [{**r, "lapsed": bool(day) and r["expires_on"] < day} for r in as_records(rows)]


def withdraw_pair(office: Office, number: int, why: str, *, who: str | None = None) -> dict[str, Any]:
    """Takes a reviewed pair back; UsageError when there is none of that number."""
    with office.engine.begin() as connection:
        done = connection.execute(
            text("UPDATE reviewed_pair SET withdrawn_at = :t WHERE id = :i AND withdrawn_at IS NULL"),
            {"t": audit.moment(), "i": number},
        ).rowcount
        if not done:
            raise UsageError(f"no reviewed pair {number} stands")
        audit.note(connection, "reviewed pair withdrawn", str(number), redact_text(why), who)
        counts = derive.derive_within(connection, office)
    return {"pair": number, **counts}


def add_tip(office: Office, account: str, words: str, on: str | None = None, *, who: str | None = None) -> dict[str, Any]:
    """Notes a tip about an account (``PLATFORM:ACCOUNT_ID``), derives what follows, and gives ``tip``, ``account`` and
    ``case_id`` (None when it makes no case). UsageError for an account that is not known, or no words."""
    platform, _, account_id = account.partition(":")
    words, who = redact_text(words.strip()), who or audit.who_am_i()
    if not words:
        raise UsageError("say what the tip is")
    key = {"p": platform, "a": account_id}
    with office.engine.begin() as connection:
        if connection.execute(text("SELECT 1 FROM account WHERE platform = :p AND account_id = :a"), key).first() is None:
            raise UsageError(f"there is no account {account}")
        number = notices.add_tip(connection, platform, account_id, words, on or reference_date(connection), audit.moment())
        audit.note(connection, "tip", account, words, who)
        derive.derive_within(connection, office)
        case = connection.execute(
            text("SELECT case_id FROM case_file WHERE platform = :p AND account_id = :a"), key
        ).scalar_one_or_none()
    return {"tip": number, "account": account, "case_id": case}


def due(day: str, office: Office) -> tuple[str, bool]:
    """The deadline of a case that has news on ``day``, and whether it is provisional."""
    return workdays_after(day, office.rulebook.case_days)


def note_read(office: Office, case_id: str) -> None:
    """A case was read whole: noted on the audit trail, as for a dossier."""
    with office.engine.begin() as connection:
        audit.note(connection, "show", case_id)


def note_document(office: Office, case_id: str) -> None:
    """A case leaves the registry as a document: noted on the audit trail. UsageError when there is no such case."""
    with office.engine.begin() as connection:
        _known(connection, case_id)
        audit.note(connection, "case document", case_id)
