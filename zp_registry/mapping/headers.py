"""Finding the header of a table: which row it stands in, how many levels it has, which column is which field.

Headers are found by their names, never by their row number (rule: merged two- to four-level headers, title rows, moved,
renamed and added columns).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from zp_registry.mapping.model import Column, Mapping, Sheet
from zp_registry.mapping.text import fold_header, fold_sheet
from zp_registry.sources.files import head
from zp_registry.sources.tables import RawTable

SCAN_ROWS: Final = 30
LEVELS: Final = " / "  # between the levels of a merged header in the joined header text


@dataclass
class Head:
    """The first rows of a table as text, and their folded forms. ``own``: header names that the format itself gives."""

    rows: list[list[str]]
    folded: list[list[str]] = field(default_factory=list)
    own: list[str] | None = None

    @classmethod
    def of(cls, table: RawTable) -> Head:
        if table.header is not None:
            return cls([], own=[str(h) for h in table.header])
        rows = head(table, SCAN_ROWS)
        return cls(rows, [[fold_header(c) for c in row] for row in rows])


@dataclass
class Fit:
    """How well a table fits one kind of sheet. ``row``: index of the lowest header row (-1: the format gives the names);
    ``labels``: one text per column, as raw rows show it; ``columns``: column position → what the mapping says about it."""

    sheet: Sheet
    row: int
    labels: list[str]
    columns: dict[int, Column]
    missing: list[Column]
    leaves: list[str] = field(default_factory=list)

    @property
    def full(self) -> bool:
        return not self.missing and any(c.required for c in self.columns.values())

    @property
    def required_share(self) -> float:
        found = sum(c.required for c in self.columns.values())
        return found / (found + len(self.missing)) if found else 0.0


def names_of(column: Column) -> list[str]:
    """All spellings of a column's header, folded, the canonical one first."""
    return [fold_header(h) for h in (column.header, *column.aliases)]


def fit_table(top: Head, mapping: Mapping, sheet: Sheet) -> Fit:
    """The best header of this table for this kind of sheet; an empty fit (all required columns missing) if there is none."""
    wanted = mapping.columns_of(sheet)
    none = Fit(sheet, -1, [], {}, [c for c in wanted if c.required])
    if top.own is not None:
        paths = [[part for part in name.split(LEVELS) if part] or [""] for name in top.own]
        return _fit(sheet, wanted, -1, _unique([name or f"第{i}列" for i, name in enumerate(top.own, 1)]), paths)
    known = {name for c in wanted for name in (*names_of(c), *(n.rsplit("/", 1)[-1] for n in names_of(c)))}
    best, best_key = none, (0, 0, 0)
    for row, cells in enumerate(top.folded):
        hits = len(known.intersection(cells))
        if hits < 2 and hits < len(wanted):
            continue
        for depth in range(1, min(sheet.header_rows, row + 1) + 1):
            paths = _paths(top.rows[row - depth + 1:row + 1])
            labels = _unique([LEVELS.join(p) if p != [""] else f"第{i}列" for i, p in enumerate(paths, 1)])
            fit = _fit(sheet, wanted, row, labels, paths)
            key = (-len(fit.missing), len(fit.columns), depth)
            if fit.columns and (best is none or key > best_key):
                best, best_key = fit, key
    return best


def _paths(rows: list[list[str]]) -> list[list[str]]:
    """For each column its header levels from the top, groups filled to the right, the lowest written cell last."""
    width = max((len(r) for r in rows), default=0)
    cells = [[" ".join(c.split()) for c in r] + [""] * (width - len(r)) for r in rows]
    groups: list[list[str]] = []
    for row in cells[:-1]:
        filled, last = [], ""
        for cell in row:
            last = cell or last
            filled.append(last)
        groups.append(filled)
    out = []
    for i in range(width):
        level = max((k for k, row in enumerate(cells) if row[i]), default=-1)
        if level < 0:
            out.append([""])
            continue
        path = [groups[k][i] for k in range(level)] + [cells[level][i]]
        out.append([p for k, p in enumerate(path) if p and (k == 0 or p != path[k - 1])])
    return out


def _candidates(path: list[str]) -> set[str]:
    """The names by which a column can be called: its leaf, or any upper level with the leaf, or the whole path's tail."""
    parts = [fold_header(p) for p in path]
    leaf, out = parts[-1], {parts[-1]}
    out |= {f"{group}/{leaf}" for group in parts[:-1]}
    out |= {"/".join(parts[k:]) for k in range(len(parts))}
    return out


def _fit(sheet: Sheet, wanted: list[Column], row: int, labels: list[str], paths: list[list[str]]) -> Fit:
    by_name: dict[str, list[int]] = {}
    for i, path in enumerate(paths):
        for name in _candidates(path):
            by_name.setdefault(name, []).append(i)
    columns: dict[int, Column] = {}
    placed: set[int] = set()
    for canonical in (True, False):  # no alias of one column takes the canonical header of another
        for k, column in enumerate(wanted):
            if k in placed:
                continue
            names = names_of(column)
            for name in names[:1] if canonical else names[1:]:
                free = [i for i in by_name.get(name, []) if i not in columns]
                if name and free:
                    columns[free[0]] = column
                    placed.add(k)
                    break
    missing = [c for k, c in enumerate(wanted) if c.required and k not in placed]
    return Fit(sheet, row, labels, columns, missing, [p[-1] for p in paths])


def _unique(labels: list[str]) -> list[str]:
    """Repeated labels get ``_2``, ``_3`` behind."""
    all_, used, out = set(labels), set[str](), []
    for label in labels:
        name, k = label, 1
        while name in used or (k > 1 and name in all_):
            k += 1
            name = f"{label}_{k}"
        used.add(name)
        out.append(name)
    return out


def sheet_named(sheet: Sheet, name: str) -> bool:
    """Whether a sheet's name is one of those that the mapping gives for this kind of sheet."""
    return bool(sheet.names) and fold_sheet(name) in {fold_sheet(n) for n in sheet.names}
