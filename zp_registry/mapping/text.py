"""Small text work that only the mapping stage needs: folding for comparison, blank words, arrays of text.

Folding is for *finding* (headers, sheet names, lookup values); a value itself is only stripped of blanks at its ends.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from zp_registry.bytewise import changed_within, lengths, odd, table
from zp_registry.sources.tables import TextColumn

Text = Any  # a pyarrow large_string array: pyarrow has no type stubs
Mask = npt.NDArray[np.bool_]

_INVISIBLE: Final = re.compile("[\\s\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]+")
_BLANKS: Final = "\t\n\f\r \u00a0\u2060\u3000\ufeff" + "".join(map(chr, [*range(0x2000, 0x2010), *range(0x202A, 0x2030)]))
_NOT_PLAIN: Final = table(allowed="".join(chr(c) for c in range(0x21, 0x7F) if chr(c) != "'"), han=True)
_COPY: Final = re.compile(r"(?:[-_]*(?:\((?:续|\d+|副本|[一二三四五六七八九十]+)\)|副本|续[表页]?\d*)|[-_]\d+)$")
_BLANK_MAX: Final = 8  # the longest cell, in characters, that can still be a word for "nothing"
_HEADER_NOISE: Final = re.compile(r"^[*#]+|[*:]+$|\((?:必填|选填|必录|\*)\)$")


def fold(text: str) -> str:
    """NFKC, no blanks or invisible characters, lower case, no leading apostrophe: the form in which words are compared."""
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).casefold().removeprefix("'")


def fold_header(text: str) -> str:
    """A header for comparison: folded, without the marks of required columns (``*姓名``, ``姓名（必填）``, ``姓名：``)."""
    before, after = "", fold(text)
    while before != after:
        before, after = after, _HEADER_NOISE.sub("", after)
    return after


def fold_sheet(text: str) -> str:
    """A sheet name without the tail of a copy or continuation: ``名单(续)``, ``名单 (2)``, ``名单_2`` = ``名单``."""
    before, after = "", fold(text)
    while before != after:
        before, after = after, _COPY.sub("", after)
    return after


def array(values: pd.Series[str] | Iterable[str | None]) -> Text:
    """A text column as one pyarrow array, empty text and NA as null."""
    out = pa.array(values, type=pa.large_string(), from_pandas=True)
    if isinstance(out, pa.ChunkedArray):
        out = out.combine_chunks()
    return pc.if_else(pc.equal(out, ""), None, out)


def series(text: Text) -> pd.Series[str]:
    """A pyarrow text array as a pandas ``str`` column."""
    return pd.Series(pd.StringDtype(na_value=np.nan).__from_arrow__(text))  # type: ignore[attr-defined]


def nulls(n: int) -> Text:
    """``n`` empty cells."""
    return pa.nulls(n, type=pa.large_string())


def constant(value: str, n: int) -> Text:
    """``n`` times the same text."""
    return pa.array([value], type=pa.large_string()).take(pa.array(np.zeros(n, dtype=np.int64)))


def mask(condition: Any) -> Mask:
    """A pyarrow boolean array as NumPy, null = False."""
    out: Mask = pc.fill_null(condition, False).to_numpy(zero_copy_only=False)
    return out


def filled(text: Text) -> Mask:
    """True where there is a value."""
    out: Mask = pc.is_valid(text).to_numpy(zero_copy_only=False)
    return out


def where(condition: Mask, yes: Text, no: Text) -> Text:
    """``yes`` where the condition holds, else ``no``."""
    return pc.if_else(pa.array(condition), yes, no)


def emptied(text: Text, condition: Mask) -> Text:
    """The column with null where the condition holds."""
    return where(condition, nulls(len(text)), text) if condition.any() else text


def clean(text: Text, blank_words: frozenset[str]) -> Text:
    """Strips blanks and invisible characters at both ends; words that mean "nothing" (folded) become null."""
    if isinstance(text, pa.ChunkedArray):
        text = text.combine_chunks()
    special = odd(text, _NOT_PLAIN)
    out = changed_within(text, special, lambda some: _trimmed(some, blank_words))
    # What has letters, digits and Han alone can be a word for "nothing" only as it is written.
    words = [w for w in blank_words if len(w) <= _BLANK_MAX]
    perhaps = np.flatnonzero(~special & np.isin(lengths(text), [len(w.encode()) for w in words]))
    if not len(perhaps):
        return out
    some = pc.is_in(pc.ascii_lower(text.take(pa.array(perhaps))), value_set=pa.array(words, type=pa.large_string()))
    nothing = np.zeros(len(text), dtype=bool)
    nothing[perhaps] = mask(some)
    return emptied(out, nothing)


def _trimmed(text: Text, blank_words: frozenset[str]) -> Text:
    out = pc.utf8_trim(text, characters=_BLANKS)
    short = pc.filter(out, pc.fill_null(pc.less_equal(pc.utf8_length(out), _BLANK_MAX), False)).unique().to_pylist()
    nothing = [w for w in short if not (plain := fold(w)) or plain in blank_words]
    return pc.if_else(pc.is_in(out, value_set=pa.array(nothing, type=pa.large_string())), None, out) if nothing else out


def map_distinct(text: Text, function: Callable[[str], str | None]) -> Text:
    """``function`` over the distinct values of a column; null stays null."""
    coded = text.dictionary_encode()
    mapped = pa.array([None if v is None else function(v) for v in coded.dictionary.to_pylist()], type=pa.large_string())
    return mapped.take(coded.indices)


def honest(column: TextColumn) -> Text:
    """A column as one array; numbers that have lost digits are written so that nobody takes their digits for true:
    ``6.21785918577755E+18``, which is lossy again when it comes back as text."""
    text, lost = array(column.text), column.lossy & column.number
    return where(lost, map_distinct(emptied(text, ~lost), _scientific), text) if lost.any() else text


def _scientific(number: str) -> str:
    return f"{float(number):.14E}"
