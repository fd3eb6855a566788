"""Words of the pages, and how values are shown."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any, Final
from zoneinfo import ZoneInfo

from zp_registry.lists import dossier
from zp_registry.quarantine.codes import severity

HERE = ZoneInfo("Asia/Shanghai")
MENU: Final = (
    ("overview", "overview.overview", "总览", "clerk"), ("look", "look.look", "查询", "clerk"),
    ("upload", "upload.upload", "上传报表", "clerk"), ("rejects", "rejects.rejects", "待更正", "clerk"),
    ("followups", "followups.followups", "催签", "clerk"), ("review", "review.review", "核查", "investigator"),
    ("cases", "cases.cases", "转让线索", "investigator"), ("work", "work.work", "任务", "clerk"),
    ("users", "users.users", "用户", "admin"), ("trail", "trail.trail", "审计", "admin"),
)  # fmt: skip
ROLES: Final = {"clerk": "办事人员", "investigator": "核查人员", "admin": "管理员"}
STATES: Final = {
    "waiting": "排队中", "running": "进行中", "done": "已完成", "failed": "未完成", "partial": "完成，有退回",
    "killed": "被中断",
    "reading": "识别中", "understood": "待确认", "refused": "不能导入", "unknown": "版式未知", "loaded": "已导入",
    "unchanged": "此前已导入", "asked": "需补充信息", "dropped": "已放弃",
}  # fmt: skip
WORK: Final = {
    "understand": "识别文件", "import": "导入报表", "books": "读取工作簿", "correct": "更正退回行", "attempt": "登记催签",
    "pledge": "登记承诺书", "lists": "生成催签清单", "decide": "认定主体", "case": "办理线索",
    "demo": "演示",
    "nightly": "夜间任务", "desk import": "网页导入", "desk workbooks": "网页读取工作簿", "desk corrections": "网页更正",
    "desk follow-up": "网页登记催签", "desk pledge": "网页登记承诺书", "desk lists": "网页生成清单", "desk review": "网页认定",
    "desk case": "网页办理线索", "import cli": "导入",
}  # fmt: skip
KINDS: Final = {"report": "平台报表", "pledge": "承诺书台账", "followups": "填好的催签清单", "rejects": "更正好的待更正工作簿"}
REASONS: Final = {"missing": "未签", "expired": "过期", "outdated": "版本过旧", "mismatch": "签署人与主体不符"}
DECISIONS: Final = {"same": "相同", "different": "不同", "unsure": "不能确定"}
SEVERITIES: Final = {"reject": "整行退回", "empty": "该值不采用", "note": "提示", "warn": "提醒", "file": "整份不导入"}
FIELDS: Final = {
    "": "（系统不认识，保留为附加信息）", "-": "（不保留）", "extra": "（附加信息）",
    "account_id": "账号标识", "account_handle": "账号号码",
    "account_name": "账号名称", "account_url": "账号链接", "account_kind": "账号类型", "account_status": "账号状态",
    "opened_on": "开通日期", "closed_on": "注销日期", "followers": "粉丝数", "held_from": "经营开始", "held_to": "经营结束",
    "subject_kind": "主体类型", "subject_name": "主体名称", "uscc": "统一社会信用代码", "id_type": "证件类型",
    "id_number": "证件号码", "legal_representative": "法定代表人", "operator_name": "经营者姓名",
    "operator_id_number": "经营者证件号码", "contact_name": "联系人", "contact_phone": "联系电话",
    "business_address": "经营地址",
    "exempt_case": "免登记情形", "over_threshold": "是否超过零星小额", "agency_name": "机构名称", "agency_uscc": "机构信用代码",
    "payee_name": "收款人", "payee_account": "收款账户", "payee_bank": "开户行", "verified_on": "核验日期",
    "info_status": "信息状态", "as_of": "报送日期", "platform": "平台", "streamer.name": "主播姓名",
    "streamer.id_number": "主播证件号码", "streamer.phone": "主播电话", "streamer.relation": "主播关系",
    "streamer.agency": "主播机构", "streamer.residence": "主播住址", "pledge_number": "承诺书编号", 
    "number": "信用代码或身份证号",
    "signer": "签署人", "town": "乡镇街道", "template_version": "承诺书版本", "signed_on": "签订日期",
    "valid_until": "有效期至",
    "method": "签订方式", "scan_number": "扫描件编号", "remark": "备注",
}  # fmt: skip
# Acts on the audit trail by how their names begin; an act is called by the longest that fits.
ACTIONS: Final = {
    "desk sign-in": "登录", "desk sign-in refused": "登录被拒", "desk sign-in throttled": "登录过于频繁",
    "desk sign-out": "退出", "desk look up": "查询", "desk show": "查看", "desk show phone": "显示完整电话",
    "desk show audit": "查看审计记录", "desk show case": "查看线索", "desk show pair": "查看疑似重复",
    "desk show reject": "查看退回行", "desk unmask": "查看完整号码", "unmask": "查看完整号码（命令）",
    "show": "查看（命令）", "desk refused": "越权被拒", "desk download": "下载", "desk print": "打印通知书",
    "desk draft mapping": "保存版式草稿", "desk drop upload": "放弃上传", "upload": "上传", "import": "导入",
    "accept file": "仍要导入", "import corrected rows": "更正退回行", "export": "导出", "export rejects": "导出待更正",
    "export unmasked": "导出完整号码", "follow-up attempt": "登记催签", "register pledge": "登记承诺书",
    "write": "生成清单", "review": "认定主体", "review undo": "撤销认定", "case": "办理线索", "case document": "线索材料",
    "flag": "处理提示", "desk user": "管理用户", "desk user add": "新增用户", "desk user access": "更改权限",
    "desk user password": "更改密码", "desk user disable": "停用用户", "desk user enable": "恢复用户",
    "person": "个人信息请求", "settings": "设置变更", "rotate keys": "更换密钥", "keys": "更换密钥", "backup": "备份",
    "retention": "到期删除", "train": "训练模型", "use match model": "启用模型", "tip": "举报线索",
    "assign pledge": "指定承诺书归属", "reviewed pair": "已核对关系", "pledge assignment": "撤销承诺书归属",
    "evaluate": "评测",
}  # fmt: skip


def act(action: str) -> str:
    """An act on the audit trail in words."""
    known = [a for a in ACTIONS if action == a or action.startswith(a + " ")]
    return ACTIONS[max(known, key=len)] if known else action


_CORRECTION = re.compile(r"(?s).*: (\d+) rows of (.+) \((.*)\): (.*)")


def correction(subject: str) -> str:
    """What was corrected, as the trail has it, in words."""
    found = _CORRECTION.fullmatch(subject)
    return subject if found is None else f"{found[2]}（{found[3]}），{found[1]} 行：{found[4]}"


def moment(value: str | None) -> str:
    """A stored moment by the clock of those who read it."""
    if not value:
        return ""
    try:
        return dt.datetime.fromisoformat(value).astimezone(HERE).strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return value


def number(value: Any) -> str:
    """A count with its thousands apart."""
    return f"{int(value or 0):,}"


def percent(value: Any) -> str:
    """A share."""
    return f"{100 * float(value or 0):.1f}%"


def size(value: Any) -> str:
    """Bytes for people."""
    count = float(value or 0)
    return f"{count / 1048576:.1f} MB" if count >= 1048576 else f"{max(1, round(count / 1024))} KB"


def said(value: Any, column: str) -> Any:
    """A code in words, as the dossier shows it."""
    return "" if value is None else dossier.shown(column, value)


FILTERS: Final = {
    "act": act, "correction": correction, "moment": moment, "number": number, "percent": percent, "size": size, "said": said,
    "state": lambda v: STATES.get(v, v or ""), "work": lambda v: WORK.get(v, v), "role": lambda v: ROLES.get(v, v),
    "reason": lambda v: REASONS.get(v, v or ""), "kind": lambda v: KINDS.get(v, v), "decision": lambda v: DECISIONS.get(v, v),
    "field": lambda v: FIELDS.get(v, "（中间值）" if v.startswith("_") else v), "severity": lambda v: SEVERITIES.get(v, v),
    "grave": lambda v: severity(v) != "note",
}  # fmt: skip
