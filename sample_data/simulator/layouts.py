"""The nine layouts: which text stands under which header. Titles, merged headers and footers are the platforms' own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .base import COOP, ENTERPRISE, SOLE, Obj, either, glue, obj, text
from .render import Table, Text, blank, serials, table

PLATFORM_NAMES = {
    "douyin": ("抖音", "抖音电商", "北京抖音信息服务有限公司"), "kuaishou": ("快手", "快手电商", "北京快手科技有限公司"),
    "taobao": ("淘宝", "淘宝网", "浙江淘宝网络有限公司"), "wechat_channels": ("视频号", "微信视频号", "深圳市腾讯计算机系统有限公司"),
    "xiaohongshu": ("小红书", "小红书", "行吟信息科技（上海）有限公司"), "pinduoduo": ("拼多多", "拼多多", "上海寻梦信息技术有限公司"),
    "jd": ("京东", "京东商城", "北京京东叁佰陆拾度电子商务有限公司"), "weipaitang": ("微拍堂", "微拍堂", "杭州微拍堂文化创意有限公司"),
}
KINDS = ("个人", "个体工商户", "企业", "农民专业合作社")
RELATIONS = ("本人", "员工", "签约主播", "亲属", "其他")
RELATIONS_CODE = ("self", "employee", "signed", "family", "other")
STATUS = ("正常", "限制", "关闭")

DOUYIN = ("序号=serial|抖音号=handle|账号UID=account_id|昵称=nick|主页链接=url|粉丝数=|主体类型=|认证主体名称=name|统一社会信用代码=uscc|法定代表人/经营者=person_name|"
          "身份证件类型=|证件号码=id|联系电话=phone|实际经营地址=address|直播营销人员姓名=streamer|直播营销人员证件号码=streamer_id|与主体关系=|所属机构(MCN)=agency|"
          "结算账户名=payee_name|结算账号=payee_account|认证日期=date|账号状态=")
KUAISHOU = ("快手ID=account_id|用户昵称=nick|实名姓名=name_natural|实名证件号=id|企业名称=name_licensed|信用代码=uscc|手机号=phone|地址=address|开播人=streamer|"
            "开播人证件号=streamer_id|收款人=payee_name|收款账号=payee_account|MCN机构=agency|粉丝量=|开通时间=|状态码=")
TAOBAO_A = ("序号=serial|名称=name|统一社会信用代码=uscc|实际经营地址=address|联系方式=phone|网店名称=nick|网址链接=url|店铺ID=account_id|经营者姓名=person_name|"
            "支付宝实名=payee_name")
TAOBAO_B = ("序号=serial|姓名=name|身份证件类型=|身份证件号码=id|实际经营地址=address|联系方式=phone|网店名称=nick|网址链接=url|店铺ID=account_id|免登记情形=|"
            "年交易额是否超过10万元=|支付宝实名=payee_name")
WECHAT = ("序号=serial|是否已取得登记证照=|名称（姓名）=name_licensed|统一社会信用代码（纳税人识别号）=uscc|专业服务机构标识=|姓名=name_natural|证件类型=|证件号码=id|"
          "国家或地区=|是否存在免于报送收入信息情形=|免报类型=|地址=address|店铺（用户）名称=nick|店铺（用户）唯一标识码=account_id|网址链接=url|"
          "开户银行 / 非银行支付机构=|账户名称=payee_name|银行账号/支付账户=payee_account|联系人姓名=contact|联系电话=phone|经营开始时间=date|经营结束时间=date|信息状态标识=")
XIAOHONGSHU = ("red_id=account_id|nickname=nick|subject_name=name|subject_type=|uscc=uscc|id_no=id|phone=phone|province=|city=|county=|address_detail=address|"
               "anchor_name=streamer|anchor_id_no=streamer_id|anchor_relation=|settle_name=payee_name|settle_no=payee_account|verified_at=|status=|report_date=")
PINDUODUO = ("店铺ID=account_id|店铺名称=nick|商家类型=|主体名称=name|证照号码=number|联系人=contact|联系电话=phone|经营地址=address|提现账户名=payee_name|"
             "提现账号=payee_account|入驻时间=|店铺状态=")
JD = ("商家编码=account_id|店铺名=nick|店铺链接=url|类型=|公司名称/姓名=name|统一社会信用代码/证件号=number|法人=person_name|法人证件号=person_id|联系人=contact|"
      "手机=phone|固定电话=|省=|市=|区县=|详细地址=address|开户名=payee_name|银行账号=payee_account|开户行=|开店日期=date|状态=")
WEIPAITANG = ("report_date=|shop.id=account_id|shop.name=nick|shop.url=url|shop.kind=|shop.opened=date|shop.status=|shop.fans=|subject.type=|subject.name=name|"
              "subject.uscc=uscc|subject.id_type=|subject.id_no=id|subject.legal_rep=person_name|subject.operator.name=operator|subject.operator.id_no=person_id|"
              "contact.name=contact|contact.phone=phone|contact.address=address|anchors.0.name=streamer|anchors.0.id_no=streamer_id|anchors.0.phone=|"
              "anchors.0.relation=|anchors.0.agency=|anchors.1.name=|anchors.1.id_no=|anchors.1.phone=|anchors.1.relation=|anchors.1.agency=|"
              "agency.name=agency|agency.uscc=|settlement.name=payee_name|settlement.account=payee_account|settlement.bank=")
SHARE_A = "平台名称=|名称（姓名）=name|统一社会信用代码=uscc|实际经营地址=address|联系方式=phone|直播账号=account_id"
SHARE_B = "平台名称=|姓名=name|身份证件号码=id|实际经营地址=address|联系方式=phone|直播账号=account_id"
SHARE_C = "姓名=name|身份证件号码=id|经常居住地址=address|联系方式=phone|所属直播营销人员服务机构=agency|专业资质=|职业职务="


@dataclass
class Report:
    """What a layout needs beside the rows: the report date and the words for it."""

    day: np.datetime64

    @property
    def iso(self) -> str:
        return str(self.day)

    @property
    def chinese(self) -> str:
        return f"{self.iso[:4]}年{self.iso[5:7]}月{self.iso[8:]}日"


def _n(t: Text) -> int:
    return len(t.view)


def _licensed(t: Text, column: Obj) -> Obj:
    return either(t.natural, None, column)


def _natural(t: Text, column: Obj) -> Obj:
    return either(t.natural, column, None)


def _person_documents(t: Text) -> Obj:
    """Numbers of natural persons and of sole proprietors' operators; companies report none."""
    return either(np.isin(t.kind, (ENTERPRISE, COOP)), None, t.person_number)


