"""Taking a filled-in 疑似重复主体核对表 back, whatever people did to the workbook on the way.

A pair is known by the key that its lines carry in a hidden column; if that got lost, by its 核对编号. Every line in which a
conclusion or a reason was filled in ends up among the conclusions or as a problem, never in neither.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from zp_registry.lists import cells
from zp_registry.lists.duplicates_form import (
    CONCLUSION,
    CONCLUSIONS,
    FORM,
    GUIDE_SHEET,
    KEY_HEADER,
    KEY_SHEET,
    PAIR,
    PERSON,
    REASON,
    unpack_key,
)
from zp_registry.lists.workbook import Problem
from zp_registry.sources import Taken

_HEADERS = {cells.header_of(c.header): c.header for c in FORM}
_PAIR = re.compile(r"(E\d{8,18})-(E\d{8,18})")
_MARK = "zp-duplicates"


@dataclass(frozen=True)
class Conclusion:
    """What a person filled in about a pair: ``decision`` is same | different | unsure; ``expect``: the judgements that stood
    when the list was written; ``person`` may be empty. ``row`` as the spreadsheet program shows it."""

    sheet: str
    row: int
    pair: str
    expect: frozenset[int]
    decision: str
    reason: str
    person: str


def read_duplicates(path: Path | Taken) -> tuple[list[Conclusion], list[Problem]]:
    """The conclusions of a filled-in list, one per pair, and what cannot be taken in, in Chinese. Two lines that contradict
    each other are both problems. Raises FileRefused if the file cannot be opened at all."""
    found = cells.sheets(path)
    keys: dict[str, frozenset[int]] = {}
    for name, rows in found:
        if name.startswith(KEY_SHEET) and rows and cells.text_of(rows[0][0]) == _MARK:
            packed = [unpack_key(cells.text_of(r[0])) for r in rows[1:] if r]
            keys.update(dict(k for k in packed if k is not None))
    conclusions: list[Conclusion] = []
    problems: list[Problem] = []
    lists = [_read_sheet(name, rows, keys, conclusions, problems) for name, rows in found]
    if not any(lists):
        problems.append(
            Problem("", 0, "", f"文件里没有疑似重复主体核对表（表头应有“{PAIR}”和“{CONCLUSION}”）。请确认是否选错文件。")
        )
    return _agreed(conclusions, problems), problems


def _read_sheet(
    name: str,
    rows: list[list[object]],
    keys: Mapping[str, frozenset[int]],
    conclusions: list[Conclusion],
    problems: list[Problem],
) -> bool:
    """Reads one sheet; whether it holds a list at all."""
    where: dict[str, int] | None = None
    loose = False
    for number, row in enumerate(rows, start=1):
        header = _header(row)
        if header is not None:
            where = header
            missing = [h for h in (CONCLUSION, REASON) if h not in header]
            if missing:
                problems.append(Problem(name, number, "、".join(missing), "表头缺少这些列，请恢复原表头后再交一次。"))
        elif where is not None:
            _read_row(name, number, row, where, keys, conclusions, problems)
        elif (placed := _by_key(row)) is not None:
            # Rows pasted without their header: the key's place tells where the other columns are.
            loose = True
            _read_row(name, number, row, placed, keys, conclusions, problems)
    if where is None and not loose and name != GUIDE_SHEET and not name.startswith(KEY_SHEET):
        filled = sum(1 for r in rows if any(cells.text_of(c) for c in r))
        if filled:
            problems.append(Problem(name, 0, "", f"有 {filled} 行内容，但没有核对表的表头，未读入。请连同表头复制。"))
    return where is not None or loose


def _header(row: Sequence[object]) -> dict[str, int] | None:
    """Header → position, if the row is a header row of a list. Of a header that stands twice the last one counts."""
    found = {_HEADERS[h]: i for i, c in enumerate(row) if isinstance(c, str) and (h := cells.header_of(c)) in _HEADERS}
    return found if (PAIR in found or KEY_HEADER in found) and (CONCLUSION in found or REASON in found) else None


def _by_key(row: Sequence[object]) -> dict[str, int] | None:
    at = next((i for i, c in enumerate(row) if isinstance(c, str) and unpack_key(c)), None)
    first = (at or 0) - len(FORM) + 1
    return {c.header: first + i for i, c in enumerate(FORM)} if at is not None and first >= 0 else None


def _read_row(
    sheet: str,
    number: int,
    row: Sequence[object],
    where: Mapping[str, int],
    keys: Mapping[str, frozenset[int]],
    conclusions: list[Conclusion],
    problems: list[Problem],
) -> None:
    text = {h: cells.text_of(row[i]) if i < len(row) else "" for h, i in where.items()}
    word, reason = _flat(text.get(CONCLUSION, "")), text.get(REASON, "")
    if not word and not reason:
        return
    bad: list[Problem] = []

    def wrong(column: str, message: str) -> None:
        bad.append(Problem(sheet, number, column, message))

    key, shown = unpack_key(text.get(KEY_HEADER, "")), _flat(text.get(PAIR, "")).upper()
    pair, expect = key if key else (shown, keys.get(shown, frozenset()))
    if key and shown and shown != pair:
        wrong(PAIR, "核对编号与本行的回传码不一致：可能移动过单元格，或改动了编号。请从原表重新填写这一对。")
    elif not pair:
        wrong(PAIR, "这一行没有核对编号，不知道是哪一对。请从原表整行复制（连同隐藏的回传码列）。")
    elif not _PAIR.fullmatch(pair):
        wrong(PAIR, "核对编号无法识别，应形如 E00000012-E00000345。请核对编号，或从原表整行复制。")
    if not word:
        wrong(CONCLUSION, f"填写了理由，但没有结论。请从下拉列表中选择：{'、'.join(CONCLUSIONS)}。")
    elif word not in CONCLUSIONS:
        wrong(CONCLUSION, f"“{word[:20]}”不在可选项中。请选择：{'、'.join(CONCLUSIONS)}。")
    if word and not reason:
        wrong(REASON, "填写了结论，但没有理由。请写明依据，如“本人持身份证到场核实”。")
    if bad:
        problems.extend(bad)
        return
    conclusions.append(Conclusion(sheet, number, pair, expect, CONCLUSIONS[word], reason, text.get(PERSON, "")))


def _flat(text: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).replace("—", "-").replace("–", "-")


def _agreed(conclusions: list[Conclusion], problems: list[Problem]) -> list[Conclusion]:
    """One conclusion per pair; pairs about which lines differ become problems."""
    by_pair: dict[str, list[Conclusion]] = {}
    for one in conclusions:
        by_pair.setdefault(one.pair, []).append(one)
    out = []
    for lines in by_pair.values():
        if len({one.decision for one in lines}) == 1:
            out.append(lines[0])
            continue
        places = "、".join(f"［{one.sheet}］第{one.row}行" for one in lines)
        for one in lines:
            message = f"同一对主体的结论互相矛盾（{places}），均未采用。请统一结论后再交一次。"
            problems.append(Problem(one.sheet, one.row, CONCLUSION, message))
    return out
