"""Pages of records put together: what came twice, what is missing, and whether a list moved while it was read."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from zp_registry.sources.api.paging import Page, Stretch
from zp_registry.sources.jsonlines import RecordColumns

# Line breaks to str.splitlines that JSON leaves as they are. Two patterns that begin with plain bytes are found in a quarter of
# the time that one with a choice takes, or a search for each character.
_BREAKS = tuple(re.compile(pattern) for pattern in (b"\xe2\x80[\xa8\xa9]", b"\xc2\x85"))
_PIECE = 200  # lines that are put together at a time
_HALF = "\ufffd".encode()
_DUMP = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode


@dataclass
class Listing:
    """Distinct records of one table, in the order in which they were first seen: as canonical JSON and by columns."""

    lines: list[bytes] = field(default_factory=list)
    columns: RecordColumns = field(default_factory=RecordColumns)


@dataclass
class Part:
    """One stretch, as far as it has been read. ``received``: records with the repeated ones; ``across``: records that an
    earlier page held already; ``within``: records that their own page held already (the platform's own doubles: one answer is
    one moment); ``same``: pages that repeat the former; ``ended``: the last page was seen."""

    received: int = 0
    across: int = 0
    within: int = 0
    same: int = 0
    skipped: int = 0
    totals: list[int | None] = field(default_factory=list)
    ended: bool = False
    seen: set[bytes] = field(default_factory=set)
    former: list[bytes] = field(default_factory=list)
    in_a_row: int = 1
    usual: int = 0

    @property
    def total(self) -> int | None:
        """The total as given last."""
        return self.totals[-1] if self.totals else None

    @property
    def steady(self) -> bool:
        """Whether every page gave the same total."""
        return len(set(self.totals)) <= 1

    def fits(self, total_expected: bool) -> bool:
        """Whether certainly everything came."""
        if not self.ended or self.skipped:
            return False
        return not total_expected if self.total is None else self.received == self.total

    def doubtful(self, page: Page, lines: list[bytes]) -> bool:
        """Whether a page does not go with the former ones: it is worth asking for once more."""
        if self.totals and page.total != self.total:
            return True
        if not self.seen.isdisjoint(lines):
            return True
        still = page.lead is not None or (page.total is not None and self.received + len(lines) < page.total)
        return still and len(lines) < self.usual

    def add(self, page: Page, lines: list[bytes]) -> list[int]:
        """Counts a page in. The places of its records that are new."""
        self.received += len(lines)
        self.totals.append(page.total)
        same = bool(lines) and lines == self.former
        self.in_a_row = self.in_a_row + 1 if same else 1
        self.same += same
        own = dict(zip(reversed(lines), range(len(lines) - 1, -1, -1), strict=True))  # each line's first place
        fresh = sorted(i for line, i in own.items() if line not in self.seen)
        self.within += len(lines) - len(own)
        self.across += len(own) - len(fresh)
        self.seen.update(own)
        self.former = lines
        self.usual = max(self.usual, len(lines))
        return fresh


@dataclass
class Reading:
    """A whole report, read once. ``tables``: by sheet name, in the order of the lists."""

    total_expected: bool
    tables: dict[str, Listing] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    as_of: str | None = None
    cut_short: bool = False

    def begin(self, stretch: Stretch) -> Part:
        """The next stretch."""
        self.tables.setdefault(stretch.sheet, Listing())
        self.parts.append(Part())
        return self.parts[-1]

    def add(self, stretch: Stretch, page: Page, lines: list[bytes]) -> None:
        """A page of the stretch that was begun last. Records that another window of the same list held are kept once."""
        listing, part = self.tables[stretch.sheet], self.parts[-1]
        before = set(listing.lines) if stretch.start is not None and len(self.parts) > 1 and not part.totals else None
        if before is not None:
            self._elsewhere = before
        fresh = [i for i in part.add(page, lines) if stretch.start is None or lines[i] not in getattr(self, "_elsewhere", ())]
        listing.lines += [lines[i] for i in fresh]
        records = [page.records[i] for i in fresh] if len(fresh) < len(lines) else page.records
        listing.columns.add(records)
        self.as_of = page.as_of or self.as_of

    @property
    def received(self) -> int:
        """Records that came, repeated ones too."""
        return sum(p.received for p in self.parts)

    @property
    def distinct(self) -> int:
        """Records that are kept."""
        return sum(len(t.lines) for t in self.tables.values())

    @property
    def total(self) -> int | None:
        """The platform's total; None where a list has none."""
        totals = [p.total for p in self.parts]
        return None if any(t is None for t in totals) else sum(t for t in totals if t is not None)

    @property
    def moved(self) -> bool:
        """A list changed between pages: records may have slipped from one to another unseen."""
        return any(not p.steady or p.across > 0 for p in self.parts)

    @property
    def complete(self) -> bool:
        """Whether certainly everything came."""
        return not self.cut_short and all(p.fits(self.total_expected) for p in self.parts)

    def same_as(self, other: Reading) -> bool:
        """Whether both brought the same, steadily: then what came twice stands twice in the platform's data."""
        return (
            all(p.steady and not p.same for p in self.parts)
            and self.received == other.received
            and {k: t.lines for k, t in self.tables.items()} == {k: t.lines for k, t in other.tables.items()}
        )

    def raw(self) -> Iterator[bytes]:
        """Canonical JSON Lines of the distinct records, in pieces, list after list (each list under its name where there are
        several)."""
        for sheet, listing in self.tables.items():
            if len(self.tables) > 1:
                yield json.dumps({"sheet": sheet}, ensure_ascii=False).encode() + b"\n"
            for at in range(0, len(listing.lines), _PIECE):
                yield b"\n".join([*listing.lines[at : at + _PIECE], b""])

    def remarks(self) -> list[str]:
        """What people should know about it, in Chinese."""
        out = []
        if same := sum(p.same for p in self.parts):
            out.append(f"有 {same} 页与前一页完全相同")
        if doubles := sum(p.across + p.within for p in self.parts):
            out.append(f"有 {doubles} 条重复的记录，已去除")
        if not all(p.steady for p in self.parts):
            out.append("拉取期间平台给出的总条数有变化")
        if skipped := sum(p.skipped for p in self.parts):
            out.append(f"平台给不出其中 {skipped} 页，按不完整处理")
        if self.cut_short or not all(p.ended for p in self.parts):
            out.append("未取到最后一页，按不完整处理")
        elif self.total is not None and any(p.received != p.total for p in self.parts):
            out.append(f"平台称有 {self.total} 条，实际收到 {self.received} 条，按不完整处理")
        elif self.total is None and self.total_expected:
            out.append("平台没有给出总条数，无法核对，按不完整处理")
        return out


