"""The nine layouts: which text stands under which header. Titles, merged headers and footers are the platforms' own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .base import SOLE, either, gaps, glue, obj
from .layouts_text import Report, kuaishou, licensed, natural, person_documents, rows, two_relations, weipaitang, xiaohongshu
from .render import Table, Text, blank, serials, table
from .words import DOUYIN, JD, KINDS, PINDUODUO, PLATFORM_NAMES, RELATIONS, STATUS, TAOBAO_A, TAOBAO_B, WECHAT


def douyin(t: Text, r: Report) -> list[Table]:
    documents = person_documents(t)
    columns = [
        serials(rows(t)),
        t.accounts.handle[t.view.account],
        t.account_id,
        t.view.nick,
        t.url,
        t.accounts.followers[t.view.account].astype(object),
        obj(KINDS)[t.kind],
        t.name,
        t.uscc,
        licensed(t, t.person_name),
        either(gaps(documents), None, "居民身份证"),
        documents,
        t.phone,
        t.address,
        t.streamers("name"),
        t.streamers("number"),
        two_relations(t, RELATIONS),
        t.agency,
        t.payee_name,
        t.payee_account,
        t.date("verified"),
        obj(STATUS)[t.view.status],
    ]
    out = table("主播身份报送", DOUYIN, columns, t.view, t.kind, first_row=4, merges=["A1:V1", "A2:V2"], total="合计：{n}户")
    out.titles = [["抖音平台网络直播主体身份信息报送表"], [f"报送日期：{r.chinese}\u3000\u3000平台名称：抖音"]]
    out.below = [["制表人：周某某\u3000审核人：秦某某"]]
    return [out]


def taobao(t: Text, r: Report) -> list[Table]:
    second = t.accounts.landline[t.view.account]
    phones = either(gaps(second), t.phone, glue(t.phone, "、", second))
    path = either(t.view.account % 19 == 0, "打开手机淘宝搜索店铺名称进入", t.url)
    over = either(t.accounts.followers[t.view.account] > 20000, "是", "否")
    exempt = obj(("自产农副产品", "家庭手工业产品", "便民劳务", "零星小额"))[t.accounts.exempt[t.view.account]]
    a, b = np.flatnonzero(~t.natural), np.flatnonzero(t.natural)
    first = [c[a] for c in (t.name, t.uscc, t.address, phones, t.view.nick, path, t.account_id, t.person_name, t.payee_name)]
    other = [
        c[b]
        for c in (
            t.name,
            np.full(rows(t), "居民身份证", dtype=object),
            t.person_number,
            t.address,
            phones,
            t.view.nick,
            path,
            t.account_id,
            exempt,
            over,
            t.payee_name,
        )
    ]
    sheets = [
        table("已办理市场主体登记", TAOBAO_A, [serials(len(a)), *first], t.view.take(a), t.kind[a], merges=["A1:J1"]),
        table("未办理市场主体登记", TAOBAO_B, [serials(len(b)), *other], t.view.take(b), t.kind[b], merges=["A1:L1"]),
    ]
    for sheet in sheets:
        sheet.titles, sheet.first_row = [[f"平台内经营者身份信息（{sheet.sheet}）"]], 3
    return sheets


def wechat_channels(t: Text, r: Report) -> list[Table]:
    n = rows(t)
    agency = either(t.view.agency < 0, None, "否")
    columns = [
        serials(n),
        either(t.natural, "否", "是"),
        licensed(t, t.name),
        t.uscc,
        licensed(t, agency),
        natural(t, t.name),
        natural(t, np.full(n, "201|居民身份证", dtype=object)),
        natural(t, t.person_number),
        natural(t, np.full(n, "156|中国", dtype=object)),
        np.full(n, "否", dtype=object),
        blank(n),
        t.address,
        t.view.nick,
        t.account_id,
        t.url,
        t.bank,
        t.payee_name,
        t.payee_account,
        t.person_name,
        t.phone,
        t.date("held_from"),
        t.date("held_to"),
        t.view.info,
    ]
    out = table("身份信息报送表", WECHAT, columns, t.view, t.kind, first_row=6, fixed=True)
    names = PLATFORM_NAMES["wechat_channels"]
    meta: list[object] = [None] * 23
    meta[0], meta[5], meta[16], meta[22] = (
        f"互联网平台企业名称：{names[2]}",
        "统一社会信用代码（纳税人识别号）：9144030071526726XG",
        f"平台名称：{names[1]}",
        f"报送日期：{r.iso}",
    )
    out.titles = [["平台内的经营者和从业人员身份信息报送表"], [], meta]
    groups = {
        0: "序号",
        1: "是否已取得登记证照",
        2: "已取得登记证照的经营者",
        5: "未取得登记证照的经营者",
        9: "收入信息报送",
        11: "地址",
        12: "店铺（用户）信息",
        15: "结算账户",
        18: "联系人",
        20: "经营时间",
        22: "信息状态标识",
    }
    out.groups = [[groups.get(i) for i in range(23)]]
    out.merges = ["A1:W1", "A4:A5", "B4:B5", "C4:E4", "F4:I4", "J4:K4", "L4:L5", "M4:O4", "P4:R4", "S4:T4", "U4:V4", "W4:W5"]
    out.below = [
        ["谨声明：本表所填报的身份信息真实、准确、完整。"],
        ["互联网平台企业（签章）："],
        ["经办人：", *[None] * 9, "受理人："],
    ]
    return [out]


def pinduoduo(t: Text, r: Report) -> list[Table]:
    code = np.where(t.natural | (t.kind == SOLE), 1, np.array([2, 2, 3, 6])[t.view.account % 4]).astype(object)
    columns = [
        t.account_id,
        t.view.nick,
        code,
        t.name,
        t.number,
        t.person_name,
        t.phone,
        t.address,
        t.payee_name,
        t.payee_account,
        t.view.opened.astype("datetime64[D]").astype(object),
        obj(STATUS)[t.view.status],
    ]
    return [table("商家信息", PINDUODUO, columns, t.view, t.kind)]


def jd(t: Text, r: Report) -> list[Table]:
    place, at = t.world.place, t.view.holder
    columns = [
        t.account_id,
        t.view.nick,
        t.url,
        obj(KINDS)[t.kind],
        t.name,
        t.number,
        licensed(t, t.person_name),
        licensed(t, t.person_number),
        t.person_name,
        t.phone,
        t.accounts.landline[t.view.account],
        place.province[at],
        place.city[at],
        place.county[at],
        place.detail[at],
        t.payee_name,
        t.payee_account,
        t.bank,
        obj(str(d).replace("-0", "-").replace("-", "/") for d in t.date("opened")),
        obj(STATUS)[t.view.status],
    ]
    out = table("商家信息", JD, columns, t.view, t.kind, first_row=5, fixed=True)
    y, m, d = (int(x) for x in r.iso.split("-"))
    out.titles = [[f"数据截止：{y}/{m}/{d}"]]
    top = {0: "商家", 4: "主体", 8: "联系", 15: "结算", 18: "开店日期", 19: "状态"}
    middle = {0: "编号与名称", 2: "其他", 4: "登记", 6: "法定代表人", 8: "联系方式", 11: "经营地址", 15: "账户"}
    out.groups = [[top.get(i) for i in range(20)], [middle.get(i) for i in range(20)]]
    out.merges = [
        "A2:D2",
        "E2:H2",
        "I2:O2",
        "P2:R2",
        "A3:B3",
        "C3:D3",
        "E3:F3",
        "G3:H3",
        "I3:K3",
        "L3:O3",
        "P3:R3",
        "S2:S4",
        "T2:T4",
    ]
    return [out]


LAYOUTS: dict[str, Callable[[Text, Report], list[Table]]] = {
    "douyin": douyin,
    "kuaishou": kuaishou,
    "taobao": taobao,
    "wechat_channels": wechat_channels,
    "xiaohongshu": xiaohongshu,
    "pinduoduo": pinduoduo,
    "jd": jd,
    "weipaitang": weipaitang,
}
EXTENSIONS = {"kuaishou": "csv", "xiaohongshu": "csv", "pinduoduo": "xls", "weipaitang": "jsonl"}
