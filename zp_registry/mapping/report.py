"""What the mapping stage hands on: the frame, the streamers, the faults, and on demand the rows as they stand in the file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from zp_registry.frames import FAULTS, empty
from zp_registry.mapping.headers import Fit
from zp_registry.mapping.model import Mapping
from zp_registry.mapping.text import Mask, honest
from zp_registry.sources.files import text_column
from zp_registry.sources.tables import RawTable, ReportFile, TextCells


@dataclass(frozen=True)
class Remark:
    """A remark about a whole file or sheet: ``code`` of severity ``warn``, ``detail`` without any personal value."""

    code: str
    sheet: str
    detail: str


@dataclass(frozen=True)
class RawRow:
    """One row as it stands in the file: ``row`` as a spreadsheet program shows it; ``cells``: header → text ("" if empty), in
    the order of the file. Repeated headers have ``_2`` behind, columns without one are ``第N列``, merged headers are joined by
    " / ". A number whose digits are gone stands in scientific notation, so that nobody takes its digits for true."""

    sheet: str
    row: int
    cells: dict[str, str]


@dataclass
class FaultList:
    """Collects faults (frames.FAULTS) of whole columns. ``base``: index of the first row of the sheet at hand."""

    headers: dict[tuple[str, str], str]
    parts: list[pd.DataFrame] = field(default_factory=list)

    def add(self, rows: Mask | npt.NDArray[np.int64], base: int, sheet: str, name: str, code: str, note: str = "",
            header: str | None = None) -> None:
        """One fault for each row where the mask holds (or each row position given)."""
        at = np.flatnonzero(rows) if rows.dtype == bool else rows
        if len(at):
            label = header if header is not None else self.headers.get((sheet, name), "")
            self.parts.append(pd.DataFrame({"idx": at + base, "field": name, "header": label, "code": code, "note": note}))

    def frame(self) -> pd.DataFrame:
        """All faults, by row."""
        if not self.parts:
            return empty(FAULTS)
        out = pd.concat(self.parts, ignore_index=True).sort_values("idx", kind="stable", ignore_index=True)
        return out.astype({"idx": "int64", **{c: "str" for c in FAULTS if c != "idx"}})[list(FAULTS)]


@dataclass
class Source:
    """Where the rows ``first`` … ``first + len(position) - 1`` of the frame stand: a table of the file and positions in it."""

    table: RawTable
    fit: Fit
    position: npt.NDArray[np.int64]
    row: npt.NDArray[np.int64]
    first: int


@dataclass
class MappedReport:
    """``frame``: frames.MAPPED or MAPPED_PLEDGE, index 0..n-1; ``streamers``: frames.STREAMERS; ``faults``: frames.FAULTS;
    ``as_of``: the file's own date (rows may have another); ``parts``: report parts whose sheet stands in the file, with rows or
    without; ``rows_read`` = len(frame) + ``rows_skipped``; ``headers``: (sheet, field) → header as raw rows show it."""

    mapping: Mapping
    file: ReportFile
    frame: pd.DataFrame
    streamers: pd.DataFrame
    faults: pd.DataFrame
    as_of: str | None
    scope: Literal["full", "delta"]
    parts: tuple[str, ...]
    warnings: list[Remark]
    rows_read: int
    rows_skipped: int
    headers: dict[tuple[str, str], str]
    sources: list[Source] = field(default_factory=list, repr=False)

    def raw(self, idx: Sequence[int] | Iterable[int]) -> list[RawRow]:
        """The rows of these indexes of the frame as they stand in the file, in the order asked for."""
        wanted = np.asarray(list(idx), dtype=np.int64)
        out: dict[int, RawRow] = {}
        for source in self.sources:
            inside = wanted[(wanted >= source.first) & (wanted < source.first + len(source.position))]
            if not inside.size:
                continue
            at = source.position[inside - source.first]
            columns = [(source.fit.labels[i] if i < len(source.fit.labels) else f"第{i + 1}列", _cells(column, at))
                       for i, column in enumerate(source.table.columns)]
            for k, i in enumerate(inside):
                cells = {label: cells[k] for label, cells in columns}
                out[int(i)] = RawRow(source.table.sheet, int(source.row[i - source.first]), cells)
        return [out[int(i)] for i in wanted]


def _cells(column: Any, at: npt.NDArray[np.int64]) -> list[str]:
    """Text of some cells of a column."""
    if isinstance(column, TextCells):
        picked: Any = column.take(at)
    else:
        picked = column.take(pa.array(at)) if isinstance(column, pa.Array | pa.ChunkedArray) else [column[int(i)] for i in at]
    return [value or "" for value in honest(text_column(picked)).to_pylist()]
