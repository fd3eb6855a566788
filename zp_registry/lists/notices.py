"""Notices to merchants who have not signed (催签通知书): one page each, from a Word template that the bureau may edit.

Placeholders such as ``{{主体}}`` may stand anywhere in the template, in tables too; :data:`PLACEHOLDERS` are all there are.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from datetime import date, timedelta
from importlib import resources
from pathlib import Path
from typing import Any, Final

import pandas as pd
from docx import Document
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.table import Table
from docx.text.paragraph import Paragraph

from zp_registry.errors import UsageError
from zp_registry.frames import as_records
from zp_registry.lists.casedocs import saved
from zp_registry.lists.safety import clean, file_name, iso_date, write_atomically

OWN_TEMPLATE: Final = "pledge-notice.docx"  # in the home folder
PLACEHOLDERS: Final = ("机关", "文种", "主体", "编号", "平台", "事由", "要求", "期限", "地点", "地址", "数据日期")
_PLACE: Final = re.compile(r"\{\{\s*([^{}]{1,20}?)\s*\}\}")
_REASONS: Final = {
    "missing": "尚未签订承诺书", "expired": "所签承诺书已过有效期", "outdated": "所签承诺书的版本已停用",
    "mismatch": "所登记的承诺书与主体不符",
}  # fmt: skip
_KINDS: Final = {"first": "通知", "second": "再次通知", "visit": "催办通知", "hand_over": "最后通知"}
_ASKS: Final = {
    "first": "承诺书明确账号实名经营、不转让出租出借、不售假冒伪劣等事项，由经营者本人签署。",
    "second": "此前已就此通知过你（单位），至今未见签订，现再次通知。",
    "visit": "此前已多次通知你（单位），至今未见签订，工作人员将上门了解情况并协助签订。",
    "hand_over": "此前已多次通知并上门，至今未见签订。逾期仍未签订的，有关情况将移送市场监督管理部门依职责处理。",
}  # fmt: skip


def load_template(home: Path) -> Any:
    """The home's own template, else the packaged one. UsageError for a file that Word would not open, or a placeholder that
    nothing fills."""
    own = home / OWN_TEMPLATE
    if not own.is_file():
        with resources.as_file(resources.files(__package__).joinpath("templates", OWN_TEMPLATE)) as path:
            return Document(str(path))
    try:
        document = Document(str(own))
    except Exception:
        raise UsageError(f"{own} is no Word document (docx)") from None
    text = "\n".join(p.text for p in _paragraphs(document))
    if unknown := sorted(set(_PLACE.findall(text)) - set(PLACEHOLDERS)):
        raise UsageError(f"{own}: nothing fills {{{{{unknown[0]}}}}}; there are: {'、'.join(PLACEHOLDERS)}")
    if "{{编号}}" not in text.replace(" ", ""):
        raise UsageError(f"{own}: {{{{编号}}}} must stand on a notice, else nobody knows whose receipt comes back")
    return document


def write_notices(
    frame: pd.DataFrame,
    folder: Path,
    *,
    as_of: str | date,
    by: str,
    template: Any,
    office: str,
    places: dict[str, str],
    days: int = 15,
) -> list[Path]:
    """One docx per town or officer (``by``: the column ``town`` or ``responsible``) of a FOLLOWUPS frame, a page for each
    merchant. ``office``: who writes; ``places``: town → where pledges are signed; ``days``: how long somebody has
    whose deadline has passed. Gives the paths."""
    day = iso_date(as_of)
    groups = frame[by].astype("str").fillna("").replace("", "未定")
    paths = []
    for group, part in frame.groupby(groups, sort=True):
        name = folder / f"催签通知书_{file_name(str(group))}_{day:%Y%m%d}.docx"
        data = notices(part, template, day=day, office=office, places=places, days=days)
        paths.append(write_atomically(name, lambda stream, data=data: stream.write(data) and None))  # type: ignore[misc]
    return paths


def notices(
    part: pd.DataFrame,
    template: Any,
    *,
    day: date,
    office: str,
    places: dict[str, str],
    days: int = 15,
    printed: date | None = None,
) -> bytes:
    """The notices of these lines (FOLLOWUPS) as one document, in their order. ``printed`` (default: ``day``): the day from
    which somebody has ``days`` whose deadline has passed."""
    document = copy.deepcopy(template)
    base = printed or day
    later = str(base + timedelta(days=days))
    body = document.element.body
    page = [e for e in body.iterchildren() if e.tag != qn("w:sectPr")]
    for element in page:
        body.remove(element)
    for n, row in enumerate(as_records(part)):
        town = row["town"] if isinstance(row["town"], str) else ""
        values = {
            "机关": office, "文种": _KINDS[row["reminder"]], "主体": row["subject_name"] or "（未报名称）",
            "编号": row["entity_id"], "平台": re.sub(r"\d+(?=、|$)", "", row["platforms"] or "平台"),
            "事由": _REASONS.get(row["reason"], "尚未签订承诺书"),
            "期限": later if row["deadline"] < str(base) else row["deadline"],
            "要求": _ASKS[row["reminder"]], "地点": places.get(town) or f"{town}市场监督管理所",
            "地址": row["business_address"] or "（报表未写明）", "数据日期": str(day),
        }  # fmt: skip
        fresh = [copy.deepcopy(e) for e in page]
        for element in fresh:
            body.insert(len(body) - 1, element)
            for paragraph in _within(element, document):
                _fill(paragraph, values)
        if n:
            _break_before(fresh[0], body)
    return saved(document)


def _paragraphs(document: Any) -> Iterator[Paragraph]:
    for element in document.element.body.iterchildren():
        yield from _within(element, document)


def _within(element: Any, document: Any) -> Iterator[Paragraph]:
    if element.tag == qn("w:p"):
        yield Paragraph(element, document)
    elif element.tag == qn("w:tbl"):
        for row in Table(element, document).rows:
            for cell in row.cells:
                yield from cell.paragraphs


def _fill(paragraph: Paragraph, values: dict[str, Any]) -> None:
    def put(text: str) -> str:
        return _PLACE.sub(lambda m: clean(values[m[1]]), text)

    runs = paragraph.runs
    for run in runs:
        if _PLACE.search(run.text):
            run.text = put(run.text)
    # Word parts a text where it was edited: a placeholder may lie across runs.
    if _PLACE.search(paragraph.text):
        whole = put(paragraph.text)
        for run in runs[1:]:
            run.text = ""
        runs[0].text = whole


def _break_before(first: Any, body: Any) -> None:
    """A new page before this element, without an empty line on it."""
    if first.tag == qn("w:p"):
        properties = first.get_or_add_pPr()
        mark = OxmlElement("w:pageBreakBefore")
        properties.insert_element_before(mark, *("w:framePr", "w:widowControl", "w:numPr", "w:pBdr", "w:shd", "w:tabs",
                                                 "w:spacing", "w:ind", "w:jc", "w:rPr"))  # fmt: skip
    else:
        paragraph = OxmlElement("w:p")
        body.insert(body.index(first), paragraph)
        _break_before(paragraph, body)
