"""Pages made beforehand, served: ``python -m bench.pages PAGES.json`` prints its address and serves until its input ends.

``PAGES.json``: answers (text) by platform and start; ``/<platform>/…`` asked with ``offset=N`` or ``after=N`` gets one, and a
POST a token. The word ``BASE`` in an answer becomes the server's own address.
"""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

TOKEN = json.dumps({"access_token": "t" * 24, "token_type": "Bearer", "expires_in": 7200}).encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    pages: dict[tuple[str, str], bytes]

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        start = (query.get("offset") or query.get("after") or ["0"])[0]
        self._send(self.pages[parts.path.split("/")[1], start])

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._send(TOKEN)

    def _send(self, body: bytes) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.wfile.write(head.encode() + body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


def main() -> None:
    """Serves the file named on the command line."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    base = f"http://127.0.0.1:{server.server_address[1]}"
    made = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    _Handler.pages = {(p, start): t.replace("BASE", base).encode() for p, pages in made.items() for start, t in pages.items()}
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(base, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
