from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from normalise_cases import text

from zp_registry.normalise.names import _FORMS, business_key, business_keys, kinds_by_name, person_key, person_keys
from zp_registry.normalise.text import clean, clean_code, clean_shown, simplify

WORDS = "玉缘有限责任公司股份农民专业合作社联合个体工商户（）()[] .-aB1镇平县"


@pytest.mark.parametrize(
    "names",
    [
        (
            "镇平县石佛寺镇张三玉器店",
            "镇平县石佛寺镇张三玉器店（个体工商户）",
            "镇平县石佛寺镇张三玉器店(个体户)",
            "鎮平縣石佛寺鎮張三玉器店",
        ),
        ("河南玉缘珠宝有限公司", "河南玉缘珠宝有限责任公司", "河南 玉缘珠宝有限公司", "河南玉缘珠宝有限公司。"),
        ("河南（镇平）玉器有限公司", "河南(镇平)玉器有限公司", "河南【镇平】玉器有限公司"),
        ("翠玉农民专业合作社", "翠玉专业合作社"),
        ("ABC玉器店", "ａｂｃ玉器店", "a-b-c 玉器店"),
    ],
)
def test_one_business_in_several_spellings_has_one_key(names: tuple[str, ...]) -> None:
    assert business_keys(simplify(clean(text(*names)))).nunique() == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("河南省玉缘有限公司", "镇平县玉缘有限公司"),
        ("玉缘有限公司", "玉缘股份有限公司"),
        ("玉缘一店", "玉缘二店"),
    ],
)
def test_different_businesses_stay_apart(one: str, other: str) -> None:
    assert business_keys(text(one, other)).nunique() == 2


def test_persons() -> None:
    keys = person_keys(clean(text("阿不都·热合曼", "阿不都•热合曼", "阿不都 热合曼", "阿不都热合曼", "阿不都・热合曼")))
    assert keys.unique().tolist() == ["阿不都热合曼"]
    assert person_keys(text("张三（经营者）", "张 三")).tolist() == ["张三", "张三"]


@pytest.mark.parametrize("name", ["张*", "张**", "*三", "李某", "李某某", "×××", "张••", "王●"])
def test_part_of_a_name_is_no_key(name: str) -> None:
    assert person_keys(text(name)).isna().all()
    assert business_keys(text(name)).isna().all()


@given(st.lists(st.text(alphabet=WORDS, max_size=20), min_size=1, max_size=20))
def test_keys_of_keys_are_themselves(names: list[str]) -> None:
    for keys in (business_keys, person_keys):
        once = keys(simplify(clean(text(*names))))
        pd.testing.assert_series_equal(keys(once), once)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("河南玉缘珠宝有限公司", "enterprise"),
        ("镇平县翠玉农民专业合作社", "cooperative"),
        ("石佛寺镇张三玉器店", "sole_proprietor"),
        ("玉缘珠宝商行", "sole_proprietor"),
        ("玉缘经营部", "sole_proprietor"),
        ("玉缘工作室", "sole_proprietor"),
        ("镇平玉雕厂", "sole_proprietor"),
        ("玉器店(个体工商户)", "sole_proprietor"),
        ("张三", "natural_person"),
        ("欧阳梓轩", "natural_person"),
        ("张子轩", "natural_person"),
        ("阿不都·热合曼", "natural_person"),
        ("石玉商行", "sole_proprietor"),
        ("John Smith", None),
    ],
)
def test_kinds_that_names_suggest(name: str, kind: str | None) -> None:
    found = kinds_by_name(text(name)).iloc[0]
    assert (found if isinstance(found, str) else None) == kind


@pytest.mark.parametrize(
    "nothing", ["", " ", "无", "無", "-", "/", "N/A", "n/a", "null", "—", "　", "\u200b", "'", "暂无", "None", "#N/A", "\n"]
)
def test_words_for_nothing_are_nothing(nothing: str) -> None:
    assert clean(text(nothing)).isna().all()


def test_dirt_is_removed() -> None:
    assert clean(text("'１２３ ＡＢ", "张\u200b三", "a\xa0b", "第一行\r\n第二行\t三", "　李　四　")).tolist() == [
        "123 AB",
        "张三",
        "a b",
        "第一行 第二行 三",
        "李 四",
    ]
    assert clean_code(text(" 4113 24\u3000１９ ", "a—b")).tolist() == ["41132419", "a-b"]
    assert simplify(text("鎮平縣國際玉城", "plain", None)).fillna("").tolist() == ["镇平县国际玉城", "plain", ""]


def test_simplified_writing_is_left_alone() -> None:
    column = text("张乾", "張乾", "吉林省乾安县", "显著", "於三", "後街")
    assert simplify(column).tolist() == ["张乾", "张乾", "吉林省乾安县", "显著", "於三", "后街"]


def test_account_names_keep_their_face() -> None:
    assert clean_shown(text("玉石👩‍🦰ＸＸ 鎮平\n直播", "无")).tolist() == ["玉石👩‍🦰ＸＸ 鎮平 直播", "无"]


@given(st.lists(st.one_of(st.none(), st.text(max_size=15)), max_size=20))
def test_cleaning_twice_is_cleaning_once(values: list[str | None]) -> None:
    for step in (clean, clean_code, clean_shown):
        once = step(text(*values))
        pd.testing.assert_series_equal(step(once), once)


_PIECES = st.sampled_from(["张", "镇平县", "玉器", *(old for old, _ in _FORMS), "股份有限公司", "个体工商户", *"(）aB7· "])


@given(st.lists(st.lists(_PIECES, max_size=5).map("".join), max_size=5))
def test_a_column_of_names_is_keyed_as_each_of_them(names: list[str]) -> None:
    for keys, one in ((business_keys, business_key), (person_keys, person_key)):
        told = [None if pd.isna(k) else k for k in keys(text(*names))]
        assert told == [one(n) for n in names]
