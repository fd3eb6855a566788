"""Comparison forms of names. Never shown; two names with one form are written alike, which proves nothing about the parties.

Businesses: simplified, upper case, no blanks or punctuation but ``()``, no ``(个体工商户)`` behind, legal forms in one
wording (有限责任公司 → 有限公司). The place in front (河南省, 镇平县) is kept: it tells namesakes apart. Persons: letters and
CJK only, so that every middle dot (阿不都·热合曼) falls away. A masked name (张*, 李某某) has none: part of a name is no key.
"""

from __future__ import annotations

import functools
import re
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from zp_registry.bytewise import changed_within, empty, holding, matches_within, odd, table
from zp_registry.normalise.columns import Bools, clear, map_where, substituted, to_bools, to_series
from zp_registry.texts import to_arrow

_INDIVIDUAL: Final = re.compile(r"\(?个体(?:工商户|户|经营)?\)?$")
_NOT_BUSINESS: Final = re.compile(r"[^0-9A-Z()\u3400-\u9fff\uf900-\ufaff]")
_NOT_PERSON: Final = re.compile(r"[^A-Z\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_FORMS: Final = (
    ("有限责任公司", "有限公司"), ("股份公司", "股份有限公司"),
    ("农民专业合作社", "专业合作社"), ("专业合作社联合社", "合作社联合社"),
)
# Names that are their own comparison form, as most are.
_NOT_PLAIN_BUSINESS: Final = table(allowed="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", han=True)
_TO_REWORD: Final = "|".join(["个体", *(old for old, _ in _FORMS)])
_NOT_PLAIN_PERSON: Final = table(allowed="ABCDEFGHIJKLMNOPQRSTUVWXYZ", han=True)
# A bullet between two parts of a name is a middle dot; at the end, or several, it hides something.
_MASKED: Final = r"[*×]|[•●]{2}|[•●]$|^[•●]|^[\x{3400}-\x{9fff}]某{1,2}$|^[xX]{2,}$|某某"
# Suffixes of names that a person does not have; the short ones are too common in given names to count there.
_COMPANY: Final = r"公司$|集团$|\(有限合伙\)$|\(普通合伙\)$|事务所$|合伙企业"
_COOPERATIVE: Final = r"合作社$|合作社联合社$|合作联社$"
_BUSINESS: Final = (
    r"(?:商行|经营部|工作室|经营户|批发部|销售部|门市部|营业部|服务部|加工坊|商店|商铺|超市|店铺|摊位|玉行|珠宝行"
    r"|服务站|中心|个体工商户|个体户|工艺社|饰品屋|直播间)\)?$"
)
_LONG_BUSINESS: Final = r"[\x{3400}-\x{9fff}0-9A-Za-z()]{3,}(?:厂|店|行|坊|馆|轩|阁|斋|堂|部|铺|社|城|屋|居|苑|吧|号)$"
_SHORT_BUSINESS: Final = r"[\x{3400}-\x{9fff}0-9A-Za-z()]{2,}(?:厂|店)$"
_FAMILY_LIKE: Final = r"^[\x{3400}-\x{9fff}]{3}(?:轩|阁|堂|行|社|城|居|苑|斋)$"
_PERSON: Final = r"^[\x{3400}-\x{9fff}]{2,4}$|^[\x{3400}-\x{9fff}]+(?:[·•・‧∙.][\x{3400}-\x{9fff}]+)+$"


_INDIVIDUAL_END: Final = r"\(?个体(?:工商户|户)\)?$"
_ANY_BUSINESS: Final = "|".join(
    [_LONG_BUSINESS, _SHORT_BUSINESS, _FAMILY_LIKE, _BUSINESS, _INDIVIDUAL_END, _COOPERATIVE, _COMPANY, r"\s"]
)
_KINDS: Final = ["", "natural_person", "sole_proprietor", "cooperative", "enterprise"]


