"""Dates of reports, whatever style they were typed in, as ISO text ``YYYY-MM-DD``.

Styles: ``2024-3-1``, ``2024/03/01``, ``2024.03.01``, ``2024年3月1日``, ``20240301``, Excel serial numbers of 20000 to 60000
(days since 1899-12-30), each with or without a time of day, and ISO 8601 with a zone, which is moved to the day in
Asia/Shanghai (UTC+8). Day-first, month-first, two-digit years and year-month are ambiguous and therefore no dates.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

_TIME = r"(?P<H>\d{1,2})[:时点](?P<M>\d{1,2})(?:分|(?:[:分](?P<S>\d{1,2})(?:[.,]\d+)?秒?))?"
_ZONE = r"(?P<z>[Zz]|[+-]\d{2}:?\d{2})?"
_PARTED: Final = (
    r"^(?P<y>\d{4}) ?[-/.年] ?(?P<m>\d{1,2}) ?[-/.月] ?(?P<d>\d{1,2}) ?[日号]?(?:[Tt ]*" + _TIME + r" ?" + _ZONE + r")?$"
)
_COMPACT: Final = (
    r"^(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?:\.0)?"
    r"(?:[Tt ]?(?P<H>\d{2}):?(?P<M>\d{2}):?(?P<S>\d{2})?(?:[.,]\d+)?" + _ZONE + r")?$"
)
_SERIAL: Final = r"^(?P<n>\d{5})(?:\.\d+)?$"
_SERIALS: Final = (20_000, 60_000)  # 1954-10-03 to 2064-04-08: outside, a five-digit number is something else
_YEARS: Final = (1900, 2100)
_SHANGHAI_MINUTES: Final = 480
_EPOCH_SERIAL: Final = np.datetime64("1899-12-30", "D")

Days = npt.NDArray[np.datetime64]


def parse_dates(series: pd.Series[str]) -> pd.Series[str]:
    """Each value of a text column as ISO text ``YYYY-MM-DD``; NA where it is empty or no date (index and length kept).

    A value that was given and is NA afterwards is the caller's DATE_INVALID (or AS_OF_INVALID).
    """
    text = pa.array(series.astype("str"), type=pa.large_string(), from_pandas=True)
    coded = text.dictionary_encode() if not isinstance(text, pa.ChunkedArray) else text.combine_chunks().dictionary_encode()
    days = _days(coded.dictionary)
    iso = pa.array(np.datetime_as_string(days, unit="D"), type=pa.large_string(), mask=np.isnat(days))
    out = iso.take(coded.indices)
    values = pd.StringDtype(na_value=np.nan).__from_arrow__(out)  # type: ignore[attr-defined]
    return pd.Series(values, index=series.index, name=series.name)


def _days(text: pa.Array) -> Days:
    """The day of each value of a text array, NaT where it is none."""
    clean = pc.utf8_normalize(text, form="NFKC")
    clean = pc.utf8_trim_whitespace(pc.replace_substring_regex(clean, r"[\s\x{200b}\x{feff}]+", " "))
    out = np.full(len(clean), "NaT", dtype="datetime64[D]")
    for pattern in (_PARTED, _COMPACT):
        open_ = np.isnat(out)
        out = np.where(open_, _civil(pc.extract_regex(clean, pattern)), out)
    serial = _numbers(pc.struct_field(pc.extract_regex(clean, _SERIAL), "n"))
    ok = (serial >= _SERIALS[0]) & (serial <= _SERIALS[1])
    return np.where(np.isnat(out) & ok, _EPOCH_SERIAL + np.where(ok, serial, 0).astype("timedelta64[D]"), out)


def _numbers(text: pa.Array) -> npt.NDArray[np.int64]:
    """Digits as integers; -1 where empty or null."""
    full = pc.if_else(pc.fill_null(pc.equal(text, ""), True), "-1", pc.fill_null(text, "-1"))
    numbers: npt.NDArray[np.int64] = pc.cast(full, pa.int64()).to_numpy(zero_copy_only=False)
    return numbers


def _civil(parts: pa.StructArray) -> Days:
    """The day that year, month, day (and time and zone) of a match name; NaT for no match or a day that does not exist."""
    y, m, d, hour, minute, second = (_numbers(pc.struct_field(parts, k)) for k in ("y", "m", "d", "H", "M", "S"))
    ok = (y >= _YEARS[0]) & (y <= _YEARS[1]) & (m >= 1) & (m <= 12) & (d >= 1) & (hour < 24) & (minute < 60) & (second < 61)
    months = (np.where(ok, y, 1970) - 1970) * 12 + np.where(ok, m, 1) - 1
    first = months.astype("datetime64[M]")
    day = first.astype("datetime64[D]") + (np.where(ok, d, 1) - 1).astype("timedelta64[D]")
    ok &= day.astype("datetime64[M]") == first
    zone = pc.fill_null(pc.struct_field(parts, "z"), "")
    zoned = pc.not_equal(zone, "").to_numpy(zero_copy_only=False)
    if zoned.any():
        digits = pc.replace_substring_regex(pc.replace_substring_regex(zone, "^[Zz]$", "+0000"), ":", "")
        value = np.maximum(_numbers(pc.utf8_slice_codeunits(digits, 1, 5)), 0)
        sign = np.where(pc.starts_with(digits, "-").to_numpy(zero_copy_only=False), -1, 1)
        offset = sign * (value // 100 * 60 + value % 100)
        minutes = np.maximum(hour, 0) * 60 + np.maximum(minute, 0) - offset + _SHANGHAI_MINUTES
        day = day + np.where(zoned, minutes // 1440, 0).astype("timedelta64[D]")
    return np.where(ok, day, np.datetime64("NaT", "D"))
