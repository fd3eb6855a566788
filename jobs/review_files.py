"""The review queue and people's judgements as files: the workbook out and back, the CSV out and back."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pandas as pd
import structlog
from sqlalchemy import Connection

from zp_registry.errors import FileRefused, UsageError
from zp_registry.frames import as_records
from zp_registry.lists import cells
from zp_registry.lists.duplicates import CONCLUSIONS, read_duplicates, write_duplicates
from zp_registry.lists.duplicates_back import Conclusion
from zp_registry.lists.duplicates_form import CONCLUSION, PAIR
from zp_registry.lists.tables import write_table
from zp_registry.lists.workbook import Problem
from zp_registry.logs import redact_text
from zp_registry.quarantine.codes import message
from zp_registry.registry import audit, bulk, edges, judgements
from zp_registry.registry.guards import SAID, WORDS, JudgementRefused, Standing
from zp_registry.registry.judgements import JUDGEMENTS
from zp_registry.registry.review import lines, pair_id
from zp_registry.registry.standing import reference_date
from zp_registry.sources import Taken, shown_name, take

from . import derive
from .imports import FAILED, find_files
from .lists import platform_titles
from .office import Office
from .review import Decided, Overtaken, settle, unfollowed
from .review_explain import explanations

log = structlog.get_logger(__name__)

_IN_WORDS = {word: text for text, word in CONCLUSIONS.items()}


@dataclass
class Reviewed:
    """What became of one file of decisions: new ones, those that stood already, and what could not be taken in."""

    name: str
    added: int = 0
    known: int = 0
    problems: list[str] = field(default_factory=list)
    refused: bool = False
    failed: bool = False


def write_form(office: Office, *, output: Path | None = None, limit: int = 200) -> tuple[Path | None, int]:
    """The 疑似重复主体核对表 of the best ``limit`` pairs, and how many pairs it has; nothing is written when none waits."""
    with office.engine.begin() as connection:
        day = reference_date(connection)
        waiting = lines(connection, limit) if day else []
        if not waiting:
            return None, 0
        told = explanations(office, connection, [tuple(w["subjects"]) for w in waiting if w["subjects"]])
        for one in waiting:
            one["explanation"] = told.get(tuple(one["subjects"] or ()), [])
        audit.note(connection, "write review list", f"{len(waiting)} pairs, numbers masked, as of {day}")
    path = output or office.home.lists / f"疑似重复主体核对表_{day.replace('-', '')}.xlsx"
    county = office.settings.county.name
    return write_duplicates(waiting, path, as_of=day, county=county, platform_names=platform_titles(office)), len(waiting)


def import_forms(office: Office, paths: list[Path]) -> list[tuple[Path, Taken | None, Reviewed]]:
    """Reads filled-in lists: what was decided in one file is written, with all that follows, in one transaction; a line that
    cannot stand is named, the rest is taken. Gives each file, what was read of it (None where it could not be taken), and what
    became of it."""
    out = []
    for path in find_files(paths, home=office.home.root):
        reviewed, taken = Reviewed(shown_name(path)), None
        try:
            taken = take(path, cells.LIMITS.max_bytes, follow=path in paths)
            _take_in(office, taken, reviewed)
        except FileRefused as refused:
            reviewed.failed = refused.code == "FILE_CHANGING"  # it stays where it is until it is written
            reviewed.refused = not reviewed.failed
            reviewed.problems.append(f"{reviewed.name}：{message(refused.code, refused.detail)}")
        except Exception as error:  # our fault, not the clerk's: the others go on, and the file stays where it is
            log.exception("file failed", file=reviewed.name)
            reviewed.failed = True
            reviewed.added = reviewed.known = 0
            reviewed.problems.append(FAILED.format(name=reviewed.name, kind=type(error).__name__))
        out.append((path, taken, reviewed))
    return out


def _take_in(office: Office, taken: Taken, reviewed: Reviewed) -> None:
    conclusions, problems = read_duplicates(taken)
    me = audit.who_am_i()
    said = [
        Decided(c.pair, c.decision, redact_text(c.person.strip()) or me, redact_text(c.reason), c.expect) for c in conclusions
    ]
    with office.engine.begin() as connection:
        undone = _undone(connection)
        again = [(d.pair, d.decision, d.why) in undone for d in said]
        fresh = [(c, d) for c, d, a in zip(conclusions, said, again, strict=True) if not a]
        settled = settle(connection, [d for _, d in fresh])
        problems += [
            Problem(c.sheet, c.row, CONCLUSION, "这一对曾按同样的结论和理由登记，后来被撤销。如确要恢复，请写明新的理由。")
            for c, a in zip(conclusions, again, strict=True)
            if a
        ]
        problems += [_problem(c, s.error) for (c, _), s in zip(fresh, settled, strict=True) if s.error is not None]
        reviewed.added = sum(s.changed for s in settled)
        reviewed.known = sum(s.error is None and not s.changed for s in settled)
        if reviewed.added:
            audit.note(connection, "import review list", f"{reviewed.name}: {reviewed.added} decisions")
            derive.derive_within(connection, office)
            lost = unfollowed(connection, {d.pair: d.decision for (_, d), s in zip(fresh, settled, strict=True) if s.changed})
            problems += [
                Problem(
                    c.sheet, c.row, CONCLUSION, "结论已登记，但与现在报送的号码等相抵触，暂未能照此归并。请核对报送后再作结论。"
                )
                for c, d in fresh
                if d.pair in lost
            ]
    reviewed.problems += [
        f"{reviewed.name}［{p.sheet}］第{p.row}行“{p.column}”：{p.message_zh}" if p.row else f"{reviewed.name}：{p.message_zh}"
        for p in sorted(problems, key=lambda p: (p.sheet, p.row))
    ]


def _undone(connection: Connection) -> set[tuple[str, str, str]]:
    """(pair, decision, reason) of judgements that were taken back: a form that comes twice must not revive them."""
    rows = bulk.read(
        connection,
        "SELECT l.entity_id AS a, r.entity_id AS b, g.judgement, g.why FROM edge g JOIN subject l ON l.id = g.left_id "
        "JOIN subject r ON r.id = g.right_id WHERE g.tier = 'person' AND g.deleted_at IS NOT NULL "
        "AND l.entity_id IS NOT NULL AND r.entity_id IS NOT NULL",
    )
    return {(pair_id(a, b), SAID[j], w) for a, b, j, w in rows.itertuples(index=False, name=None)}


def _problem(line: Conclusion, error: UsageError) -> Problem:
    """What a clerk is told, with what to do."""
    column = CONCLUSION
    if isinstance(error, Overtaken):
        text = f"发表以后{_named(error.standing)}，未覆盖。请核对；如要改变，请导出新表后重新填写。"
        if not error.standing:
            text = "发表时的结论后来被撤销，未采用本行。请导出新表后重新填写。"
    elif isinstance(error, JudgementRefused) and error.rule == "unknown":
        column, text = PAIR, "登记库中没有这个编号的主体。请使用系统发出的核对表，不要改动编号。"
    elif isinstance(error, JudgementRefused) and error.rule == "one":
        text = "甲、乙现在已是同一主体，不能再登记为不同。如确属误合并，请县级管理人员撤销原来的结论，或拆分账号。"
    elif isinstance(error, JudgementRefused) and error.rule == "numbers":
        text = "甲、乙（或与其同属一个主体的其他报送）有两个不同的有效证照号码，不能是同一主体。号码填错的，请让平台更正报送。"
    elif isinstance(error, JudgementRefused) and error.rule == "kinds":
        text = "甲、乙一个是自然人、一个是经营单位，即使由同一人经营也是两个主体。请选“不是同一主体”。"
    elif isinstance(error, JudgementRefused) and error.rule == "judged":
        text = f"合并会越过已有的结论：{_named(error.standing)}。请先核对那条结论；确属有误的，由县级管理人员撤销后再交本表。"
    elif isinstance(error, JudgementRefused) and error.rule == "batch":
        text = "与本表其他行的结论互相矛盾（经其他主体相连后，既要合并又要分开）。请统一后再交一次。"
    else:
        raise error
    return Problem(line.sheet, line.row, column, text)


def _named(standing: tuple[Standing, ...]) -> str:
    return "；".join(
        f"{s.who}已于{s.created_at[:10]}将 {pair_id(s.left, s.right)} 定为“{_IN_WORDS[SAID[s.judgement]]}”"
        f"（第{s.edge_id}号，理由：{s.why}）"
        for s in standing
    )


def export_judgements(office: Office, path: Path) -> int:
    """Writes people's live judgements (JUDGEMENTS) as CSV; returns how many."""
    with office.engine.begin() as connection:
        frame = judgements.stored(connection)
        audit.note(connection, "export judgements", f"{len(frame)} judgements with names, without numbers")
    frame["why"] = [redact_text(w) for w in frame["why"]]
    write_table(frame, JUDGEMENTS, path)
    return len(frame)


