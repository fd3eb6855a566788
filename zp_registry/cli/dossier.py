"""The dossier as tables for people."""

from __future__ import annotations

from typing import Any

from zp_registry.cli.common import Answer

_TITLES = {
    "holdings": "持有历史",
    "history": "历次报送",
    "roles": "相关人员",
    "flags": "线索与提示",
    "names": "名称",
    "identifiers": "证照",
    "links": "关联主体",
    "sources": "取值来源",
    "why_one": "为何认定为同一主体",
}
_HIDDEN = {"evidence_list", "record_id", "family", "other_entity_id"}


def tell_dossier(answer: Answer, found: dict[str, Any]) -> None:
    """Every part of the dossier; parts without rows are left out."""
    head = found.get("account") or found.get("entity") or {}
    answer.table("账号" if "account" in found else "主体", ["项目", "内容"], [[k, v] for k, v in head.items() if v is not None])
    for part, title in _TITLES.items():
        rows = found.get(part) or []
        if not rows:
            continue
        columns = [c for c in rows[0] if (c not in _HIDDEN and c != "evidence") or (c == "evidence" and part == "holdings")]
        columns = [c for c in columns if any(r[c] is not None for r in rows)]
        answer.table(title, columns, [[r[c] for c in columns] for r in rows])
    for one in found.get("flags") or []:
        answer.table(
            f"{one['flag_id']} 的依据",
            ["日期", "文件", "工作表", "行", "内容"],
            [[e["as_of"], e["source_file"], e["sheet"], e["row"] or "", e["what"]] for e in one["evidence"]],
        )
