"""One request over HTTP and its answer, within caps, to one address only.

Nothing of a request but its kind of failure reaches a message or a log: no token, no parameters, no text of an answer, since
answers hold people's numbers. Certificates are always checked; a redirect or a next link to another address is refused, since
the token would go with it. Errors: :class:`Fatal` where trying again cannot help, otherwise :class:`Retriable`.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn
from urllib.parse import SplitResult, urljoin, urlsplit

import orjson
import requests
from requests.auth import AuthBase

from zp_registry.errors import Fatal, Retriable
from zp_registry.sources.api.spec import Limits
from zp_registry.texts import long_number

_REDIRECTS = 3
_CHUNK = 65_536
_GB = ("gb18030", "gbk", "gb2312", "cp936", "x-gbk")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.-]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Outgoing:
    """A request ready to be sent; ``url`` without the query."""

    method: str
    url: str
    query: Mapping[str, str]
    form: Mapping[str, str]
    body: Any
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Reply:
    """An answer: its status, headers by lower-case name, whole body, and the server's clock minus ours, in seconds (None: it
    tells no time)."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    skew: float | None


class _NoAuth(AuthBase):
    """Set on purpose, so that a ~/.netrc cannot add a header of its own."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class Line:
    """A connection to ``base_url``. ``before`` is called before every request on the wire (pacing), ``after`` behind it;
    ``received`` counts bytes of bodies."""

    def __init__(
        self,
        base_url: str,
        limits: Limits,
        session: requests.Session,
        *,
        before: Callable[[], None] = lambda: None,
        after: Callable[[], None] = lambda: None,
    ) -> None:
        self.origin, self._base = address(base_url)
        self._limits, self._session, self._before, self._after = limits, session, before, after
        self.received = 0
        self._found: dict[str, Any] | None = None

    def url(self, path: str) -> str:
        """The whole address of a path."""
        return self._base + "/" + path.lstrip("/")

    def linked(self, link: str, found_in: str) -> str:
        """The whole address of a link in an answer. Fatal if it leads elsewhere."""
        try:
            target = urlsplit(urljoin(found_in, link))
            same = _origin(target) == self.origin
        except ValueError:
            same = False
        if not same:
            raise Fatal("平台给出的下一页在另一个地址，已拒绝", kind="address")
        return target.geturl()

    def send(self, out: Outgoing) -> Reply:
        """The answer, whatever its status; redirects within the address are followed where nothing but the query was sent."""
        url, query = out.url, dict(out.query)
        for _ in range(_REDIRECTS + 1):
            self._before()
            try:
                asked = self._session.prepare_request(
                    requests.Request(
                        out.method,
                        url,
                        params=query,
                        data=dict(out.form) or None,
                        json=out.body or None,
                        auth=_NoAuth(),
                        headers={"Accept": "application/json", **out.headers},
                    )
                )
                with self._session.send(
                    asked,
                    allow_redirects=False,
                    timeout=(self._limits.connect_timeout, self._limits.read_timeout),
                    **self._environment(),
                ) as answer:
                    if not answer.is_redirect:
                        headers = {k.lower(): v for k, v in answer.headers.items()}
                        skew = _skew(headers.get("date"))
                        return Reply(answer.status_code, headers, self._read(answer), skew)
                    target = urlsplit(urljoin(url, answer.headers["Location"]))
                    if _origin(target) != self.origin:
                        raise Fatal("平台要求转到另一个地址，已拒绝", kind="address")
                    if out.method != "GET":
                        raise Fatal("平台要求把请求转到另一个路径，已拒绝", kind="address")
                    url, query = target.geturl(), {}
            except (requests.RequestException, ValueError) as error:
                _failed(error)
            finally:
                self._after()
        raise Fatal("平台反复转址", kind="address")

    def _environment(self) -> dict[str, Any]:
        """Proxies and certificates as the environment names them, looked up once: it is the same address all along."""
        if self._found is None:
            verify = self._session.verify if isinstance(self._session.verify, str) else True
            found = self._session.merge_environment_settings(self._base, _proxies(self.origin), True, verify, None)
            self._found = dict(found)
        return self._found

    def _read(self, answer: requests.Response) -> bytes:
        """The body, unpacked, never more than may still come."""
        end = time.monotonic() + 10 * self._limits.read_timeout
        most = min(self._limits.answer_bytes, self._limits.pull_bytes - self.received)
        body = bytearray()
        for chunk in answer.iter_content(_CHUNK):
            body += chunk
            if len(body) > most:
                raise Fatal(
                    f"返回内容超过 {self._limits.answer_bytes} 字节（或全部超过 {self._limits.pull_bytes} 字节）", kind="size"
                )
            if time.monotonic() > end:
                raise Retriable("回应太慢", kind="timeout")
        self.received += len(body)
        return bytes(body)


def address(base_url: str) -> tuple[tuple[str, str, int | None], str]:
    """The origin to which alone requests may go, and the address without a slash at its end. Fatal for one of no use."""
    text = base_url.strip()
    if not text:
        raise Fatal("未设置接口地址（base_url）", kind="address")
    try:
        parts = urlsplit(text)
        origin = _origin(parts)
    except ValueError:
        raise Fatal("接口地址（base_url）不正确", kind="address") from None
    if parts.scheme not in ("https", "http") or not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
        raise Fatal("接口地址（base_url）不正确", kind="address")
    if parts.scheme == "http" and not _loopback(parts.hostname):
        raise Fatal("接口地址必须是 https", kind="address")
    return origin, text.rstrip("/")


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


def _skew(date: str | None) -> float | None:
    try:
        at = parsedate_to_datetime(date) if date else None
    except ValueError:
        return None
    if at is None:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=dt.UTC)
    return (at - dt.datetime.now(dt.UTC)).total_seconds()


def _failed(error: Exception) -> NoReturn:
    """A plain error for one of the library, whose text holds addresses and may hold headers."""
    if isinstance(error, requests.exceptions.SSLError) and "certificate" in str(error).lower():
        raise Fatal("平台的证书不可信", kind="certificate") from None
    if isinstance(error, requests.exceptions.Timeout):
        raise Retriable("平台没有及时回应", kind="timeout") from None
    if isinstance(error, requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError):
        raise Retriable("回应中途断开", kind="connection") from None
    if isinstance(error, requests.exceptions.ConnectionError):
        raise Retriable("连接不上或连接中断", kind="connection") from None
    raise Fatal(f"请求无法发出（{type(error).__name__}）", kind="address") from None


def read_json(body: bytes, content_type: str = "") -> Any:
    """What an answer says. JSON is UTF-8; another encoding is read only where the answer itself names it, since Chinese text in
    UTF-8 with a broken byte passes for GB18030 and would give wrong names. Retriable for anything that is no JSON."""
    try:  # most are read so; whatever is special about the others, the library's own reader decides
        if not long_number(body):
            return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        charset = _CHARSET.search(content_type)
        if charset is None or charset[1].lower() not in _GB:
            raise Retriable("返回内容的编码不对，不是 UTF-8", kind="shape") from None
        try:
            text = body.decode("gb18030")
        except UnicodeDecodeError:
            raise Retriable("返回内容的编码不对，也不是所称的编码", kind="shape") from None
    try:
        return json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        page = text.lstrip().startswith("<")
        raise Retriable("返回的是网页，不是数据" if page else "返回内容不是完整的 JSON", kind="shape") from None


def _no_number(text: str) -> Any:
    raise ValueError(text)  # NaN and Infinity are no JSON
