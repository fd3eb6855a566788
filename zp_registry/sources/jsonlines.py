"""JSON Lines, and JSON lists of objects: nested objects become dotted columns, lists stay one column of JSON text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import chain
from operator import itemgetter
from typing import Any, TypeAlias

import orjson
import pyarrow as pa

from zp_registry.errors import FileRefused
from zp_registry.sources.columns import EXACT, whole_characters
from zp_registry.sources.limits import ReadLimits
from zp_registry.sources.tables import Column, RawTable

_LISTS = ("items", "data")
_TEXT = pa.large_string()
_Cells: TypeAlias = pa.Array | Sequence[Any]
_Found = dict[str, _Cells]  # by dotted path


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
    out = RecordColumns()
    out.add(records)
    return out.table(name, limits, sheet=sheet, numbers=numbers)


class RecordColumns:
    """Records taken apart as they come, so that those of a long list need not be kept."""

    def __init__(self) -> None:
        self.count = 0
        self._too_deep = False
        self._found: dict[str, tuple[list[_Cells], int]] = {}  # pieces, and how many records they are of

    def add(self, records: Sequence[dict[str, Any]]) -> None:
        """The next records."""
        page: _Found = {}
        try:
            _fill(page, records, "")
        except RecursionError:
            self._too_deep = True
        for path, cells in page.items():
            pieces, length = self._found.get(path, ([], 0))
            if length < self.count:
                pieces.append(pa.nulls(self.count - length, _TEXT))
            pieces.append(cells)
            self._found[path] = pieces, self.count + len(records)
        self.count += len(records)

    def table(self, name: str, limits: ReadLimits, *, sheet: str = "", numbers: list[int] | None = None) -> RawTable:
        """All of them. FileRefused: FILE_BROKEN (nested too deeply), FILE_TOO_LARGE."""
        if self._too_deep:
            raise FileRefused("FILE_BROKEN", name, detail="JSON 嵌套过深")
        if too_large := limits.excess(self.count, len(self._found)):
            raise FileRefused("FILE_TOO_LARGE", name, detail=too_large)
        columns = {path: self._column(*found) for path, found in self._found.items()}
        inner = {path.rpartition(".")[0] for path in columns}
        for path in inner & columns.keys():  # nothing but null where other records have an object
            if isinstance(column := columns[path], pa.Array) and column.null_count == self.count:
                del columns[path]
        return RawTable(sheet, list(columns.values()), numbers=numbers, header=list(columns))

    def _column(self, pieces: list[_Cells], length: int) -> Column:
        if length < self.count:
            pieces = [*pieces, pa.nulls(self.count - length, _TEXT)]
        if all(isinstance(piece, pa.Array) for piece in pieces):
            return pa.concat_arrays(pieces)
        out: list[Any] = []
        for piece in pieces:
            out += piece.to_pylist() if isinstance(piece, pa.Array) else piece
        return out


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


def _fill(out: _Found, records: Sequence[dict[str, Any]], prefix: str) -> None:
    """Adds cells by dotted path, None where a record has none; a column at a time, since most columns hold text alone."""
    for key, cells in by_key(records):
        if type(next(filter(None, cells), "")) is str and (text := _text(cells)) is not None:
            out[prefix + key] = text
            continue
        types = set(map(type, cells))
        if list in types:
            cells = [_list(v) if type(v) is list else v for v in cells]
            if types <= {list, str, type(None)} and (text := _text(cells)) is not None:
                out[prefix + key] = text
                continue
        if int in types:  # JSON writes all digits: nothing is lost
            cells = [str(v) if type(v) is int and abs(v) >= EXACT else v for v in cells]
        if dict not in types:
            out[prefix + key] = cells
            continue
        if types - {dict, type(None)}:  # else: null for an object
            out[prefix + key] = [None if type(v) is dict else v for v in cells]
        _fill(out, [v if type(v) is dict else {} for v in cells], f"{prefix}{key}.")


def _text(cells: Sequence[Any]) -> pa.Array | None:
    """The cells as a column, if they are text and whole characters; it costs much to find out that they are not."""
    try:
        return pa.array(cells, _TEXT)
    except (pa.ArrowTypeError, pa.ArrowInvalid, UnicodeEncodeError):
        return None


def by_key(records: Sequence[dict[str, Any]]) -> Iterable[tuple[str, Sequence[Any]]]:
    """The values of each key, None where a record has none; keys in the order in which they were first seen."""
    keys = tuple(next(filter(None, records), ()))
    if len(keys) > 1 and set(map(len, records)) <= {len(keys), 0}:
        # Most lists: all records have the same keys, or none at all.
        nothing = dict.fromkeys(keys)
        with suppress(KeyError):
            rows = list(map(itemgetter(*keys), [record or nothing for record in records]))
            return zip(keys, zip(*rows, strict=True), strict=True)
    every = dict.fromkeys(chain.from_iterable(records))
    return [(key, [record.get(key) for record in records]) for key in every]


def _list(value: list[Any]) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # halves of characters, whole numbers beyond 64 bits
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
