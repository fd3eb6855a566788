"""One sheet by columns: its data rows, the mapped fields as text, and what has no field.

A stored row is one of: before or in the header, blank, a repeated header or title (printed pages), a total or note by the
mapping's ``skip_rows``, from a ``stop_rows`` row on, without any mapped cell (section titles), or data. The pattern rules hold
only for rows that are nearly empty, so that a shop called 合计 is no total. Where the format gives the header names (JSON
Lines, corrected rows) every row that is not blank is data.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from zp_registry.mapping.headers import Fit, Head
from zp_registry.mapping.model import Column, Mapping
from zp_registry.mapping.text import Mask, Text, clean, filled, fold, honest, mask
from zp_registry.sources.files import text_column
from zp_registry.sources.tables import RawTable


@dataclass
class SheetData:
    """``position``: index in the table of each data row; ``row``: its number as a spreadsheet program shows it; ``fields``:
    field → text; ``lossy`` and ``number``: the same for cells whose digits are gone, cells that were numbers;
    ``lists``: JSON columns with their mapping; ``extras``: (label, text) without a field; ``read``: rows counted as read."""

    table: RawTable
    fit: Fit
    head: Head
    position: npt.NDArray[np.int64]
    row: npt.NDArray[np.int64]
    read: int
    fields: dict[str, Text] = field(default_factory=dict)
    lossy: dict[str, Mask] = field(default_factory=dict)
    number: dict[str, Mask] = field(default_factory=dict)
    lists: list[tuple[Column, Text]] = field(default_factory=list)
    extras: list[tuple[str, Text]] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def n(self) -> int:
        return len(self.position)


def read_sheet(table: RawTable, fit: Fit, mapping: Mapping) -> SheetData:
    """The data rows of a table that fits a mapping."""
    start = fit.row + 1
    blank_words = frozenset(fold(w) for w in mapping.blank_words) | {""}
    texts: list[Text] = []
    lossy: list[Mask] = []
    number: list[Mask] = []
    for column in table.columns:
        text = text_column(column, start)
        texts.append(clean(honest(text), blank_words))
        lossy.append(text.lossy)
        number.append(text.number)
    top = Head.of(table)
    has = [filled(t) for t in texts]
    n = table.n_rows - start
    data, read = _data_rows(texts, has, fit, top, mapping, n)
    position = np.flatnonzero(data)
    out = SheetData(table, fit, top, position + start, table.row_numbers()[start:][position], read + start)
    take = pa.array(position)
    for i, text in enumerate(texts):
        column_of = fit.columns.get(i)
        if column_of is None or (column_of.field is None and not column_of.items):
            if column_of is None or not column_of.ignore:
                kept = text.take(take)
                if kept.null_count < len(kept):
                    out.extras.append((fit.labels[i], kept))
            continue
        if column_of.items:
            out.lists.append((column_of, text.take(take)))
            for item in column_of.items:
                out.labels[str(item.field)] = fit.labels[i]
            continue
        name = str(column_of.field)
        out.fields[name] = text.take(take)
        out.lossy[name], out.number[name] = lossy[i][position], number[i][position]
        out.labels[name] = fit.labels[i]
    return out


def _data_rows(texts: list[Text], has: list[Mask], fit: Fit, top: Head, mapping: Mapping, n: int) -> tuple[Mask, int]:
    """(which rows behind the header are data, how many of them count as read: trailing blank rows do not)."""
    count = np.sum(has, axis=0) if has else np.zeros(n, dtype=np.int64)
    data: Mask = count > 0
    last = int(np.flatnonzero(data)[-1]) + 1 if data.any() else 0
    if top.own is not None or not data.any():
        return data, last
    mapped = [h for i, h in enumerate(has) if i in fit.columns and (fit.columns[i].field or fit.columns[i].items)]
    data &= np.any(mapped, axis=0)
    first = pc.coalesce(*texts)
    sparse: Mask = count <= max(2, len(fit.columns) // 3)
    lone = first.filter(pa.array(sparse))
    data[sparse] &= ~_any_pattern(lone, mapping.skip_rows)
    stop = np.flatnonzero(sparse)[_any_pattern(lone, mapping.stop_rows)]
    if stop.size:
        data[stop[0]:] = False
    data &= ~_like_head(texts, first, fit, top)
    return data, last


def _any_pattern(first: Text, patterns: list[str]) -> Mask:
    """Where the first written cell of the row, folded, has one of the patterns."""
    coded = first.dictionary_encode()
    compiled = [re.compile(p) for p in patterns]
    words = coded.dictionary.to_pylist()
    hit = pa.array([any(p.search(folded) for p in compiled) for folded in map(fold, words)] + [False])
    return mask(hit.take(pc.fill_null(coded.indices, len(words))))


def _like_head(texts: list[Text], first: Text, fit: Fit, top: Head) -> Mask:
    """Rows whose every written cell repeats the cell above it in one of the rows from the title to the header."""
    out = np.zeros(len(first), dtype=bool)
    heads = [[c.strip() for c in row] for row in top.rows[:fit.row + 1]]
    firsts = sorted({next((c for c in row if c), "") for row in heads} - {""})
    for i in np.flatnonzero(mask(pc.is_in(first, value_set=pa.array(firsts, type=pa.large_string())))):
        cells = [t[int(i)].as_py() for t in texts]
        out[i] = any(all(c is None or (k < len(row) and c == row[k]) for k, c in enumerate(cells)) for row in heads)
    return out
