"""Helpers to work on whole text columns: Arrow in the middle, pandas ``str`` at both ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from zp_registry.bytewise import changed_within, empty, holding, matches_within
from zp_registry.frames import FAULTS
from zp_registry.texts import to_arrow

Bools = npt.NDArray[np.bool_]
TEXT: Final = pd.StringDtype(na_value=np.nan)


def to_series(array: pa.Array | pa.ChunkedArray, index: pd.Index) -> pd.Series[str]:
    """An Arrow text array as a pandas ``str`` column with this index."""
    return pd.Series(TEXT.__from_arrow__(array.cast(pa.large_string())), index=index)  # type: ignore[attr-defined]


def to_bools(array: pa.Array | pa.ChunkedArray) -> Bools:
    """An Arrow boolean array as NumPy, null = False."""
    out: Bools = array.fill_null(False).to_numpy(zero_copy_only=False)
    return out.astype(np.bool_)


def blank(index: pd.Index) -> pd.Series[str]:
    """A column of NA."""
    return pd.Series(np.nan, index=index, dtype="str")


def filled(series: pd.Series[str]) -> Bools:
    """True where the column has a value."""
    out: Bools = series.notna().to_numpy()
    return out


def matches(series: pd.Series[str], pattern: str, rows: Bools | None = None) -> Bools:
    """True where the RE2 ``pattern`` is found in the value, looked for in ``rows`` alone if they are given."""
    if rows is not None:
        return matches_within(to_arrow(series), rows, pattern)
    return to_bools(pc.match_substring_regex(to_arrow(series), pattern))


def clear(series: pd.Series[str], rows: Bools) -> pd.Series[str]:
    """The column with NA in ``rows``; the same one where there are none."""
    if not rows.any():
        return series
    # Not if_else: the bytes of what it empties stay in the column, and would be looked at as if they were its values'.
    return to_series(to_arrow(series).take(pa.array(np.arange(len(rows)), mask=rows)), series.index)


def substituted(text: pa.LargeStringArray, pattern: str, by: str) -> pa.LargeStringArray:
    """``text`` with every match of the RE2 ``pattern`` replaced. Only what holds one is written anew: looking costs a third."""
    return changed_where(text, pattern, lambda some: pc.replace_substring_regex(some, pattern, by))


def changed_where(
    text: pa.LargeStringArray, pattern: str, change: Callable[[pa.LargeStringArray], pa.LargeStringArray]
) -> pa.LargeStringArray:
    """``change`` of the values in which the RE2 ``pattern`` is found; the others stay."""
    found = pc.fill_null(pc.match_substring_regex(text, pattern), False)
    return changed_within(text, found.to_numpy(zero_copy_only=False), change)


def replace(series: pd.Series[str], pattern: str, by: str, having: str = "") -> pd.Series[str]:
    """The column with every match of the RE2 ``pattern`` replaced; each holds one of the characters ``having``, if given."""
    text = to_arrow(series)
    if not having:
        return to_series(substituted(text, pattern, by), series.index)
    rows = holding(text, having)
    if not rows.any():
        return series
    return to_series(changed_within(text, rows, lambda some: substituted(some, pattern, by)), series.index)


def empty_to_na(series: pd.Series[str]) -> pd.Series[str]:
    """The column with empty text as NA."""
    text = to_arrow(series)
    return clear(series, empty(text))


def map_distinct(series: pd.Series[str], function: Callable[[str], str | None]) -> pd.Series[str]:
    """``function`` on each distinct value; NA stays NA."""
    return to_series(_map_distinct(to_arrow(series), function), series.index)


def _map_distinct(text: pa.LargeStringArray, function: Callable[[str], str | None]) -> pa.LargeStringArray:
    coded = text.dictionary_encode()
    values = pa.array([function(v) for v in coded.dictionary.to_pylist()], type=pa.large_string())
    return values.take(coded.indices)


def map_where(series: pd.Series[str], where: Bools, function: Callable[[str], str | None]) -> pd.Series[str]:
    """``function`` on the distinct values of the rows ``where``; the other rows are kept."""
    text = to_arrow(series)
    out = changed_within(text, where, lambda some: _map_distinct(some, function))
    return series if out is text else to_series(out, series.index)


def byte_matrix(array: pa.LargeStringArray, width: int) -> npt.NDArray[np.uint8]:
    """ASCII values that all have ``width`` bytes, one row of the matrix each (no nulls)."""
    offsets = np.frombuffer(array.buffers()[1], dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    if not len(array):
        return np.empty((0, width), dtype=np.uint8)
    data = np.frombuffer(array.buffers()[2], dtype=np.uint8)[offsets[0] : offsets[-1]]
    return data.reshape(len(array), width)


class Faults:
    """Collects remarks on fields of rows, a column of row numbers at a time."""

    def __init__(self, index: pd.Index) -> None:
        self._idx = index.to_numpy()
        self._parts: list[pd.DataFrame] = []

    def add(self, where: Bools, field: str, code: str, note: str | Sequence[str] | npt.NDArray[np.object_] = "") -> None:
        """One fault for each row ``where``; ``note`` one text, or one for each of those rows."""
        idx = self._idx[where]
        if len(idx):
            self._parts.append(pd.DataFrame({"idx": idx, "field": field, "code": code, "note": note}))

    def extend(self, other: Faults) -> None:
        """Takes over what another collector (of a frame with other rows) has."""
        self._parts += other._parts

    def frame(self, earlier: pd.DataFrame, sheets: pd.Series[str],
              headers: Mapping[tuple[str, str], str] | None) -> pd.DataFrame:
        """All faults (frames.FAULTS): ``earlier`` first, then each new (row, field, code) once; ``sheets`` by row."""
        old = earlier[list(FAULTS)]
        if self._parts:
            new = pd.concat(self._parts, ignore_index=True)
            pairs = pd.MultiIndex.from_arrays([new["idx"].map(sheets).astype("str").fillna(""), new["field"].astype("str")])
            names = {pair: (headers or {}).get(pair, "") for pair in pairs.unique()}
            new["header"] = [names[pair] for pair in pairs]
            both = pd.concat([old, new[list(FAULTS)]], ignore_index=True)
            again = both.duplicated(["idx", "field", "code"]).to_numpy() & (np.arange(len(both)) >= len(old))
            old = both[~again].reset_index(drop=True)
        return old.astype({"idx": "int64", **{c: "str" for c in FAULTS if c != "idx"}})
