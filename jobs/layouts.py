"""A layout that nobody has described yet: each column's field is proposed by its header and its content, a person says which is
right, and a draft of the mapping is kept for the operator."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml
from stdnum import luhn
from stdnum.cn import ric, uscc

from zp_registry.errors import UsageError
from zp_registry.mapping import Mapping as Layout
from zp_registry.mapping.text import fold_header
from zp_registry.sources import RawTable, ReportFile, reader, take
from zp_registry.sources.files import head

from .imports import read_limits
from .office import Office
from .preview import shown

SAMPLE: Final = 200  # values of a column that are looked at
LEAST: Final = 0.35  # confidence below which nothing is proposed
_NEAR = 0.62  # likeness of headers from which one says something
_URL = re.compile(r"https?://", re.IGNORECASE)
_PHONE = re.compile(r"1[3-9]\d{9}")
_DIGITS = re.compile(r"\d{12,19}")
_NAME = re.compile(r"[\u4e00-\u9fff·]{2,4}")
_FIRM = re.compile(r"公司|商行|经营部|合作社|工作室|店$|厂$|中心$")


@dataclass
class Column:
    """One column: its header, a few masked values, the field proposed for it and how sure that is (0 to 1), and why."""

    header: str
    values: list[str] = field(default_factory=list)
    proposed: str = ""
    confidence: float = 0.0
    why: str = ""


def propose(office: Office, path: Path, kind: str = "report") -> dict[str, list[Column]]:
    """The columns of each sheet with a field proposed for each. FileRefused as reading a file raises it."""
    limits = read_limits(office)
    taken = take(path, limits.max_bytes, follow=False)
    file: ReportFile = reader.report(taken.name, taken.data, limits)
    known = known_headers(office.mappings, kind)
    return {t.sheet: columns for t in file.tables if not t.hidden and t.n_rows and (columns := _columns(t, known))}


def known_headers(mappings: Iterable[Layout], kind: str) -> dict[str, Counter[str]]:
    """Every header of every layout, folded → how often it is which field."""
    out: dict[str, Counter[str]] = {}
    for layout in mappings:
        if layout.kind != kind:
            continue
        for column in [c for s in layout.sheets for c in layout.columns_of(s)]:
            if column.field and not column.field.startswith("_"):
                for header in (column.header, *column.aliases):
                    leaf = re.split(r"[/.]", header)[-1]
                    for name in {fold_header(header), fold_header(leaf)}:
                        out.setdefault(name, Counter())[column.field] += 1
    return out


def header_row(table: RawTable) -> tuple[int, list[str]]:
    """Which of the first rows is the header (-1: the format itself names the columns), and its texts."""
    if table.header is not None:
        return -1, [str(h) for h in table.header]
    rows = head(table, 30)

    def worth(row: list[str]) -> tuple[int, int]:
        texts = [c.strip() for c in row if c and c.strip()]
        return (len({t for t in texts if not any(ch.isdigit() for ch in t) and len(t) <= 20}), len(texts))

    best = max(range(len(rows)), key=lambda i: (worth(rows[i]), -i), default=-1)
    return best, [c.strip() for c in rows[best]] if best >= 0 else []


def _columns(table: RawTable, known: Mapping[str, Counter[str]]) -> list[Column]:
    row, headers = header_row(table)
    rows = head(table, row + 1 + SAMPLE)[row + 1 :]
    out = []
    for at, header in enumerate(headers):
        if not header:
            continue
        values = [r[at].strip() for r in rows if at < len(r) and r[at] and r[at].strip()]
        column = Column(header, [shown(v) for v in values[:3]])
        column.proposed, column.confidence, column.why = _proposal(header, values, known)
        out.append(column)
    taken: set[str] = set()
    for column in sorted(out, key=lambda c: -c.confidence):  # one field, one column: the surest has it
        if column.proposed in taken or column.confidence < LEAST:
            column.proposed, column.confidence, column.why = "", 0.0, ""
        taken.add(column.proposed)
    return out


def _proposal(header: str, values: list[str], known: Mapping[str, Counter[str]]) -> tuple[str, float, str]:
    scores: dict[str, list[tuple[float, str]]] = {}
    name, confidence, nearest = _by_header(header, known)
    if name:
        why = "表头相同" if confidence > 0.9 else f"表头近似“{nearest}”"
        scores.setdefault(name, []).append((confidence, why))
    for name, confidence, why in _by_content(values):
        scores.setdefault(name, []).append((confidence, why))
    best = ("", 0.0, "")
    for name, said in scores.items():
        doubt = 1.0
        for confidence, _ in said:
            doubt *= 1 - confidence
        if 1 - doubt > best[1]:
            best = (name, 1 - doubt, "，".join(w for _, w in said))
    return best[0], round(min(best[1], 0.99), 2), best[2]


def _by_header(header: str, known: Mapping[str, Counter[str]]) -> tuple[str, float, str]:
    folded = fold_header(header)
    near = [folded] if folded in known else difflib.get_close_matches(folded, list(known), n=1, cutoff=_NEAR)
    if not near:
        return "", 0.0, ""
    (name, times), total = known[near[0]].most_common(1)[0], sum(known[near[0]].values())
    likeness = 1.0 if near[0] == folded else 0.8 * difflib.SequenceMatcher(None, folded, near[0]).ratio()
    return name, 0.95 * likeness * (0.5 + 0.5 * times / total), near[0]


def _citizen(value: str) -> bool:
    return bool(re.fullmatch(r"\d{17}[\dXx]", value)) and ric.calc_check_digit(value.upper()) == value[-1].upper()


_CONTENT: Final[tuple[tuple[str, float, str, Callable[[str], bool]], ...]] = (
    ("uscc", 0.9, "是统一社会信用代码", uscc.is_valid),
    ("id_number", 0.85, "是身份证号", _citizen),
    ("contact_phone", 0.85, "是手机号", lambda v: bool(_PHONE.fullmatch(v))),
    ("account_url", 0.85, "是网址", lambda v: bool(_URL.match(v))),
    ("payee_account", 0.6, "像银行卡号", lambda v: bool(_DIGITS.fullmatch(v)) and len(v) >= 16 and luhn.is_valid(v)
     and not _citizen(v)),
    ("business_address", 0.6, "像地址", lambda v: len(v) > 8 and any(w in v for w in ("省", "市", "县", "镇", "街道"))),
    ("subject_name", 0.5, "像企业或商户名称", lambda v: bool(_FIRM.search(v))),
    ("operator_name", 0.3, "像姓名", lambda v: bool(_NAME.fullmatch(v))),
)  # fmt: skip


def _by_content(values: list[str]) -> list[tuple[str, float, str]]:
    if len(values) < 3:
        return []
    out = []
    for name, weight, why, fits in _CONTENT:
        share = sum(map(fits, values)) / len(values)
        if share >= 0.5:
            out.append((name, weight * share, f"内容{why}"))
    return out


def save_draft(
    office: Office, *, layout_id: str, title: str, kind: str, scope: str, names: list[str], fields: Mapping[str, str]
) -> Path:
    """Writes the draft of a mapping (``fields``: header → field, "" for none) for the operator to check and to put into the
    folder of mappings; it does nothing by itself. UsageError, in Chinese, for what is no mapping."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,40}", layout_id):
        raise UsageError("版式代号只能用小写字母、数字和下划线，以字母开头")
    chosen = [f for f in fields.values() if f]
    if len(chosen) != len(set(chosen)):
        raise UsageError("同一个字段选给了几列，请每个字段只选一列")
    least = {"account_id"} if kind == "report" else {"subject_name", "signed_on"}
    if missing := least - set(chosen):
        raise UsageError("还缺少必需的字段：" + "、".join(sorted(missing)))
    needed = {*least, "uscc", "id_number", "subject_name", "number"} & set(chosen)
    columns = [{"header": h, **({"field": f} if f else {}), **({"required": True} if f in needed else {})}
               for h, f in fields.items()]  # fmt: skip
    data: dict[str, Any] = {
        "id": layout_id, "title": title.strip(), "kind": kind, "names": [n for n in names if n.strip()] or [title.strip()],
        "scope": scope, "sheets": [{"part": "main" if kind == "report" else "ledger",
                                    "record": "account" if kind == "report" else "pledge"}], "columns": columns,
    }  # fmt: skip
    try:
        Layout.model_validate(data)
    except ValueError:
        raise UsageError("所填内容不能成为版式，请检查名称和各列") from None
    folder = office.home.root / "drafts"
    folder.mkdir(mode=0o700, exist_ok=True)
    path, number = folder / f"{layout_id}.yaml", 1
    while path.exists():
        number += 1
        path = folder / f"{layout_id}-{number}.yaml"
    head_line = "# 草稿：由网页“映射对话”生成，请运维人员核对后放入 mappings_dir，再运行 zp-registry mappings check\n"
    path.write_text(head_line + yaml.safe_dump(data, allow_unicode=True, sort_keys=False), "utf-8")
    return path
