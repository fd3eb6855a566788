"""Tables to files: xlsx, xls, csv and JSON Lines, with titles, merged headers and footers. Same tables, same bytes."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from pathlib import Path

import numpy as np

from . import xlsx
from .base import Obj, fill
from .render import Table

XLS_ROWS = 65_000  # BIFF8 holds 65,536; a bigger report comes as xlsx


def _sheet(table: Table) -> xlsx.Sheet:
    shown = [table.shown.get(h, h) for h in table.headers]
    width = len(shown)
    # A header merged downwards stands in its first row only.
    leaf: list[object] = [
        None if any(k < len(g) and g[k] == shown[k] for g in table.groups) else shown[k] for k in range(width)
    ]
    columns = [table.columns[h] for h in table.headers]
    n = len(columns[0]) if columns else 0
    below: list[list[object]] = [[table.total.format(n=n)]] if table.total else []
    merges = list(table.merges)
    if table.sheet == "身份信息报送表":
        merges.append(f"A{table.first_row + n}:W{table.first_row + n}")
    return xlsx.Sheet(table.sheet, [*table.titles, *table.groups, leaf], columns, [*below, *table.below], merges, table.hidden)


def write_xlsx(path: Path, tables: list[Table]) -> None:
    """A workbook with one sheet per table."""
    xlsx.write(path, [_sheet(t) for t in tables])


def write_xls(path: Path, tables: list[Table]) -> None:
    """An Excel 97 workbook (BIFF8); needs xlwt."""
    try:
        import xlwt
    except ImportError as exc:
        raise RuntimeError("the pinduoduo layout is a BIFF8 workbook: install xlwt (it is in the test extra)") from exc
    book = xlwt.Workbook(encoding="utf-8")
    date = xlwt.easyxf(num_format_str="YYYY/M/D")
    for table in tables:
        data = _sheet(table)
        sheet = book.add_sheet(data.name)
        for r, row in enumerate(data.top):
            for k, value in enumerate(row):
                if value is not None:
                    sheet.write(r, k, value)
        for k, column in enumerate(data.columns):
            for r, value in enumerate(column.tolist(), len(data.top)):
                if isinstance(value, dt.date):
                    sheet.write(r, k, value, date)
                elif value is not None:
                    sheet.write(r, k, value)
    book.save(str(path))


def write_csv(path: Path, table: Table, encoding: str) -> None:
    """A csv file with CRLF line ends; gaps are empty."""
    with path.open("w", encoding=encoding, newline="") as out:
        writer = csv.writer(out)
        writer.writerow([table.shown.get(h, h) for h in table.headers])
        writer.writerows(zip(*(table.columns[h].tolist() for h in table.headers), strict=True))


def records(table: Table) -> list[dict[str, object]]:
    """Records by header, in the file's order: what an interface serves for a csv layout."""
    return [
        dict(zip(table.headers, row, strict=True))
        for row in zip(*(table.columns[h].tolist() for h in table.headers), strict=True)
    ]


def write_jsonl(path: Path, table: Table) -> None:
    """JSON Lines of 微拍堂's nested shape; gaps are null, missing operator, agency or second anchor are left out as a whole."""
    names = table.headers
    c = [table.columns[h].tolist() for h in names]
    i = {h: k for k, h in enumerate(names)}
    anchor = ("name", "id_no", "phone", "relation", "agency")
    plain = {
        g: [h for h in names if h.startswith(g + ".") and h.count(".") == 1]
        for g in ("shop", "subject", "contact", "agency", "settlement")
    }
    out = io.StringIO()
    for row in zip(*c, strict=True):
        record: dict[str, object] = {"report_date": row[i["report_date"]]}
        for group in ("shop", "subject", "contact"):
            record[group] = {h.split(".")[1]: row[i[h]] for h in plain[group]}
        operator = {k: row[i[f"subject.operator.{k}"]] for k in ("name", "id_no")}
        subject = record["subject"]
        assert isinstance(subject, dict)
        subject["operator"] = operator if any(operator.values()) else None
        anchors = [{k: row[i[f"anchors.{a}.{k}"]] for k in anchor} for a in (0, 1)]
        record["anchors"] = [a for a in anchors if a["name"] or a["id_no"]]
        agency = {h.split(".")[1]: row[i[h]] for h in plain["agency"]}
        record["agency"] = agency if any(agency.values()) else None
        record["settlement"] = {h.split(".")[1]: row[i[h]] for h in plain["settlement"]}
        out.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")
    path.write_text(out.getvalue(), encoding="utf-8", newline="\n")


def write(path: Path, platform: str, tables: list[Table]) -> None:
    """One report file in its platform's format."""
    suffix = path.suffix
    if suffix == ".csv":
        write_csv(path, tables[0], "gb18030" if platform == "kuaishou" else "utf-8-sig")
    elif suffix == ".jsonl":
        write_jsonl(path, tables[0])
    elif suffix == ".xls":
        write_xls(path, tables)
    else:
        if platform == "jd":
            notes: list[list[object]] = [
                ["填表说明"],
                ["1. 本表由商家后台导出，仅用于身份信息报送。"],
                ["2. 商家编码在平台内唯一。"],
                ["3. 状态：正常、限制、关闭。"],
            ]
            help_sheet = Table(
                "说明", ["本表说明"], {}, {"本表说明": fill(0)}, None, np.zeros(0, dtype=np.int64), hidden=True, below=notes
            )
            tables = [*tables, help_sheet]
        write_xlsx(path, tables)


def write_truth(path: Path, header: tuple[str, ...], columns: list[Obj], append: bool = False) -> None:
    """A label table: csv in UTF-8 with BOM."""
    with path.open("a" if append else "w", encoding="utf-8" if append else "utf-8-sig", newline="") as out:
        writer = csv.writer(out)
        if not append:
            writer.writerow(header)
        writer.writerows(zip(*(col.tolist() for col in columns), strict=True))
