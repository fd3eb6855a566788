"""One platform's interface over HTTP: pacing, retries with back-off, caps and plain errors, the same for every dialect.

Nothing of a request but its kind of failure reaches a message or a log: no token, no parameters, no text of an answer, since
answers hold people's numbers. Certificates are always checked; a redirect to another address is refused, since the token
would go with it. Errors: :class:`Fatal` where trying again cannot help, otherwise :class:`Retriable`.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn, TypeVar
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
import structlog
import tenacity
from requests.auth import AuthBase

from zp_registry.errors import Fatal, Retriable
from zp_registry.sources.apispec import ApiSpec

log = structlog.get_logger(__name__)
T = TypeVar("T")

LONGEST_WAIT = 120.0  # seconds: a platform that asks for more is tried again the next night
_LONGEST_BACKOFF = 30.0
_REDIRECTS = 3
_PASSING = frozenset({408, 425, 429})
_CHUNK = 8192


class Client:
    """GETs JSON from ``spec``'s address. ``auth`` signs each request; ``requests`` counts what was sent, retries included."""

    def __init__(self, spec: ApiSpec, auth: AuthBase, session: requests.Session, platform: str) -> None:
        self._spec, self._auth, self._session, self._platform = spec, auth, session, platform
        self._origin, self.url = _address(spec)
        self.requests, self._bytes, self._next = 0, 0, 0.0

    def ask(self, params: Mapping[str, str], parse: Callable[[Any], T]) -> T:
        """``parse`` of the JSON that the platform answers. ``parse`` raises Retriable where the shape is wrong."""
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self._spec.attempts), retry=tenacity.retry_if_exception_type(Retriable),
            wait=self._wait, before_sleep=self._tell, reraise=True)
        try:
            value: T = retrying(self._once, params, parse)
            return value
        except Retriable as error:
            raise Retriable(f"{error}；已试 {self._spec.attempts} 次", error.wait) from None

    def _wait(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, Retriable) and error.wait is not None:
            return error.wait
        base = self._spec.backoff
        longer = tenacity.wait_exponential(multiplier=base, max=_LONGEST_BACKOFF) + tenacity.wait_random(0, base / 2)
        return float(longer(state))

    def _tell(self, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        log.warning("request to a platform is repeated", platform=self._platform, attempt=state.attempt_number,
                    wait=round(state.upcoming_sleep, 2), cause=str(error))

    def _once(self, params: Mapping[str, str], parse: Callable[[Any], T]) -> T:
        body = self._body(params)
        value = parse(_json(body))
        self._bytes += len(body)
        return value

    def _body(self, params: Mapping[str, str]) -> bytes:
        url, query = self.url, dict(params)
        for _ in range(_REDIRECTS + 1):
            self._pace()
            try:
                with self._session.get(
                        url, params=query, auth=self._auth, stream=True, allow_redirects=False, proxies=_proxies(self._origin),
                        verify=self._session.verify if isinstance(self._session.verify, str) else True,
                        headers={"Accept": "application/json"},
                        timeout=(self._spec.connect_timeout, self._spec.read_timeout)) as answer:
                    if not answer.is_redirect:
                        _judge(answer)
                        return self._read(answer)
                    target = urlsplit(urljoin(url, answer.headers["Location"]))
                    if _origin(target) != self._origin:
                        raise Fatal("平台要求转到另一个地址，已拒绝")
                    url, query = target.geturl(), {}
            except (requests.RequestException, ValueError) as error:
                _failed(error)
        raise Fatal("平台反复转址")

    def _pace(self) -> None:
        now = time.monotonic()
        if now < self._next:
            time.sleep(self._next - now)
        self._next = max(now, self._next) + 1 / self._spec.requests_per_second
        self.requests += 1

    def _read(self, answer: requests.Response) -> bytes:
        """The body, unpacked, never more than may still come."""
        end = time.monotonic() + 10 * self._spec.read_timeout
        body = bytearray()
        for chunk in answer.iter_content(_CHUNK):
            body += chunk
            if self._bytes + len(body) > self._spec.max_bytes:
                raise Fatal(f"返回内容超过 {self._spec.max_bytes} 字节")
            if time.monotonic() > end:
                raise Retriable("回应太慢")
        return bytes(body)


def _address(spec: ApiSpec) -> tuple[tuple[str, str, int | None], str]:
    """The origin to which alone the token may go, and the whole address. Fatal for an address that cannot be used."""
    try:
        parts = urlsplit(spec.base_url.strip())
        origin = _origin(parts)
    except ValueError:
        raise Fatal("接口地址（base_url）不正确") from None
    if not spec.base_url.strip():
        raise Fatal("未设置接口地址（base_url）")
    if parts.scheme not in ("https", "http") or not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
        raise Fatal("接口地址（base_url）不正确")
    if parts.scheme == "http" and not _loopback(parts.hostname):
        raise Fatal("接口地址必须是 https")
    return origin, spec.base_url.strip().rstrip("/") + "/" + spec.path.lstrip("/")


def _origin(parts: SplitResult) -> tuple[str, str, int | None]:
    return parts.scheme, (parts.hostname or "").lower(), parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _proxies(origin: tuple[str, str, int | None]) -> dict[str, str] | None:
    """This machine is never asked through a proxy; other addresses as the environment says."""
    return {"http": "", "https": ""} if _loopback(origin[1]) else None


def _judge(answer: requests.Response) -> None:
    status = answer.status_code
    if 200 <= status < 300:
        return
    if status in _PASSING or status >= 500:
        raise Retriable(f"平台回应 HTTP {status}", _retry_after(answer.headers.get("Retry-After")))
    if status in (401, 403):
        raise Fatal(f"平台不认可令牌或没有权限（HTTP {status}）")
    raise Fatal(f"平台拒绝了请求（HTTP {status}）")


def _retry_after(value: str | None) -> float | None:
    """Seconds to wait, from a number of seconds or a date (RFC 9110), capped; None where the platform says nothing usable."""
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


def _failed(error: Exception) -> NoReturn:
    """A plain error for one of the library, whose text holds addresses and may hold headers."""
    if isinstance(error, requests.exceptions.SSLError) and "certificate" in str(error).lower():
        raise Fatal("平台的证书不可信") from None
    if isinstance(error, requests.exceptions.Timeout):
        raise Retriable("平台没有及时回应") from None
    if isinstance(error, requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError):
        raise Retriable("回应中途断开") from None
    if isinstance(error, requests.exceptions.ConnectionError):
        raise Retriable("连接不上或连接中断") from None
    raise Fatal(f"请求无法发出（{type(error).__name__}）") from None


def _json(body: bytes) -> Any:
    try:
        return json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        page = body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
        raise Retriable("返回的是网页，不是数据" if page else "返回内容不是完整的 JSON") from None


def _no_number(text: str) -> Any:
    raise ValueError(text)  # NaN and Infinity are no JSON
