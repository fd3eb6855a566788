"""Pulling a platform's report through its interface, whatever the dialect: a secret and a mapping become a ReportFile."""

from __future__ import annotations

import datetime as dt
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import requests
import structlog
from requests.auth import AuthBase

from zp_registry.errors import Fatal, OptionNeeded, SourceFailed, UsageError
from zp_registry.sources import bearer
from zp_registry.sources.apispec import AS_OF, ApiSpec
from zp_registry.sources.client import Client
from zp_registry.sources.files import read_bytes
from zp_registry.sources.page import Page, Reading, read_pages
from zp_registry.sources.tables import ReportFile

log = structlog.get_logger(__name__)
_LONGEST_SECRET = 65536


@dataclass(frozen=True)
class Dialect:
    """How a secret signs requests, and how pages follow one another."""

    auth: Callable[[str], AuthBase]
    pages: Callable[[Client, ApiSpec, Mapping[str, str]], Iterator[Page]]


DIALECTS: dict[str, Dialect] = {"F": Dialect(bearer.Bearer, bearer.pages)}


@dataclass
class Pulled:
    """``file``: the report; ``raw``: its bytes, canonical JSON Lines of the distinct records in order; ``complete``: the
    whole list has certainly come (otherwise nothing may be concluded from an account's absence); ``records``: distinct
    records; ``total``: as the platform gave it last; ``requests``: sent, with retries; ``remarks``: Chinese, for people."""

    file: ReportFile
    raw: bytes
    complete: bool
    records: int
    total: int | None
    requests: int
    remarks: list[str]


def read_token(*, variable: str | None, file: Path | None, environ: Mapping[str, str]) -> str:
    """The secret from the variable, or else from the file. UsageError says what to set, and never shows the secret."""
    if variable and (token := environ.get(variable, "").strip()):
        return _usable(token, f"variable {variable}")
    if file is not None:
        return _usable(_secret_of(file), str(file))
    if variable:
        raise UsageError(f"the token is missing: set the variable {variable}")
    raise UsageError("no token is configured: set token_env (the name of a variable) or token_file in [api.<platform>]")


def _secret_of(file: Path) -> str:
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK)  # a pipe must not make the night wait
        try:
            about = os.fstat(handle)
            if not stat.S_ISREG(about.st_mode):
                raise UsageError(f"{file} is not a file")
            if about.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise UsageError(f"others can read the token file {file}: chmod 600 it")
            data = os.read(handle, _LONGEST_SECRET)
        finally:
            os.close(handle)
    except OSError as error:
        raise UsageError(f"the token file {file} cannot be read: {error.strerror}") from None
    return data.decode("utf-8-sig", "replace").strip()


def _usable(token: str, where: str) -> str:
    if not token:
        raise UsageError(f"the token is empty: put it into {where}")
    if not _plain(token):
        raise UsageError(f"the token in {where} holds blanks, line breaks or other characters that no token has")
    return token


def _plain(token: str) -> bool:
    """Whether it may stand in a header; a library that refuses it there would show it in its error."""
    return bool(token) and token.isascii() and token.isprintable() and " " not in token


def pull(spec: ApiSpec, token: str, *, platform: str, as_of: str | None = None,
         session: requests.Session | None = None) -> Pulled:
    """Reads all pages of ``platform``'s report, as of ``as_of`` (ISO date) where the interface asks for a date.

    A list that moved while it was read (total changed, a record on two pages) is read once more; it counts as complete when
    the second reading is steady, or equal to the first (then the platform's data hold the record twice).
    Errors: Fatal (rights, settings, address, size), Retriable (attempts used up), OptionNeeded (``{as_of}`` without a date),
    FileRefused (no records), UsageError (``as_of`` is no date).
    """
    day = _date(as_of)
    name = f"{platform}_{day:%Y%m%d}.api.jsonl" if day else f"{platform}.api.jsonl"
    if spec.needs_as_of and day is None:
        raise OptionNeeded(name, "--as-of", "the interface asks for a report date")
    if not _plain(token):
        raise Fatal("令牌为空或含有不允许的字符")
    params = {k: v.replace(AS_OF, day.isoformat() if day else "") for k, v in spec.params.items()}
    dialect = DIALECTS[spec.dialect]
    own = requests.Session() if session is None else session
    try:
        client = Client(spec, dialect.auth(token), own, platform)
        reading, remarks, complete = _read(lambda: read_pages(dialect.pages(client, spec, params), spec.max_pages), spec)
    finally:
        if session is None:
            own.close()
    if not reading.lines and reading.total:
        raise SourceFailed(f"平台称有 {reading.total} 条，但一条也没有给出")
    raw = "".join(line + "\n" for line in reading.lines).encode("utf-8")
    log.info("report pulled", platform=platform, records=len(reading.lines), total=reading.total, requests=client.requests,
             complete=complete)
    return Pulled(read_bytes(name, raw), raw, complete, len(reading.lines), reading.total, client.requests, remarks)


def _date(as_of: str | None) -> dt.date | None:
    try:
        return dt.date.fromisoformat(as_of) if as_of else None
    except ValueError:
        raise UsageError(f"{as_of} is not a date such as 2026-03-31") from None


def _read(read: Callable[[], Reading], spec: ApiSpec) -> tuple[Reading, list[str], bool]:
    """The reading to keep, remarks, and whether it is complete."""
    first = read()
    remarks = _remarks(first, spec)
    if not first.moved:
        return first, remarks, _fits(first, spec)
    try:
        second = read()
    except SourceFailed as failed:
        return first, [*remarks, f"再次拉取核对失败（{failed}），按不完整处理"], False
    if not second.moved:
        return second, [*remarks, *_remarks(second, spec), "拉取期间数据有变动，已重新拉取一次"], _fits(second, spec)
    if second.steady and second.lines == first.lines and second.received == first.received and not second.same_pages:
        return second, [*remarks, "再次拉取结果相同：重复的记录是平台数据中原有的"], _fits(second, spec)
    return second, [*remarks, *_remarks(second, spec), "两次拉取期间数据都有变动，按不完整处理"], False


def _fits(reading: Reading, spec: ApiSpec) -> bool:
    if not reading.ended:
        return False
    return not spec.total_path if reading.total is None else reading.received == reading.total


def _remarks(reading: Reading, spec: ApiSpec) -> list[str]:
    out = []
    if reading.same_pages:
        out.append(f"有 {reading.same_pages} 页与前一页完全相同")
    if reading.across + reading.within:
        out.append(f"有 {reading.across + reading.within} 条重复的记录，已去除")
    if not reading.steady:
        out.append("拉取期间平台给出的总条数有变化")
    if not reading.ended:
        out.append("未取到最后一页，按不完整处理")
    elif reading.total is not None and reading.received != reading.total:
        out.append(f"平台称有 {reading.total} 条，实际收到 {reading.received} 条，按不完整处理")
    elif reading.total is None and spec.total_path:
        out.append("平台没有给出总条数，无法核对，按不完整处理")
    return out
