"""Rejected rows are kept whole: mapped again, alone and corrected, they give what the file gave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from mapping_files import DOUYIN, ID_A, JD, JD_GROUPS, UNREGISTERED, codes, mapped, row, text_csv, xlsx
from mapping_files import XIAOHONGSHU as XHS

from zp_registry.mapping import MappedReport, Mappings, RawRow, from_raw, load_mappings, map_report
from zp_registry.sources.tables import RawTable, ReportFile

MAPPINGS = load_mappings()
# What spreadsheets hold: words for nothing, separators, long numbers, numbers as text, blanks of all kinds, quotes.
WORD = st.one_of(
    st.sampled_from(["", "无", "-", "N/A", "甲、乙", "甲；乙;", "、", "企业", "个体工商户", "本人、员工", "4.11324E+17",
                     "合计", "10012345.0", "2024-03-31",
                     " a\u00a0", "\u200b", "'018958728", '"q"\\', ID_A, "９１", "第2列"]),
    st.text(max_size=12))
CELL = st.one_of(st.none(), WORD, st.integers(-10, 10**19), st.floats(allow_nan=False, allow_infinity=False, width=32),
                 st.booleans(), st.dates())


def same(again: MappedReport, once: MappedReport) -> None:
    pd.testing.assert_frame_equal(again.frame, once.frame)
    pd.testing.assert_frame_equal(again.streamers, once.streamers)
    pd.testing.assert_frame_equal(again.faults, once.faults)
    assert again.headers == once.headers


def again(report: MappedReport, rows: list[RawRow]) -> MappedReport:
    return from_raw(rows, mapping=report.mapping, as_of=report.as_of, file_name=report.file.name)


@given(st.lists(st.lists(CELL, min_size=len(DOUYIN) + 3, max_size=len(DOUYIN) + 3), min_size=1, max_size=6))
def test_raw_rows_map_to_the_same_frame(rows: list[list[Any]]) -> None:
    # A moved header, one repeated, one without a name, one unknown.
    header = [*DOUYIN[5:], *DOUYIN[:5], "昵称", "", "新列"]
    data = [*rows, row(DOUYIN, 账号UID="7")[5:] + row(DOUYIN, 账号UID="7")[:5] + ["", "x", "y"]]
    table = RawTable("主播身份报送", [[h or None, *(r[i] for r in data)] for i, h in enumerate(header)])
    once = map_report(ReportFile("douyin_20240331.xlsx", "", 0, "xlsx", "", [table]), MAPPINGS)
    assert once.rows_read == len(once.frame) + once.rows_skipped
    same(again(once, once.raw(range(len(once.frame)))), once)


@given(st.lists(st.tuples(*[WORD] * len(XHS)), min_size=1, max_size=5))
def test_raw_rows_of_a_csv_with_dates_of_their_own(tmp_path_factory: Any, rows: list[tuple[str, ...]]) -> None:
    path = tmp_path_factory.mktemp("x") / "xiaohongshu_20240331.csv"
    last = row(XHS, red_id="1", report_date="2024-03-31")
    once = mapped(text_csv(path, [XHS, *([c.replace("\x00", "") for c in r] for r in rows), last], encoding="utf-8"), MAPPINGS)
    same(again(once, once.raw(range(len(once.frame)))), once)


def test_merged_headers_lost_digits_and_several_sheets(tmp_path: Path, mappings: Mappings) -> None:
    path = xlsx(tmp_path / "jd_20240331.xlsx", {"商家信息": [
        JD_GROUPS, JD, row(JD, 商家编码=66546161357540300, 银行账号=6228484329810679538), row(JD, 商家编码=97105862)]})
    once = mapped(path, mappings)
    rows = once.raw([0, 1])
    assert rows[0].cells["商家 / 商家编码"] == "6.65461613575403E+16"
    assert (rows[0].sheet, rows[0].row) == ("商家信息", 3)
    assert list(rows[0].cells)[:2] == ["商家 / 商家编码", "商家 / 店铺名"]
    same(again(once, rows), once)


def test_a_corrected_cell_takes_effect_and_the_row_keeps_its_place(tmp_path: Path, mappings: Mappings) -> None:
    data = [row(UNREGISTERED, 姓名="甲", 身份证件号码=ID_A, 店铺ID="1"),
            row(UNREGISTERED, 姓名="乙", 身份证件号码=ID_A, 免登记情形="零星")]
    once = mapped(xlsx(tmp_path / "taobao_20240331.xlsx", {"未办理市场主体登记": [["标题"], UNREGISTERED, *data]}), mappings)
    assert codes(once) == [(1, "exempt_case", "VALUE_UNKNOWN")]
    [kept] = once.raw([1])
    cells = {**kept.cells, "店铺ID": "2", "免登记情形": "零星小额"}
    fixed = again(once, [RawRow(kept.sheet, kept.row, cells)])
    assert codes(fixed) == []
    one = fixed.frame.iloc[0]
    assert (one["account_id"], one["exempt_case"], one["part"], one["row"]) == ("2", "small_amount", "unregistered", 4)
    assert fixed.parts == ("unregistered",)


def test_raw_rows_come_in_the_order_asked_for(tmp_path: Path, mappings: Mappings) -> None:
    data = [row(XHS, red_id=str(i), report_date="2024-03-31") for i in range(5)]
    once = mapped(text_csv(tmp_path / "a.csv", [XHS, *data]), mappings)
    assert [r.cells["red_id"] for r in once.raw([3, 0, 4])] == ["3", "0", "4"]
    assert once.raw([]) == []
