"""Cleaning of typed text: what a person cannot see is removed, what means "nothing" becomes NA.

NFKC turns full-width letters, digits and blanks into plain ones. Traditional characters become simplified ones in names and
addresses, because registers write simplified. Account names are an account's face and are only freed of control characters.
"""

from __future__ import annotations

import functools
from typing import Final

import numpy as np
import numpy.typing as npt
import opencc
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from zp_registry.bytewise import Bools, changed_within, empty, odd, of_three_bytes, parts, table
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
# Values without any of these need no cleaning, unless they are blank words.
_SUSPECT: Final = table(allowed="".join(chr(c) for c in range(0x21, 0x7F) if chr(c) not in "'`"), han=True)
_SHOWN: Final = table(allowed="".join(map(chr, range(0x21, 0x7F))), han=True)
_SHOWN[0xEA:0xF5] = False
_NO_CODE: Final = table(allowed="".join(map(chr, range(0x21, 0x7F))))
_LONGEST_WORD: Final = 9  # bytes of 不适用 and undefined
_MARKS: Final = np.isin(np.arange(256), np.frombuffer(b"-_/\\.,", dtype=np.uint8))
_WORD_HEADS: Final = np.zeros((256, _LONGEST_WORD + 1), dtype=np.bool_)  # by first byte and length
_WORD_HEADS[_MARKS, :] = True
_WORD_HEADS[ord("("), :] = True
for _word in ("n/a", "na", "#n/a", "null", "none", "nil", "nan", "undefined"):
    _WORD_HEADS[[ord(_word[0]), ord(_word[0].upper())], len(_word)] = True
_HAN_HEADS: Final = np.array([int.from_bytes(c.encode(), "big") for c in "无無没沒暂空未不"], dtype=np.int64)
# Characters of simplified writing that the conversion would change: 张乾, 乾安县, 哪吒, 魏徵, the family name 於.
_KEPT: Final = "乾吒徵於榘"
_AWAY: Final = {ord(c): 0xE000 + i for i, c in enumerate(_KEPT)}
_BACK: Final = {place: c for c, place in zip(_KEPT, _AWAY.values(), strict=True)}


def clean(series: pd.Series[str], *, blank_words: bool = True) -> pd.Series[str]:
    """NFKC, no zero-width characters, single blanks (also for line breaks), no leading ``'``, blank words to NA."""
    text = to_arrow(series)
    doubtful = odd(text, _SUSPECT) | _perhaps_nothing(text)
    if not doubtful.any():
        return series
    return to_series(changed_within(text, doubtful, lambda some: _cleaned(some, blank_words)), series.index)


def _perhaps_nothing(text: pa.LargeStringArray) -> Bools:
    """Where a value of plain characters may be a blank word: by how it begins, and how long it is."""
    data, offsets = parts(text)
    length = np.diff(offsets)
    short = np.flatnonzero((length > 0) & (length <= _LONGEST_WORD))
    out = np.zeros(len(length), dtype=np.bool_)
    if short.size:
        begin = offsets[short]
        out[short] = _WORD_HEADS[data[begin], length[short]]
        three = short[length[short] >= 3]
        begin = offsets[three]
        head = (data[begin].astype(np.int64) << 16) | (data[begin + 1].astype(np.int64) << 8) | data[begin + 2]
        out[three] |= np.isin(head, _HAN_HEADS)
    long = np.flatnonzero(length > _LONGEST_WORD)
    out[long] |= _MARKS[data[offsets[long]]] & _MARKS[data[offsets[long + 1] - 1]]
    return out | empty(text)


def _cleaned(text: pa.LargeStringArray, blank_words: bool) -> pa.LargeStringArray:
    text = changed_where(text, _ODD, _freed)
    text = substituted(text, r"[\s\x00-\x1f\x7f]+", " ")
    text = substituted(pc.utf8_trim_whitespace(text), r"^(?:['’‘`] *)+", "")
    text = pc.utf8_trim_whitespace(text)
    nothing = pc.equal(text, "")
    if blank_words:
        nothing = pc.or_(nothing, pc.match_substring_regex(text, _BLANK_WORDS, ignore_case=True))
    return pc.if_else(nothing, pa.scalar(None, pa.large_string()), text)


def _freed(text: pa.LargeStringArray) -> pa.LargeStringArray:
    return pc.replace_substring_regex(pc.utf8_normalize(text, form="NFKC"), _ZERO_WIDTH, "")


def clean_shown(series: pd.Series[str]) -> pd.Series[str]:
    """Text kept as it is (account names, links), but without control characters and blanks at the ends."""
    text = to_arrow(series)
    return to_series(changed_within(text, odd(text, _SHOWN) | empty(text), _shown), series.index)


def _shown(text: pa.LargeStringArray) -> pa.LargeStringArray:
    text = pc.utf8_trim_whitespace(substituted(text, _CONTROL, " "))
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.large_string()), text)


def clean_code(series: pd.Series[str]) -> pd.Series[str]:
    """A number or code: :func:`clean`, then without any blank and with plain hyphens."""
    text = to_arrow(clean(series))
    return to_series(changed_within(text, odd(text, _NO_CODE), _without_blanks), series.index)


def _without_blanks(text: pa.LargeStringArray) -> pa.LargeStringArray:
    text = substituted(text, r" +", "")
    if not to_bools(pc.string_is_ascii(text)).all():  # an accent finds its letter when the blank between them goes
        text = pc.utf8_normalize(text, form="NFKC")
    return substituted(text, r"[‐‑‒–—−]", "-")


@functools.cache
def _converter() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


@functools.cache
def _traditional() -> npt.NDArray[np.bool_]:
    """By code point, the characters that only traditional writing has: changed by the conversion and, but for 後, not in GB
    2312, whose few others of that sort are no sign of traditional writing."""
    every = [chr(c) for block in ((0x3400, 0x4DC0), (0x4E00, 0xA000)) for c in range(*block)]
    simple = _converter().convert("\n".join(every)).split("\n")
    changed = (c for c, other in zip(every, simple, strict=True) if c != other)
    out = np.zeros(0x10000, dtype=np.bool_)
    out[[ord(c) for c in changed if c == "後" or not c.encode("gb2312", "ignore")]] = True
    return out


def simplify(series: pd.Series[str]) -> pd.Series[str]:
    """Traditional characters as simplified ones, in the values that hold any; what is simplified already stays."""
    text = to_arrow(series)
    found = of_three_bytes(text, _traditional())
    return to_series(changed_within(text, found, _converted), series.index) if found.any() else series


def _converted(text: pa.LargeStringArray) -> pa.LargeStringArray:
    coded = text.dictionary_encode()
    # One call for all values: the line break ends every phrase, so no value can touch its neighbour. Values have none inside.
    source = [v.replace("\n", " ").translate(_AWAY) for v in coded.dictionary.to_pylist()]
    converted = [v.translate(_BACK) for v in _converter().convert("\n".join(source)).split("\n")]
    return pa.array(converted, type=pa.large_string()).take(coded.indices)
