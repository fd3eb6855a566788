from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from normalise_cases import text

from zp_registry.normalise.columns import Faults
from zp_registry.normalise.phones import check_phones
from zp_registry.normalise.text import clean

MOBILES = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
SPELLINGS = (
    "{0}",
    "+86{0}",
    "+86 {0}",
    "86-{0}",
    "0086{0}",
    "{1} {2} {3}",
    "{1}-{2}-{3}",
    "+86 {1} {2} {3}",
    "手机：{0}",
    "{0}.0",
    " {0}\n",
    "({0})",
    "{0}（同微信）",
    "张三{0}",
)


def read(*cells: str | None) -> tuple[pd.Series, pd.Series, pd.Series, list[str]]:
    column = clean(text(*cells))
    faults = Faults(column.index)
    out = check_phones(column, faults, "contact_phone")
    return out.first, out.all, out.mask, [c for p in faults._parts for c in p["code"]]


@given(MOBILES)
def test_a_mobile_is_one_number_in_every_spelling(number: str) -> None:
    cells = [s.format(number, number[:3], number[3:7], number[7:]) for s in SPELLINGS]
    wide = "".join(chr(ord(c) + 0xFEE0) for c in number)
    first, every, _, told = read(*cells, wide)
    assert first.tolist() == every.tolist() == [number] * (len(cells) + 1)
    assert told == []


@given(st.from_regex(r"0(10|2[0-9]|[3-9][0-9]{2})", fullmatch=True), st.from_regex(r"[0-9]{7,8}", fullmatch=True))
def test_a_landline_is_judged_alike_in_every_spelling(area: str, number: str) -> None:
    cells = [s.format(area, number) for s in ("{0}-{1}", "{0}{1}", "{0} {1}", "({0}){1}")]
    _, every, _, _ = read(*cells)
    assert len(set(every.fillna(""))) == 1
    assert every.iloc[0] in (f"{area}-{number}", np.nan)


@given(st.lists(MOBILES, min_size=2, max_size=4, unique=True), st.sampled_from(["/", "、", ",", "；", "或", "和", ";", " "]))
def test_several_numbers_of_a_cell_are_all_kept_in_order(numbers: list[str], between: str) -> None:
    first, every, _, _ = read(between.join(numbers))
    assert every.tolist() == [";".join(numbers)]
    assert first.tolist() == [numbers[0]]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("0377-61234567", "0377-61234567"),
        ("(0377)61234567", "0377-61234567"),
        ("037761234567", "0377-61234567"),
        ("0377 6123 4567", "0377-61234567"),
        ("+86 377 61234567", "0377-61234567"),
        ("86-0377-61234567", "0377-61234567"),
        ("0377-61234567-801", "0377-61234567-801"),
        ("0377-61234567转801", "0377-61234567-801"),
        ("010-88888888", "010-88888888"),
        ("０３７７－６１２３４５６７", "0377-61234567"),
        ("400-123-4567", "4001234567"),
        ("4001234567", "4001234567"),
        ("+852 9123 4567", "+85291234567"),
        ("0377-61234567/13812345678", "13812345678;0377-61234567"),
        ("13812345678 0377-61234567", "13812345678;0377-61234567"),
        ("电话13812345678 微信wx1", "13812345678"),
        ("13812345678、13812345678", "13812345678"),
    ],
)
def test_landlines_and_mixtures(cell: str, expected: str) -> None:
    assert read(cell)[1].tolist() == [expected]


@pytest.mark.parametrize("cell", ["61234567", "1381234567", "12345678901", "138123456789", "微信同号", "0"])
def test_what_is_no_number_is_told(cell: str) -> None:
    first, _, mask, told = read(cell)
    assert first.isna().all()
    assert mask.isna().all()
    assert told == ["PHONE_INVALID"]


def test_one_good_number_makes_the_cell_good() -> None:
    first, every, _, told = read("123/13812345678")
    assert (first.iloc[0], every.iloc[0], told) == ("13812345678", "13812345678", [])


@pytest.mark.parametrize(
    ("cell", "mask"),
    [
        ("138****1234", "138****1234"),
        ("138***1234", "138****1234"),
        ("138xxxx1234", "138****1234"),
        ("138＊＊＊＊1234", "138****1234"),
        ("+86 138 **** 1234", "138****1234"),
        ("0377-6123****", "0377-6123****"),
    ],
)
def test_masked_numbers(cell: str, mask: str) -> None:
    first, _, found, told = read(cell)
    assert first.isna().all()
    assert found.tolist() == [mask]
    assert told == ["PHONE_MASKED"]


def test_a_masked_number_beside_a_whole_one() -> None:
    first, _, mask, told = read("13812345678、139****0000")
    assert (first.iloc[0], mask.iloc[0], told) == ("13812345678", "139****0000", ["PHONE_MASKED"])


@given(st.lists(st.one_of(st.none(), st.text(alphabet="0123456789-+ ()/、转*x电话", max_size=25)), min_size=1, max_size=20))
def test_reading_again_changes_nothing(cells: list[str | None]) -> None:
    _, every, _, _ = read(*cells)
    pd.testing.assert_series_equal(read(*every.where(every.notna(), None))[1], every)
