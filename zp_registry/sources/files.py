"""Reading a report file, by its content and never by its ending."""

from __future__ import annotations

import hashlib
from pathlib import Path

from zp_registry.errors import FileRefused
from zp_registry.sources.archive import zip_format
from zp_registry.sources.columns import first_texts, is_blank, text_column
from zp_registry.sources.delimited import read_csv
from zp_registry.sources.encodings import decode
from zp_registry.sources.jsonlines import looks_like_json, read_json
from zp_registry.sources.limits import ReadLimits
from zp_registry.sources.ole import OLE2, ole_format
from zp_registry.sources.tables import RawTable, ReportFile
from zp_registry.sources.workbooks import read_workbook

__all__ = ["ReadLimits", "head", "read_bytes", "read_file", "text_column"]

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_FOREIGN = (
    (b"%PDF", "PDF"), (b"\x89PNG", "图片"), (b"\xff\xd8\xff", "图片"), (b"GIF8", "图片"), (b"RIFF", "图片或媒体文件"),
    (b"II*\x00", "图片"), (b"MM\x00*", "图片"), (b"Rar!", "RAR 压缩包"), (b"7z\xbc\xaf\x27\x1c", "7z 压缩包"),
    (b"\x1f\x8b", "gzip 压缩包"), (b"{\\rtf", "RTF 文档"), (b"MZ\x90", "程序"), (b"\x7fELF", "程序"),
    (b"SQLite format 3", "数据库"))
_MARKUP = ("<html", "<!doctype", "<?xml", "<table", "<meta", "<head", "<style", "mime-version:")
_CONTROLS = bytes(set(range(32)) - set(b"\x00\t\n\v\f\r\x1a\x1b"))


def read_file(path: Path, limits: ReadLimits | None = None) -> ReportFile:
    """Reads the file once and parses those bytes, so that a file that changes meanwhile cannot mix.

    Raises FileRefused (codes of severity ``file``), OSError."""
    limits = limits or ReadLimits()
    with path.open("rb") as file:
        return read_bytes(path.name, file.read(limits.max_bytes + 1), limits)


def read_bytes(name: str, data: bytes, limits: ReadLimits | None = None) -> ReportFile:
    """The same for bytes at hand."""
    limits = limits or ReadLimits()
    if len(data) > limits.max_bytes:
        raise FileRefused("FILE_TOO_LARGE", name, detail=f"超过 {limits.max_bytes} 字节")
    form, encoding, tables, warnings = _parse(name, data, limits)
    if all(is_blank(column) for table in tables for column in table.columns):
        raise FileRefused("FILE_EMPTY", name)
    return ReportFile(name, hashlib.sha256(data).hexdigest(), len(data), form, encoding, tables, warnings)


def _parse(name: str, data: bytes, limits: ReadLimits) -> tuple[str, str, list[RawTable], list[tuple[str, str]]]:
    if not data:
        raise FileRefused("FILE_EMPTY", name)
    if data.startswith((*_ZIP, OLE2)):
        form = workbook_format(data, name, limits)
        return form, "", read_workbook(data, name, form, limits), []
    for mark, what in _FOREIGN:
        if data.startswith(mark):
            raise FileRefused("FILE_FORMAT", name, detail=what)
    if not data.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16
        if _is_binary(data[:8192]):
            raise FileRefused("FILE_FORMAT", name, detail="不是表格也不是文本")
        if b"\x00" in data:
            raise FileRefused("FILE_BROKEN", name, detail="含有空字节")
    text, encoding, supposed = decode(data, name)
    if text.lstrip()[:200].lower().startswith(_MARKUP):
        raise FileRefused("FILE_FORMAT", name, detail="网页或 XML")
    if "\x00" in text:
        raise FileRefused("FILE_BROKEN", name, detail="含有空字节")
    if looks_like_json(text):
        form, table = "jsonl", read_json(text, name, limits)
    else:
        form, table = "csv", read_csv(text, name, limits)
    return form, encoding, [table], [("ENCODING_GB18030", "")] if supposed else []


def workbook_format(data: bytes, name: str, limits: ReadLimits) -> str:
    """xlsx, xlsb, ods or xls. FileRefused, also for whatever is no workbook."""
    if not data:
        raise FileRefused("FILE_EMPTY", name)
    if not data.startswith((*_ZIP, OLE2)):
        raise FileRefused("FILE_FORMAT", name, detail="不是工作簿")
    return (ole_format if data.startswith(OLE2) else zip_format)(data, name, limits)


def _is_binary(start: bytes) -> bool:
    """Whether so many control characters stand in it that it is no text."""
    controls = len(start) - len(start.translate(None, _CONTROLS))
    return controls > 32 and controls > len(start) // 20


def head(table: RawTable, n: int) -> list[list[str]]:
    """The first ``n`` rows as text, for titles and headers; the header itself where the format has one."""
    if table.header is not None:
        return [list(table.header)]
    columns = [first_texts(c, n) for c in table.columns]
    return [list(row) for row in zip(*columns, strict=True)]
