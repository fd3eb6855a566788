"""What an answer means: good, or an error with what to do next by the mapping's rules."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from zp_registry.errors import Retriable
from zp_registry.sources.api.http import Reply, read_json
from zp_registry.sources.api.spec import Answer, ApiSpec, Rule, What

LONGEST_WAIT = 300.0  # seconds: a platform that asks for more is tried again the next night
_PASSING = frozenset({408, 425, 429})
_REASONS = {
    "signature": "签名不被平台认可，请核对密钥和签名方式",
    "token": "令牌不被平台认可",
    "rights": "平台称没有权限",
    "secret": "平台不认识所用的密钥或账号",
    "request": "平台称请求的参数不对",
    "clock": "平台称时间戳不对，请校正本机时钟",
    "quota": "平台称额度已用完",
}


@dataclass(frozen=True)
class Verdict:
    """``do``: what next; ``text``: Chinese, without anything of the answer; ``wait``: seconds, None where nothing is said;
    ``kind``: one word for the cause."""

    do: What
    text: str
    wait: float | None = None
    kind: str = ""


def judge(reply: Reply, spec: ApiSpec, answer: Answer) -> tuple[Any, Verdict | None]:
    """The answer's JSON and no verdict, or a verdict. Retriable for a good status with a body that is no JSON."""
    good = 200 <= reply.status < 300
    try:
        value = read_json(reply.body, reply.headers.get("content-type", ""))
    except Retriable:
        if good:
            raise
        value = None
    part = at(value, answer.error_path) if answer.error_path else value
    failed = not good or (part is not None if answer.error_path else False) or not _is_ok(value, answer)
    if not failed:
        return value, None
    codes = [c for path in answer.codes if (c := _word(at(part, path))) is not None]
    rule = next((r for r in spec.errors if _fits(r, reply.status, codes)), None)
    if rule is not None:
        return value, _by_rule(rule, reply, codes, part)
    return value, _by_status(reply) if not good else _unlisted(spec, codes, value, answer)


def _is_ok(value: Any, answer: Answer) -> bool:
    return not answer.ok_path or _word(at(value, answer.ok_path)) in answer.ok


def _fits(rule: Rule, status: int, codes: list[str]) -> bool:
    return (not rule.http or status in rule.http) and (not rule.codes or any(c in rule.codes for c in codes))


def _by_rule(rule: Rule, reply: Reply, codes: list[str], part: Any) -> Verdict:
    code = _shown(codes) or f"HTTP {reply.status}"
    reason = _REASONS.get(rule.why, "")
    wait: float | None = None
    if rule.do == "wait":
        asked = _seconds_in(rule.seconds_in, part) if rule.seconds_in else None
        # A platform that counts down in whole seconds is asked one later.
        wait = min(asked + 1 if asked is not None else waits(reply.headers) or rule.seconds, LONGEST_WAIT)
        return Verdict("wait", f"平台限流（{code}）", wait, "quota")
    if rule.do == "retry":
        wait = waits(reply.headers)
    text = f"{reason}（{code}）" if reason else f"平台回应错误（{code}）"
    kind = rule.why or {"new_token": "token", "clock": "clock", "tomorrow": "quota"}.get(rule.do, "")
    if rule.do == "tomorrow":
        text = f"平台称今天的额度已用完（{code}），明天再拉取"
    return Verdict(rule.do, text, wait, kind)


def _by_status(reply: Reply) -> Verdict:
    status, text = reply.status, f"平台回应 HTTP {reply.status}"
    if status in _PASSING or status >= 500:
        return Verdict("retry", text, waits(reply.headers), "quota" if status == 429 else "server")
    if status in (401, 403):
        return Verdict("stop", f"平台不认可令牌或没有权限（HTTP {status}）", kind="rights")
    return Verdict("stop", f"平台拒绝了请求（HTTP {status}）", kind="request")


def _unlisted(spec: ApiSpec, codes: list[str], value: Any, answer: Answer) -> Verdict:
    if not codes and not (isinstance(value, dict) and value):
        return Verdict("retry", "返回内容不是约定的样子", kind="shape")
    return Verdict(spec.otherwise, f"平台回应错误（{_shown(codes) or '没有代码'}）", kind="request")


def waits(headers: Mapping[str, str]) -> float | None:
    """Seconds that the platform asks to wait: ``Retry-After`` (seconds or a date, RFC 9110), else the reset of ``RateLimit-*``
    where nothing remains; capped. None where it says nothing usable."""
    asked = _retry_after(headers.get("retry-after"))
    return asked if asked is not None else exhausted(headers)


def exhausted(headers: Mapping[str, str]) -> float | None:
    """Seconds until requests are welcome again where the answer says that none remain: ``RateLimit: limit=9, remaining=0,
    reset=5`` or ``"name";r=0;t=5``, the three headers ``RateLimit-Limit``, ``-Remaining``, ``-Reset``, and these with ``X-``
    before them (there the reset may be a moment in seconds since 1970)."""
    whole = headers.get("ratelimit", "")
    for left, reset in ((r"remaining\s*=\s*(\d+)", r"reset\s*=\s*(\d+)"), (r";\s*r\s*=\s*(\d+)", r";\s*t\s*=\s*(\d+)")):
        if (n := re.search(left, whole)) and (t := re.search(reset, whole)):
            return _until(t[1]) if int(n[1][:9]) == 0 else None
    for prefix in ("", "x-"):
        remaining, reset = headers.get(f"{prefix}ratelimit-remaining", "").strip(), headers.get(f"{prefix}ratelimit-reset", "")
        if remaining.isdecimal() and reset.strip().isdecimal():
            return _until(reset.strip()) if int(remaining) == 0 else None
    return None


def _until(text: str) -> float:
    seconds = float(text[:12])
    if seconds > 1_000_000_000:  # a moment, not a span
        seconds -= dt.datetime.now(dt.UTC).timestamp()
    return min(max(seconds, 0.0), LONGEST_WAIT)


def _retry_after(value: str | None) -> float | None:
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return min(max((moment - dt.datetime.now(dt.UTC)).total_seconds(), 0.0), LONGEST_WAIT)


def _seconds_in(pattern: str, part: Any) -> float | None:
    for text in _texts(part):
        if (found := re.search(pattern, text)) and found.groups() and (found[1] or "").isdecimal():
            return float(found[1][:6])
    return None


def _texts(value: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(value, str):
        yield value[:1000]
    elif isinstance(value, dict) and depth < 3:
        for one in list(value.values())[:50]:
            yield from _texts(one, depth + 1)


def at(value: Any, path: str) -> Any:
    """What stands at a dotted path; None where nothing does. Numbers in a path are places in lists."""
    for key in filter(None, path.split(".")):
        if isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            value = value.get(key) if isinstance(value, dict) else None
    return value


def _word(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) and str(value).strip() else None


def _shown(codes: list[str]) -> str:
    """Codes that may stand in a message: an answer's text may hold anything, a code is short and has no blanks."""
    short = [c for c in codes if len(c) <= 60 and re.fullmatch(r"-?[A-Za-z][A-Za-z0-9._:-]*|-?\d{1,10}", c)]
    return "，".join(short)


def count(value: Any) -> int | None:
    """A total as interfaces write it; None for what is none."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 12:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
