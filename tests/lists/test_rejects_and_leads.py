"""The reject workbook comes back row by row; the lead list shows every lead with its evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

from zp_registry.frames import EVIDENCE, EXPORT_ACCOUNTS, EXPORT_FLAGS
from zp_registry.lists.rejects import RejectItem, read_rejects, write_rejects
from zp_registry.lists.transfers import write_transfers

HEADERS = ["序号", "账号UID", "证件\n号码", "昵称", ""]


def item(n: int, file: str = "douyin_20260331.xlsx", sheet: str = "主播身份报送") -> RejectItem:
    cells = [str(n), "" if n % 2 else f"00710{n}", "4113**********1234", "=昵称", ""]
    return RejectItem(
        f"t{file[:2]}{n}",
        file,
        sheet,
        3 + n,
        "抖音",
        "2026-03-31",
        HEADERS,
        cells,
        {"账号UID": [("ACCOUNT_ID_MISSING", "缺少账号标识。")], "": [("HOLDER_MISSING", "没有主体信息。")]},
    )


def test_corrections_come_back_after_sorting_and_deleting(tmp_path: Path) -> None:
    path = write_rejects([item(n) for n in (5, 1, 2, 3)], tmp_path / "退回.xlsx")
    book = openpyxl.load_workbook(path)
    ws = book[book.sheetnames[1]]
    rows = [[c.value for c in r] for r in ws.iter_rows(min_row=5)]
    assert [r[1] for r in rows] == [4, 5, 6, 8]  # file order
    ws.delete_rows(5, 10)
    rows[0][4] = "71000000001"
    rows[1][4] = 71000000002.0  # typed as a number
    for values in (rows[3], rows[1], rows[0]):
        ws.append(values)
        ws.cell(ws.max_row, 7).data_type = "s"  # openpyxl would make a formula of it, a spreadsheet program does not
    book.save(path)
    done, problems = read_rejects(path)
    assert problems == []
    assert [d.token for d in done] == ["tdo5", "tdo2", "tdo1"]
    assert done[2].cells == dict(zip(HEADERS, ["1", "71000000001", "4113**********1234", "=昵称", ""], strict=True))
    assert done[1].cells["账号UID"] == "71000000002"
    assert "4113" not in repr(done)


def test_bad_cells_are_marked_and_the_rest_is_locked(tmp_path: Path) -> None:
    path = write_rejects([item(1), item(2)], tmp_path / "退回.xlsx")
    ws = openpyxl.load_workbook(path).worksheets[1]
    bad, fine = ws.cell(5, 5), ws.cell(5, 7)
    assert bad.comment is not None
    assert "缺少账号标识" in bad.comment.text
    assert bad.fill.fgColor.rgb != fine.fill.fgColor.rgb
    assert not bad.protection.locked
    assert fine.quotePrefix
    assert ws.protection.sheet
    assert all(ws.cell(5, c).protection.locked for c in (1, 2, 3))
    assert ws.column_dimensions["A"].hidden
    assert "没有主体信息" in str(ws.cell(5, 3).value)


def test_sheet_names_are_legal_and_unique(tmp_path: Path) -> None:
    long, one = "很长的文件名" * 8, "表/一"
    files = [
        (f"{long}[1].xlsx", one),
        (f"{long}[2].xlsx", one),
        ("a.csv", ""),
        ("A.csv", ""),
        ("History.csv", ""),
        ("说明.csv", ""),
    ]
    items = [item(n, f, s) for n, (f, s) in enumerate(files)]
    path = write_rejects(items, tmp_path / "退回.xlsx")
    names = openpyxl.load_workbook(path).sheetnames
    assert len(names) == len(files) + 2
    assert len({n.casefold() for n in names}) == len(names)
    assert all(len(n) <= 31 for n in names)
    done, problems = read_rejects(path)
    assert problems == []
    assert {d.token for d in done} == {i.token for i in items}
    assert all(list(d.cells) == HEADERS for d in done)


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    path = write_rejects([item(1), item(2), item(3)], tmp_path / "退回.xlsx")
    book = openpyxl.load_workbook(path)
    ws = book.worksheets[1]
    ws["E5"].value = 411324199001011234.0
    ws["A6"].value = None
    ws["A8"].value = ws["A7"].value
    ws["E8"].value = "1"
    book.save(path)
    done, problems = read_rejects(path)
    assert [d.token for d in done] == ["tdo3"]
    assert [(p.row, p.column) for p in problems] == [(5, "账号UID"), (6, "令牌（勿改）"), (8, "令牌（勿改）")]
    assert not any("4113" in p.message_zh for p in problems)


def test_repeated_headers_are_refused(tmp_path: Path) -> None:
    wrong = RejectItem("t", "f", "s", 1, "抖音", "", ["a", "a"], ["1", "2"], {})
    with pytest.raises(ValueError, match="unique"):
        write_rejects([wrong], tmp_path / "x.xlsx")


def test_lead_list_shows_open_transfers_with_evidence(tmp_path: Path) -> None:
    rows = [
        (
            "F1",
            "TRANSFER",
            "HOLDER_CHANGED",
            "medium",
            "open",
            "douyin",
            "1",
            "E1",
            "E9",
            "2026-03-31",
            "2026-03-31",
            "0.6",
            "换了主体",
        ),
        (
            "F2",
            "TRANSFER",
            "HOLDER_CHANGED",
            "high",
            "confirmed",
            "douyin",
            "2",
            "E2",
            "E1",
            "2026-03-31",
            "2026-03-31",
            "0.9",
            "同上",
        ),
        (
            "F3",
            "TRANSFER",
            "HOLDER_CHANGED",
            "high",
            "dismissed",
            "douyin",
            "3",
            "E3",
            None,
            "2026-03-31",
            "2026-03-31",
            "0.9",
            "已排除",
        ),
        ("F4", "PLEDGE", "PLEDGE_MISSING", "high", "open", None, None, "E3", None, "2026-03-31", "2026-03-31", None, "未签"),
    ]
    flags = pd.DataFrame(rows, columns=list(EXPORT_FLAGS)).astype("str")
    proof = [
        ("F1", "2026-02-28", "a.xlsx", "表", 7, "甲→乙"),
        ("F1", "2026-03-31", "b.xlsx", "表", 8, "甲→乙"),
        ("F3", "2026-03-31", "c", "", 1, "x"),
    ]
    evidence = pd.DataFrame(proof, columns=list(EVIDENCE))
    accounts = pd.DataFrame(
        [("douyin", "1", "直播间", "E1", "natural_person", "张某", "石佛寺镇", "missing", "", "", "")],
        columns=list(EXPORT_ACCOUNTS),
    )
    path = write_transfers(
        flags,
        evidence,
        accounts,
        tmp_path,
        as_of="2026-03-31",
        platform_names={"douyin": "抖音"},
        code_names={"HOLDER_CHANGED": "主体变更"},
        entity_names={"E9": "李某"},
    )
    book: Any = openpyxl.load_workbook(path)
    leads = list(book["线索"].iter_rows(min_row=5, values_only=True))
    assert [r[14] for r in leads] == ["F2", "F1"]  # high before medium, dismissed and other families left out
    assert leads[1][1:8] == ("中", "主体变更\nHOLDER_CHANGED", "抖音", "1", "直播间", "张某\n（E1）", "李某\n（E9）")
    assert leads[0][6:8] == ("E2", "张某\n（E1）")
    sources = list(book["证据"].iter_rows(min_row=5, values_only=True))
    assert [(r[0], r[6], r[8]) for r in sources] == [("F1", "a.xlsx", 7), ("F1", "b.xlsx", 8)]
    assert "另有 1 条" in str(book["证据"]["A2"].value)
    text = "".join(str(c.value) for r in book["说明"].iter_rows() for c in r if c.value)
    assert "线索不是结论" in text
    assert "〔2023〕40号" in text
    assert [c.value for c in book["汇总"][4]] == ["主体变更\nHOLDER_CHANGED", 2, 1, 1, 0]
