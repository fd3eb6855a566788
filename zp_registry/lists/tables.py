"""Exports as files: csv and jsonl with the exact data, xlsx with text that stays text."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Final, Literal

import pandas as pd
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter

from zp_registry.lists.safety import clean, formula_like, write_atomically
from zp_registry.lists.workbook import BODY_FONT, HEADER_FILL, MAX_ROWS, put_text, width_of

Format = Literal["csv", "jsonl", "xlsx"]
FORMATS: Final[tuple[Format, ...]] = ("csv", "jsonl", "xlsx")


def write_table(
    frame: pd.DataFrame,
    columns: Sequence[str],
    path_or_stream: Path | IO[bytes] | IO[str],
    format: Format = "csv",
    *,
    sheet: str = "数据",
) -> None:
    """Writes these columns of the frame in this order; a column that the frame lacks is a KeyError.

    csv: UTF-8 with BOM, CRLF, quoted by RFC 4180, NA as an empty field; values stand exactly as in the frame, so nothing is
    made safe against formulas. jsonl: one object a line, NA as null, numbers as numbers. xlsx: text is stored as text, several
    sheets beyond a sheet's limit of rows. A path is written atomically with mode 0600; a text stream takes csv and jsonl only.
    """
    part = frame.loc[:, list(columns)]
    if isinstance(path_or_stream, Path):
        write_atomically(path_or_stream, lambda stream: _write(part, stream, format, sheet))
    elif isinstance(path_or_stream, io.TextIOBase):
        if format == "xlsx":
            raise ValueError("xlsx needs a binary stream")
        path_or_stream.write(_csv(part).decode() if format == "csv" else _jsonl(part).decode())
    else:
        _write(part, path_or_stream, format, sheet)  # type: ignore[arg-type]


def _write(part: pd.DataFrame, stream: IO[bytes], format: Format, sheet: str) -> None:
    if format == "csv":
        stream.write(_csv(part))
    elif format == "jsonl":
        stream.write(_jsonl(part))
    elif format == "xlsx":
        _xlsx(part, stream, sheet)
    else:
        raise ValueError(f"unknown format {format!r}: one of {', '.join(FORMATS)}")


def _csv(part: pd.DataFrame) -> bytes:
    return b"\xef\xbb\xbf" + part.to_csv(index=False, lineterminator="\r\n").encode()


def _jsonl(part: pd.DataFrame) -> bytes:
    names = [str(c) for c in part.columns]
    plain = part.astype(object).where(part.notna(), None)
    # tolist() gives Python's own numbers, which json can write.
    rows = zip(*(plain[c].tolist() for c in part.columns), strict=True)
    return "".join(json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) + "\n" for row in rows).encode()


def _xlsx(part: pd.DataFrame, stream: IO[bytes], sheet: str) -> None:
    """Streams row by row, so that a county's tables need little memory."""
    book = Workbook(write_only=True)
    widths = [_column_width(part[c], str(c)) for c in part.columns]
    most = MAX_ROWS - 1
    for number, start in enumerate(range(0, max(1, len(part)), most), start=1):
        ws = book.create_sheet(sheet if number == 1 else f"{sheet}{number}")
        ws.freeze_panes = "A2"
        for c, width in enumerate(widths, start=1):
            ws.column_dimensions[get_column_letter(c)].width = width
        piece = part.iloc[start : start + most]
        ws.auto_filter.ref = f"A1:{get_column_letter(max(1, len(widths)))}{len(piece) + 1}"
        head = []
        for name in part.columns:
            cell = WriteOnlyCell(ws)
            cell.font, cell.fill = Font(name=BODY_FONT, size=11, bold=True), PatternFill("solid", fgColor=HEADER_FILL)
            put_text(cell, str(name))
            head.append(cell)
        ws.append(head)
        pens = [_Pen(ws, pd.api.types.is_numeric_dtype(part[c])) for c in part.columns]
        plain = piece.astype(object).where(piece.notna(), None)
        for row in zip(*(plain[c].tolist() for c in part.columns), strict=True):
            ws.append([pen.write(value) for pen, value in zip(pens, row, strict=True)])
    book.save(stream)


class _Pen:
    """The cells of one column. A write-only sheet writes a row at once, so one cell object serves all of its rows."""

    def __init__(self, ws: Any, numeric: bool) -> None:
        self.numeric = numeric
        self.number, self.text, self.prefixed = (WriteOnlyCell(ws) for _ in range(3))
        self.text.number_format = self.prefixed.number_format = "@"

    def write(self, value: Any) -> Any:
        if value is None:
            return None
        if self.numeric and not isinstance(value, bool):
            self.number.value = value
            return self.number
        text = clean(value)
        if not text:
            return None
        cell = self.prefixed if formula_like(text) else self.text
        put_text(cell, text)
        return cell


def _column_width(values: pd.Series, header: str) -> float:
    # The longest of the first rows decides; later ones may be cut in sight, not in content.
    longest = max((width_of(clean(v)) for v in values.head(500).tolist()), default=0)
    return float(min(40, max(width_of(header) + 3, longest + 2)))
