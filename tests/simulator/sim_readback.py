"""Reads the simulator's files with openpyxl, calamine, csv and json alone: no code of the product, none of the writers."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
from python_calamine import CalamineWorkbook

# Headers as the layouts state them, parted by blanks (``_`` for a blank inside a header).
_SPEC = """
@douyin 主播身份报送
序号 抖音号 账号UID 昵称 主页链接 粉丝数 主体类型 认证主体名称 统一社会信用代码 法定代表人/经营者 身份证件类型 证件号码
联系电话 实际经营地址 直播营销人员姓名 直播营销人员证件号码 与主体关系 所属机构(MCN) 结算账户名 结算账号 认证日期
账号状态
@kuaishou
快手ID 用户昵称 实名姓名 实名证件号 企业名称 信用代码 手机号 地址 开播人 开播人证件号 收款人 收款账号 MCN机构 粉丝量
开通时间 状态码
@taobao 已办理市场主体登记
序号 名称 统一社会信用代码 实际经营地址 联系方式 网店名称 网址链接 店铺ID 经营者姓名 支付宝实名
@taobao 未办理市场主体登记
序号 姓名 身份证件类型 身份证件号码 实际经营地址 联系方式 网店名称 网址链接 店铺ID 免登记情形 年交易额是否超过10万元
支付宝实名
@xiaohongshu
red_id nickname subject_name subject_type uscc id_no phone province city county address_detail anchor_name anchor_id_no
anchor_relation settle_name settle_no verified_at status report_date
@pinduoduo 商家信息
店铺ID 店铺名称 商家类型 主体名称 证照号码 联系人 联系电话 经营地址 提现账户名 提现账号 入驻时间 店铺状态
@province_share A已登记运营者
平台名称 名称（姓名） 统一社会信用代码 实际经营地址 联系方式 直播账号
@province_share B未登记运营者
平台名称 姓名 身份证件号码 实际经营地址 联系方式 直播账号
@province_share C直播营销人员
姓名 身份证件号码 经常居住地址 联系方式 所属直播营销人员服务机构 专业资质 职业职务
@jd 商家信息
商家编码 店铺名 店铺链接 类型 公司名称/姓名 统一社会信用代码/证件号 法人 法人证件号 联系人 手机 固定电话 省 市 区县
详细地址 开户名 银行账号 开户行 开店日期 状态
@wechat_channels 身份信息报送表
序号 是否已取得登记证照 名称（姓名） 统一社会信用代码（纳税人识别号） 专业服务机构标识 姓名 证件类型 证件号码
国家或地区 是否存在免于报送收入信息情形 免报类型 地址 店铺（用户）名称 店铺（用户）唯一标识码 网址链接
开户银行_/_非银行支付机构 账户名称 银行账号/支付账户 联系人姓名 联系电话 经营开始时间 经营结束时间 信息状态标识
"""


def _read_spec() -> dict[tuple[str, str], list[str]]:
    out: dict[tuple[str, str], list[str]] = {}
    for block in _SPEC.split("@")[1:]:
        first, rest = block.split("\n", 1)
        platform, _, sheet = first.partition(" ")
        out[(platform, sheet)] = [h.replace("_/_", " / ") for h in rest.split()]
    return out


HEADERS = _read_spec()
# First data row of the workbooks; words that begin the rows below the data.
FIRST_ROW = {"douyin": 4, "taobao": 3, "wechat_channels": 6, "jd": 5, "pinduoduo": 2, "province_share": 2}
BELOW = ("合计：", "制表人：", "谨声明", "互联网平台企业", "经办人：")
# Per account layout: account, holder's numbers, phone, payee, streamer.
SHOWN: dict[str, tuple[str, tuple[str, ...], str, str, str | None]] = {
    "douyin": ("账号UID", ("统一社会信用代码", "证件号码"), "联系电话", "结算账号", "直播营销人员证件号码"),
    "kuaishou": ("快手ID", ("信用代码", "实名证件号"), "手机号", "收款账号", "开播人证件号"),
    "taobao": ("店铺ID", ("统一社会信用代码", "身份证件号码"), "联系方式", "支付宝实名", None),
    "wechat_channels": (
        "店铺（用户）唯一标识码",
        ("统一社会信用代码（纳税人识别号）", "证件号码"),
        "联系电话",
        "银行账号/支付账户",
        None,
    ),
    "xiaohongshu": ("red_id", ("uscc", "id_no"), "phone", "settle_no", "anchor_id_no"),
    "pinduoduo": ("店铺ID", ("证照号码",), "联系电话", "提现账号", None),
    "jd": ("商家编码", ("统一社会信用代码/证件号",), "手机", "银行账号", None),
    "weipaitang": (
        "shop.id",
        ("subject.uscc", "subject.id_no"),
        "contact.phone",
        "settlement.account",
        "anchors.0.id_no",
    ),
}


@dataclass
class Page:
    """One sheet (or file): header row and data rows as they stand."""

    platform: str
    day: str
    file: str
    sheet: str
    headers: list[Any]
    rows: list[list[Any]]

    def cells(self, header: str) -> list[Any]:
        k = self.headers.index(header)
        return [r[k] for r in self.rows]


def _flat(record: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in record.items():
        if isinstance(value, list):
            value = {str(i): v for i, v in enumerate(value)}
        if isinstance(value, dict):
            out |= _flat(value, f"{prefix}{key}.")
        else:
            out[prefix + key] = value
    return out


def labels(world: Path, name: str) -> list[dict[str, str]]:
    with (world / "truth" / f"truth_{name}.csv").open(encoding="utf-8-sig", newline="") as f:
        return list(csv.DictReader(f))


def grids(path: Path) -> dict[str, list[list[Any]]]:
    """Every sheet as a grid of cells."""
    if path.suffix == ".xls":
        book = CalamineWorkbook.from_path(str(path))
        return {
            n: [[None if v == "" else v for v in row] for row in book.get_sheet_by_name(n).to_python()]
            for n in book.sheet_names
        }
    book = openpyxl.load_workbook(path)
    return {s.title: [list(r) for r in s.iter_rows(values_only=True)] for s in book if s.sheet_state == "visible"}


def _header(grid: list[list[Any]], column: int, row: int, platform: str) -> Any:
    """A column's header; in the two layouts with merged headers it may stand in a row above."""
    above = 2 if platform == "jd" else 1 if platform == "wechat_channels" else 0
    return next((grid[r][column] for r in range(row, row - above - 1, -1) if grid[r][column] is not None), None)


