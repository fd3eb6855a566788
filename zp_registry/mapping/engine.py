"""From a file that was read to canonical rows, by a mapping alone."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath
from typing import Literal

import pandas as pd

from zp_registry.errors import FileRefused, UsageError
from zp_registry.frames import MAPPED, MAPPED_NOTICE, MAPPED_PLEDGE, STREAMERS, empty
from zp_registry.mapping.dating import Dating, differs, final_dates
from zp_registry.mapping.fields import canonical, drop_lossy, extra_json, look_up, map_streamers
from zp_registry.mapping.model import Mapping
from zp_registry.mapping.recognise import Recognised, fit_known, recognise, unknown_headers
from zp_registry.mapping.report import FaultList, MappedReport, RawRow, Remark, Source
from zp_registry.mapping.rules import origins
from zp_registry.mapping.sheet import SheetData, read_sheet
from zp_registry.mapping.text import Text, constant, nulls, series
from zp_registry.sources.tables import RawTable, ReportFile

Scope = Literal["full", "delta"]


def map_report(file: ReportFile, mappings: Iterable[Mapping], *, platform: str | None = None, as_of: str | None = None,
               scope: str | None = None, kind: str = "report") -> MappedReport:
    """The rows of a file in canonical fields. ``mappings``: those to choose from (:func:`load_mappings`); ``platform``,
    ``as_of``, ``scope``: the operator's word, which beats the file's; ``kind``: ``report`` or ``pledge``.

    Raises FileRefused (LAYOUT_*, HEADER_*, FILE_EMPTY, FILE_NO_ROWS, DATE_CONFLICT), OptionNeeded (no report date anywhere),
    UsageError (unknown platform or scope).
    """
    known = list(mappings)
    if platform is not None and not any(platform in (m.id, m.platform_id) for m in known):
        names = ", ".join(sorted({m.platform_id for m in known if m.kind == kind}))
        raise UsageError(f"unknown platform {platform}; known: {names}")
    found = recognise(file, known, platform=platform, kind=kind)
    return _map(file, found, Dating.of(file.name, as_of), _scope(scope, found.mapping), corrected=False)


def from_raw(rows: list[RawRow], *, mapping: Mapping, as_of: str | None, scope: str | None = None,
             file_name: str = "") -> MappedReport:
    """Maps rows that were kept as :class:`RawRow` (cells may have been corrected since) the same way as their file.

    ``as_of``: date of the rows that have none of their own, the report's date at first. Rows keep sheet and row number; the
    frame's order is sheet by sheet, as given. Raises as :func:`map_report` does.
    """
    tables = []
    for sheet in dict.fromkeys(r.sheet for r in rows):
        own = [r for r in rows if r.sheet == sheet]
        header = list(dict.fromkeys(label for r in own for label in r.cells))
        columns = [[r.cells.get(label) or None for r in own] for label in header]
        tables.append(RawTable(sheet, list(columns), numbers=[r.row for r in own], header=header))
    file = ReportFile(file_name, "", 0, "raw", "", tables)
    return _map(file, fit_known(file, mapping), Dating.of(file_name, None, as_of), _scope(scope, mapping), corrected=True)


def _scope(scope: str | None, mapping: Mapping) -> Scope:
    if scope is None or scope == mapping.scope:
        return mapping.scope
    if scope not in ("full", "delta"):
        raise UsageError(f"scope is full or delta, not {scope}")
    return "delta" if scope == "delta" else "full"


def _map(file: ReportFile, found: Recognised, dating: Dating, scope: Scope, *, corrected: bool) -> MappedReport:
    mapping = found.mapping
    sheets = [(i, read_sheet(file.tables[i], fit, mapping)) for i, fit in sorted(found.fits.items())]
    if not any(data.n for _, data in sheets):
        raise FileRefused("FILE_NO_ROWS", file.name, detail=mapping.title)
    headers = _headers(mapping, [data for _, data in sheets])
    faults, remarks = FaultList(headers), [Remark(code, "", detail) for code, detail in file.warnings]
    remarks += [Remark("SHEET_UNKNOWN", name, "") for name in found.unknown]
    fields, streamers, sources, dates, base = [], [], [], [], 0
    for _, data in sheets:
        remarks += _column_remarks(mapping, data, corrected)
        drop_lossy(data, mapping, faults, base, any_cell=corrected)
        remarks += look_up(data, mapping, faults, base)
        columns = canonical(data, mapping, PurePath(file.name).stem, _platform(mapping, data))
        title = dating.title(mapping, data.head, data.fit.row)
        dates.append(dating.rows(columns.get("as_of"), title, data.n))
        people, more = map_streamers(data, columns, mapping, faults, base)
        streamers.append(people.assign(idx=people["idx"] + base))
        remarks += more
        fields.append(columns)
        sources.append(Source(data.table, data.fit, data.position, data.row, base))
        base += data.n
    day = dating.settle(mapping.kind)
    frames = []
    for (_, data), columns, (stated, bad), source in zip(sheets, fields, dates, sources, strict=True):
        if mapping.kind == "report":
            columns["as_of"], bad = final_dates(dating, stated, bad, data.n)
            faults.add(bad, source.first, data.table.sheet, "as_of", "AS_OF_INVALID")
        frames.append(_frame(mapping, data, columns))
    frame = pd.concat(frames, ignore_index=True)
    if mapping.kind == "report":
        _note_dates(frame, day, faults)
        remarks += _date_remarks(mapping, dating, day)
    read = sum(data.read for _, data in sheets) + sum(file.tables[i].n_rows for i in found.skipped)
    present = {data.fit.sheet.part for _, data in sheets}
    parts = tuple(dict.fromkeys(s.part for s in mapping.sheets if s.part in present))
    people_frame = pd.concat(streamers, ignore_index=True) if streamers else empty(STREAMERS)
    return MappedReport(mapping, file, frame, people_frame, faults.frame(), day, scope, parts, remarks, read, read - len(frame),
                        headers, sources)


def _platform(mapping: Mapping, data: SheetData) -> str | None:
    """The platform of rows that state none: the mapping's own, unless the layout carries several platforms."""
    carries_several = any(c.field == "platform" for s in mapping.sheets for c in mapping.columns_of(s))
    return None if carries_several or mapping.kind != "report" else mapping.platform_id