def _two_relations(t: Text, words: tuple[str, ...]) -> Obj:
    return t.join(t.relations(words), either(t.view.second < 0, None, words[1]))


def douyin(t: Text, r: Report) -> list[Table]:
    documents = _person_documents(t)
    columns = [serials(_n(t)), t.accounts.handle[t.view.account], t.account_id, t.view.nick, t.url, t.accounts.followers[t.view.account].astype(object),
               obj(KINDS)[t.kind], t.name, t.uscc, _licensed(t, t.person_name), either(np.equal(documents, None).astype(bool), None, "居民身份证"), documents,
               t.phone, t.address, t.streamers("name"), t.streamers("number"), _two_relations(t, RELATIONS), t.agency, t.payee_name, t.payee_account,
               t.date("verified"), obj(STATUS)[t.view.status]]
    out = table("主播身份报送", DOUYIN, columns, t.view, t.kind, first_row=4, merges=["A1:V1", "A2:V2"], total="合计：{n}户")
    out.titles = [["抖音平台网络直播主体身份信息报送表"], [f"报送日期：{r.chinese}\u3000\u3000平台名称：抖音"]]
    out.below = [["制表人：周某某\u3000审核人：秦某某"]]
    return [out]


def kuaishou(t: Text, r: Report) -> list[Table]:
    columns = [t.account_id, t.view.nick, t.person_name, t.person_number, _licensed(t, t.name), t.uscc, t.phone, t.address, t.people(t.view.streamer, "name"),
               t.people(t.view.streamer, "number"), t.payee_name, t.payee_account, t.agency, text(t.accounts.followers[t.view.account]),
               glue(t.date("opened"), " 09:30:00"), obj(("1", "2", "3"))[t.view.status]]
    return [table("", KUAISHOU, columns, t.view, t.kind)]


