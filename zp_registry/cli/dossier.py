"""The dossier as tables for officials, in plain Chinese; what has no rows is left out."""

from __future__ import annotations

from typing import Any

from zp_registry.cli.common import Answer
from zp_registry.lists.dossier import HEAD_HIDDEN, PARTS, WORDS, label, relation, shown

Row = dict[str, Any]


def tell_dossier(answer: Answer, found: Row) -> None:
    """Every part of the dossier of an account or an entity, numbers masked as they came."""
    account = "account" in found
    head = {**(found["account"] if account else found["entity"]), "former_ids": "、".join(found.get("former_ids", ()))}
    answer.table(
        "账号" if account else "主体",
        ["项目", "内容"],
        [[WORDS.get(k, k), shown(k, v)] for k, v in head.items() if v not in (None, "") and k not in HEAD_HIDDEN],
    )
    for part, (title, order) in PARTS.items():
        rows: list[Row] = found.get(part) or []
        if part == "links":
            rows = [{**r, "relation": relation(r)} for r in rows]
        columns = [c for c in order if any(r.get(c) is not None for r in rows)]
        words = [label(part, c) for c in columns]
        answer.table(title, words, [[shown(c, r[c]) for c in columns] for r in rows])
    for one in found.get("flags") or []:
        answer.table(
            f"{one['flag_id']} 的依据",
            ["日期", "文件", "工作表", "行", "内容"],
            [[e["as_of"], e["source_file"], e["sheet"], e["row"] or "", e["what"]] for e in one["evidence"]],
        )
