"""The rows of workbooks into a database by dlt, each row taking the place of the one with its key, as nightly reports need it;
nothing is checked, mapped, sealed, resolved or flagged: ``python -m bench.load_dlt DATABASE FOLDER FILE…``.

DATABASE: ``duckdb``, which dlt loads quickest, or ``sqlite``, the registry's own."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from python_calamine import CalamineWorkbook

from .pull_dlt import dlt, pipeline_into, timed

HEADS = 3  # title, date, header


def rows(path: str) -> Iterator[dict[str, Any]]:
    """The rows under the header, as dictionaries; rows without a key are left out, since dlt stops at one."""
    for name in CalamineWorkbook.from_path(path).sheet_names:
        cells = CalamineWorkbook.from_path(path).get_sheet_by_name(name).to_python()
        header = [f"c{i}" for i in range(len(cells[HEADS - 1]))]
        for row in cells[HEADS:]:
            if row[1]:
                yield dict(zip(header, map(str, row), strict=True))


def main() -> None:
    """Prints records, seconds, processor seconds."""
    base, folder, paths = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
    source = dlt.resource((r for p in paths for r in rows(p)), name="report", write_disposition="merge", primary_key="c1")
    print(json.dumps(timed(pipeline_into(base, folder), source, base)))


if __name__ == "__main__":
    main()
