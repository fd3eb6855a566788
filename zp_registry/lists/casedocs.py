"""A case as a document for the file: docx and html, with the pictures of its months and of what it shares."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from docx import Document
from docx.enum.section import WD_ORIENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt

from zp_registry.lists.casepictures import graph_picture, timeline_picture

DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
LEVELS: Final = {"high": "高", "medium": "中", "low": "低"}
STATUSES: Final = {"open": "待处理", "confirmed": "已确认", "dismissed": "已排除", "resolved": "已消除"}
CAUTION: Final = "本件为线索核查材料，由系统根据报送数据整理，不是认定结论；证件、电话、账户号码已脱敏。内部使用，注意保密。"
_LANES: Final = {"holder": "登记主体", "streamers": "出镜人员", "phone": "联系电话", "payee": "收款账户"}
_FONT: Final = "Noto Sans CJK SC"


def _tables(told: dict[str, Any]) -> list[tuple[str, list[str], list[list[str]], list[float]]]:
    """Title, headers, rows and column widths (cm, of 25) of each table of the document."""
    case = told["case"]
    account = told["dossier"]["account"] or {}
    head = [
        ["案件编号", case["case_id"]], ["状态", case["state_name"]],
        ["级别", f"{LEVELS[case['level']]}（{min(case['score'], 0.99):.2f}）"],
        ["平台、账号", f"{case['platform']}　{account.get('account_name') or ''}（{case['account_id']}）"],
        ["主体编号", case["entity_id"] or ""], ["立案依据日", case["opened_on"]], ["最近依据日", case["news_on"]],
        ["变更登记宽限期至", case["grace_until"]],
        ["办理期限", case["deadline"] + ("（暂定：节假日安排尚未公布）" if case["provisional"] else "")],
        ["经办人", case["assignee"] or ""],
        ["同组", f"{case['group_id']}（另 {len(told['others'])} 案）" if case["group_id"] else ""],
        ["了结原因", case["closed_why"] or ""],
    ]  # fmt: skip
    found = [
        [f"{f['flag_id']}\n{f['title']}", LEVELS[f["level"]], STATUSES[f["status"]], f["first_seen"], f["reason"],
         f["innocent"],
         f["ground"], f["rule_version"] or ""]
        for f in told["flags"]
    ]  # fmt: skip
    evidence = [
        [f["flag_id"], e["as_of"], e["source_file"], e["sheet"], str(e["row"] or ""), e["what"]]
        for f in told["flags"]
        for e in f["evidence"]
    ]
    months = [
        [r["month"], r["as_of"], *(("● " if lane in r["changed"] and n else "") + r[lane] for lane in _LANES),
         f"{r['source_file']} › {r['sheet']} › 第{r['row']}行" if r["sheet"] else f"{r['source_file']} › 第{r['row']}行"]
        for n, r in enumerate(told["timeline"])
    ]  # fmt: skip
    events = [
        [e["at"][:19].replace("T", " "), e["who"], e["action_name"], e["note"], e["reference"] or ""] for e in told["events"]
    ]
    others = [[o["case_id"], o["state_name"], f"{o['platform']} {o['account_id']}", LEVELS[o["level"]]] for o in told["others"]]
    return [
        ("一、案件", ["项目", "内容"], [r for r in head if r[1]], [5, 20]),
        ("二、线索", ["线索", "级别", "状态", "首次出现", "说明", "常见的正当原因", "依据", "规则版本"], found,
         [3.4, 1.2, 1.6, 2.2, 7.4, 3, 4, 2.2]),
        ("三、依据的报送行", ["线索", "报送日期", "文件", "工作表", "行", "内容"], evidence, [2.4, 2.4, 6.2, 3, 1.4, 9.6]),
        ("四、逐月情况（● 表示与此前不同）", ["月份", "报送日期", *_LANES.values(), "出处"], months,
         [1.8, 2.2, 5, 4.8, 3, 3.8, 4.4]),
        ("五、同组案件（仅供参考）", ["案件", "状态", "账号", "级别"], others, [4, 4, 13, 4]),
        ("六、办理经过", ["时间（UTC）", "办理人", "事项", "记录", "附件"], events, [4, 3, 2.4, 10.6, 5]),
    ]  # fmt: skip


def _pictures(told: dict[str, Any]) -> list[tuple[str, bytes]]:
    found = [
        ("附图一　各次报送所示", timeline_picture(told["timeline"])),
        ("附图二　账号、主体和共用的电话、收款账户", graph_picture(told["graph"])),
    ]
    return [(title, picture) for title, picture in found if picture is not None]


def case_title(told: dict[str, Any], county: str) -> str:
    """The document's heading."""
    return f"{county}电子商务账号转让线索核查材料（{told['case']['case_id']}）"


def case_html(told: dict[str, Any], county: str) -> str:
    """One self-contained page; prints on A4."""
    return page_html(case_title(told, county), [CAUTION, f"数据截至 {told['as_of']}"], _parts(told))


def case_docx(told: dict[str, Any], county: str) -> bytes:
    """The same as a Word document, A4 across."""
    return page_docx(case_title(told, county), [CAUTION, f"数据截至 {told['as_of']}"], _parts(told))


@dataclass(frozen=True)
class Part:
    """A part of a document: a table (``widths`` in cm), a picture (PNG) or both, and what to know of them."""

    title: str
    note: str = ""
    headers: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    widths: Sequence[float] = ()
    picture: bytes | None = None
    apart: bool = False  # begins a new page


def _parts(told: dict[str, Any]) -> list[Part]:
    tables = [Part(title, "", headers, rows, widths) for title, headers, rows, widths in _tables(told) if rows]
    return [*tables, *(Part(title, picture=picture) for title, picture in _pictures(told))]


