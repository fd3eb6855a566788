"""Masked numbers: what platforms hide behind ``*``, ``x`` or dots is brought into one spelling and never used as a key."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from zp_registry.bytewise import holding, matches_within
from zp_registry.normalise.columns import Bools, blank, clear, empty_to_na, map_distinct, map_where, to_bools
from zp_registry.texts import to_arrow

# One X is a check character; two or more in a row, or a star or bullet of any kind, hide something.
_HIDING: Final = r"[*•●∗⁎✱✻※×⚹]|[xX]{2,}|\.{3,}|_{2,}"
_RUN: Final = re.compile(_HIDING)
_STARS: Final = re.compile(r"\*+")
_PERSON: Final = re.compile(r"^[1-8][0-9]*\*[0-9*]*X?$|^\*+[0-9]+X?$|^\*+X$")
# As most platforms mask them; at full length they are spelt already.
_USUAL_PERSON: Final = re.compile(r"^[1-8][0-9]*\*+[0-9]*X?\Z")
_USUAL_PHONE: Final = re.compile(r"^1[3-9][0-9]*\*+[0-9]*\Z")


def is_masked(series: pd.Series[str]) -> Bools:
    """True where a value (blanks removed) hides characters."""
    text = to_arrow(series)
    doubtful = holding(text, "*•●∗⁎✱✻※×⚹xX._")
    # Letters may be words in an e-mail address (xx@…): only stars hide anything there, and those are not matched below.
    hidden = matches_within(text, doubtful, _HIDING)
    return hidden & ~matches_within(text, hidden, r"^[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+$")


def stars(value: str) -> str:
    """``value`` with every hidden character as ``*``."""
    return _RUN.sub(lambda m: "*" * len(m.group()), value)


def to_length(value: str, length: int) -> str:
    """A starred value stretched or shrunk to ``length`` at its only run of stars; as it is if there are several runs."""
    runs = _STARS.findall(value)
    visible = len(value) - sum(len(r) for r in runs)
    if len(runs) != 1 or visible >= length:
        return value
    return _STARS.sub("*" * (length - visible), value)


def person_mask(value: str) -> str | None:
    """A masked citizen number in its 18 characters; None if nothing of it is visible."""
    if len(value) == 18 and _USUAL_PERSON.match(value):
        return value
    text = stars(value.upper())
    if not text.strip("*"):
        return None
    return to_length(text, 18)[:60] if _PERSON.match(text) else text[:60]


def code_mask(value: str) -> str | None:
    """A masked credit code in its 18 characters; None if nothing of it is visible."""
    text = stars(value.upper())
    return to_length(text, 18)[:60] if text.strip("*") else None


def phone_mask(value: str) -> str | None:
    """A masked phone number, mobiles in their 11 characters; None if nothing of it is visible."""
    if len(value) == 11 and _USUAL_PHONE.match(value):
        return value
    text = re.sub(r"^(?:\+|00)?86(?=1[3-9*])", "", stars(re.sub(r"[\s()]", "", value))).replace("+", "")
    text = re.sub(r"[^0-9*-]", "", text)
    if not re.search(r"\d", text):
        return None
    if re.match(r"^1[3-9*]|^\*+\d{1,10}$", text.replace("-", "")):
        return to_length(text.replace("-", ""), 11)[:60]
    return text[:60]


def account_mask(value: str) -> str | None:
    """A masked payee account as it is shown, with ``*`` for what is hidden; None if nothing of it is visible."""
    text = stars(value)
    return text[:60] if text.strip("*@.-") else None


def looks_like_person(series: pd.Series[str]) -> Bools:
    """True where a masked value can only be a citizen number (it begins with 1 to 8 and shows digits only)."""
    masked = is_masked(series)
    out = np.zeros(len(series), dtype=np.bool_)
    if masked.any():
        starred = map_distinct(series[masked].str.upper(), stars)
        out[masked] = to_bools(pc.match_substring_regex(to_arrow(starred), r"^[1-8]\d+\*[\d*]*X?$"))
    return out


def masked_column(series: pd.Series[str], masked: Bools, spell: Callable[[str], str | None]) -> pd.Series[str]:
    """``spell`` (one of the functions above) on the rows ``masked``, NA elsewhere."""
    if not masked.any():
        return blank(series.index)
    return empty_to_na(map_where(clear(series, ~masked), masked, spell))
