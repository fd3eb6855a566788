"""Files that cannot be kept: each with a code, none with a crash, and never a part of it as if it were the whole."""

from __future__ import annotations

import io
import random
import zipfile
from pathlib import Path

import pytest
import xlwt
from containers import ods, ole2, with_password, xls_stream, xlsb, zipped
from test_read_workbooks import FORMATS, Cells

from zp_registry.errors import FileRefused
from zp_registry.quarantine.codes import severity
from zp_registry.sources import ReadLimits, head, read_bytes, read_file, text_column

MANY: Cells = {(row, column): f"某商行{row}" if column else float(row) for row in range(200) for column in range(3)}


def old_book() -> xlwt.Workbook:
    book = xlwt.Workbook()
    sheet = book.add_sheet("名单")
    for (row, column), value in MANY.items():
        sheet.write(row, column, value)
    return book


def refused(data: bytes, limits: ReadLimits | None = None) -> FileRefused:
    with pytest.raises(FileRefused) as caught:
        read_bytes("名单", data, limits)
    assert severity(caught.value.code) == "file"
    return caught.value


def altered(data: bytes, name: str, content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return zipped({n: content if n == name else archive.read(n) for n in archive.namelist()})


XLSX = FORMATS["xlsx"](MANY)
SHEET = "xl/worksheets/sheet1.xml"


def encrypted_zip() -> bytes:
    """The flag of an encrypted entry, in its own head and in the directory."""
    data = bytearray(zipped({"xl/workbook.xml": "x"}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


CASES = {
    "nothing": (b"", "FILE_EMPTY"),
    "blanks": (b" \r\n\t\n", "FILE_EMPTY"),
    "a mark only": (b"\xef\xbb\xbf", "FILE_EMPTY"),
    "commas only": (b",,,\n,,,\n", "FILE_EMPTY"),
    "an empty list": (b"[]", "FILE_EMPTY"),
    "no items": (b'{"items": []}', "FILE_EMPTY"),
    "a workbook without cells": (FORMATS["xlsx"]({}), "FILE_EMPTY"),
    "a workbook of blanks": (FORMATS["xlsx"]({(0, 0): " ", (3, 1): "\n"}), "FILE_EMPTY"),
    "half a zip": (XLSX[: len(XLSX) // 2], "FILE_BROKEN"),
    "a zip without its end": (XLSX[:-30], "FILE_BROKEN"),
    "bad xml": (altered(XLSX, SHEET, b"<worksheet><sheetData><row r='1'><c r='A1'"), "FILE_BROKEN"),
    "no sheet inside": (zipped({"xl/workbook.xml": "<workbook/>"}), "FILE_BROKEN"),
    "half an xls": (FORMATS["xls"](MANY)[:9000], "FILE_BROKEN"),
    "nulls only": (b"\x00" * 5000, "FILE_BROKEN"),
    "a null in a csv": ("编号,名称\n1,某\x00商行\n".encode(), "FILE_BROKEN"),
    "a null far behind": (b"a,b\n" * 50_000 + b"1,\x00\n", "FILE_BROKEN"),
    "neither encoding": ("编号,名称\n".encode("gb18030") + b"\xff\xff\n", "FILE_BROKEN"),
    "damaged utf-8": ("编号,名称\n某商行,1\n".encode() * 50 + b"\xe5\n", "FILE_BROKEN"),
    "utf-8 cut in a character": ("编号,名称\n某商行".encode()[:-1], "FILE_BROKEN"),
    "a wrong mark": (b"\xef\xbb\xbf" + "名称".encode("gb18030"), "FILE_BROKEN"),
    "an open quotation mark": ('编号,名称\n1,"某商行\n2,又一商行\n3,第三\n'.encode(), "FILE_BROKEN"),
    "an open quotation mark, ragged": ('编号,名称\n1\n2,"又一商行\n3,第三\n'.encode(), "FILE_BROKEN"),
    "half a line of json": (b'{"a": 1}\n{"a": 2', "FILE_BROKEN"),
    "a list in json lines": (b'{"a": 1}\n[1, 2]\n', "FILE_BROKEN"),
    "a list of numbers": (b'{"data": [1, 2]}', "FILE_BROKEN"),
    "json without end": (b'{"a":' * 100_000, "FILE_BROKEN"),
    "a number without end": (b'{"a":' + b"9" * 5000 + b"}", "FILE_BROKEN"),
    "an encrypted xlsx": (ole2({"EncryptionInfo": b"x", "EncryptedPackage": b"x" * 9000}), "FILE_ENCRYPTED"),
    "an encrypted xls": (ole2({"Workbook": with_password(xls_stream(old_book()))}), "FILE_ENCRYPTED"),
    "an encrypted ods": (ods({"一": [["x"]]}, encrypted=True), "FILE_ENCRYPTED"),
    "an encrypted zip": (encrypted_zip(), "FILE_ENCRYPTED"),
    "pdf": (b"%PDF-1.7\n...", "FILE_FORMAT"),
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(50), "FILE_FORMAT"),
    "jpeg": (b"\xff\xd8\xff\xe0" + bytes(50), "FILE_FORMAT"),
    "doc": (ole2({"WordDocument": b"x" * 9000}), "FILE_FORMAT"),
    "docx": (zipped({"word/document.xml": "<w/>", "[Content_Types].xml": "<Types/>"}), "FILE_FORMAT"),
    "odt": (zipped({"content.xml": "<x/>", "mimetype": "application/vnd.oasis.opendocument.text"}), "FILE_FORMAT"),
    "html as xls": ("<html><table><tr><td>编号</td></tr></table></html>".encode(), "FILE_FORMAT"),
    "xml as xls": (b'\xef\xbb\xbf<?xml version="1.0"?><Workbook/>', "FILE_FORMAT"),
    "anything": (bytes(range(1, 256)) * 8, "FILE_FORMAT"),
}


@pytest.mark.parametrize("what", CASES)
def test_every_refusal_has_its_code(what: str) -> None:
    data, code = CASES[what]
    assert refused(data).code == code


def test_a_refusal_says_where_and_never_what_stands_there() -> None:
    quote = refused('编号,名称\n1,某商行\n2,"密某\n3,丙\n'.encode())
    assert (quote.row, "密某" in str(quote)) == (3, False)
    line = refused('{"名称": "甲"}\n\n{"名称": "密某"\n'.encode())
    assert (line.row, "密某" in str(line)) == (3, False)


def test_limits_of_bytes_and_of_what_they_unpack_to(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n" * 100)
    read_file(path, ReadLimits(max_bytes=400))
    with pytest.raises(FileRefused, match="FILE_TOO_LARGE"):
        read_file(path, ReadLimits(max_bytes=399))
    bomb = altered(XLSX, SHEET, b"<worksheet>" + b" " * 30_000_000 + b"</worksheet>")
    assert len(bomb) < 100_000
    assert refused(bomb, ReadLimits(max_unpacked=10_000_000)).code == "FILE_TOO_LARGE"


def test_an_archive_that_lies_about_its_size_is_broken() -> None:
    data = bytearray(altered(XLSX, SHEET, b"<worksheet>" + b" " * 3_000_000 + b"</worksheet>"))
    at = data.index(SHEET.encode(), data.index(b"PK\x01\x02")) - 46  # its entry in the directory
    data[at + 24:at + 28] = (100).to_bytes(4, "little")
    assert refused(bytes(data), ReadLimits(max_unpacked=1_000_000)).code == "FILE_BROKEN"


@pytest.mark.parametrize(("data", "limits"), [
    (b"a,b\n" * 5, ReadLimits(max_rows=4)), (b"a,b\n" * 5, ReadLimits(max_columns=1)),
    (b"a\na,b\n" * 5, ReadLimits(max_rows=4)), (b'{"a":1}\n' * 5, ReadLimits(max_rows=4)),
    (b'[{"a":1},{"b":2}]', ReadLimits(max_columns=1)),
    (b"," * 700, ReadLimits())])
def test_limits_of_text_files(data: bytes, limits: ReadLimits) -> None:
    assert refused(data, limits).code == "FILE_TOO_LARGE"


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_cut_off_anywhere_is_never_taken_for_a_whole_one(form: str) -> None:
    data = FORMATS[form](MANY)
    whole = [list(c) for c in read_bytes("a", data).tables[0].columns]
    for length in range(8, len(data), max(len(data) // 60, 1)):
        try:
            got = read_bytes("a", data[:length])
        except FileRefused as error:
            assert error.code in ("FILE_BROKEN", "FILE_FORMAT")  # noqa: PT017
        else:
            assert [list(c) for c in got.tables[0].columns] == whole, f"cut at {length}"


@pytest.mark.parametrize("form", FORMATS)
def test_a_damaged_file_ends_in_a_refusal_and_not_in_a_crash(form: str) -> None:
    """Damaged inside of the container too: a zip's checksums would hide how the parts are read."""
    rng = random.Random(form)
    data = ole2({"Workbook": xls_stream(old_book())}) if form == "xls" else FORMATS[form](MANY)
    parts: dict[str, bytes] = {}
    if form != "xls":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = {n: archive.read(n) for n in archive.namelist()}
    for _ in range(60):
        name = rng.choice(sorted(parts) or [""])
        spoilt = bytearray(parts.get(name, data))
        for _ in range(rng.choice((1, 3, 20))):
            spoilt[rng.randrange(len(spoilt))] = rng.randrange(256)
        try:
            file = read_bytes("a", zipped({**parts, name: bytes(spoilt)}) if parts else bytes(spoilt))
        except FileRefused:
            continue
        for table in file.tables:
            head(table, 30)
            assert {len(text_column(c).text) for c in table.columns} <= {table.n_rows}


def test_counts_that_a_damaged_xls_makes_up_do_not_eat_the_memory() -> None:
    stream = bytearray(xls_stream(old_book()))
    sizes = stream.index(b"\x00\x02\x0e\x00", 1000)  # the sheet's extent
    stream[sizes + 4:sizes + 18] = b"\xff" * 4 * 2 + b"\xff\xff" * 2 + b"\x00\x00"
    stream[sizes + 4:sizes + 8] = bytes(4)
    stream[sizes + 12:sizes + 14] = bytes(2)
    assert refused(ole2({"Workbook": bytes(stream)})).code == "FILE_BROKEN"
    stream = bytearray(xls_stream(old_book()))
    strings = stream.index(b"\xfc\x00")
    stream[strings + 8:strings + 12] = b"\xff\xff\xff\x7f"
    assert refused(ole2({"Workbook": bytes(stream)})).code == "FILE_BROKEN"


def test_an_xlsb_row_that_is_far_away_is_found_in_the_middle_of_others() -> None:
    rows: dict[int, dict[int, str | float]] = {0: {0: "x"}, 900_000: {300: "y"}, 900_001: {0: "z"}}
    assert refused(xlsb("名单", rows)).detail == "900002 行 301 列"
