"""Which values of a column hold certain characters, found in the column's bytes as a whole: a tenth of what a regular
expression per value costs. So expressions need to look only at the few values where there is something to find."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Bools = npt.NDArray[np.bool_]
_Bytes = npt.NDArray[np.uint8]
_Places = npt.NDArray[np.int64]
_FIRST_HAN: Final = (0xE4, 0xB8)  # U+4E00 is E4 B8 80; what begins with E4 and less stands before it


def parts(text: pa.LargeStringArray) -> tuple[_Bytes, _Places]:
    """The column's UTF-8 bytes and where each value begins in them, with the end behind (n + 1 places)."""
    if not len(text):
        return np.empty(0, dtype=np.uint8), np.zeros(1, dtype=np.int64)
    _, where, data = text.buffers()
    offsets = np.frombuffer(where, dtype=np.int64)[text.offset : text.offset + len(text) + 1]
    held = np.frombuffer(data, dtype=np.uint8) if data is not None and data.size else np.empty(0, dtype=np.uint8)
    return held[offsets[0] : offsets[-1]], offsets - offsets[0]


def lengths(text: pa.LargeStringArray) -> _Places:
    """Bytes of each value; 0 for null."""
    out: _Places = np.diff(parts(text)[1])
    return out


def empty(text: pa.LargeStringArray) -> Bools:
    """Where a value is there, and empty."""
    nothing: Bools = lengths(text) == 0
    if np.count_nonzero(nothing) > text.null_count:
        nothing &= pc.is_valid(text).to_numpy(zero_copy_only=False)
        return nothing
    return np.zeros(len(text), dtype=np.bool_)


def table(*, allowed: str = "", han: bool = False) -> Bools:
    """A table by byte of what is not ``allowed`` (ASCII characters). Of other characters only Han (``han``) are: from U+4E00 to
    U+9FFF for :func:`odd`."""
    out = np.ones(256, dtype=np.bool_)
    out[np.frombuffer(allowed.encode("ascii"), dtype=np.uint8)] = False
    if han:
        out[0x80:0xC0] = False
        out[0xE4:0xEA] = False
    return out


def odd(text: pa.LargeStringArray, not_allowed: Bools) -> Bools:
    """Where a value holds a byte of ``not_allowed`` (:func:`table`), or a character between Latin and Han. Few others may be
    among them: characters of three bytes are told by their first."""
    data, offsets = parts(text)
    bad = _each(not_allowed, data)
    if len(data) and not not_allowed[0xE4]:
        bad[:-1] |= (data[:-1] == _FIRST_HAN[0]) & (data[1:] < _FIRST_HAN[1])
    return _values(bad, offsets)


def holding(text: pa.LargeStringArray, characters: str) -> Bools:
    """Where a value holds one of the ``characters`` (of one or three bytes in UTF-8; of others, perhaps, one much like it)."""
    data, offsets = parts(text)
    leads, codes = _wanted(characters)
    found = _each(leads, data)
    if codes.size:
        at = np.flatnonzero(found & (data >= 0xE0))
        at_most = np.minimum(at[:, None] + (1, 2), max(len(data) - 1, 0))
        code = (data[at].astype(np.int64) << 16) | (data[at_most[:, 0]].astype(np.int64) << 8) | data[at_most[:, 1]]
        found[at[~np.isin(code, codes)]] = False
    return _values(found, offsets)


def of_three_bytes(text: pa.LargeStringArray, wanted: Bools) -> Bools:
    """Where a value holds a character from U+0800 to U+FFFF that is ``wanted`` (by code point)."""
    data, offsets = parts(text)
    at = np.flatnonzero((data >= 0xE0) & (data < 0xF0))
    first, second, third = (data[at + i].astype(np.int32) for i in range(3))
    hit = at[wanted[((first & 0x0F) << 12) | ((second & 0x3F) << 6) | (third & 0x3F)]]
    out = np.zeros(len(text), dtype=np.bool_)
    out[np.searchsorted(offsets, hit, side="right") - 1] = True
    return out


def _each(by_byte: Bools, data: _Bytes) -> Bools:
    """What the table says of each byte: a quarter of what NumPy's ``by_byte[data]`` takes."""
    return np.frombuffer(bytearray(data).translate(by_byte.tobytes()), dtype=np.bool_)


@functools.cache
def _wanted(characters: str) -> tuple[Bools, _Places]:
    leads, codes = np.zeros(256, dtype=np.bool_), []
    for character in characters:
        written = character.encode("utf-8")
        leads[written[0]] = True
        if len(written) == 3:
            codes.append(int.from_bytes(written, "big"))
    return leads, np.array(codes, dtype=np.int64)


def _values(found: Bools, offsets: _Places) -> Bools:
    """The values in which a byte was found."""
    out = np.zeros(len(offsets) - 1, dtype=np.bool_)
    at = np.flatnonzero(found)
    if at.size > len(out) // 4:
        filled = np.flatnonzero(np.diff(offsets))
        out[filled] = np.logical_or.reduceat(found, offsets[filled])
    elif at.size:
        out[np.searchsorted(offsets, at, side="right") - 1] = True
    return out


def matches_within(text: pa.LargeStringArray, rows: Bools, pattern: str) -> Bools:
    """Where the RE2 ``pattern`` is found, looked for in ``rows`` alone."""
    out = np.zeros(len(text), dtype=np.bool_)
    at = np.flatnonzero(rows)
    if at.size:
        found = pc.match_substring_regex(_some(text, at), pattern)
        out[at] = pc.fill_null(found, False).to_numpy(zero_copy_only=False)
    return out


def changed_within(
    text: pa.LargeStringArray, rows: Bools, change: Callable[[pa.LargeStringArray], pa.LargeStringArray]
) -> pa.LargeStringArray:
    """``change`` of the values of ``rows``; the others stay."""
    at = np.flatnonzero(rows)
    if not at.size:
        return text
    if at.size == len(text):  # taken, since what was made null by if_else keeps its bytes, and they would count as its value's
        return change(text).take(pa.array(at))
    return put(text, at, change(_some(text, at)))


def put(text: pa.LargeStringArray, at: _Places, values: pa.LargeStringArray) -> pa.LargeStringArray:
    """The column with ``values`` at these places (much quicker than Arrow's replace_with_mask)."""
    which = np.arange(len(text))
    which[at] = len(text) + np.arange(len(at))
    return pa.concat_arrays([text, values.cast(text.type)]).take(pa.array(which))


def _some(text: pa.LargeStringArray, at: _Places) -> pa.LargeStringArray:
    return text if at.size == len(text) else text.take(pa.array(at))
