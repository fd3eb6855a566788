"""Citizen numbers on whole columns (GB 11643—1999), and the 15-digit and 20-character forms that lead to one.

6 digits of area, 8 of birth, 3 of sequence, check character. Area codes changed over the years (镇平 was 412925 until 1994 and
is 411324 since), and a person keeps the one of the day: the area is never judged. Residence permits of people from Hong Kong,
Macao and Taiwan (81, 82, 83) and the newer permanent residence cards (9) follow the same scheme.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from zp_registry.bytewise import changed_within, lengths, matches_within, odd, table
from zp_registry.normalise.columns import Bools, byte_matrix, to_series
from zp_registry.texts import to_arrow

_WEIGHTS: Final = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2], dtype=np.int64)
_CHECK: Final = np.frombuffer(b"10X98765432", dtype=np.uint8)
_NO_DIGIT: Final = table(allowed="0123456789X")
SHAPE: Final = r"^(?:\d{17}[\dX]|\d{15}|\d{17}[\dX]\d{2})$"


@dataclass
class CitizenCheck:
    """``number``: the valid 18-character number or NA; ``birth_date``: its date; the masks are over the rows of the column.

    ``check`` and ``date`` are faults of values that have the shape; ``old``: had 15 digits; ``taxpayer``: had 20 characters.
    """

    number: pd.Series[str]
    birth_date: pd.Series[str]
    valid: Bools
    shaped: Bools
    check: Bools
    date: Bools
    old: Bools
    taxpayer: Bools


def check_characters(body: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The 18th character (as a byte) of each row of 17 ASCII digits."""
    out: npt.NDArray[np.uint8] = _CHECK[((body.astype(np.int64) - 48) @ _WEIGHTS) % 11]
    return out


def check_citizens(series: pd.Series[str], as_of: pd.Series[str], *, values: bool = True) -> CitizenCheck:
    """Judges each value of a column of upper-case numbers without blanks against the row's ``as_of`` (ISO date or NA); without
    ``values`` neither ``number`` nor ``birth_date`` is made (both empty)."""
    text = to_arrow(series)
    length = lengths(text)
    shaped = matches_within(text, np.isin(length, (15, 18, 20)) & ~odd(text, _NO_DIGIT), SHAPE)
    old, taxpayer = shaped & (length == 15), shaped & (length == 20)
    # RE2 takes one digit after the backslash: group 1, "19", group 2, and "0" in the place of the check character.
    body = changed_within(text, old, lambda some: pc.replace_substring_regex(some, r"^(\d{6})(\d{9})$", r"\119\20"))
    body = changed_within(body, taxpayer, lambda some: pc.utf8_slice_codeunits(some, 0, 18))
    matrix = byte_matrix(body.filter(pa.array(shaped)), 18)
    expected = check_characters(matrix[:, :17])
    right = (expected == matrix[:, 17]) | old[shaped]
    day, exists = _birth_days(matrix)
    limit = _days(as_of, shaped)
    exists &= np.isnat(limit) | (day <= limit)

    def spread(part: Bools) -> Bools:
        out = np.zeros(len(text), dtype=np.bool_)
        out[shaped] = part
        return out

    valid = spread(right & exists)
    nothing = pa.nulls(len(text), pa.large_string())
    number = born = nothing
    if values and valid.any():
        number = pc.if_else(pa.array(valid), body, nothing)
        number = changed_within(number, old & valid, lambda some: _completed(some, expected[old[shaped] & valid[shaped]]))
        days = np.full(len(text), "NaT", dtype="datetime64[D]")
        days[valid] = day[valid[shaped]]
        born = pa.array(days).cast(pa.string())
    return CitizenCheck(
        number=to_series(number, series.index), birth_date=to_series(born, series.index), valid=valid, shaped=shaped,
        check=spread(~right), date=spread(right & ~exists), old=old & valid, taxpayer=taxpayer & valid,
    )


def _completed(numbers: pa.LargeStringArray, checks: npt.NDArray[np.uint8]) -> pa.LargeStringArray:
    """Old numbers with the check character in its place."""
    return pa.array([n[:17] + chr(c) for n, c in zip(numbers.to_pylist(), checks, strict=True)], pa.large_string())


def _days(dates: pd.Series[str], rows: Bools) -> npt.NDArray[np.datetime64]:
    """ISO dates of ``rows`` as days, NaT for missing ones; hardly more than one differs."""
    coded = to_arrow(dates).filter(pa.array(rows)).dictionary_encode()
    known = np.array([*coded.dictionary.to_pylist(), "NaT"], dtype="datetime64[D]")
    out: npt.NDArray[np.datetime64] = known[pc.fill_null(coded.indices, len(known) - 1).to_numpy(zero_copy_only=False)]
    return out


def _birth_days(matrix: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.datetime64], Bools]:
    """Birth day of each row (bytes 7 to 14) and whether that day exists, not before 1880."""
    digits = matrix[:, 6:14].astype(np.int64) - 48
    year, month, day = digits[:, :4] @ [1000, 100, 10, 1], digits[:, 4:6] @ [10, 1], digits[:, 6:8] @ [10, 1]
    ok = (year >= 1880) & (month >= 1) & (month <= 12) & (day >= 1)
    first = ((np.where(ok, year, 1970) - 1970) * 12 + np.where(ok, month, 1) - 1).astype("datetime64[M]")
    date = first.astype("datetime64[D]") + (np.where(ok, day, 1) - 1).astype("timedelta64[D]")
    ok &= date.astype("datetime64[M]") == first
    return date, ok
