"""Values of a request with placeholders: ``{page}``, ``{now:ms}``, ``{secret:app_key}``.

A value that is one placeholder and nothing else keeps its type (a page number in a JSON body is a number); a placeholder
without a value makes its parameter go away.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

COUNTY_TIME = dt.timezone(dt.timedelta(hours=8))  # platforms' texts are in China's time
_PLACE = re.compile(r"\{([a-z_]+)(?::([^{}]*))?\}")
_MOMENTS = ("now", "cut_off", "from", "to")
_FORMATS = ("s", "ms", "text", "date", "iso")
_PLAIN = ("page", "size", "offset", "cursor", "token", "refresh_token", "force", "as_of", "nonce")
_NAMED = ("secret", "list")


def names_in(text: str) -> Iterator[tuple[str, str]]:
    """(name, argument) of every placeholder of a text."""
    for found in _PLACE.finditer(text):
        yield found[1], found[2] or ""


def faulty(text: str) -> str | None:
    """What is wrong with a text's placeholders, in Chinese; None if nothing is."""
    for name, arg in names_in(text):
        if name in _MOMENTS:
            if arg not in _FORMATS:
                return f"{{{name}:…}} 的写法是 {'、'.join(_FORMATS)} 之一"
        elif name in _NAMED:
            if not arg:
                return f"{{{name}:…}} 缺少名称"
        elif name not in _PLAIN or arg:
            return f"没有 {{{name}{':' + arg if arg else ''}}}"
    return None


def fill(value: Any, values: Mapping[str, Any]) -> Any:
    """``value`` (text, or dictionaries and lists of it) with its placeholders filled; keys whose value is None go away.

    ``values``: by ``name`` or ``name:argument``; moments (aware datetimes) by their bare name. KeyError for an unknown one."""
    if isinstance(value, dict):
        return {k: filled for k, v in value.items() if (filled := fill(v, values)) is not None}
    if isinstance(value, list):
        return [filled for v in value if (filled := fill(v, values)) is not None]
    if not isinstance(value, str):
        return value
    if (whole := _PLACE.fullmatch(value)) is not None:
        return _one(whole[1], whole[2] or "", values)
    parts, missing = [], False
    at = 0
    for found in _PLACE.finditer(value):
        one = _one(found[1], found[2] or "", values)
        missing = missing or one is None
        parts += [value[at : found.start()], as_text(one)]
        at = found.end()
    return None if missing else "".join([*parts, value[at:]])


def _one(name: str, arg: str, values: Mapping[str, Any]) -> Any:
    value = values[f"{name}:{arg}" if name in _NAMED else name]
    return moment(value, arg) if name in _MOMENTS and isinstance(value, dt.datetime) else value


def moment(at: dt.datetime, form: str) -> int | str:
    """A moment as interfaces write it: seconds or milliseconds since 1970, or text in China's time."""
    local = at.astimezone(COUNTY_TIME)
    match form:
        case "s":
            return int(at.timestamp())
        case "ms":
            return int(at.timestamp() * 1000)
        case "date":
            return local.date().isoformat()
        case "iso":
            return local.isoformat(timespec="seconds")
        case _:
            return local.strftime("%Y-%m-%d %H:%M:%S")


def as_text(value: Any) -> str:
    """A parameter's value as it is signed and sent: whole numbers in digits, truth as true and false, what holds others as
    JSON with sorted keys, without blanks, and with every character as it is."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return "" if value is None else str(value)
