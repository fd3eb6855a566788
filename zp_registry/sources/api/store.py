"""Pages of a pull that is under way, kept as they came: what a killed pull goes on from, and what a pull is replayed from.

Each page is a piece of its own in the platform's vault, compressed, and on the disk before the next one is asked for. When all
are there they make one file: ``ZPP1``, then pieces of ``length (4) | compressed piece``; the first tells of the pull, each
further one is ``one line of JSON about the page | body as received``. A piece is ``Z``, its length when unpacked (8) and a
Zstandard frame, or deflated as earlier versions wrote it.
"""

from __future__ import annotations

import datetime as dt
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from zp_registry.sources.api.reading import digest
from zp_registry.sources.api.vault import Vault, read_state, write_state

_MAGIC = b"ZPP1"
_START = "start"
_ZSTD = pa.Codec("zstd", 1)
_LARGEST = 1 << 30


class PagesBroken(ValueError):
    """Stored pages are damaged or of another form."""


@dataclass(frozen=True)
class Stored:
    """A page: the position that was asked, whether it was skipped, its bytes and the encoding that the answer named."""

    position: Any
    skipped: bool
    body: bytes
    content_type: str = ""


class PageStore:
    """The pages of one platform's pull, by reading (0, 1) and number."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self.start: dict[str, Any] = read_state(vault, _START)

    def fits(self, facts: dict[str, Any], now: dt.datetime, hours: float) -> bool:
        """Whether there is a pull under way with these facts (the question, the date), begun within so many hours."""
        begun = self.cut_off
        return (
            begun is not None
            and all(self.start.get(k) == v for k, v in facts.items())
            and dt.timedelta(0) <= now - begun < dt.timedelta(hours=hours)
        )

    @property
    def cut_off(self) -> dt.datetime | None:
        """When the pull began; None if there is none."""
        try:
            return dt.datetime.fromisoformat(self.start["cut_off"])
        except (KeyError, ValueError, TypeError):
            return None

    def begin(self, facts: dict[str, Any], now: dt.datetime) -> None:
        """A new pull; what was kept of the former is gone."""
        self.clear()
        self.start = {**facts, "cut_off": now.isoformat()}
        write_state(self._vault, _START, self.start)

    def clear(self) -> None:
        """Nothing is under way any more."""
        self._vault.remove(_START)  # first: pages without it are nobody's
        self.drop(0)
        self.drop(1)
        self.start = {}

    def drop(self, reading: int) -> None:
        """Forgets the pages of a reading."""
        for name in self._vault.names():
            if name.startswith(f"page-{reading}-"):
                self._vault.remove(name)

    def count(self) -> int:
        """Pages that are kept."""
        return sum(name.startswith("page-") for name in self._vault.names())

    def page(self, reading: int, number: int) -> Stored | None:
        """A page, if it is kept and whole."""
        packed = self._vault.read(_name(reading, number))
        return _told(packed)[1] if packed is not None else None

    def keep(self, reading: int, number: int, page: Stored) -> None:
        """Keeps a page; it is on the disk when this returns."""
        about = {
            "reading": reading,
            "number": number,
            "position": page.position,
            "skipped": page.skipped,
            "content_type": page.content_type,
            "sha256": digest(page.body),
        }
        self._vault.write(_name(reading, number), _pack(json.dumps(about).encode() + b"\n" + page.body))

    def file(self, about: dict[str, Any]) -> bytes:
        """All pages as one file, with ``about`` before them."""
        parts = [_pack(json.dumps({**self.start, **about}, ensure_ascii=False).encode("utf-8"))]
        parts += [piece for name in self._vault.names() if name.startswith("page-") and (piece := self._vault.read(name))]
        return _MAGIC + b"".join(len(p).to_bytes(4, "big") + p for p in parts)


class FiledPages:
    """The same pages out of their file, for a replay. PagesBroken if it is damaged."""

    def __init__(self, data: bytes) -> None:
        pieces = list(_pieces(data))
        if not pieces:
            raise PagesBroken("an empty file of pages")
        try:
            self.about: dict[str, Any] = json.loads(_inflate(pieces[0]))
        except ValueError:
            raise PagesBroken("the head of the pages is damaged") from None
        self._pages: dict[tuple[int, int], Stored] = {}
        for piece in pieces[1:]:
            about, page = _told(piece)
            try:
                self._pages[about["reading"], about["number"]] = page
            except (KeyError, TypeError):
                raise PagesBroken("a page does not say which it is: it is damaged") from None

    def page(self, reading: int, number: int) -> Stored | None:
        """A page."""
        return self._pages.get((reading, number))


def _pieces(data: bytes) -> Iterator[bytes]:
    if data[:4] != _MAGIC:
        raise PagesBroken("not a file of pages")
    at = 4
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        piece = data[at + 4 : at + 4 + size]
        if len(piece) < size or size == 0:
            raise PagesBroken("the file of pages is cut off")
        yield piece
        at += 4 + size


def _pack(data: bytes) -> bytes:
    return b"Z" + len(data).to_bytes(8, "big") + bytes(_ZSTD.compress(data, asbytes=True))


def _inflate(piece: bytes) -> bytes:
    if piece[:1] == b"Z":
        size = int.from_bytes(piece[1:9], "big")
        if size > _LARGEST:
            raise PagesBroken("a page is too large")
        try:
            return bytes(_ZSTD.decompress(piece[9:], size, asbytes=True))
        except OSError:
            raise PagesBroken("a page is damaged") from None
    try:
        unpacker = zlib.decompressobj()
        out = unpacker.decompress(piece, _LARGEST)
        if not unpacker.eof:
            raise PagesBroken("a page is cut off or too large")
    except zlib.error:
        raise PagesBroken("a page is damaged") from None
    return out


def _told(piece: bytes) -> tuple[dict[str, Any], Stored]:
    """What a piece tells about its page, and the page."""
    head, _, body = _inflate(piece).partition(b"\n")
    try:
        about = json.loads(head)
        page = Stored(about["position"], bool(about["skipped"]), body, str(about.get("content_type", "")))
    except (ValueError, KeyError, TypeError):
        raise PagesBroken("a page is damaged") from None
    if digest(body) != about.get("sha256"):
        raise PagesBroken("a page is not what it was")
    return about, page


def _name(reading: int, number: int) -> str:
    return f"page-{reading}-{number:07d}"
