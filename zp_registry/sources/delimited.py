"""Delimited text: commas, tabs, semicolons or bars, found by looking."""

from __future__ import annotations

import csv
import io
import re

import pyarrow as pa
import pyarrow.csv as pacsv

from zp_registry.errors import FileRefused
from zp_registry.sources.limits import ReadLimits
from zp_registry.sources.tables import Column, RawTable

_DELIMITERS = (",", "\t", ";", "|")
_QUOTED = re.compile(r'"[^"]*"')
_SAMPLE = 20  # lines


class _QuoteOpen(Exception):
    """A quotation mark is never closed; ``row`` is the record that it swallowed the rest of the file into."""

    def __init__(self, row: int) -> None:
        super().__init__(row)
        self.row = row


def read_csv(text: str, name: str, limits: ReadLimits) -> RawTable:
    """One table without a sheet name. A record is a row, whatever line breaks stand inside its values; blank lines count, as
    a spreadsheet program counts them. Short records are filled up. FileRefused: FILE_BROKEN, FILE_TOO_LARGE."""
    delimiter = delimiter_of(text)
    closed = text + ("\n" if text.endswith("\n") else "\n\n")  # a blank line: it is the last record unless a quote is open
    try:
        columns = _fast(closed, delimiter)
        if columns is None:
            columns = _slow(closed, delimiter, name, limits)
    except _QuoteOpen as quote:
        raise FileRefused("FILE_BROKEN", name, detail="此行起引号不成对", row=quote.row) from None
    except csv.Error:
        raise FileRefused("FILE_BROKEN", name, detail="有过长的单元格，引号可能不成对") from None
    if too_large := limits.excess(len(columns[0]) if columns else 0, len(columns)):
        raise FileRefused("FILE_TOO_LARGE", name, detail=too_large)
    return RawTable("", columns)


def delimiter_of(text: str) -> str:
    """The delimiter that the most of the first lines have, and the most often, outside of quoted values."""
    lines = [line for line in text[:20_000].splitlines() if line.strip()][:_SAMPLE]
    bare = _QUOTED.sub("", "\n".join(lines)).split("\n")
    return max(_DELIMITERS, key=lambda d: (sum(d in line for line in bare), sum(line.count(d) for line in bare)))


def _fast(text: str, delimiter: str) -> list[Column] | None:
    """By Arrow; None where records are of different lengths."""
    try:
        table = pacsv.read_csv(
            io.BytesIO(text.encode("utf-8")),
            read_options=pacsv.ReadOptions(autogenerate_column_names=True, block_size=1 << 26, use_threads=False),
            parse_options=pacsv.ParseOptions(delimiter=delimiter, newlines_in_values=True, ignore_empty_lines=False),
            convert_options=pacsv.ConvertOptions(strings_can_be_null=False, column_types=_ALL_TEXT))
    except (pa.ArrowInvalid, pa.ArrowCapacityError):
        return None
    columns = [c.combine_chunks() for c in table.columns]
    if not columns or any(not pa.types.is_string(c.type) for c in columns):
        return None
    last = len(columns[0]) - 1
    if any(c[last].as_py() for c in columns):
        raise _QuoteOpen(last + 1)
    return [c.slice(0, last) for c in columns]


_ALL_TEXT = {f"f{i}": pa.string() for i in range(600)}  # Arrow names columns so; whatever has more of them goes the slow way


def _slow(text: str, delimiter: str, name: str, limits: ReadLimits) -> list[Column]:
    rows = []
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
        rows.append(row)
        if len(rows) > limits.max_rows + 1:
            raise FileRefused("FILE_TOO_LARGE", name, detail=f"超过 {limits.max_rows} 行")
    if rows.pop():
        raise _QuoteOpen(len(rows) + 1)
    width = max(map(len, rows), default=0)
    if too_large := limits.excess(len(rows), width):  # before one long record makes many columns of the others
        raise FileRefused("FILE_TOO_LARGE", name, detail=too_large)
    return [pa.array([r[i] if i < len(r) else None for r in rows], pa.string()) for i in range(width)]
