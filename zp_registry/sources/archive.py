"""Zip archives with a workbook inside: which kind, whether they are whole, and how far the written cells of a sheet reach.

The extent is looked at before the workbook library is: it lays out a sheet from the first to the last written cell, so one
stray cell in the last row and column would end the whole process for want of memory.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator

from zp_registry.errors import FileRefused
from zp_registry.sources.limits import ReadLimits

_CHUNK = 4 << 20
_OVERLAP = 256  # bytes of a chunk seen again with the next one: more than a cell's tag has
_ROWS = 1_048_576  # a spreadsheet program has no more


class _Cells:
    """How cells are found that write their places between these quotes. Patterns begin with plain text, which is found many
    times quicker than a choice."""

    def __init__(self, quote: bytes) -> None:
        self.place = b"r=" + quote
        self.far = re.compile(self.place + rb"(?:[A-Z]{2}|[A-Z][0-9]{7})")
        # Written cells only: one without a value is closed in its tag, or holds nothing.
        written = quote + rb"[^>/]*>(?=\s*<[^/])"
        self.column = re.compile(self.place + rb"([A-Z]{2,3})[0-9]+" + written)
        self.far_row = re.compile(self.place + rb"[A-Z]{1,3}([0-9]{7,})" + written)
        self.row = re.compile(self.place + rb"[A-Z]{1,3}([0-9]+)" + written)


_CELLS = (_Cells(b'"'), _Cells(b"'"))
_ODS_TAG = re.compile(rb"<table:(table-row|table-cell|covered-table-cell|table)(?=[\s>/])[^>]*>")
_ODS_ROWS = re.compile(rb'number-rows-repeated="(\d+)"')
_ODS_COLUMNS = re.compile(rb'number-columns-repeated="(\d+)"')


def zip_format(data: bytes, name: str, limits: ReadLimits) -> str:
    """xlsx, xlsb or ods. FileRefused for a damaged, encrypted, oversized or foreign archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if sum(e.file_size for e in entries) > limits.max_unpacked:
                raise FileRefused("FILE_TOO_LARGE", name, detail="解压后过大")
            if any(e.flag_bits & 1 for e in entries):
                raise FileRefused("FILE_ENCRYPTED", name)
            form = _kind(archive)
            if form == "ods" and _ods_encrypted(archive):
                raise FileRefused("FILE_ENCRYPTED", name)
            if not form:
                raise FileRefused("FILE_FORMAT", name, detail="压缩包中没有工作簿")
            for entry in entries:
                _look(archive, entry, form, name, limits)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, NotImplementedError, struct.error, IndexError,
            RuntimeError):
        raise FileRefused("FILE_BROKEN", name, detail="压缩包结构不完整") from None
    return form


def _kind(archive: zipfile.ZipFile) -> str:
    names = {n.replace("\\", "/").lower() for n in archive.namelist()}
    if "xl/workbook.bin" in names:
        return "xlsb"
    if any(n.rsplit("/", 1)[-1].startswith("workbook") and n.endswith(".xml") for n in names):
        return "xlsx"
    return "ods" if {"content.xml", "mimetype"} <= names and b"spreadsheet" in archive.read("mimetype") else ""


def _ods_encrypted(archive: zipfile.ZipFile) -> bool:
    return "META-INF/manifest.xml" in archive.namelist() and b"encryption-data" in archive.read("META-INF/manifest.xml")


def _look(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, form: str, name: str, limits: ReadLimits) -> None:
    """Unpacks an entry to its end, which checks its length and checksum; refuses a sheet that reaches too far."""
    with archive.open(entry) as stream:
        pieces = iter(lambda: stream.read(_CHUNK), b"")
        rows = columns = 0
        if form == "ods" and entry.filename == "content.xml":
            rows, columns = _ods_extent(b"".join(pieces))
        elif "worksheets/" in entry.filename and entry.filename.endswith(".xml"):
            rows, columns = _xlsx_extent(pieces, limits)
        elif "worksheets/" in entry.filename and entry.filename.endswith(".bin"):
            rows, columns = _xlsb_extent(b"".join(pieces))
        for _ in pieces:
            pass
    if too_large := limits.excess(rows, columns):
        raise FileRefused("FILE_TOO_LARGE", name, detail=too_large)


def _xlsx_extent(pieces: Iterator[bytes], limits: ReadLimits) -> tuple[int, int]:
    """(rows, columns) of a sheet; rows are only counted where there are so many columns that they matter."""
    columns, rows, tail = 26, 0, b""
    for piece in pieces:
        text = tail + piece
        for cells in _CELLS:
            many = columns * _ROWS > limits.max_cells
            if cells.place in text and (many or cells.far.search(text)):
                columns = max([columns, *map(_column_number, set(cells.column.findall(text)))])
                many = columns * _ROWS > limits.max_cells
                rows = max([rows, *map(int, (cells.row if many else cells.far_row).findall(text))])
        tail = text[-_OVERLAP:]
    return rows, columns if columns > 26 else 1


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _xlsb_extent(data: bytes) -> tuple[int, int]:
    """The same for the binary form: records of a kind and a length, 7 bits a byte; kind 0 begins a row, 2 to 11 are cells."""
    at = row = rows = columns = 0
    while at < len(data):
        kind = data[at]
        at += 1
        if kind & 0x80:
            kind = kind & 0x7F | (data[at] & 0x7F) << 7
            at += 1
        size = shift = 0
        while True:
            byte = data[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80 or shift > 21:
                break
        if kind == 0 and size >= 4:
            row = int.from_bytes(data[at:at + 4], "little") + 1
        elif 2 <= kind <= 11 and size >= 4:
            rows, columns = max(rows, row), max(columns, int.from_bytes(data[at:at + 4], "little") + 1)
        at += size
    return rows, columns


def _ods_extent(data: bytes) -> tuple[int, int]:
    """The largest number of rows and of columns, up to written cells, that any sheet has once repetitions are laid out."""
    rows = columns = row = repeat = column = 0
    for match in _ODS_TAG.finditer(data):
        tag = match.group(0)
        if match.group(1) == b"table":
            row = repeat = 0
        elif match.group(1) == b"table-row":
            row, column = row + repeat, 0
            repeat = _times(_ODS_ROWS, tag)
        else:
            column += _times(_ODS_COLUMNS, tag)
            if b"value-type=" in tag:
                rows, columns = max(rows, row + repeat), max(columns, column)
    return rows, columns


def _times(pattern: re.Pattern[bytes], tag: bytes) -> int:
    found = pattern.search(tag)
    return int(found.group(1)) if found else 1
