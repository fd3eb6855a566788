"""How fresh each platform's reports are, and whether those of January and July came (直播电商监督管理办法, art. 9)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import pandas as pd

Duty = Literal["met", "open", "missed"]
_MONTHS: Final = (1, 7)


@dataclass(frozen=True)
class Fresh:
    """``newest``: date of the newest report (None: none yet); ``age``: its days; ``days``: how old it may become; ``duty``:
    whether the report of the month ``duty_month`` (``YYYY-MM``) came: ``met``, ``open`` (the month is not over), ``missed``."""

    platform: str
    newest: dt.date | None
    age: int | None
    days: int
    duty_month: str
    duty: Duty

    @property
    def late(self) -> bool:
        """Older than it may be."""
        return self.age is not None and self.age > self.days


def duty_month(today: dt.date) -> dt.date:
    """The first day of the newest month of duty that has begun."""
    month = max((m for m in _MONTHS if m <= today.month), default=7)
    return dt.date(today.year, month, 1)


def freshness(reports: pd.DataFrame, expected: Mapping[str, int], today: dt.date) -> list[Fresh]:
    """``reports``: platform, as_of (ISO), newest first or not; ``expected``: days by platform. By platform's name.

    The duty of a month is met by a report that stands for the last day of the half-year before it or a later day."""
    begun = duty_month(today)
    closing = begun - dt.timedelta(days=1)
    over = (today.year, today.month) != (begun.year, begun.month)
    newest = reports.groupby("platform")["as_of"].max().to_dict() if len(reports) else {}
    out = []
    for platform in sorted(expected):
        day = dt.date.fromisoformat(newest[platform]) if platform in newest else None
        met = day is not None and day >= closing
        age = (today - day).days if day else None
        duty: Duty = "met" if met else "missed" if over else "open"
        out.append(Fresh(platform, day, age, expected[platform], f"{begun:%Y-%m}", duty))
    return out
