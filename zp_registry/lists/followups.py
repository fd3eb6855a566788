"""The missing-pledge lists (催签清单): one workbook per town or platform to fill in, and one summary for the county.

Every row carries its key in a hidden column inside the filter range, so that it survives sorting, filtering, deleting and
copying into other workbooks; a hidden sheet keeps the keys once more. :func:`read_followups` takes the filled-in lists back.
Phones and addresses stand in clear: the files are private (0600) and each says so.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Final, Literal

import pandas as pd
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from zp_registry.errors import UsageError
from zp_registry.flags.reminders import NAMES
from zp_registry.frames import FOLLOWUPS
from zp_registry.lists.followups_back import read_followups
from zp_registry.lists.followups_form import (
    FORM,
    KEY_SHEET,
    METHODS,
    NO_OFFICER,
    NO_PLATFORM,
    NO_TOWN,
    OUTCOMES,
    REASONS,
    pack_key,
)
from zp_registry.lists.followups_summary import platform_table, split_platforms, summary_sheet, town_names, write_county_summary
from zp_registry.lists.safety import file_name, iso_date
from zp_registry.lists.workbook import Book, explain, grid, heading, page, protect, rows_of

__all__ = ["METHODS", "OUTCOMES", "read_followups", "write_followups"]

By = Literal["town", "platform", "officer"]
_LABELS: Final = {"town": "乡镇街道", "platform": "平台", "officer": "责任单位/网格员"}


def write_followups(
    frame: pd.DataFrame,
    folder: Path,
    *,
    as_of: str | date,
    by: By = "town",
    county: str = "镇平县",
    attempts_methods: Sequence[str] = METHODS,
    outcomes: Sequence[str] = OUTCOMES,
    platform_names: Mapping[str, str] | None = None,
) -> list[Path]:
    """Writes the lists of a FOLLOWUPS frame into ``folder`` and gives their paths, the county summary last.

    ``by="platform"`` puts an entity into the list of each of its platforms, ``by="officer"`` into that of who is in charge.
    ``platform_names`` (id → Chinese name) lets names that end in a digit be told from the number of accounts behind them. An
    empty frame gives the summary alone. Raises UsageError for choices that a drop-down cannot hold.
    """
    day = iso_date(as_of)
    _check_choices(attempts_methods, outcomes)
    rows = frame.reindex(columns=list(FOLLOWUPS)).reset_index(drop=True)
    shares = split_platforms(rows, platform_names)
    # Clerks work person by person: a grid worker's entities stand together, the oldest first.
    rows = rows.sort_values(["responsible", "first_listed", "entity_id"], na_position="last", kind="stable")
    paths: list[Path] = []
    taken: set[str] = set()
    for group, part in _groups(rows, shares, by):
        name = f"催签清单_{file_name(group)}_{day:%Y%m%d}"
        while name in taken:  # two names may differ in forbidden characters only
            name += "_2"
        taken.add(name)
        book = Book(county)
        _list_sheet(book, part, group, by, day, county, attempts_methods, outcomes)
        summary_sheet(book, platform_table(part, shares, day), f"{county}{group}催签情况汇总（按平台）", day)
        explain(book, "说明", "填写说明", _guide(group, attempts_methods, outcomes), as_of=day)
        _key_sheet(book, part, group, by, day)
        paths.append(book.save(folder / f"{name}.xlsx"))
    paths.append(write_county_summary(rows, shares, folder / f"催签汇总_{day:%Y%m%d}.xlsx", as_of=day, county=county))
    return paths


def _check_choices(*lists: Sequence[str]) -> None:
    for choices in lists:
        text = ",".join(choices)
        if not choices or len(text) > 253 or any("," in c or '"' in c or not c.strip() for c in choices):
            raise UsageError("choices for a drop-down: at least one, no comma or quote inside, 253 characters together at most")


def _groups(rows: pd.DataFrame, shares: pd.DataFrame, by: By) -> list[tuple[str, pd.DataFrame]]:
    """The lists to write, in order of their names; rows without a town or platform last, under a name of their own."""
    if by == "town":
        towns = town_names(rows)
        found = [(str(name), part) for name, part in rows.groupby(towns, sort=True)]
    elif by == "officer":
        officer = rows["responsible"].astype("str").fillna("").str.strip()
        found = [(str(name), part) for name, part in rows.groupby(officer.mask(officer == "", NO_OFFICER), sort=True)]
    else:
        found = [(str(name), rows.loc[rows.index.isin(ids["at"])]) for name, ids in shares.groupby("platform", sort=True)]
    return sorted(found, key=lambda g: (g[0] in ("外县", NO_TOWN, NO_PLATFORM, NO_OFFICER), g[0]))


def list_id(group: str, by: str, day: date) -> str:
    """A short name of a list: the same list of the same day has the same id."""
    return f"{day:%Y%m%d}{by[0]}{zlib.crc32(group.encode()):08x}"


def _list_sheet(
    book: Book, part: pd.DataFrame, group: str, by: By, day: date, county: str, methods: Sequence[str], outcomes: Sequence[str]
) -> None:
    ws = book.sheet("催签清单")
    visible = len(FORM) - 1
    notes = (
        f"{_LABELS[by]}：{group}　　清单日期：{day}　　共 {len(part)} 户　　请只填写黄色各列，填好后原样交回（见“说明”）",
        "本清单含个人信息，仅限履行监管职责使用；不得外传、不得发到公开群，用后按规定销毁",
    )
    top = heading(book, ws, f"{county}电商主体诚信经营承诺书催签清单（{group}）", notes, visible)
    last = grid(book, ws, FORM, _list_rows(part, list_id(group, by, day)), top=top)
    _validate(ws, top + 1, max(last, top + 1), methods, outcomes)
    page(ws, last_column=visible, last_row=last, header_row=top, as_of=day, name=f"催签清单 {group}", autofilter=len(FORM))
    # A keeps its place while scrolling down, names while scrolling to the side.
    ws.freeze_panes = f"D{top + 1}"
    protect(ws)


def _list_rows(part: pd.DataFrame, list_name: str) -> list[list[object]]:
    reason = part["reason"].map(REASONS).fillna(part["reason"]).astype("str")
    remark = part["remark"].astype("str").fillna("").str.strip()
    reason = reason.fillna("").where(remark == "", reason.fillna("") + "；" + remark).str.strip("；")
    last = part[["last_method", "outcome"]].astype("str").fillna("")
    sep = pd.Series("：", index=part.index).where((last["last_method"] != "") & (last["outcome"] != ""), "")
    table = part.assign(
        reason=reason,
        before=last["last_method"] + sep + last["outcome"],
        reminder=part["reminder"].map(NAMES).astype("str"),
        attempts=pd.to_numeric(part["attempts"], errors="coerce").fillna(0),
    )
    columns = (
        "entity_id",
        "subject_name",
        "town",
        "responsible",
        "platforms",
        "reason",
        "first_listed",
        "attempts",
        "last_attempt",
        "before",
        "reminder",
        "deadline",
        "contact_name",
        "contact_phone",
        "business_address",
    )
    keys = [pack_key(list_name, str(f or ""), str(e or "")) for f, e in rows_of(part, ("flag_id", "entity_id"))]
    return [
        [n, *values, None, None, None, None, key]
        for n, (values, key) in enumerate(zip(rows_of(table, columns), keys, strict=True), start=1)
    ]


def _validate(ws: Worksheet, first: int, last: int, methods: Sequence[str], outcomes: Sequence[str]) -> None:
    letters = {c.header: get_column_letter(i) for i, c in enumerate(FORM, start=1) if c.editable}
    when = DataValidation(type="date", operator="between", formula1="DATE(2020,1,1)", formula2="TODAY()", allow_blank=True)
    when.error, when.errorTitle = "请填写日期，例如 2026-09-30，不能晚于今天。", "日期不正确"
    when.prompt, when.promptTitle = "如 2026-09-30", "催签日期"
    wanted = [("本次催签日期", when)]
    for header, choices in (("催签方式", methods), ("办理结果", outcomes)):
        pick = DataValidation(type="list", formula1='"' + ",".join(choices) + '"', allow_blank=True)
        pick.error, pick.errorTitle = "请从下拉列表中选择。", f"{header}不在列表中"
        wanted.append((header, pick))
    for header, rule in wanted:
        rule.showErrorMessage = rule.showInputMessage = True
        ws.add_data_validation(rule)
        rule.add(f"{letters[header]}{first}:{letters[header]}{last}")


def _key_sheet(book: Book, part: pd.DataFrame, group: str, by: By, day: date) -> None:
    """The keys once more: a row whose hidden column got lost is still found by its 主体编号."""
    ws = book.sheet(KEY_SHEET)
    look = book.style(border=False, wrap=False)
    lines: list[tuple[object, ...]] = [("zp-followups", "1", list_id(group, by, day), str(day)), ("entity_id", "flag_id")]
    for r, values in enumerate([*lines, *rows_of(part, ("entity_id", "flag_id"))], start=1):
        for c, value in enumerate(values, start=1):
            book.put(ws, r, c, value, look)
    ws.sheet_state = "veryHidden"


def _guide(group: str, methods: Sequence[str], outcomes: Sequence[str]) -> list[str]:
    return [
        "# 一、这是什么",
        f"本清单列出{group}有在营账号、但尚未签订有效诚信经营承诺书的电商主体。请逐户催签，并把办理情况填回本表。",
        "# 二、填什么",
        "只填写黄色的四列：本次催签日期、催签方式、办理结果、备注。其余各列已锁定，用来与登记库对应，请不要改动。",
        "本次催签日期：填实际催签的那一天，写成 2026-09-30 这样的日期，不能晚于今天。",
        f"催签方式：从下拉列表中选择（{'、'.join(methods)}）。",
        f"办理结果：从下拉列表中选择（{'、'.join(outcomes)}）。选择“已签订”的，请同时把承诺书记入台账；登记以台账为准。",
        "备注：需要说明的情况，可不填。没有催签的主体，四列都留空即可，不必删除。",
        "同一主体催签多次的，请复制整行，每次一行。",
        "# 三、筛选、排序和打印",
        "可以直接筛选、调整列宽。需要排序、删行或复制行时，先点“审阅”→“撤销工作表保护”（无密码），"
        "排序时请选中整张表。打印为 A4 横向，标题行逐页重复。",
        "# 四、怎样交回",
        "填好后保存为 xlsx 或 xls，交县级管理人员导入系统。部分填写、删去若干行、把几个乡镇合并到一个文件，都可以读入；"
        "合并时请连同表头整行复制，不要只粘贴看得见的几列。"
        "无法读入的行，系统会指出工作表、行号和列名，请更正后再交一次；同一行重复交回不会重复计数。",
        "# 五、个人信息保护",
        "本清单含姓名、电话、地址等个人信息。依据《个人信息保护法》第十三条第一款第三项（为履行法定职责所必需）"
        "和第三十四条，只能在法定职责范围和限度内使用；"
        "依据《电子商务法》第二十五条、第八十七条，应当采取必要措施保护安全，不得泄露、出售或者非法向他人提供。",
        "请勿通过公开群组、个人网盘或未加密的网络方式传送；办结后请删除本地副本、销毁纸质件。",
        "# 六、各栏含义",
        "未签原因：未签＝台账中没有该主体的承诺书；过期＝承诺书已过有效期；版本过旧＝签订的是旧版承诺书；"
        "签署人与主体不符＝承诺书上的号码与该主体一致，但名称和签署人都不一致。",
        "账号换了实际主体的，原主体签订的承诺书对新主体无效，需要重新签订。个人与其名下个体工商户是两个主体，各自签订。",
        "期限：应当办结的日期，以数据截止日期推算。",
        "催办阶段：首次通知、再次通知、上门催办、移送处理，随催签次数和列入时间升高，两者都达到才升。",
    ]
