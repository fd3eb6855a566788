"""The rejected rows as a workbook that a clerk corrects, and its way back.

Cells are shown as the caller gives them (masked but for the bad ones); a row's token says which stored row it is. A cell that
comes back as it was shown stands for the stored value: the caller, who masked it, compares.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from openpyxl.comments import Comment
from openpyxl.worksheet.worksheet import Worksheet

from zp_registry.lists import cells
from zp_registry.lists.safety import clean, formula_like
from zp_registry.lists.workbook import BAD_FILL, Book, Col, Problem, explain, grid, heading, page, protect
from zp_registry.sources import Taken

TOKEN, SOURCE_ROW, MESSAGE = "令牌（勿改）", "原文件行号", "错误说明"
META_SHEET: Final = "_zp"
_LEADING: Final = (
    Col(TOKEN, least=8, most=8, hidden=True),
    Col(SOURCE_ROW, "int", 7, 8),
    Col(MESSAGE, least=24, most=36),
)
_SHEET_FORBIDDEN = re.compile(r"[\\/?*\[\]:\x00-\x1f]+")


@dataclass(frozen=True)
class RejectItem:
    """One rejected row. ``headers`` and ``cells`` run alike; ``bad`` gives codes and Chinese texts by header.

    A fault of the whole row stands under "" or under a header that the file lacks.
    """

    token: str
    source_file: str
    sheet: str
    row: int
    platform_title: str
    as_of: str
    headers: list[str]
    cells: list[str]
    bad: dict[str, list[tuple[str, str]]]


@dataclass(frozen=True)
class Corrected:
    """One row that came back: text by original header. ``sheet`` and ``row`` are those of the returned workbook."""

    token: str
    cells: dict[str, str] = field(repr=False)  # may hold identity numbers: never in a log
    sheet: str
    row: int


def write_rejects(items: list[RejectItem], path: Path, *, county: str = "镇平县") -> Path:
    """Writes one sheet per source file and sheet, rows in file order. ValueError if headers repeat or cells do not fit them."""
    groups: dict[tuple[str, str, tuple[str, ...]], list[RejectItem]] = {}
    for item in items:
        if len(item.headers) != len(item.cells) or len(set(item.headers)) != len(item.headers):
            raise ValueError(f"{item.source_file} [{item.sheet}] row {item.row}: headers must be unique and as many as cells")
        groups.setdefault((item.source_file, item.sheet, tuple(item.headers)), []).append(item)
    newest = max((i.as_of for i in items if i.as_of), default="")
    day = date.fromisoformat(newest) if newest else date.today()
    book = Book(county)
    explain(book, "说明", "退回数据更正说明", _GUIDE, as_of=day)
    taken = {"说明", META_SHEET}
    meta: list[tuple[str, str]] = []
    for (source, sheet, headers), group in groups.items():
        name = sheet_name(Path(source).stem, sheet, taken)
        _write_sheet(book.sheet(name), book, sorted(group, key=lambda i: i.row), headers, day)
        meta.extend((i.token, json.dumps(headers)) for i in group[:1])
    hidden = book.sheet(META_SHEET)
    for r, values in enumerate([("zp-rejects", "1"), *meta], start=1):
        for c, value in enumerate(values, start=1):
            book.put(hidden, r, c, value, book.style(border=False, wrap=False))
    hidden.sheet_state = "veryHidden"
    return book.save(path)


def sheet_name(source: str, sheet: str, taken: set[str]) -> str:
    """A sheet name that Excel accepts: at most 31 characters (UTF-16 units), unique whatever the case; adds it to ``taken``."""
    base = _SHEET_FORBIDDEN.sub("_", clean(f"{source}-{sheet}" if sheet else source)).strip("' ") or "退回数据"
    base = "".join(c for c in base if ord(c) < 0x10000)[:31].strip("' ") or "退回数据"
    name, n = base, 1
    while name.casefold() in taken or name.casefold() == "history":  # Excel keeps "History" for itself
        n += 1
        tail = f"({n})"
        name = base[: 31 - len(tail)] + tail
    taken.add(name.casefold())
    return name


def _write_sheet(ws: Worksheet, book: Book, group: list[RejectItem], headers: tuple[str, ...], day: date) -> None:
    first = group[0]
    wide = len(_LEADING) + len(headers)
    columns = [*_LEADING, *(Col(h, least=8, most=26, editable=True) for h in headers)]
    where = f"平台：{first.platform_title}　　报送日期：{first.as_of or '不明'}　　原文件：{first.source_file}"
    where += f"　　工作表：{first.sheet}" if first.sheet else ""
    top = heading(book, ws, "退回数据更正表", (f"{where}　　共 {len(group)} 行", _CAUTION), min(wide, 14))
    rows = [[i.token, i.row, _message(i), *i.cells] for i in group]
    last = grid(book, ws, columns, rows, top=top)
    bad_look = book.style(fill=BAD_FILL, editable=True)
    for r, item in enumerate(group, start=top + 1):
        for c, header in enumerate(headers, start=len(_LEADING) + 1):
            faults = item.bad.get(header)
            if faults:
                cell = ws.cell(r, c)
                cell.style = bad_look
                if cell.data_type == "s" and formula_like(str(cell.value)):
                    cell.quotePrefix = True  # setting a style takes the prefix away
                note = Comment(
                    clean("\n".join(f"{text}（{code}）" for code, text in faults)),
                    "登记系统",
                    width=260,
                    height=60 + 30 * len(faults),
                )
                cell.comment = note
    page(ws, last_column=wide, last_row=last, header_row=top, as_of=day, name=ws.title, autofilter=wide, repeat_columns="B:C")
    ws.freeze_panes = f"D{top + 1}"
    protect(ws)


def _message(item: RejectItem) -> str:
    lines: list[str] = []
    for header, faults in item.bad.items():
        named = f"【{' '.join(header.split())}】" if header in item.headers and header.strip() else ""
        lines.extend(f"{named}{text}" for _, text in faults)
    return "\n".join(lines)


def read_rejects(path: Path | Taken) -> tuple[list[Corrected], list[Problem]]:
    """The rows of a returned workbook in the order found; rows may have been sorted or deleted, sheets copied elsewhere.

    A number cell too long to be exact, a row without its token and a repeated token are problems, and that row is not given.
    Raises FileRefused if the file cannot be opened at all.
    """
    found = cells.sheets(path)
    exact: dict[tuple[str, ...], list[str]] = {}
    for name, rows in found:
        if name.startswith(META_SHEET) and rows and cells.text_of(rows[0][0]) == "zp-rejects":
            for row in rows[1:]:
                headers = _headers(row)
                exact[tuple(_trimmed([cells.text_of(h) for h in headers]))] = headers
    done: list[Corrected] = []
    problems: list[Problem] = []
    seen: dict[str, tuple[str, int]] = {}
    lists = 0
    for name, rows in found:
        where: list[str] | None = None
        start = 0
        for number, row in enumerate(rows, start=1):
            texts = [cells.text_of(c) for c in row]
            if TOKEN in texts:
                lists += 1
                start = texts.index(TOKEN)
                shown = _trimmed(texts[start + len(_LEADING) :])
                # Headers with line breaks or odd characters come back as the source file has them.
                where = exact.get(tuple(shown)) or shown
            elif where is not None and any(texts):
                _take(done, problems, seen, (name, number), row[start:], where)
    if not lists:
        problems.append(Problem("", 0, TOKEN, "文件里没有退回数据更正表（表头应有“令牌（勿改）”列）。请使用系统导出的文件。"))
    return done, problems


def _headers(row: list[object]) -> list[str]:
    """The headers that a line of the hidden sheet keeps; none where somebody has changed it."""
    try:
        found = json.loads(cells.text_of(row[1]))
    except (ValueError, IndexError, RecursionError):
        return []
    return found if isinstance(found, list) and all(isinstance(h, str) for h in found) else []


def _trimmed(texts: list[str]) -> list[str]:
    while texts and not texts[-1]:
        texts = texts[:-1]
    return texts


def _take(
    done: list[Corrected],
    problems: list[Problem],
    seen: dict[str, tuple[str, int]],
    place: tuple[str, int],
    row: list[object],
    headers: list[str],
) -> None:
    token = cells.text_of(row[0])
    values = [*row[len(_LEADING) :], *[None] * len(headers)][: len(headers)]
    if not token:
        if any(cells.text_of(v) for v in values):
            problems.append(
                Problem(*place, TOKEN, "这一行没有令牌，不知道对应哪一行原始数据。请从原更正表整行复制，不要新增行。")
            )
        return
    if token in seen:
        other = f"“{seen[token][0]}”第 {seen[token][1]} 行"
        problems.append(Problem(*place, TOKEN, f"这一行与{other}是同一行原始数据，已采用前一行。请删去其中一行后再交。"))
        return
    seen[token] = place
    spoilt = [h for h, v in zip(headers, values, strict=True) if cells.inexact(v)]
    for header in spoilt:
        problems.append(
            Problem(*place, header, "号码以数字格式存放，尾数已不可信。请把单元格设为“文本”格式后重新填写完整号码。")
        )
    if not spoilt:
        done.append(Corrected(token, {h: cells.text_of(v) for h, v in zip(headers, values, strict=True)}, *place))


_CAUTION: Final = "请对照原件更正标红的单元格（批注中有原因和处理办法），改好后原样交回；含个人信息，注意保密，不得外传"
_GUIDE: Final = (
    "# 一、这是什么",
    "各工作表列出报送文件中未能载入的数据行，每个源文件（及其工作表）一张，表头与原文件相同。"
    "标红的单元格有问题，原因见“错误说明”列和单元格批注。",
    "# 二、怎样更正",
    "请向平台或者主体核实，对照营业执照、身份证件等更正后，直接改写单元格。所有原始列都可以改，“原文件行号”“错误说明”两列已锁定。",
    "号码（证件号码、信用代码、电话、账号标识等）请保持“文本”格式，完整填写，不要让软件变成 4.11E+17 这样的数字。",
    "带星号（*）的内容是系统做的脱敏显示，不是错误；没有问题的不必改写，系统仍按原值处理。",
    "不能更正的行可以删去或者原样留着，系统不会因此丢失原始数据，该行仍保留在退回区。请不要新增行；排序、筛选前先撤销工作表保护（无密码）。",
    "# 三、怎样交回",
    "保存为 xlsx 或 xls，交县级管理人员导入系统。更正后的行与新报送的数据一样检查：合格的载入，仍有问题的再次退回。",
    "# 四、个人信息保护",
    "本文件含个人信息，仅限履行法定职责使用（《个人信息保护法》第十三条第一款第三项、第三十四条）；不得外传，办结后删除本地副本。",
)
