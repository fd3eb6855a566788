"""Whether an interface would work: address, clock, secret, rights and mapping, in plain words, without loading anything."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

import requests

from zp_registry.errors import FileRefused, SourceFailed, UsageError
from zp_registry.sources.api.client import Client
from zp_registry.sources.api.http import Reply, address
from zp_registry.sources.api.pace import Clock
from zp_registry.sources.api.paging import Page, Trail, first, read_page, stretches
from zp_registry.sources.api.spec import ApiSpec
from zp_registry.sources.api.template import COUNTY_TIME
from zp_registry.sources.api.vault import Vault
from zp_registry.sources.jsonlines import records_table
from zp_registry.sources.limits import ReadLimits
from zp_registry.sources.tables import ReportFile

_SKEW = 60.0
_UNREACHED = ("certificate", "address", "connection", "timeout")
_ADVICE = {
    "certificate": "the platform's certificate is not trusted here: check base_url, this machine's date and its CA bundle",
    "address": "check base_url in [api.<platform>]",
    "connection": "nothing answers at this address: check base_url, the firewall, the proxy, and that the platform lists this "
    "machine's address",
    "timeout": "the platform does not answer in time: check the firewall, then try again later",
    "signature": "the platform does not accept the signature: check the signing secret, then the mapping's 'sign'",
    "token": "the platform gives or accepts no token: check the secrets; a dead refresh token needs a new authorization",
    "secret": "the platform does not know the key or account: check the secrets",
    "rights": "the platform knows us but does not allow this: ask it for the right to the identity report",
    "request": "the platform does not accept the question: check the mapping's 'request' and 'paging'",
    "clock": "the platform refuses our timestamps: set this machine's clock (timedatectl set-ntp true)",
    "quota": "the platform's limit is reached: try again later, and lower 'pace' in the mapping",
    "shape": "the answer is not what the mapping describes: check 'answer' in the mapping",
    "server": "the platform has trouble of its own: try again later",
    "hours": "the platform allows questions at other hours only",
    "breaker": "it has failed again and again: wait, or see the log",
}


@dataclass(frozen=True)
class Finding:
    """One of ``secret``, ``address``, ``clock``, ``rights``, ``mapping``: whether it is right (None: not seen),
    and a sentence."""

    what: str
    right: bool | None
    text: str


@dataclass(frozen=True)
class _Question:
    """What is asked about: the interface, its platform, and the date for which its report would stand."""

    spec: ApiSpec
    platform: str
    as_of: str | None
    dated: bool
    cut_off: dt.datetime
    fits: Callable[[ReportFile], str]


def check(
    spec: ApiSpec,
    secrets: Callable[[], Mapping[str, str]],
    fits: Callable[[ReportFile], str],
    *,
    platform: str,
    as_of: str | None,
    dated: bool,
    vault: Vault,
    session: requests.Session | None = None,
) -> list[Finding]:
    """Asks for one page of each list. ``secrets`` reads them (UsageError); ``fits`` maps a report of those pages and says what
    it found (FileRefused). Tokens are got and kept as in a real pull; no page is kept."""
    try:
        given = secrets()
    except UsageError as error:
        return [Finding("secret", False, str(error)), *_unseen("address", "clock", "rights", "mapping")]
    out = [Finding("secret", True, "all secrets are there: " + (", ".join(spec.secrets) or "none needed"))]
    try:
        address(spec.base_url)
    except SourceFailed:
        wrong = Finding("address", False, f"base_url is missing or of no use: {_ADVICE['address']}")
        return [*out, wrong, *_unseen("clock", "rights", "mapping")]
    if spec.needs_as_of and as_of is None:
        why = "the interface asks for a report date: give --as-of"
        return [*out, *_unseen("address", "clock", "rights", "mapping", why=why)]
    asked = _Question(spec, platform, as_of, dated, dt.datetime.now(dt.UTC), fits)
    with ExitStack() as stack:
        own = session or stack.enter_context(requests.Session())
        client, pages, failed = _tried(asked, given, vault, own)
    return out + _told(asked, client.skew if client else None, pages, failed)


def _tried(
    asked: _Question, given: Mapping[str, str], vault: Vault, session: requests.Session
) -> tuple[Client | None, list[tuple[str, Page]], SourceFailed | None]:
    """The client, the first page of each list, and what went wrong."""
    limits = asked.spec.limits
    lean = asked.spec.model_copy(update={"limits": limits.model_copy(update={"attempts": min(limits.attempts, 2)})})
    values = {"as_of": asked.as_of, "cut_off": asked.cut_off, **{f"secret:{k}": v for k, v in given.items()}}
    client: Client | None = None
    try:
        client = Client(lean, values, vault, session, asked.platform, Clock(), named=True)
        client.pace.begin()
        try:
            return client, _first_pages(lean, client, asked.cut_off), None
        finally:
            client.pace.end()
    except SourceFailed as error:
        return client, [], error


def _first_pages(spec: ApiSpec, client: Client, cut_off: dt.datetime) -> list[tuple[str, Page]]:
    def parse(value: object, _reply: Reply) -> Page:
        return read_page(value, spec)

    newest = {s.sheet: s for s in stretches(spec, cut_off)}
    return [(sheet, client.ask({**s.values(spec), **Trail(first(spec)).values(spec)}, parse)) for sheet, s in newest.items()]


def _told(asked: _Question, skew: float | None, pages: list[tuple[str, Page]], failed: SourceFailed | None) -> list[Finding]:
    """Address, clock, rights and mapping, from what came back."""
    kind = failed.kind if failed else ""
    reached = kind not in _UNREACHED
    said = f"{_ADVICE.get(kind, 'see the log')} ({failed})" if failed else ""
    out = [Finding("address", reached, f"{asked.spec.base_url} answers" if reached else said), _clock(skew, kind)]
    if not reached:
        return [*out, *_unseen("rights", "mapping")]
    if failed is not None and kind not in ("shape", "size"):
        return [*out, Finding("rights", False, said), *_unseen("mapping")]
    if failed is not None:
        return [*out, Finding("rights", None, "not known"), Finding("mapping", False, said)]
    total = f": {sum(page.total or 0 for _, page in pages)} records" if asked.spec.answer.total else ""
    return [*out, Finding("rights", True, f"the platform gives the report{total}"), _mapping(asked, pages)]


def _clock(skew: float | None, kind: str) -> Finding:
    if skew is None:
        return Finding("clock", None, "the platform told no time")
    right = abs(skew) < _SKEW and kind != "clock"
    text = f"this machine's clock differs from the platform's by {skew:+.0f} s"
    return Finding("clock", right, text if right else f"{text}: set it (timedatectl set-ntp true)")


def _mapping(asked: _Question, pages: list[tuple[str, Page]]) -> Finding:
    if not any(page.records for _, page in pages):
        return Finding("mapping", None, "the platform has no records yet: the mapping could not be tried")
    total = asked.spec.answer.total
    if total and any(page.total is None for _, page in pages):
        return Finding("mapping", False, f"the answer has no total at '{total}': every report would count as incomplete")
    day = asked.as_of or (None if asked.dated else asked.cut_off.astimezone(COUNTY_TIME).date().isoformat())
    name = f"{asked.platform}_{day.replace('-', '')}.api.jsonl" if day else f"{asked.platform}.api.jsonl"
    tables = [records_table(page.records, name, ReadLimits(), sheet=sheet) for sheet, page in pages if page.records]
    try:
        return Finding("mapping", True, asked.fits(ReportFile(name, "", 0, "jsonl", "utf-8", tables)))
    except (FileRefused, UsageError) as error:
        return Finding("mapping", False, f"the records do not fit the mapping: {error}")


def _unseen(*what: str, why: str = "could not be looked at") -> list[Finding]:
    return [Finding(w, None, why) for w in what]
