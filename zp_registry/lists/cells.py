"""Reading workbooks that came back from people: sheets of cells as python-calamine gives them, and what a cell says."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, timedelta
from pathlib import Path

from zp_registry.lists.safety import clean
from zp_registry.sources import ReadLimits, Taken, reader, take

_BLANK = re.compile(r"\s+")
_YMD = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[T\s]+\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?")
_EPOCH = date(1899, 12, 30)
# A list that comes back is no whole county's report.
LIMITS = ReadLimits(max_bytes=50 << 20, max_unpacked=512 << 20, max_rows=200_000, max_cells=4_000_000)
_EXACT = 10.0**15  # a binary64 number cell holds at most 15 trustworthy digits


def sheets(source: Path | Taken) -> list[tuple[str, list[list[object]]]]:
    """Every sheet, hidden ones too, as rows of cells from A1 on (xlsx, xls, ods, et saved as these), read in a process apart.

    Raises :class:`FileRefused` with FILE_EMPTY, FILE_ENCRYPTED, FILE_BROKEN, FILE_FORMAT, FILE_TOO_LARGE or FILE_TOO_SLOW.
    """
    taken = source if isinstance(source, Taken) else take(source, LIMITS.max_bytes, follow=True)
    return [(name, [[_cell(c) for c in row] for row in rows]) for name, rows in reader.cells(taken.name, taken.data, LIMITS)]


def _cell(cell: object) -> object:
    """Dates and times cross as a mark and ISO text."""
    if not isinstance(cell, list):
        return cell
    kind, text = cell
    return datetime.fromisoformat(text) if kind == "D" else date.fromisoformat(text) if kind == "d" else text


def text_of(cell: object) -> str:
    """The cell as text: a whole number without ``.0``, a date as ISO text, outer blanks gone."""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 10.0**20:
        return str(int(cell))
    if isinstance(cell, datetime):
        plain = cell.time().replace(microsecond=0)
        return cell.date().isoformat() if plain.isoformat() == "00:00:00" else cell.isoformat(sep=" ", timespec="seconds")
    if isinstance(cell, date):
        return cell.isoformat()
    return clean(cell).strip()


def inexact(cell: object) -> bool:
    """Whether a number cell is too long to be trusted as an identifier."""
    return isinstance(cell, int | float) and not isinstance(cell, bool) and abs(cell) >= _EXACT


def header_of(cell: object) -> str:
    """A header in comparison form: NFKC, no blanks or line breaks, no remark in brackets."""
    text = _BLANK.sub("", unicodedata.normalize("NFKC", text_of(cell)))
    return re.sub(r"\(.*?\)$", "", text)


def date_of(cell: object) -> date | None:
    """The date of a cell or None: date cells, serials, ``2026-9-30``, ``2026/9/30``, ``20260930``, ``2026年9月30日``."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    text = unicodedata.normalize("NFKC", text_of(cell))
    try:
        if found := _YMD.fullmatch(text):
            return date(int(found[1]), int(found[2]), int(found[3]))
        if re.fullmatch(r"[12]\d{7}", text):
            return date(int(text[:4]), int(text[4:6]), int(text[6:]))
        # Serials of the years 1982 to 2119: fewer digits are more likely a slip of the pen.
        if re.fullmatch(r"[3-7]\d{4}(\.\d+)?", text):
            return _EPOCH + timedelta(days=int(float(text)))
    except ValueError:
        return None
    return None
