"""The shape in which a report reaches the mapping stage, whatever file or interface it came from.

A table is a sheet, a csv, or the records of a JSON Lines file. It is held by columns, since every later step works on
columns; only the head, where titles and headers stand, is looked at row by row.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

Cell: TypeAlias = str | int | float | bool | dt.date | dt.datetime | dt.time | dt.timedelta | None


@dataclass(frozen=True)
class TextCells:
    """A column whose cells are text already, as the reading process hands it over. ``text``: Arrow ``large_string``, empty =
    null; ``lossy`` and ``number`` as in :class:`TextColumn`."""

    text: pa.Array
    lossy: npt.NDArray[np.bool_]
    number: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.text)

    def take(self, at: npt.NDArray[np.int64]) -> TextCells:
        """The cells of these positions."""
        return TextCells(self.text.take(pa.array(at)), self.lossy[at], self.number[at])


Column: TypeAlias = pa.Array | TextCells | Sequence[Cell]


@dataclass
class TextColumn:
    """One column as text. ``text``: pandas ``str`` (Arrow-backed), empty = NA, whole numbers without ``.0``, dates as
    ``YYYY-MM-DD`` (``YYYY-MM-DD HH:MM:SS`` if there is a time). ``lossy``: True where the cell is a number of 16 digits or
    more, or text in scientific notation: digits are gone and must never be guessed. ``number``: True where the cell was a
    number (leading zeros may be gone)."""

    text: pd.Series[str]
    lossy: npt.NDArray[np.bool_]
    number: npt.NDArray[np.bool_]


@dataclass
class RawTable:
    """``columns``: one entry per column, all of the same length, from the first stored row on; ``first_row``: the number,
    as a spreadsheet program shows it, of the first row in them. ``numbers``: the rows' own numbers where they are not
    consecutive (corrected rows come back so). ``header``: the column names where the format itself has them (JSON Lines:
    dotted paths, ``subject.name``; a list of objects stays one column of JSON text) and the columns hold data only."""

    sheet: str
    columns: list[Column]
    hidden: bool = False
    first_row: int = 1
    numbers: list[int] | None = None
    header: list[str] | None = None

    @property
    def n_rows(self) -> int:
        """Rows stored, titles and headers included."""
        return len(self.columns[0]) if self.columns else 0

    def row_numbers(self) -> npt.NDArray[np.int64]:
        """Row number of each stored row as a spreadsheet program shows it."""
        if self.numbers is not None:
            return np.asarray(self.numbers, dtype=np.int64)
        return np.arange(self.first_row, self.first_row + self.n_rows, dtype=np.int64)


@dataclass
class ReportFile:
    """A file that has been read: ``sha256`` of its bytes (hex), ``size`` in bytes, ``format`` (xlsx | xls | xlsb | ods | csv |
    jsonl), ``encoding`` for text formats, its tables, and codes of severity ``warn`` with details (``ENCODING_GB18030``);
    ``content``: a hash of what the tables say, which stays when a file is merely saved again (empty where nobody asks)."""

    name: str
    sha256: str
    size: int
    format: str
    encoding: str
    tables: list[RawTable]
    warnings: list[tuple[str, str]] = field(default_factory=list)
    content: str = ""
