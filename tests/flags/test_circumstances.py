"""Standing circumstances that are signs: age by the ID number, many unrelated holders at one address; each beside its twin."""

from __future__ import annotations

from dataclasses import replace

import pytest
from worlds import Party, World, citizen, firm, masked, person, row, shop

from zp_registry.registry.birthyears import fill_birth_years

JAN, FEB = "2026-01-31", "2026-02-28"
_WEIGHTS, _CHECK = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), "10X98765432"


def _born(n: int, day: str) -> Party:
    """The n-th person with a date of birth of one's choice."""
    body = "411324" + day.replace("-", "") + f"{300 + n:03d}"
    number = body + _CHECK[sum(int(d) * w for d, w in zip(body, _WEIGHTS, strict=True)) % 11]
    return replace(person(n), person_id=number)


def test_the_very_young_and_the_very_old(county: World) -> None:
    child, youth, old, elder = _born(1, "2012-05-01"), _born(2, "2009-12-31"), _born(3, "1945-01-01"), _born(4, "1951-01-01")
    chief = _born(6, "1940-01-01")
    rows = [row("w1", child), row("w2", youth), row("w3", old), row("w4", elder), row("w5", shop(5, _born(5, "1944-06-01"))),
            row("w6", firm(6, chief)), row("w7", old, person_id=masked(old.person_id)), row("w9", person(90))]  # fmt: skip
    county.weipaitang(JAN, rows)
    county.night()
    assert county.codes() == {(a, "HOLDER_AGE") for a in ("w1", "w3", "w5", "w7")}, "the firm's chief holds no account"
    found = county.flags("HOLDER_AGE")
    assert {f["level"] for f in found} == {"low"}, "many are old and sell jade themselves"
    assert child.person_id not in str(found)
    county.weipaitang(FEB, [row("w1", person(7)), *rows[1:]])
    county.night()
    assert ("w1", "HOLDER_AGE") in county.codes(status="resolved"), "another holds it now"


def test_a_child_grows_up(county: World) -> None:
    child = _born(1, "2010-12-01")
    county.weipaitang("2025-11-30", [row("w1", child), row("w9", person(90))])
    county.night()
    assert county.codes() == {("w1", "HOLDER_AGE")}
    county.weipaitang("2026-12-31", [row("w1", child), row("w9", person(90))])
    county.night()
    assert county.codes() == set()


@pytest.mark.parametrize(
    ("address", "n", "code"),
    [
        ("河南省南阳市镇平县石佛寺镇玉源路88号", 8, "SHARED_ADDRESS"),
        ("河南省南阳市镇平县石佛寺镇玉源路88号", 7, None),
        ("河南省南阳市镇平县石佛寺镇国际玉城", 9, None),
        ("河南省南阳市镇平县石佛寺镇", 9, None),
        ("广东省广州市荔湾区华林街道长寿西路12号", 3, "FAR_ADDRESS"),
        ("广东省广州市荔湾区华林街道长寿西路12号", 2, None),
    ],
)
def test_many_unrelated_people_at_one_address(county: World, address: str, n: int, code: str | None) -> None:
    county.weipaitang(JAN, [row(f"w{i}", person(100 + i), address=address) for i in range(n)])
    county.night()
    assert county.codes() == ({(f"w{i}", code) for i in range(n)} if code else set())
    if code:
        assert {f["level"] for f in county.flags(code)} == {"low"}, "an address alone is never a case"
        assert address[-4:] in county.flags(code)[0]["reason"]


def test_an_agencys_office_is_nothing(county: World) -> None:
    place = {"address": "河南省南阳市镇平县石佛寺镇玉源路88号", "agency": "镇平县星河文化传媒有限公司"}
    county.weipaitang(JAN, [row(f"w{i}", person(100 + i), **place) for i in range(9)])
    county.night()
    assert county.codes() == set()


def test_records_of_before_get_their_year_once(county: World) -> None:
    county.weipaitang(JAN, [row("w1", _born(1, "1940-01-01")), row("w2", person(2)), row("w9", person(90))])
    county.execute("UPDATE record SET birth_year = NULL")
    county.night()
    assert county.codes() == {("w1", "HOLDER_AGE")}
    years = dict(county.sql("SELECT account_ref, birth_year FROM record").itertuples(index=False, name=None))
    assert years["w2"] == citizen(2)[6:10]
    with county.office.engine.begin() as connection:
        assert fill_birth_years(connection, county.office.ring) == 0
