"""Many texts from many: lists as one text, rows as JSON; whole columns at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

_TEXT = pa.large_string()
_NOTHING = pa.scalar("", _TEXT)
# Digits as 0, what may stand before a number as a colon: so a whole number that may be beyond 64 bits is found quickly.
_COARSE = bytes.maketrans(b"123456789,[ -\t\n\r", b"000000000:::::::")
_LONG = b":" + b"0" * 19
_TO_ESCAPE = r'["\\\x00-\x1f]'


def long_number(json_text: bytes) -> bool:
    """Whether JSON may hold a whole number of 19 digits or more, which quick readers turn into a fraction."""
    return _LONG in json_text.translate(_COARSE)


def to_arrow(values: pd.Series[str]) -> pa.LargeStringArray:
    """The column as one Arrow array (large_string, missing = null)."""
    given = values if isinstance(values.dtype, pd.StringDtype) else values.astype("str")
    array = pa.array(given, type=_TEXT, from_pandas=True)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def row_joined(columns: Sequence[pa.LargeStringArray], between: str = "") -> pa.LargeStringArray:
    """The filled cells of each row, one behind the other; null where all are empty."""
    # Not null_handling="skip": Arrow 26 loses a row there whose cells are all null.
    gap, out = pa.scalar(between, _TEXT), columns[0]
    for column in columns[1:]:
        out = pc.coalesce(pc.binary_join_element_wise(out, column, gap), out, column)
    return out


def joined(values: pd.Series[str], between: str) -> pd.Series[str]:
    """The values of each index label as one text, in the order of the rows, missing ones left out; sorted by label."""
    given = values[values.notna()]
    if not given.index.is_monotonic_increasing:
        given = given.sort_index(kind="stable")
    starts = np.flatnonzero(~given.index.duplicated())
    lists = pa.ListArray.from_arrays(pa.array(np.append(starts, len(given)), pa.int32()), to_arrow(given))
    return pd.Series(pc.binary_join(lists, pa.scalar(between, _TEXT)), index=given.index[starts], dtype="str")


def map_parts(lists: pd.Series[str], function: Callable[[pd.Series[str]], pd.Series[str]]) -> pd.Series[str]:
    """``a;b`` → ``f(a);f(b)``, missing for missing; ``function`` takes the column of all parts and gives one as long."""
    text = to_arrow(lists)
    parts = pc.split_pattern(text, ";")
    mapped = to_arrow(function(pd.Series(parts.flatten(), dtype="str")))
    out = pc.binary_join(pa.ListArray.from_arrays(parts.offsets, mapped), pa.scalar(";", _TEXT))
    out = pc.if_else(pc.is_null(text), pa.scalar(None, _TEXT), out)
    return pd.Series(out, index=lists.index, dtype="str")


def json_objects(columns: Iterable[tuple[str, pa.LargeStringArray]]) -> pa.LargeStringArray:
    """Each row as the JSON object of those named columns (one at least) that have a value, null where none has; the same text
    as ``json.dumps(…, ensure_ascii=False)`` gives."""
    pieces = [_member(name, column) for name, column in columns]
    inside = row_joined(pieces, ", ")
    return pc.binary_join_element_wise(pa.scalar("{", _TEXT), inside, pa.scalar("}", _TEXT), _NOTHING)


def _member(name: str, value: pa.LargeStringArray) -> pa.LargeStringArray:
    odd = pc.fill_null(pc.match_substring_regex(value, _TO_ESCAPE), False)
    if pc.any(odd).as_py():
        escaped = [json.dumps(v, ensure_ascii=False)[1:-1] for v in value.filter(odd).to_pylist()]
        value = pc.replace_with_mask(value, odd, pa.array(escaped, _TEXT))
    head = pa.scalar(json.dumps(name, ensure_ascii=False) + ': "', _TEXT)
    return pc.binary_join_element_wise(head, value, pa.scalar('"', _TEXT), _NOTHING)


def placed(sheet: str, row: int, column: str = "") -> str:
    """Where in a workbook something stands, in words; what is not known is left out."""
    return (f"［{sheet}］" if sheet else "") + (f"第{row}行" if row else "") + (f"“{column}”" if column else "")
