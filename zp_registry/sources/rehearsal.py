"""A platform's interface (dialect F) on this machine, for rehearsals: it serves records, checks the token and plays faults.

``python -m zp_registry.sources.rehearsal --records FILE --token-env VAR --port-file FILE`` serves until it is stopped.
"""

from __future__ import annotations

import csv
import hmac
import io
import json
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import click

from zp_registry.errors import FileRefused, UsageError
from zp_registry.sources.encodings import decode

_HTML = "<!DOCTYPE html><html><body>系统维护中</body></html>".encode()
Records = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request; ``Fault()`` is a request that goes well. ``stall``: seconds before the answer;
    ``drop``: the connection closes without one; ``wrong_total``: added to the total; ``repeat_page``: the former page again."""

    status: int | None = None
    retry_after: str | None = None
    truncate: bool = False
    html: bool = False
    wrong_total: int = 0
    repeat_page: bool = False
    redirect: str | None = None
    stall: float = 0.0
    drop: bool = False


def read_records(path: Path) -> list[dict[str, Any]]:
    """Records of a JSON Lines or csv file (UTF-8 or GB18030); FileRefused for a broken one."""
    text, _, _ = decode(path.read_bytes(), path.name)
    try:
        if text.lstrip().startswith("{"):
            return [json.loads(line) for line in text.split("\n") if line.strip()]
        rows = csv.reader(io.StringIO(text, newline=""))
        header = next(rows, [])
        return [dict(zip(header, row, strict=False)) for row in rows if any(row)]
    except (ValueError, csv.Error):
        raise FileRefused("FILE_BROKEN", path.name) from None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, records: Records, token: str, faults: Sequence[Fault], path: str | None, largest_page: int,
                 port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.records, self.path, self.largest_page = records, path, largest_page
        self.expected = f"Bearer {token}".encode()
        self._faults, self._former, self._lock = list(faults), list[dict[str, Any]](), threading.Lock()

    def next_fault(self) -> Fault:
        with self._lock:
            return self._faults.pop(0) if self._faults else Fault()

    def page(self, offset: int, limit: int, again: bool) -> list[dict[str, Any]]:
        with self._lock:
            if not again:
                self._former = list(self.records[offset : offset + min(limit, self.largest_page)])
            return self._former

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no event."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm: ClassVar[bool] = True
    server: _Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if not hmac.compare_digest(self.headers.get("Authorization", "").encode(), self.server.expected):
            self._answer(401, {"error": "unauthorized"})
            return
        if self.server.path is not None and parts.path != self.server.path:
            self._answer(404, {"error": "not found"})
            return
        fault = self.server.next_fault()
        time.sleep(fault.stall)
        if fault.drop:
            self.close_connection = True
        elif fault.redirect is not None:
            self._send(302, b"", [("Location", fault.redirect)])
        elif fault.status is not None:
            wait = [] if fault.retry_after is None else [("Retry-After", fault.retry_after)]
            self._answer(fault.status, {"error": "rehearsed"}, wait)
        elif fault.html:
            self._send(200, _HTML, [("Content-Type", "text/html; charset=utf-8")])
        else:
            self._page(parse_qs(parts.query), fault)

    def _page(self, query: dict[str, list[str]], fault: Fault) -> None:
        try:
            offset, limit = (int(query.get(key, [default])[0]) for key, default in (("offset", "0"), ("limit", "100")))
        except ValueError:
            offset = limit = -1
        if offset < 0 or limit < 1:
            self._answer(400, {"error": "bad request"})
            return
        total = len(self.server.records) + fault.wrong_total
        self._answer(200, {"data": self.server.page(offset, limit, fault.repeat_page), "total": total}, truncate=fault.truncate)

    def _answer(self, status: int, value: Any, headers: Sequence[tuple[str, str]] = (), *, truncate: bool = False) -> None:
        body = json.dumps(value, ensure_ascii=False).encode()
        self._send(status, body, [("Content-Type", "application/json; charset=utf-8"), *headers], truncate=truncate)

    def _send(self, status: int, body: bytes, headers: Sequence[tuple[str, str]], *, truncate: bool = False) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if truncate else body)
        self.close_connection = self.close_connection or truncate

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: requests carry the token."""


@contextmanager
def serve_records(records: Path | Records | None, token: str, *, faults: Sequence[Fault] = (), path: str | None = None,
                  largest_page: int = 1000, port: int = 0) -> Iterator[str]:
    """The base address of a server of these records, while the context lasts.

    ``faults`` are played in order, one for each request that bears the right token; ``path``: the only path that is answered
    (default: every one); ``largest_page``: the server's own cap of ``limit``; ``port``: 0 for any free one.
    """
    rows = read_records(records) if isinstance(records, Path) else records or []
    server = _Server(rows, token, faults, path, largest_page, port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@click.command(help="Serve the records of a report on this machine as a platform's interface (dialect F), until stopped.")
@click.option("--records", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True,
              help="JSON Lines or csv.")
@click.option("--token-env", required=True, help="Name of the variable that holds the token to ask for.")
@click.option("--port-file", type=click.Path(dir_okay=False, path_type=Path), required=True, help="Where to write the port.")
@click.option("--path", default=None, help="The only path to answer; default: every one.")
def main(records: Path, token_env: str, port_file: Path, path: str | None) -> None:
    token = os.environ.get(token_env, "").strip()
    if not token:
        raise click.UsageError(str(UsageError(f"set the variable {token_env} to the token")))
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with serve_records(records, token, path=path) as address:
        unfinished = port_file.with_name(port_file.name + ".new")
        unfinished.write_text(f"{urlsplit(address).port}\n", encoding="ascii")
        unfinished.replace(port_file)  # whoever waits for the file finds it whole
        stopped.wait()


if __name__ == "__main__":
    main()
