"""The jobs and the hours at which they are due, always by the clock of Asia/Shanghai, whatever the machine's own zone."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

HERE: Final = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Job:
    """``words``: the command; ``hour``, ``minute``: when, on ``weekdays`` (0 = Monday) or ``days`` of the month, else every
    day; ``grace``: hours after which a job that has not run is missed."""

    name: str
    title: str
    words: tuple[str, ...]
    hour: int
    minute: int
    weekdays: tuple[int, ...] = ()
    days: tuple[int, ...] = ()
    grace: float = 6.0

    def falls_on(self, day: dt.date) -> bool:
        """Whether it is due on this day."""
        if self.days:
            return day.day in self.days
        return not self.weekdays or day.weekday() in self.weekdays


JOBS: Final = (
    Job("nightly", "每晚批处理", ("nightly",), 2, 30),
    Job("backup", "每日备份", ("backup",), 5, 30),
    Job("lists", "每周催签清单", ("followups",), 7, 0, weekdays=(0,), grace=12),
    Job("bulletin", "半月通报", ("bulletin",), 7, 30, days=(1, 16), grace=24),
    Job("retention", "每月到期清理", ("retention", "run"), 6, 0, days=(2,), grace=24),
)


def last_due(job: Job, now: dt.datetime) -> dt.datetime:
    """The newest moment at or before ``now`` (aware) at which it was due."""
    day = now.astimezone(HERE).date()
    while True:
        due = _on(job, day)
        if job.falls_on(day) and due <= now:
            return due
        day -= dt.timedelta(days=1)


def next_due(job: Job, now: dt.datetime) -> dt.datetime:
    """The first moment after ``now`` at which it is due."""
    day = now.astimezone(HERE).date()
    while not (job.falls_on(day) and _on(job, day) > now):
        day += dt.timedelta(days=1)
    return _on(job, day)


def half_month_before(day: dt.date) -> str:
    """The half of a month that ended before ``day``, as the bulletin names it: ``2026-11-H1``."""
    if day.day > 15:
        return f"{day:%Y-%m}-H1"
    return f"{day.replace(day=1) - dt.timedelta(days=1):%Y-%m}-H2"


def _on(job: Job, day: dt.date) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, job.hour, job.minute, tzinfo=HERE)


@dataclass(frozen=True)
class JobState:
    """The newest run of a job: when it started and (None: not yet) ended, with which exit code; ``alive``: whether the process
    of a run without an end is there."""

    started: dt.datetime
    ended: dt.datetime | None
    code: int | None
    alive: bool = False

    @property
    def killed(self) -> bool:
        """Neither ended nor at work."""
        return self.ended is None and not self.alive


def is_due(job: Job, state: JobState | None, now: dt.datetime) -> bool:
    """Whether it should run now: nothing has been started since it was due last, or that was killed."""
    return state is None or state.started < last_due(job, now) or state.killed


def missed(job: Job, state: JobState | None, now: dt.datetime, since: dt.datetime) -> dt.datetime | None:
    """The newest hour whose grace is over and since which it has not run; None if there is none. ``since``: from when on
    this registry has been watched."""
    due = last_due(job, now - dt.timedelta(hours=job.grace))
    return due if due >= since and (state is None or state.started < due) else None
