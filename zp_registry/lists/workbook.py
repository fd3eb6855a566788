"""The look and the safety of every workbook: text cells that stay text, A4 pages, repeated headers, protection.

Fonts are those of Chinese offices (等线, 宋体); a machine without them falls back to its own.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, Literal

import pandas as pd
from openpyxl import Workbook
from openpyxl.cell.cell import Cell
from openpyxl.styles import Alignment, Border, Font, NamedStyle, PatternFill, Protection, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

import zp_registry.lists.sheets  # noqa: F401  sheets are made in memory
from zp_registry.lists.safety import clean, escape_underscores, formula_like, write_atomically

Kind = Literal["text", "int", "number", "date"]
BODY_FONT: Final = "等线"
TITLE_FONT: Final = "宋体"
_FORMATS: Final[dict[Kind, str]] = {"text": "@", "int": "0", "number": "0.00", "date": "yyyy-mm-dd"}
_SIDE = Side(style="thin", color="A6A6A6")
HEADER_FILL, FILL_IN_HEADER, FILL_IN, BAD_FILL = "D9E2EC", "F8D58B", "FFF9E5", "F9C9C4"
MAX_ROWS: Final = 1_048_576
_LINE_POINTS = 15.0


@dataclass(frozen=True)
class Problem:
    """What could not be taken in from a returned workbook; ``row`` as the spreadsheet program shows it (0: whole sheet)."""

    sheet: str
    row: int
    column: str
    message_zh: str


@dataclass(frozen=True)
class Col:
    """One column of a list. Widths are in characters of the body font; a CJK character counts 2."""

    header: str
    kind: Kind = "text"
    least: float = 6
    most: float = 24
    editable: bool = False
    hidden: bool = False
    centred: bool = False


@functools.lru_cache(1 << 16)
def width_of(text: str) -> int:
    """Display width of the widest line; wide and ambiguous characters count 2."""
    return max(
        (sum(2 if unicodedata.east_asian_width(c) in "WFA" else 1 for c in line) for line in text.split("\n")), default=0
    )


@functools.lru_cache(1 << 16)
def _lines(text: str, width: float) -> int:
    """How many lines the text takes in a column of this width. A margin of one CJK character allows for wrapping."""
    return sum(max(1, -(-width_of(line) // max(2, int(width - 1)))) for line in text.split("\n"))


@dataclass
class Book:
    """A workbook under way: makes each style once and writes cells by it."""

    county: str = ""
    wb: Workbook = field(default_factory=Workbook)
    _styles: dict[tuple[object, ...], str] = field(default_factory=dict)
    _looks: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.wb.active is not None:
            self.wb.remove(self.wb.active)
        for style in self.wb._named_styles:  # type: ignore[attr-defined]
            style.font = Font(name=BODY_FONT, size=11)  # "Normal": column widths are counted in its digits
        self.wb.properties.creator = self.county or "zp-registry"

    def sheet(self, name: str) -> Worksheet:
        """A new sheet under this name (the caller's: at most 31 characters, none of ``\\/?*[]:``)."""
        made: Worksheet = self.wb.create_sheet(name)
        return made

    def style(
        self,
        kind: Kind = "text",
        *,
        fill: str = "",
        editable: bool = False,
        bold: bool = False,
        centred: bool = False,
        border: bool = True,
        size: float = 11,
        font: str = BODY_FONT,
        wrap: bool = True,
        top: bool = False,
    ) -> str:
        """The name of a style with these traits, registered at the first use."""
        key = (kind, fill, editable, bold, centred, border, size, font, wrap, top)
        name = self._styles.get(key)
        if name is None:
            name = f"zp{len(self._styles) + 1}"
            made = NamedStyle(name=name, number_format=_FORMATS[kind])
            made.font = Font(name=font, size=size, bold=bold)
            made.alignment = Alignment(
                horizontal="center" if centred else None, vertical="top" if top else "center", wrap_text=wrap
            )
            made.protection = Protection(locked=not editable)
            if border:
                made.border = Border(left=_SIDE, right=_SIDE, top=_SIDE, bottom=_SIDE)
            if fill:
                made.fill = PatternFill("solid", fgColor=fill)
            self.wb.add_named_style(made)
            self._styles[key] = name
        return name

    def put(self, ws: Worksheet, row: int, column: int, value: object, style: str, kind: Kind = "text") -> Cell:
        """Writes one cell. Text is stored as text whatever it looks like; other kinds fall back to text if they do not fit."""
        cell: Any = ws.cell(row, column)  # a MergedCell is never addressed here
        look = self._looks.get(style)
        if look is None:
            cell.style = style
            self._looks[style] = copy(cell._style)
        else:  # naming the style of each cell anew takes as long as all the rest
            cell._style = copy(look)
        real = _convert(value, kind)
        if isinstance(real, str):
            put_text(cell, real)
        elif real is not None:
            cell.value = real
        return cell  # type: ignore[no-any-return]

    def save(self, path: Path) -> Path:
        """Writes the workbook atomically with mode 0600."""
        return write_atomically(path, self.wb.save)


def put_text(cell: Any, value: object) -> None:
    """Stores a value as text in a cell, never a formula, error or number; what looks like a formula gets the text prefix."""
    text = clean(value)
    if not text:
        return
    cell.value = escape_underscores(text)
    cell.data_type = "s"
    if formula_like(text):
        cell.quotePrefix = True


def _convert(value: object, kind: Kind) -> str | int | float | date | None:
    text = clean(value)
    if text == "" or kind == "text":
        return text or None
    try:
        if kind == "date":
            return value.date() if isinstance(value, datetime) else date.fromisoformat(text)
        number = float(text)
        return int(number) if kind == "int" and number.is_integer() else number
    except (ValueError, OverflowError):
        return text


def heading(book: Book, ws: Worksheet, title: str, notes: Sequence[str], last_column: int) -> int:
    """Title and remark lines over the columns 1 to ``last_column``; gives the row below them."""
    for row, text in enumerate((title, *notes), start=1):
        first = row == 1
        look = book.style(
            bold=first, border=False, centred=first, size=16 if first else 10, font=TITLE_FONT if first else BODY_FONT
        )
        book.put(ws, row, 1, text, look)
        ws.merge_cells(start_row=row, start_column=1, end_row=row, end_column=max(1, last_column))
        ws.row_dimensions[row].height = 28 if first else 15 * max(1, text.count("\n") + 1)
    return len(notes) + 2


def grid(
    book: Book,
    ws: Worksheet,
    columns: Sequence[Col],
    rows: Sequence[Sequence[object]],
    *,
    top: int,
    fills: Sequence[str] | None = None,
    fill_column: int = -1,
    total: bool = False,
) -> int:
    """Writes header (row ``top``) and rows with widths by content and heights by wrapping; gives the last row.

    ``fills`` colours the cell ``fill_column`` of each row; ``total`` makes the last row bold.
    """
    widths = _widths(columns, rows)
    for c, (col, width) in enumerate(zip(columns, widths, strict=True), start=1):
        look = book.style(fill=FILL_IN_HEADER if col.editable else HEADER_FILL, bold=True, centred=True)
        book.put(ws, top, c, col.header, look)
        ws.column_dimensions[get_column_letter(c)].width = width + 0.7
        ws.column_dimensions[get_column_letter(c)].hidden = col.hidden
    ws.row_dimensions[top].height = _LINE_POINTS * max(_lines(c.header, w) for c, w in zip(columns, widths, strict=True)) + 6
    looks = [
        book.style(c.kind, editable=c.editable, fill=FILL_IN if c.editable else "", centred=c.centred or c.kind != "text")
        for c in columns
    ]
    for r, values in enumerate(rows, start=top + 1):
        lines = 1
        for c, (col, value) in enumerate(zip(columns, values, strict=True)):
            look = looks[c]
            if fills is not None and c == fill_column:
                look = book.style(col.kind, fill=fills[r - top - 1], centred=True, bold=True)
            elif total and r == top + len(rows):
                look = book.style(col.kind, bold=True, centred=col.centred or col.kind != "text", fill="F2F2F2")
            book.put(ws, r, c + 1, value, look, col.kind)
            if not col.hidden:
                lines = max(lines, _lines(clean(value), widths[c]))
        ws.row_dimensions[r].height = min(400.0, _LINE_POINTS * lines + 5)
    return top + len(rows)


def _widths(columns: Sequence[Col], rows: Sequence[Sequence[object]]) -> list[float]:
    widths = []
    for c, col in enumerate(columns):
        # Two lines of header are fine; values decide, within the column's limits.
        need = max((width_of(clean(row[c])) for row in rows), default=0)
        need = max(need, -(-width_of(col.header) // 2) if width_of(col.header) > 8 else width_of(col.header))
        widths.append(float(min(col.most, max(col.least, need + 1))))
    return widths


def page(
    ws: Worksheet,
    *,
    last_column: int,
    last_row: int,
    header_row: int | None,
    as_of: date,
    name: str,
    portrait: bool = False,
    one_page: bool = False,
    autofilter: int = 0,
    repeat_columns: str = "",
) -> None:
    """A4 page set-up: fit to width, titles repeated, print area, page x of y, list date; header frozen, filter if wanted.

    ``autofilter``: the last column of the filter (0: no filter), hidden ones included, so that sorting moves the keys along.
    ``repeat_columns`` (``B:C``): a sheet too wide to be read on one page goes over several, these columns on each.
    """
    ws.page_setup.orientation = "portrait" if portrait else "landscape"
    ws.page_setup.paperSize = 9  # A4
    shown = (ws.column_dimensions[get_column_letter(c)] for c in range(1, last_column + 1))
    wide = -(-int(sum(d.width for d in shown if not d.hidden)) // 260) if repeat_columns else 1
    ws.page_setup.fitToWidth, ws.page_setup.fitToHeight = max(1, wide), 1 if one_page else 0
    if wide > 1:
        ws.print_title_cols = repeat_columns
    ws.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    ws.page_margins.left = ws.page_margins.right = 0.3
    ws.page_margins.top, ws.page_margins.bottom = 0.6, 0.65
    ws.page_margins.header = ws.page_margins.footer = 0.3
    ws.print_options.horizontalCentered = True
    ws.print_area = f"A1:{get_column_letter(last_column)}{last_row}"
    header, footer = ws.oddHeader, ws.oddFooter
    assert header is not None
    assert footer is not None
    plain = clean(name).replace("&", "&&")  # & begins a code in headers and footers
    for part, text in ((footer.left, plain), (footer.center, "第 &P 页 共 &N 页"), (header.right, f"清单日期：{as_of}")):
        part.text, part.size = text, 9
    if header_row is not None:
        ws.print_title_rows = f"{header_row}:{header_row}"
        ws.freeze_panes = f"A{header_row + 1}"
        if autofilter:
            ws.auto_filter.ref = f"A{header_row}:{get_column_letter(autofilter)}{max(last_row, header_row + 1)}"
    ws.sheet_view.showGridLines = False


def protect(ws: Worksheet) -> None:
    """Locks what is not editable, without a password: against slips, not against people. Filtering and widths stay allowed."""
    p = ws.protection
    p.sheet = True
    # In this schema False means "allowed".
    p.autoFilter = p.sort = p.formatColumns = p.formatRows = p.formatCells = False


def explain(book: Book, name: str, title: str, paragraphs: Sequence[str], *, as_of: date) -> Worksheet:
    """A sheet of plain text: a paragraph that begins with ``# `` is a heading."""
    ws = book.sheet(name)
    # Several merged columns instead of one wide one: a page can be fitted to them whatever font the machine has.
    for c in range(1, 9):
        ws.column_dimensions[get_column_letter(c)].width = 11.5
    row = heading(book, ws, title, (), 8)
    for text in paragraphs:
        head = text.startswith("# ")
        body = text.removeprefix("# ")
        book.put(ws, row, 1, body, book.style(bold=head, border=False, size=12 if head else 11, top=not head))
        ws.merge_cells(start_row=row, start_column=1, end_row=row, end_column=8)
        ws.row_dimensions[row].height = _LINE_POINTS * 1.1 * _lines(body, 88) + (10 if head else 4)
        row += 1
    page(ws, last_column=8, last_row=row - 1, header_row=None, as_of=as_of, name=name, portrait=True)
    return ws


def rows_of(frame: pd.DataFrame, columns: Sequence[str]) -> list[tuple[object, ...]]:
    """The frame's rows for these columns, NA as None."""
    part = frame.loc[:, list(columns)].astype(object)
    return list(part.where(part.notna(), None).itertuples(index=False, name=None))
