"""Commands by which people look at leads and decide: review list, show, decide, undo, and the queue as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection

from zp_registry.cli.common import Answer, Reason, command
from zp_registry.cli.load import PATHS
from zp_registry.errors import UsageError
from zp_registry.jobs import office, review_files
from zp_registry.jobs import review as judging
from zp_registry.jobs.review_explain import explanations
from zp_registry.registry import bulk
from zp_registry.registry import review as queue

FLAG_WORDS = ("confirmed", "dismissed", "reopened")
PAIR_WORDS = ("same", "different", "unsure")
REASON = click.option("--reason", required=True, type=Reason(), help="Why; it is kept with the decision.")


@click.group("review")
def review() -> None:
    """Possible duplicates and suspected transfers: list, show, decide, undo; the queue as a workbook, decisions as CSV."""


@review.command("list")
@click.option("--kind", type=click.Choice(["duplicates", "flags"]), help="One of the two lists alone (default: both).")
@click.option("--family", type=click.Choice(["TRANSFER", "DATA", "PLEDGE"]), help="Flags of this family (default: TRANSFER).")
@click.option(
    "--status", type=click.Choice(["open", "confirmed", "dismissed", "resolved"]), help="Flags of this status (default: open)."
)
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Lines of each list.")
@click.option("--explain", is_flag=True, help="With each pair how its weight came about.")
@command
def review_list(answer: Answer, kind: str | None, family: str | None, status: str | None, limit: int, explain: bool) -> None:
    """What people have to look at, the strongest first: pairs that may be one entity, and flags."""
    if kind == "duplicates" and (family or status):
        raise UsageError("--family and --status are about flags, not about duplicates")
    flags_alone = kind == "flags" or (kind is None and bool(family or status))
    opened = office.open_office(answer.settings)
    given: dict[str, Any] = {}
    with opened.engine.connect() as connection:
        if not flags_alone:
            given["duplicates"] = queue.lines(connection, limit)
            given["duplicates_waiting"] = len(queue.queue(connection))
            if explain:
                _explain(opened, connection, given["duplicates"])
        if kind != "duplicates":
            given["flags"] = _flags(connection, family or "TRANSFER", status or "open", limit)
    for line in given.get("duplicates", ()) if explain else ():
        _tell_pair(answer, line)
    if not explain:
        _tell_queue(answer, given.get("duplicates", []), given.get("duplicates_waiting", 0))
    _tell_flags(answer, f"{family or 'TRANSFER'} {status or 'open'}", given.get("flags", []))
    answer.give(given)


@review.command("show")
@click.argument("pair")
@command
def review_show(answer: Answer, pair: str) -> None:
    """One pair: both sides, how the weight came about, and what people said of it."""
    opened = office.open_office(answer.settings)
    with opened.engine.connect() as connection:
        left, right = queue.present_pair(connection, pair)
        said = [vars(s) for s in queue.judgements_on(connection, *queue.pair_of(pair))]
        if left == right:
            line: dict[str, Any] = {"pair": pair, "one": left, "left": queue.sides(connection, [left])[left], "right": None}
        else:
            found = queue.lines(connection, pair=(left, right))
            line = found[0] if found else _unqueued(connection, left, right)
            _explain(opened, connection, [line])
    line["judgements"] = said
    _tell_pair(answer, line)
    answer.give(line)


@review.command("decide")
@click.argument("what", metavar="PAIR|FLAG_ID")
@click.argument("decision", type=click.Choice([*PAIR_WORDS, *FLAG_WORDS]))
@REASON
@click.option(
    "--expect",
    metavar="NUMBERS",
    help="A pair: the judgements that you saw standing, as the list names them; yours replaces them.",
)
@command
def review_decide(answer: Answer, what: str, decision: str, reason: str, expect: str | None) -> None:
    """Decide about a pair (E…-E…: same, different, unsure) or a flag (F…: confirmed, dismissed, reopened).

    A pair's entities are joined or kept apart from now on, whatever is reported; a dismissed flag stays so until something new
    happens.
    """
    pair = queue.PAIR.fullmatch(what.strip()) is not None
    if pair != (decision in PAIR_WORDS):
        words = ", ".join(PAIR_WORDS if pair else FLAG_WORDS)
        hint = f"{what} is a {'pair' if pair else 'flag'}: decide one of {words}"
        raise UsageError(hint if pair or what[:1].upper() == "F" else f"{what} is neither a pair (E…-E…) nor a flag (F…)")
    if not pair:
        if expect is not None:
            raise UsageError("--expect is about pairs, not about flags")
        _decide_flag(answer, what, decision, reason)
        return
    with office.at_work(answer.settings, "review") as opened:
        done = judging.decide(opened, what, decision, reason, expect=_numbers(expect))
    stands = "" if done["changed"] else " (it stood already)"
    answer.say(f"{what}: {decision}{stands}; judgements {', '.join(map(str, done['judgements'])) or 'none'}")
    answer.give(done)


@review.command("undo")
@click.argument("what", metavar="PAIR|FLAG_ID")
@REASON
@command
def review_undo(answer: Answer, what: str, reason: str) -> None:
    """Take back what was decided about a pair or a flag: it is open again, and ids of a merge come back."""
    if queue.PAIR.fullmatch(what.strip()) is None:
        _decide_flag(answer, what, "reopened", reason)
        return
    with office.at_work(answer.settings, "review") as opened:
        done = judging.undo(opened, what, reason)
    answer.say(f"{what}: undone; judgements {', '.join(map(str, done['judgements']))}")
    answer.give(done)


@review.command("export")
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
@command
def review_export(answer: Answer, path: Path) -> None:
    """Write people's judgements about pairs as CSV, for keeping and for another registry."""
    with office.at_work(answer.settings, "review export") as opened:
        count = review_files.export_judgements(opened, path)
    answer.say(f"written: {path} ({count} judgements)")
    answer.give({"judgements": count, "file": str(path)})


