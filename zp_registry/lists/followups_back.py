"""Taking filled-in follow-up lists back, whatever people did to the workbook on the way.

A row is known by the key in its hidden column; if that got lost, by its 主体编号. Every row in which something was filled in
ends up in the results or as a problem, never in neither.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pandas as pd

from zp_registry.frames import FOLLOWUP_RESULTS, empty
from zp_registry.lists import cells
from zp_registry.lists.followups_form import (
    DATE,
    ENTITY,
    FILL_INS,
    FORM,
    KEY_HEADER,
    KEY_SHEET,
    METHOD,
    METHODS,
    NOTE,
    OUTCOME,
    OUTCOMES,
    unpack_key,
)
from zp_registry.lists.workbook import Problem
from zp_registry.sources import Taken

_HEADERS = {cells.header_of(c.header): c.header for c in FORM}
_OTHER_SHEETS = ("说明", "汇总", "乡镇×平台", "乡镇×原因", "按平台", KEY_SHEET)
_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")


@dataclass
class _Reading:
    """What is gathered while the sheets are read."""

    methods: Sequence[str]
    outcomes: Sequence[str]
    today: date
    known: Mapping[str, str] | None
    keys: dict[str, str] = field(default_factory=dict)  # entity_id -> flag_id, from hidden key sheets
    results: list[tuple[object, ...]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read_followups(
    path: Path | Taken,
    *,
    methods: Sequence[str] = METHODS,
    outcomes: Sequence[str] = OUTCOMES,
    today: date | None = None,
    known: Mapping[str, str] | None = None,
) -> tuple[pd.DataFrame, list[Problem]]:
    """Reads a filled-in list: a FOLLOWUP_RESULTS frame of the rows with something filled in, and what cannot be taken in.

    ``known`` maps every flag id ever listed to its entity id: with it, ids that were never listed become problems, and a row
    without its key gets its flag if the entity has one only. Without it such a row's ``flag_id`` is NA. ``today`` is the last
    acceptable date (the clock's date by default: a person cannot have called tomorrow). Raises FileRefused if the file cannot
    be opened at all.
    """
    reading = _Reading(methods, outcomes, today or date.today(), known)
    found = cells.sheets(path)
    for name, rows in found:
        if name.startswith(KEY_SHEET) and rows and cells.text_of(rows[0][0]) == "zp-followups":
            reading.keys.update(
                {cells.text_of(r[0]): cells.text_of(r[1]) for r in rows[2:] if len(r) > 1 and cells.text_of(r[1])}
            )
    lists = [_read_sheet(reading, name, rows) for name, rows in found]
    if not any(lists):
        reading.problems.append(
            Problem("", 0, "", "文件里没有催签清单（表头应有“主体编号”和“本次催签日期”）。请确认是否选错文件。")
        )
    frame = empty(FOLLOWUP_RESULTS)
    if reading.results:
        frame = pd.DataFrame(reading.results, columns=list(FOLLOWUP_RESULTS)).astype(frame.dtypes.to_dict())
    return frame, reading.problems


def _read_sheet(reading: _Reading, name: str, rows: list[list[object]]) -> bool:
    """Reads one sheet; whether it holds a list at all."""
    where: dict[str, int] | None = None
    loose = 0
    for number, row in enumerate(rows, start=1):
        header = _header(row)
        if header is not None:
            where = header
            missing = [h for h in FILL_INS[:3] if h not in header]
            if missing:
                reading.problems.append(Problem(name, number, "、".join(missing), "表头缺少这些列，请恢复原表头后再交一次。"))
        elif where is not None:
            _read_row(reading, name, number, row, where)
        elif (placed := _by_key(row)) is not None:
            # Rows pasted without their header: the key's place tells where the other columns are.
            loose += 1
            _read_row(reading, name, number, row, placed)
    if where is None and not loose and name not in _OTHER_SHEETS and not name.startswith(KEY_SHEET):
        filled = sum(1 for r in rows if any(cells.text_of(c) for c in r))
        if filled:
            reading.problems.append(Problem(name, 0, "", f"有 {filled} 行内容，但没有催签清单的表头，未读入。请连同表头复制。"))
    return where is not None or loose > 0


def _header(row: Sequence[object]) -> dict[str, int] | None:
    """Header → position, if the row is a header row of a list. Of a header that stands twice the last one counts."""
    found = {_HEADERS[h]: i for i, c in enumerate(row) if isinstance(c, str) and (h := cells.header_of(c)) in _HEADERS}
    return found if (ENTITY in found or KEY_HEADER in found) and any(h in found for h in FILL_INS[:3]) else None


def _by_key(row: Sequence[object]) -> dict[str, int] | None:
    at = next((i for i, c in enumerate(row) if isinstance(c, str) and unpack_key(c)), None)
    first = (at or 0) - len(FORM) + 1
    return {c.header: first + i for i, c in enumerate(FORM)} if at is not None and first >= 0 else None


def _read_row(reading: _Reading, sheet: str, number: int, row: Sequence[object], where: Mapping[str, int]) -> None:
    cell = {h: row[i] if i < len(row) else None for h, i in where.items()}
    text = {h: cells.text_of(cell.get(h)) for h in (*FILL_INS, ENTITY, KEY_HEADER)}
    if not any(text[h] for h in FILL_INS):
        return
    bad: list[Problem] = []

    def wrong(column: str, message: str) -> None:
        bad.append(Problem(sheet, number, column, message))

    flag, entity = _identify(reading, text, wrong)
    day = cells.date_of(cell.get(DATE))
    if not text[DATE]:
        wrong(DATE, "填写了办理情况，但没有催签日期。请补填实际催签的日期，如 2026-09-30。")
    elif day is None or day.year < 2000:
        wrong(DATE, "日期无法识别。请写成 2026-09-30 这样的日期（年、月、日齐全）。")
    elif day > reading.today:
        wrong(DATE, f"催签日期晚于今天（{reading.today}）。请核对后更正。")
    if not text[METHOD] and not text[OUTCOME] and text[DATE]:
        wrong(OUTCOME, "只填了日期，没有填催签方式和办理结果。请从下拉列表中选择。")
    for column, choices in ((METHOD, reading.methods), (OUTCOME, reading.outcomes)):
        if text[column] and text[column] not in choices:
            wrong(column, f"“{text[column][:20]}”不在可选项中。请选择：{'、'.join(choices)}；其他情况请选“其他”并写入备注。")
    if bad:
        reading.problems.extend(bad)
    else:
        reading.results.append(
            (sheet, number, flag or pd.NA, entity, str(day), text[METHOD] or pd.NA, text[OUTCOME] or pd.NA, text[NOTE] or pd.NA)
        )


def _identify(reading: _Reading, text: Mapping[str, str], wrong: Callable[[str, str], None]) -> tuple[str, str]:
    """(flag_id, entity_id) of a row; the flag may be empty if only the entity is known."""
    key, shown = unpack_key(text[KEY_HEADER]), text[ENTITY]
    flag, entity = (key[1], key[2]) if key else ("", shown)
    if key and shown and shown != entity:
        wrong(ENTITY, "主体编号与本行的回传码不一致：可能排序时没有选中整张表，或改动了编号。请从原清单重新填写这一行。")
    elif not entity:
        wrong(ENTITY, "这一行没有主体编号，不知道是哪一户。请从原清单连同主体编号整行复制。")
    elif not key:
        flag = reading.keys.get(entity, "")
        if not flag and (not _ID.fullmatch(entity) or (reading.keys and reading.known is None)):
            wrong(ENTITY, "主体编号不在本清单中。请核对编号，或从原清单整行复制。")
            return "", entity
    if reading.known is not None and entity:
        if flag and reading.known.get(flag) != entity:
            wrong(ENTITY, "登记库中没有这条催签记录。请使用系统发出的清单。")
        elif not flag:
            flags = [f for f, e in reading.known.items() if e == entity]
            if not flags:
                wrong(ENTITY, "登记库中没有这个主体的催签记录。请核对主体编号。")
            elif len(flags) == 1:
                flag = flags[0]
    return flag, entity
