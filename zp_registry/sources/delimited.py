"""Text files: csv (UTF-8, GB18030, UTF-16) and JSON Lines."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv

from zp_registry.errors import FileRefused
from zp_registry.sources.limits import ReadLimits
from zp_registry.sources.tables import Column, RawTable

_DELIMITERS = (",", "\t", ";", "|")


def decode(data: bytes, name: str) -> tuple[str, str, bool]:
    """Text, encoding, and whether GB18030 had to be supposed: strict UTF-8 first, since Chinese UTF-8 can pass for GB18030."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            try:
                return data.decode(encoding), encoding, False
            except UnicodeDecodeError:
                raise FileRefused("FILE_BROKEN", name, detail="编码标记与内容不符") from None
    try:
        return data.decode("utf-8"), "utf-8", False
    except UnicodeDecodeError:
        pass
    try:
        return fold_private(data.decode("gb18030")), "gb18030", True
    except UnicodeDecodeError as error:
        raise FileRefused("FILE_BROKEN", name, detail=f"第 {error.start + 1} 个字节起既不是 UTF-8 也不是 GB18030") from None


def fold_private(text: str) -> str:
    """Characters that GB18030 once put into the private-use area, as the ones that Unicode has for them today."""
    return text.translate(_PRIVATE_USE) if any("\ue000" <= c <= "\uf8ff" for c in set(text)) else text


# GB18030-2005's private-use code points of characters that Unicode took in later.
_PRIVATE_USE = {
    0xE78D: 0xFE10,
    0xE78E: 0xFE12,
    0xE78F: 0xFE11,
    0xE790: 0xFE13,
    0xE791: 0xFE14,
    0xE792: 0xFE15,
    0xE793: 0xFE16,
    0xE794: 0xFE17,
    0xE795: 0xFE18,
    0xE796: 0xFE19,
    0xE7C7: 0x1E3F,
    0xE81E: 0x9FB4,
    0xE826: 0x9FB5,
    0xE82B: 0x9FB6,
    0xE82C: 0x9FB7,
    0xE832: 0x9FB8,
    0xE843: 0x9FB9,
    0xE854: 0x9FBA,
    0xE864: 0x9FBB,
}


def looks_like_json(text: str) -> bool:
    """True when the text begins as an object or a list of objects."""
    start = text[:2000].lstrip()
    return start.startswith("{") or (start.startswith("[") and start[1:].lstrip()[:1] in ("{", "]"))


def read_csv(text: str, name: str, limits: ReadLimits) -> RawTable:
    """A csv as one table without sheet name; a record is a row, whatever line breaks stand inside its values."""
    delimiter = _delimiter(text)
    columns = _fast(text, delimiter)
    if columns is None:
        columns = _slow(text, delimiter, name)
    if len(columns) > limits.max_columns or (columns and len(columns[0]) > limits.max_rows):
        raise FileRefused("FILE_TOO_LARGE", name, detail=f"{len(columns[0]) if columns else 0} 行 {len(columns)} 列")
    return RawTable("", columns)


def _delimiter(text: str) -> str:
    """The delimiter that stands most often in the first lines."""
    first = [line for line in text[:20000].splitlines()[:20] if line.strip()]
    counts = {d: sum(line.count(d) for line in first) for d in _DELIMITERS}
    best = max(_DELIMITERS, key=lambda d: counts[d])
    return best if counts[best] else ","


def _fast(text: str, delimiter: str) -> list[Column] | None:
    """By Arrow; None where lines are ragged or quoting is loose."""
    if "\x00" in text:
        return None
    try:
        table = pacsv.read_csv(
            io.BytesIO(text.encode("utf-8")),
            read_options=pacsv.ReadOptions(autogenerate_column_names=True, block_size=1 << 26, use_threads=False),
            parse_options=pacsv.ParseOptions(delimiter=delimiter, newlines_in_values=True, ignore_empty_lines=False),
            convert_options=pacsv.ConvertOptions(strings_can_be_null=False, auto_dict_encode=False, column_types=_AllText()),
        )
    except (pa.ArrowInvalid, pa.ArrowCapacityError):
        return None
    if any(not (pa.types.is_string(c.type) or pa.types.is_large_string(c.type)) for c in table.columns):
        return None
    return [c.combine_chunks() if isinstance(c, pa.ChunkedArray) else c for c in table.columns]


class _AllText(dict[str, pa.DataType]):
    """Every column as text: names are made by Arrow (f0, f1, …), so that enough of them are named in advance."""

    def __init__(self) -> None:
        super().__init__({f"f{i}": pa.string() for i in range(600)})


def _slow(text: str, delimiter: str, name: str) -> list[Column]:
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise FileRefused("FILE_BROKEN", name, detail=str(error)) from None
    width = max((len(r) for r in rows), default=0)
    return [[r[i] if i < len(r) else None for r in rows] for i in range(width)]


def read_json(text: str, name: str, limits: ReadLimits) -> RawTable:
    """JSON Lines (or one list of objects, bare or in ``items``/``data``): nested objects become dotted columns,
    lists stay JSON."""
    records, numbers = _records(text, name)
    if len(records) > limits.max_rows:
        raise FileRefused("FILE_TOO_LARGE", name, detail=f"{len(records)} 行")
    flat = [_flatten(r) for r in records]
    header = list(dict.fromkeys(key for r in flat for key in r))
    if len(header) > limits.max_columns:
        raise FileRefused("FILE_TOO_LARGE", name, detail=f"{len(header)} 列")
    return RawTable("", [[r.get(key) for r in flat] for key in header], numbers=numbers, header=header)


def _records(text: str, name: str) -> tuple[list[dict[str, Any]], list[int]]:
    try:
        whole = json.loads(text)
    except json.JSONDecodeError:
        whole = None
    if whole is not None:
        listed = (
            whole
            if isinstance(whole, list)
            else next((whole[k] for k in ("items", "data") if isinstance(whole.get(k), list)), [whole])
        )
        if all(isinstance(r, dict) for r in listed):
            return listed, list(range(1, len(listed) + 1))
        raise FileRefused("FILE_BROKEN", name, detail="JSON 中不是逐条的记录")
    records, numbers = [], []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            raise FileRefused("FILE_BROKEN", name, detail="此行不是完整的 JSON", row=number) from None
        if not isinstance(record, dict):
            raise FileRefused("FILE_BROKEN", name, detail="此行不是 JSON 对象", row=number)
        records.append(record)
        numbers.append(number)
    return records, numbers


def _flatten(record: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in record.items():
        if isinstance(value, dict):
            out.update(_flatten(value, f"{prefix}{key}."))
        else:
            out[f"{prefix}{key}"] = json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value
    return out
