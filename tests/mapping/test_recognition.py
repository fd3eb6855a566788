"""Which layout a file has, what happens when it is not quite that, and which date its rows get."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from mapping_files import (
    DOUYIN,
    ID_A,
    JD,
    JD_GROUPS,
    KUAISHOU,
    PLEDGE,
    REGISTERED,
    UNREGISTERED,
    USCC,
    XIAOHONGSHU,
    codes,
    mapped,
    remarks,
    row,
    text_csv,
    xlsx,
)

from zp_registry.errors import FileRefused, OptionNeeded, UsageError
from zp_registry.mapping import Mappings, load_mappings

XHS_ROW = row(XIAOHONGSHU, red_id="1", subject_name="某", report_date="2024-03-31")
KS_ROW = row(KUAISHOU, 快手ID="1", 实名姓名="某", 实名证件号=ID_A)


def refused(path: Path, mappings: Mappings, **options: str) -> FileRefused:
    with pytest.raises(FileRefused) as caught:
        mapped(path, mappings, **options)
    return caught.value


def dy(*rows: list[object], header: list[str] = DOUYIN) -> list[list[object]]:
    return [["标题"], ["报送日期：2024年03月31日"], header, *rows]


def test_another_platforms_columns_under_this_name_are_refused(tmp_path: Path, mappings: Mappings) -> None:
    path = text_csv(tmp_path / "kuaishou_20261130.csv", [XIAOHONGSHU, XHS_ROW])
    error = refused(path, mappings)
    assert error.code == "LAYOUT_OTHER_PLATFORM"
    assert "快手" in error.detail
    assert "小红书" in error.detail
    assert refused(path, mappings, platform="taobao").code == "LAYOUT_OTHER_PLATFORM"
    assert mapped(path, mappings, platform="xiaohongshu").mapping.id == "xiaohongshu"


def test_a_renamed_file_is_known_by_its_headers(tmp_path: Path, mappings: Mappings) -> None:
    assert mapped(text_csv(tmp_path / "新建文档 20240331.csv", [KUAISHOU, KS_ROW]), mappings).mapping.id == "kuaishou"


def test_unknown_platform_is_a_usage_error(tmp_path: Path, mappings: Mappings) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        mapped(text_csv(tmp_path / "a.csv", [KUAISHOU, KS_ROW]), mappings, platform="nowhere")


def test_renamed_required_header_names_the_nearest_column_of_the_file(tmp_path: Path, mappings: Mappings) -> None:
    header = ["快手用户标识ID" if h == "快手ID" else h for h in KUAISHOU]
    error = refused(text_csv(tmp_path / "a_20240331.csv", [header, KS_ROW]), mappings)
    assert error.code == "HEADER_MISSING"
    assert "快手ID（文件中相近的列：快手用户标识ID" in error.detail


def test_files_that_fit_nothing(tmp_path: Path, mappings: Mappings) -> None:
    assert refused(text_csv(tmp_path / "a.csv", [["甲", "乙"], ["1", "2"]]), mappings).code == "LAYOUT_UNKNOWN"
    ledger = xlsx(tmp_path / "台账.xlsx", {"二龙乡": [PLEDGE, row(PLEDGE, 主体名称="某", 签订日期="2024-01-01")]})
    error = refused(ledger, mappings)
    assert error.code == "LAYOUT_UNKNOWN"
    assert "承诺书台账" in error.detail
    assert refused(text_csv(tmp_path / "kuaishou_20240331.csv", [KUAISHOU]), mappings).code == "FILE_NO_ROWS"
    assert refused(xlsx(tmp_path / "b_20240331.xlsx", {"主播身份报送": [*dy(), ["合计：0户"]]}),
                   mappings).code == "FILE_NO_ROWS"


def test_a_sheet_of_ours_without_its_header_is_no_empty_list(tmp_path: Path, mappings: Mappings) -> None:
    path = xlsx(tmp_path / "taobao_20240331.xlsx", {
        "已办理市场主体登记": [REGISTERED, row(REGISTERED, 名称="某", 统一社会信用代码=USCC, 店铺ID="1")],
        "未办理市场主体登记": [[1, "杨某", "居民身份证", ID_A, "某镇", "1", "店", "", "2"]]})
    error = refused(path, mappings)
    assert (error.code, error.sheet) == ("HEADER_MISSING", "未办理市场主体登记")


def test_moved_renamed_and_added_columns(tmp_path: Path, mappings: Mappings) -> None:
    header = ["新指标",
              *reversed([{"粉丝数": "粉丝数量(个)", "联系电话": " 联系\n电话 ", "账号UID": "*账号ＵＩＤ（必填）"}.get(h, h)
                               for h in DOUYIN if h != "主页链接"])]
    cells = dict(zip(DOUYIN, row(DOUYIN, 账号UID="77", 认证主体名称="某", 联系电话="13800000000", 粉丝数=5), strict=True))
    data = ["x", *reversed([cells[h] for h in DOUYIN if h != "主页链接"])]
    report = mapped(xlsx(tmp_path / "a.xlsx", {"Sheet1": dy(data, header=header)}), mappings)
    one = report.frame.iloc[0]
    assert (one["account_id"], one["contact_phone"], one["followers"], one["extra"]) == ("77", "13800000000", "5",
                                                            '{"新指标": "x"}')
    details = {w.code: w.detail for w in report.warnings}
    assert details == {"COLUMN_UNKNOWN": "新指标", "COLUMN_ABSENT": "主页链接"}


def test_printed_pages_subtotals_blank_rows_and_notes_are_skipped_and_counted(tmp_path: Path, mappings: Mappings) -> None:
    def data(i: int) -> list[object]:
        return row(DOUYIN, 序号=i, 账号UID=str(i), 认证主体名称="合计玉器行")

    rows = [data(1), ["石佛寺镇"], data(2), ["石佛寺镇小计", "2户"], [], ["标题"], DOUYIN, data(3), ["合计", "3户"],
            ["注：本表由平台导出"],
            ["填报单位：某公司"]]
    report = mapped(xlsx(tmp_path / "a.xlsx", {"主播身份报送": dy(*rows)}), mappings)
    assert report.frame["account_id"].tolist() == ["1", "2", "3"]
    assert report.frame["row"].tolist() == [4, 6, 11]
    assert (report.rows_read, report.rows_skipped) == (14, 11)


def test_continued_sheets_add_up_and_unknown_sheets_are_told(tmp_path: Path, mappings: Mappings) -> None:
    path = xlsx(tmp_path / "a.xlsx", {
        "主播身份报送": dy(row(DOUYIN, 账号UID="1", 认证主体名称="某")),
        "主播身份报送(续)": dy(row(DOUYIN, 账号UID="2", 认证主体名称="某")),
        "旧表": dy(row(DOUYIN, 账号UID="3", 认证主体名称="某")),
        "汇总": [["平台", "户数"], ["某", 2]]}, hidden=("旧表",))
    report = mapped(path, mappings)
    assert report.frame["account_id"].tolist() == ["1", "2"]
    assert report.parts == ("main",)
    assert [(w.code, w.sheet) for w in report.warnings] == [("SHEET_UNKNOWN", "汇总")]
    assert report.rows_read == 10


def test_number_cells_and_text_are_one_account_id(tmp_path: Path, mappings: Mappings) -> None:
    rows = [row(DOUYIN, 账号UID=v, 认证主体名称="某") for v in (10012345, 10012345.0, "10012345", " 10012345\u00a0")]
    report = mapped(xlsx(tmp_path / "a.xlsx", {"主播身份报送": dy(*rows)}), mappings)
    assert report.frame["account_id"].unique().tolist() == ["10012345"]


def test_leading_zeros_lost_in_a_number_cell(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    text = (Path(__file__).parents[2] / "mappings" / "jd.yaml").read_text(encoding="utf-8")
    (own / "jd.yaml").write_text(text + "account_id_pattern: '\\d{8}'\n", encoding="utf-8")
    path = xlsx(tmp_path / "jd_20240331.xlsx",
                {"商家信息": [JD_GROUPS, JD, row(JD, 商家编码=1234567), row(JD, 商家编码="01234567"),
                                                         row(JD, 商家编码=12345678)]})
    assert codes(mapped(path, load_mappings(own))) == [(0, "account_id", "ACCOUNT_ID_PRECISION")]


@pytest.mark.parametrize(("cell", "name", "option", "day", "differs"), [
    ("报送日期：2024年03月31日", "douyin_20240331.xlsx", None, "2024-03-31", False),
    ("报送日期：2024/3/31", "douyin_202403.xlsx", None, "2024-03-31", False),
    ("报送日期：2024-3-30", "douyin_20240331-副本.xlsx", None, "2024-03-30", True),
    ("报送日期：2024-3-30", "douyin_20240330.xlsx", "2024-03-31", "2024-03-31", True),
    ("报送日期：", "douyin_202402.xlsx", None, "2024-02-29", True),
    ("标题", "抖音 2024年3月 (1).xlsx", None, "2024-03-31", False),
    ("标题", "douyin.xlsx", "20240331", "2024-03-31", False),
])
def test_report_date_option_beats_cell_beats_name(tmp_path: Path, mappings: Mappings, cell: str, name: str,
                                                  option: str | None, day: str,
                                                  differs: bool) -> None:
    path = xlsx(tmp_path / name, {"主播身份报送": [[cell], DOUYIN, row(DOUYIN, 账号UID="1", 认证主体名称="某")]})
    report = mapped(path, mappings, as_of=option)
    assert (report.as_of, report.frame.loc[0, "as_of"]) == (day, day)
    assert ("AS_OF_FILE_DIFFERS" in remarks(report)) == differs


def test_date_cell_beside_its_label(tmp_path: Path, mappings: Mappings) -> None:
    path = xlsx(tmp_path / "a.xlsx",
                {"S": [["报送日期：", dt.date(2024, 3, 31)], DOUYIN, row(DOUYIN, 账号UID="1", 认证主体名称="某")]})
    assert mapped(path, mappings).as_of == "2024-03-31"


def test_no_date_anywhere_asks_for_the_option(tmp_path: Path, mappings: Mappings) -> None:
    path = text_csv(tmp_path / "kuaishou.csv", [KUAISHOU, KS_ROW])
    with pytest.raises(OptionNeeded) as caught:
        mapped(path, mappings)
    assert caught.value.option == "--as-of"
    assert refused(path, mappings, as_of="昨天").code == "DATE_CONFLICT"
    assert mapped(path, mappings, as_of="2024-03-31", scope="delta").scope == "delta"


def test_option_beats_the_date_column_of_every_row(tmp_path: Path, mappings: Mappings) -> None:
    path = text_csv(tmp_path / "a.csv", [XIAOHONGSHU, XHS_ROW, row(XIAOHONGSHU, red_id="2", report_date="坏")])
    report = mapped(path, mappings, as_of="2024-04-30")
    assert report.frame["as_of"].tolist() == ["2024-04-30"] * 2
    assert codes(report) == []


def test_shifted_columns_put_no_number_into_a_remark(tmp_path: Path, mappings: Mappings) -> None:
    path = xlsx(tmp_path / "taobao_20240331.xlsx", {"未办理市场主体登记": [
        UNREGISTERED, row(UNREGISTERED, 姓名="某", 身份证件号码=ID_A, 店铺ID="1", 免登记情形=ID_A)]})
    report = mapped(path, mappings)
    assert [w.detail for w in report.warnings] == ["免登记情形：“（数字）” 1 行"]
    assert ID_A not in report.faults.to_csv()
