"""Files that are broken or made to do harm, by name: what each holds is made here, none is kept in the repository.

``python tests/security/hostile.py FOLDER`` writes all of them into a folder.
"""

from __future__ import annotations

import io
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1] / "sources"))

from containers import ods, ole2, with_password, xls_stream, zipped

_NS = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACK = "http://schemas.openxmlformats.org/package/2006"
_TYPES = (
    f'<Types xmlns="{_PACK}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'
)  # fmt: skip
_BOOK = f'<workbook {_NS} xmlns:r="{_REL}"><sheets><sheet name="名单" sheetId="1" r:id="rId1"/></sheets></workbook>'


def xlsx(sheet: bytes | str, *, book: str = _BOOK, more: dict[str, bytes | str] | None = None) -> bytes:
    """A workbook with this XML as its only sheet."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("[Content_Types].xml", _TYPES)
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{_PACK}/relationships"><Relationship Id="rId1" '
            f'Type="{_REL}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr("xl/workbook.xml", book)
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{_PACK}/relationships"><Relationship Id="rId1" '
            f'Type="{_REL}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        )
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
        for name, content in (more or {}).items():
            archive.writestr(name, content)
    return out.getvalue()


def cells(rows: list[list[str]], head: str = "") -> str:
    """A sheet of inline texts."""
    body = "".join(
        f'<row r="{r}">'
        + "".join(f'<c t="inlineStr" r="{chr(65 + c)}{r}"><is><t>{v}</t></is></c>' for c, v in enumerate(row))
        + "</row>"
        for r, row in enumerate(rows, 1)
    )
    return f"{head}<worksheet {_NS}><sheetData>{body}</sheetData></worksheet>"


def grid(rows: int, columns: int, text: str = "x") -> bytes:
    """A sheet of so many written cells."""
    cell = f'<c t="inlineStr"><is><t>{text}</t></is></c>'.encode()
    return (
        f"<worksheet {_NS}><sheetData>".encode() + (b"<row>" + cell * columns + b"</row>") * rows + b"</sheetData></worksheet>"
    )


LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a0 "ha">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    + "]>"
)
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/hostname">]>'


def _bomb_strings() -> bytes:
    return b"<sst " + _NS.encode() + b"><si><t>" + b"A" * (300 << 20) + b"</t></si></sst>"


def _zip_bomb() -> bytes:
    return xlsx(cells([["编号"]]), more={"xl/media/image1.bin": bytes(2200 << 20)})


def _slip() -> bytes:
    return xlsx(cells([["编号"], ["1"]]), more={"../../../../tmp/zp-slipped.xml": "x", "/etc/zp-slipped": "x"})


def _many_sheets() -> bytes:
    sheets = "".join(f'<sheet name="s{n}" sheetId="{n + 1}" r:id="rId1"/>' for n in range(200))
    return xlsx(cells([["a"]]), book=_BOOK.replace('<sheet name="名单" sheetId="1" r:id="rId1"/>', sheets))


def _far(row: int, column: str) -> bytes:
    return xlsx(
        f'<worksheet {_NS}><dimension ref="A1:{column}{row}"/><sheetData><row r="1"><c r="A1"><v>1</v></c></row>'
        f'<row r="{row}"><c r="{column}{row}"><v>1</v></c></row></sheetData></worksheet>'
    )


# name → (how it is made, codes that are right; "" = it may be loaded)
HOSTILE: dict[str, tuple[Callable[[], bytes], set[str]]] = {
    "a zip bomb": (_zip_bomb, {"FILE_TOO_LARGE"}),
    "one shared text of 300 MB": (lambda: xlsx(cells([["编号"]]), more={"xl/sharedStrings.xml": _bomb_strings()}),
                                  {"", "FILE_TOO_LARGE"}),
    "a cell of 100 MB": (lambda: xlsx(cells([["编号", "A" * (100 << 20)]])), {"FILE_TOO_LARGE"}),
    "a csv cell of 100 MB": (lambda: b"a,b\n1,\"" + b"x" * (100 << 20) + b"\"\n", {"FILE_TOO_LARGE"}),
    "a dimension of ten million rows": (lambda: _far(10_000_000, "B"), {"FILE_TOO_LARGE", "FILE_BROKEN"}),
    "the last cell there is": (lambda: _far(1_048_576, "XFD"), {"FILE_TOO_LARGE"}),
    "a dimension that is not there": (
        lambda: xlsx(cells([["编号"], ["1"]]).replace("<sheetData>", '<dimension ref="A1:XFD1048576"/><sheetData>')), {""}),
    "twenty million rows of csv": (lambda: b"a\n" * 20_000_000, {"FILE_TOO_LARGE"}),
    "ten thousand columns": (lambda: b"," * 10_000 + b"\n", {"FILE_TOO_LARGE"}),
    "two hundred sheets": (_many_sheets, {"FILE_TOO_LARGE", "FILE_BROKEN"}),
    "billion laughs in the sheet": (lambda: xlsx(cells([["&a9;"]], LAUGHS)), {"", "FILE_BROKEN", "FILE_EMPTY"}),
    "billion laughs in the book": (
        lambda: xlsx(cells([["a"]]), book=LAUGHS + _BOOK.replace("名单", "&a9;")), {"", "FILE_BROKEN"}),
    "an entity from outside": (lambda: xlsx(cells([["&x;"], ["1"]], OUTSIDE)), {"", "FILE_BROKEN"}),
    "an entity from outside in xml": (lambda: (OUTSIDE + "<a>&x;</a>").encode(), {"FILE_FORMAT"}),
    "deep tags": (lambda: xlsx(f"<worksheet {_NS}><sheetData>" + "<row>" * 200_000), {"FILE_BROKEN", "FILE_EMPTY"}),
    "deep json": (lambda: b'{"a":' * 200_000 + b"1" + b"}" * 200_000, {"FILE_BROKEN"}),
    "deep list in json": (lambda: b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}", {"FILE_BROKEN"}),
    "a long number in json": (lambda: b'{"a": ' + b"9" * 100_000 + b"}", {"FILE_BROKEN"}),
    "many keys in json": (lambda: b"{" + b",".join(b'"k%d":1' % n for n in range(100_000)) + b"}", {"FILE_TOO_LARGE"}),
    "zip slips": (_slip, {""}),
    "a zip in a zip": (lambda: zipped({"xl/workbook.xml": "<x/>", "inner.xlsx": xlsx(cells([["a"]])).hex()}), {"FILE_BROKEN"}),
    "formulas": (lambda: xlsx(cells([["编号", "名称"], ["=1+1", "=cmd|' /C calc'!A0"], ["+1", "@SUM(1)"]])), {""}),
    "mojibake": (lambda: "编号,名称\n1,镇平县玉器店\n".encode("gb18030").decode("latin-1").encode(), {""}),
    "nul bytes": (lambda: "编号,名称\n1,\0\0\n".encode(), {"FILE_BROKEN"}),
    "nul bytes in a sheet": (lambda: xlsx(cells([["编号", "a\0b"]])), {"", "FILE_BROKEN"}),
    "half surrogates in json": (lambda: b'{"a": "\\ud800"}', {""}),
    "right-to-left marks": (lambda: "编号,名称\n1,\u202egpj.exe\n".encode(), {""}),
    "utf-7": (lambda: b"+ADw-script+AD4-,x\n1,2\n", {""}),
    "a pdf called xlsx": (lambda: b"%PDF-1.7\n" + bytes(2000), {"FILE_FORMAT"}),
    "a csv called xls": (lambda: "编号\t名称\n1\t甲\n".encode("utf-16"), {""}),
    "html called xls": (lambda: b"<html><table><tr><td>1</td></tr></table></html>", {"FILE_FORMAT"}),
    "an encrypted workbook": (lambda: ole2({"EncryptionInfo": b"x", "EncryptedPackage": b"x" * 9000}), {"FILE_ENCRYPTED"}),
    "an encrypted xls": (lambda: ole2({"Workbook": with_password(xls_stream(_old()))}), {"FILE_ENCRYPTED"}),
    "an encrypted ods": (lambda: ods({"一": [["x"]]}, encrypted=True), {"FILE_ENCRYPTED"}),
    "a cut workbook": (lambda: (lambda d: d[: len(d) * 2 // 3])(xlsx(grid(500, 5))), {"FILE_BROKEN"}),
    "ods rows repeated": (lambda: ods_repeated(1_000_000_000), {"FILE_TOO_LARGE", ""}),
    "an ole file of circles": (lambda: circles(), {"FILE_BROKEN", "FILE_FORMAT"}),
    "a place that is none": (lambda: xlsx(_places("A0", "AAAAAAAAAA1", "1A", "", "A99999999999999999999")), {"", "FILE_BROKEN",
                                                                                                          "FILE_TOO_LARGE"}),
    "a shared text that is not there": (
        lambda: xlsx(f'<worksheet {_NS}><sheetData><row r="1"><c r="A1" t="s"><v>4000000000</v></c></row></sheetData>'
                     "</worksheet>", more={"xl/sharedStrings.xml": f"<sst {_NS}><si><t>a</t></si></sst>"}),
        {"", "FILE_BROKEN", "FILE_EMPTY"}),
    "numbers beyond all dates": (
        lambda: xlsx(_numbers("1e308", "-1e308", "99999999999", "NaN", "1e999999", "0x10"), more={"xl/styles.xml": _DATES}),
        {"", "FILE_BROKEN"}),
    "merged over everything": (
        lambda: xlsx(cells([["a"], ["1"]]).replace("</sheetData>", '</sheetData><mergeCells count="1">'
                                                   '<mergeCell ref="A1:XFD1048576"/></mergeCells>')), {""}),
    "one name twice in the zip": (lambda: _twice(), {"", "FILE_BROKEN"}),
    "a size that lies": (lambda: _lies(xlsx(grid(2000, 5))), {"FILE_BROKEN", "FILE_TOO_LARGE"}),
    "a cut xls": (lambda: (lambda d: d[: len(d) // 2])(ole2({"Workbook": xls_stream(_old())})), {"FILE_BROKEN"}),
    "an xls of lengths that lie": (
        lambda: ole2({"Workbook": _long_records(xls_stream(_old()))}), {"", "FILE_BROKEN", "FILE_EMPTY"}),
    "an xlsb of noise": (lambda: zipped({"xl/workbook.bin": bytes(range(256)) * 99, "[Content_Types].xml": _TYPES,
                                         "xl/worksheets/sheet1.bin": b"\xff" * 9999}), {"FILE_BROKEN", "FILE_EMPTY"}),
    "ods columns repeated": (lambda: ods_repeated(1, 1_000_000_000), {"FILE_TOO_LARGE"}),
    "ods rows fewer than none": (lambda: ods_repeated(-5), {"", "FILE_BROKEN", "FILE_EMPTY"}),
    "a quote without an end": (lambda: b'a,b\n1,"' + b"x,y\n" * 500_000, {"FILE_BROKEN", "FILE_TOO_LARGE", ""}),
    "half a character of utf-16": (lambda: "编号,名称\n1,甲\n".encode("utf-16")[:-1], {"", "FILE_BROKEN"}),
    "bytes of no encoding": (lambda: b"a,b\n" + bytes(range(128, 256)) * 20, {"", "FILE_BROKEN", "FILE_FORMAT"}),
    "json that is no number": (lambda: b'{"a": NaN, "b": Infinity, "c": 1e999}', {"", "FILE_BROKEN"}),
    "json twice the same key": (lambda: b'{"a": 1, "a": {"b": 2}, "a.b": 3}', {"", "FILE_BROKEN"}),
    "a relation that leads outside": (
        lambda: xlsx(cells([["a"], ["1"]]), more={"xl/externalLinks/externalLink1.xml": "<x/>"}), {""}),
}  # fmt: skip


_DATES = (
    f'<styleSheet {_NS}><cellXfs count="1"><xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>'
)  # fmt: skip


def _places(*places: str) -> str:
    """Cells that say they stand in these places."""
    body = "".join(f'<c r="{p}" t="inlineStr"><is><t>x</t></is></c>' for p in places)
    return f'<worksheet {_NS}><sheetData><row r="1">{body}</row></sheetData></worksheet>'


def _numbers(*values: str) -> str:
    body = "".join(f'<row r="{n}"><c r="A{n}" s="0"><v>{v}</v></c></row>' for n, v in enumerate(values, 1))
    return f"<worksheet {_NS}><sheetData>{body}</sheetData></worksheet>"


def _twice() -> bytes:
    """A workbook with another sheet under the same name behind the first."""
    out = io.BytesIO(xlsx(cells([["编号"], ["1"]])))
    with warnings.catch_warnings(), zipfile.ZipFile(out, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("xl/worksheets/sheet1.xml", cells([["编号"], ["2"]]))
    return out.getvalue()


def _lies(data: bytes) -> bytes:
    """Its directory says of every entry that it unpacks to one byte."""
    out, at = bytearray(data), data.index(b"PK\x01\x02")
    while at >= 0:
        out[at + 24 : at + 28] = (1).to_bytes(4, "little")
        at = data.find(b"PK\x01\x02", at + 4)
    return bytes(out)


def _long_records(stream: bytes) -> bytes:
    """Every tenth record says that it is as long as can be."""
    out, at, count = bytearray(stream), 0, 0
    while at + 4 <= len(stream):
        size, count = int.from_bytes(stream[at + 2 : at + 4], "little"), count + 1
        if count % 10 == 0:
            out[at + 2 : at + 4] = b"\xff\xff"
        at += 4 + size
    return bytes(out)


def _old() -> object:
    import xlwt

    book = xlwt.Workbook()
    sheet = book.add_sheet("名单")
    for row in range(300):
        sheet.write(row, 0, f"某商行{row}")
    return book


def ods_repeated(times: int, across: int = 1) -> bytes:
    """An ods whose one row stands there so many times, and its one cell so many times across."""
    content = (
        '<?xml version="1.0"?><office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">'
        f'<office:body><office:spreadsheet><table:table table:name="a"><table:table-row table:number-rows-repeated="{times}">'
        f'<table:table-cell office:value-type="string" table:number-columns-repeated="{across}"><text:p>x</text:p>'
        "</table:table-cell></table:table-row></table:table>"
        "</office:spreadsheet></office:body></office:document-content>"
    )
    manifest = '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    return zipped({"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": content,
                   "META-INF/manifest.xml": manifest})  # fmt: skip


def circles() -> bytes:
    """An OLE container whose sector chain leads back to itself."""
    data = bytearray(ole2({"Workbook": b"x" * 9000}))
    fat = 512 * (1 + int.from_bytes(data[76:80], "little"))
    for at in range(fat, fat + 512, 4):
        data[at : at + 4] = (1).to_bytes(4, "little")
    return bytes(data)


def made() -> Iterator[tuple[str, bytes, set[str]]]:
    """Every hostile file with its name and the codes that are right for it."""
    for name, (make, right) in HOSTILE.items():
        yield name, make(), right


if __name__ == "__main__":
    into = Path(sys.argv[1])
    into.mkdir(parents=True, exist_ok=True)
    for title, content, _ in made():
        (into / title.replace(" ", "-")).write_bytes(content)
