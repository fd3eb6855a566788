"""Reading workbooks: the cells, the sheets and the row numbers that a spreadsheet program shows, whatever the container."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import re
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
import xlwt
from containers import ods, ole2, xls_stream, xlsb, zipped

from zp_registry.errors import FileRefused
from zp_registry.sources import ReadLimits, ReportFile, head, read_bytes, read_file, text_column

# From C4 on, with a blank row between: nothing may move it to row 1 or to column A.
CELLS = {(3, 2): "账号编号", (3, 3): "名称", (4, 2): 12345678.0, (4, 3): "某商行", (6, 2): 7.5, (6, 3): "某 & 某"}
Cells = dict[tuple[int, int], str | float]


def as_xlsx(cells: Cells) -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.title = "名单"
    for (row, column), value in cells.items():
        book.active.cell(row + 1, column + 1, value)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def as_xls(cells: Cells) -> bytes:
    book = xlwt.Workbook()
    sheet = book.add_sheet("名单")
    for (row, column), value in cells.items():
        sheet.write(row, column, value)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def as_xlsb(cells: Cells) -> bytes:
    rows: dict[int, dict[int, str | float]] = {}
    for (row, column), value in cells.items():
        rows.setdefault(row, {})[column] = value
    return xlsb("名单", rows)


def as_ods(cells: Cells) -> bytes:
    height, width = (max(at) + 1 for at in zip(*cells, strict=True))
    return ods({"名单": [[cells.get((row, column)) for column in range(width)] for row in range(height)]})


FORMATS: dict[str, Callable[[Cells], bytes]] = {"xlsx": as_xlsx, "xls": as_xls, "xlsb": as_xlsb, "ods": as_ods}


def texts(file: ReportFile, table: int = 0) -> dict[tuple[int, int], str]:
    """(row number, column position from 1) → text of every written cell."""
    found = file.tables[table]
    rows = found.row_numbers()
    return {(int(rows[i]), k): value for k, column in enumerate(found.columns, start=1)
            for i, value in enumerate(text_column(column).text) if isinstance(value, str)}


@pytest.mark.parametrize("form", FORMATS)
def test_cells_stand_where_the_spreadsheet_program_shows_them(form: str, tmp_path: Path) -> None:
    path = tmp_path / "report.anything"
    path.write_bytes(FORMATS[form](CELLS))
    file = read_file(path)
    assert file.format == form
    assert (file.tables[0].sheet, file.tables[0].hidden) == ("名单", False)
    assert texts(file) == {(4, 3): "账号编号", (4, 4): "名称", (5, 3): "12345678", (5, 4): "某商行", (7, 3): "7.5",
                           (7, 4): "某 & 某"}
    assert head(file.tables[0], 2) == [["", "", "账号编号", "名称"], ["", "", "12345678", "某商行"]]
    assert (file.name, file.size) == ("report.anything", path.stat().st_size)
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("name", ["名单.et", "名单.xlsx", "名单.csv", "名单"])
def test_the_ending_of_a_name_decides_nothing(name: str) -> None:
    assert read_bytes(name, as_xls(CELLS)).format == "xls"
    assert read_bytes(name, as_xlsx(CELLS)).format == "xlsx"
    assert read_bytes(name, "编号,名称\n1,某商行\n".encode()).format == "csv"
    assert read_bytes(name, b'{"a":1}\n').format == "jsonl"


def test_hidden_sheets_are_known_and_charts_are_no_sheets() -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active["A1"] = "看得见"
    for state in ("hidden", "veryHidden"):
        sheet = book.create_sheet(state)
        sheet.sheet_state = state
        sheet["A3"] = "看不见"
    book.create_chartsheet("图")
    book.create_sheet("空")
    out = io.BytesIO()
    book.save(out)
    file = read_bytes("a", out.getvalue())
    assert [(t.sheet, t.hidden, t.first_row, t.n_rows) for t in file.tables] == [
        ("Sheet", False, 1, 1), ("hidden", True, 3, 1), ("veryHidden", True, 3, 1), ("空", False, 1, 0)]
    old = xlwt.Workbook()
    for name, visibility in (("一", 0), ("二", 1), ("三", 2)):
        sheet = old.add_sheet(name)
        sheet.visibility = visibility
        sheet.write(0, 0, "x")
    assert [t.hidden for t in read_bytes("a", ole2({"Workbook": xls_stream(old)})).tables] == [False, True, True]
    assert read_bytes("a", xlsb("名单", {0: {0: "x"}}, hidden=True)).tables[0].hidden


def test_a_merged_header_stands_in_its_first_cell_only() -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active["A1"], book.active["A2"], book.active["B2"] = "主体", "名称", "证照"
    book.active.merge_cells("A1:B1")
    out = io.BytesIO()
    book.save(out)
    assert head(read_bytes("a", out.getvalue()).tables[0], 5) == [["主体", ""], ["名称", "证照"]]


def test_numbers_dates_and_booleans_of_a_workbook_as_text() -> None:
    values = ["0012", 10012345, 411324199001011234, 1e15, 999_999_999_999_999, 0.1 + 0.2, True, dt.date(2024, 3, 1),
              dt.datetime.fromisoformat("2024-03-01 12:30:59"), dt.time(8, 5), dt.timedelta(hours=30), "4.11324E+17", None]
    book = openpyxl.Workbook()
    assert book.active is not None
    for row, value in enumerate(values, start=1):
        book.active.cell(row, 1, value)
    out = io.BytesIO()
    book.save(out)
    got = text_column(read_bytes("a", out.getvalue()).tables[0].columns[0])
    assert [t if isinstance(t, str) else None for t in got.text] == [
        "0012", "10012345", got.text[2], "1000000000000000", "999999999999999", "0.3", "TRUE", "2024-03-01",
        "2024-03-01 12:30:59", "08:05:00", "30:00:00", "4.11324E+17"]
    assert re.fullmatch("411324199001011[0-9]{3}", got.text[2])
    assert [i for i, lossy in enumerate(got.lossy) if lossy] == [2, 3, 11]
    assert [i for i, number in enumerate(got.number) if number] == [1, 2, 3, 4, 5]


def test_an_excel_date_of_an_xls_is_a_date() -> None:
    book = xlwt.Workbook()
    book.add_sheet("一").write(0, 0, dt.date(2023, 5, 6), xlwt.easyxf(num_format_str="yyyy/m/d"))
    assert texts(read_bytes("a", ole2({"Workbook": xls_stream(book)}))) == {(1, 1): "2023-05-06"}


def test_a_workbook_that_the_fast_reader_cannot_open_is_read_by_the_other() -> None:
    """Some programs call the main part workbook2.xml, which the standard allows."""
    with zipfile.ZipFile(io.BytesIO(as_xlsx(CELLS))) as archive:
        members = {n.replace("workbook.xml", "workbook2.xml"): archive.read(n).replace(b"xl/workbook.xml", b"xl/workbook2.xml")
                   for n in archive.namelist()}
    assert texts(read_bytes("a", zipped(members))) == texts(read_bytes("a", as_xlsx(CELLS)))


@pytest.mark.parametrize("form", ["xlsx", "xlsb", "ods"])
def test_a_stray_cell_far_away_is_refused_before_it_eats_the_memory(form: str) -> None:
    if form == "ods":
        data = ods('<table:table table:name="一"><table:table-row table:number-rows-repeated="1048576"><table:table-cell '
                   'office:value-type="string" table:number-columns-repeated="16384"><text:p>x</text:p></table:table-cell>'
                   "</table:table-row></table:table>")
    else:
        data = FORMATS[form]({(0, 0): "x", (1_048_575, 16_383): "y"})
    with pytest.raises(FileRefused) as caught:
        read_bytes("a", data)
    assert (caught.value.code, caught.value.detail) == ("FILE_TOO_LARGE", "1048576 行 16384 列")


def test_formatted_cells_without_a_value_do_not_make_a_sheet_large() -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active["A1"] = "x"
    book.active["XFD1048576"].number_format = "0.00"
    out = io.BytesIO()
    book.save(out)
    assert texts(read_bytes("a", out.getvalue())) == {(1, 1): "x"}


@pytest.mark.parametrize("form", FORMATS)
def test_limits_of_rows_columns_cells_and_sheets(form: str) -> None:
    data = FORMATS[form](CELLS)  # reaches to row 7, column 4
    read_bytes("a", data, ReadLimits(max_rows=7, max_columns=4, max_cells=28, max_sheets=1))
    for tight in (ReadLimits(max_rows=6), ReadLimits(max_columns=3), ReadLimits(max_cells=27), ReadLimits(max_sheets=0),
                  ReadLimits(max_bytes=len(data) - 1)):
        with pytest.raises(FileRefused) as caught:
            read_bytes("a", data, tight)
        assert caught.value.code == "FILE_TOO_LARGE"


@pytest.mark.office
@pytest.mark.parametrize(("form", "kind"), [("ods", "ods"), ("xls", "xls"), ("xlsx", "xlsx")])
def test_files_saved_by_libreoffice_read_the_same(soffice: str, tmp_path: Path, form: str, kind: str) -> None:
    source = tmp_path / "名单.fods.xlsx"
    source.write_bytes(as_xlsx(CELLS))
    subprocess.run([soffice, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", form, "--outdir",
                    str(tmp_path / "out"), str(source)], check=True, timeout=120, stdout=subprocess.DEVNULL)
    saved = read_file(tmp_path / "out" / f"名单.fods.{form}")
    assert (saved.format, texts(saved)) == (kind, texts(read_file(source)))
