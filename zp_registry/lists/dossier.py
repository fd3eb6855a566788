"""The words of a dossier: its parts, columns and values in plain Chinese, for tables on a terminal and on a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Row = dict[str, Any]

# Each part with its title and columns, in the order in which they are shown.
PARTS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "sources": ("取值来源", ("field", "value", "as_of", "source_file", "sheet", "row")),
    "names": ("名称", ("state", "name", "first_seen", "last_seen")),
    "identifiers": ("证照", ("kind", "value", "first_seen", "last_seen")),
    "phones": ("历次联系电话", ("value", "first_seen", "last_seen")),
    "addresses": ("历次地址", ("value", "first_seen", "last_seen")),
    "links": ("关联主体（仅供参考，不合并）", ("relation", "linked_id", "name", "why")),
    "holdings": (
        "持有历史",
        ("platform", "account_id", "account_name", "entity_id", "name", "valid_from", "valid_to", "end_reason", "evidence",
         "recorded_from", "recorded_to"),
    ),
    "why_one": ("为何认定为同一主体", ("tier", "rule", "why", "score", "left", "right", "who", "created_at")),
    "doubts": (
        "疑似与其他主体相同（待核实）",
        ("other_entity_id", "other_name", "why", "score", "tier", "rule", "left", "right", "created_at"),
    ),
    "judgements": (
        "人工认定（撤销：zp-registry entity undo 编号）",
        ("number", "judgement", "left", "right", "other_entity_id", "why", "who", "created_at", "deleted_at"),
    ),
    "history": (
        "历次报送",
        ("as_of", "source_file", "sheet", "row", "scope", "account_name", "account_status", "entity_id", "subject_name",
         "uscc", "id_mask", "phone_mask", "payee_name", "payee_mask", "agency_name", "streamers", "info_status", "held_from",
         "held_to"),
    ),
    "roles": ("相关人员", ("role", "name", "mask", "relation", "valid_from", "valid_to")),
    "flags": ("线索与提示", ("flag_id", "code", "level", "status", "first_seen", "last_seen", "score", "reason")),
}  # fmt: skip
WORDS: Final = {
    "account_handle": "账号号码", "account_id": "账号标识", "account_kind": "账号类型", "account_name": "账号名称",
    "account_status": "账号状态", "account_url": "链接", "address": "地址", "agency_name": "机构", "as_of": "报送日期",
    "code": "代码", "contact_name": "联系人", "created_at": "认定时间", "deleted_at": "撤销时间", "end_reason": "结束原因",
    "entity_id": "主体编号", "evidence": "依据", "field": "项目", "first_seen": "首次出现", "flag_id": "线索编号",
    "former_ids": "曾用编号", "gone_on": "消失日期", "held_from": "经营开始", "held_to": "经营结束", "id_mask": "证件号码",
    "info_status": "信息状态", "judgement": "结论", "kind": "类型", "last_seen": "最近出现", "left": "甲", "level": "级别",
    "linked_id": "关联主体编号", "mask": "号码", "name": "名称", "number": "编号", "other_entity_id": "对方主体编号",
    "other_name": "对方名称", "payee_mask": "收款账户", "payee_name": "收款人", "phone_mask": "联系电话", "platform": "平台",
    "pledge_status": "承诺书", "reason": "说明", "recorded_from": "记录起", "recorded_to": "记录止", "relation": "关系",
    "right": "乙", "role": "身份", "row": "行", "rule": "规则", "scope": "报送范围", "score": "强度", "sheet": "工作表",
    "source_file": "文件", "state": "状态", "status": "状态", "streamers": "出镜人员", "subject_name": "主体名称",
    "tier": "依据类别", "town": "乡镇街道", "unmatched": "未匹配", "uscc": "统一社会信用代码", "valid_from": "自",
    "valid_to": "至", "value": "内容", "who": "认定人", "why": "理由",
}  # fmt: skip
KINDS: Final = {
    "enterprise": "企业", "sole_proprietor": "个体工商户", "cooperative": "农民专业合作社", "natural_person": "自然人",
    "other": "其他", "uscc": "统一社会信用代码", "id": "证件号码（全号，不显示）", "mask": "证件号码（部分）",
}  # fmt: skip
SAID: Final[dict[str, Mapping[str, str]]] = {
    "kind": KINDS,
    "account_kind": {"live": "直播", "shop": "店铺"},
    "account_status": {"normal": "正常", "limited": "受限", "suspended": "封停", "closed": "注销", "blacklisted": "黑名单"},
    "end_reason": {"changed": "换人", "absent": "全量报送中消失", "void": "作废", "stated": "注明已结束"},
    "field": {"name": "名称", "number": "号码", "phone": "电话", "contact": "联系人", "address": "地址", "town": "乡镇街道"},
    "info_status": {"new": "新增", "changed": "变更", "void": "作废", "unchanged": "未变更"},
    "judgement": {"positive": "相同", "negative": "不同", "unsure": "不能确定"},
    "level": {"high": "高", "medium": "中", "low": "低"},
    "pledge_status": {
        "signed": "已签", "missing": "未签", "expired": "过期", "outdated": "版本过旧", "mismatch": "签署人不符",
        "exempt": "豁免",
    },
    "relation": {"self": "本人", "employee": "员工", "signed": "签约", "family": "亲属", "other": "其他"},
    "role": {"operator": "经营者", "streamer": "出镜人员", "payee": "收款人", "agency": "机构", "contact": "联系人"},
    "scope": {"full": "全量", "delta": "增量"},
    "state": {"current": "现名", "also": "同时使用", "former": "曾用名"},
    "status": {"open": "待处理", "confirmed": "已确认", "dismissed": "已排除", "resolved": "已消除"},
    "tier": {"exact": "号码相同", "partial": "部分要素", "model": "综合评分", "person": "人工"},
    "who": {"resolve": "系统"},
}  # fmt: skip
HEAD_HIDDEN: Final = {"record_id"}


def label(part: str, column: str) -> str:
    """A column's title."""
    if column == "score" and part != "flags":
        return "匹配权重"
    return WORDS[column]


def relation(link: Row) -> str:
    """Who does what to whom, seen from the entity that the dossier is about."""
    active = link["linked_id"] == link["other_entity_id"]
    if link["kind"] == "operates":
        return "经营该个体工商户" if active else "由该自然人经营"
    return "可能控制对方" if active else "可能受对方控制"


def shown(column: str, value: Any) -> Any:
    """A value in words."""
    if isinstance(value, float):
        return f"{value:.1f}" if abs(value) >= 1 else f"{value:.2f}"
    return SAID.get(column, {}).get(str(value), value)
