"""Loading files: read → map → normalise → judge → load, one transaction a file; one bad file never stops the others."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Connection

from zp_registry.errors import FileRefused, OptionNeeded
from zp_registry.mapping import MappedReport, map_report
from zp_registry.normalise import normalise
from zp_registry.quarantine.codes import CODES, message
from zp_registry.quarantine.judge import Expectations, judge
from zp_registry.registry import audit
from zp_registry.registry.batch import Batch, Counts, FileFacts
from zp_registry.registry.load import known_file, load, note_refusal, previous_full_counts, raw_text
from zp_registry.registry.notices import load_notices
from zp_registry.registry.pledges import load_ledger
from zp_registry.settings import Settings
from zp_registry.sources import ReadLimits, ReportFile, Taken, reader, shown_name, take

from .office import Office

log = structlog.get_logger(__name__)
FAILED = "{name}：程序处理此文件时出错（{kind}），未载入，文件仍在原处；请运维人员查看日志"


@dataclass(frozen=True)
class Options:
    """What the command said about the files; None where the file itself shall tell."""

    kind: str = "report"
    platform: str | None = None
    as_of: str | None = None
    scope: str | None = None
    accept: str | None = None
    dry_run: bool = False

    def text(self) -> str:
        """How the file was asked for, kept beside its hash: the same bytes for another date are another report."""
        return f"{self.kind}|{self.platform or ''}|{self.as_of or ''}|{self.scope or ''}"


@dataclass
class Outcome:
    """What became of a file: ``state`` is loaded | unchanged | refused | asked (an option is missing) | waiting (it is still
    being written) | failed (our fault). The last three stay where they are."""

    name: str
    state: str
    platform: str = ""
    as_of: str = ""
    scope: str = ""
    parts: tuple[str, ...] = ()
    counts: Counts = field(default_factory=Counts)
    warnings: list[dict[str, str]] = field(default_factory=list)
    code: str = ""
    message: str = ""
    pulled: bool = False
    kind: str = ""  # of a pull that failed: one word for the cause (see errors.SourceFailed)
    sha256: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For the machine-readable answer."""
        return {**dataclasses.asdict(self), "counts": vars(self.counts), "adds_up": self.counts.adds_up()}


_HIDDEN = re.compile(r"\.(?!\.)|~\$")  # a name such as ..\\x.xlsx leads elsewhere on other systems: nobody hides a file so


def find_files(paths: Iterable[Path], *, home: Path | None = None) -> list[Path]:
    """The files named, and those in the folders named, in the order of their names; hidden and lock files are left out, and so
    is the registry's own ``home`` where it stands in a folder named (its database and key are no reports). Links in a folder
    are listed and not followed."""
    out: list[Path] = []
    for path in paths:
        found = sorted(_below(path)) if path.is_dir() else [path]
        if home is not None and not path.resolve().is_relative_to(home.resolve()):
            found = [p for p in found if not p.parent.resolve().is_relative_to(home.resolve())]
        out += [p for p in found if not _HIDDEN.match(p.name)]
    return list(dict.fromkeys(out))


def _below(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(parent, name))]
        folders[:] = [name for name in folders if not name.startswith(".") and name not in links]
        yield from (Path(parent, name) for name in (*files, *links))


@dataclass
class Arrival:
    """A file that was taken up: its bytes, and the tables that are being read from them; ``known``: it stands already;
    ``error``: it could not be taken."""

    path: Path
    name: str
    size: int = 0
    taken: Taken | None = None
    known: Outcome | None = None
    reading: Future[ReportFile] | None = None
    error: Exception | None = None


def import_files(office: Office, paths: Sequence[Path], options: Options) -> Iterator[tuple[Arrival, Outcome]]:
    """Loads each file by itself and tells what became of it. While one is loaded the next one is read already."""
    files = find_files(paths, home=office.home.root)
    if not files:
        return
    with ThreadPoolExecutor(1) as readers:
        coming: Arrival | None = _take_up(office, files[0], options, readers, files[0] in paths)
        for following in [*files[1:], None]:
            arrival, coming = coming, None
            if following is not None:
                coming = _take_up(office, following, options, readers, following in paths)
            assert arrival is not None
            outcome = _finish(office, arrival, options)
            log.debug(
                "file",
                file=outcome.name,
                state=outcome.state,
                platform=outcome.platform,
                as_of=outcome.as_of,
                code=outcome.code or None,
                **vars(outcome.counts),
            )
            yield arrival, outcome


