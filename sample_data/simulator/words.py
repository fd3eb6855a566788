"""Platforms' names, code words and headers: ``header=role`` in the layout's order, an empty role for what dirt leaves alone."""

from __future__ import annotations

PLATFORM_NAMES = {
    "douyin": ("抖音", "抖音电商", "北京抖音信息服务有限公司"),
    "kuaishou": ("快手", "快手电商", "北京快手科技有限公司"),
    "taobao": ("淘宝", "淘宝网", "浙江淘宝网络有限公司"),
    "wechat_channels": ("视频号", "微信视频号", "深圳市腾讯计算机系统有限公司"),
    "xiaohongshu": ("小红书", "小红书", "行吟信息科技（上海）有限公司"),
    "pinduoduo": ("拼多多", "拼多多", "上海寻梦信息技术有限公司"),
    "jd": ("京东", "京东商城", "北京京东叁佰陆拾度电子商务有限公司"),
    "weipaitang": ("微拍堂", "微拍堂", "杭州微拍堂文化创意有限公司"),
}
KINDS = ("个人", "个体工商户", "企业", "农民专业合作社")
RELATIONS = ("本人", "员工", "签约主播", "亲属", "其他")
RELATIONS_CODE = ("self", "employee", "signed", "family", "other")
STATUS = ("正常", "限制", "关闭")

DOUYIN = (
    "序号=serial|抖音号=handle|账号UID=account_id|昵称=nick|主页链接=url|粉丝数=|主体类型=|认证主体名称=name|统一社会信用代码=uscc|法定代表人/经营者=person_name|"
    "身份证件类型=|证件号码=id|联系电话=phone|实际经营地址=address|直播营销人员姓名=streamer|直播营销人员证件号码=streamer_id|与主体关系=|所属机构(MCN)=agency|"
    "结算账户名=payee_name|结算账号=payee_account|认证日期=date|账号状态="
)
KUAISHOU = (
    "快手ID=account_id|用户昵称=nick|实名姓名=name_natural|实名证件号=id|企业名称=name_licensed|信用代码=uscc|手机号=phone|地址=address|开播人=streamer|"
    "开播人证件号=streamer_id|收款人=payee_name|收款账号=payee_account|MCN机构=agency|粉丝量=|开通时间=|状态码="
)
TAOBAO_A = (
    "序号=serial|名称=name|统一社会信用代码=uscc|实际经营地址=address|联系方式=phone|网店名称=nick|网址链接=url|店铺ID=account_id|经营者姓名=person_name|"
    "支付宝实名=payee_name"
)
TAOBAO_B = (
    "序号=serial|姓名=name|身份证件类型=|身份证件号码=id|实际经营地址=address|联系方式=phone|网店名称=nick|网址链接=url|店铺ID=account_id|免登记情形=|"
    "年交易额是否超过10万元=|支付宝实名=payee_name"
)
WECHAT = (
    "序号=serial|是否已取得登记证照=|名称（姓名）=name_licensed|统一社会信用代码（纳税人识别号）=uscc|专业服务机构标识=|"
    "姓名=name_natural|证件类型=|证件号码=id|国家或地区=|是否存在免于报送收入信息情形=|"
    "免报类型=|地址=address|店铺（用户）名称=nick|店铺（用户）唯一标识码=account_id|网址链接=url|"
    "开户银行 / 非银行支付机构=|账户名称=payee_name|银行账号/支付账户=payee_account|联系人姓名=contact|联系电话=phone|"
    "经营开始时间=date|经营结束时间=date|信息状态标识="
)
XIAOHONGSHU = (
    "red_id=account_id|nickname=nick|subject_name=name|subject_type=|uscc=uscc|id_no=id|phone=phone|province=|city=|county=|address_detail=address|"
    "anchor_name=streamer|anchor_id_no=streamer_id|anchor_relation=|settle_name=payee_name|settle_no=payee_account|verified_at=|status=|report_date="
)
PINDUODUO = (
    "店铺ID=account_id|店铺名称=nick|商家类型=|主体名称=name|证照号码=number|联系人=contact|联系电话=phone|经营地址=address|提现账户名=payee_name|"
    "提现账号=payee_account|入驻时间=|店铺状态="
)
JD = (
    "商家编码=account_id|店铺名=nick|店铺链接=url|类型=|公司名称/姓名=name|统一社会信用代码/证件号=number|法人=person_name|法人证件号=person_id|联系人=contact|"
    "手机=phone|固定电话=|省=|市=|区县=|详细地址=address|开户名=payee_name|银行账号=payee_account|开户行=|开店日期=date|状态="
)
WEIPAITANG = (
    "report_date=|shop.id=account_id|shop.name=nick|shop.url=url|shop.kind=|shop.opened=date|shop.status=|shop.fans=|subject.type=|subject.name=name|"
    "subject.uscc=uscc|subject.id_type=|subject.id_no=id|subject.legal_rep=person_name|subject.operator.name=operator|subject.operator.id_no=person_id|"
    "contact.name=contact|contact.phone=phone|contact.address=address|anchors.0.name=streamer|anchors.0.id_no=streamer_id|anchors.0.phone=|"
    "anchors.0.relation=|anchors.0.agency=|anchors.1.name=|anchors.1.id_no=|anchors.1.phone=|anchors.1.relation=|anchors.1.agency=|"
    "agency.name=agency|agency.uscc=|settlement.name=payee_name|settlement.account=payee_account|settlement.bank="
)
SHARE_A = "平台名称=|名称（姓名）=name|统一社会信用代码=uscc|实际经营地址=address|联系方式=phone|直播账号=account_id"
SHARE_B = "平台名称=|姓名=name|身份证件号码=id|实际经营地址=address|联系方式=phone|直播账号=account_id"
SHARE_C = "姓名=name|身份证件号码=id|经常居住地址=address|联系方式=phone|所属直播营销人员服务机构=agency|专业资质=|职业职务="