@review.command("import")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@command
def review_import(answer: Answer, path: Path) -> int:
    """Read judgements from a CSV that 'review export' wrote, here or elsewhere; what stands already is left alone."""
    with office.at_work(answer.settings, "review import") as opened:
        done = review_files.import_judgements(opened, path)
        code = 3 if done.problems else 0
        opened.exit_code, opened.state = code, "partial" if code else "done"
    answer.say(f"{done.name}: {done.added} new, {done.known} stood already")
    for problem in done.problems:
        answer.say(problem)
    answer.give({**vars(done), "exit_code": code})
    return code


@review.command("form")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="The workbook (default: in lists/ of the home folder)."
)
@click.option("--limit", type=click.IntRange(min=1), default=200, show_default=True, help="Pairs at most, the best ones.")
@command
def review_form(answer: Answer, output: Path | None, limit: int) -> None:
    """Write the queue as a workbook to fill in (疑似重复主体核对表)."""
    with office.at_work(answer.settings, "review form") as opened:
        path, count = review_files.write_form(opened, output=output, limit=limit)
    answer.say(f"written: {path} ({count} pairs)" if path else "no pair waits for a decision")
    answer.give({"pairs": count, "file": str(path) if path else None})


@review.command("import-form")
@PATHS
@command
def review_import_form(answer: Answer, paths: tuple[Path, ...]) -> int:
    """Read filled-in workbooks back: lines with a conclusion are decided, the others are left."""
    with office.at_work(answer.settings, "review import-form") as opened:
        returned = [r for _, _, r in review_files.import_forms(opened, list(paths))]
        refused = [r for r in returned if r.refused or r.failed]
        code = 1 if refused and len(refused) == len(returned) else 3 if any(r.problems for r in returned) else 0
        opened.exit_code, opened.state = code, {0: "done", 3: "partial"}.get(code, "failed")
    for one in returned:
        answer.say(f"{one.name}: {one.added} decided, {one.known} stood already")
        for problem in one.problems:
            answer.say(problem)
    answer.give({"files": [vars(r) for r in returned], "exit_code": code})
    return code


def _numbers(text: str | None) -> list[int]:
    if text is None or text.strip().lower() == "none":
        return []
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(f"--expect takes the numbers of judgements such as 12 or 12,15 (or none), not {text!r}") from None


def _decide_flag(answer: Answer, flag_id: str, decision: str, reason: str) -> None:
    with office.at_work(answer.settings, "review") as opened:
        done = judging.decide_flag(opened, flag_id, decision, reason)
    answer.say(f"{flag_id}: {decision}")
    answer.give(done)