def pages(world: Path) -> list[Page]:
    """All report sheets of a world."""
    out: list[Page] = []
    for path in sorted((world / "reports").rglob("*.*")):
        platform = next(p for p in (*SHOWN, "province_share") if path.name.startswith(p))
        day, file = path.name[len(platform) + 1 :][:8], path.relative_to(world).as_posix()
        if path.suffix == ".csv":
            with path.open(encoding="gb18030" if platform == "kuaishou" else "utf-8-sig", newline="") as f:
                grid: list[list[Any]] = [[v or None for v in r] for r in csv.reader(f)]
            out.append(Page(platform, day, file, "", grid[0], grid[1:]))
        elif path.suffix == ".jsonl":
            records = [_flat(json.loads(line)) for line in path.read_text("utf-8").splitlines()]
            names = sorted({k for r in records for k in r})
            out.append(Page(platform, day, file, "", names, [[r.get(n) for n in names] for r in records]))
        else:
            for sheet, grid in grids(path).items():
                first = FIRST_ROW[platform]
                rows = [r for r in grid[first - 1 :] if not str(r[0]).startswith(BELOW)]
                headers = [_header(grid, k, first - 2, platform) for k in range(len(grid[first - 2]))]
                out.append(Page(platform, day, file, sheet, headers, rows))
    return out


def holders(page: Page) -> list[dict[str, Any]]:
    """The rows of an account layout as account, holder's number, phone, payee and streamer, read by headers."""
    account, numbers, phone, payee, streamer = SHOWN[page.platform]
    out = []
    for row in page.rows:
        cell = dict(zip(page.headers, row, strict=False))
        out.append(
            {
                "platform": page.platform,
                "account": None if cell.get(account) is None else str(cell[account]),
                "month": f"{page.day[:4]}-{page.day[4:6]}",
                "number": next((cell[n] for n in numbers if cell.get(n)), None),
                "phone": cell.get(phone),
                "payee": cell.get(payee),
                "streamer": cell.get(streamer) if streamer else None,
                "info": cell.get("信息状态标识"),
                "until": cell.get("经营结束时间"),
            }
        )
    return out
