"""The loopback server: gateways under ``/<platform>``, over real sockets."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from zp_registry.rehearsal.faults import Fault, Script
from zp_registry.rehearsal.gateway import Gateway, Records
from zp_registry.rehearsal.records import read_records
from zp_registry.rehearsal.wire import Answered, Asked

_HTML = "<!DOCTYPE html><html><body>系统维护中</body></html>".encode()
_LARGEST_QUESTION = 1 << 20


@dataclass(frozen=True)
class Rehearsal:
    """A server at work. ``address`` without a slash at its end; a platform's base address is :meth:`base`."""

    address: str
    gateways: Mapping[str, Gateway]

    def base(self, platform: str) -> str:
        """The address to set as ``base_url`` of a platform."""
        return f"{self.address}/{platform}" if platform else self.address


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, gateways: Mapping[str, Gateway], port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.gateways = gateways

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no event."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm: ClassVar[bool] = True
    server: _Server

    def do_GET(self) -> None:
        self._play(b"")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "0")
        size = int(length) if length.isdecimal() else 0
        self._play(self.rfile.read(min(size, _LARGEST_QUESTION)))

    def _play(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        name, path = self._gateway(parts.path)
        if name is None:
            self._send(404, b'{"error":"not found"}', [])
            return
        gateway = self.server.gateways[name]
        self.ahead = gateway.ahead
        root = f"http://{self.headers.get('Host', '')}" + (f"/{name}" if name else "")
        answered, fault = gateway.answer(self._asked(parts.query, path, body, root))
        self._on_the_wire(answered, fault)

    def _gateway(self, path: str) -> tuple[str | None, str]:
        first, _, rest = path.removeprefix("/").partition("/")
        if first in self.server.gateways and first:
            return first, f"/{rest}"
        return ("", path) if "" in self.server.gateways else (None, path)

    def _asked(self, query: str, path: str, body: bytes, root: str) -> Asked:
        kind = self.headers.get("Content-Type", "")
        form, value = {}, {}
        if "x-www-form-urlencoded" in kind:
            form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        elif "json" in kind:
            try:
                value = json.loads(body)
            except ValueError:
                value = {}
        headers = {k.lower(): v for k, v in self.headers.items()}
        asked_query = dict(parse_qsl(query, keep_blank_values=True))
        return Asked(self.command, path, asked_query, form, value if isinstance(value, dict) else {}, headers, root)

    def _on_the_wire(self, answered: Answered, fault: Fault) -> None:
        time.sleep(fault.stall)
        headers = list(answered.headers)
        if fault.ratelimit is not None:
            headers += [("RateLimit-Limit", "10"), ("RateLimit-Remaining", "0"), ("RateLimit-Reset", str(fault.ratelimit))]
        if fault.retry_after is not None:
            headers.append(("Retry-After", fault.retry_after))
        if fault.drop:
            self.close_connection = True
        elif fault.redirect is not None:
            self._send(302, b"", [("Location", fault.redirect)])
        elif fault.status is not None:
            self._send(fault.status, b'{"error":"rehearsed"}', [("Content-Type", "application/json"), *headers])
        elif fault.html:
            self._send(200, _HTML, [("Content-Type", "text/html; charset=utf-8")])
        elif fault.garbage:
            self._send(200, b'{"data": [{"a": }', [("Content-Type", "application/json")])
        else:
            text = json.dumps(answered.value, ensure_ascii=False, separators=(",", ":"))
            body = text.encode("gb18030", "replace") + b"\xff\xfe" if fault.charset else text.encode()
            if fault.oversize:
                body = body[:-1] + b" " * fault.oversize + body[-1:]
            self._send(
                answered.status, body, [("Content-Type", "application/json; charset=utf-8"), *headers], truncate=fault.truncate
            )

    def _send(self, status: int, body: bytes, headers: Sequence[tuple[str, str]], *, truncate: bool = False) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if truncate else body)
        self.close_connection = self.close_connection or truncate

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The gateway's clock, in the header Date."""
        return formatdate((timestamp or time.time()) + getattr(self, "ahead", 0.0), usegmt=True)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: requests carry secrets."""


@contextmanager
def serve(gateways: Mapping[str, Gateway], *, port: int = 0) -> Iterator[Rehearsal]:
    """A server of these gateways (by platform; ``""`` answers at the root) while the context lasts; ``port`` 0: any free."""
    server = _Server(gateways, port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield Rehearsal(f"http://127.0.0.1:{server.server_address[1]}", gateways)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def serve_records(
    records: Path | Records | None,
    token: str,
    *,
    faults: Sequence[Fault] = (),
    path: str = "/reports/identity",
    largest_page: int = 1000,
    port: int = 0,
) -> Iterator[str]:
    """The address of a server of one list with a fixed bearer token, while the context lasts; ``faults`` come in order."""
    rows = read_records(records) if isinstance(records, Path) else records or []
    gateway = Gateway(
        {"dialect": "F", "path": path, "secrets": {"token": "token"}},
        rows,
        Script(faults),
        secrets={"token": token},
        largest_page=largest_page,
    )
    with serve({"": gateway}, port=port) as rehearsal:
        yield rehearsal.address
