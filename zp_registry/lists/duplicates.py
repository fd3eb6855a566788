"""疑似重复主体核对表: the queue of possible duplicates as a workbook that goes out and comes back filled in.

Each pair takes two lines, one under the other, so that values are compared down a column. Numbers are masked; every line
carries its pair's key in a hidden column, and a hidden sheet keeps the keys once more. :func:`read_duplicates` takes it back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.pagebreak import Break, RowBreak
from openpyxl.worksheet.worksheet import Worksheet

from zp_registry.lists.duplicates_back import read_duplicates
from zp_registry.lists.duplicates_form import (
    CONCLUSION,
    CONCLUSIONS,
    FORM,
    GUIDE_SHEET,
    KEY_SHEET,
    REASON,
    SHARED,
    SHEET,
    pack_key,
)
from zp_registry.lists.safety import clean, iso_date
from zp_registry.lists.workbook import Book, explain, grid, heading, page, protect, width_of

__all__ = ["CONCLUSIONS", "read_duplicates", "write_duplicates"]

KINDS: Final = {
    "enterprise": "企业",
    "sole_proprietor": "个体工商户",
    "cooperative": "农民专业合作社",
    "natural_person": "自然人",
    "other": "其他",
}
_SAID: Final = {word: text for text, word in CONCLUSIONS.items()}
_LINE, _PAGE_POINTS, _PAGE_WIDTH = 15.0, 505.0, 798.0  # points of a line, and of A4 landscape within its margins


def write_duplicates(
    lines: Sequence[Mapping[str, Any]],
    path: Path,
    *,
    as_of: str | date,
    county: str = "镇平县",
    platform_names: Mapping[str, str] | None = None,
) -> Path:
    """Writes the list of ``lines`` and gives its path.

    A line: ``pair``, ``weight`` (or None), ``why``, ``judged`` (None, or who, at, why, decision, judgement), ``explanation``
    (rows with field, level, weight), and ``left`` and ``right`` with name, kind, number, phone, address, town, and the lists
    payees, accounts (platform:account), sources, with ``more`` for what they leave out. Numbers come masked.
    """
    day = iso_date(as_of)
    book = Book(county)
    ws = book.sheet(SHEET)
    visible = len(FORM) - 1
    choices = "”“".join(CONCLUSIONS)
    notes = (
        f"共 {len(lines)} 对，按可能性从高到低　　清单日期：{day}　　请核实后填写黄色各列：选“{choices}”之一，并写明理由",
        "本表所列是系统比对得出的疑点，不是认定结论。含个人信息，仅限履行监管职责使用，不得外传，用后按规定销毁",
    )
    top = heading(book, ws, f"{county}疑似重复主体核对表", notes, visible)
    rows = [row for number, line in enumerate(lines, start=1) for row in _rows(number, line, platform_names or {})]
    last = grid(book, ws, FORM, rows, top=top)
    _join_cells(ws, rows, top)
    _validate(ws, top + 1, max(last, top + 2))
    page(ws, last_column=visible, last_row=max(last, top + 1), header_row=top, as_of=day, name=f"{county}疑似重复主体核对表")
    ws.freeze_panes = f"E{top + 1}"
    _whole_pairs(ws, top, last, visible)
    protect(ws)
    explain(book, GUIDE_SHEET, GUIDE_SHEET, _GUIDE, as_of=day)
    hidden = book.sheet(KEY_SHEET)
    look = book.style(border=False, wrap=False)
    for r, text in enumerate(["zp-duplicates", *(_key(line) for line in lines)], start=1):
        book.put(hidden, r, 1, text, look)
    hidden.sheet_state = "veryHidden"
    return book.save(path)


def _key(line: Mapping[str, Any]) -> str:
    return pack_key(line["pair"], [] if line["judged"] is None else [line["judged"]["judgement"]])


def _rows(number: int, line: Mapping[str, Any], titles: Mapping[str, str]) -> list[list[object]]:
    def values(side: Mapping[str, Any]) -> list[object]:
        accounts = [_titled(a, titles) for a in side["accounts"]]
        return [
            side["name"], KINDS.get(side["kind"], side["kind"]), _narrow(side["number"]), side["phone"],
            _several([_narrow(p) for p in side["payees"]], side["more"]["payees"]), side["address"], side["town"],
            _several(accounts[:3], side["more"]["accounts"] + len(accounts[3:])),
            _several(side["sources"][:2], side["more"]["sources"] + len(side["sources"][2:])),
        ]  # fmt: skip

    key = _key(line)
    return [
        [number, line["pair"], "甲", *values(line["left"]), _told(line), None, None, None, key],
        [None, None, "乙", *values(line["right"]), None, None, None, None, key],
    ]


def _titled(account: str, titles: Mapping[str, str]) -> str:
    platform, _, name = account.partition(":")
    return f"{titles.get(platform, platform)}：{name}"


def _narrow(number: str | None) -> str:
    """A number as a narrow column holds it: four stars for many, and a credit code in two lines."""
    text = re.sub(r"\*{5,}", "****", clean(number))
    return f"{text[:9]}\n{text[9:]}" if len(text) > 14 else text


def _several(texts: Sequence[str], more: int) -> str:
    return "\n".join(texts) + (f"\n等共 {len(texts) + more} 个" if more else "")


def _told(line: Mapping[str, Any]) -> str:
    """Why the two may be one, in words: the rule's, then what agrees and what does not, strongest first, with the weight."""
    parts = [clean(line["why"])] if line["why"] else []
    rows = [r for r in line.get("explanation") or () if clean(r["level"]) and abs(float(r["weight"])) >= 0.05]
    for head, wanted in (("支持", [r for r in rows if r["weight"] > 0]), ("反对", [r for r in rows if r["weight"] < 0])):
        if wanted:
            told = (f"{r['field']}{r['level']}（{r['weight']:+.1f}）" for r in sorted(wanted, key=lambda r: -abs(r["weight"])))
            parts.append(f"{head}：" + "、".join(told))
    if line["weight"] is not None:
        parts.append(f"权重：{line['weight']:.1f}")
    if judged := line["judged"]:
        parts.append(f"已由{judged['who']}于{judged['at'][:10]}核为“{_SAID[judged['decision']]}”：{judged['why']}")
    return "\n".join(parts)