def _frame(mapping: Mapping, data: SheetData, columns: dict[str, Text]) -> pd.DataFrame:
    n, names = data.n, {"report": MAPPED, "pledge": MAPPED_PLEDGE, "notice": MAPPED_NOTICE}[mapping.kind]
    columns = {**columns, "sheet": constant(data.table.sheet, n), "part": constant(data.fit.sheet.part, n),
               "record_kind": constant(data.fit.sheet.record, n), "extra": extra_json(data.extras, n)}
    return pd.DataFrame({c: data.row if c == "row" else series(columns[c] if c in columns else nulls(n)) for c in names})


def _headers(mapping: Mapping, sheets: list[SheetData]) -> dict[tuple[str, str], str]:
    out: dict[tuple[str, str], str] = {}
    for data in sheets:
        for name, source in origins(mapping, data.fit.sheet, data.labels).items():
            out[(data.table.sheet, name)] = data.labels[source]
    return out


def _column_remarks(mapping: Mapping, data: SheetData, corrected: bool) -> list[Remark]:
    """COLUMN_UNKNOWN and COLUMN_ABSENT of a sheet; corrected rows had theirs when they first came."""
    if corrected:
        return []
    out, sheet = [], data.table.sheet
    unknown = unknown_headers(mapping, data.fit)
    if unknown and mapping.unknown_columns != "ignore":
        out.append(Remark("COLUMN_UNKNOWN", sheet, "、".join(unknown)))
    here = list(data.fit.columns.values())
    absent = [c.header for c in mapping.columns_of(data.fit.sheet)
              if (c.field or c.items) and c not in here and not _null_object(data, c.header)]
    if absent:
        out.append(Remark("COLUMN_ABSENT", sheet, "、".join(absent)))
    return out


def _null_object(data: SheetData, header: str) -> bool:
    """Whether no record has the JSON object around this key: it may well be null everywhere."""
    parent = header.rpartition(".")[0]
    return data.head.own is not None and parent != "" and not any(h.startswith(parent + ".") for h in data.head.own)


def _note_dates(frame: pd.DataFrame, day: str | None, faults: FaultList) -> None:
    other = differs(frame, day)
    for sheet in frame.loc[other, "sheet"].unique():
        faults.add(other & (frame["sheet"] == sheet).to_numpy(dtype=bool), 0, str(sheet), "as_of", "AS_OF_DIFFERS")


def _date_remarks(mapping: Mapping, dating: Dating, day: str | None) -> list[Remark]:
    out = []
    detail = dating.differences()
    if detail:
        out.append(Remark("AS_OF_FILE_DIFFERS", "", detail))
    since, until = str(mapping.valid_from or ""), str(mapping.valid_to or "9999-12-31")
    if day is not None and not since <= day <= until:
        out.append(Remark("MAPPING_EXPIRED", "", f"{mapping.title}：{day}"))
    return out
