"""Workbooks written straight as XML: ten times as fast as cell objects, and the same bytes for the same content."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from .base import Obj

_EPOCH = dt.date(1899, 12, 30)
_DATE_STYLE = 1
_STAMP = (2026, 1, 1, 0, 0, 0)
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PKG = "http://schemas.openxmlformats.org/package/2006"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_CHUNK = 20_000
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_STYLES = (
    f'<styleSheet xmlns="{_MAIN}"><fonts count="1"><font><sz val="11"/><name val="宋体"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="2"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="14" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="常规" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


@dataclass
class Sheet:
    """Rows above the data, the data by columns, rows below, merged ranges (``A1:B2``)."""

    name: str
    top: list[list[object]]
    columns: list[Obj]
    below: list[list[object]] = field(default_factory=list)
    merges: list[str] = field(default_factory=list)
    hidden: bool = False


def letters(k: int) -> str:
    """Column letters of a column number from 0."""
    out = ""
    k += 1
    while k:
        k, rest = divmod(k - 1, 26)
        out = chr(65 + rest) + out
    return out


def _cell(letter: str, row: int, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return f'<c r="{letter}{row}"><v>{value!r}</v></c>'
    if isinstance(value, dt.date):
        return f'<c r="{letter}{row}" s="{_DATE_STYLE}"><v>{(value - _EPOCH).days}</v></c>'
    shown = escape(_ILLEGAL.sub("", str(value)))
    keep = ' xml:space="preserve"' if shown != shown.strip() or "\n" in shown else ""
    return f'<c r="{letter}{row}" t="inlineStr"><is><t{keep}>{shown}</t></is></c>'


def _rows(rows: list[list[object]], start: int) -> str:
    return "".join(
        f'<row r="{start + i}">' + "".join(_cell(letters(k), start + i, v) for k, v in enumerate(row)) + "</row>"
        for i, row in enumerate(rows)
    )


def _sheet_xml(out: zipfile.ZipFile, path: str, sheet: Sheet) -> None:
    n = len(sheet.columns[0]) if sheet.columns else 0
    first = len(sheet.top) + 1
    info = zipfile.ZipInfo(path, _STAMP)
    info.compress_type = zipfile.ZIP_DEFLATED
    names = [letters(k) for k in range(len(sheet.columns))]
    with out.open(info, "w", force_zip64=True) as body:
        body.write(f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>{_rows(sheet.top, 1)}'.encode())
        for low in range(0, n, _CHUNK):
            high = min(low + _CHUNK, n)
            numbers = range(first + low, first + high)
            parts = [
                [_cell(a, r, v) for r, v in zip(numbers, c[low:high].tolist(), strict=True)]
                for a, c in zip(names, sheet.columns, strict=True)
            ]
            body.write(
                "".join(
                    f'<row r="{r}">{"".join(cells)}</row>' for r, cells in zip(numbers, zip(*parts, strict=True), strict=True)
                ).encode()
            )
        body.write(f"{_rows(sheet.below, first + n)}</sheetData>".encode())
        if sheet.merges:
            body.write(
                (
                    f'<mergeCells count="{len(sheet.merges)}">'
                    + "".join(f'<mergeCell ref="{m}"/>' for m in sheet.merges)
                    + "</mergeCells>"
                ).encode()
            )
        body.write(b"</worksheet>")


def _relations(targets: list[tuple[str, str]]) -> str:
    items = "".join(f'<Relationship Id="rId{i}" Type="{_REL}/{t}" Target="{p}"/>' for i, (t, p) in enumerate(targets, 1))
    return f'<Relationships xmlns="{_PKG}/relationships">{items}</Relationships>'


def write(path: Path, sheets: list[Sheet]) -> None:
    """Write a workbook. Dates become real date cells, numbers number cells, everything else text."""
    numbers = range(1, len(sheets) + 1)
    hide = [' state="hidden"' if s.hidden else "" for s in sheets]
    entries = "".join(
        f'<sheet name={quoteattr(s.name)} sheetId="{i}"{h} r:id="rId{i}"/>'
        for i, s, h in zip(numbers, sheets, hide, strict=True)
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PKG}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        + "".join(
            f'<Override PartName="/xl/{name}.xml" ContentType="{_KIND}.{kind}+xml"/>'
            for name, kind in [
                ("workbook", "sheet.main"),
                ("styles", "styles"),
                *((f"worksheets/sheet{i}", "worksheet") for i in numbers),
            ]
        )
        + "</Types>",
        "_rels/.rels": _relations([("officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_REL}"><sheets>{entries}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _relations(
            [*(("worksheet", f"worksheets/sheet{i}.xml") for i in numbers), ("styles", "styles.xml")]
        ),
        "xl/styles.xml": _STYLES,
    }
    with zipfile.ZipFile(path, "w") as out:
        for name, content in parts.items():
            info = zipfile.ZipInfo(name, _STAMP)
            info.compress_type = zipfile.ZIP_DEFLATED
            out.writestr(info, _HEAD + content)
        for i, sheet in enumerate(sheets, 1):
            _sheet_xml(out, f"xl/worksheets/sheet{i}.xml", sheet)
