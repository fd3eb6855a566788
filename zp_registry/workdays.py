"""Working days in China, with the weekends that are exchanged for holidays."""

from __future__ import annotations

import datetime as dt
import functools

import chinese_calendar
import pandas as pd


@functools.cache
def is_workday(day: dt.date) -> tuple[bool, bool]:
    """(whether people work, whether that is provisional): beyond the published years Monday to Friday are taken."""
    try:
        return bool(chinese_calendar.is_workday(day)), False
    except NotImplementedError:
        return day.weekday() < 5, True


@functools.cache
def workdays_after(day: str, count: int) -> tuple[str, bool]:
    """The date ``count`` working days after ``day`` (ISO text), and whether it is provisional."""
    at, provisional = dt.date.fromisoformat(day), False
    while count > 0:
        at += dt.timedelta(days=1)
        works, guessed = is_workday(at)
        provisional |= guessed
        count -= works
    return at.isoformat(), provisional


def deadlines(days: pd.Series[str], count: int) -> tuple[pd.Series[str], pd.Series[bool]]:
    """The same for a column of dates (none missing)."""
    found = {d: workdays_after(d, count) for d in days.unique()}
    return (
        days.map({d: v[0] for d, v in found.items()}).astype("str"),
        days.map({d: v[1] for d, v in found.items()}).astype(bool),
    )


def deadline_text(day: str, count: int) -> str:
    """The deadline as officials read it."""
    end, provisional = workdays_after(day, count)
    return f"{end}（暂定：该年节假日安排尚未公布）" if provisional else end
