"""Where a page stands in a list, and which one comes after it. A position can be written down and asked again."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from zp_registry.errors import Retriable
from zp_registry.sources.api.spec import ApiSpec, Sublist
from zp_registry.sources.api.verdict import at, count


@dataclass(frozen=True)
class Stretch:
    """A list that is paged by itself: one of the report's lists within one window of time. ``number`` counts from 0."""

    number: int
    sublist: Sublist | None
    start: dt.datetime | None
    end: dt.datetime | None

    @property
    def sheet(self) -> str:
        """The name of the table to which its records belong."""
        return self.sublist.sheet if self.sublist else ""

    def values(self, spec: ApiSpec) -> dict[str, Any]:
        """What its requests fill in; a value that another list has and this one has not goes away."""
        keys = {key for one in spec.lists for key in one.values}
        own = self.sublist.values if self.sublist else {}
        return {**{f"list:{key}": own.get(key) for key in keys}, "from": self.start, "to": self.end, "size": spec.paging.size}


def stretches(spec: ApiSpec, cut_off: dt.datetime) -> list[Stretch]:
    """The lists of a report, each in windows from the oldest to ``cut_off``."""
    spans: list[tuple[dt.datetime | None, dt.datetime | None]] = [(None, None)]
    if spec.window is not None:
        spans, start = [], cut_off - dt.timedelta(days=spec.window.days)
        while start < cut_off:
            end = min(start + dt.timedelta(hours=spec.window.hours), cut_off)
            spans.append((start, end))
            start = end
    sublists: list[Sublist | None] = [*spec.lists] or [None]
    pairs = [(one, span) for one in sublists for span in spans]
    return [Stretch(n, one, start, end) for n, (one, (start, end)) in enumerate(pairs)]


@dataclass(frozen=True)
class Page:
    """Records of one answer, the total that it gave (None: none), the value with which the platform leads on (cursor or link),
    and the report date that it stated."""

    records: list[dict[str, Any]]
    total: int | None
    lead: str | None
    as_of: str | None = None


def read_page(value: Any, spec: ApiSpec) -> Page:
    """The page in an answer's JSON. Retriable where there is no list of records, or a cursor of no use."""
    answer = spec.answer
    records = at(value, answer.records)
    if not isinstance(records, list) or not all(isinstance(r, dict) for r in records):
        raise Retriable(f"返回内容中没有记录列表（{answer.records or '整个返回内容'}）", kind="shape")
    lead = at(value, spec.paging.next) if spec.paging.next else None
    if isinstance(lead, bool) or not isinstance(lead, str | int | None):
        raise Retriable("返回内容中下一页的游标不对", kind="shape")
    word = None if lead is None or str(lead) == "" or str(lead) in spec.paging.end else str(lead)
    day = at(value, answer.as_of) if answer.as_of else None
    return Page(records, count(at(value, answer.total)) if answer.total else None, word, day if isinstance(day, str) else None)


def first(spec: ApiSpec) -> Any:
    """The position of the first request of a list."""
    match spec.paging.kind:
        case "page":
            return spec.paging.first
        case "offset":
            return 0
        case "cursor":
            return spec.paging.start or None
        case _:
            return None


@dataclass
class Trail:
    """How far one list has been read: the position to ask next; records received, repeated ones too; pages; whether the last
    page was seen; whether a cursor came back (then the rest never comes)."""

    position: Any
    received: int = 0
    pages: int = 0
    ended: bool = False
    backwards_from: int | None = None
    looped: bool = False
    seen: set[str] = field(default_factory=set)

    def values(self, spec: ApiSpec) -> dict[str, Any]:
        """What a request for the present position fills in."""
        return {} if spec.paging.kind == "link" else {spec.paging.kind: self.position}

    def step(self, spec: ApiSpec, page: Page | None) -> bool:
        """Moves on behind ``page`` (None: a page that was skipped). Whether its records count: a page that was asked for its
        total alone comes again."""
        self.pages += 1
        if page is not None:
            self.received += len(page.records)
        match spec.paging.kind:
            case "page" if spec.paging.backwards:
                return self._backwards(spec, page)
            case "page" | "offset":
                size = spec.paging.size if page is None else len(page.records)
                self.position += 1 if spec.paging.kind == "page" else size
                if page is not None:
                    done = self.received if spec.paging.kind == "page" else self.position
                    full = len(page.records) >= spec.paging.size
                    self.ended = not page.records or (done >= page.total if page.total is not None else not full)
            case _:
                if page is None or page.lead is None:
                    self.ended = True
                else:
                    self.looped = self.ended = page.lead in self.seen
                    self.seen.add(page.lead)
                    self.position = page.lead
        return True

    def _backwards(self, spec: ApiSpec, page: Page | None) -> bool:
        """The first answer tells the total; then from the last page to the first."""
        first_page, size = spec.paging.first, spec.paging.size
        if self.backwards_from is None:
            total = page.total if page is not None else None
            if total is None:
                raise Retriable("没有总条数，无法从最后一页向前取", kind="shape")
            if total <= size:
                self.ended = True
                return True
            self.backwards_from = first_page + (total - 1) // size
            self.position, self.received = self.backwards_from, 0
            return False
        if self.position <= first_page:
            self.ended = True
        else:
            self.position -= 1
        return True
