"""The joint meeting's bulletin as a Word document, a page and a workbook, all from the same tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import pandas as pd
from openpyxl.utils import get_column_letter

from zp_registry.flags.bulletin import Period, Sheet
from zp_registry.lists.casedocs import Part, page_docx, page_html
from zp_registry.lists.casepictures import bars_picture
from zp_registry.lists.charts import bar_chart
from zp_registry.lists.safety import iso_date, write_atomically
from zp_registry.lists.workbook import Book, Col, explain, grid, heading, page

CAUTION: Final = "内部资料，供联席会议使用。线索案件是核查事项，不是认定结论。数据由系统根据报送数据按历史记录统计。"
_NUMBERS: Final = "一二三四五六七八九十"
_MOST = 200  # rows of one table in a document; the workbook has all


def _widths(sheet: Sheet) -> list[float]:
    """Column widths in cm, of 25.7 together, by what stands in them."""
    need = [
        max(2.2, min(9.0, 0.42 * max([_wide(c) / (2 if len(c) > 6 else 1), *(_wide(str(r[i] or "")) for r in sheet.rows)])))
        for i, c in enumerate(sheet.columns)
    ]
    total = sum(need)
    return [w * 25.7 / total for w in need]


def _wide(text: str) -> float:
    return sum(1.0 if ord(c) > 255 else 0.55 for c in text)


def _told(sheet: Sheet) -> list[list[str]]:
    rows = [["" if v is None else str(v) for v in row] for row in sheet.rows[:_MOST]]
    if len(sheet.rows) > _MOST:
        rows.append([f"另有 {len(sheet.rows) - _MOST} 行，见工作簿", *[""] * (len(sheet.columns) - 1)])
    return rows


def _parts(sheets: Sequence[Sheet]) -> list[Part]:
    return [
        Part(
            f"{_NUMBERS[n]}、{s.title}",
            s.note,
            s.columns,
            _told(s) or [["本期没有", *[""] * (len(s.columns) - 1)]],
            _widths(s),
            _picture(s),
            apart=n > 0,
        )
        for n, s in enumerate(sheets)
    ]


def _picture(sheet: Sheet) -> bytes | None:
    rows = sheet.rows[:-1] if sheet.total else sheet.rows
    if not sheet.chart or not rows:
        return None
    series = {sheet.columns[c]: [float(str(r[c] or 0)) for r in rows] for c in sheet.chart}
    return bars_picture(sheet.title, [str(r[0]) for r in rows], series)


def write_bulletin(
    sheets: Sequence[Sheet],
    period: Period,
    folder: Path,
    *,
    county: str,
    bureau: str,
    newest: str,
    known: str,
    rules: str,
) -> list[Path]:
    """Writes docx, html and xlsx into ``folder`` and gives their paths. ``newest``: the newest report date that counts;
    ``known``: the time before which everything that had come counts; ``rules``: the rules' version."""
    title = f"{county}电子商务规范管理情况通报（{period.name}）"
    notes = [
        f"{bureau}　{CAUTION}",
        f"统计期间 {period.first} 至 {period.last}；最新报送日期 {newest}；"
        f"按 {known}（北京时间）前收到的报表、台账和核查记录统计，线索规则 {rules}。",
    ]
    parts = _parts(sheets)
    stem = folder / f"联席会议通报_{period.name}"
    return [
        _bytes(stem.with_name(stem.name + ".docx"), page_docx(title, notes, parts)),
        _bytes(stem.with_name(stem.name + ".html"), page_html(title, notes, parts).encode()),
        _workbook(sheets, period, stem.with_name(stem.name + ".xlsx"), county, title, notes),
    ]


def _bytes(path: Path, data: bytes) -> Path:
    def write(stream: Any) -> None:
        stream.write(data)

    return write_atomically(path, write)


def _workbook(sheets: Sequence[Sheet], period: Period, path: Path, county: str, title: str, notes: Sequence[str]) -> Path:
    book = Book(county)
    day = iso_date(period.last)
    for n, sheet in enumerate(sheets):
        _sheet(book, sheet, f"{n + 1} {sheet.title}"[:31], day, period)
    explain(
        book, "说明", title, [*notes, *(f"{n + 1}. {s.title}：{s.note}" for n, s in enumerate(sheets) if s.note)], as_of=day
    )
    return book.save(path)


def _sheet(book: Book, sheet: Sheet, name: str, day: date, period: Period) -> None:
    ws = book.sheet(name)
    frame = pd.DataFrame(sheet.rows, columns=sheet.columns)
    columns = [_column(c, frame[c], first=i == 0) for i, c in enumerate(sheet.columns)]
    notes = [f"统计期间：{period.first} 至 {period.last}　　单位：{sheet.unit}"]
    top = heading(book, ws, sheet.title, notes, len(columns))
    last = grid(book, ws, columns, sheet.rows, top=top, total=sheet.total and bool(sheet.rows))
    end, wide = last, len(columns)
    drawn = last - 1 if sheet.total else last
    if sheet.chart and drawn > top:
        room = [ws.column_dimensions[get_column_letter(i + 1)].width * 0.195 for i in range(wide)]
        width = max(15.0, min(26.0, sum(room)))
        wide += max(0, math.ceil((width - sum(room)) / 1.7))  # what is printed must reach as far as the chart
        first, final = sheet.chart[0] + 1, sheet.chart[-1] + 1
        end = bar_chart(
            ws,
            title=sheet.title,
            header_row=top,
            last_row=drawn,
            columns=(first, final),
            at_row=last + 2,
            width_cm=width,
        )
    tall = end > 45
    page(ws, last_column=wide, last_row=end, header_row=top, as_of=day, name=name, portrait=tall, one_page=bool(sheet.chart))


def _column(name: str, values: pd.Series[Any], *, first: bool) -> Col:
    kinds = {type(v) for v in values if v is not None}
    if first or kinds & {str}:
        return Col(name, least=8, most=28)
    return Col(name, "number" if kinds & {float} else "int", 8, 12)
