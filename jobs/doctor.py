"""Looking the registry over: whether the database fits together, and whether the reports that were loaded lie in the archive as
they were read, with as many rows as the registry counts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import Connection

from zp_registry.crypto import Damaged, unseal_chunks
from zp_registry.errors import FileRefused, KeyProblem, OptionNeeded, SourceFailed, UsageError
from zp_registry.mapping import map_report
from zp_registry.registry import bulk, rotation
from zp_registry.registry.integrity import CHECKS, SHOWN, Finding, findings
from zp_registry.sources import ReportFile, reader
from zp_registry.sources.api.pull import replay
from zp_registry.sources.api.store import FiledPages, PagesBroken

from .imports import read_limits
from .office import Office
from .pulls import described

RAW = "raw reports"
ALL = (*CHECKS, RAW)
_DIGITS = 16  # of the hash stand in the name of an archived file


def examine(office: Office, *, raw: bool = True, tell: Callable[[str], None] = lambda _text: None) -> list[Finding]:
    """Every finding, in the order of ALL; others may go on working. ``raw``: also open every sealed value and file, and read
    every archived report anew."""
    with office.engine.connect() as connection:
        if connection.dialect.name == "postgresql":  # SQLite shows a reader one state by itself
            connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with connection.begin():
            found = list(findings(connection, office.ring))
            if not raw:
                return found
            found += _closed(office, connection)
            loaded = _loaded(connection)
    return [*found, *_raw(office, loaded, tell)]


def _closed(office: Office, connection: Connection) -> Iterator[Finding]:
    """Values and files (but for archived reports, which come later) that do not open in their place."""
    if values := rotation.damaged_values(connection, office.ring):
        yield Finding("keys", "sealed values that do not open in their place", len(values), tuple(values[:SHOWN]))
    archive = f"{office.home.archive.name}/"
    if files := [f for f in rotation.damaged_files(office.home.root, office.ring) if not f.startswith(archive)]:
        yield Finding("keys", "sealed files that do not open whole", len(files), tuple(files[:SHOWN]))


def _loaded(connection: Connection) -> pd.DataFrame:
    """The loaded files, each with the command that brought it."""
    return bulk.read(
        connection,
        "SELECT f.id, f.name, f.sha256, f.kind, f.mapping, f.mapping_hash, f.options, f.rows_read, f.rows_skipped, "
        "r.command, f.received_at FROM report_file f LEFT JOIN run r ON r.run_id = f.run_id WHERE f.state = 'loaded' "
        "ORDER BY f.id",
        integers=["id", "rows_read", "rows_skipped"],
    )


def _raw(office: Office, loaded: pd.DataFrame, tell: Callable[[str], None]) -> Iterator[Finding]:
    home = office.home
    lying = {p.name[:_DIGITS]: p for p in sorted(home.archive.glob("*.sealed")) if p.is_file() and not p.is_symlink()}
    waiting = {_digest(p)[:_DIGITS] for p in home.inbox.rglob("*") if p.is_file() and not p.is_symlink()}
    # What a person imported from elsewhere was never put away, corrected rows are no file, old files may be gone by the rules.
    since = (pd.Timestamp.now("UTC") - pd.DateOffset(years=office.settings.retention.file_years)).isoformat()
    own = loaded[(loaded["command"] == "nightly") & (loaded["received_at"] > since) & (loaded["sha256"] != "")]
    lost = own[~own["sha256"].str[:_DIGITS].isin({*lying, *waiting})]
    if len(lost):
        yield _of(lost["name"].tolist(), "files that nightly loaded and the archive does not hold")
    by_digest = {str(d): rows for d, rows in loaded.groupby(loaded["sha256"].str[:_DIGITS])}
    wrong: dict[str, list[str]] = {}
    for number, (digest, path) in enumerate(lying.items(), 1):
        tell(f"{number}/{len(lying)} {path.name}")
        for what in _one(office, path, by_digest.get(digest, loaded.iloc[:0])):
            wrong.setdefault(what, []).append(path.name)
    for what, names in wrong.items():
        yield _of(names, what)


def _of(names: list[str], what: str) -> Finding:
    return Finding(RAW, what, len(names), tuple(names[:SHOWN]))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _one(office: Office, path: Path, rows: pd.DataFrame) -> Iterator[str]:
    """What is wrong with an archived file, against the files of the registry whose hash begins so."""
    try:
        data = b"".join(unseal_chunks(path, office.ring))
    except (Damaged, KeyProblem, OSError):
        yield "archived files that do not open whole"
        return
    paged = path.name.endswith(".pages.sealed")
    if not paged and len(rows) and set(rows["sha256"]) != {hashlib.sha256(data).hexdigest()}:
        yield "archived files that are not what was loaded"
        return
    for row in rows.itertuples():
        if str(row.mapping) not in office.mappings.by_id or office.mapping_hash(str(row.mapping)) != row.mapping_hash:
            continue  # by the mapping of today it may well have other rows
        try:
            file = _paged(office, data) if paged else reader.report(str(row.name), data, read_limits(office))
            told: dict[str, Any] = dict(zip(("kind", "platform", "as_of", "scope"), str(row.options).split("|"), strict=True))
            mapped = map_report(file, office.mappings, platform=told["platform"] or None, as_of=told["as_of"] or None,
                                scope=told["scope"] or None, kind=str(row.kind))  # fmt: skip
        except (FileRefused, OptionNeeded, UsageError, SourceFailed, PagesBroken):
            yield "archived files that cannot be read again"
        else:
            if (mapped.rows_read, mapped.rows_skipped) != (row.rows_read, row.rows_skipped):
                yield "archived files with another number of rows than the registry counts"


def _paged(office: Office, data: bytes) -> ReportFile:
    return replay(data, described(office, str(FiledPages(data).about.get("platform", "")))[0]).file