def _join_cells(ws: Worksheet, rows: Sequence[Sequence[object]], top: int) -> None:
    """One cell for what both lines of a pair share, and heights by which neither line nor the shared text is cut."""
    shared = [i for i, c in enumerate(FORM) if c.header in SHARED]
    widths = [float(ws.column_dimensions[get_column_letter(i + 1)].width) for i in range(len(FORM))]
    for first in range(0, len(rows), 2):
        row = top + 1 + first
        for i in shared:
            ws.merge_cells(start_row=row, start_column=i + 1, end_row=row + 1, end_column=i + 1)
        each = [
            max(_lines(clean(v), widths[i]) for i, v in enumerate(values) if i not in shared and not FORM[i].hidden)
            for values in rows[first : first + 2]
        ]
        both = max(_lines(clean(rows[first][i]), widths[i]) for i in shared)
        missing = max(0, both - sum(each))
        for n, lines in enumerate((each[0] + -(-missing // 2), each[1] + missing // 2)):
            ws.row_dimensions[row + n].height = min(400.0, _LINE * lines + 5)


def _lines(text: str, width: float) -> int:
    return sum(max(1, -(-width_of(line) // max(2, int(width - 1.5)))) for line in text.split("\n"))


def _whole_pairs(ws: Worksheet, top: int, last: int, visible: int) -> None:
    """Page breaks between pairs, so that no pair is torn apart where the program would break the page."""
    wide = sum(float(ws.column_dimensions[get_column_letter(c)].width) for c in range(1, visible + 1)) * 5.6
    room = _PAGE_POINTS / min(1.0, _PAGE_WIDTH / wide) * 0.96
    heights = {r: float(ws.row_dimensions[r].height or _LINE) for r in range(1, last + 1)}
    used = sum(heights[r] for r in range(1, top + 1))
    breaks = RowBreak()
    for row in range(top + 1, last, 2):
        pair = heights[row] + heights[row + 1]
        if used + pair > room and row > top + 1:
            breaks.append(Break(id=row - 1))
            used = heights[top]
        used += pair
    ws.row_breaks = breaks


def _validate(ws: Worksheet, first: int, last: int) -> None:
    letters = {c.header: get_column_letter(i) for i, c in enumerate(FORM, start=1)}
    pick = DataValidation(type="list", formula1='"' + ",".join(CONCLUSIONS) + '"', allow_blank=True)
    pick.error, pick.errorTitle = "请从下拉列表中选择。", "结论不在列表中"
    why = DataValidation(type="textLength", operator="between", formula1="1", formula2="500", allow_blank=True)
    why.prompt, why.promptTitle = "填写结论的必须写明理由，如“本人持身份证到场核实”", "理由"
    why.error, why.errorTitle = "理由不超过 500 字。", "理由过长"
    for header, rule in ((CONCLUSION, pick), (REASON, why)):
        rule.showErrorMessage = rule.showInputMessage = True
        ws.add_data_validation(rule)
        rule.add(f"{letters[header]}{first}:{letters[header]}{last}")


_GUIDE: Final = [
    "# 一、这是什么",
    "系统把各平台报送的经营者归并为主体时，有些两两相似、又不足以认定为同一主体，列在本表，由人核实后决定。"
    "每一对占上下两行：甲、乙各一行，同一列上下对照。",
    "# 二、填什么",
    "只填写黄色的三列：结论、理由、核对人。其余各列已锁定，用来与登记库对应，请不要改动。",
    f"结论：从下拉列表中选择（{'、'.join(CONCLUSIONS)}）。",
    "同一主体：甲、乙是同一个人，或者同一个营业执照。导入后两个主体合并，账号、承诺书、线索一并归到较早的编号下。",
    "不是同一主体：以后不论报送什么，系统都不会把两者合并，也不再列入本表。",
    "暂不能确定：两者仍分开，仍留在本表，排在后面，并注明谁、何时、为什么不能确定。",
    "理由：必填，写明依据，例如“电话核实为同一人”“两人同名，身份证不同”。请不要填写身份证号码、银行账号。",
    "核对人：填写核实人姓名；不填的，记为导入人。没有核实的，三列都留空即可。",
    "# 三、请注意",
    "自然人与其名下的个体工商户、企业是不同的主体，请选“不是同一主体”；两个不同的有效证照号码不会是同一主体，系统不接受合并。",
    "证件号码、电话、收款账户只显示部分号码。比对说明里的数字是各项对“是同一主体”的支持（正数）或反对（负数）程度，"
    "每增加 1，可能性加倍；权重是各项之和，再减去一个起点值（任意两个主体恰为同一个的可能性很小）。",
    "同一对的两行结论不能互相矛盾；发出本表以后别人又对同一对作了结论的，系统会指出，不会覆盖。",
    "# 四、打印",
    "打印为 A4 横向，标题行逐页重复，同一对的两行不跨页。",
    "# 五、怎样交回",
    "填好后保存为 xlsx 或 xls，交县级管理人员导入系统。部分填写、删去若干对、把几份合并到一个文件，都可以读入；"
    "合并时请连同表头整行复制。无法采用的行，系统会指出工作表、行号、列名和办法，请更正后再交一次；同一份表重复交回不会重复登记。",
    "# 六、个人信息保护",
    "本表含姓名、地址等个人信息。依据《个人信息保护法》第十三条第一款第三项（为履行法定职责所必需）"
    "和第三十四条，只能在法定职责范围和限度内使用。请勿通过公开群组、个人网盘或未加密的网络方式传送；办结后请删除本地副本、销毁纸质件。",
]
