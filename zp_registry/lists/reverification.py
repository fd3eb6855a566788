"""平台核验清单: what a platform is to check and complete, a workbook each, which comes back as a report of its own layout."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Final

import pandas as pd
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from zp_registry.lists.safety import file_name, iso_date
from zp_registry.lists.workbook import FILL_IN, Book, Col, explain, grid, heading, page, protect, rows_of

RESULTS: Final = ("核验一致", "已更正", "无法联系", "已限制或停用", "其他")
KINDS: Final = {
    "enterprise": "企业", "sole_proprietor": "个体工商户", "cooperative": "农民专业合作社", "natural_person": "自然人",
    "other": "其他",
}  # fmt: skip
# Headers and mappings/reverification.yaml belong together: the workbook comes back by them.
FORM: Final = (
    Col("序号", "int", 4, 5),
    Col("平台代号", least=8, most=12),
    Col("账号标识", least=12, most=18),
    Col("账号名称", least=10, most=14),
    Col("主体类型", least=9, most=9, editable=True),
    Col("主体名称", least=12, most=18, editable=True),
    Col("统一社会信用代码", least=18, most=19.5, editable=True),
    Col("证件号码", least=18, most=19.5, editable=True),
    Col("联系电话", least=12, most=13.5, editable=True),
    Col("经营地址", least=12, most=22, editable=True),
    Col("需核验的问题", least=12, most=18),
    Col("发出日期", "date", 10.5, 10.5),
    Col("答复期限", "date", 10.5, 10.5),
    Col("核验日期", "date", 10.5, 10.5, editable=True),
    Col("核验结果", least=9, most=9, editable=True),
    Col("备注", least=10, most=12, editable=True),
)


def write_reverification(
    frame: pd.DataFrame, folder: Path, *, sent_on: str | date, county: str, bureau: str, titles: Mapping[str, str]
) -> list[Path]:
    """One workbook per platform of a frame with registry.reverification.COLUMNS; gives the paths. Numbers stand masked, as the
    platform itself reported them."""
    day = iso_date(sent_on)
    paths = []
    for platform, part in frame.groupby("platform", sort=True):
        title = titles.get(str(platform), str(platform))
        book = Book(county)
        ws = book.sheet("核验清单")
        notes = (
            f"{bureau}　　平台：{title}　　发出日期：{day}　　共 {len(part)} 个账号　　请核验并在黄色各列更正、补全后原样交回",
            "依据《直播电商监督管理办法》（令117号）第二十二条，请自收到之日起5个工作日内提醒当事人更正；含个人信息，请加密传送",
            "答复日期：",
        )
        top = heading(book, ws, f"{county}网络经营者身份信息核验清单（{title}）", notes, len(FORM))
        _answer_cell(book, ws, top - 1)
        told = part.assign(kind=part["subject_kind"].map(KINDS).astype("str"), checked=None, result=None, remark=None)
        columns = ("platform", "account_id", "account_name", "kind", "subject_name", "uscc", "id_mask", "phone_mask",
                   "business_address", "problems", "asked_on", "deadline", "checked", "result", "remark")  # fmt: skip
        rows = [[n, *values] for n, values in enumerate(rows_of(told, columns), start=1)]
        last = grid(book, ws, FORM, rows, top=top)
        for header, choices in (("核验结果", RESULTS), ("主体类型", tuple(KINDS.values()))):
            pick = DataValidation(type="list", formula1='"' + ",".join(choices) + '"', allow_blank=True)
            ws.add_data_validation(pick)
            letter = get_column_letter(next(i for i, c in enumerate(FORM, start=1) if c.header == header))
            pick.add(f"{letter}{top + 1}:{letter}{last}")
        name = f"核验清单 {title}"
        page(ws, last_column=len(FORM), last_row=last, header_row=top, as_of=day, name=name, autofilter=len(FORM))
        protect(ws)
        explain(book, "说明", "填写说明", _GUIDE, as_of=day)
        paths.append(book.save(folder / f"平台核验清单_{file_name(title)}_{day:%Y%m%d}.xlsx"))
    return paths


def _answer_cell(book: Book, ws: object, row: int) -> None:
    """The date of the answer stands beside its label, alone in the line: the report is dated by it."""
    for merged in [m for m in ws.merged_cells.ranges if m.min_row == row]:  # type: ignore[attr-defined]
        ws.unmerge_cells(str(merged))  # type: ignore[attr-defined]
    ws.merge_cells(start_row=row, start_column=1, end_row=row, end_column=2)  # type: ignore[attr-defined]
    book.put(ws, row, 3, None, book.style("date", fill=FILL_IN, editable=True, centred=True))  # type: ignore[arg-type]


_GUIDE: Final = (
    "# 一、填什么",
    "请先在表上方“答复日期”右边的黄色格填写答复的日期，如 2026-04-10。",
    "对照当事人的证照逐行核验。号码请填完整；带星号的是贵平台报送时已脱敏的，请补全。与原报送一致的不必改动，只填核验日期和核验结果。",
    "主体已变更的，填写现在的主体，并在备注中注明变更日期。",
    "# 二、怎样交回",
    "不要改动表头、平台代号和账号标识，不要新增列。保存为 xlsx，按约定的加密方式交回，作为一份报送读入。",
    "# 三、依据",
    "《直播电商监督管理办法》（令117号）第二十二条：市场监督管理部门按登记的地址联系不上当事人的，通知平台，平台在5个工作日内提醒其更正；"
    "逾期不更正的，平台依法采取措施。第八条：平台对身份信息进行核验、登记，并至少每六个月更新一次。",
)