def canonical(record: dict[str, Any]) -> bytes:
    """One line of JSON in UTF-8: keys sorted, no spaces, characters as they are, halves of surrogate pairs as U+FFFD."""
    try:
        line = orjson.dumps(record, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # halves of pairs, whole numbers beyond 64 bits
        line = _DUMP(record).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()
    return _unbroken(line)


def _unbroken(line: bytes) -> bytes:
    for pattern in _BREAKS:
        if pattern.search(line):
            line = pattern.sub(lambda found: f"\\u{ord(found[0].decode()):04x}".encode(), line)
    return line


def lined(page: Page) -> tuple[Page, list[bytes]]:
    """A page and the line of each of its records; they have no halves of surrogate pairs any more, as the lines have none."""
    if not page.records:
        return page, []
    try:
        joined = b"\n".join([orjson.dumps(record, option=orjson.OPT_SORT_KEYS) for record in page.records])
    except TypeError:
        lines = list(map(canonical, page.records))
        return replace(page, records=list(map(_whole, lines, page.records))), lines
    # Split, since the writer's own texts hold on to kilobytes each.
    return page, _unbroken(joined).split(b"\n")


def _whole(line: bytes, record: dict[str, Any]) -> dict[str, Any]:
    """The record, without the halves of characters that its line no longer has."""
    halved = _HALF in line and "\ufffd" not in _DUMP(record)
    return dict(json.loads(line)) if halved else record


def digest(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()
