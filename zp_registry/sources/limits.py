"""What a file may hold at most: files come from strangers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ReadLimits:
    """Bytes of the file and of what it unpacks to, rows and columns of a sheet, sheets of a workbook."""

    max_bytes: int = 200 * 1024 * 1024
    max_unpacked: int = 2 * 1024 * 1024 * 1024
    max_rows: int = 2_000_000
    max_columns: int = 500
    max_sheets: int = 60
