"""Cleaning of typed text: what a person cannot see is removed, what means "nothing" becomes NA.

NFKC turns full-width letters, digits and blanks into plain ones. Traditional characters become simplified ones in names and
addresses, because registers write simplified. Account names are an account's face and are only freed of control characters.
"""

from __future__ import annotations

import functools
from typing import Final

import opencc
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from zp_registry.normalise.columns import changed_where, substituted, to_bools, to_series
from zp_registry.texts import to_arrow

_ZERO_WIDTH: Final = r"[\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}-\x{2064}\x{feff}\x{ad}]"
# What is not in ASCII, nor a Han character or one of 、。 (all of which NFKC leaves as they are).
_ODD: Final = r"[^\x00-\x7f\x{3001}\x{3002}\x{4e00}-\x{9fff}]"
_CONTROL: Final = r"[\x00-\x1f\x7f-\x{9f}\x{2028}\x{2029}]+"
# What people type for "nothing"; compared after NFKC, in lower case.
_BLANK_WORDS: Final = (
    r"^(?:[-—–_/\\.。、,]+|无|無|没有|沒有|暂无|空|未填|未填写|未知|不详|不适用|n/?a|#n/a|null|none|nil|nan|undefined|\(无\)|\(空\))$"
)
# Characters of simplified writing that the conversion would change: 张乾, 乾安县, 哪吒, 魏徵, the family name 於.
_KEPT: Final = "乾吒徵於榘"
_AWAY: Final = {ord(c): 0xE000 + i for i, c in enumerate(_KEPT)}
_BACK: Final = {place: c for c, place in zip(_KEPT, _AWAY.values(), strict=True)}


def clean(series: pd.Series[str], *, blank_words: bool = True) -> pd.Series[str]:
    """NFKC, no zero-width characters, single blanks (also for line breaks), no leading ``'``, blank words to NA."""
    text = changed_where(to_arrow(series), _ODD, _freed)
    text = substituted(text, r"[\s\x00-\x1f\x7f]+", " ")
    text = substituted(pc.utf8_trim_whitespace(text), r"^(?:['’‘`] *)+", "")
    text = pc.utf8_trim_whitespace(text)
    nothing = pc.equal(text, "")
    if blank_words:
        nothing = pc.or_(nothing, pc.match_substring_regex(text, _BLANK_WORDS, ignore_case=True))
    return to_series(pc.if_else(nothing, pa.scalar(None, pa.large_string()), text), series.index)


def _freed(text: pa.LargeStringArray) -> pa.LargeStringArray:
    return pc.replace_substring_regex(pc.utf8_normalize(text, form="NFKC"), _ZERO_WIDTH, "")


def clean_shown(series: pd.Series[str]) -> pd.Series[str]:
    """Text kept as it is (account names, links), but without control characters and blanks at the ends."""
    text = pc.utf8_trim_whitespace(substituted(to_arrow(series), _CONTROL, " "))
    return to_series(pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.large_string()), text), series.index)


def clean_code(series: pd.Series[str]) -> pd.Series[str]:
    """A number or code: :func:`clean`, then without any blank and with plain hyphens."""
    text = substituted(to_arrow(clean(series)), r" +", "")
    if not to_bools(pc.string_is_ascii(text)).all():  # an accent finds its letter when the blank between them goes
        text = pc.utf8_normalize(text, form="NFKC")
    return to_series(substituted(text, r"[‐‑‒–—−]", "-"), series.index)


@functools.cache
def _converter() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


@functools.cache
def _traditional() -> str:
    """A pattern of the characters that only traditional writing has: changed by the conversion and, but for 後, not in GB 2312,
    whose few others of that sort are no sign of traditional writing."""
    every = [chr(c) for block in ((0x3400, 0x4DC0), (0x4E00, 0xA000)) for c in range(*block)]
    simple = _converter().convert("\n".join(every)).split("\n")
    changed = (c for c, other in zip(every, simple, strict=True) if c != other)
    return "[" + "".join(c for c in changed if c == "後" or not c.encode("gb2312", "ignore")) + "]"


def simplify(series: pd.Series[str]) -> pd.Series[str]:
    """Traditional characters as simplified ones, in the values that hold any; what is simplified already stays."""
    coded = to_arrow(series).dictionary_encode()
    values = coded.dictionary
    found = to_bools(pc.match_substring_regex(values, _traditional()))
    if not found.any():
        return series
    # One call for all values: the line break ends every phrase, so no value can touch its neighbour. Values have none inside.
    source = [v.replace("\n", " ").translate(_AWAY) for v in values.filter(pa.array(found)).to_pylist()]
    converted = [v.translate(_BACK) for v in _converter().convert("\n".join(source)).split("\n")]
    values = pc.replace_with_mask(values, pa.array(found), pa.array(converted, type=pa.large_string()))
    return to_series(values.take(coded.indices), series.index)
