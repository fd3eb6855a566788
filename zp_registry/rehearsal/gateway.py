"""One platform of a rehearsal: its records, secrets, tokens, clock and faults, and what it has seen."""

from __future__ import annotations

import importlib.resources
import secrets as randomness
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from zp_registry.rehearsal.dialects import DIALECTS
from zp_registry.rehearsal.faults import Fault, Script
from zp_registry.rehearsal.wire import Answered, Asked, Refused

Records = Sequence[dict[str, Any]]
_CLOCKS_MAY_DIFFER = 600.0  # seconds


def packaged() -> dict[str, dict[str, Any]]:
    """The gateways that come along, by platform."""
    text = (importlib.resources.files("zp_registry.rehearsal") / "gateways.yaml").read_text("utf-8")
    found: dict[str, dict[str, Any]] = yaml.safe_load(text)
    return found


class Gateway:
    """One platform. ``records``: by list name (``""`` where there is one list); ``life``: seconds that tokens live; ``ahead``:
    seconds by which its clock is ahead; ``largest_page``: its own cap of a page.

    Counts for tests: ``arrivals`` (moments of all requests), ``refusals`` by meaning, ``cut_offs`` (end times asked with),
    ``issued`` tokens."""

    def __init__(
        self,
        spec: Mapping[str, Any],
        records: Mapping[str, Records] | Records,
        script: Script | None = None,
        *,
        secrets: Mapping[str, str] | None = None,
        life: float = 7200.0,
        ahead: float = 0.0,
        largest_page: int = 1000,
    ) -> None:
        self.spec, self.script = spec, script or Script()
        self.records: Mapping[str, Records] = records if isinstance(records, Mapping) else {"": records}
        self.secrets = dict(secrets) if secrets else {n: randomness.token_urlsafe(24) for n in spec["secrets"].values()}
        self.life, self.ahead, self.largest_page = life, ahead, largest_page
        self.arrivals: list[float] = []
        self.refusals: dict[str, int] = {}
        self.cut_offs: set[str] = set()
        self.tokens: dict[str, float] = {}
        self.issued = 0
        self.refresh_tokens: dict[str, float] = {}
        if "refresh" in spec["secrets"]:
            self.refresh_tokens[self.known("refresh")] = float("inf")
        self.lock = threading.RLock()
        self._former: list[dict[str, Any]] = []
        self._dialect = DIALECTS[spec["dialect"]](self)

    def known(self, role: str) -> str:
        """The secret that plays this role."""
        return self.secrets[self.spec["secrets"][role]]

    def now(self) -> float:
        """The gateway's clock."""
        return time.time() + self.ahead

    def answer(self, asked: Asked) -> tuple[Answered, Fault]:
        """The answer, and what of the fault is left for the wire."""
        with self.lock:
            self.arrivals.append(time.monotonic())
            fault = Fault()
            try:
                if self._dialect.asks_token(asked):
                    return self._dialect.token(asked), fault
                if asked.path != self.spec["path"]:
                    return Answered({"error": "not found"}, 404), fault
                self._dialect.check(asked)
                fault = self.script.next()
                if fault.limited or fault.busy:
                    raise Refused("limited" if fault.limited else "busy", fault.seconds)
                if fault.revoke:
                    self.tokens.clear()
                    raise Refused("token")
                return self._dialect.page(asked, fault), fault
            except Refused as no:
                self.refusals[no.what] = self.refusals.get(no.what, 0) + 1
                return self._dialect.refuse(no), fault

    def issue(self) -> str:
        """A new token."""
        token = randomness.token_urlsafe(24)
        self.issued += 1
        self.tokens[token] = time.time() + self.life
        return token

    def check_token(self, token: str | None) -> None:
        """Refused unless it was issued and still lives."""
        if token is None or self.tokens.get(token, 0) < time.time():
            raise Refused("token")

    def check_time(self, at: float) -> None:
        """Refused if the caller's clock differs too much."""
        if abs(at - self.now()) > _CLOCKS_MAY_DIFFER:
            raise Refused("clock")

    def cut(self, start: int, size: int, fault: Fault, name: str = "") -> tuple[list[dict[str, Any]], int, int]:
        """Records from ``start``, the total, and where the next page begins."""
        rows = self.records.get(name, [])
        if start < 0 or size < 1:
            raise Refused("request")
        size = min(size, self.largest_page)
        page = list(rows[start : start + size])
        after = start + len(page)
        shown = self._former if fault.repeat_page and self._former else page
        self._former = page
        if fault.empty_page:
            shown = []
        elif fault.short_page:
            shown = shown[: max(len(shown) // 2, 1)]
        return shown, len(rows) + fault.wrong_total, after

    def most_in(self, seconds: float) -> int:
        """The most requests that came in any span of so many seconds."""
        at, most, first = self.arrivals, 0, 0
        for last in range(len(at)):
            while at[last] - at[first] >= seconds:
                first += 1
            most = max(most, last - first + 1)
        return most
