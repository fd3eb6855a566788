"""Records to serve: of JSON Lines or csv files as they are, of any other report by its header."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from zp_registry.errors import FileRefused
from zp_registry.mapping import Mappings, map_report
from zp_registry.sources import read_file
from zp_registry.sources.encodings import decode


def read_records(path: Path) -> list[dict[str, Any]]:
    """Records of a JSON Lines or csv file (UTF-8 or GB18030); FileRefused for a broken one."""
    text, _, _ = decode(path.read_bytes(), path.name)
    try:
        if text.lstrip().startswith("{"):
            return [json.loads(line) for line in text.split("\n") if line.strip()]
        rows = csv.reader(io.StringIO(text, newline=""))
        header = next(rows, [])
        return [dict(zip(header, row, strict=False)) for row in rows if any(row)]
    except (ValueError, csv.Error):
        raise FileRefused("FILE_BROKEN", path.name) from None


def report_records(path: Path, mappings: Mappings, platform: str) -> dict[str, list[dict[str, Any]]]:
    """Records of a report file as the platform's interface would give them, by list: a sheet's name, ``""`` where the interface
    has one list. Empty cells are null. FileRefused as for an import."""
    interface = mappings[platform].api
    lists = [one.sheet for one in interface.lists] if interface is not None else []
    if path.suffix == ".jsonl":
        return {"": read_records(path)}
    mapped = map_report(read_file(path), mappings, platform=platform, as_of=None, scope=None, kind="report")
    out: dict[str, list[dict[str, Any]]] = {name: [] for name in lists or [""]}
    for row in mapped.raw(np.arange(len(mapped.frame))):
        name = row.sheet if lists else ""
        out.setdefault(name, []).append({k: v or None for k, v in row.cells.items()})
    return out
