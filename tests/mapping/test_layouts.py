"""Every packaged layout on a real file: which cell ends in which field."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pandas as pd
import pytest
from mapping_files import (
    DOUYIN,
    ID_A,
    ID_B,
    JD,
    JD_GROUPS,
    KUAISHOU,
    PINDUODUO,
    PLEDGE,
    REGISTERED,
    UNREGISTERED,
    USCC,
    USCC_SOLE,
    WECHAT_LEAF,
    WECHAT_TOP,
    XIAOHONGSHU,
    codes,
    jsonl,
    mapped,
    remarks,
    row,
    text_csv,
    xls,
    xlsx,
)

from zp_registry.frames import FAULTS, MAPPED, MAPPED_PLEDGE, STREAMERS
from zp_registry.mapping import Mappings


def first(frame: pd.DataFrame, i: int = 0) -> dict[str, object]:
    return {k: v for k, v in frame.iloc[i].items() if pd.notna(v)}


def douyin(*rows: list[object], when: str = "2024年03月31日") -> list[list[object]]:
    return [["抖音平台网络直播主体身份信息报送表"], [f"报送日期：{when}　　平台名称：抖音"], DOUYIN, *rows,
            [f"合计：{len(rows)}户"],
            ["制表人：王某　审核人：李某"]]


def test_douyin_titles_totals_streamers_and_the_operator_of_a_sole_proprietor(tmp_path: Path, mappings: Mappings) -> None:
    path = xlsx(tmp_path / "报送.xlsx", {"主播身份报送": douyin(
        row(DOUYIN, 序号=1, 抖音号="dy1", 账号UID="7466202938873758", 昵称="恒宝", 主体类型="个体工商户",
            认证主体名称="某玉雕工作室",
            统一社会信用代码=USCC_SOLE, **{"法定代表人/经营者": "林某"}, 证件号码=ID_A, 直播营销人员姓名="甲、乙",
            直播营销人员证件号码=f"{ID_A}、{ID_B}",
            与主体关系="签约主播、员工", **{"所属机构(MCN)": "N/A"}, 结算账号="41004180130314753", 认证日期="2024年3月1日",
            账号状态="正常", 粉丝数=13693),
        row(DOUYIN, 序号=2, 账号UID="992449849245194", 主体类型="个人", 认证主体名称="林某", 证件号码=ID_A, 账号状态="注销"),
    )}, merges={"主播身份报送": ["A1:V1", "A2:V2"]})
    report = mapped(path, mappings)
    assert (report.mapping.id, report.as_of, report.scope, report.parts) == ("douyin", "2024-03-31", "full", ("main",))
    assert list(report.frame.columns) == list(MAPPED)
    assert all(str(report.frame[c].dtype) == ("int64" if c == "row" else "str") for c in MAPPED)
    assert first(report.frame) == {
        "sheet": "主播身份报送", "row": 4, "part": "main", "record_kind": "account", "platform": "douyin",
        "account_id": "7466202938873758",
        "account_handle": "dy1", "account_name": "恒宝", "account_kind": "live", "account_status": "normal",
        "followers": "13693",
        "subject_kind": "sole_proprietor", "subject_name": "某玉雕工作室", "uscc": USCC_SOLE, "legal_representative": "林某",
        "operator_name": "林某", "operator_id_number": ID_A, "payee_account": "41004180130314753",
        "verified_on": "2024年3月1日",
        "as_of": "2024-03-31"}
    assert first(report.frame, 1)["id_number"] == ID_A
    assert first(report.frame, 1)["account_status"] == "closed"
    assert list(report.streamers.columns) == list(STREAMERS)
    assert report.streamers[["idx", "ordinal", "name", "id_number", "relation"]].values.tolist() == [
        [0, 0, "甲", ID_A, "signed"], [0, 1, "乙", ID_B, "employee"]]
    assert (report.rows_read, report.rows_skipped) == (7, 5)
    assert list(report.faults.columns) == list(FAULTS)
    assert codes(report) == []
    assert report.headers["主播身份报送", "operator_id_number"] == "证件号码"


def test_streamers_that_cannot_be_paired_stand_alone(tmp_path: Path, mappings: Mappings) -> None:
    path = xlsx(tmp_path / "douyin_20240331.xlsx", {"主播身份报送": douyin(
        row(DOUYIN, 账号UID="1", 认证主体名称="某", 直播营销人员姓名="甲；乙；丙", 直播营销人员证件号码=ID_A,
            与主体关系="员工"),
        row(DOUYIN, 账号UID="2", 认证主体名称="某", 直播营销人员姓名="甲、乙、", 与主体关系="本人、表叔"),
    )})
    report = mapped(path, mappings)
    people = report.streamers[["idx", "ordinal", "name", "id_number", "relation"]].astype(object).where(lambda f: f.notna(),
                                                            None)
    assert people.values.tolist() == [
        [0, 0, "甲", None, "employee"], [0, 1, "乙", None, "employee"], [0, 2, "丙", None, "employee"],
        [0, 3, None, ID_A, "employee"],
        [1, 0, "甲", None, "self"], [1, 1, "乙", None, None]]
    assert codes(report) == [(0, "streamer.name", "STREAMER_COUNT"), (1, "streamer.relation", "VALUE_UNKNOWN")]


def test_kuaishou_company_or_person_by_the_company_name(tmp_path: Path, mappings: Mappings) -> None:
    path = text_csv(tmp_path / "kuaishou_20240331.csv", [
        KUAISHOU,
        row(KUAISHOU, 快手ID="018958728", 实名姓名="杨某", 实名证件号="411324********1234", 企业名称="无", 状态码="1",
            开通时间="2025-10-27 10:00:00"),
        row(KUAISHOU, 快手ID="374065441", 实名姓名="宋某", 实名证件号=ID_A, 企业名称="某文化公司", 信用代码=USCC,
            开播人="董某", 开播人证件号=ID_B, 状态码="2"),
    ], encoding="gb18030")
    report = mapped(path, mappings)
    person, company = first(report.frame), first(report.frame, 1)
    assert person["account_id"] == "018958728"
    assert (person["subject_kind"], person["subject_name"], person["id_number"]) == ("natural_person", "杨某",
                                                            "411324********1234")
    assert "operator_name" not in person
    assert "uscc" not in person
    assert (company["subject_name"], company["uscc"], company["operator_name"],
            company["operator_id_number"]) == ("某文化公司", USCC, "宋某", ID_A)
    assert "id_number" not in company
    assert company["account_status"] == "suspended"
    assert report.as_of == "2024-03-31"
    assert remarks(report) == {"ENCODING_GB18030"}
    assert list(report.frame["row"]) == [2, 3]


def taobao(*, registered: int = 1, unregistered: int = 1) -> dict[str, list[list[object]]]:
    one = row(REGISTERED, 序号=1, 名称="某珠宝公司", 统一社会信用代码=USCC, 联系方式="13800000000/0377-66666666",
              店铺ID=431109365, 经营者姓名="李某")
    two = row(UNREGISTERED, 序号=1, 姓名="杨某", 身份证件类型="居民身份证", 身份证件号码=ID_A, 网址链接="手机搜索店铺名进入",
              店铺ID="540846882",
              免登记情形="零星小额", 年交易额是否超过10万元="是")
    return {"已办理市场主体登记": [["平台内经营者（已办理）"], REGISTERED, *[one] * registered],
            "未办理市场主体登记": [["平台内经营者（未办理）"], UNREGISTERED, *[two] * unregistered]}


def test_taobao_two_lists_are_two_parts(tmp_path: Path, mappings: Mappings) -> None:
    report = mapped(xlsx(tmp_path / "taobao_202403 (1).xlsx", taobao()), mappings)
    assert report.as_of == "2024-03-31"
    assert report.parts == ("registered", "unregistered")
    assert list(report.frame["part"]) == ["registered", "unregistered"]
    company, person = first(report.frame), first(report.frame, 1)
    assert (company["account_id"], company["operator_name"], company["contact_phone"]) == ("431109365", "李某",
                                                            "13800000000/0377-66666666")
    assert (person["subject_kind"], person["exempt_case"], person["over_threshold"]) == ("natural_person", "small_amount",
                                                            "yes")
    assert person["account_url"] == "手机搜索店铺名进入"


def test_taobao_part_of_an_empty_list_is_stated_and_of_an_absent_list_is_not(tmp_path: Path, mappings: Mappings) -> None:
    empty = mapped(xlsx(tmp_path / "taobao_20240331.xlsx", taobao(unregistered=0)), mappings)
    assert empty.parts == ("registered", "unregistered")
    sheets = taobao()
    del sheets["未办理市场主体登记"]
    assert mapped(xlsx(tmp_path / "taobao_20240331_registered.xlsx", sheets), mappings).parts == ("registered",)


def wechat(*rows: list[object]) -> list[list[object]]:
    meta = ["互联网平台企业名称：某公司", *[""] * 15, "平台名称：视频号", *[""] * 5, "报送日期：2024-03-31"]
    return [["平台内的经营者和从业人员身份信息报送表"], [], meta, WECHAT_TOP, WECHAT_LEAF, *rows,
            ["谨声明：本表所填报信息真实、可靠、完整。"],
            ["互联网平台企业（签章）：", "", "某企业"], ["经办人：张某", *[""] * 12, "受理人：李某"]]


def test_wechat_channels_merged_header_stop_and_both_kinds(tmp_path: Path, mappings: Mappings) -> None:
    names = [leaf or top for top, leaf in zip(WECHAT_TOP, WECHAT_LEAF, strict=True)]
    cells = [
        {"是否已取得登记证照": "是", "名称（姓名）": "某公司", "统一社会信用代码（纳税人识别号）": USCC,
         "店铺（用户）唯一标识码": "sph1", "信息状态标识": "变更",
         "经营开始时间": dt.date(2024, 1, 2), "银行账号/支付账户": "41008177751009718", "地址": "某镇"},
        {"是否已取得登记证照": "否", "姓名": "侯某", "证件类型": "201|居民身份证", "证件号码": ID_A, "国家或地区": "156|中国",
         "店铺（用户）唯一标识码": "sph2",
         "经营结束时间": "2024-03-01", "信息状态标识": "作废"},
    ]
    rows = [[c.get(n) for n in names] for c in cells]
    path = xlsx(tmp_path / "x.xlsx", {"身份信息报送表": wechat(*rows)},
                merges={"身份信息报送表": ["A1:W1", "A4:A5", "B4:B5", "C4:E4", "F4:I4", "W4:W5"]})
    report = mapped(path, mappings)
    assert (report.mapping.id, report.scope, report.as_of, report.rows_skipped) == ("wechat_channels", "delta", "2024-03-31", 8)
    company, person = first(report.frame), first(report.frame, 1)
    assert (company["subject_name"], company["uscc"], company["held_from"], company["info_status"]) == ("某公司", USCC,
                                                            "2024-01-02", "changed")
    assert (company["payee_account"], company["business_address"]) == ("41008177751009718", "某镇")
    assert "subject_kind" not in company
    assert (person["subject_kind"], person["subject_name"], person["id_number"]) == ("natural_person", "侯某", ID_A)
    assert (person["held_to"], person["info_status"], person["id_type"]) == ("2024-03-01", "void", "201|居民身份证")
    assert json.loads(str(person["extra"])) == {"未取得登记证照的经营者 / 国家或地区": "156|中国"}


def test_xiaohongshu_joins_the_address_and_dates_each_row(tmp_path: Path, mappings: Mappings) -> None:
    def one(**cells: object) -> list[object]:
        return row(XIAOHONGSHU, subject_name="某", province="河南省", city="南阳市", county="镇平县",
                   address_detail="某街1号", **cells)

    report = mapped(text_csv(tmp_path / "export.csv", [
        XIAOHONGSHU,
        one(red_id="018958728", subject_type="PERSON", id_no=ID_A, status="ACTIVE", report_date="2024-03-31",
            anchor_name="某", anchor_relation="self"),
        one(red_id="2", subject_type="INDIVIDUAL_BIZ", uscc=USCC_SOLE, id_no=ID_A, status="LIMITED", report_date="2024/3/31"),
        one(red_id="3", subject_type="COMPANY", status="CLOSED", report_date="2024.02.29"),
        one(red_id="4", subject_type="COOP", status="GONE", report_date="三月"),
        one(red_id="5", report_date=""),
    ]), mappings)
    assert report.as_of == "2024-03-31"
    assert list(report.frame["as_of"].fillna("")) == ["2024-03-31", "2024-03-31", "2024-02-29", "", "2024-03-31"]
    assert report.frame["business_address"].unique().tolist() == ["河南省南阳市镇平县某街1号"]
    assert list(report.frame["subject_kind"].fillna("")) == ["natural_person", "sole_proprietor", "enterprise", "cooperative",
                                                            ""]
    assert first(report.frame, 1)["operator_id_number"] == ID_A
    assert set(codes(report)) == {(2, "as_of", "AS_OF_DIFFERS"), (3, "as_of", "AS_OF_INVALID"),
                                  (3, "account_status", "VALUE_UNKNOWN")}
    assert next(w.detail for w in report.warnings if w.code == "VALUES_UNKNOWN") == "status：“GONE” 1 行"
    assert pd.isna(report.frame.loc[3, "account_status"])


def test_pinduoduo_tells_the_number_by_its_check_digits(tmp_path: Path, mappings: Mappings) -> None:
    day = dt.date(2022, 12, 14)
    report = mapped(xls(tmp_path / "pinduoduo_20240331.xls", {"商家主体信息": [
        PINDUODUO,
        row(PINDUODUO, 店铺ID="28426212", 商家类型=3, 主体名称="李某", 证照号码=ID_A, 入驻时间=45000, 店铺状态="营业"),
        row(PINDUODUO, 店铺ID=69752202, 商家类型=1, 主体名称="某公司", 证照号码=USCC, 入驻时间=day.isoformat(),
            店铺状态="关店"),
        row(PINDUODUO, 店铺ID="3", 商家类型=6, 主体名称="某行", 证照号码=" 924113********0012"),
    ]}), mappings)
    frame = report.frame
    assert frame["id_number"].fillna("").tolist() == [ID_A, "", ""]
    assert frame["uscc"].fillna("").tolist() == ["", USCC, "924113********0012"]
    assert frame["subject_kind"].tolist() == ["natural_person", "enterprise", "sole_proprietor"]
    assert frame["account_id"].tolist() == ["28426212", "69752202", "3"]
    assert json.loads(frame.loc[0, "extra"]) == {"商家类型": "3"}
    assert report.headers["商家主体信息", "uscc"] == report.headers["商家主体信息", "id_number"] == "证照号码"


def jd(*rows: list[object]) -> dict[str, list[list[object]]]:
    return {"说明": [["本表由平台导出"], ["商家编码：平台内唯一"]],
            "商家信息": [["数据截止：2024/3/31"], JD_GROUPS, [f"{g}信息" if g else "" for g in JD_GROUPS], JD, *rows]}


def test_jd_three_header_rows_hidden_sheet_and_numbers_that_lost_digits(tmp_path: Path, mappings: Mappings) -> None:
    path = xlsx(tmp_path / "jd.xlsx", jd(
        row(JD, 商家编码=97105862, 类型="个体工商户", **{"公司名称/姓名": "某工作室", "统一社会信用代码/证件号": USCC_SOLE},
            法人="于某", 法人证件号=ID_A,
            手机="13800000000", 固定电话="0377-65213530", 省="河南省", 市="南阳市", 区县="镇平县", 详细地址="某村",
            银行账号=6228484329810679538, 状态="正常"),
        row(JD, 商家编码=66546161357540300, 类型="个人", **{"公司名称/姓名": "李某", "统一社会信用代码/证件号": ID_A},
            银行账号="4.11324E+17"),
        row(JD, 商家编码="97105863", 类型="个人", **{"公司名称/姓名": "王某", "统一社会信用代码/证件号": 411324190001010017}),
    ), hidden=("说明",))
    report = mapped(path, mappings)
    assert (report.mapping.id, report.as_of, report.rows_read, report.rows_skipped) == ("jd", "2024-03-31", 7, 4)
    one = first(report.frame)
    assert (one["account_id"], one["row"], one["contact_phone"]) == ("97105862", 5, "13800000000;0377-65213530")
    assert (one["uscc"], one["operator_id_number"], one["operator_name"]) == (USCC_SOLE, ID_A, "于某")
    assert one["business_address"] == "河南省南阳市镇平县某村"
    assert report.frame["payee_account"].isna().all()
    assert pd.isna(report.frame.loc[2, "id_number"])
    assert codes(report) == [(0, "payee_account", "NUMBER_PRECISION"), (1, "account_id", "ACCOUNT_ID_PRECISION"),
                             (1, "payee_account", "NUMBER_PRECISION"), (2, "id_number", "NUMBER_PRECISION")]
    assert report.faults.loc[0, "header"] == "结算 / 结算信息 / 银行账号"
    assert report.faults.loc[3, "header"] in report.raw([2])[0].cells


def test_weipaitang_json_lines(tmp_path: Path, mappings: Mappings) -> None:
    base = {"report_date": "2024-03-31",
            "shop": {"id": "w1", "name": "某店", "url": "u", "kind": "live", "opened": "2022-05-01", "status": "frozen",
                     "fans": 123},
            "subject": {"type": "individual", "name": "某店", "uscc": USCC_SOLE, "id_type": "居民身份证", "id_no": None,
                        "legal_rep": "王某",
                        "operator": {"name": "王某", "id_no": ID_A}},
            "contact": {"name": "王某", "phone": "13800000000", "address": "某镇"},
            "anchors": [{"name": "甲", "id_no": ID_A, "phone": "13900000000", "relation": "self", "agency": None},
                        {"name": "乙", "id_no": None, "relation": "family"}],
            "agency": None, "settlement": {"name": "王某", "account": "6217857417267092679", "bank": "某银行"}}
    report = mapped(jsonl(tmp_path / "a.jsonl", [base, {**base, "shop": {**base["shop"], "id": "w2"}, "anchors": []}]),
                    mappings)
    one = first(report.frame)
    assert (one["platform"], one["account_id"], one["account_status"], one["followers"]) == ("weipaitang", "w1", "suspended",
                                                            "123")
    assert (one["operator_name"], one["operator_id_number"], one["payee_account"]) == ("王某", ID_A, "6217857417267092679")
    assert report.streamers[["idx", "ordinal", "name", "relation"]].values.tolist() == [[0, 0, "甲", "self"],
                                                            [0, 1, "乙", "family"]]
    assert report.streamers["phone"].fillna("").tolist() == ["13900000000", ""]
    assert (report.rows_read, report.rows_skipped, remarks(report)) == (2, 0, set())


def test_province_share_three_lists_of_many_platforms(tmp_path: Path, mappings: Mappings) -> None:
    a = ["平台名称", "名称（姓名）", "统一社会信用代码", "实际经营地址", "联系方式", "直播账号"]
    b = ["平台名称", "姓名", "身份证件号码", "实际经营地址", "联系方式", "直播账号"]
    c = ["姓名", "身份证件号码", "经常居住地址", "联系方式", "所属直播营销人员服务机构", "专业资质", "职业职务"]
    report = mapped(xlsx(tmp_path / "省局共享_20240331.xlsx", {
        "C直播营销人员": [c, ["甲", ID_A, "某村", "13800000000", "/", "", "主播"]],
        "A已登记运营者": [a, ["行吟信息科技（上海）有限公司", "某公司", USCC, "某镇", "1", "x1"],
                          ["某某直播", "某行", USCC_SOLE, "某镇", "1", "x2"]],
        "B未登记运营者": [b, ["抖音 电商", "乙", ID_B, "某镇", "1", 78773834211]],
    }), mappings)
    frame = report.frame
    assert (report.scope, report.mapping.account_match) == ("delta", "loose")
    assert report.parts == ("registered", "unregistered", "streamers")
    assert list(frame["record_kind"]) == ["streamer", "account", "account", "account"]
    assert frame["platform"].fillna("").tolist() == ["", "xiaohongshu", "", "douyin"]
    assert frame["account_id"].fillna("").tolist() == ["", "x1", "x2", "78773834211"]
    assert codes(report) == [(2, "platform", "PLATFORM_UNKNOWN")]
    assert first(report.streamers) == {"idx": 0, "ordinal": 0, "name": "甲", "id_number": ID_A, "phone": "13800000000",
                                       "residence": "某村",
                                       "position": "主播"}


@pytest.mark.parametrize(("sheet", "file", "cell", "town"), [
    ("石佛寺镇", "台账.xlsx", "", "石佛寺镇"),
    ("Sheet1", "承诺书台账_二龙乡.xlsx", None, "二龙乡"),
    ("石佛寺", "二龙乡.xlsx", "玉都街道", "玉都街道"),
    ("台账", "台账.xlsx", "-", None),
])
def test_pledge_ledger_town_from_column_then_sheet_then_file(
        tmp_path: Path, mappings: Mappings, sheet: str, file: str, cell: str | None, town: str | None) -> None:
    number = {"统一社会信用代码/身份证号": ID_A}
    data = row(PLEDGE, 序号=1, 主体名称="李某", **number, 所属乡镇街道=cell, 签订日期=dt.date(2024, 1, 2))
    path = xlsx(tmp_path / file, {sheet: [["诚信经营承诺书台账"], PLEDGE, data, ["合计", "1份"]]})
    report = mapped(path, mappings, kind="pledge")
    assert list(report.frame.columns) == list(MAPPED_PLEDGE)
    one = first(report.frame)
    assert one.get("town") == town
    assert (one["number"], one["signed_on"], one["record_kind"], one["row"]) == (ID_A, "2024-01-02", "pledge", 3)
    assert report.rows_skipped == 3
