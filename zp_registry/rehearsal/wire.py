"""What passes between a rehearsed platform and its caller: requests, answers, refusals, and the forms of their values."""

from __future__ import annotations

import datetime as dt
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_CHINA = dt.timezone(dt.timedelta(hours=8))


@dataclass(frozen=True)
class Asked:
    """A request as it came in; ``root`` is the address under which the client reaches this gateway."""

    method: str
    path: str
    query: Mapping[str, str]
    form: Mapping[str, str]
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    root: str = ""


@dataclass
class Answered:
    """An answer before it goes on the wire."""

    value: Any
    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)


class Refused(Exception):
    """The gateway says no; ``what`` is its meaning
    (``signature``, ``token``, ``key``, ``limited``, ``busy``, ``clock``, ``request``)."""

    def __init__(self, what: str, seconds: int = 0) -> None:
        self.what, self.seconds = what, seconds
        super().__init__(what)


def same(left: str, right: str) -> bool:
    """Whether two secrets are equal, in constant time."""
    return hmac.compare_digest(left.encode(), right.encode())


def number(value: Any) -> int:
    """A whole number of a request. Refused for what is none."""
    try:
        return int(value)
    except (TypeError, ValueError):
        raise Refused("request") from None


def text_time(text: str) -> float:
    """Seconds since 1970 of ``yyyy-MM-dd HH:mm:ss`` in China's time."""
    try:
        return dt.datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=_CHINA).timestamp()
    except ValueError:
        raise Refused("clock") from None


def packed(text: str | None) -> dict[str, Any]:
    """A parameter that is JSON text, compact and with sorted keys."""
    try:
        value = json.loads(text or "{}")
    except ValueError:
        raise Refused("request") from None
    if not isinstance(value, dict) or text not in (
        None,
        json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")),
    ):
        raise Refused("request")
    return value
