"""Contact numbers: one cell may hold several, in any spelling.

Canonical forms: mobiles 11 digits; landlines ``0377-61234567`` (``-801`` behind for an extension); 400 and 800 numbers ten
digits; numbers of other countries and regions ``+85291234567``. A local number without an area code is nobody's number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import pandas as pd
import phonenumbers
import pyarrow.compute as pc

from zp_registry.normalise.columns import (
    Faults,
    empty_to_na,
    filled,
    map_distinct,
    map_where,
    replace,
    to_bools,
    to_series,
)
from zp_registry.normalise.masks import is_masked, masked_column, phone_mask
from zp_registry.texts import to_arrow

_SPLIT: Final = re.compile(
    r"[/、,，;；|&]|或者?|和|及|以及|[\u4e00-\u9fff]*(?:电话|手机|座机|固话|微信|联系方式)[号码]*[:：]?", re.IGNORECASE
)
_PLAIN: Final = r"^(?:(?:\+|00)?86)?(1[3-9]\d{9})(?:\.0)?$"
_MOBILE: Final = re.compile(r"(?<!\d)(?:(?:\+|00)?86)?(1[3-9]\d{9})(?!\d)")
_MOBILE_LOOSE: Final = re.compile(r"(?<!\d)(?:(?:\+|00)?86[- ]*)?(1[3-9]\d[- ]?\d{4}[- ]?\d{4})(?!\d)")
_SERVICE: Final = re.compile(r"^(?:(?:\+|00)?86)?([48]00\d{7})$")
# As most are written. The library is asked whether there is such a number, not to take it apart, which is four times as dear.
_LANDLINE: Final = re.compile(r"^0(10|2\d|[3-9]\d\d)-?(\d{7,8})$", re.ASCII)
_EXTENSION: Final = re.compile(r"(?:转|分机|ext\.?|x|#|-(?=\d{1,5}$))\s*:?(\d{1,6})$", re.IGNORECASE)


@dataclass
class Phones:
    """``first``: the number to call; ``all``: every valid number, ``;`` between, mobiles first; ``mask``: a masked number."""

    first: pd.Series[str]
    all: pd.Series[str]
    mask: pd.Series[str]


def check_phones(series: pd.Series[str], faults: Faults, field: str) -> Phones:
    """Reads a cleaned column of contact cells. PHONE_MASKED: one of the numbers is hidden; PHONE_INVALID: nothing is usable."""
    if not filled(series).any():
        return Phones(series, series, series)
    masked = is_masked(series)
    bare = replace(series, r"[\s()\-]", "", " \t\n\r\f\v()-")
    plain = pc.extract_regex(to_arrow(bare), _PLAIN.replace("(1", "(?P<n>1", 1))
    easy = to_bools(pc.is_valid(plain)) & ~masked
    every = to_series(pc.struct_field(plain, "n"), series.index)
    odd = filled(series) & ~easy
    every = every.mask(odd, map_distinct(series.where(odd), _read)) if odd.any() else every
    every = empty_to_na(every)
    mask = masked_column(map_where(series, masked, _masked_piece), masked, phone_mask)
    faults.add(masked, field, "PHONE_MASKED")
    faults.add(filled(series) & ~filled(every) & ~masked, field, "PHONE_INVALID")
    return Phones(replace(every, r";.*$", "", ";"), every, mask)


def _masked_piece(cell: str) -> str:
    """The masked one among the numbers of a cell."""
    pieces = [p for p in _SPLIT.split(cell) if p and re.search(r"[*•●∗※×]|[xX]{2,}|\.{3,}|_{2,}", p)]
    return pieces[0] if pieces else cell


def _read(cell: str) -> str:
    """All valid numbers of one cell, mobiles first; empty if there is none."""
    mobiles: list[str] = []
    others: list[str] = []
    for piece in _SPLIT.split(cell):
        if not piece or not re.search(r"\d{3}", piece) or re.search(r"[*•●∗※×]|[xX]{2,}", piece):
            continue
        found = _MOBILE.findall(re.sub(r"[\s()\-]", "", piece)) or [re.sub(r"\D", "", m) for m in _MOBILE_LOOSE.findall(piece)]
        mobiles += found
        rest = _MOBILE_LOOSE.sub(" ", piece) if found else piece
        if not found or re.search(r"\d{7}", re.sub(r"\D", "", rest)):
            others += filter(None, (_other(p) for p in ([rest] if not found else rest.split())))
    return ";".join(dict.fromkeys(mobiles + others))


def _other(piece: str) -> str | None:
    """A landline, a service number or a number from abroad in its canonical form."""
    text = re.sub(r"[^\d+\-()a-zA-Z#转分机.: ]", "", piece).strip(" .:-")
    compact = re.sub(r"[\s()\-]", "", text)
    service = _SERVICE.match(compact)
    if service:
        return service.group(1)
    landline = _LANDLINE.match(piece)
    if landline and phonenumbers.is_valid_number(phonenumbers.PhoneNumber(86, int(landline[1] + landline[2]))):
        return f"0{landline[1]}-{landline[2]}"
    extension = ""
    if re.match(r"^\(?(?:\+?86[- ]?)?\(?0?\d{2,3}\)?[- ]?\d{7,8}\D", text):
        tail = _EXTENSION.search(text)
        if tail:
            extension, text = tail.group(1), text[: tail.start()]
    digits = re.sub(r"^86(?=0?\d{9,11}$)", "+86", re.sub(r"[\s()\-]", "", text))
    try:
        number = phonenumbers.parse(re.sub(r"^00", "+", digits), "CN")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    if number.country_code != 86:
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    national = phonenumbers.national_significant_number(number)
    area = phonenumbers.length_of_national_destination_code(number)
    if re.match(r"^1[3-9]\d{9}$", national):
        return national
    if not area or len(national) - area < 7:
        return None
    return f"0{national[:area]}-{national[area:]}" + (f"-{extension}" if extension else "")