def import_judgements(office: Office, path: Path) -> Reviewed:
    """Reads such a CSV: judgements that stand already are left alone, a line that cannot be placed or cannot stand is named
    with its reason, and all others are written as they were said (who, when, why), with what follows, in one transaction.

    UsageError, and nothing is written, when any line of the file is malformed.
    """
    said = read_judgements(path)
    reviewed = Reviewed(path.name)
    with office.engine.begin() as connection:
        placed = judgements.place(connection, said).assign(judgement=said["judgement"].map(WORDS).astype("str"))
        problems = {int(str(i)): str(text) for i, text in placed["problem"].dropna().items()}
        good = placed[placed["problem"].isna()].astype({"left_id": "int64", "right_id": "int64"})
        said_twice = good.groupby(["left_id", "right_id"])["judgement"].transform("nunique") > 1
        contrary = "another line of this file says something else of the same two"
        problems |= dict.fromkeys(good.index[said_twice].tolist(), contrary)
        good = good[~said_twice].drop_duplicates(["left_id", "right_id"])
        live = judgements.standing(connection).rename(columns={"judgement": "stands"})
        good = good.reset_index().merge(live, on=["left_id", "right_id"], how="left").set_index("index")
        known = (good["stands"] == good["judgement"]).fillna(False)
        other = good["stands"].notna() & ~known
        for index, row in zip(good.index[other].tolist(), as_records(good[other]), strict=True):
            problems[index] = f"judgement {row['edge_id']} ({SAID[row['stands']]}, by {row['who']}) stands here; undo it first"
        fresh = good[~known & ~other]
        refused = judgements.refusals(connection, fresh)
        problems |= refused
        fresh = fresh[~fresh.index.isin(list(refused))]
        rows = said.loc[fresh.index, ["who", "why", "created_at"]]
        reviewed.added = len(edges.write(connection, fresh[["left_id", "right_id", "judgement"]].join(rows)))
        reviewed.known = len(said) - len(fresh) - len(problems)
        if reviewed.added:
            audit.note(connection, "import judgements", f"{path.name}: {reviewed.added} judgements")
            derive.derive_within(connection, office)
    reviewed.problems = [f"{path.name} line {i + 2}: {text}" for i, text in sorted(problems.items())]
    return reviewed


