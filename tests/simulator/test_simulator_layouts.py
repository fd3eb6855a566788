"""The files look as the layouts say, to the letter."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import openpyxl
from python_calamine import CalamineWorkbook
from sim_readback import BELOW, HEADERS, pages


def test_headers_are_those_of_the_layouts(clean: Path) -> None:
    seen = set()
    for page in pages(clean):
        want = HEADERS.get((page.platform, page.sheet))
        if want is not None:
            assert page.headers == want, page.file
            seen.add((page.platform, page.sheet))
    assert seen == set(HEADERS)


def test_douyin_has_titles_and_footer(clean: Path) -> None:
    sheet = openpyxl.load_workbook(clean / "reports/2026-02/douyin_20260228.xlsx")["主播身份报送"]
    assert sheet["A1"].value == "抖音平台网络直播主体身份信息报送表"
    assert sheet["A2"].value == "报送日期：2026年02月28日\u3000\u3000平台名称：抖音"
    assert {str(m) for m in sheet.merged_cells.ranges} == {"A1:V1", "A2:V2"}
    last = [r[0] for r in sheet.iter_rows(values_only=True)][-2:]
    assert last[0] == f"合计：{sheet.max_row - 5}户"
    assert last[1].startswith(BELOW[1])


def test_jd_has_three_header_rows_and_a_hidden_sheet(clean: Path) -> None:
    book = openpyxl.load_workbook(clean / "reports/2026-03/jd_20260331.xlsx")
    assert book["商家信息"]["A1"].value == "数据截止：2026/3/31"
    assert [book["商家信息"][c].value for c in ("A2", "E2", "I2", "P2")] == ["商家", "主体", "联系", "结算"]
    assert {"A2:D2", "E2:H2", "I2:O2", "P2:R2", "S2:S4"} <= {str(m) for m in book["商家信息"].merged_cells.ranges}
    assert book["说明"].sheet_state == "hidden"


def test_wechat_form_has_meta_row_codes_and_declaration(clean: Path) -> None:
    sheet = openpyxl.load_workbook(clean / "reports/2026-01/wechat_channels_20260131.xlsx").active
    assert sheet is not None
    assert sheet["W3"].value == "报送日期：2026-01-31"
    assert str(sheet["A3"].value).startswith("互联网平台企业名称：")
    assert "C4:E4" in {str(m) for m in sheet.merged_cells.ranges}
    kinds = {r[6] for r in sheet.iter_rows(min_row=6, values_only=True)}
    assert "201|居民身份证" in kinds
    assert any(str(r[0]).startswith("谨声明") for r in sheet.iter_rows(values_only=True))


def test_text_formats(clean: Path) -> None:
    kuaishou = (clean / "reports/2026-01/kuaishou_20260131.csv").read_bytes()
    assert kuaishou.decode("gb18030").startswith("快手ID,")
    assert (clean / "reports/2026-01/xiaohongshu_20260131.csv").read_bytes().startswith(b"\xef\xbb\xbfred_id,")
    record = json.loads((clean / "reports/2026-01/weipaitang_20260131.jsonl").read_text("utf-8").splitlines()[0])
    assert list(record) == ["report_date", "shop", "subject", "contact", "anchors", "agency", "settlement"]
    assert list(record["shop"]) == ["id", "name", "url", "kind", "opened", "status", "fans"]
    assert list(record["subject"]) == ["type", "name", "uscc", "id_type", "id_no", "legal_rep", "operator"]
    assert list(record["anchors"][0]) == ["name", "id_no", "phone", "relation", "agency"]


def test_pinduoduo_is_a_real_xls_with_dates(clean: Path) -> None:
    path = clean / "reports/2026-01/pinduoduo_20260131.xls"
    assert path.read_bytes()[:4] == b"\xd0\xcf\x11\xe0"
    assert all(isinstance(r[10], dt.date) for r in CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()[1:])


def test_ledger_comes_by_town_sheets_and_by_town_files(clean: Path) -> None:
    head = [
        "序号",
        "承诺书编号",
        "主体名称",
        "统一社会信用代码/身份证号",
        "经营者/负责人",
        "联系电话",
        "所属乡镇街道",
        "承诺书版本",
        "签订日期",
        "有效期至",
        "签订方式(纸质/电子)",
        "扫描件编号",
        "备注",
    ]
    towns = openpyxl.load_workbook(clean / "pledges/诚信经营承诺书台账_各乡镇.xlsx")
    assert len(towns.sheetnames) > 5
    assert all([c.value for c in sheet[2]] == head for sheet in towns)
    single = openpyxl.load_workbook(clean / "pledges/诚信经营承诺书台账_涅阳街道.xlsx").active
    assert single is not None
    assert [c.value for c in single[1]] == head
