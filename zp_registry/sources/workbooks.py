"""Workbooks (xlsx, xls, xlsb, ods, WPS .et) by python-calamine, recognised by their content."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import python_calamine as calamine

from zp_registry.errors import FileRefused
from zp_registry.sources.limits import ReadLimits
from zp_registry.sources.tables import Column, RawTable

OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


def zip_format(data: bytes, name: str, limits: ReadLimits) -> str:
    """xlsx, xlsb or ods. FileRefused for a damaged, encrypted, oversized or foreign archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        raise FileRefused("FILE_BROKEN", name, detail="压缩包结构不完整") from None
    if sum(e.file_size for e in entries) > limits.max_unpacked:
        raise FileRefused("FILE_TOO_LARGE", name, detail="解压后过大")
    if any(e.flag_bits & 1 for e in entries):
        raise FileRefused("FILE_ENCRYPTED", name)
    names = {e.filename for e in entries}
    if "xl/workbook.bin" in names:
        return "xlsb"
    if any(n.startswith("xl/") and n.endswith("workbook.xml") for n in names) or "xl/workbook.xml" in names:
        return "xlsx"
    if "content.xml" in names and "mimetype" in names:
        return "ods"
    raise FileRefused("FILE_FORMAT", name, detail="压缩包中没有工作簿")


def ole_format(data: bytes, name: str) -> str:
    """xls (also WPS .et, which is one). FileRefused for an encrypted workbook or another kind of document."""
    if _ENCRYPTED in data:
        raise FileRefused("FILE_ENCRYPTED", name)
    if not any(w.encode("utf-16-le") in data for w in ("Workbook", "Book", "WORKBOOK", "BOOK")):
        raise FileRefused("FILE_FORMAT", name, detail="不是电子表格")
    return "xls"


def read_workbook(data: bytes, name: str, form: str, limits: ReadLimits) -> list[RawTable]:
    """Every worksheet, hidden ones marked, with the row numbers that a spreadsheet program shows."""
    try:
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        sheets = [m for m in book.sheets_metadata if m.typ == calamine.SheetTypeEnum.WorkSheet]
        if len(sheets) > limits.max_sheets:
            raise FileRefused("FILE_TOO_LARGE", name, detail=f"{len(sheets)} 个工作表")
        return [_sheet(book, m, name, limits) for m in sheets]
    except (FileRefused, KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except calamine.PasswordError:
        raise FileRefused("FILE_ENCRYPTED", name) from None
    except Exception as error:
        if form == "xlsx" and not isinstance(error, calamine.ZipError):
            return _by_openpyxl(data, name, limits)
        raise FileRefused("FILE_BROKEN", name, detail=_plain(error)) from None
    except BaseException as error:  # a panic inside calamine is no Exception
        raise FileRefused("FILE_BROKEN", name, detail=f"读取程序中止（{type(error).__name__}）") from None


def _sheet(book: calamine.CalamineWorkbook, meta: Any, name: str, limits: ReadLimits) -> RawTable:
    sheet = book.get_sheet_by_name(meta.name)
    hidden = meta.visible != calamine.SheetVisibleEnum.Visible
    if sheet.height == 0 or sheet.start is None:
        return RawTable(meta.name, [], hidden=hidden)
    if sheet.height > limits.max_rows or sheet.width > limits.max_columns:
        raise FileRefused("FILE_TOO_LARGE", name, sheet=meta.name, detail=f"{sheet.height} 行 {sheet.width} 列")
    rows = sheet.to_python(skip_empty_area=True)
    return RawTable(meta.name, _columns(rows), hidden=hidden, first_row=sheet.start[0] + 1)


def _columns(rows: list[list[Any]]) -> list[Column]:
    return [list(c) for c in zip(*rows, strict=False)] if rows else []


def _by_openpyxl(data: bytes, name: str, limits: ReadLimits) -> list[RawTable]:
    """The slow way, for the rare workbook that calamine cannot read; FileRefused when this cannot either."""
    import openpyxl

    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=False, data_only=True)
        tables = []
        for ws in book.worksheets:
            if ws.max_row > limits.max_rows or ws.max_column > limits.max_columns:
                raise FileRefused("FILE_TOO_LARGE", name, sheet=ws.title, detail=f"{ws.max_row} 行 {ws.max_column} 列")
            tables.append(
                RawTable(
                    ws.title, _columns([list(r) for r in ws.iter_rows(values_only=True)]), hidden=ws.sheet_state != "visible"
                )
            )
        return tables
    except FileRefused:
        raise
    except Exception as error:
        raise FileRefused("FILE_BROKEN", name, detail=_plain(error)) from None


def _plain(error: Exception) -> str:
    """The kind of an error; its text could hold cell values."""
    return type(error).__name__
