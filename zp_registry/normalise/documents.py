"""Identity documents of persons: the kind of document, the number's shape, and what of it can be a key.

Kinds come as words, or as ``NNN|名称`` with the tax authorities' numbers; the canonical Chinese name is kept. Without a kind
the shape decides: 15, 18 and 20 characters of a citizen number are a citizen number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from zp_registry.bytewise import changed_within, empty, odd, table
from zp_registry.normalise.citizen import check_citizens
from zp_registry.normalise.columns import Bools, Faults, clear, filled, map_distinct, matches, to_bools, to_series
from zp_registry.normalise.masks import is_masked, masked_column, person_mask
from zp_registry.normalise.text import clean
from zp_registry.texts import to_arrow

RESIDENT: Final = "居民身份证"
HK_MACAO_PERMIT: Final = "港澳居民来往内地通行证"
TAIWAN_PERMIT: Final = "台湾居民来往大陆通行证"
FOREIGN_PASSPORT: Final = "外国护照"
CHINESE_PASSPORT: Final = "中国护照"
PERMANENT_RESIDENCE: Final = "外国人永久居留身份证"
HK_MACAO_RESIDENCE: Final = "港澳居民居住证"
TAIWAN_RESIDENCE: Final = "台湾居民居住证"
OFFICER: Final = "军官证"
SOLDIER: Final = "士兵证"
OTHER: Final = "其他个人证件"

_BY_NUMBER: Final = {
    "201": RESIDENT, "202": OFFICER, "204": SOLDIER, "208": FOREIGN_PASSPORT, "210": HK_MACAO_PERMIT, "213": TAIWAN_PERMIT,
    "227": CHINESE_PASSPORT, "233": PERMANENT_RESIDENCE, "237": HK_MACAO_RESIDENCE, "238": TAIWAN_RESIDENCE, "299": OTHER,
}
# Parts of words, the more special first: 台湾居民居住证 is not a 居民身份证.
_BY_WORD: Final = (
    (r"港澳.*(居住证)", HK_MACAO_RESIDENCE), (r"台湾.*(居住证)", TAIWAN_RESIDENCE), (r"港澳台居民居住证", HK_MACAO_RESIDENCE),
    (r"港澳|回乡证|香港|澳门", HK_MACAO_PERMIT), (r"台湾|台胞证", TAIWAN_PERMIT), (r"永久居留", PERMANENT_RESIDENCE),
    (r"中国.*护照|中华人民共和国护照|因私.*护照", CHINESE_PASSPORT),
    (r"外国.*护照|外籍.*护照|^护照$|passport", FOREIGN_PASSPORT),
    (r"军官|警官", OFFICER), (r"士兵|士官", SOLDIER),
    (r"身份证|户口簿|户口本|^id(?:_?card)?$", RESIDENT), (r"其他|其它", OTHER),
)
_SHAPES: Final = {
    HK_MACAO_PERMIT: r"^[HM]\d{8}(?:\d{2})?$",
    TAIWAN_PERMIT: r"^(?:\d{8}|\d{10}[A-Z]?|T\d{8})$",
    FOREIGN_PASSPORT: r"^[A-Z0-9]{5,20}$",
    CHINESE_PASSPORT: r"^(?:[EGDPSK]\d{8}|E[A-Z]\d{7}|14\d{7}|[DSP]E\d{7})$",
    PERMANENT_RESIDENCE: r"^(?:[A-Z]{3}\d{12}|9\d{17}|9\d{16}X)$",
    OFFICER: r"^[\x{4e00}-\x{9fff}A-Z0-9()第号]{4,30}$",
    SOLDIER: r"^[\x{4e00}-\x{9fff}A-Z0-9()第号]{4,30}$",
}
_FREE: Final = r"^[\x{4e00}-\x{9fff}A-Z0-9()]{5,30}$"
# Without a kind: shapes that no mutilated citizen number has.
_UNNAMED: Final = r"^(?:[HM]\d{8}(?:\d{2})?|T\d{8}|[EGDPSK]\d{8}|E[A-Z]\d{7}|[DSP]E\d{7}|[A-Z]{3}\d{12})$"
# Numbers without any of these are written already as they should be.
_UNUSUAL: Final = table(allowed="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*()", han=True)
_CITIZEN_KINDS: Final = (RESIDENT, HK_MACAO_RESIDENCE, TAIWAN_RESIDENCE)


def id_types(series: pd.Series[str]) -> pd.Series[str]:
    """Kinds of documents under their canonical names; a word that is not known is kept as it is (cleaned)."""
    return map_distinct(clean(series), _id_type)


def _id_type(value: str) -> str:
    number = re.match(r"^(\d{3})(?:\|.*)?$", value)
    if number and number.group(1) in _BY_NUMBER:
        return _BY_NUMBER[number.group(1)]
    word = value.partition("|")[2] or value
    return next((name for pattern, name in _BY_WORD if re.search(pattern, word, re.IGNORECASE)), word)


@dataclass
class Documents:
    """``number``: valid numbers, else NA; ``mask``: masked numbers; ``birth_date`` of valid citizen numbers; ``citizen``: valid
    citizen numbers. All over the rows of the column."""

    number: pd.Series[str]
    mask: pd.Series[str]
    birth_date: pd.Series[str]
    citizen: Bools


def check_documents(series: pd.Series[str], kinds: pd.Series[str], as_of: pd.Series[str], faults: Faults,
                    field: str) -> Documents:
    """Judges a column of document numbers (cleaned, upper case), one field of the report, and remarks on ``field``.

    ``kinds``: canonical kinds or NA; ``as_of``: the row's report date. Faults: ID_SHAPE, ID_CHECK, ID_BIRTH_DATE empty the
    value; ID_15, TAXPAYER_20, ID_MASKED are notes.
    """
    present = filled(series)
    masked = is_masked(series)
    faults.add(masked, field, "ID_MASKED")
    plain = clear(series, masked)
    found = check_citizens(plain, as_of)
    citizen_kind: Bools = ~filled(kinds)
    if not citizen_kind.all():
        citizen_kind |= kinds.isin(_CITIZEN_KINDS).to_numpy()
    # A kind that excludes the citizen's scheme is believed unless the number passes the citizen's test.
    judged = found.shaped & citizen_kind
    faults.add(judged & found.check, field, "ID_CHECK")
    faults.add(judged & found.date, field, "ID_BIRTH_DATE")
    faults.add(found.old & citizen_kind, field, "ID_15")
    faults.add(found.taxpayer, field, "TAXPAYER_20")
    citizen = found.valid & (citizen_kind | found.taxpayer | ~found.old)
    other = present & ~masked & ~citizen & ~judged
    fits = np.zeros(len(series), dtype=np.bool_)
    fits |= matches(plain, _UNNAMED, other & ~filled(kinds))
    for name in set(kinds[other].dropna().unique()).difference(_CITIZEN_KINDS):
        fits |= matches(plain, _SHAPES.get(name, _FREE), other & (kinds == name).to_numpy())
    faults.add(other & ~fits, field, "ID_SHAPE")
    number = clear(found.number, found.valid & ~citizen)
    if (other & fits).any():
        number = number.mask(other & fits, plain)
    birth_date = clear(found.birth_date, found.valid & ~citizen)
    return Documents(number, masked_column(series, masked, person_mask), birth_date, citizen)


def id_text(series: pd.Series[str]) -> pd.Series[str]:
    """A cleaned code column as document numbers are written: upper case, no hyphens or blanks, no quotes."""
    text = to_arrow(series)
    return to_series(changed_within(text, odd(text, _UNUSUAL) | empty(text), _id_text), series.index)


def _id_text(text: pa.LargeStringArray) -> pa.LargeStringArray:
    text = pc.utf8_upper(text)
    text = pc.replace_substring_regex(text, r"""[-"'“”]""", "")
    masked_x = to_bools(pc.match_substring_regex(text, r"^\d{17}×$"))
    if masked_x.any():  # the multiplication sign typed for X at the end of an otherwise whole number
        text = pc.replace_substring_regex(text, r"^(\d{17})×$", r"\1X")
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.large_string()), text)
