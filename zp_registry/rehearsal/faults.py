"""What goes wrong, and when: a fault for one request, and a script of many."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from zp_registry.errors import UsageError

_WHEN = ("at", "every", "share")


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request; ``Fault()`` is a request that goes well.

    On the way: ``status`` (with ``retry_after``, ``ratelimit`` seconds), ``stall`` seconds before the answer, ``drop`` the
    connection, ``truncate`` the body, ``html``, ``garbage``, ``charset`` (bytes that are not UTF-8), ``oversize`` bytes more,
    ``redirect`` to an address. In the envelope: ``limited`` (with ``seconds``), ``busy``, ``revoke`` the token, ``shapeless``
    (no records). In the list: ``wrong_total`` added, ``repeat_page`` the former page again, ``empty_page``,
    ``short_page``."""

    status: int | None = None
    retry_after: str | None = None
    ratelimit: int | None = None
    truncate: bool = False
    html: bool = False
    garbage: bool = False
    charset: bool = False
    oversize: int = 0
    redirect: str | None = None
    stall: float = 0.0
    drop: bool = False
    limited: bool = False
    seconds: int = 0
    busy: bool = False
    revoke: bool = False
    shapeless: bool = False
    wrong_total: int = 0
    repeat_page: bool = False
    empty_page: bool = False
    short_page: bool = False


@dataclass(frozen=True)
class _Rule:
    fault: Fault
    at: tuple[int, ...] = ()
    every: int = 0
    share: float = 0.0


class Script:
    """Faults in the order of a list (one for each request), or by rules: ``at`` request numbers (from 1), ``every`` so many
    requests, or for a ``share`` of them by a seeded chance. The first rule that applies is played."""

    def __init__(self, faults: Sequence[Fault] = (), rules: Sequence[Mapping[str, Any]] = (), seed: int = 1) -> None:
        self._list = list(faults)
        self._rules = [_rule(r, n) for n, r in enumerate(rules, start=1)]
        self._chance, self._lock, self.asked = random.Random(seed), threading.Lock(), 0
        self.played: dict[str, int] = {}

    @classmethod
    def from_file(cls, path: Path, platform: str) -> Script:
        """The script of a YAML file: a list of rules for all platforms, or one list for each. UsageError for a faulty one."""
        try:
            data = yaml.safe_load(path.read_text("utf-8"))
        except (yaml.YAMLError, ValueError, RecursionError, OSError) as error:
            raise UsageError(f"the script {path} cannot be read ({type(error).__name__})") from None
        rules = data.get(platform, data.get("all", [])) if isinstance(data, dict) else data
        if not isinstance(rules, list) or not all(isinstance(r, dict) for r in rules):
            raise UsageError(f"{path}: a script is a list of rules, or a list for each platform")
        return cls(rules=rules)

    def next(self) -> Fault:
        """The fault of the next request."""
        with self._lock:
            self.asked += 1
            fault = self._list.pop(0) if self._list else self._by_rule()
            for name in (f.name for f in fields(fault) if getattr(fault, f.name) != f.default):
                self.played[name] = self.played.get(name, 0) + 1
            return fault

    def _by_rule(self) -> Fault:
        for rule in self._rules:
            if (
                self.asked in rule.at
                or (rule.every and self.asked % rule.every == 0)
                or (rule.share and self._chance.random() < rule.share)
            ):
                return rule.fault
        return Fault()


def _rule(rule: Mapping[str, Any], number: int) -> _Rule:
    names = {f.name for f in fields(Fault)}
    if strange := set(rule) - names - set(_WHEN):
        raise UsageError(f"rule {number} of the script: unknown {', '.join(sorted(strange))}")
    if not any(rule.get(k) for k in _WHEN):
        raise UsageError(f"rule {number} of the script says not when: at, every or share")
    at = rule.get("at", [])
    try:
        return _Rule(
            Fault(**{k: v for k, v in rule.items() if k in names}),
            tuple(at if isinstance(at, list) else [int(at)]),
            int(rule.get("every", 0)),
            float(rule.get("share", 0)),
        )
    except (TypeError, ValueError):
        raise UsageError(f"rule {number} of the script is faulty") from None
