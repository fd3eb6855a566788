"""What was known at a past moment, by when each thing came and when it ceased to count."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from zp_registry.errors import UsageError

_HERE = dt.timezone(dt.timedelta(hours=8))  # Asia/Shanghai, which keeps no summer time


def stands(since: str, until: str, known: str | None) -> str:
    """SQL (with ``:known``) that is true for what counts now or, with ``known``, counted before that moment; ``since`` and
    ``until``: expressions of the moments at which it came and ceased to count."""
    return f"{until} IS NULL" if known is None else f"({since} < :known AND ({until} IS NULL OR {until} >= :known))"


def stood(moments: pd.Series[str], known: str) -> pd.Series[bool]:
    """The same for a column of moments at which a row came to count and ceased to, by turns, blanks between."""
    odd = [sum(m < known for m in text.split()) % 2 == 1 for text in moments.fillna("")]
    return pd.Series(odd, index=moments.index, dtype=bool)


def moment_after(day: str) -> str:
    """The moment before which all was known that was known on ``day``: the end of a day (``2026-03-31``) or a time of it
    (``2026-03-31T10:15:00``) by the clock of Asia/Shanghai, as the registry writes moments. UsageError for anything else."""
    try:
        when = dt.datetime.fromisoformat(day)
    except ValueError:
        raise UsageError(f"{day!r} is neither a date such as 2026-03-31 nor a time such as 2026-03-31T10:15:00") from None
    when += dt.timedelta(days=len(day) <= 10)
    here = when if when.tzinfo else when.replace(tzinfo=_HERE)
    return here.astimezone(dt.UTC).isoformat(timespec="milliseconds")


def local_time(moment: str) -> str:
    """A moment of the registry by the clock of Asia/Shanghai: ``2026-03-31 10:15:00``."""
    return dt.datetime.fromisoformat(moment).astimezone(_HERE).strftime("%Y-%m-%d %H:%M:%S")


def today() -> dt.date:
    """The day that it is where the registry is read, whatever the machine's own zone."""
    return dt.datetime.now(_HERE).date()
