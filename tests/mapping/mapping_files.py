"""Small real files in the packaged layouts, written with the programs that people use: every test reads them back from disk."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import xlwt

from zp_registry.mapping import MappedReport, Mappings, map_report
from zp_registry.sources.files import read_file

Rows = Sequence[Sequence[Any]]

DOUYIN = ["序号", "抖音号", "账号UID", "昵称", "主页链接", "粉丝数", "主体类型", "认证主体名称", "统一社会信用代码",
          "法定代表人/经营者",
          "身份证件类型", "证件号码", "联系电话", "实际经营地址", "直播营销人员姓名", "直播营销人员证件号码", "与主体关系",
          "所属机构(MCN)",
          "结算账户名", "结算账号", "认证日期", "账号状态"]
KUAISHOU = ["快手ID", "用户昵称", "实名姓名", "实名证件号", "企业名称", "信用代码", "手机号", "地址", "开播人",
            "开播人证件号", "收款人", "收款账号",
            "MCN机构", "粉丝量", "开通时间", "状态码"]
REGISTERED = ["序号", "名称", "统一社会信用代码", "实际经营地址", "联系方式", "网店名称", "网址链接", "店铺ID", "经营者姓名",
              "支付宝实名"]
UNREGISTERED = ["序号", "姓名", "身份证件类型", "身份证件号码", "实际经营地址", "联系方式", "网店名称", "网址链接", "店铺ID",
                "免登记情形",
                "年交易额是否超过10万元", "支付宝实名"]
XIAOHONGSHU = ["red_id", "nickname", "subject_name", "subject_type", "uscc", "id_no", "phone", "province", "city", "county",
               "address_detail",
               "anchor_name", "anchor_id_no", "anchor_relation", "settle_name", "settle_no", "verified_at", "status",
               "report_date"]
PINDUODUO = ["店铺ID", "店铺名称", "商家类型", "主体名称", "证照号码", "联系人", "联系电话", "经营地址", "提现账户名",
             "提现账号", "入驻时间", "店铺状态"]
JD = ["商家编码", "店铺名", "店铺链接", "类型", "公司名称/姓名", "统一社会信用代码/证件号", "法人", "法人证件号", "联系人",
      "手机", "固定电话", "省", "市",
      "区县", "详细地址", "开户名", "银行账号", "开户行", "开店日期", "状态"]
JD_GROUPS = ["商家", "", "", "", "主体", "", "", "", "联系", "", "", "", "", "", "", "结算", "", "", "商家", ""]
WECHAT_TOP = ["序号", "是否已取得登记证照", "已取得登记证照的经营者", "", "", "未取得登记证照的经营者", "", "", "",
              "免报情形", "", "地址",
              "店铺（用户）信息", "", "", "结算（支付）账户", "", "", "联系人", "", "经营时间", "", "信息状态标识"]
WECHAT_LEAF = ["", "", "名称（姓名）", "统一社会信用代码（纳税人识别号）", "专业服务机构标识", "姓名", "证件类型", "证件号码",
               "国家或地区",
               "是否存在免于报送收入信息情形", "免报类型", "", "店铺（用户）名称", "店铺（用户）唯一标识码", "网址链接",
               "开户银行/非银行支付机构",
               "账户名称", "银行账号/支付账户", "联系人姓名", "联系电话", "经营开始时间", "经营结束时间", ""]
PLEDGE = ["序号", "承诺书编号", "主体名称", "统一社会信用代码/身份证号", "经营者/负责人", "联系电话", "所属乡镇街道",
          "承诺书版本", "签订日期",
          "有效期至", "签订方式(纸质/电子)", "扫描件编号", "备注"]
# Numbers with right check digits that belong to nobody.
USCC, USCC_SOLE, ID_A, ID_B = "91411324MA0000000X", "92411324MA00000012", "411324190001010017", "411324190001010025"


def row(header: list[str], **cells: Any) -> list[Any]:
    """One row of a layout; cells that are not named stay empty."""
    assert set(cells) <= set(header), set(cells) - set(header)
    return [cells.get(h) for h in header]


def xlsx(path: Path, sheets: dict[str, Rows], hidden: tuple[str, ...] = (), merges: dict[str, list[str]] | None = None) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for values in rows:
            sheet.append([None if v == "" else v for v in values])
        for area in (merges or {}).get(name, []):
            sheet.merge_cells(area)
        if name in hidden:
            sheet.sheet_state = "hidden"
    book.save(path)
    return path


def xls(path: Path, sheets: dict[str, Rows]) -> Path:
    book = xlwt.Workbook()
    for name, rows in sheets.items():
        sheet = book.add_sheet(name)
        for i, values in enumerate(rows):
            for k, value in enumerate(values):
                if value not in ("", None):
                    sheet.write(i, k, value)
    book.save(str(path))
    return path


def text_csv(path: Path, rows: Rows, encoding: str = "utf-8-sig") -> Path:
    with path.open("w", encoding=encoding, newline="") as f:
        csv.writer(f).writerows([["" if v is None else v for v in r] for r in rows])
    return path


def jsonl(path: Path, records: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records), encoding="utf-8")
    return path


def mapped(path: Path, mappings: Mappings, **options: Any) -> MappedReport:
    report = map_report(read_file(path), mappings, **options)
    assert report.rows_read == len(report.frame) + report.rows_skipped
    assert list(report.frame.index) == list(range(len(report.frame)))
    return report


def codes(report: MappedReport) -> list[tuple[int, str, str]]:
    return list(report.faults[["idx", "field", "code"]].itertuples(index=False, name=None))


def remarks(report: MappedReport) -> set[str]:
    return {w.code for w in report.warnings}
