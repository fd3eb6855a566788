"""Columns of cells as text, with what a number cell may have lost. Cells are handled by their types, a class at a time."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from zp_registry.bytewise import empty, holding, lengths, matches_within
from zp_registry.sources.tables import Cell, Column, TextCells, TextColumn

EXACT: Final = 1e15  # a double keeps 15 digits for certain: a number cell of 16 or more cannot be trusted
# As programs write a long number into a csv: 4.11324E+17, or 4.11324E17. An identifier such as 5E88 is none.
_SCIENTIFIC = r"^\s*'?[+-]?(?:\d(?:\.\d+)?[eE]\+|\d\.\d+[eE])\d{2,3}\s*$"
_SHORTEST = 5  # bytes of 4E+17
_TEXT = pd.StringDtype(storage="pyarrow", na_value=np.nan)
_NONE, _STR, _NUMBER, _OTHER = range(4)
_SECOND = dt.timedelta(seconds=1)


def text_column(column: Column, start: int = 0, stop: int | None = None) -> TextColumn:
    """A column, or rows ``start`` … ``stop`` of it, as text (see :class:`TextColumn`)."""
    if isinstance(column, TextCells):
        array = column.text.slice(start, None if stop is None else max(stop - start, 0))
        return TextColumn(_pandas(array), column.lossy[start:stop], column.number[start:stop])
    if isinstance(column, pa.Array | pa.ChunkedArray):
        array = column.slice(start, None if stop is None else max(stop - start, 0)).cast(pa.large_string())
        return _finish(array, np.zeros(len(array), dtype=bool), np.zeros(len(array), dtype=bool))
    cells = column[start:stop]
    with suppress(pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError):  # nothing but text, as most columns are
        return _finish(pa.array(cells, pa.large_string()), np.zeros(len(cells), dtype=bool), np.zeros(len(cells), dtype=bool))
    kinds = {t: _kind(t) for t in set(map(type, cells))}
    if set(kinds.values()) <= {_NONE, _STR}:
        return _finish(_texts(cells), np.zeros(len(cells), dtype=bool), np.zeros(len(cells), dtype=bool))
    values = np.empty(len(cells), dtype=object)
    values[:] = cells
    kind = np.fromiter(map(kinds.__getitem__, map(type, cells)), dtype=np.int8, count=len(cells))
    number, lossy = kind == _NUMBER, np.zeros(len(cells), dtype=bool)
    at = np.flatnonzero(number)
    values[at], lossy[at] = _numbers(values[at])
    other = np.flatnonzero(kind == _OTHER)
    values[other] = [_other_text(v) for v in values[other]]
    return _finish(_texts(values), lossy, number)


def _kind(cell: type) -> int:
    if cell is type(None):
        return _NONE
    if issubclass(cell, str):
        return _STR
    return _NUMBER if issubclass(cell, int | float) and cell is not bool else _OTHER


def _texts(values: Any) -> Any:
    try:
        return pa.array(values, pa.large_string())
    except UnicodeEncodeError:  # half of a surrogate pair
        return pa.array([whole_characters(v) if isinstance(v, str) else v for v in values], pa.large_string())


def _finish(array: Any, lossy: npt.NDArray[np.bool_], number: npt.NDArray[np.bool_]) -> TextColumn:
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    nothing = empty(array)
    if nothing.any():
        array = pc.if_else(pa.array(nothing), pa.scalar(None, array.type), array)
    scientific = matches_within(array, (lengths(array) >= _SHORTEST) & holding(array, "eE"), _SCIENTIFIC)
    return TextColumn(_pandas(array), lossy | (scientific & ~number), number)


def _pandas(array: Any) -> pd.Series[str]:
    text: pd.Series[str] = array.to_pandas(types_mapper={pa.large_string(): _TEXT}.get)
    return text


def _numbers(values: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    """Texts of numbers, and where they have 16 digits or more."""
    try:
        floats = values.astype(np.float64)
    except OverflowError:
        floats = np.array([float(v) if abs(v) < 1e300 else math.inf for v in values])
    lossy = np.abs(floats) >= EXACT
    whole = ~lossy & (floats == np.floor(floats))
    texts = np.empty(len(values), dtype=object)
    texts[whole] = pa.array(floats[whole].astype(np.int64)).cast(pa.string()).to_numpy(zero_copy_only=False)
    rest = np.flatnonzero(~whole)
    texts[rest] = [_number_text(v) for v in values[rest]]
    return texts, lossy & (texts != "")


def _number_text(value: Any) -> str:
    """Whole numbers without ``.0``; of others the 15 digits that a spreadsheet program shows; never scientific notation."""
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        return ""
    if value.is_integer():
        return str(int(value))
    return np.format_float_positional(value, precision=15, fractional=False, trim="-")


def _other_text(value: Any) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, dt.datetime):
        value = (value + _SECOND / 2).replace(microsecond=0, tzinfo=None)  # serials are fractions of a day: 12:29:59.999995
        return value.date().isoformat() if value.time() == dt.time() else str(value.isoformat(sep=" "))
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, dt.time):
        return value.isoformat(timespec="seconds")
    if isinstance(value, dt.timedelta):
        seconds = round(value / _SECOND)
        return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return str(value)


def cell_text(value: Cell) -> str:
    """One cell as text, for titles and headers."""
    kind = _kind(type(value))
    if kind == _NUMBER:
        return _number_text(value)
    return _other_text(value) if kind == _OTHER else str(value or "")


def whole_characters(text: str) -> str:
    """Halves of surrogate pairs, which no file and no database can hold, as U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def is_blank(column: Column) -> bool:
    """Whether no cell holds anything but blanks."""
    if isinstance(column, TextCells):
        column = column.text
    if isinstance(column, pa.Array | pa.ChunkedArray):
        return not pc.any(pc.not_equal(pc.utf8_trim_whitespace(column), "")).as_py()
    return all(v is None or (isinstance(v, str) and not v.strip()) for v in column)


def first_texts(column: Column, count: int) -> Sequence[str]:
    """The first ``count`` cells as text, empty ones as ``""``."""
    if isinstance(column, TextCells):
        return [v or "" for v in column.text.slice(0, count).to_pylist()]
    cells = column.slice(0, count).to_pylist() if isinstance(column, pa.Array | pa.ChunkedArray) else column[:count]
    return [cell_text(v) for v in cells]
