"""Which layout a file has: the headers say it first, the file's name second.

Raises :class:`~zp_registry.errors.FileRefused`: FILE_EMPTY (no stored row), LAYOUT_UNKNOWN, LAYOUT_OTHER_PLATFORM (the headers
are another platform's than the name or the option says), LAYOUT_AMBIGUOUS, HEADER_MISSING, HEADER_UNKNOWN.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from zp_registry.errors import FileRefused
from zp_registry.mapping.filename import date_in_name, named_in
from zp_registry.mapping.headers import Fit, Head, fit_table, names_of, sheet_named
from zp_registry.mapping.model import Mapping
from zp_registry.mapping.text import fold_header
from zp_registry.sources.tables import RawTable, ReportFile, TextCells

NEAR: Final = 0.5  # likeness from which a header is told as "perhaps this one"
PARTIAL: Final = 0.5  # share of the required headers from which a file counts as this layout with columns missing
DECISIVE: Final = 0.8  # a named layout must explain this share of the headers that the best one explains


@dataclass
class Recognised:
    """``fits``: position of the table in the file → its fit; ``skipped``: tables that are read and hold no data of ours;
    ``unknown``: names of visible sheets with rows that fit nothing."""

    mapping: Mapping
    fits: dict[int, Fit]
    skipped: list[int] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


@dataclass
class _Candidate:
    mapping: Mapping
    fits: dict[int, Fit]

    @property
    def full(self) -> dict[int, Fit]:
        return {i: f for i, f in self.fits.items() if f.full}

    @property
    def score(self) -> int:
        return sum(len(f.columns) for f in self.full.values())

    @property
    def partial(self) -> float:
        return max((f.required_share for f in self.fits.values()), default=0.0)


def recognise(file: ReportFile, mappings: Iterable[Mapping], *, platform: str | None, kind: str) -> Recognised:
    """The layout of a file among ``mappings``; ``platform`` is the operator's word for it (a mapping id or platform id)."""
    tables = {i: t for i, t in enumerate(file.tables) if not t.hidden and t.n_rows and not _all_blank(t)}
    if not tables:
        raise FileRefused("FILE_EMPTY" if not any(_own_header(t) for t in file.tables) else "FILE_NO_ROWS", file.name)
    heads = {i: Head.of(t) for i, t in tables.items()}
    everything = list(mappings)
    candidates = [_candidate(m, tables, heads) for m in everything if m.kind == kind]
    said = _said(file.name, [c.mapping for c in candidates], platform)
    full = sorted((c for c in candidates if c.full), key=lambda c: -c.score)
    if not full:
        _refuse(file, candidates, said, heads, everything, kind)
    chosen = _choose(file, full, said, platform)
    return _complete(file, chosen, tables, heads)


def fit_known(file: ReportFile, mapping: Mapping) -> Recognised:
    """The same for rows that are known to be of this layout (corrected ones): nothing is doubted but missing columns."""
    tables = {i: t for i, t in enumerate(file.tables) if t.n_rows}
    heads = {i: Head.of(t) for i, t in tables.items()}
    chosen = _candidate(mapping, tables, heads)
    if not chosen.full:
        _refuse(file, [chosen], [mapping], heads, [mapping], mapping.kind)
    return _complete(file, chosen, tables, heads)


def _own_header(table: RawTable) -> bool:
    return table.header is not None and not table.hidden


def _all_blank(table: RawTable) -> bool:
    return table.n_rows < 100 and all(cell is None or not str(cell).strip() for col in table.columns for cell in _cells(col))


def _cells(column: Any) -> list[object]:
    column = column.text if isinstance(column, TextCells) else column
    return list(column.to_pylist() if hasattr(column, "to_pylist") else column)


def _candidate(mapping: Mapping, tables: dict[int, RawTable], heads: dict[int, Head]) -> _Candidate:
    fits: dict[int, Fit] = {}
    for i, top in heads.items():
        options = []
        for sheet in mapping.sheets:
            if sheet.record == "ignore":
                continue
            fit = fit_table(top, mapping, sheet)
            options.append((fit.full, sheet_named(sheet, tables[i].sheet), len(fit.columns), fit))
        if options:
            fits[i] = max(options, key=lambda o: o[:3])[3]
    return _Candidate(mapping, fits)


def _said(name: str, mappings: list[Mapping], platform: str | None) -> list[Mapping]:
    """The mappings that the option names, or else those whose words stand in the file's name."""
    if platform is not None:
        return [m for m in mappings if platform in (m.id, m.platform_id)]
    return [m for m in mappings if named_in(name, [m.id, m.platform_id, *m.names])]


