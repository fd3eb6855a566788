"""docs/codes.md: every code of a row, a value or a file, made from the list that the program itself uses."""

from __future__ import annotations

from typing import Final

from zp_registry.quarantine.codes import CODES, Severity

_HEADINGS: Final[dict[Severity, tuple[str, str]]] = {
    "reject": ("整行退回 / Row rejected", "该行不入库，留待更正；同一文件的其他行照常入库。"
               "The row waits in quarantine to be corrected; the other rows of the file load."),
    "empty": ("清空该值 / Value emptied", "该值不采用，其余内容入库。The value is not used; the row loads."),
    "note": ("提示 / Note", "内容照常入库，仅作提示。A remark; the row loads."),
    "file": ("整份文件退回 / File refused", "整份文件不入库。Nothing of the file loads."),
    "warn": ("文件提示 / Remark on the file", "文件照常入库，仅作提示。A remark; the file loads."),
}


def codes_reference() -> str:
    """The published list of codes as Markdown, one table for each severity."""
    lines = ["# 问题代码 / Codes of faults", "", "由 `make docs` 生成，请勿手工修改。Made by `make docs`: do not edit here."]
    for severity, (heading, meaning) in _HEADINGS.items():
        lines += ["", f"## {heading}", "", meaning, ""]
        lines += ["| 代码 / Code | 问题 / What is wrong | 处理 / What to do |", "|---|---|---|"]
        lines += [f"| `{c.code}` | {c.text} | {c.todo} |" for c in CODES.values() if c.severity == severity]
    return "\n".join(lines) + "\n"
