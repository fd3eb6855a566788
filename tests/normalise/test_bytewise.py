"""What is found in a column's bytes must be all that there is to find: a value that is passed over stays as it was typed."""

from __future__ import annotations

import datetime as dt
import re

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric

from zp_registry import bytewise
from zp_registry.mapping import text as mapping_text
from zp_registry.normalise import addresses, names
from zp_registry.normalise.citizen import check_citizens
from zp_registry.normalise.divisions import default_markets, divisions
from zp_registry.normalise.documents import _id_text, id_text
from zp_registry.normalise.masks import _HIDING, is_masked
from zp_registry.normalise.text import _cleaned, _shown, _without_blanks, clean, clean_code, clean_shown
from zp_registry.texts import to_arrow

_ODD = (
    " \t\n\r\x00\x1f\x7f\x85\xa0\xad\u3000\u200b\u2028\ufeff'`’‘*×•※⚹xX._-—/\\,"
    "，、。()（）【】某个责份农联無无没有暂空未填知不详适用"
)
_LETTERS = "aAzZ09五一丁中县龥龿㐀䷿\u4e00\u9fff\ua000가𠀀😀éｄＤ張张店行镇"
_WORDS = st.sampled_from(["null", "N/A", "NaN", "undefined", "#n/a", "未填写", "不适用", "(无)", "normal", "个体工商户",
                          "有限责任公司", "----------", "  "])  # fmt: skip
VALUES = st.lists(st.sampled_from(_ODD + _LETTERS) | st.characters(codec="utf-8") | _WORDS, max_size=8).map("".join)
COLUMNS = st.lists(st.none() | VALUES, max_size=7)


def _arrow(values: list[str | None]) -> pa.LargeStringArray:
    """A piece of a longer array, as slices are."""
    return pa.array(["x無*", *values, "'"], pa.large_string()).slice(1, len(values))


def _series(array: pa.LargeStringArray) -> pd.Series[str]:
    return pd.Series(array.to_pylist(), dtype="str")


def _told(series: pd.Series[str]) -> list[str | None]:
    return [None if pd.isna(v) else v for v in series]


@given(COLUMNS)
def test_every_value_is_cleaned_that_needs_it(values: list[str | None]) -> None:
    text = _arrow(values)
    assert _told(clean(_series(text))) == _cleaned(text, True).to_pylist()
    assert _told(clean_shown(_series(text))) == _shown(text).to_pylist()
    assert _told(clean_code(_series(text))) == _without_blanks(_cleaned(text, True)).to_pylist()
    assert _told(id_text(_series(text))) == _id_text(text).to_pylist()


@given(COLUMNS)
def test_what_was_emptied_keeps_no_bytes(values: list[str | None]) -> None:
    for cleaned in (clean(_series(_arrow(values))), clean_shown(_series(_arrow(values))), clean_code(_series(_arrow(values)))):
        assert (bytewise.lengths(to_arrow(cleaned)) > 0).tolist() == cleaned.notna().tolist()


@given(COLUMNS, st.frozensets(st.sampled_from(["无", "暂无", "n/a", "-", "null", "未填"])))
def test_the_mapping_empties_every_word_for_nothing(values: list[str | None], words: frozenset[str]) -> None:
    text, blank = _arrow(values), words | {""}
    assert mapping_text.clean(text, blank).to_pylist() == mapping_text._trimmed(text, blank).to_pylist()


@given(COLUMNS, st.text(st.sampled_from(_ODD + "无镇"), min_size=1, max_size=4))
def test_characters_are_found(values: list[str | None], wanted: str) -> None:
    text = _arrow(values)
    there = np.array([v is not None and any(c in v for c in wanted) for v in values], dtype=bool)
    found = bytewise.holding(text, wanted)
    assert not (there & ~found).any()
    if all(len(c.encode()) != 2 for c in wanted):
        assert found.tolist() == there.tolist()


@given(COLUMNS)
def test_whatever_hides_something_is_masked(values: list[str | None]) -> None:
    text = _arrow(values)
    every = np.ones(len(text), dtype=bool)
    mail = bytewise.matches_within(text, every, r"^[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+$")
    assert is_masked(_series(text)).tolist() == (bytewise.matches_within(text, every, _HIDING) & ~mail).tolist()


_NAMES = st.sampled_from(["张", "欧阳", "玉器", "店", "厂", "轩", "商行", "超市", "(个体)", "个体工商户", "公司", "合作社",
                          "(普通合伙)", " ", "A", "·", "工作室", ")"])  # fmt: skip


@given(st.lists(st.lists(_NAMES, max_size=5).map("".join), max_size=6))
def test_kinds_are_told_by_all_patterns_though_most_names_are_looked_at_once(values: list[str]) -> None:
    told = _told(names.kinds_by_name(pd.Series(values, dtype="str")))
    whole = names._by_words(pa.array(values, pa.large_string())) if values else []
    assert told == [names._KINDS[k] or None for k in whole]


_PLACES = st.sampled_from(["河南省", "河南", "南阳市", "南阳", "镇平县", "石佛寺镇", "石佛寺", "镇", "玉雕湾", "城郊", "王岗乡",
                           "郭庄回族乡", "回族乡", "涅阳街道", "涅阳",
                           "街道办事处", "中国", "地址:", "内乡县", "a1号", " ", "村", "玉都街道办"])  # fmt: skip


@given(st.lists(st.lists(_PLACES, max_size=7).map("".join), max_size=5))
def test_addresses_of_the_usual_form_are_read_as_any_other(values: list[str]) -> None:
    reader = addresses.Reader(divisions(), default_markets())
    told = addresses.addresses(pd.Series(values, dtype="str"))
    rows = [tuple(None if pd.isna(v) else v for v in row) for row in told.itertuples(index=False)]
    assert rows == [reader.read(v) for v in values]


_NUMBERS = st.from_regex(r"[1-8][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])[0-3][0-9]{4}[0-9X]", fullmatch=True)


@given(st.lists(_NUMBERS | _NUMBERS.map(lambda n: n[:17] + ric.calc_check_digit(n)) | _NUMBERS.map(lambda n: n[:6] + n[8:17])
                | _NUMBERS.map(lambda n: n + "01") | st.text("0123456789X", max_size=20), max_size=8))  # fmt: skip
def test_citizen_numbers_are_told_as_one_by_one(values: list[str]) -> None:
    series, today = pd.Series(values, dtype="str"), pd.Series(["2026-03-31"] * len(values), dtype="str")
    found = check_citizens(series, today)
    numbers = [_citizen(v) for v in values]
    assert _told(found.number) == numbers
    assert _told(found.birth_date) == [None if n is None else f"{n[6:10]}-{n[10:12]}-{n[12:14]}" for n in numbers]
    quick = check_citizens(series, today, values=False)
    assert (quick.valid.tolist(), quick.old.tolist()) == (found.valid.tolist(), found.old.tolist())


def _citizen(value: str) -> str | None:
    if len(value) == 15 and value.isdigit():
        value = value[:6] + "19" + value[6:]
        value += ric.calc_check_digit(value + "0")
    elif len(value) == 20:
        value = value[:18]
    if not re.fullmatch(r"[0-9]{17}[0-9X]", value) or ric.calc_check_digit(value) != value[17]:
        return None
    try:
        born = dt.date(int(value[6:10]), int(value[10:12]), int(value[12:14]))
    except ValueError:
        return None
    return value if dt.date(1880, 1, 1) <= born <= dt.date(2026, 3, 31) else None