def taobao(t: Text, r: Report) -> list[Table]:
    second = t.accounts.landline[t.view.account]
    phones = either(np.equal(second, None).astype(bool), t.phone, glue(t.phone, "、", second))
    path = either(t.view.account % 19 == 0, "打开手机淘宝搜索店铺名称进入", t.url)
    over = either(t.accounts.followers[t.view.account] > 20000, "是", "否")
    exempt = obj(("自产农副产品", "家庭手工业产品", "便民劳务", "零星小额"))[t.accounts.exempt[t.view.account]]
    a, b = np.flatnonzero(~t.natural), np.flatnonzero(t.natural)
    first = [c[a] for c in (t.name, t.uscc, t.address, phones, t.view.nick, path, t.account_id, t.person_name, t.payee_name)]
    other = [c[b] for c in (t.name, np.full(_n(t), "居民身份证", dtype=object), t.person_number, t.address, phones, t.view.nick, path, t.account_id, exempt, over,
                            t.payee_name)]
    sheets = [table("已办理市场主体登记", TAOBAO_A, [serials(len(a)), *first], t.view.take(a), t.kind[a], merges=["A1:J1"]),
              table("未办理市场主体登记", TAOBAO_B, [serials(len(b)), *other], t.view.take(b), t.kind[b], merges=["A1:L1"])]
    for sheet in sheets:
        sheet.titles, sheet.first_row = [[f"平台内经营者身份信息（{sheet.sheet}）"]], 3
    return sheets


def wechat_channels(t: Text, r: Report) -> list[Table]:
    n = _n(t)
    agency = either(t.view.agency < 0, None, "否")
    columns = [serials(n), either(t.natural, "否", "是"), _licensed(t, t.name), t.uscc, _licensed(t, agency), _natural(t, t.name),
               _natural(t, np.full(n, "201|居民身份证", dtype=object)), _natural(t, t.person_number), _natural(t, np.full(n, "156|中国", dtype=object)),
               np.full(n, "否", dtype=object), blank(n), t.address, t.view.nick, t.account_id, t.url, t.bank, t.payee_name, t.payee_account, t.person_name,
               t.phone, t.date("held_from"), t.date("held_to"), t.view.info]
    out = table("身份信息报送表", WECHAT, columns, t.view, t.kind, first_row=6, fixed=True)
    names = PLATFORM_NAMES["wechat_channels"]
    meta: list[object] = [None] * 23
    meta[0], meta[5], meta[16], meta[22] = (f"互联网平台企业名称：{names[2]}", "统一社会信用代码（纳税人识别号）：9144030071526726XG", f"平台名称：{names[1]}",
                                            f"报送日期：{r.iso}")
    out.titles = [["平台内的经营者和从业人员身份信息报送表"], [], meta]
    groups = {0: "序号", 1: "是否已取得登记证照", 2: "已取得登记证照的经营者", 5: "未取得登记证照的经营者", 9: "收入信息报送", 11: "地址", 12: "店铺（用户）信息", 15: "结算账户",
              18: "联系人", 20: "经营时间", 22: "信息状态标识"}
    out.groups = [[groups.get(i) for i in range(23)]]
    out.merges = ["A1:W1", "A4:A5", "B4:B5", "C4:E4", "F4:I4", "J4:K4", "L4:L5", "M4:O4", "P4:R4", "S4:T4", "U4:V4", "W4:W5"]
    out.below = [["谨声明：本表所填报的身份信息真实、准确、完整。"], ["互联网平台企业（签章）："], ["经办人：", *[None] * 9, "受理人："]]
    return [out]


def xiaohongshu(t: Text, r: Report) -> list[Table]:
    place, at = t.world.place, t.view.holder
    columns = [t.account_id, t.view.nick, t.name, obj(("PERSON", "INDIVIDUAL_BIZ", "COMPANY", "COOP"))[t.kind], t.uscc, _person_documents(t), t.phone,
               place.province[at], place.city[at], place.county[at], place.detail[at], t.people(t.view.streamer, "name"), t.people(t.view.streamer, "number"),
               t.relations(RELATIONS_CODE), t.payee_name, t.payee_account, glue(t.date("verified"), "T10:00:00+08:00"),
               obj(("ACTIVE", "LIMITED", "CLOSED"))[t.view.status], np.full(_n(t), r.iso, dtype=object)]
    return [table("", XIAOHONGSHU, columns, t.view, t.kind)]


