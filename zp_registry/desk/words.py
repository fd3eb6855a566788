"""Words of the pages, and how values are shown."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final
from zoneinfo import ZoneInfo

from zp_registry.desk.trail_words import act, correction, told, why
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
    "desk case": "网页办理线索", "desk rejects export": "网页导出待更正", "import cli": "导入",
}  # fmt: skip
# Commands by how they begin, as the list of runs names them.
COMMANDS: Final = {
    "import": "导入报表", "pull": "拉取接口", "pledges import": "导入承诺书台账", "pledges": "处理承诺书归属",
    "resolve": "归并主体", "resolve train": "训练模型", "resolve use": "启用模型", "flag": "处理提示",
    "followups": "生成催签清单", "followups notices": "生成催签通知书", "followups import": "读取催签清单",
    "rejects export": "导出待更正", "rejects import": "读取待更正工作簿", "review": "认定主体",
    "review export": "导出认定", "review form": "生成核对表", "review import": "导入认定",
    "review import-form": "读取核对表", "case": "办理线索", "case pair": "登记已核对关系",
    "case show": "线索材料", "notices import": "导入公告", "tip": "登记举报线索", "entity": "认定主体",
    "reverify": "退平台核验", "bulletin": "生成通报", "extract": "提取数据", "candidates": "生成候选名单",
    "retention": "到期删除", "person": "个人信息请求", "keys": "更换密钥", "backup": "备份",
    "restore": "恢复备份", "init": "初始化", "evaluate": "评测",
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
def work(name: str) -> str:
    """A piece of work, or the command of a run, in words."""
    known = [c for c in COMMANDS if name == c or name.startswith(c + " ")]
    return WORK.get(name) or (COMMANDS[max(known, key=len)] if known else name)


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
    "act": act, "correction": correction, "told": told, "why": why,
    "moment": moment, "number": number, "percent": percent, "size": size, "said": said,
    "state": lambda v: STATES.get(v, v or ""), "work": work, "role": lambda v: ROLES.get(v, v),
    "reason": lambda v: REASONS.get(v, v or ""), "kind": lambda v: KINDS.get(v, v), "decision": lambda v: DECISIONS.get(v, v),
    "field": lambda v: FIELDS.get(v, "（中间值）" if v.startswith("_") else v), "severity": lambda v: SEVERITIES.get(v, v),
    "grave": lambda v: severity(v) != "note",
}  # fmt: skip
