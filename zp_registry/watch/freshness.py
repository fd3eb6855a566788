"""How fresh each platform's reports are, and whether those of January and July came (直播电商监督管理办法, art. 9)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import pandas as pd

Duty = Literal["met", "open", "missed", "unknown"]
_MONTHS: Final = (1, 7)


@dataclass(frozen=True)
class Fresh:
    """``newest``: date of the newest report (None: none yet); ``age``: its days; ``days``: how old it may become; ``duty``:
    whether the report of the month ``duty_month`` (``YYYY-MM``) came: ``met``, ``open`` (the month is not over), ``missed``;
    ``former`` the same of the month of duty before it, ``former_month`` (``unknown``: no platform had reported until then)."""

    platform: str
    newest: dt.date | None
    age: int | None
    days: int
    duty_month: str
    duty: Duty
    former_month: str = ""
    former: Duty = "unknown"

    @property
    def late(self) -> bool:
        """Older than it may be."""
        return self.age is not None and self.age > self.days

    def row(self) -> dict[str, Any]:
        """One row of the table, with ``late``."""
        newest = self.newest and self.newest.isoformat()
        return {"platform": self.platform, "newest": newest, "age": self.age, "days": self.days, "late": self.late,
                "duty_month": self.duty_month, "duty": self.duty, "former_month": self.former_month,
                "former": self.former}  # fmt: skip


def duty_month(today: dt.date) -> dt.date:
    """The first day of the newest month of duty that has begun."""
    month = max((m for m in _MONTHS if m <= today.month), default=7)
    return dt.date(today.year, month, 1)


def freshness(reports: pd.DataFrame, expected: Mapping[str, int], today: dt.date) -> list[Fresh]:
    """``reports``: platform, as_of (ISO) of every report, in any order; ``expected``: days by platform. By platform's name.

    The duty of a month is met by a report that stands for the last day of the half-year before it or a later day; the former
    duty by one that stands for a day before the newer one's."""
    begun = duty_month(today)
    closing = begun - dt.timedelta(days=1)
    before = duty_month(closing)
    since = before - dt.timedelta(days=1)
    over = (today.year, today.month) != (begun.year, begun.month)
    newest = reports.groupby("platform")["as_of"].max().to_dict() if len(reports) else {}
    then = reports[reports["as_of"] < closing.isoformat()] if len(reports) else reports
    past = set(then.loc[then["as_of"] >= since.isoformat(), "platform"]) if len(then) else set()
    out = []
    for platform in sorted(expected):
        day = dt.date.fromisoformat(newest[platform]) if platform in newest else None
        met = day is not None and day >= closing
        age = (today - day).days if day else None
        duty: Duty = "met" if met else "missed" if over else "open"
        former: Duty = "met" if platform in past else "missed" if len(then) else "unknown"
        months = f"{begun:%Y-%m}", f"{before:%Y-%m}"
        out.append(Fresh(platform, day, age, expected[platform], months[0], duty, months[1], former))
    return out
