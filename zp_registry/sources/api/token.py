"""Tokens: got when needed, renewed before they end or when they are refused, and on the disk before they are used.

A platform that gives a new refresh token with every renewal lets the old one die soon after: whoever loses the new one is
locked out. So the answer's tokens are written (sealed, whole, synced) before anything is sent with them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from zp_registry.errors import Fatal, Retriable, SourceFailed
from zp_registry.sources.api.pace import Clock
from zp_registry.sources.api.spec import Request, Token
from zp_registry.sources.api.template import COUNTY_TIME, as_text, fill
from zp_registry.sources.api.vault import Vault, number_of, read_state, write_state
from zp_registry.sources.api.verdict import at, count

log = structlog.get_logger(__name__)
_STATE = "token"


class TokenKeeper:
    """``send`` sends a request for a token with these values (and the secrets) and gives the answer's JSON; ``seeds`` are the
    secrets: when one changes, what was got with the former is forgotten."""

    def __init__(
        self,
        spec: Token,
        vault: Vault,
        clock: Clock,
        seeds: Mapping[str, Any],
        platform: str,
        send: Callable[[Request, dict[str, Any]], Any],
    ) -> None:
        self._spec, self._vault, self._clock, self._send, self._platform = spec, vault, clock, send, platform
        self._first = as_text(fill(spec.first, seeds)) if spec.first else ""
        self._seed = hashlib.sha256("\0".join(f"{k}={seeds[k]}" for k in sorted(seeds)).encode()).hexdigest()[:32]
        self._state = read_state(vault, _STATE)
        if self._state.get("seed") != self._seed:
            self._state = {"seed": self._seed}

    def get(self) -> str:
        """A token that is good for now. SourceFailed if none can be got."""
        until, life = number_of(self._state, "until"), number_of(self._state, "life")
        if self._state.get("token") and self._now() < until - min(self._spec.margin, life / 2):
            return str(self._state["token"])
        return self._renew(force=False)

    def refused(self) -> str:
        """A new token after the platform refused the present one, no oftener than it allows. SourceFailed."""
        now = self._now()
        day = self._clock.now().astimezone(COUNTY_TIME).date().isoformat()
        noted = self._state.get("forced") if self._state.get("day") == day else None
        forced = [t for t in noted if isinstance(t, float)] if isinstance(noted, list) else []
        if self._spec.per_day and len(forced) >= self._spec.per_day:
            raise Fatal(f"今天已强制换过 {len(forced)} 次令牌，平台不再允许", kind="token")
        if forced and (early := forced[-1] + self._spec.apart - now) > 0:
            self._clock.sleep(min(early, self._spec.apart))  # a clock that was set back does not make us wait for it
        self._state.update(day=day, forced=[*forced, self._now()], until=0)
        self._write()
        return self._renew(force=True)

    def _renew(self, *, force: bool) -> str:
        refresh_token = self._state.get("refresh_token") or self._first
        if self._spec.refresh is not None and refresh_token:
            try:
                return self._keep(self._ask(self._spec.refresh, {"refresh_token": refresh_token, "force": force}))
            except Fatal:
                if self._spec.request is None:
                    raise
        if self._spec.request is None:
            raise Fatal("没有更新令牌：请重新授权，并把新的更新令牌放进设置所指的变量或文件", kind="token")
        return self._keep(self._ask(self._spec.request, {"refresh_token": None, "force": force}))

    def _ask(self, request: Request, values: dict[str, Any]) -> Any:
        try:
            return self._send(request, values)
        except Retriable as error:
            raise SourceFailed(f"取令牌失败：{error}", kind=error.kind) from None
        except Fatal as error:
            raise Fatal(f"取令牌失败：{error}", kind=error.kind or "token") from None

    def _keep(self, answer: Any) -> str:
        token = at(answer, self._spec.token_path)
        if not isinstance(token, str) or not plain(token):
            raise Fatal("令牌的回应中没有令牌", kind="token")
        life = count(at(answer, self._spec.life_path)) or self._spec.life
        self._state.update(token=token, until=self._now() + life, life=life)
        if self._spec.refresh_path:
            new = at(answer, self._spec.refresh_path)
            if isinstance(new, str) and plain(new):
                self._state["refresh_token"] = new
        self._write()  # before it is used
        log.info("token renewed", platform=self._platform, good_for=life)
        return token

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _write(self) -> None:
        write_state(self._vault, _STATE, self._state)


def plain(token: str) -> bool:
    """Whether it may stand in a header; a library that refuses it there would show it in its error."""
    return bool(token) and token.isascii() and token.isprintable() and " " not in token
