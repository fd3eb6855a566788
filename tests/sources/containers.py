"""Files made by hand, byte by byte, where no library writes them: ods, xlsb, OLE2 containers, encrypted workbooks."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

import xlwt

Rows = Sequence[Sequence[str | float | None]]
_NS = "urn:oasis:names:tc:opendocument:xmlns:"
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def zipped(members: Mapping[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def ods(sheets: Mapping[str, Rows] | str, *, encrypted: bool = False) -> bytes:
    """``sheets``: name → rows from A1 on, or the XML of the tables. Empty rows and cells are written as LibreOffice does."""
    body = sheets if isinstance(sheets, str) else "".join(
        f'<table:table table:name="{name}">' + "".join(map(_ods_row, rows))
        + '<table:table-row table:number-rows-repeated="1048000"><table:table-cell table:number-columns-repeated="16384"/>'
        "</table:table-row></table:table>" for name, rows in sheets.items())
    content = (f'<?xml version="1.0" encoding="UTF-8"?><office:document-content xmlns:office="{_NS}office:1.0" '
               f'xmlns:table="{_NS}table:1.0" xmlns:text="{_NS}text:1.0"><office:body><office:spreadsheet>{body}'
               "</office:spreadsheet></office:body></office:document-content>")
    inside = "<manifest:encryption-data/>" if encrypted else ""
    return zipped({
        "mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": content,
        "META-INF/manifest.xml": f'<manifest:manifest xmlns:manifest="{_NS}manifest:1.0"><manifest:file-entry '
                                 f'manifest:full-path="content.xml">{inside}</manifest:file-entry></manifest:manifest>'})


def _ods_row(row: Sequence[str | float | None]) -> str:
    return "<table:table-row>" + ("".join(map(_ods_cell, row)) or "<table:table-cell/>") + "</table:table-row>"


def _ods_cell(value: str | float | None) -> str:
    if value is None:
        return "<table:table-cell/>"
    if isinstance(value, str):
        return f'<table:table-cell office:value-type="string"><text:p>{escape(value)}</text:p></table:table-cell>'
    return f'<table:table-cell office:value-type="float" office:value="{value}"><text:p>{value}</text:p></table:table-cell>'


def xlsb(name: str, rows: Mapping[int, Mapping[int, str | float]], *, hidden: bool = False) -> bytes:
    """One sheet; ``rows``: row index from 0 → column index from 0 → value."""
    columns = [c for row in rows.values() for c in row]
    book = (_record(131) + _record(143) + _record(156, struct.pack("<II", int(hidden), 1) + _wide("rId1") + _wide(name))
            + _record(144) + _record(132))
    dimension = struct.pack("<4I", min(rows), max(rows), min(columns), max(columns))
    cells = b"".join(
        _record(0, struct.pack("<IIHHBI", row, 0, 300, 0, 0, 0)) + b"".join(_xlsb_cell(c, v) for c, v in values.items())
        for row, values in rows.items())
    sheet = _record(129) + _record(148, dimension) + _record(145) + cells + _record(146) + _record(130)
    rels = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{}</Relationships>'
    return zipped({
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension='
                               '"bin" ContentType="application/vnd.ms-excel.sheet.binary.macroEnabled.main"/></Types>',
        "_rels/.rels": rels.format(f'<Relationship Id="r" Type="{_REL}/officeDocument" Target="xl/workbook.bin"/>'),
        "xl/workbook.bin": book,
        "xl/_rels/workbook.bin.rels": rels.format(
            f'<Relationship Id="rId1" Type="{_REL}/worksheet" Target="worksheets/sheet1.bin"/>'),
        "xl/worksheets/sheet1.bin": sheet})


def _xlsb_cell(column: int, value: str | float) -> bytes:
    start = struct.pack("<II", column, 0)
    return _record(6, start + _wide(value)) if isinstance(value, str) else _record(5, start + struct.pack("<d", value))


def _wide(text: str) -> bytes:
    return struct.pack("<I", len(text.encode("utf-16-le")) // 2) + text.encode("utf-16-le")


def _record(kind: int, data: bytes = b"") -> bytes:
    head = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
    size, length = len(data), bytearray()
    while True:
        length.append(size & 0x7F | (0x80 if size > 0x7F else 0))
        size >>= 7
        if not size:
            return head + bytes(length) + data


def ole2(streams: Mapping[str, bytes]) -> bytes:
    """A compound file of a few streams, each at least 4096 bytes long (shorter ones are filled up)."""
    sector, end = 512, 0xFFFFFFFE
    fat, body, entries = [0xFFFFFFFD, end], b"", [_entry("Root Entry", 5, end, 0, child=1)]
    for number, (name, data) in enumerate(streams.items(), start=1):
        data = data.ljust(4096, b"\0")
        count, first = -(-len(data) // sector), len(fat)
        fat += [*range(first + 1, first + count), end]
        body += data.ljust(count * sector, b"\0")
        entries.append(_entry(name, 2, first, len(data), right=number + 1 if number < len(streams) else 0xFFFFFFFF))
    assert len(fat) <= 128, "one sector of the table is enough for tests"
    assert len(entries) <= 4
    header = (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6) + bytes(10)
              + struct.pack("<8I", 1, 1, 0, 4096, end, 0, end, 0)[:32] + struct.pack("<I", 0) + b"\xff" * 4 * 108)
    table = struct.pack(f"<{len(fat)}I", *fat).ljust(sector, b"\xff")
    return header + table + b"".join(entries).ljust(sector, b"\0") + body


def _entry(name: str, kind: int, first: int, size: int, *, child: int = 0xFFFFFFFF, right: int = 0xFFFFFFFF) -> bytes:
    wide = name.encode("utf-16-le")
    return (wide.ljust(64, b"\0") + struct.pack("<HBB3I", len(wide) + 2, kind, 1, 0xFFFFFFFF, right, child) + bytes(36)
            + struct.pack("<IQ", first, size))


def xls_stream(book: xlwt.Workbook) -> bytes:
    """The bare BIFF8 stream."""
    return bytes(book.get_biff_data())


def with_password(stream: bytes) -> bytes:
    """The same BIFF8 stream with the mark of an encrypted one (FILEPASS, RC4) behind its first record."""
    at = 4 + struct.unpack_from("<H", stream, 2)[0]
    return stream[:at] + struct.pack("<HHHHH", 0x2F, 54, 1, 1, 1) + bytes(48) + stream[at:]
