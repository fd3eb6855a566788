"""What a file may hold at most: files come from strangers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ReadLimits:
    """Bytes of the file and of what it unpacks to; rows, columns and cells of a sheet, counted from A1 to the last written
    cell; sheets of a workbook; bytes of a cell's text; bytes of memory that reading may take, and seconds that it may last:
    ``max_seconds`` and one
    more for every MiB of the file."""

    max_bytes: int = 200 * 1024 * 1024
    max_unpacked: int = 2 * 1024 * 1024 * 1024
    max_rows: int = 2_000_000
    max_columns: int = 500
    max_cells: int = 30_000_000
    max_sheets: int = 60
    max_cell: int = 1024 * 1024
    max_memory: int = 4 * 1024 * 1024 * 1024
    max_seconds: int = 45

    def seconds(self, size: int) -> float:
        """How long a file of ``size`` bytes may be read."""
        return self.max_seconds + size / (1 << 20)

    def excess(self, rows: int, columns: int) -> str | None:
        """What is too large about a sheet of this extent, in Chinese; None if nothing is."""
        if rows > self.max_rows or columns > self.max_columns or rows * columns > self.max_cells:
            return f"{rows} 行 {columns} 列"
        return None
