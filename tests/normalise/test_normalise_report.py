from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from normalise_cases import (
    COMPANY,
    COOP,
    OLD_AREA,
    PERSON,
    SCHOOL,
    SHOP,
    TODAY,
    citizen,
    code,
    codes,
    rows,
    run,
    streamers,
    text,
    value,
)

from zp_registry.frames import FAULTS, MAPPED, NORMALISED, STREAMERS, STREAMERS_NORMALISED, empty
from zp_registry.normalise import normalise_frame
from zp_registry.normalise.accounts import account_ids
from zp_registry.quarantine.codes import CODES

WRONG = COMPANY[:-1] + ("0" if COMPANY[-1] != "0" else "1")


def holder(**given: str | None) -> dict[str, str | None]:
    return {"subject_name": "张三", **given}


def test_columns_types_and_index() -> None:
    out = run(holder(), holder(subject_name="李四"))
    assert tuple(out.frame.columns) == NORMALISED
    assert tuple(out.faults.columns) == FAULTS
    assert tuple(out.streamers.columns) == STREAMERS_NORMALISED
    assert out.frame.index.tolist() == [0, 1]
    assert {str(t) for c, t in out.frame.dtypes.items() if c != "row"} == {"str"}


def test_an_empty_report_is_an_empty_frame() -> None:
    out = normalise_frame(rows(), empty(STREAMERS), empty(FAULTS), today=TODAY)
    assert tuple(out.frame.columns) == NORMALISED
    assert len(out.frame) == len(out.faults) == 0


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("10012345", "10012345"),
        ("10012345.0", "10012345"),
        ("１００ １２", "10012"),
        (" a_B-1 ", "a_B-1"),
        ("0012", "0012"),
    ],
)
def test_account_ids(cell: str, number: str) -> None:
    assert account_ids(text(cell)).tolist() == [number]


def test_rows_that_say_nothing() -> None:
    out = run(
        holder(account_id="无"),
        {"account_id": "1"},
        {"account_id": "2", "uscc": WRONG},
        {"account_id": "3", "id_number": "4113******1234"},
        {"account_id": "4", "id_number": "*"},
    )
    assert codes(out, 0) == {"ACCOUNT_ID_MISSING": "account_id"}
    assert codes(out, 1) == {"HOLDER_MISSING": "subject_name"}
    assert set(codes(out, 2)) == {"USCC_CHECK", "HOLDER_MISSING"}
    assert "HOLDER_MISSING" not in codes(out, 3)
    assert set(codes(out, 4)) == {"ID_MASKED", "HOLDER_MISSING"}


def test_a_wrong_number_is_emptied_and_the_holder_stays_by_name() -> None:
    out = run(
        holder(
            subject_name="玉缘公司",
            uscc=WRONG,
            id_number=PERSON[:17] + "?",
            contact_phone="12",
            opened_on="x",
            payee_account="12",
            followers="很多",
        )
    )
    told = codes(out)
    assert told == {
        "USCC_CHECK": "uscc",
        "ID_SHAPE": "id_number",
        "PHONE_INVALID": "contact_phone",
        "DATE_INVALID": "opened_on",
        "PAYEE_ACCOUNT_SHAPE": "payee_account",
        "VALUE_UNKNOWN": "followers",
    }
    for column in told.values():
        assert value(out, column) is None
    assert out.faults.loc[out.faults["field"] == "uscc", "header"].tolist() == ["信用代码"]


@pytest.mark.parametrize(
    ("given", "uscc", "number", "told"),
    [
        # (row, expected uscc, expected number of whoever it belongs to, notes)
        ({"uscc": PERSON, "id_number": SHOP}, SHOP, PERSON, {"USCC_ID_SWAPPED"}),
        ({"uscc": PERSON}, None, PERSON, {"USCC_ID_SWAPPED"}),
        ({"id_number": SHOP}, SHOP, None, {"USCC_ID_SWAPPED"}),
        ({"uscc": PERSON + "01"}, None, PERSON, {"USCC_ID_SWAPPED", "TAXPAYER_20"}),
        ({"uscc": PERSON, "id_number": PERSON}, None, PERSON, set()),
        ({"uscc": SHOP, "id_number": SHOP}, SHOP, None, set()),
        ({"uscc": SHOP, "id_number": PERSON}, SHOP, PERSON, set()),
        ({"uscc": WRONG, "id_number": PERSON}, None, PERSON, {"USCC_CHECK"}),
        ({"uscc": PERSON, "id_number": WRONG}, None, PERSON, {"USCC_ID_SWAPPED", "USCC_CHECK"}),
        ({"uscc": SHOP.lower(), "id_number": PERSON}, SHOP, PERSON, set()),
    ],
)
def test_numbers_in_the_wrong_column(given: dict[str, str], uscc: str | None, number: str | None, told: set[str]) -> None:
    out = run(holder(subject_name="玉缘玉器店" if "S" in told or uscc else "张三", **given))
    got = value(out, "id_number") or value(out, "operator_id_number")
    assert (value(out, "uscc"), got) == (uscc, number)
    assert set(codes(out)) - {"USCC_ORG_CHECK"} == told


