"""What a file would be taken for, before anything of it is loaded: layout, date, scope, columns, first rows, counts and
remarks."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from zp_registry.errors import FileRefused, OptionNeeded, UsageError
from zp_registry.mapping import MappedReport, map_report
from zp_registry.normalise import normalise
from zp_registry.quarantine.codes import CODES, message
from zp_registry.quarantine.judge import judge
from zp_registry.registry.load import previous_full_counts
from zp_registry.sources import ReportFile, reader, shown_name, take
from zp_registry.sources.files import head

from .corrections import masked_text
from .imports import Options, _expectations, _known, read_limits
from .office import Office

log = structlog.get_logger(__name__)
FIRST_ROWS = 5
_NO_LAYOUT = ("LAYOUT_UNKNOWN", "HEADER_MISSING", "LAYOUT_AMBIGUOUS")


@dataclass
class Preview:
    """``state``: understood | unchanged (it stands already) | asked (``message`` says what the file leaves open) | unknown (no
    layout fits) | refused. ``columns``: sheet, header, field; ``first``: sheet, headers and rows, masked; ``faults``: code,
    severity, message, rows; ``heads``: the first rows of a file that no layout fits, by sheet, masked."""

    name: str
    state: str = "understood"
    layout: str = ""
    title: str = ""
    as_of: str = ""
    scope: str = ""
    parts: list[str] = field(default_factory=list)
    rows_read: int = 0
    rows_skipped: int = 0
    accepted: int = 0
    rejected: int = 0
    streamers: int = 0
    columns: list[dict[str, str]] = field(default_factory=list)
    first: list[dict[str, Any]] = field(default_factory=list)
    faults: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    code: str = ""
    message: str = ""
    needs_reason: bool = False
    heads: list[dict[str, Any]] = field(default_factory=list)


def preview(office: Office, path: Path, options: Options) -> Preview:
    """Reads and judges a file as an import would, and keeps nothing. Refusals become states, never exceptions."""
    out, file = Preview(shown_name(path)), None
    try:
        limits = read_limits(office)
        taken = take(path, limits.max_bytes, follow=False)
        file = reader.report(taken.name, taken.data, limits)
        _understand(office, file, options, out)
    except OptionNeeded:
        out.state, out.code, out.message = "asked", "OPTION_NEEDED", "文件没有写明报送日期，请填写"
    except UsageError:
        out.state, out.code, out.message = "refused", "OPTION_WRONG", "所选的平台、日期或范围不适用于此文件"
    except FileRefused as refused:
        place = f"［{refused.sheet}］" if refused.sheet else ""
        text = message(refused.code, refused.detail) if refused.code in CODES else refused.detail
        out.state, out.code, out.message = "refused", refused.code, place + text
        out.needs_reason = refused.code in ("ROWS_TOO_FEW", "ROWS_DROPPED", "FILL_TOO_LOW")
        if refused.code in _NO_LAYOUT and file is not None:
            out.state, out.heads = "unknown", _heads(file)
    except Exception as error:
        log.exception("file failed", file=out.name)
        out.state, out.code, out.message = "refused", "FILE_FAILED", f"程序读取此文件时出错（{type(error).__name__}）"
    return out


def _understand(office: Office, file: ReportFile, options: Options, out: Preview) -> None:
    mapped = map_report(
        file, office.mappings, platform=options.platform, as_of=options.as_of, scope=options.scope, kind=options.kind
    )
    out.layout, out.title = mapped.mapping.id, mapped.mapping.title
    out.as_of, out.scope, out.parts = mapped.as_of or "", mapped.scope, list(mapped.parts)
    out.rows_read, out.rows_skipped = mapped.rows_read, mapped.rows_skipped
    out.columns, out.first = _columns(mapped), _first(mapped)
    out.warnings = [(f"［{w.sheet}］" if w.sheet else "") + message(w.code, w.detail) for w in mapped.warnings]
    if _known(office, file.name, file, options, mapped) is not None:
        out.state, out.message = "unchanged", "此文件已经导入过，再次导入不会有变化"
    clean = normalise(mapped)
    with office.engine.connect() as connection:
        previous = previous_full_counts(connection, out.layout, out.as_of) if out.as_of else {}
    judged = judge(
        clean.frame, clean.faults, _expectations(office, mapped), file=file.name, full=mapped.scope == "full",
        previous=previous, accept=options.accept,
    )  # fmt: skip
    out.accepted, out.rejected, out.streamers = len(judged.accepted), len(judged.rejected), len(clean.streamers)
    out.warnings += [message(c, d) for c, d in judged.remarks]
    counts = judged.faults.groupby("code")["idx"].nunique().sort_values(ascending=False)
    out.faults = [
        {"code": str(c), "severity": CODES[str(c)].severity, "message": message(str(c)), "rows": int(n)}
        for c, n in counts.items() if str(c) in CODES
    ]  # fmt: skip


def _columns(mapped: MappedReport) -> list[dict[str, str]]:
    out = []
    for source in mapped.sources:
        for at, label in enumerate(source.fit.labels):
            column = source.fit.columns.get(at)
            known = "" if column is None else "-" if column.ignore else column.field or "extra"
            out.append({"sheet": source.table.sheet, "header": label, "field": known})
    return out


def _first(mapped: MappedReport) -> list[dict[str, Any]]:
    out = []
    for source in mapped.sources:
        rows = mapped.raw(range(source.first, source.first + min(FIRST_ROWS, len(source.position))))
        if rows:
            headers = list(rows[0].cells)
            cells = [[str(r.row), *(shown(r.cells.get(h, "")) for h in headers)] for r in rows]
            out.append({"sheet": source.table.sheet, "headers": headers, "rows": cells})
    return out


def _heads(file: ReportFile) -> list[dict[str, Any]]:
    return [
        {"sheet": t.sheet, "headers": list(t.header) if t.header else [],
         "rows": [[shown(c) for c in row] for row in head(t, FIRST_ROWS + 3)]}
        for t in file.tables if not t.hidden and t.n_rows
    ]  # fmt: skip


_BLANKS = re.compile(r"\s+")


def shown(cell: str) -> str:
    """A cell as the desk shows it: masked, on one line, not endless."""
    text = _BLANKS.sub(" ", masked_text(cell or "")).strip()
    return text if len(text) <= 60 else text[:59] + "…"
