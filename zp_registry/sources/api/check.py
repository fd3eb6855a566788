"""Whether an interface would work: address, clock, secret, rights and mapping, in plain words, without loading anything."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
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
    out: list[Finding] = []
    try:
        given = secrets()
        out.append(Finding("secret", True, "all secrets are there: " + (", ".join(spec.secrets) or "none needed")))
    except UsageError as error:
        return [Finding("secret", False, str(error)), *_unseen("address", "clock", "rights", "mapping")]
    try:
        address(spec.base_url)
    except SourceFailed:
        return [
            *out,
            Finding("address", False, f"base_url is missing or of no use: {_ADVICE['address']}"),
            *_unseen("clock", "rights", "mapping"),
        ]
    if spec.needs_as_of and as_of is None:
        return [
            *out,
            *_unseen("address", "clock", "rights", "mapping", why="the interface asks for a report date: give --as-of"),
        ]
    own = requests.Session() if session is None else session
    cut_off = dt.datetime.now(dt.UTC)
    values = {"as_of": as_of, "cut_off": cut_off, **{f"secret:{k}": v for k, v in given.items()}}
    lean = spec.model_copy(update={"limits": spec.limits.model_copy(update={"attempts": min(spec.limits.attempts, 2)})})
    client: Client | None = None
    try:
        client = Client(lean, values, vault, own, platform, Clock(), named=True)
        client.pace.begin()
        try:
            pages = _first_pages(lean, client, cut_off)
        finally:
            client.pace.end()
        failed = None
    except SourceFailed as error:
        failed, pages = error, []
    finally:
        if session is None:
            own.close()
    return out + _told(spec, client, failed, pages, fits, platform, as_of, dated, cut_off)


def _first_pages(spec: ApiSpec, client: Client, cut_off: dt.datetime) -> list[tuple[str, Page]]:
    def parse(value: object, _reply: Reply) -> Page:
        return read_page(value, spec)

    newest = {s.sheet: s for s in stretches(spec, cut_off)}
    return [(sheet, client.ask({**s.values(spec), **Trail(first(spec)).values(spec)}, parse)) for sheet, s in newest.items()]


def _told(
    spec: ApiSpec,
    client: Client | None,
    failed: SourceFailed | None,
    pages: list[tuple[str, Page]],
    fits: Callable[[ReportFile], str],
    platform: str,
    as_of: str | None,
    dated: bool,
    cut_off: dt.datetime,
) -> list[Finding]:
    kind = failed.kind if failed else ""
    reached = client is not None and (failed is None or kind not in ("certificate", "address", "connection", "timeout"))
    said = f"{_ADVICE.get(kind, 'see the log')} ({failed})" if failed else ""
    out = [Finding("address", reached, f"{spec.base_url} answers" if reached else said)]
    skew = client.skew if client is not None else None
    if skew is None:
        out.append(Finding("clock", None, "the platform told no time"))
    else:
        right = abs(skew) < _SKEW
        out.append(
            Finding(
                "clock",
                right and kind != "clock",
                f"this machine's clock differs from the platform's by {skew:+.0f} s"
                + ("" if right else ": set it (timedatectl set-ntp true)"),
            )
        )
    if not reached:
        return [*out, *_unseen("rights", "mapping")]
    rightless = kind in (
        "signature",
        "token",
        "secret",
        "rights",
        "request",
        "clock",
        "quota",
        "hours",
        "breaker",
        "server",
        "",
    )
    if failed is not None and rightless:
        return [*out, Finding("rights", False, said), *_unseen("mapping")]
    if failed is not None:
        return [*out, Finding("rights", None, "not known"), Finding("mapping", False, said)]
    total = sum(page.total or 0 for _, page in pages)
    out.append(Finding("rights", True, f"the platform gives the report{f': {total} records' if spec.answer.total else ''}"))
    return [*out, _mapping(spec, pages, fits, platform, as_of, dated, cut_off)]


def _mapping(
    spec: ApiSpec,
    pages: list[tuple[str, Page]],
    fits: Callable[[ReportFile], str],
    platform: str,
    as_of: str | None,
    dated: bool,
    cut_off: dt.datetime,
) -> Finding:
    if not any(page.records for _, page in pages):
        return Finding("mapping", None, "the platform has no records yet: the mapping could not be tried")
    if spec.answer.total and any(page.total is None for _, page in pages):
        return Finding(
            "mapping", False, f"the answer has no total at '{spec.answer.total}': every report would count as incomplete"
        )
    day = as_of or (None if dated else cut_off.astimezone(COUNTY_TIME).date().isoformat())
    name = f"{platform}_{day.replace('-', '')}.api.jsonl" if day else f"{platform}.api.jsonl"
    tables = [records_table(page.records, name, ReadLimits(), sheet=sheet) for sheet, page in pages if page.records]
    file = ReportFile(name, hashlib.sha256(b"").hexdigest(), 0, "jsonl", "utf-8", tables)
    try:
        return Finding("mapping", True, fits(file))
    except (FileRefused, UsageError) as error:
        return Finding("mapping", False, f"the records do not fit the mapping: {error}")


def _unseen(*what: str, why: str = "could not be looked at") -> list[Finding]:
    return [Finding(w, None, why) for w in what]
