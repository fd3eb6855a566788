"""What the reading process hands over: a report's tables as Arrow streams behind a JSON head, in shared memory.

``length of the head (8) | head | streams``. Columns come as text (see :class:`TextCells`): what the next step would make of
the cells is made where they were read, so that crossing over costs a copy and nothing more. Nothing here can run code, and
what arrives is checked before it is believed.
"""

from __future__ import annotations

import hashlib
import json
import mmap
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from zp_registry.errors import FileRefused
from zp_registry.sources.columns import text_column
from zp_registry.sources.limits import ReadLimits
from zp_registry.sources.tables import Column, RawTable, ReportFile, TextCells

_LENGTH = 8
_TEXT = pa.large_string()
_BATCH = 1 << 20  # rows
# What a result that was not written here ends in.
BROKEN = (ValueError, LookupError, TypeError, AttributeError, OSError, RecursionError, OverflowError, pa.ArrowException)


def write_packed(file: ReportFile, out: IO[bytes], limits: ReadLimits) -> None:
    """Writes ``file`` to ``out``. FileRefused: FILE_TOO_LARGE where a cell is longer than any that people write."""
    head: dict[str, Any] = {
        "name": file.name, "sha256": file.sha256, "size": file.size, "format": file.format, "encoding": file.encoding,
        "warnings": file.warnings, "tables": [],
    }  # fmt: skip
    streams: list[pa.Table] = []
    for table in file.tables:
        head["tables"].append({
            "sheet": table.sheet, "hidden": table.hidden, "first_row": table.first_row, "header": table.header,
            "columns": len(table.columns), "numbered": table.numbers is not None,
        })  # fmt: skip
        streams.append(_arrow(table))
        longest = max((pc.max(pc.binary_length(t)).as_py() or 0 for t in streams[-1].columns if t.type == _TEXT), default=0)
        if longest > limits.max_cell:
            raise FileRefused("FILE_TOO_LARGE", file.name, sheet=table.sheet, detail=f"有 {longest} 字节的单元格")
    written = json.dumps(head).encode()
    out.write(len(written).to_bytes(_LENGTH, "little") + written)
    for stream in streams:
        with pa.ipc.new_stream(out, stream.schema) as writer:
            writer.write_table(stream, max_chunksize=_BATCH)


def _arrow(table: RawTable) -> pa.Table:
    arrays: dict[str, pa.Array] = {}
    for i, column in enumerate(table.columns):
        cells = _text(column)
        table.columns[i] = []  # the cells themselves are no longer needed: their memory is
        arrays[f"t{i}"] = cells.text
        for name, marks in (("l", cells.lossy), ("n", cells.number)):
            if marks.any():
                arrays[f"{name}{i}"] = pa.array(marks)
    if table.numbers is not None:
        arrays["row"] = pa.array(table.numbers, pa.int64())
    return pa.table(arrays)


def _text(column: Column) -> TextCells:
    made = text_column(column)
    text = pa.array(made.text, _TEXT, from_pandas=True) if isinstance(made.text, pd.Series) else made.text
    return TextCells(text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text, made.lossy, made.number)


def read_packed(memory: mmap.mmap) -> ReportFile:
    """The report in ``memory``; the columns lie in it and are not copied. BROKEN: not in the form that :func:`write_packed`
    writes."""
    view = memoryview(memory)
    end = _LENGTH + int.from_bytes(view[:_LENGTH], "little")
    head = json.loads(bytes(view[_LENGTH:end]))
    source = pa.BufferReader(pa.py_buffer(view)[end:])
    tables = [_table(told, pa.ipc.open_stream(source).read_all()) for told in head["tables"]]
    warnings = [(str(code), str(detail)) for code, detail in head["warnings"]]
    said = json.dumps([head["format"], head["warnings"], head["tables"]], sort_keys=True).encode()
    content = hashlib.sha256(hashlib.sha256(said).digest() + hashlib.sha256(view[end:]).digest()).hexdigest()
    return ReportFile(str(head["name"]), str(head["sha256"]), int(head["size"]), str(head["format"]), str(head["encoding"]),
                      tables, warnings, content)


def _table(told: dict[str, Any], arrow: pa.Table) -> RawTable:
    arrow.validate(full=True)
    flat = {name: _one(arrow.column(name)) for name in arrow.column_names}
    columns: list[Column] = []
    for i in range(int(told["columns"])):
        text = flat[f"t{i}"]
        if text.type != _TEXT:
            raise TypeError("a column that is no text")
        columns.append(TextCells(text, _marks(flat.get(f"l{i}"), len(text)), _marks(flat.get(f"n{i}"), len(text))))
    numbers = flat["row"].to_pylist() if told["numbered"] else None
    header = [str(h) for h in told["header"]] if told["header"] is not None else None
    return RawTable(str(told["sheet"]), columns, bool(told["hidden"]), int(told["first_row"]), numbers, header)


def _one(column: Any) -> Any:
    if column.num_chunks == 1:
        return column.chunk(0)
    return column.combine_chunks() if column.num_chunks else pa.array([], column.type)


def _marks(array: Any, length: int) -> npt.NDArray[np.bool_]:
    marks: npt.NDArray[np.bool_] = np.zeros(length, dtype=bool) if array is None else array.to_numpy(zero_copy_only=False)
    return marks