_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.*")


def read_judgements(path: Path) -> pd.DataFrame:
    """A file of people's judgements: JUDGEMENTS, all as text. UsageError names what is wrong, by line."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error):
        raise UsageError(f"{path.name} is not a CSV file in UTF-8") from None
    header = rows[0] if rows else []
    missing = [c for c in JUDGEMENTS if c not in header]
    if missing:
        raise UsageError(f"{path.name} lacks the columns {', '.join(missing)}")
    faults = []
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            faults.append(f"line {number} has {len(row)} fields instead of {len(header)}")
            continue
        line = dict(zip(header, row, strict=True))
        faults += [f"line {number}: {c} is empty" for c in ("who", "why") if not line[c].strip()]
        if line["judgement"] not in WORDS:
            faults.append(f"line {number}: judgement is none of {', '.join(WORDS)}")
        if not _is_moment(line["created_at"]):
            faults.append(f"line {number}: created_at is no moment such as 2026-03-31T08:00:00.000+00:00")
    if faults:
        more = f" (and {len(faults) - 10} more)" if len(faults) > 10 else ""
        raise UsageError(f"{path.name}: nothing was read: {'; '.join(faults[:10])}{more}")
    frame = pd.DataFrame(rows[1:], columns=header, dtype="str")[list(JUDGEMENTS)]
    frame["why"] = pd.Series([redact_text(w) for w in frame["why"]], dtype="str")
    return frame


def _is_moment(text: str) -> bool:
    try:
        return _MOMENT.fullmatch(text) is not None and datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
