"""Bare reading of spreadsheets, cells to Python or Arrow and nothing else: ``python -m bench.reading LIBRARY FILE…``."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

from .measure import spent


def fastexcel(path: str) -> int:
    """Arrow tables, every column as text."""
    import fastexcel as library

    book = library.read_excel(path)
    return sum(book.load_sheet(n, header_row=None, dtypes="string").height for n in book.sheet_names)


def calamine(path: str) -> int:
    """Lists of cells."""
    from python_calamine import CalamineWorkbook

    book = CalamineWorkbook.from_path(path)
    return sum(len(book.get_sheet_by_name(n).to_python()) for n in book.sheet_names)


def openpyxl(path: str) -> int:
    """Tuples of cells, in its read-only mode."""
    from openpyxl import load_workbook

    book = load_workbook(path, read_only=True)
    return sum(1 for sheet in book for _ in sheet.iter_rows(values_only=True))


LIBRARIES: dict[str, Callable[[str], int]] = {"fastexcel": fastexcel, "calamine": calamine, "openpyxl": openpyxl}


def main() -> None:
    """Prints rows, seconds, processor seconds."""
    read, paths = LIBRARIES[sys.argv[1]], sys.argv[2:]
    wall, cpu = time.perf_counter(), spent()
    rows = sum(map(read, paths))
    print(json.dumps({"rows": rows, "seconds": round(time.perf_counter() - wall, 2), "cpu": round(spent() - cpu, 2)}))


if __name__ == "__main__":
    main()
