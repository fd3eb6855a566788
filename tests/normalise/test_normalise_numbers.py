from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from normalise_cases import OLD_AREA, PERSON, SHOP, TODAY, citizen, code, text
from stdnum.cn import ric, uscc

from zp_registry.normalise.citizen import check_citizens
from zp_registry.normalise.columns import Faults, blank
from zp_registry.normalise.documents import check_documents, id_text, id_types
from zp_registry.normalise.uscc import ALPHABET, check_usccs

BODIES = st.text(alphabet=ALPHABET, min_size=17, max_size=17)
BIRTHS = st.dates(dt.date(1900, 1, 1), dt.date(2026, 3, 31))
PEOPLE = st.builds(
    lambda area, born, seq: f"{area:06d}{born:%Y%m%d}{seq:03d}", st.integers(110000, 839999), BIRTHS, st.integers(0, 999)
)


@given(st.lists(st.tuples(BODIES, st.sampled_from(ALPHABET)), min_size=1, max_size=30))
def test_credit_codes_agree_with_stdnum_on_whole_columns(cases: list[tuple[str, str]]) -> None:
    column = [body + last for body, last in cases]
    found = check_usccs(text(*column, None))
    expected = [uscc.calc_check_digit(body) == last for body, last in cases]
    assert found.valid.tolist() == [*expected, False]
    assert found.check.tolist() == [*(not e for e in expected), False]
    assert not found.shape.any()
    assert check_usccs(text(*map(code, (b for b, _ in cases)))).valid.all()


@given(st.lists(st.tuples(PEOPLE, st.sampled_from("0123456789X")), min_size=1, max_size=30))
def test_citizen_numbers_agree_with_stdnum_on_whole_columns(cases: list[tuple[str, str]]) -> None:
    column = [body + last for body, last in cases]
    found = check_citizens(text(*column, None), text(*[TODAY] * (len(cases) + 1)))
    expected = [ric.calc_check_digit(number) == number[-1] for number in column]
    assert found.valid.tolist() == [*expected, False]
    assert found.number.dropna().tolist() == [n for n, ok in zip(column, expected, strict=True) if ok]
    born = [
        dt.date(int(b[6:10]), int(b[10:12]), int(b[12:14])).isoformat()
        for (b, _), ok in zip(cases, expected, strict=True)
        if ok
    ]
    assert found.birth_date.dropna().tolist() == born


@given(st.lists(PEOPLE, min_size=1, max_size=10))
def test_a_mistyped_citizen_number_is_no_credit_code_by_chance(bodies: list[str]) -> None:
    passing = [code(body) for body in bodies]
    shaped = [number[-1] in "0123456789X" for number in passing]
    found = check_usccs(text(*passing))
    assert found.check.tolist() == shaped
    assert found.valid.tolist() == [not s for s in shaped], "no citizen's number ends in another letter"
    assert check_usccs(text(code("91411319900101123"))).valid.all(), "a business's code may look like a date"


@given(st.lists(PEOPLE.filter(lambda b: b[6:8] == "19"), min_size=1, max_size=10))
def test_old_numbers_become_new_ones(bodies: list[str]) -> None:
    found = check_citizens(text(*(b[:6] + b[8:] for b in bodies)), text(*[TODAY] * len(bodies)))
    assert found.number.tolist() == [citizen(b) for b in bodies]
    assert found.old.all()


def test_letters_in_doubt_are_told_by_place_and_never_rewritten() -> None:
    doubtful = SHOP.replace("0", "O")
    found = check_usccs(text(doubtful, doubtful[:-1], SHOP[:-1] + "V", "9241132４"))
    assert found.confusable.tolist() == [True, False, False, False]
    assert found.shape.tolist() == [False, True, True, True]
    place = SHOP.index("0") + 1
    assert found.notes == [f"第{place}位"]


def test_the_organisation_part_is_only_a_remark() -> None:
    # A public body's code: its organisation part carries a right check digit of GB 11714; with another one it is still valid.
    right, wrong = "91110000600037341L", code("91110000600037342")
    found = check_usccs(text(right, wrong))
    assert found.valid.all()
    assert found.org.tolist() == [False, True]


