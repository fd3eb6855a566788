"""How urgent a missing pledge has become: first notice, second notice, visit, hand-over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

LEVELS: Final = ("first", "second", "visit", "hand_over")
NAMES: Final = {"first": "首次通知", "second": "再次通知", "visit": "上门催办", "hand_over": "移送处理"}


@dataclass(frozen=True)
class ReminderRules:
    """``attempts`` and ``days`` from which the second, third and fourth level are due. Both must be reached: nobody is handed
    over who was not asked often enough, nor within days."""

    attempts: tuple[int, int, int] = (1, 2, 3)
    days: tuple[int, int, int] = (15, 30, 45)


def reminder_level(attempts: int, since: str, on: str, rules: ReminderRules) -> str:
    """The same of one line."""
    return str(reminder_levels(pd.Series([attempts]), pd.Series([since]), on, rules).iloc[0])


def reminder_levels(attempts: pd.Series[int], since: pd.Series[str], on: str, rules: ReminderRules) -> pd.Series[str]:
    """A word of LEVELS for each line. ``attempts``: so far; ``since``: the date of the first listing (ISO), ``on``: the date of
    the list."""
    days = (pd.Timestamp(on) - pd.to_datetime(since)).dt.days
    steps = np.zeros(len(attempts), dtype=np.int64)
    for least, wait in zip(rules.attempts, rules.days, strict=True):
        steps += ((attempts >= least) & (days >= wait)).to_numpy(dtype=np.int64)
    return pd.Series(np.array(LEVELS, dtype=object)[steps], index=attempts.index, dtype="str")