def test_a_citizen_number_that_also_passes_for_a_code_is_a_citizen_number() -> None:
    from stdnum.cn import uscc as judge

    both = next(n for n in (citizen(f"41132419800101{i:03d}") for i in range(1000)) if judge.calc_check_digit(n[:17]) == n[17])
    out = run(holder(uscc=both))
    assert (value(out, "uscc"), value(out, "id_number")) == (None, both)
    assert value(run(holder(id_number=both)), "id_number") == both


def test_masked_numbers_are_no_keys() -> None:
    out = run(
        holder(
            id_number="411324****1234",
            contact_phone="138****1234",
            payee_account="6222****1234",
            operator_id_number="4113**********123x",
        )
    )
    for plain, mask, spelled in (
        ("id_number", "id_mask", "411324********1234"),
        ("contact_phone", "phone_mask", "138****1234"),
        ("payee_account", "payee_account_mask", "6222****1234"),
        ("operator_id_number", "operator_id_mask", "4113**********123X"),
    ):
        assert (value(out, plain), value(out, mask)) == (None, spelled)
    assert set(codes(out)) == {"ID_MASKED", "PHONE_MASKED", "PAYEE_MASKED"}


def test_two_x_in_a_row_hide_nothing_of_a_whole_code() -> None:
    whole = "91411324MACUPDXX8M"
    out = run(holder(subject_name="玉缘有限公司", uscc=whole))
    assert (value(out, "uscc"), value(out, "id_mask"), codes(out)) == (whole, None, {})
    out = run(holder(subject_name="玉缘有限公司", uscc="91411324MACUPDXX9M"))
    assert (value(out, "uscc"), value(out, "id_mask")) == (None, "91411324MACUPD**9M"), "not the code's check character"


def test_what_is_visible_of_a_masked_code_is_kept() -> None:
    out = run(holder(subject_name="玉缘有限公司", uscc="914113xxxxxxxx8m35"))
    assert (value(out, "uscc"), value(out, "id_mask"), codes(out)) == (None, "914113********8M35", {"ID_MASKED": "uscc"})


def test_a_masked_citizen_number_in_the_code_column_moves() -> None:
    out = run(holder(uscc="411324********1234"))
    assert (value(out, "uscc"), value(out, "id_mask")) == (None, "411324********1234")


@pytest.mark.parametrize(
    ("given", "kind", "mismatch"),
    [
        ({"uscc": SHOP, "subject_kind": "enterprise"}, "sole_proprietor", True),
        ({"uscc": SHOP, "subject_kind": "sole_proprietor"}, "sole_proprietor", False),
        ({"uscc": COMPANY, "subject_kind": "natural_person"}, "enterprise", True),
        ({"uscc": COOP}, "cooperative", False),
        ({"uscc": SCHOOL}, "enterprise", False),
        ({"uscc": SCHOOL, "subject_kind": "other"}, "other", False),
        ({"id_number": PERSON, "subject_kind": "enterprise"}, "natural_person", True),
        ({"id_number": "411324********1234"}, "natural_person", False),
        ({"id_number": PERSON, "subject_kind": "sole_proprietor", "subject_name": "玉缘玉器店"}, "sole_proprietor", False),
        ({"id_number": PERSON, "subject_kind": "sole_proprietor", "uscc": WRONG}, "sole_proprietor", False),
        ({"subject_name": "玉缘有限公司"}, "enterprise", False),
        ({"subject_name": "张三"}, "natural_person", False),
        ({"subject_name": "张三", "subject_kind": "enterprise"}, "enterprise", False),
    ],
)
def test_kinds(given: dict[str, str], kind: str, mismatch: bool) -> None:
    out = run(holder(**given))
    assert value(out, "subject_kind") == kind
    assert ("KIND_MISMATCH" in codes(out)) == mismatch