def _choose(file: ReportFile, full: list[_Candidate], said: list[Mapping], platform: str | None) -> _Candidate:
    best = full[0].score
    strong = [c for c in full if c.score >= DECISIVE * best]
    if said or platform is not None:
        named = [c for c in strong if c.mapping in said]
        if not named:
            word = platform or "、".join(m.title for m in said)
            detail = f"文件名或指定为{word}，表头是{full[0].mapping.title}的版式"
            raise FileRefused("LAYOUT_OTHER_PLATFORM", file.name, detail=detail)
        strong = named
    top = [c for c in strong if c.score == strong[0].score]
    platforms = {c.mapping.platform_id for c in top}
    if len(platforms) > 1:
        raise FileRefused("LAYOUT_AMBIGUOUS", file.name, detail="、".join(c.mapping.title for c in top))
    return max(top, key=lambda c: _in_force(file, c.mapping))


def _in_force(file: ReportFile, mapping: Mapping) -> tuple[bool, str]:
    """Of several versions of one layout that fit equally: the one in force on the named date, else the newest."""
    named = date_in_name(file.name)
    since, until = str(mapping.valid_from or ""), str(mapping.valid_to or "9999-12-31")
    return (named is not None and since <= named.date <= until, since)


def _complete(file: ReportFile, chosen: _Candidate, tables: dict[int, RawTable], heads: dict[int, Head]) -> Recognised:
    out = Recognised(chosen.mapping, {})
    for i, fit in chosen.fits.items():
        name = tables[i].sheet
        ignored = any(sheet_named(s, name) for s in chosen.mapping.sheets if s.record == "ignore")
        ours = any(sheet_named(s, name) for s in chosen.mapping.sheets if s.record != "ignore")
        if fit.full:
            out.fits[i] = fit
            continue
        if ours:  # a sheet of ours whose header is gone must not count as an empty list of accounts
            raise FileRefused("HEADER_MISSING", file.name, sheet=name, detail=_missing_text(fit, heads[i]))
        out.skipped.append(i)
        if not ignored:
            out.unknown.append(name)
    for i, fit in out.fits.items():
        extra = unknown_headers(chosen.mapping, fit)
        if extra and chosen.mapping.unknown_columns == "fail":
            raise FileRefused("HEADER_UNKNOWN", file.name, sheet=tables[i].sheet, detail="、".join(extra))
    return out


def unknown_headers(mapping: Mapping, fit: Fit) -> list[str]:
    """Headers of a table that the mapping does not know; parents of known JSON paths (``agency`` = null) are known."""
    known = {n for c in mapping.columns_of(fit.sheet) for n in names_of(c)}
    parents = {n[:k] for n in known for k, ch in enumerate(n) if ch == "."}
    return [label for i, label in enumerate(fit.labels)
            if i not in fit.columns and fit.leaves[i] and fold_header(fit.leaves[i]) not in parents]


def _missing_text(fit: Fit, top: Head) -> str:
    """The missing headers, each with the nearest one that the file has."""
    found = fit.leaves or [c for row in top.rows for c in row if c.strip() and len(c) <= 30] or (top.own or [])
    free = [h for i, h in enumerate(found) if h and (not fit.leaves or i not in fit.columns)]
    return "；".join(column.header + _near(column.header, free) for column in fit.missing)


def _near(wanted: str, found: list[str]) -> str:
    by_fold = {fold_header(h): h for h in found}
    near = difflib.get_close_matches(fold_header(wanted), list(by_fold), n=2, cutoff=NEAR)
    return "（文件中相近的列：" + "、".join(by_fold[n] for n in near) + "）" if near else ""


def _refuse(file: ReportFile, candidates: list[_Candidate], said: list[Mapping], heads: dict[int, Head],
            everything: list[Mapping], kind: str) -> None:
    """No layout fits: says which one it nearly is, or that it is something else."""
    ranked = sorted(candidates, key=lambda c: -c.partial)
    named = [c for c in ranked if c.mapping in said]
    near = named[0] if named and named[0].partial >= PARTIAL else None
    if near is None and ranked and ranked[0].partial >= PARTIAL:
        near = ranked[0]
        if named and near.partial >= DECISIVE:
            raise FileRefused("LAYOUT_OTHER_PLATFORM", file.name, detail=f"表头近似{near.mapping.title}的版式")
    if near is not None:
        i, fit = max(near.fits.items(), key=lambda item: item[1].required_share)
        raise FileRefused("HEADER_MISSING", file.name, sheet=file.tables[i].sheet,
                          detail=f"{near.mapping.title}：{_missing_text(fit, heads[i])}")
    tables = {i: file.tables[i] for i in heads}
    for mapping in everything:
        if mapping.kind != kind and _candidate(mapping, tables, heads).full:
            raise FileRefused("LAYOUT_UNKNOWN", file.name, detail=f"这是《{mapping.title}》，不是这里要的文件")
    likely = "、".join(f"{c.mapping.title}（必需列 {c.partial:.0%}）" for c in ranked[:3] if c.partial > 0)
    raise FileRefused("LAYOUT_UNKNOWN", file.name, detail=f"最接近：{likely}" if likely else "")