def _flags(connection: Connection, family: str, status: str, limit: int) -> list[dict[str, Any]]:
    rows = bulk.read(
        connection,
        "SELECT flag_id, code, level, score, platform, account_id, entity_id, first_seen, reason FROM flag "
        "WHERE family = :f AND status = :s ORDER BY score DESC, flag_id LIMIT :n",
        {"f": family, "s": status, "n": limit},
        floats=["score"],
    )
    return rows.astype(object).where(rows.notna(), None).to_dict("records")  # type: ignore[return-value]


def _unqueued(connection: Connection, left: str, right: str) -> dict[str, Any]:
    """A pair of which the machine does not doubt: people may look at it all the same."""
    shown = queue.sides(connection, [left, right])
    line = dict.fromkeys(["rank", "weight", "tier", "rule", "why", "judged"])
    subjects = [int(left[1:]), int(right[1:])]
    return {**line, "pair": queue.pair_id(left, right), "subjects": subjects, "left": shown[left], "right": shown[right]}


def _explain(opened: office.Office, connection: Connection, lines: list[dict[str, Any]]) -> None:
    pairs = [tuple(line["subjects"]) for line in lines if line["subjects"]]
    found = explanations(opened, connection, pairs)
    for line in lines:
        line["explanation"] = found.get(tuple(line["subjects"] or ()), [])


_FIELDS = (("name", "name"), ("kind", "kind"), ("number", "number"), ("phone", "phone"), ("payees", "payee"),
           ("address", "address"),
           ("town", "town"), ("accounts", "accounts"), ("sources", "sources"))  # fmt: skip


def _words(side: dict[str, Any] | None, field: str) -> str:
    value = (side or {}).get(field)
    if not isinstance(value, list):
        return str(value or "")
    more = (side or {})["more"][field]
    return "\n".join(value) + (f"\n… {more} more" if more else "")


def _state(judged: dict[str, Any] | None) -> str:
    return "" if judged is None else f"{judged['decision']} ({judged['judgement']}) by {judged['who']}\n{judged['why']}"


def _tell_queue(answer: Answer, lines: list[dict[str, Any]], waiting: int) -> None:
    columns = ["#", "pair", "weight", *(head for _, head in _FIELDS), "judged"]
    rows = []
    for line in lines:
        first = [line["rank"], line["pair"].replace("-", "\n"), line["weight"]]
        rows.append([*first, *(_words(line["left"], f) for f, _ in _FIELDS), _state(line["judged"])])
        rows.append(["", "", "", *(_words(line["right"], f) for f, _ in _FIELDS), ""])
    more = f", the first {len(lines)}" if waiting > len(lines) else ""
    answer.table(f"possible duplicates: {waiting} pairs{more}", columns, rows)


def _tell_flags(answer: Answer, title: str, records: list[dict[str, Any]]) -> None:
    rows = [
        [r["flag_id"], r["code"], r["level"], r["score"], f"{r['platform'] or ''}:{r['account_id'] or r['entity_id'] or ''}",
         r["first_seen"], r["reason"]]
        for r in records
    ]  # fmt: skip
    answer.table(title, ["flag", "code", "level", "score", "account", "since", "reason"], rows)


def _tell_pair(answer: Answer, line: dict[str, Any]) -> None:
    sides = [line["left"], *([line["right"]] if line["right"] else [])]
    rows = [[head, *(_words(side, field) for side in sides)] for field, head in _FIELDS]
    weight = "" if line.get("weight") is None else f", weight {line['weight']}"
    answer.table(f"{line['pair']}{weight}", ["", *(s["entity_id"] for s in sides)], rows)
    if line.get("why"):
        answer.say(f"{line['tier']} {line['rule'] or ''}: {line['why']}")
    columns = ["field", "left", "right", "level", "weight", "sum"]
    answer.table("how the weight came about", columns, [[r[c] for c in columns] for r in line.get("explanation", ())])
    if line.get("judged"):
        answer.say(f"a person said: {_state(line['judged'])}".replace("\n", ": "))
    for said in line.get("judgements", ()):
        answer.say(f"judgement {said['edge_id']}: {said['judgement']}, {said['who']}, {said['created_at']}: {said['why']}")


COMMANDS = (review,)
