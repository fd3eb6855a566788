from __future__ import annotations

import pandas as pd
import pytest
from normalise_cases import COMPANY, PERSON, SHOP, TODAY, codes, run_pledges, value

from zp_registry.frames import MAPPED_PLEDGE, PLEDGE_NORMALISED
from zp_registry.normalise import normalise_pledges


def row(**given: str | None) -> dict[str, str | None]:
    return {"subject_name": "张三", "signed_on": "2024年3月1日", **given}


WRONG = PERSON[:17] + ("1" if PERSON[-1] != "1" else "2")


@pytest.mark.parametrize(
    ("cell", "uscc", "number", "mask", "told"),
    [
        (SHOP.lower(), SHOP, None, None, set()),
        (COMPANY, COMPANY, None, None, set()),
        (PERSON, None, PERSON, None, set()),
        (PERSON[:6] + PERSON[8:17], None, PERSON, None, {"ID_15"}),
        (WRONG, None, None, None, {"ID_CHECK"}),
        (SHOP[:-1] + ("0" if SHOP[-1] != "0" else "1"), None, None, None, {"USCC_CHECK"}),
        (SHOP.replace("0", "O"), None, None, None, {"USCC_CONFUSABLE"}),
        ("411324********1234", None, None, "411324********1234", {"ID_MASKED"}),
        ("无", None, None, None, set()),
        ("12", None, None, None, {"ID_SHAPE"}),
    ],
)
def test_the_one_number_column_is_parted(
    cell: str, uscc: str | None, number: str | None, mask: str | None, told: set[str]
) -> None:
    out = run_pledges(row(number=cell))
    assert (value(out, "uscc"), value(out, "id_number"), value(out, "id_mask")) == (uscc, number, mask)
    assert value(out, "number") == (uscc or number)
    assert set(codes(out)) - {"USCC_ORG_CHECK"} == told
    assert set(codes(out).values()) <= {"number"}


def test_dates_towns_phones_and_names() -> None:
    out = run_pledges(
        row(
            subject_name="玉缘有限责任公司",
            signer="張三",
            town="石佛寺乡",
            valid_until="长期",
            contact_phone="138 1234 5678/0377-61234567",
        ),
        row(town="某地", signed_on="45352", valid_until="明年"),
    )
    assert tuple(out.frame.columns) == PLEDGE_NORMALISED
    assert (value(out, "signed_on"), value(out, "signed_on", 1), value(out, "valid_until")) == (
        "2024-03-01",
        "2024-03-01",
        None,
    )
    assert (value(out, "town"), value(out, "town", 1)) == ("石佛寺镇", None)
    assert (value(out, "subject_key"), value(out, "signer_key")) == ("玉缘有限公司", "张三")
    assert (value(out, "contact_phone"), value(out, "phones")) == ("13812345678", "13812345678;0377-61234567")
    assert codes(out, 0) == {}
    assert codes(out, 1) == {"VALUE_UNKNOWN": "town", "DATE_INVALID": "valid_until"}


def test_rows_that_cannot_be_kept() -> None:
    out = run_pledges({"signed_on": "2024-3-1", "signer": "张三"}, row(signed_on=None), row(signed_on="某日"))
    assert codes(out, 0) == {"PLEDGE_EMPTY": "subject_name"}
    assert codes(out, 1) == codes(out, 2) == {"SIGNED_ON_MISSING": "signed_on"}


def test_again_changes_nothing() -> None:
    first = run_pledges(row(number=SHOP, town="涅阳"), row(number=WRONG), row(number=PERSON, contact_phone="86-13812345678"))
    again = normalise_pledges(first.frame[list(MAPPED_PLEDGE)], first.faults, today=TODAY)
    pd.testing.assert_frame_equal(again.frame, first.frame)