@pytest.mark.parametrize("uscc", [SHOP, COMPANY, COOP])
def test_the_id_number_of_a_business_is_its_operators(uscc: str) -> None:
    out = run(holder(subject_name="玉缘玉器店", uscc=uscc, id_number=PERSON, legal_representative="李四"))
    assert (value(out, "id_number"), value(out, "operator_id_number"), value(out, "operator_name")) == (None, PERSON, "李四")
    assert value(out, "birth_date") == "1980-01-01"


def test_an_operator_who_is_named_stays() -> None:
    out = run(
        holder(uscc=SHOP, id_number=PERSON, operator_name="王五", operator_id_number=OLD_AREA, legal_representative="李四")
    )
    assert (value(out, "operator_name"), value(out, "operator_id_number"), value(out, "id_number")) == (
        "王五",
        OLD_AREA,
        PERSON,
    )


def test_a_masked_id_of_a_business_moves_too() -> None:
    out = run(holder(subject_name="玉缘玉器店", uscc=SHOP, id_number="411324********1234"))
    assert (value(out, "id_mask"), value(out, "operator_id_mask")) == (None, "411324********1234")


def test_birth_is_judged_by_the_rows_own_date() -> None:
    young = citizen("41132420260101001")
    out = run(
        holder(id_number=young, as_of="2025-12-31"),
        holder(id_number=young, as_of="2026-01-31"),
        holder(id_number=young, as_of=None),
    )
    assert [("ID_BIRTH_DATE" in codes(out, i)) for i in range(3)] == [True, False, False]


@pytest.mark.parametrize(
    ("cell", "account"),
    [
        ("6222 0212 3456 7890 123", "6222021234567890123"),
        ("138-1234-5678", "13812345678"),
        ("+8613812345678", "13812345678"),
        ("Zhang-San@Example.com", "zhang-san@example.com"),
        ("xx.yy@qq.com", "xx.yy@qq.com"),
        ("wxid_ab12", "wxid_ab12"),
    ],
)
def test_payee_accounts(cell: str, account: str) -> None:
    assert value(run(holder(payee_account=cell)), "payee_account") == account


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("1.2万", "12000"),
        ("12w", "120000"),
        ("1,234", "1234"),
        ("3亿", "300000000"),
        ("5.5K", "5500"),
        ("10000+", "10000"),
        ("1.15万", "11500"),
        ("0", "0"),
        ("88.0", "88"),
    ],
)
def test_followers(cell: str, number: str) -> None:
    assert value(run(holder(followers=cell)), "followers") == number


def test_an_open_end_is_no_wrong_date() -> None:
    out = run(holder(held_from="2024年3月1日", held_to="至今", closed_on="无"))
    assert (value(out, "held_from"), value(out, "held_to"), codes(out)) == ("2024-03-01", None, {})


def test_names_addresses_and_shown_names() -> None:
    out = run(
        holder(
            subject_name=" 張　三 ", business_address="鎮平縣石佛寺鎮國際玉城\n1號", account_name="ＡＢ\n玉", account_url="无"
        )
    )
    assert (value(out, "subject_name"), value(out, "subject_key"), value(out, "business_address")) == (
        "张 三",
        "张三",
        "镇平县石佛寺镇国际玉城 1号",
    )
    assert (value(out, "town"), value(out, "market"), value(out, "account_name"), value(out, "account_url")) == (
        "石佛寺镇",
        "国际玉城",
        "ＡＢ 玉",
        None,
    )


def test_streamers() -> None:
    people = streamers(
        {"idx": 0, "name": "王五", "id_number": PERSON.lower(), "phone": "+86 138 1234 5678", "agency": "玉缘有限责任公司"},
        {"idx": 0, "name": "无", "id_number": "-"},
        {"idx": 1, "id_number": "411324********1234"},
        {"idx": 1, "name": "赵六", "id_number": PERSON[:17] + ("1" if PERSON[-1] != "1" else "2"), "phone": "1"},
    )
    out = run(holder(), holder(), people=people)
    assert out.streamers["idx"].tolist() == [0, 1, 1]
    assert out.streamers["name_key"].fillna("").tolist() == ["王五", "", "赵六"]
    assert out.streamers["id_number"].fillna("").tolist() == [PERSON, "", ""]
    assert out.streamers["id_mask"].fillna("").tolist() == ["", "411324********1234", ""]
    assert out.streamers["phone"].fillna("").tolist() == ["13812345678", "", ""]
    assert out.streamers["agency_key"].fillna("").tolist() == ["玉缘有限公司", "", ""]
    assert codes(out, 1) == {
        "ID_MASKED": "streamer.id_number",
        "ID_CHECK": "streamer.id_number",
        "PHONE_INVALID": "streamer.phone",
    }


