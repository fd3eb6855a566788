"""The audit trail in words: what was done, to what, and why. The trail itself stays as it was written."""

from __future__ import annotations

import re
from typing import Any, Final

# Acts by how their names begin; an act is called by the longest that fits.
ACTIONS: Final = {
    "desk sign-in": "登录", "desk sign-in refused": "登录被拒", "desk sign-in throttled": "登录过于频繁",
    "desk sign-out": "退出", "desk look up": "查询", "desk show": "查看", "desk show phone": "显示完整电话",
    "desk show audit": "查看审计记录", "desk show case": "查看线索", "desk show pair": "查看疑似重复",
    "desk show reject": "查看退回行",
    "desk show follow-up": "查看催签", "desk unmask": "查看完整号码", "unmask": "查看完整号码（命令）",
    "show": "查看（命令）", "desk refused": "越权被拒", "desk download": "下载", "desk print": "打印通知书",
    "desk draft mapping": "保存版式草稿", "desk drop upload": "放弃上传", "upload": "上传", "import": "导入",
    "accept file": "仍要导入", "import corrected rows": "更正退回行", "import follow-ups": "读取催签清单",
    "import review list": "读取核对表", "import judgements": "导入认定", "export": "导出", "export rejects": "导出待更正",
    "export unmasked": "导出完整号码", "export judgements": "导出认定", "extract": "提取数据",
    "follow-up attempt": "登记催签", "register pledge": "登记承诺书",
    "write": "生成清单", "write follow-up lists": "生成催签清单", "write pledge notices": "生成催签通知书",
    "write transfer list": "生成线索表", "write review list": "生成核对表", "write reverification": "生成平台核验清单",
    "write bulletin": "生成通报", "write candidates": "生成候选名单",
    "review": "认定主体", "review same": "认定相同", "review different": "认定不同", "review unsure": "认定不能确定",
    "review undo": "撤销认定", "entity": "认定主体", "entity merge": "合并主体", "entity split": "拆分主体",
    "entity part": "分开主体", "entity undo": "撤销认定",
    "case": "办理线索", "case document": "线索材料", "case assigned": "分派线索", "case noted": "记录线索情况",
    "case attached": "登记线索附件", "case visited": "登记走访", "case confirmed": "确认线索", "case dismissed": "排除线索",
    "case handed_over": "移送线索", "case reopened": "重新办理线索",
    "flag": "处理提示", "desk user": "管理用户", "desk user add": "新增用户", "desk user access": "更改权限",
    "desk user password": "更改密码", "desk user disable": "停用用户", "desk user enable": "恢复用户",
    "person": "个人信息请求", "settings": "设置变更", "rotate keys": "更换密钥", "keys": "更换密钥",
    "change master key": "更换主密钥", "backup": "备份",
    "retention": "到期删除", "train": "训练模型", "use match model": "启用模型", "tip": "举报线索",
    "assign pledge": "指定承诺书归属", "reviewed pair": "已核对关系", "pledge assignment": "撤销承诺书归属",
    "evaluate": "评测",
}  # fmt: skip
_ROLES: Final = {"clerk": "办事人员", "investigator": "核查人员", "admin": "管理员"}
_KINDS: Final = {"report": "平台报表", "pledge": "承诺书台账", "followups": "催签清单", "rejects": "待更正工作簿"}
_BY: Final = {"town": "乡镇", "officer": "经办人"}
_ASKED: Final = {"who": "谁", "action": "事项", "subject": "对象", "since": "自", "until": "至"}


def act(action: str) -> str:
    """An act in words."""
    known = [a for a in ACTIONS if action == a or action.startswith(a + " ")]
    return ACTIONS[max(known, key=len)] if known else action


_CORRECTION = re.compile(r"(?s).*: (\d+) rows of (.+) \((.*)\): (.*)")


def correction(subject: str) -> str:
    """What was corrected, in words."""
    found = _CORRECTION.fullmatch(subject)
    return subject if found is None else f"{found[2]}（{found[3]}），{found[1]} 行：{found[4]}"


def _access(found: re.Match[str]) -> str:
    return f"{_ROLES[found[1]]}，{'全县' if found[2] == 'all towns' else found[2].replace(', ', '、')}"


def _search(subject: str) -> str:
    parts = (p.partition(" ") for p in subject.split("; "))
    return "；".join(f"{_ASKED.get(k, k)} {act(v) if k == 'action' else v}" for k, _, v in parts)


_SAID: Final[tuple[tuple[re.Pattern[str], Any], ...]] = tuple((re.compile(pattern), said) for pattern, said in (
    (r"\(unknown name\)", "（没有这个用户）"),
    (r"(\d+) entities with phone and address, by (town|officer), as of (.+)",
     lambda m: f"{m[1]} 户，含电话和地址，按{_BY[m[2]]}，截至 {m[3]}"),
    (r"(\d+) entities with address, by (town|officer), as of (.+)", lambda m: f"{m[1]} 户，含地址，按{_BY[m[2]]}，截至 {m[3]}"),
    (r"(\d+) entities, numbers masked, as of ([\d-]+)(.*)", r"\1 户，号码已遮住，截至 \2\3"),
    (r"(\d+) entities", r"\1 户"),
    (r"names and accounts, as of (.+)", r"含名称和账号，截至 \1"),
    (r"(\d+) pairs, numbers masked, as of (.+)", r"\1 对，号码已遮住，截至 \2"),
    (r"(\d+) accounts, numbers masked, sent on (.+)", r"\1 个账号，号码已遮住，\2 发出"),
    (r"(\d+) judgements with names, without numbers", r"\1 条认定，含名称，不含号码"),
    (r"(\d+) rows with their bad cells in clear", r"\1 行，有问题的单元格未遮住"),
    (r"(\d+) rows of errors listed", r"列出 \1 行差错"),
    (r"(.+): (\d+) rows", r"\1：\2 行"),
    (r"(.+): (\d+) attempts", r"\1：\2 条"), (r"(.+): (\d+) (?:decisions|judgements)", r"\1：\2 条认定"),
    (r"(.+) \((report|pledge|followups|rejects), (\d+) bytes, ([0-9a-f]+)\)",
     lambda m: f"{m[1]}（{_KINDS[m[2]]}，{m[3]} 字节，指纹 {m[4]}）"),
    (r"(\d+) nobody", r"\1 不属于任何主体"),
))  # fmt: skip
_ACCESS = re.compile(r"(clerk|investigator|admin), ((?:(?! → ).)+)")


def told(subject: str, action: str) -> str:
    """What an act was about, in words."""
    if action == "desk show audit":
        return _search(subject)
    if action == "desk look up":
        return "（号码）" if subject == "(number)" else subject
    if _CORRECTION.fullmatch(subject):
        return correction(subject)
    for pattern, said in _SAID:
        if found := pattern.fullmatch(subject):
            return str(said(found) if callable(said) else found.expand(said))
    return subject


def why(reason: str | None, action: str) -> str:
    """Why it was done: what a person wrote stays as it is, what the program noted is put into words."""
    if not reason:
        return ""
    if action.startswith("desk user"):
        return _ACCESS.sub(_access, reason)
    return re.sub(r"^scan ", "扫描件 ", reason) if action == "register pledge" else reason
