"""Questions to one platform: filled in, signed, paced, repeated where that helps, and judged by the mapping's rules."""

from __future__ import annotations

import datetime as dt
import secrets as randomness
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import requests
import structlog
import tenacity

from zp_registry.errors import Fatal, Retriable, SourceFailed
from zp_registry.sources.api.http import Line, Outgoing, Reply
from zp_registry.sources.api.pace import Clock, Pace
from zp_registry.sources.api.sign import signature
from zp_registry.sources.api.spec import Answer, ApiSpec, Request
from zp_registry.sources.api.template import as_text, fill
from zp_registry.sources.api.token import TokenKeeper, plain
from zp_registry.sources.api.vault import Vault
from zp_registry.sources.api.verdict import Verdict, exhausted, judge

log = structlog.get_logger(__name__)
T = TypeVar("T")
_LONGEST_BACKOFF = 30.0
_SKEW = 5.0  # seconds: a clock that differs by less is not corrected


class Skipped(SourceFailed):
    """The platform cannot give this page and the mapping says to go on without it."""


class StartAgain(SourceFailed):
    """What was begun cannot be gone on with (a cursor that is no longer known)."""


class _TokenRefused(SourceFailed):
    pass


class _ClockOff(SourceFailed):
    pass


class Client:
    """``values`` are the placeholders' values for the whole pull (``secret:NAME``, ``as_of``, ``cut_off``). ``bytes`` and
    ``requests`` count what was received and sent, retries included; ``retries`` are the repeated ones among them."""

    def __init__(
        self,
        spec: ApiSpec,
        values: Mapping[str, Any],
        vault: Vault,
        session: requests.Session,
        platform: str,
        clock: Clock,
        *,
        named: bool = False,
    ) -> None:
        self.spec, self._values, self._platform, self._clock = spec, dict(values), platform, clock
        secrets = {k: v for k, v in self._values.items() if k.startswith("secret:")}
        if not all(plain(str(v)) for v in secrets.values()):
            raise Fatal("密钥为空或含有不允许的字符", kind="secret")
        self.pace = Pace(spec, vault, clock, named=named)
        self.line = Line(spec.base_url, spec.limits, session, before=self.pace.before, after=self.pace.after)
        self._keeper = TokenKeeper(spec.token, vault, clock, secrets, platform, self._token_answer) if spec.token else None
        self._ahead = dt.timedelta(0)  # the platform's clock minus ours, once it has complained
        self.skew: float | None = None
        self.retries = 0

    @property
    def requests(self) -> int:
        """Requests sent."""
        return self.pace.requests

    def ask(self, values: Mapping[str, Any], parse: Callable[[Any, Reply], T], *, link: str | None = None) -> T:
        """``parse`` of a page's JSON and whole answer. ``link``: the address that the platform gave. ``parse`` raises
        Retriable where the shape is wrong. Errors: Fatal, Retriable (attempts used up), Skipped, StartAgain, SourceFailed."""
        return self._repeat(lambda: self._with_token(values, parse, link))

    def _with_token(self, values: Mapping[str, Any], parse: Callable[[Any, Reply], T], link: str | None) -> T:
        renewed = False
        while True:
            token = self._keeper.get() if self._keeper else None
            try:
                return self._exchange(self.spec.request, {**values, "token": token}, self.spec.answer, parse, link)
            except _TokenRefused as error:
                if renewed or self._keeper is None:
                    raise Fatal(f"{error}；换过令牌仍不被认可" if renewed else str(error), kind="token") from None
                self._keeper.refused()
                renewed = True
            except _ClockOff as error:
                self._correct(error)
            self.retries += 1

    def _token_answer(self, request: Request, values: dict[str, Any]) -> Any:
        """The answer to a request for a token, with repetitions of its own."""
        answer = self.spec.token.answer if self.spec.token and self.spec.token.answer else self.spec.answer

        def once() -> Any:
            while True:
                try:
                    return self._exchange(request, {**values, "token": None}, answer, lambda value, _reply: value, None)
                except (_TokenRefused, Skipped, StartAgain) as error:
                    raise Fatal(str(error), kind="token") from None
                except _ClockOff as error:
                    self._correct(error)
                self.retries += 1

        return self._repeat(once)

    def _correct(self, error: _ClockOff) -> None:
        """Takes over the platform's clock for what is signed. Fatal if that changes nothing."""
        if self.skew is None or abs(self.skew - self._ahead.total_seconds()) < _SKEW:
            raise Fatal(str(error), kind="clock") from None
        self._ahead = dt.timedelta(seconds=self.skew)
        log.warning("clock differs from the platform's", platform=self._platform, seconds=round(self.skew))

    def _repeat(self, once: Callable[[], T]) -> T:
        attempts = self.spec.limits.attempts
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(attempts),
            retry=tenacity.retry_if_exception_type(Retriable),
            wait=self._wait,
            before_sleep=self._tell,
            sleep=self._clock.sleep,
            reraise=True,
        )
        try:
            value: T = retrying(once)
            return value
        except Retriable as error:
            raise Retriable(f"{error}；已试 {attempts} 次", error.wait, kind=error.kind) from None

    def _wait(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, Retriable) and error.wait is not None:
            return error.wait
        base = self.spec.limits.backoff
        longer = tenacity.wait_exponential(multiplier=base, max=_LONGEST_BACKOFF) + tenacity.wait_random(0, base / 2)
        return float(longer(state))

    def _tell(self, state: tenacity.RetryCallState) -> None:
        self.retries += 1
        error = state.outcome.exception() if state.outcome else None
        log.warning(
            "request to a platform is repeated",
            platform=self._platform,
            attempt=state.attempt_number,
            wait=round(state.upcoming_sleep, 2),
            cause=str(error),
        )

    def _exchange(
        self, request: Request, values: Mapping[str, Any], answer: Answer, parse: Callable[[Any, Reply], T], link: str | None
    ) -> T:
        """One request and what its answer says."""
        try:
            reply = self.line.send(self._outgoing(request, values, link))
            if reply.skew is not None:
                self.skew = reply.skew
            if (rest := exhausted(reply.headers)) is not None:
                self.pace.rest(rest)
            value, verdict = judge(reply, self.spec, answer)
            if verdict is not None:
                self._act(verdict)
            parsed = parse(value, reply)
        except Retriable as error:
            if error.kind != "quota":
                self.pace.failed()
            raise
        self.pace.succeeded()
        return parsed

    def _act(self, verdict: Verdict) -> None:
        match verdict.do:
            case "retry" | "wait":
                raise Retriable(verdict.text, verdict.wait, kind=verdict.kind)
            case "new_token":
                raise _TokenRefused(verdict.text, kind="token")
            case "clock":
                raise _ClockOff(verdict.text, kind="clock")
            case "skip":
                raise Skipped(verdict.text, kind=verdict.kind)
            case "restart":
                raise StartAgain(verdict.text, kind=verdict.kind)
            case "tomorrow":
                self.pace.no_more_today()
        raise Fatal(verdict.text, kind=verdict.kind)

    def _outgoing(self, request: Request, values: Mapping[str, Any], link: str | None) -> Outgoing:
        known = {
            "page": None,
            "offset": None,
            "cursor": None,
            "size": None,
            "token": None,
            "refresh_token": None,
            "force": None,
            "as_of": None,
            "from": None,
            "to": None,
            "cut_off": None,
            **self._values,
            **values,
            "now": self._clock.now() + self._ahead,
            "nonce": randomness.token_hex(8),
        }
        headers = {k: as_text(v) for k, v in fill(request.headers, known).items()}
        if link is not None:
            return Outgoing("GET", link, {}, {}, None, headers)
        query = {k: as_text(v) for k, v in fill(request.query, known).items()}
        form = {k: as_text(v) for k, v in fill(request.form, known).items()}
        if (sign := self.spec.sign) is not None and request.signed:
            place = {"query": query, "form": form, "headers": headers}[sign.place]
            place[sign.name] = signature(sign, {**query, **form}, known)
        return Outgoing(request.method, self.line.url(request.path), query, form, fill(request.body, known) or None, headers)