def test_a_list_of_persons_needs_persons() -> None:
    people = streamers({"idx": 0, "name": "王五"}, {"idx": 1, "name": "-"})
    out = run({"account_id": None}, {"account_id": None}, people=people, kind="streamer")
    assert codes(out, 0) == {}
    assert codes(out, 1) == {"PERSON_MISSING": "streamer.name"}


def test_earlier_faults_come_first_and_none_comes_twice() -> None:
    earlier = pd.DataFrame([(0, "uscc", "甲", "USCC_CHECK", "先"), (1, "as_of", "", "AS_OF_DIFFERS", "")], columns=list(FAULTS))
    out = normalise_frame(rows(holder(uscc=WRONG), holder()), empty(STREAMERS), earlier, today=TODAY)
    assert out.faults["code"].tolist() == ["USCC_CHECK", "AS_OF_DIFFERS"]
    assert out.faults.loc[0, "note"] == "先"


DIRTY = st.fixed_dictionaries(
    {},
    optional={
        "subject_name": st.sampled_from(["張三", " 玉缘 公司", "玉缘玉器店（个体户）", "无", "欧阳修"]),
        "uscc": st.sampled_from(
            [SHOP, SHOP.lower(), COMPANY, SCHOOL, WRONG, PERSON, "123", SHOP.replace("0", "O"), "91411324********3A"]
        ),
        "id_number": st.sampled_from(
            [PERSON, PERSON.lower(), PERSON + "02", PERSON[:6] + PERSON[8:17], SHOP, "E12345678", "1", "4113****12"]
        ),
        "id_type": st.sampled_from(["201|居民身份证", "护照", "身份证", "营业执照", "港澳通行证"]),
        "operator_id_number": st.sampled_from([OLD_AREA, PERSON, "x"]),
        "legal_representative": st.sampled_from(["李四", "王·五"]),
        "subject_kind": st.sampled_from(["enterprise", "sole_proprietor", "natural_person", "other"]),
        "contact_phone": st.sampled_from(["+86 138 1234 5678", "0377-61234567转8", "1", "4001234567", "138****1234"]),
        "payee_account": st.sampled_from(["6222 0000 1111 2222", "A@B.cn", "?"]),
        "opened_on": st.sampled_from(["2024-3-1", "45352", "x", "2024-03-01T20:00:00Z"]),
        "account_name": st.text(max_size=8),
        "business_address": st.text(alphabet="镇平县石佛寺 玉城1號鎮", max_size=10),
        "followers": st.sampled_from(["1.5万", "7"]),
        "account_id": st.sampled_from(["1.0", " 2 ", "ａ"]),
        "account_url": st.text(max_size=8),
    },
)


@given(st.lists(DIRTY, min_size=1, max_size=8))
def test_normalising_normal_values_changes_nothing_and_every_code_is_published(given: list[dict[str, str]]) -> None:
    first = run(*given)
    again = normalise_frame(first.frame[list(MAPPED)], empty(STREAMERS), first.faults, today=TODAY)
    pd.testing.assert_frame_equal(again.frame[list(MAPPED)], first.frame[list(MAPPED)])
    assert set(first.faults["code"]) <= set(CODES)
    emptied = first.faults[first.faults["code"].map(lambda c: CODES[c].severity) == "empty"]
    assert not any(v in note for v in (PERSON, SHOP, "13812345678") for note in first.faults["note"].fillna(""))
    for idx, field in zip(emptied["idx"], emptied["field"], strict=True):
        if field not in ("uscc", "id_number", "operator_id_number"):  # those can be filled from the other column
            assert pd.isna(first.frame.at[idx, field])


def test_a_code_that_is_right_stays_whatever_its_organisation_part() -> None:
    out = run(
        holder(subject_name="玉缘玉器店", uscc=code("92411324MA40ABCD3")),
        holder(subject_name="玉缘玉器店", uscc=code("92411324MA40ABCD4")),
    )
    assert out.frame["uscc"].notna().all()
    assert any("USCC_ORG_CHECK" in codes(out, i) for i in range(2))
