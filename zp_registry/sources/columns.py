"""Columns of cells as text, with what a number cell may have lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from zp_registry.sources.tables import Cell, Column, TextColumn

EXACT = 1e15  # a double keeps 15 digits for certain: a number cell of 16 or more cannot be trusted
_SCIENTIFIC = r"^\s*'?[+-]?\d(?:\.\d+)?[eE]\+?\d{2,}\s*$"


def text_column(column: Column, start: int = 0, stop: int | None = None) -> TextColumn:
    """A column, or rows ``start`` … ``stop`` of it, as text (see :class:`TextColumn`)."""
    if isinstance(column, pa.Array | pa.ChunkedArray):
        return _from_arrow(column.slice(start, None if stop is None else stop - start))
    return _from_cells(column[start:stop])


def _from_arrow(array: Any) -> TextColumn:
    array = array.cast(pa.string()) if array.type not in (pa.string(), pa.large_string()) else array
    array = pc.if_else(pc.equal(array, ""), pa.scalar(None, array.type), array)
    text = pd.Series(array.to_pandas(), dtype="str") if len(array) else pd.Series(dtype="str")
    return TextColumn(text, _scientific(text), np.zeros(len(text), dtype=bool))


def _from_cells(cells: Sequence[Cell]) -> TextColumn:
    values = np.empty(len(cells), dtype=object)
    values[:] = cells
    types = np.fromiter((_KINDS.get(type(v), 4) for v in values), dtype=np.int8, count=len(values))
    lossy, number = np.zeros(len(values), dtype=bool), types == 2
    at = np.flatnonzero(number)
    if at.size:
        numbers = values[at].astype(float)
        lossy[at] = np.abs(numbers) >= EXACT
        values[at] = [_number_text(v) for v in values[at]]
    other = np.flatnonzero(types >= 3)
    if other.size:
        values[other] = [_other_text(v) for v in values[other]]
    values[types == 0] = None
    text = pd.Series(values, dtype="str")
    text = text.mask((text == "").fillna(False).to_numpy(dtype=bool))
    return TextColumn(text, lossy | _scientific(text) & ~number, number)


# 0 nothing, 1 text, 2 number, 3 and more what has to be looked at
_KINDS: dict[type, int] = {type(None): 0, str: 1, int: 2, float: 2, bool: 3}


def _scientific(text: pd.Series[str]) -> npt.NDArray[np.bool_]:
    return text.str.contains(_SCIENTIFIC, regex=True).fillna(False).to_numpy(dtype=bool)


def _number_text(value: Any) -> str:
    """Whole numbers without ``.0``, all digits of others that matter, never in scientific notation."""
    if isinstance(value, int):
        return str(value)
    if value != value or value in (float("inf"), float("-inf")):
        return ""
    return str(int(value)) if value.is_integer() else np.format_float_positional(value, trim="-")


def _other_text(value: Any) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.replace(microsecond=0).isoformat(sep=" ")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return str(value)
    return str(value)


def cell_text(value: Cell) -> str:
    """One cell as text, for titles and headers."""
    kind = _KINDS.get(type(value), 4)
    return "" if kind == 0 else value if isinstance(value, str) else _number_text(value) if kind == 2 else _other_text(value)
