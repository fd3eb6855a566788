"""Pages of records put together: what came twice, what is missing, and whether the list moved while it was read."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

_SAME_PAGE = 3  # the same page so often in a row: the platform does not page at all
# Line breaks to str.splitlines that JSON leaves as they are.
_BREAKS = str.maketrans({"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"})


@dataclass
class Page:
    """Records of one answer, the total that it gave (None: none), and whether it is known to be the last."""

    records: list[dict[str, Any]]
    total: int | None
    last: bool


@dataclass
class Reading:
    """All pages, read once. ``lines``: distinct records as canonical JSON, in the order in which they were first seen;
    ``received``: records with the repeated ones; ``across``: records that an earlier page held already; ``within``: records
    that their own page held already (the platform's own doubles: one answer is one moment); ``same_pages``: pages that
    repeat the former; ``ended``: the last page was seen."""

    lines: list[str] = field(default_factory=list)
    received: int = 0
    across: int = 0
    within: int = 0
    same_pages: int = 0
    totals: list[int | None] = field(default_factory=list)
    ended: bool = False

    @property
    def total(self) -> int | None:
        """The total as given last."""
        return self.totals[-1] if self.totals else None

    @property
    def steady(self) -> bool:
        """Whether every page gave the same total."""
        return len(set(self.totals)) <= 1

    @property
    def moved(self) -> bool:
        """The list changed between pages: records may have slipped from one to another unseen."""
        return not self.steady or self.across > 0


def read_pages(pages: Iterable[Page], max_pages: int) -> Reading:
    """Puts the pages together; stops after ``max_pages``, or when the platform gives one page again and again."""
    out, seen, former, in_a_row = Reading(), set[str](), list[str](), 1
    for number, page in enumerate(pages, start=1):
        lines = [canonical(r) for r in page.records]
        out.received += len(lines)
        out.totals.append(page.total)
        same = bool(lines) and lines == former
        in_a_row = in_a_row + 1 if same else 1
        out.same_pages += same
        distinct = dict.fromkeys(lines)
        fresh = [line for line in distinct if line not in seen]
        out.within += len(lines) - len(distinct)
        out.across += len(distinct) - len(fresh)
        out.lines += fresh
        seen.update(fresh)
        former = lines
        if page.last or number >= max_pages or in_a_row >= _SAME_PAGE:
            out.ended = page.last
            break
    return out


def canonical(record: dict[str, Any]) -> str:
    """One line of JSON: keys sorted, no spaces, characters as they are, halves of surrogate pairs as U+FFFD."""
    line = json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).translate(_BREAKS)
    if line.isascii() or not any("\ud800" <= c <= "\udfff" for c in line):
        return line
    return line.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
