"""The rules' file, working days, and further signs from reports, each beside its innocent twin."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import World, card, person, phone, row

from zp_registry.errors import UsageError
from zp_registry.flags.rulebook import load_rulebook, packaged
from zp_registry.workdays import is_workday, workdays_after

A, B, C, D = person(1), person(2), person(3), person(4)


def test_every_rule_has_its_ground_and_a_suspicion_its_innocent_causes() -> None:
    for code, rule in packaged().rules.items():
        assert rule.ground, code
        assert rule.innocent or rule.family != "TRANSFER", code


def test_the_home_changes_a_rule_and_its_version_alone(tmp_path: Path) -> None:
    (tmp_path / "flag-rules.yaml").write_text("规则:\n  TIP: {分值: 0.6}\n", "utf-8")
    own = load_rulebook(tmp_path)
    assert own.weight("TIP") == 0.6
    assert own.rules["TIP"].ground == packaged().rules["TIP"].ground
    assert own.rule_version("TIP") != packaged().rule_version("TIP")
    assert own.rule_version("SHARED_PHONE") == packaged().rule_version("SHARED_PHONE")
    assert own.hash() != packaged().hash()


@pytest.mark.parametrize(
    "text", ["规则:\n  NOSUCH: {分值: 1}\n", "规则:\n  TIP: {分值: 7}\n", "规则:\n  TIP: {分直: 1}\n", "规则: [", "x"]
)
def test_a_slip_in_the_homes_rules_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "flag-rules.yaml").write_text(text, "utf-8")
    with pytest.raises(UsageError, match=r"flag-rules\.yaml"):
        load_rulebook(tmp_path)


def test_working_days_know_exchanged_weekends_and_holidays() -> None:
    # National Day 2024: 1 to 7 October free, Saturday the 12th and Sunday 29 September worked.
    assert workdays_after("2024-09-28", 1) == ("2024-09-29", False)
    assert workdays_after("2024-09-30", 1) == ("2024-10-08", False)
    assert workdays_after("2024-10-11", 1) == ("2024-10-12", False)


def test_beyond_the_published_years_a_deadline_is_provisional() -> None:
    assert workdays_after("2080-01-05", 10) == ("2080-01-19", True)


@given(st.dates(min_value=dt.date(2010, 1, 1), max_value=dt.date(2090, 1, 1)), st.integers(1, 30))
def test_a_deadline_falls_on_a_working_day_and_grows(day: dt.date, count: int) -> None:
    end, _ = workdays_after(day.isoformat(), count)
    assert is_workday(dt.date.fromisoformat(end))[0]
    assert end > workdays_after(day.isoformat(), count - 1)[0]


def _camera(*people: Any) -> list[tuple[str, str, str]]:
    return [(p.person, p.person_id, "other") for p in people]


def _months(county: World, *rows: list[dict[str, Any]]) -> None:
    for month, content in zip(("2026-01-31", "2026-02-28", "2026-03-31", "2026-06-30"), rows, strict=False):
        county.weipaitang(month, [*content, row("w9", person(90))])


def test_a_dormant_account_that_comes_back_under_others(county: World) -> None:
    others = {"phone": B.phone, "payee_name": B.name, "payee": B.card}
    _months(
        county, [row("w1", A), row("w2", C)], [], [], [row("w1", A, **others), row("w2", C, phone=phone(70), payee=card(71))]
    )
    county.night()
    assert ("w1", "DORMANT_RETURNED") in county.codes()
    assert ("w2", "DORMANT_RETURNED") not in county.codes(), "its own new card and number after the season"


def test_an_account_away_for_a_month_is_not_dormant(county: World) -> None:
    _months(county, [row("w1", A)], [], [row("w1", B)])
    county.night()
    assert ("w1", "DORMANT_RETURNED") not in county.codes()


def test_many_hands_before_one_camera_and_a_couple(county: World) -> None:
    couple = row("w2", D, streamers=_camera(B, C))
    _months(
        county,
        [row("w1", A, streamers=_camera(B)), couple],
        [row("w1", A, streamers=_camera(C)), couple],
        [row("w1", A, streamers=_camera(D)), couple],
    )
    county.night()
    hands = {a for a, c in county.codes() if c == "SEVERAL_HANDS"}
    assert hands == {"w1"}


def test_signed_streamers_in_turn_are_no_lead(county: World) -> None:
    _months(county, *([row("w1", A, streamers=[(p.person, p.person_id, "signed")])] for p in (B, C, D)))
    county.night()
    assert county.codes() == set()


def test_ten_accounts_of_one_person_and_nine(county: World) -> None:
    _months(county, [row(f"w1{n}", A) for n in range(10)] + [row(f"w2{n}", B) for n in range(9)])
    county.night()
    assert {a for a, c in county.codes() if c == "MANY_ACCOUNTS"} == {f"w1{n}" for n in range(10)}


def test_two_subjects_in_one_report_and_a_change_with_its_dates(county: World) -> None:
    county.wechat("2026-01-31", [row("x1", A), row("x2", C), row("x9", person(90))])
    stated = [row("x2", C, held_to="2026-02-10"), row("x2", D, held_from="2026-02-11")]
    county.wechat("2026-02-28", [row("x1", A), row("x1", B), *stated, row("x9", person(90))])
    county.night()
    assert {a for a, c in county.codes() if c == "TWO_SUBJECTS"} == {"x1"}


def test_somebody_who_fits_two_namesakes_and_somebody_who_fits_one(county: World) -> None:
    one, two = person(1), replace(person(41), name=person(1).name, person=person(1).person)
    unnumbered: dict[str, Any] = {"person_id": None, "payee": None, "payee_name": None, "streamers": []}
    both = row("w3", one, address=two.address) | unnumbered  # the phone of one, the home of the other
    mine = row("w5", C) | unnumbered
    county.weipaitang("2026-01-31", [row("w1", one), row("w2", two), row("w4", C), row("w9", person(90))])
    county.weipaitang("2026-02-28", [row("w1", one), row("w2", two), both, row("w4", C), mine, row("w9", person(90))])
    county.night()
    assert [f["account_id"] for f in county.flags("ENTITY_UNSURE")] == ["w3"]
    assert county.holder("w5") == county.holder("w4")


def test_a_flag_names_its_rule_and_what_speaks_for_it(county: World) -> None:
    home = row("w1", A)
    spouse = {"name": A.name[:1] + "慧兰", "person": A.name[:1] + "慧兰", "person_id": B.person_id}
    _months(county, [home], [home | spouse | {"phone": B.phone, "payee": B.card, "payee_name": A.name[:1] + "慧兰"}])
    county.night()
    rows = county.sql("SELECT rule_version, explained, reason, code FROM flag WHERE code = 'HOLDER_CHANGED'")
    assert rows["rule_version"].tolist() == [packaged().rule_version("HOLDER_CHANGED")]
    assert rows["explained"].tolist() == ["同姓同址"]
    assert "减轻情形：同姓同址" in rows["reason"].iloc[0]
