"""The record stream of an xls workbook, as far as must be known before the workbook library lays it out.

That library takes counts and extents on trust, and a damaged one ends the whole process for want of memory.
"""

from __future__ import annotations

import struct

from zp_registry.errors import FileRefused
from zp_registry.sources.limits import ReadLimits

_FILEPASS, _DIMENSIONS, _STRINGS, _BOF = 0x2F, 0x200, 0xFC, 0x809
_WRITTEN = frozenset({0x06, 0xD6, 0xFD, 0x203, 0x204, 0x205, 0x27E})  # one cell: row, column, …
_WRITTEN_ROW = 0xBD  # several: row, first column, …, last column
_HEAD = struct.Struct("<HH")


def check_stream(stream: bytes, name: str, limits: ReadLimits) -> None:
    """FileRefused: FILE_ENCRYPTED, FILE_TOO_LARGE (a sheet reaches too far). ValueError, struct.error: impossible counts."""
    at = rows = columns = 0
    end = len(stream) - 4
    head = _HEAD.unpack_from
    while at <= end:
        kind, size = head(stream, at)
        at += 4
        if kind in _WRITTEN or kind == _WRITTEN_ROW:
            row, column = head(stream, at)
            if kind == _WRITTEN_ROW:
                column, = struct.unpack_from("<H", stream, at + size - 2)
            rows, columns = max(rows, row + 1), max(columns, column + 1)
        elif kind == _DIMENSIONS:
            first_row, last_row, first_column, last_column = struct.unpack_from("<IIHH", stream, at)
            if (last_row - first_row) * (last_column - first_column) > max(limits.max_cells, 65_536 * 256):
                raise ValueError("extent of a sheet")
        elif kind == _STRINGS:
            if struct.unpack_from("<II", stream, at)[1] > len(stream):
                raise ValueError("count of strings")
        elif kind == _FILEPASS:
            raise FileRefused("FILE_ENCRYPTED", name)
        elif kind == _BOF:
            rows = columns = 0
        at += size
        if rows * columns > limits.max_cells:
            raise FileRefused("FILE_TOO_LARGE", name, detail=limits.excess(rows, columns) or "")