def import_file(office: Office, path: Path, options: Options) -> Outcome:
    """Loads one file; refusals and missing options become outcomes, never exceptions."""
    with ThreadPoolExecutor(1) as readers:
        return _finish(office, _take_up(office, path, options, readers, True), options)


def get_ready(settings: Settings) -> None:
    """Starts the reading process, so that it comes up while the registry is being opened."""
    reader.warm(ReadLimits(**settings.limits.model_dump()))


def read_limits(office: Office) -> ReadLimits:
    """What a file may hold at most, by the settings."""
    return ReadLimits(**office.settings.limits.model_dump())


def _take_up(office: Office, path: Path, options: Options, readers: ThreadPoolExecutor, named: bool) -> Arrival:
    """``named``: by the operator, and not found in a folder."""
    arrival, limits = Arrival(path, shown_name(path)), read_limits(office)
    try:
        arrival.size = path.lstat().st_size
        taken = arrival.taken = take(path, limits.max_bytes, follow=named)  # once: what is hashed is parsed and put away
        arrival.size = len(taken.data)
        # Under its old name a known file need not be parsed; under another it must still be what that name says.
        arrival.known = _known(office, taken.name, taken.sha256, options)
        if arrival.known is None:
            arrival.reading = readers.submit(reader.report, taken.name, taken.data, limits)
    except Exception as error:
        arrival.error = error
    return arrival


def _finish(office: Office, arrival: Arrival, options: Options) -> Outcome:
    outcome = _outcome(office, arrival, options)
    outcome.sha256 = arrival.taken.sha256 if arrival.taken else ""
    return outcome


def _outcome(office: Office, arrival: Arrival, options: Options) -> Outcome:
    name, digest = arrival.name, arrival.taken.sha256 if arrival.taken else ""
    try:
        if arrival.error is not None:
            raise arrival.error
        if arrival.known is not None:
            return arrival.known
        assert arrival.reading is not None
        file, arrival.reading = arrival.reading.result(), None
        # Saved again without a change: the name tells the same, and so does every cell.
        return (_known(office, name, file, options) if file.content else None) or import_report(office, file, options)
    except OptionNeeded as error:
        return Outcome(name, "asked", code="OPTION_NEEDED", message=str(error))
    except FileRefused as refused:
        if refused.code == "FILE_CHANGING":
            return Outcome(name, "waiting", code=refused.code, message=f"{name}：{message(refused.code)}")
        return _refuse(office, refused, name, digest, arrival.size, options)
    except OSError as error:
        return Outcome(name, "waiting", code="FILE_BROKEN", message=f"{name}：无法读取文件（{error.strerror}），文件仍在原处")
    except Exception as error:  # a fault of ours over one file must not cost the others their night
        log.exception("file failed", file=name)
        return Outcome(name, "failed", code="FILE_FAILED", message=FAILED.format(name=name, kind=type(error).__name__))


def import_report(office: Office, file: ReportFile, options: Options) -> Outcome:
    """Loads a file that has been read, or the pages of a pull, unless the same stands already for the same date."""
    mapped = map_report(
        file, office.mappings, platform=options.platform, as_of=options.as_of, scope=options.scope, kind=options.kind
    )
    return _known(office, file.name, file, options, mapped) or load_mapped(office, mapped, options)


