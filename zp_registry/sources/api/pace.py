"""Manners towards one platform: so many requests a second and a day, at which hours, and none while its circuit is broken."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections import deque
from typing import Any

from zp_registry.errors import Fatal, SourceFailed
from zp_registry.sources.api.spec import ApiSpec
from zp_registry.sources.api.template import COUNTY_TIME
from zp_registry.sources.api.vault import Vault, number_of, read_state, write_state

_STATE = "manners"


class Stopped(SourceFailed):
    """The whole run is ending (a signal, an error elsewhere): leave off at once, the next run goes on."""


class Clock:
    """Time for one pull. ``stop``, once set, ends every wait with :class:`Stopped`."""

    def __init__(self, stop: threading.Event | None = None) -> None:
        self._stop = stop or threading.Event()

    def sleep(self, seconds: float) -> None:
        """Waits, unless the run is ending."""
        if self._stop.wait(max(seconds, 0.0)):
            raise Stopped("拉取被中止，下次从原处继续")

    def now(self) -> dt.datetime:
        """This moment, in UTC."""
        return dt.datetime.now(dt.UTC)


class Pace:
    """Lets a request go when it may.

    A request goes at the earliest one interval after the former was sent, and one window (a second, or as long as one request
    takes at lower rates) after the answer to the one so many requests ago: however long a request was on its way, the platform
    never sees more in a window than was promised. ``stopped`` is set when no further request is allowed at all.
    """

    def __init__(self, spec: ApiSpec, vault: Vault, clock: Clock, *, named: bool = False) -> None:
        self._spec, self._vault, self._clock, self._named = spec, vault, clock, named
        rate = spec.pace.per_second
        self._interval, many = 1 / rate, max(int(rate), 1)
        self._window = many / rate
        self._answered: deque[float] = deque(maxlen=many)
        self._sent, self._until = float("-inf"), float("-inf")
        self.requests, self._in_a_row = 0, 0
        self._state = read_state(vault, _STATE)

    def begin(self) -> None:
        """Before the first request. SourceFailed while the platform is left alone, or outside its hours."""
        rest = number_of(self._state, "rest_until") - self._clock.now().timestamp()
        if rest > 0 and not self._named:
            raise SourceFailed(f"接口近来接连失败，{int(rest // 60) + 1} 分钟内不再请求", kind="breaker")
        if self._state.get("running"):  # killed a moment ago, perhaps: its last requests count
            self._clock.sleep(self._window)
        self._write(running=True)

    def end(self) -> None:
        """After the last request."""
        self._write(running=False)

    def before(self) -> None:
        """Waits until a request may go, and counts it."""
        self._hours()
        now = time.monotonic()
        ready = max(self._sent + self._interval, self._until)
        if len(self._answered) == self._answered.maxlen:
            ready = max(ready, self._answered[0] + self._window)
        if ready > now:
            self._clock.sleep(ready - now)
        self._quota()
        self._sent = time.monotonic()
        self.requests += 1

    def after(self) -> None:
        """When the answer (or the failure) is there."""
        self._answered.append(time.monotonic())

    def rest(self, seconds: float) -> None:
        """No request for so long: the platform said that none remain."""
        self._until = max(self._until, time.monotonic() + seconds)

    def succeeded(self) -> None:
        """A request went well: the circuit is whole."""
        self._in_a_row = 0
        if self._state.get("rest_until"):
            self._write(rest_until=0)

    def failed(self) -> None:
        """One more in a row. Fatal when the circuit breaks: the platform is left alone for a while, in later runs too."""
        self._in_a_row += 1
        limits = self._spec.limits
        if self._in_a_row >= limits.breaker_failures:
            self._write(rest_until=self._clock.now().timestamp() + 60 * limits.breaker_minutes)
            raise Fatal(f"接口接连失败 {self._in_a_row} 次，暂停请求 {limits.breaker_minutes:g} 分钟", kind="breaker")

    def no_more_today(self) -> None:
        """The platform's day is over: nothing until midnight there."""
        midnight = (self._clock.now().astimezone(COUNTY_TIME) + dt.timedelta(days=1)).replace(
            hour=0, minute=0, second=0, microsecond=0
        )
        self._write(rest_until=midnight.timestamp())

    def _hours(self) -> None:
        if not (span := self._spec.pace.hours):
            return
        start, end = span.split("-")
        now = self._clock.now().astimezone(COUNTY_TIME).strftime("%H:%M")
        if not (start <= now < end if start < end else now >= start or now < end):
            raise SourceFailed(f"现在不在平台允许的时间（{span}）内，下次从原处继续", kind="hours")

    def _quota(self) -> None:
        if not (most := self._spec.pace.per_day):
            return
        day = self._clock.now().astimezone(COUNTY_TIME).date().isoformat()
        used = int(number_of(self._state, "used")) if self._state.get("day") == day else 0
        if used >= most:
            raise SourceFailed(f"今天的 {most} 次请求已用完，下次从原处继续", kind="quota")
        self._write(day=day, used=used + 1)  # before it is sent: a kill must not make it uncounted

    def _write(self, **changes: Any) -> None:
        self._state.update(changes)
        write_state(self._vault, _STATE, self._state)
