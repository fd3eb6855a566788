"""JSON Lines, and JSON lists of objects: nested objects become dotted columns, lists stay one column of JSON text."""

from __future__ import annotations

import json
from typing import Any

from zp_registry.errors import FileRefused
from zp_registry.sources.columns import EXACT, whole_characters
from zp_registry.sources.limits import ReadLimits
from zp_registry.sources.tables import RawTable

_LISTS = ("items", "data")
_LIST = json.JSONEncoder(ensure_ascii=False).encode


def looks_like_json(text: str) -> bool:
    """True when the text begins as an object or a list of objects."""
    start = text[:2000].lstrip()
    return start.startswith("{") or (start.startswith("[") and start[1:].lstrip()[:1] in ("{", "]"))


def read_json(text: str, name: str, limits: ReadLimits) -> RawTable:
    """One table with a header of its own. Row numbers are line numbers; in a list (bare, or in ``items``/``data``) they count
    its objects. FileRefused: FILE_BROKEN with the line, FILE_TOO_LARGE."""
    records, numbers = _records(text, name, limits)
    table = records_table(records, name, limits, numbers=numbers)
    if "\\ud" in text.lower() and table.header is not None:
        table.header = [whole_characters(key) for key in table.header]
    return table


def records_table(records: list[dict[str, Any]], name: str, limits: ReadLimits, *, sheet: str = "",
                  numbers: list[int] | None = None) -> RawTable:
    """A table of records that have been parsed; they count from 1 unless ``numbers`` are given. FileRefused: FILE_BROKEN
    (nested too deeply), FILE_TOO_LARGE."""
    columns: dict[str, list[Any]] = {}
    try:
        _fill(columns, records, "", name, limits)
    except RecursionError:
        raise FileRefused("FILE_BROKEN", name, detail="JSON 嵌套过深") from None
    return RawTable(sheet, list(columns.values()), numbers=numbers, header=list(columns))


def _records(text: str, name: str, limits: ReadLimits) -> tuple[list[dict[str, Any]], list[int]]:
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        whole = None
    if whole is not None:
        listed = whole
        if isinstance(whole, dict):
            listed = next((whole[k] for k in _LISTS if isinstance(whole.get(k), list)), [whole])
        if all(isinstance(r, dict) for r in listed):
            return listed, list(range(1, len(listed) + 1))
        raise FileRefused("FILE_BROKEN", name, detail="JSON 中不是逐条的记录")
    records, numbers = [], []
    for number, line in enumerate(text.split("\n"), start=1):  # not splitlines: U+2028 may stand in a value
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            raise FileRefused("FILE_BROKEN", name, detail="此行不是完整的 JSON", row=number) from None
        if not isinstance(record, dict):
            raise FileRefused("FILE_BROKEN", name, detail="此行不是 JSON 对象", row=number)
        records.append(record)
        numbers.append(number)
        if len(records) > limits.max_rows:
            raise FileRefused("FILE_TOO_LARGE", name, detail=f"超过 {limits.max_rows} 行")
    return records, numbers


def _fill(out: dict[str, list[Any]], records: list[dict[str, Any]], prefix: str, name: str, limits: ReadLimits) -> None:
    """Adds cells by dotted path, None where a record has none; a column at a time, since most columns hold one type."""
    keys = dict.fromkeys(key for shape in dict.fromkeys(map(tuple, records)) for key in shape)
    if too_large := limits.excess(len(records), len(out) + len(keys)):
        raise FileRefused("FILE_TOO_LARGE", name, detail=too_large)
    for key in keys:
        cells = [record.get(key) for record in records]
        types = set(map(type, cells))
        if list in types:
            cells = [_LIST(v) if type(v) is list else v for v in cells]
        if int in types:  # JSON writes all digits: nothing is lost
            cells = [str(v) if type(v) is int and abs(v) >= EXACT else v for v in cells]
        if dict not in types:
            out[prefix + key] = cells
            continue
        if types - {dict, type(None)}:  # else: null for an object
            out[prefix + key] = [None if type(v) is dict else v for v in cells]
        _fill(out, [v if type(v) is dict else {} for v in cells], f"{prefix}{key}.", name, limits)
