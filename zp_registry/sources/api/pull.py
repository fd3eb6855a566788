"""A whole report out of a platform's interface: from the first page, or from where the last run left off, to a ReportFile."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import requests
import structlog

from zp_registry.errors import Fatal, FileRefused, OptionNeeded, SourceFailed, UsageError
from zp_registry.sources.api.client import Client, Skipped, StartAgain
from zp_registry.sources.api.http import Reply, read_json
from zp_registry.sources.api.pace import Clock
from zp_registry.sources.api.paging import Page, Stretch, Trail, first, read_page, stretches
from zp_registry.sources.api.reading import Part, Reading, lined
from zp_registry.sources.api.spec import ApiSpec
from zp_registry.sources.api.store import FiledPages, PagesBroken, PageStore, Stored
from zp_registry.sources.api.template import COUNTY_TIME
from zp_registry.sources.api.vault import MemoryVault, Vault
from zp_registry.sources.limits import ReadLimits
from zp_registry.sources.tables import ReportFile

log = structlog.get_logger(__name__)
_SAME_PAGE = 3  # the same page so often in a row: the platform does not page at all


class _Pages(Protocol):
    def page(self, reading: int, number: int) -> Stored | None: ...


@dataclass
class Pulled:
    """``file``: the report; ``pages``: the raw pages as one file, of which :func:`replay` makes the report; ``complete``:
    the whole list has certainly come (otherwise nothing may be concluded from an account's absence); ``records``: distinct
    records; ``total``: as the platform gave it last; ``requests``: sent in this run, with ``retries``; ``resumed``: pages that
    an earlier run had fetched; ``remarks``: Chinese, for people."""

    file: ReportFile
    pages: bytes
    complete: bool
    records: int
    total: int | None
    requests: int
    retries: int
    resumed: int
    cut_off: dt.datetime
    remarks: list[str]


def pull(
    spec: ApiSpec,
    secrets: Mapping[str, str],
    *,
    platform: str,
    as_of: str | None = None,
    dated: bool = False,
    vault: Vault | None = None,
    named: bool = False,
    session: requests.Session | None = None,
    clock: Clock | None = None,
    limits: ReadLimits | None = None,
) -> Pulled:
    """All pages of ``platform``'s report, as of ``as_of`` (ISO date) where the interface asks for a date.

    The cut-off is frozen before the first page. Without ``as_of`` the report stands for the date that the answers state, or for
    the day of the cut-off; ``dated``: every record has a date of its own, and the file's name tells none. A list that moved
    while it was read (total changed, a record on two pages) is read once more; it counts as complete when the second reading is
    steady, or equal to the first (then the platform's data hold the record twice). ``vault`` keeps pages, tokens and manners
    between runs; call :func:`finished` when the report is safe elsewhere. ``named``: an operator asked for this platform, so it
    is tried although its circuit is broken.

    Errors: Fatal (rights, settings, address, size), Retriable (attempts used up) and other SourceFailed (not now), OptionNeeded
    (``{as_of}`` without a date), FileRefused (no records), UsageError (``as_of`` is no date).
    """
    day = _date(as_of)
    if spec.needs_as_of and day is None:
        raise OptionNeeded(f"{platform} API", "--as-of", "the interface asks for a report date")
    if absent := [name for name in spec.secrets if not secrets.get(name)]:
        raise UsageError(f"the interface needs the secrets {', '.join(absent)}")
    clock, vault = clock or Clock(), vault or MemoryVault()
    store, facts = PageStore(vault), {"question": question(spec), "as_of": as_of or ""}
    resumed = store.count() if spec.paging.resumable and store.fits(facts, clock.now(), spec.limits.resume_hours) else 0
    old = store.count() - resumed
    if not resumed:
        store.begin(facts, clock.now())
    cut_off = store.cut_off or clock.now()
    values = {"as_of": as_of, "cut_off": cut_off, **{f"secret:{k}": v for k, v in secrets.items()}}
    own = requests.Session() if session is None else session
    try:
        client = Client(spec, values, vault, own, platform, clock, named=named)
        reader = _Reader(spec, store, cut_off, client, time.monotonic() + 60 * spec.limits.minutes, resumed)
        client.pace.begin()
        try:
            reading, remarks, complete = _settled(reader)
        finally:
            client.pace.end()
    finally:
        if session is None:
            own.close()
    if resumed and not reader.restarted:
        remarks.insert(0, f"接着上次中断的拉取继续（已有 {resumed} 页，始于 {_local(cut_off)}）")
    elif old:
        remarks.insert(0, "上次中断的拉取已不能继续，从头拉取")
    file, about = _file(reading, platform, as_of, dated, cut_off, limits or ReadLimits())
    log.info(
        "report pulled",
        platform=platform,
        records=reading.distinct,
        total=reading.total,
        requests=client.requests,
        retries=client.retries,
        resumed_pages=resumed,
        complete=complete,
    )
    return Pulled(
        file,
        store.file({**about, "platform": platform, "dated": dated}),
        complete,
        reading.distinct,
        reading.total,
        client.requests,
        client.retries,
        resumed,
        cut_off,
        remarks,
    )


def finished(vault: Vault) -> None:
    """Forgets the pages of the pull that was under way: its report is safe."""
    PageStore(vault).clear()


def replay(data: bytes, spec: ApiSpec, *, limits: ReadLimits | None = None) -> Pulled:
    """The report out of a former pull's raw pages, by the mapping as it is today. PagesBroken; FileRefused (no records)."""
    filed = FiledPages(data)
    about = filed.about
    try:
        cut_off, platform = dt.datetime.fromisoformat(about["cut_off"]), str(about["platform"])
        as_of = dt.date.fromisoformat(about["as_of"]).isoformat() if about.get("as_of") else None
    except (KeyError, ValueError, TypeError):
        raise PagesBroken("the head of the pages is damaged") from None
    reading, remarks, complete = _settled(_Reader(spec, filed, cut_off, None, 0.0, 0))
    file, _ = _file(reading, platform, as_of, bool(about.get("dated")), cut_off, limits or ReadLimits())
    return Pulled(file, data, complete, reading.distinct, reading.total, 0, 0, 0, cut_off, remarks)


def question(spec: ApiSpec) -> str:
    """A short hash of what is asked and how the answers are read: pages of another question are not gone on with."""
    text = spec.model_dump_json(include={"base_url", "request", "paging", "lists", "window", "answer"})
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _settled(reader: _Reader) -> tuple[Reading, list[str], bool]:
    """The reading to keep, remarks, and whether it is complete."""
    one = reader.read(0)
    remarks = one.remarks()
    if not one.moved:
        return one, remarks, one.complete
    try:
        two = reader.read(1)
    except (SourceFailed, PagesBroken) as failed:
        if not isinstance(failed, PagesBroken) and not isinstance(failed, Fatal):
            raise  # it passes: the next run goes on with the second reading
        return one, [*remarks, "再次拉取核对失败，按不完整处理"], False
    if not two.moved:
        return two, [*remarks, *two.remarks(), "拉取期间数据有变动，已重新拉取一次"], two.complete
    if two.same_as(one):
        return two, [*remarks, "再次拉取结果相同：重复的记录是平台数据中原有的"], two.complete
    return two, [*remarks, *two.remarks(), "两次拉取期间数据都有变动，按不完整处理"], False


class _Reader:
    """Reads all stretches, each page from the store or else from the platform (``client`` None: from the store alone)."""

    def __init__(self, spec: ApiSpec, store: _Pages, cut_off: dt.datetime, client: Client | None, end: float, old: int) -> None:
        self._spec, self._store, self._client, self._end, self._old = spec, store, client, end, old
        self._stretches = stretches(spec, cut_off)
        self._asked = 0
        self.restarted = False

    def read(self, number: int) -> Reading:
        """Reading 0 or 1 of the list."""
        try:
            return self._read(number)
        except (StartAgain, Fatal) as error:
            # A platform that no longer knows where the killed run stood may say so in any way.
            gone = isinstance(error, StartAgain) or (self._old > 0 and self._asked == 0 and error.kind == "request")
            if not gone or self.restarted or not isinstance(self._store, PageStore):
                raise
            log.warning("pull starts again", number=number)
            self.restarted = True
            self._store.drop(number)
            return self._read(number)

    def _read(self, number: int) -> Reading:
        spec, reading, n = self._spec, Reading(bool(self._spec.answer.total)), 0
        for stretch in self._stretches:
            part, trail = reading.begin(stretch), Trail(first(spec))
            while not trail.ended:
                if n >= spec.limits.pages or part.in_a_row >= _SAME_PAGE:
                    reading.cut_short = True
                    return reading
                page, lines = self._page(number, n, stretch, trail, part)
                n += 1
                if page is None:
                    part.skipped += 1
                    trail.step(spec, None)
                elif trail.step(spec, page):
                    reading.add(stretch, page, lines)
            part.ended = not trail.looped
        return reading

    def _page(self, number: int, n: int, stretch: Stretch, trail: Trail, part: Part) -> tuple[Page | None, list[bytes]]:
        stored = self._store.page(number, n)
        if stored is None or stored.position != trail.position:
            if self._client is None or not isinstance(self._store, PageStore):
                raise PagesBroken(f"page {n} of reading {number} is missing")
            stored, page, lines = self._ask(self._client, stretch, trail, part)
            self._store.keep(number, n, stored)
            return page, lines
        if stored.skipped:
            return None, []
        return lined(read_page(read_json(stored.body, stored.content_type), self._spec))

    def _ask(self, client: Client, stretch: Stretch, trail: Trail, part: Part) -> tuple[Stored, Page | None, list[bytes]]:
        """The page as it came. One that does not go with the former ones is asked for once more: stale pages pass."""
        try:
            stored, page, lines = self._once(client, stretch, trail)
            if part.doubtful(page, lines):
                stored, page, lines = self._once(client, stretch, trail)
        except Skipped as error:
            log.warning("page is skipped", reason=str(error))
            return Stored(trail.position, True, b""), None, []
        self._asked += 1
        return stored, page, lines

    def _once(self, client: Client, stretch: Stretch, trail: Trail) -> tuple[Stored, Page, list[bytes]]:
        if time.monotonic() > self._end:
            raise SourceFailed(f"拉取超过 {self._spec.limits.minutes:g} 分钟，下次从原处继续", kind="time")
        link = None
        if self._spec.paging.kind == "link" and trail.position is not None:
            link = client.line.linked(str(trail.position), client.line.url(self._spec.request.path))

        def parse(value: Any, reply: Reply) -> tuple[Stored, Page, list[bytes]]:
            stored = Stored(trail.position, False, reply.body, reply.headers.get("content-type", ""))
            return stored, *lined(read_page(value, self._spec))

        return client.ask({**stretch.values(self._spec), **trail.values(self._spec)}, parse, link=link)


def _file(
    reading: Reading, platform: str, as_of: str | None, dated: bool, cut_off: dt.datetime, limits: ReadLimits
) -> tuple[ReportFile, dict[str, Any]]:
    stated = _stated(reading.as_of)
    day = as_of or stated or (None if dated else cut_off.astimezone(COUNTY_TIME).date().isoformat())
    name = f"{platform}_{day.replace('-', '')}.api.jsonl" if day else f"{platform}.api.jsonl"
    if not reading.distinct:
        if reading.total:
            raise SourceFailed(f"平台称有 {reading.total} 条，但一条也没有给出", kind="shape")
        raise FileRefused("FILE_EMPTY", name)
    hashed, size = hashlib.sha256(), 0
    for piece in reading.raw():
        hashed.update(piece)
        size += len(piece)
    tables = [t.columns.table(name, limits, sheet=sheet) for sheet, t in reading.tables.items() if t.lines]
    file = ReportFile(name, hashed.hexdigest(), size, "jsonl", "utf-8", tables)
    return file, {"file": name, "sha256": file.sha256, "complete": reading.complete}


def _stated(text: str | None) -> str | None:
    """A date that an answer states; None for what is none."""
    found = re.match(r"\s*(\d{4})[-/.]?(\d{2})[-/.]?(\d{2})(?!\d)", text or "")
    try:
        return dt.date(*map(int, found.groups())).isoformat() if found else None
    except ValueError:
        return None


def _date(as_of: str | None) -> dt.date | None:
    try:
        return dt.date.fromisoformat(as_of) if as_of else None
    except ValueError:
        raise UsageError(f"{as_of} is not a date such as 2026-03-31") from None


def _local(at: dt.datetime) -> str:
    return at.astimezone(COUNTY_TIME).strftime("%Y-%m-%d %H:%M")