def load_mapped(
    office: Office,
    mapped: MappedReport,
    options: Options,
    expectations: Expectations | None = None,
    also: Callable[[Connection], None] = lambda _connection: None,
) -> Outcome:
    """Normalises, judges and loads what has been mapped; ``expectations`` are the mapping's unless given, ``also`` is done
    in the same transaction."""
    clean = normalise(mapped)
    source, as_of = mapped.mapping.id, mapped.as_of or ""
    with office.engine.connect() as connection:
        previous = previous_full_counts(connection, source, as_of) if as_of else {}
    judged = judge(
        clean.frame,
        clean.faults,
        expectations or _expectations(office, mapped),
        file=mapped.file.name,
        full=mapped.scope == "full",
        previous=previous,
        accept=options.accept,
    )
    warnings = [{"code": w.code, "sheet": w.sheet, "message": message(w.code, w.detail)} for w in mapped.warnings]
    warnings += [{"code": c, "sheet": "", "message": message(c, d)} for c, d in judged.remarks]
    facts = FileFacts(
        mapped.file.name,
        mapped.file.sha256,
        mapped.file.size,
        options.kind,
        source,
        office.mapping_hash(source),
        options.text(),
        office.run_id,
        warnings,
        options.accept,
        mapped.file.content or None,
    )
    batch = Batch(
        facts,
        judged.accepted,
        judged.rejected,
        clean.streamers,
        judged.faults,
        mapped.as_of,
        mapped.scope,
        mapped.rows_read,
        mapped.rows_skipped,
        mapped.mapping.account_match == "loose",
        lambda idx: [raw_text(r.cells) for r in mapped.raw(idx)],
    )
    outcome = Outcome(mapped.file.name, "loaded", source, as_of, mapped.scope, tuple(mapped.parts), warnings=warnings)
    with office.engine.begin() as connection:
        writer = {"pledge": load_ledger, "notice": load_notices}.get(options.kind, load)
        outcome.counts = writer(connection, batch, office.ring, audit.moment())
        if options.accept:
            audit.note(connection, "accept file", mapped.file.name, options.accept)
        also(connection)
        if options.dry_run:
            connection.rollback()
    if outcome.counts.loaded == 0 and outcome.counts.rejected == 0:
        outcome.state = "unchanged"
    return outcome


def _expectations(office: Office, mapped: MappedReport) -> Expectations:
    """The mapping's expectations, with the settings where the mapping says nothing."""
    said = mapped.mapping.expectations
    stated = said.model_dump(exclude_none=True) if said is not None else {}
    return Expectations(**{**office.settings.quarantine.model_dump(), **stated})


def _known(
    office: Office, name: str, file: ReportFile | str, options: Options, mapped: MappedReport | None = None
) -> Outcome | None:
    """A file (or the hash of one) that stands already, loaded by the mapping as it is today: its rows are accounted for as they
    were then.

    Under another name (``mapped`` given) the same bytes may speak of another date or platform, and then are another report.
    """
    as_of = mapped.as_of if mapped is not None and options.kind == "report" else None
    digest, content = (file, "") if isinstance(file, str) else (file.sha256, file.content)
    with office.engine.connect() as connection:
        row = known_file(connection, digest, options.text(), name if mapped is None else None, as_of, content)
    if row is None or row.mapping_hash != office.mapping_hash(row.mapping):
        return None
    if mapped is not None and row.mapping != mapped.mapping.id:
        return None
    counts = Counts(
        row.rows_read, 0, row.rows_loaded + row.rows_unchanged, row.rows_repeated, row.rows_rejected, row.rows_skipped
    )
    return Outcome(name, "unchanged", row.mapping, row.as_of or "", counts=counts, message="此文件已经导入过")


def _refuse(office: Office, refused: FileRefused, name: str, digest: str, size: int, options: Options) -> Outcome:
    where = f"{name}" + (f"［{refused.sheet}］" if refused.sheet else "") + (f"第{refused.row}行" if refused.row else "")
    text = f"{where}：{message(refused.code, refused.detail)}" if refused.code in CODES else f"{where}：{refused.detail}"
    if not options.dry_run:
        with office.engine.begin() as connection:
            facts = FileFacts(name, digest, size, options.kind, None, None, options.text(), office.run_id)
            note_refusal(connection, facts, refused.code, text, audit.moment())
    return Outcome(name, "refused", code=refused.code, message=text)


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """0 done · 1 no input could be kept · 2 an option is missing · 3 some rows or files were refused."""
    if any(o.state == "asked" for o in outcomes):
        return 2
    kept = [o for o in outcomes if o.state in ("loaded", "unchanged")]
    if not kept:
        return 1
    return 3 if len(kept) < len(outcomes) or any(o.counts.rejected for o in outcomes if o.state == "loaded") else 0