def pinduoduo(t: Text, r: Report) -> list[Table]:
    code = np.where(t.natural | (t.kind == SOLE), 1, np.array([2, 2, 3, 6])[t.view.account % 4]).astype(object)
    columns = [t.account_id, t.view.nick, code, t.name, t.number, t.person_name, t.phone, t.address, t.payee_name, t.payee_account,
               t.view.opened.astype("datetime64[D]").astype(object), obj(STATUS)[t.view.status]]
    return [table("商家信息", PINDUODUO, columns, t.view, t.kind)]


def jd(t: Text, r: Report) -> list[Table]:
    place, at = t.world.place, t.view.holder
    columns = [t.account_id, t.view.nick, t.url, obj(KINDS)[t.kind], t.name, t.number, _licensed(t, t.person_name), _licensed(t, t.person_number),
               t.person_name, t.phone, t.accounts.landline[t.view.account], place.province[at], place.city[at], place.county[at], place.detail[at],
               t.payee_name, t.payee_account, t.bank, obj(str(d).replace("-0", "-").replace("-", "/") for d in t.date("opened")), obj(STATUS)[t.view.status]]
    out = table("商家信息", JD, columns, t.view, t.kind, first_row=5, fixed=True)
    y, m, d = (int(x) for x in r.iso.split("-"))
    out.titles = [[f"数据截止：{y}/{m}/{d}"]]
    top = {0: "商家", 4: "主体", 8: "联系", 15: "结算", 18: "开店日期", 19: "状态"}
    middle = {0: "编号与名称", 2: "其他", 4: "登记", 6: "法定代表人", 8: "联系人", 11: "经营地址", 15: "账户"}
    out.groups = [[top.get(i) for i in range(20)], [middle.get(i) for i in range(20)]]
    out.merges = ["A2:D2", "E2:H2", "I2:O2", "P2:R2", "A3:B3", "C3:D3", "E3:F3", "G3:H3", "I3:K3", "L3:O3", "P3:R3", "S2:S4", "T2:T4"]
    return [out]


def weipaitang(t: Text, r: Report) -> list[Table]:
    n, v = _n(t), t.view
    one, two = v.streamer, v.second
    company, sole = np.isin(t.kind, (ENTERPRISE, COOP)), t.kind == SOLE
    agency = t.agency
    columns = [np.full(n, r.iso, dtype=object), t.account_id, v.nick, t.url, either(v.account % 5 == 0, "shop", "live"), t.date("opened"),
               obj(("normal", "frozen", "closed"))[v.status], t.accounts.followers[v.account].astype(object),
               obj(("person", "individual", "company", "coop"))[t.kind], t.name, t.uscc, either(company, None, "居民身份证"), _person_documents(t),
               either(company, t.person_name, None), either(sole, t.person_name, None), either(sole, t.person_number, None), t.person_name, t.phone, t.address,
               t.people(one, "name"), t.people(one, "number"), t.people(one, "phone"), t.relations(RELATIONS_CODE), agency, t.people(two, "name"),
               t.people(two, "number"), t.people(two, "phone"), either(two < 0, None, "employee"), blank(n), agency, t.agency_uscc, t.payee_name,
               t.payee_account, t.bank]
    return [table("", WEIPAITANG, columns, v, t.kind, first_row=1, fixed=True)]


LAYOUTS: dict[str, Callable[[Text, Report], list[Table]]] = {
    "douyin": douyin, "kuaishou": kuaishou, "taobao": taobao, "wechat_channels": wechat_channels, "xiaohongshu": xiaohongshu, "pinduoduo": pinduoduo,
    "jd": jd, "weipaitang": weipaitang,
}
EXTENSIONS = {"kuaishou": "csv", "xiaohongshu": "csv", "pinduoduo": "xls", "weipaitang": "jsonl"}