def page_html(title: str, notes: Sequence[str], parts: Sequence[Part]) -> str:
    """One self-contained page; prints on A4 across. The first of ``notes`` is a caution."""
    e = html.escape
    out = [
        '<!DOCTYPE html><html lang="zh-CN"><head><meta charset="utf-8">',
        f"<title>{e(title)}</title><style>"
        "@page{size:A4 landscape;margin:12mm}body{font-family:'Noto Sans CJK SC','Source Han Sans SC',"
        "'Microsoft YaHei','SimSun',sans-serif;font-size:10.5pt;color:#111;max-width:270mm;margin:0 auto;padding:8px}"
        "h1{font-size:16pt;text-align:center}"
        "h2{font-size:12pt;margin:14px 0 6px;break-after:avoid}table{border-collapse:collapse;width:100%;table-layout:fixed}"
        "th,td{border:1px solid #888;padding:3px 5px;vertical-align:top;text-align:left;"
        "overflow-wrap:anywhere;white-space:pre-line}"
        "th{background:#eee}thead{display:table-header-group}tr,figure{break-inside:avoid}figure{margin:8px 0}"
        "img{max-width:100%;max-height:150mm}.caution{color:#a00}"
        ".note{font-size:9pt;color:#444;break-after:avoid}"
        "@media print{.apart{break-before:page}}</style></head><body>",
        f"<h1>{e(title)}</h1>",
        *(f"<p{' class=caution' if n == 0 else ''}>{e(text)}</p>" for n, text in enumerate(notes)),
    ]
    for part in parts:
        out.append(f"<h2{' class=apart' if part.apart else ''}>{e(part.title)}</h2>")
        out.append(f"<p class=note>{e(part.note)}</p>" if part.note else "")
        if part.rows:
            total = sum(part.widths)
            out.append("<table><colgroup>")
            out += [f"<col style='width:{w / total:.2%}'>" for w in part.widths]
            out.append("</colgroup><thead><tr>" + "".join(f"<th>{e(h)}</th>" for h in part.headers) + "</tr></thead><tbody>")
            out += ["<tr>" + "".join(f"<td>{e(str(c))}</td>" for c in row) + "</tr>" for row in part.rows]
            out.append("</tbody></table>")
        if part.picture is not None:
            data = base64.b64encode(part.picture).decode()
            out.append(f"<figure><img alt='{e(part.title)}' src='data:image/png;base64,{data}'></figure>")
    return "".join([*out, "</body></html>\n"])


def page_docx(title: str, notes: Sequence[str], parts: Sequence[Part]) -> bytes:
    """The same as a Word document, A4 across."""
    document = new_document(landscape=True)
    document.add_heading(title, 0)
    for text in notes:
        document.add_paragraph(text)
    for part in parts:
        document.add_heading(part.title, 1).paragraph_format.page_break_before = part.apart
        if part.note:
            document.add_paragraph(part.note)
        if part.rows:
            add_table(document, part.headers, part.rows, part.widths)
        if part.picture is not None:
            add_picture(document, part.picture, 25, 14.5)
    return saved(document)


def new_document(*, landscape: bool = False) -> Any:
    """An empty A4 document with a Chinese font in every style."""
    document = Document()
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    if landscape:
        section.orientation = WD_ORIENT.LANDSCAPE
        section.page_width, section.page_height = Cm(29.7), Cm(21)
    for side in ("left_margin", "right_margin", "top_margin", "bottom_margin"):
        setattr(section, side, Cm(2))
    for name, size in (("Normal", 9), ("Title", 18), ("Heading 1", 12), ("Heading 2", 11)):
        style = document.styles[name]
        style.font.name, style.font.size = _FONT, Pt(size)
        properties = style.element.get_or_add_rPr()
        fonts = properties.find(qn("w:rFonts"))
        if fonts is None:
            fonts = OxmlElement("w:rFonts")
            properties.append(fonts)
        for attribute in list(fonts.attrib):
            if attribute.endswith("Theme"):
                del fonts.attrib[attribute]
        for kind in ("ascii", "hAnsi", "eastAsia", "cs"):
            fonts.set(qn(f"w:{kind}"), _FONT)
    return document


def add_table(document: Any, headers: Sequence[str], rows: Sequence[Sequence[Any]], widths: Sequence[float]) -> None:
    """A ruled table whose header row is repeated on every page and whose rows are not torn; widths in cm."""
    table = document.add_table(rows=1, cols=len(headers))
    table.style, table.autofit = "Table Grid", False
    for cell, text in zip(table.rows[0].cells, headers, strict=True):
        cell.text = text
        cell.paragraphs[0].runs[0].bold = True
    for row in rows:
        for cell, value in zip(table.add_row().cells, row, strict=True):
            cell.text = "" if value is None else str(value)
    for column, width in zip(table.columns, widths, strict=True):  # not every program reads the cells' own widths
        column.width = Cm(width)
    for n, row_ in enumerate(table.rows):
        properties = row_._tr.get_or_add_trPr()
        properties.append(OxmlElement("w:cantSplit"))
        if n == 0:
            properties.append(OxmlElement("w:tblHeader"))
        for cell, width in zip(row_.cells, widths, strict=True):
            cell.width = Cm(width)


def add_picture(document: Any, picture: bytes, width: float, height: float) -> None:
    """A PNG as large as fits into so many cm."""
    w, h = (int.from_bytes(picture[i : i + 4], "big") for i in (16, 20))
    fits = min(width, height * w / h)
    document.add_picture(io.BytesIO(picture), width=Cm(fits))


def saved(document: Any) -> bytes:
    """The document's bytes."""
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()
