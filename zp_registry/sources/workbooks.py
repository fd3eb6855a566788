"""Workbooks (xlsx, xls, xlsb, ods, WPS .et) by python-calamine; openpyxl for the rare xlsx that calamine cannot read."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import python_calamine as calamine

from zp_registry.errors import FileRefused
from zp_registry.sources.limits import ReadLimits
from zp_registry.sources.tables import Column, RawTable


def read_workbook(data: bytes, name: str, form: str, limits: ReadLimits) -> list[RawTable]:
    """Every worksheet, hidden ones marked, with the row numbers that a spreadsheet program shows; chart and macro sheets are
    none. ``form`` as :func:`zip_format` or :func:`ole_format` say. FileRefused: FILE_ENCRYPTED, FILE_BROKEN, FILE_TOO_LARGE."""
    try:
        with calamine.CalamineWorkbook.from_filelike(io.BytesIO(data)) as book:
            sheets = [m for m in book.sheets_metadata if m.typ == calamine.SheetTypeEnum.WorkSheet]
            if len(sheets) > limits.max_sheets:
                raise FileRefused("FILE_TOO_LARGE", name, detail=f"{len(sheets)} 个工作表")
            return [_sheet(book, m, name, limits) for m in sheets]
    except (FileRefused, KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except calamine.PasswordError:
        raise FileRefused("FILE_ENCRYPTED", name) from None
    except Exception as error:
        if form == "xlsx":
            return _by_openpyxl(data, name, limits)
        raise FileRefused("FILE_BROKEN", name, detail=_plain(error)) from None
    except BaseException as error:  # a panic inside calamine is no Exception
        raise FileRefused("FILE_BROKEN", name, detail=f"读取程序中止（{type(error).__name__}）") from None


def read_cells(data: bytes, name: str, limits: ReadLimits) -> list[tuple[str, list[list[Any]]]]:
    """Every sheet of a workbook, hidden ones too, as rows of cells from A1 on, as JSON can carry them: dates and times as
    ``["d", ISO text]``, ``["t", …]``. FileRefused as :func:`read_workbook`, and FILE_EMPTY, FILE_FORMAT."""
    from zp_registry.sources.files import workbook_format

    form = workbook_format(data, name, limits)
    try:
        with calamine.CalamineWorkbook.from_filelike(io.BytesIO(data)) as book:
            if len(book.sheet_names) > limits.max_sheets:
                raise FileRefused("FILE_TOO_LARGE", name, detail=f"{len(book.sheet_names)} 个工作表")
            return [(n, [[_json(c) for c in row] for row in book.get_sheet_by_name(n).to_python(skip_empty_area=False)])
                    for n in book.sheet_names]
    except (FileRefused, KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except calamine.PasswordError:
        raise FileRefused("FILE_ENCRYPTED", name) from None
    except BaseException as error:  # a panic inside calamine is no Exception
        raise FileRefused("FILE_BROKEN", name, detail=f"{form}：{type(error).__name__}") from None


def _json(cell: Any) -> Any:
    if isinstance(cell, dt.datetime):
        return ["D", cell.isoformat()]
    if isinstance(cell, dt.date):
        return ["d", cell.isoformat()]
    return cell if cell is None or isinstance(cell, str | int | float | bool) else ["t", str(cell)]


def _sheet(book: calamine.CalamineWorkbook, meta: Any, name: str, limits: ReadLimits) -> RawTable:
    sheet = book.get_sheet_by_name(meta.name)
    hidden = meta.visible != calamine.SheetVisibleEnum.Visible
    if sheet.height == 0 or sheet.start is None:
        return RawTable(meta.name, [], hidden=hidden)
    first_row, first_column = sheet.start
    if too_large := limits.excess(first_row + sheet.height, first_column + sheet.width):
        raise FileRefused("FILE_TOO_LARGE", name, sheet=meta.name, detail=too_large)
    columns = _columns(sheet.to_python(skip_empty_area=True))
    before: list[Column] = [[None] * sheet.height] * first_column  # calamine leaves out what stands before the first cell
    return RawTable(meta.name, before + columns, hidden=hidden, first_row=first_row + 1)


def _columns(rows: list[Any]) -> list[Column]:
    return list(zip(*rows, strict=True)) if rows else []


def _by_openpyxl(data: bytes, name: str, limits: ReadLimits) -> list[RawTable]:
    import openpyxl

    try:
        book = openpyxl.load_workbook(io.BytesIO(data), data_only=True)
        if len(book.worksheets) > limits.max_sheets:
            raise FileRefused("FILE_TOO_LARGE", name, detail=f"{len(book.worksheets)} 个工作表")
        tables = []
        for sheet in book.worksheets:
            if too_large := limits.excess(sheet.max_row, sheet.max_column):
                raise FileRefused("FILE_TOO_LARGE", name, sheet=sheet.title, detail=too_large)
            columns = _columns(list(sheet.iter_rows(values_only=True)))
            tables.append(RawTable(sheet.title, columns, hidden=sheet.sheet_state != "visible"))
        return tables
    except FileRefused:
        raise
    except Exception as error:
        raise FileRefused("FILE_BROKEN", name, detail=_plain(error)) from None


def _plain(error: Exception) -> str:
    """The kind of an error; its text could hold cell values."""
    return type(error).__name__