def judge(value: str | None, kind: str | None = None, as_of: str = TODAY) -> tuple[str | None, str | None, set[str]]:
    column = id_text(text(value))
    faults = Faults(column.index)
    out = check_documents(column, text(kind), text(as_of), faults, "id_number")
    told = set().union(*(set(p["code"]) for p in faults._parts))
    number, mask = out.number.iloc[0], out.mask.iloc[0]
    return (None if number is np.nan else number), (None if mask is np.nan else mask), told


@pytest.mark.parametrize(
    ("value", "kind", "number", "told"),
    [
        (PERSON, None, PERSON, set()),
        (OLD_AREA, "居民身份证", OLD_AREA, set()),
        (citizen("11010519491231002").lower(), None, "11010519491231002X", set()),
        (citizen("81000019900307101"), "港澳居民居住证", citizen("81000019900307101"), set()),
        (citizen("83000019900307101"), None, citizen("83000019900307101"), set()),
        (PERSON[:6] + PERSON[8:17], None, PERSON, {"ID_15"}),
        (PERSON + "01", None, PERSON, {"TAXPAYER_20"}),
        (PERSON[:17] + "0", None, None, {"ID_CHECK"}),
        (citizen("41132419800230001"), None, None, {"ID_BIRTH_DATE"}),
        (citizen("41132420260401001"), None, None, {"ID_BIRTH_DATE"}),
        (PERSON[:16], None, None, {"ID_SHAPE"}),
        ("12345678", None, None, {"ID_SHAPE"}),
        ("12345678", "台湾居民来往大陆通行证", "12345678", set()),
        ("H12345678", "港澳居民来往内地通行证", "H12345678", set()),
        ("H12345678", None, "H12345678", set()),
        ("H1234", "港澳居民来往内地通行证", None, {"ID_SHAPE"}),
        ("E12345678", "中国护照", "E12345678", set()),
        ("ab123456", "外国护照", "AB123456", set()),
        ("E12345678", "居民身份证", None, {"ID_SHAPE"}),
        ("南字第123456号", "军官证", "南字第123456号", set()),
    ],
)
def test_documents_by_kind(value: str, kind: str | None, number: str | None, told: set[str]) -> None:
    assert judge(value, kind) == (number, None, told)


@pytest.mark.parametrize(
    ("value", "mask"),
    [
        ("411324********1234", "411324********1234"),
        ("411324****1234", "411324********1234"),
        ("411324xxxxxxxx123x", "411324********123X"),
        ("411324••••••••1234", "411324********1234"),
        ("4****************X", "4****************X"),
        ("*", None),
        ("******************", None),
        ("411324＊＊＊＊＊＊＊＊1234", "411324********1234"),
        ("4113**1980****1234", "4113**1980****1234"),
    ],
)
def test_masks_have_one_spelling_and_are_no_numbers(value: str, mask: str | None) -> None:
    from zp_registry.normalise.text import clean_code

    assert judge(clean_code(text(value)).iloc[0]) == (None, mask, {"ID_MASKED"})


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("201|居民身份证", "居民身份证"),
        ("身份证", "居民身份证"),
        ("二代身份证", "居民身份证"),
        ("居民身份证", "居民身份证"),
        ("210|港澳居民来往内地通行证", "港澳居民来往内地通行证"),
        ("回乡证", "港澳居民来往内地通行证"),
        ("台胞证", "台湾居民来往大陆通行证"),
        ("208", "外国护照"),
        ("中国护照", "中国护照"),
        ("237|港澳居民居住证", "港澳居民居住证"),
        ("台湾居民居住证", "台湾居民居住证"),
        ("外国人永久居留身份证", "外国人永久居留身份证"),
        ("营业执照", "营业执照"),
        ("999|某某证", "某某证"),
    ],
)
def test_kinds_of_documents_get_their_names(word: str, name: str) -> None:
    once = id_types(text(word))
    assert once.tolist() == [name]
    assert id_types(once).tolist() == [name]


def test_empty_columns_pass() -> None:
    nothing = text()
    faults = Faults(nothing.index)
    assert len(check_documents(nothing, blank(nothing.index), nothing, faults, "id_number").number) == 0
    assert len(check_usccs(nothing).valid) == 0