@functools.lru_cache(1 << 15)  # holders are mostly paid under their own names
def business_key(name: str) -> str | None:
    """The comparison form of a business name (simplified already), or None if nothing comparable is in it."""
    text = name.upper().replace("（", "(").replace("）", ")")
    for old, new in (("[", "("), ("]", ")"), ("【", "("), ("】", ")"), ("〔", "("), ("〕", ")"), ("{", "("), ("}", ")")):
        text = text.replace(old, new)
    text = _NOT_BUSINESS.sub("", text)
    while "()" in text:
        text = text.replace("()", "")
    while (short := _INDIVIDUAL.sub("", text)) and short != text:
        text = short
    for old, new in _FORMS:
        if new.endswith(old):
            text = re.sub(f"(?<!{new[: -len(old)]}){old}", new, text) if not text.endswith(new) else text
        else:
            text = text.replace(old, new)
    return text if re.search(r"[0-9A-Z\u3400-\u9fff]", text) else None


def person_key(name: str) -> str | None:
    """The comparison form of a person's name: letters and CJK; a remark in brackets behind the name is left out."""
    text = re.sub(r"[(（\[【].*$", "", name) or name
    return _NOT_PERSON.sub("", text.upper()) or None


def business_keys(series: pd.Series[str]) -> pd.Series[str]:
    """Comparison forms of a column of business names (or of names that may be either: a person's form comes out the same)."""
    open_, text = _open(series)
    special = odd(text, _NOT_PLAIN_BUSINESS) | matches_within(text, holding(text, "个责份农联"), _TO_REWORD)
    return map_where(open_, special | empty(text), business_key)


def person_keys(series: pd.Series[str]) -> pd.Series[str]:
    """Comparison forms of a column of persons' names."""
    open_, text = _open(series)
    return map_where(open_, odd(text, _NOT_PLAIN_PERSON) | empty(text), person_key)


def _open(series: pd.Series[str]) -> tuple[pd.Series[str], pa.LargeStringArray]:
    """The column without masked names, and the same for Arrow."""
    text = to_arrow(series)
    masked = matches_within(text, holding(text, "*×•●某xX"), _MASKED)
    if not masked.any():
        return series, text
    open_ = clear(series, masked)
    return open_, to_arrow(open_)


def name_keys(series: pd.Series[str], persons: Bools) -> pd.Series[str]:
    """Comparison forms where some rows (``persons``) name persons and the others businesses."""
    return person_keys(series.where(persons)).where(persons, business_keys(series.mask(persons)))


def kinds_by_name(series: pd.Series[str]) -> pd.Series[str]:
    """The kind of subject (frames.SUBJECT_KINDS) that a name suggests, NA if it suggests none."""
    every = to_arrow(series)
    # Most are persons' names, which end in none of the words: one look tells them from the rest.
    ends = to_bools(pc.match_substring_regex(every, _ANY_BUSINESS)) | holding(every, "(")
    out = np.zeros(len(series), dtype=np.int8)
    out[~ends & matches_within(every, ~ends, _PERSON)] = _KINDS.index("natural_person")
    at = np.flatnonzero(ends)
    if at.size:
        out[at] = _by_words(every.take(pa.array(at)))
    kinds = pa.DictionaryArray.from_arrays(pa.array(out), _KINDS).cast(pa.large_string())
    return to_series(pc.if_else(pc.equal(kinds, ""), pa.scalar(None, pa.large_string()), kinds), series.index)


def _by_words(names: pa.LargeStringArray) -> npt.NDArray[np.int8]:
    """The place in _KINDS of each name's kind."""
    text = changed_within(names, holding(names, " \t\n\f\r("), lambda some: substituted(some, r"\s|\(个体[^)]*\)$", ""))

    def found(pattern: str, where: pa.LargeStringArray = text) -> Bools:
        return to_bools(pc.match_substring_regex(where, pattern))

    out, person = np.zeros(len(names), dtype=np.int8), found(_PERSON)
    three = found(r"^[\x{3400}-\x{9fff}]{2,3}$")
    for rows, kind in (
        (person, "natural_person"),
        (found(_LONG_BUSINESS) & ~(person & three), "sole_proprietor"),
        (found(_SHORT_BUSINESS), "sole_proprietor"),  # 张店, 李行 may be persons; 玉器店 is none
        (found(_FAMILY_LIKE), "natural_person"),  # 欧阳梓轩; the words of more than one character follow
        (found(_BUSINESS), "sole_proprietor"),
        (found(_INDIVIDUAL_END, names), "sole_proprietor"),
        (found(_COOPERATIVE), "cooperative"),
        (found(_COMPANY), "enterprise"),
    ):
        out[rows] = _KINDS.index(kind)
    return out
