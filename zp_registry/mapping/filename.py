"""What a file's name says: a report date and words that name a platform. Clerks rename files, so this is the last witness."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

import pandas as pd

from zp_registry.dates import parse_dates
from zp_registry.mapping.text import fold

_DAY: Final = re.compile(r"(?<!\d)(20\d{2})(?:[-_./年]?(\d{2})[-_./月]?(\d{2})|[-_./年](\d{1,2})[-_./月](\d{1,2}))日?(?!\d)")
_MONTH: Final = re.compile(r"(?<!\d)(20\d{2})(?:[-_./年]?(\d{2})|[-_./年](\d{1,2}))月?(?!\d)")
_LABEL_DATE: Final = r"\s*[:：]?\s*(\d{4}\s?[-/.年]\s?\d{1,2}\s?[-/.月]\s?\d{1,2}\s?日?|\d{8}|\d{5})(?!\d)"


@dataclass(frozen=True)
class NamedDate:
    """``date`` ISO; ``month``: the name gave only a month, and the date is its last day."""

    date: str
    month: bool


def date_in_name(name: str) -> NamedDate | None:
    """The first whole date, else the first month, in a file name; None if there is neither.

    ``x_20260831_list.xlsx``, ``报送 2026年8月31日(1).xls``, ``x_202608.csv`` (= 2026-08-31), ``x_20260831-副本.csv``.
    """
    stem = _stem(name)
    for match in _DAY.finditer(stem):
        y, m, d = match[1], match[2] or match[4], match[3] or match[5]
        day = iso_date(f"{y}-{m}-{d}")
        if day is not None:
            return NamedDate(day, False)
    for match in _MONTH.finditer(stem):
        year, month = int(match[1]), int(match[2] or match[3])
        if 1 <= month <= 12:
            return NamedDate(dt.date(year, month, calendar.monthrange(year, month)[1]).isoformat(), True)
    return None


def named_in(name: str, words: list[str]) -> bool:
    """Whether a file name holds one of these words: ASCII words stand alone (not inside others), Chinese ones anywhere."""
    stem = _stem(name)
    for word in map(fold, words):
        if word.isascii():
            if re.search(rf"(?<![a-z]){re.escape(word)}(?![a-z])", stem):
                return True
        elif word in stem:
            return True
    return False


def iso_date(text: str) -> str | None:
    """One date of any style as ISO text, None if it is none."""
    value = parse_dates(pd.Series([text], dtype="str")).iloc[0]
    return None if pd.isna(value) else str(value)


def labelled_date(lines: list[str], labels: list[str]) -> tuple[str | None, bool]:
    """(ISO date behind the first of the labels, whether a label stands there at all) in the text above a header."""
    seen = False
    for label in labels:
        for line in lines:
            at = line.find(label)
            if at < 0:
                continue
            seen = True
            match = re.match(_LABEL_DATE, line[at + len(label):])
            day = iso_date(match[1]) if match else None
            if day is not None:
                return day, True
    return None, seen


def _stem(name: str) -> str:
    return fold(PurePath(name.replace("\\", "/")).stem)
