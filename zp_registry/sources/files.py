"""Reading a report file, by its content and never by its ending."""

from __future__ import annotations

import hashlib
from pathlib import Path

from zp_registry.errors import FileRefused
from zp_registry.sources.columns import cell_text, text_column
from zp_registry.sources.delimited import decode, looks_like_json, read_csv, read_json
from zp_registry.sources.limits import ReadLimits
from zp_registry.sources.tables import RawTable, ReportFile
from zp_registry.sources.workbooks import OLE2, ole_format, read_workbook, zip_format

__all__ = ["ReadLimits", "head", "read_bytes", "read_file", "text_column"]

_FOREIGN = (
    (b"%PDF", "PDF"),
    (b"\x89PNG", "图片"),
    (b"\xff\xd8\xff", "图片"),
    (b"GIF8", "图片"),
    (b"Rar!", "RAR 压缩包"),
    (b"7z\xbc\xaf", "7z 压缩包"),
    (b"\x1f\x8b", "gzip 压缩包"),
    (b"{\\rtf", "RTF 文档"),
)


def read_file(path: Path, limits: ReadLimits | None = None) -> ReportFile:
    """Reads the file once and parses those bytes, so that a file that changes meanwhile cannot mix. Raises
    FileRefused, OSError."""
    limits = limits or ReadLimits()
    if path.stat().st_size > limits.max_bytes:
        raise FileRefused("FILE_TOO_LARGE", path.name, detail=f"{path.stat().st_size} 字节")
    return read_bytes(path.name, path.read_bytes(), limits)


def read_bytes(name: str, data: bytes, limits: ReadLimits | None = None) -> ReportFile:
    """The same for bytes at hand."""
    limits = limits or ReadLimits()
    if len(data) > limits.max_bytes:
        raise FileRefused("FILE_TOO_LARGE", name, detail=f"{len(data)} 字节")
    form, encoding, tables, warnings = _parse(name, data, limits)
    if not any(t.n_rows for t in tables):
        raise FileRefused("FILE_EMPTY", name)
    return ReportFile(name, hashlib.sha256(data).hexdigest(), len(data), form, encoding, tables, warnings)


def _parse(name: str, data: bytes, limits: ReadLimits) -> tuple[str, str, list[RawTable], list[tuple[str, str]]]:
    if not data.strip(b" \t\r\n\x00\xef\xbb\xbf"):
        raise FileRefused("FILE_EMPTY", name)
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        form = zip_format(data, name, limits)
        return form, "", read_workbook(data, name, form, limits), []
    if data.startswith(OLE2):
        form = ole_format(data, name)
        return form, "", read_workbook(data, name, form, limits), []
    for mark, what in _FOREIGN:
        if data.startswith(mark):
            raise FileRefused("FILE_FORMAT", name, detail=what)
    text, encoding, supposed = decode(data, name)
    if text.lstrip()[:200].lower().startswith(("<html", "<!doctype", "<?xml", "<table")):
        raise FileRefused("FILE_FORMAT", name, detail="网页或 XML")
    if "\x00" in text[:10000]:
        raise FileRefused("FILE_BROKEN", name, detail="不是文本文件")
    if looks_like_json(text):
        form, table = "jsonl", read_json(text, name, limits)
    else:
        form, table = "csv", read_csv(text, name, limits)
    return form, encoding, [table], [("ENCODING_GB18030", "")] if supposed else []


def head(table: RawTable, n: int) -> list[list[str]]:
    """The first ``n`` rows as text, for titles and headers; the header itself where the format has one."""
    if table.header is not None:
        return [list(table.header)]
    count = min(n, table.n_rows)
    columns = [[_head_cell(v) for v in _first(c, count)] for c in table.columns]
    return [list(r) for r in zip(*columns, strict=True)]


def _first(column: object, count: int) -> list[object]:
    import pyarrow as pa

    if isinstance(column, pa.Array | pa.ChunkedArray):
        return list(column.slice(0, count).to_pylist())
    return list(column[:count])  # type: ignore[index]


def _head_cell(value: object) -> str:
    return cell_text(value)  # type: ignore[arg-type]
