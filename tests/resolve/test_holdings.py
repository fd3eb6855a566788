"""Who held which account when: absence, its look-alikes, stated periods, and what a late file does to former belief."""

from __future__ import annotations

from typing import Any

import pytest
from worlds import World, name, person, row, shop, taobao, weipaitang

JAN, FEB, MAR, APR = "2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"
NOBODY: dict[str, Any] = {"name": None, "person": None, "person_id": None, "streamers": []}


def _open_data(county: World, code: str) -> set[str]:
    return {str(f["account_id"]) for f in county.flags(code) if f["status"] == "open"}


def test_absence_from_a_full_report_ends_a_holding_and_return_begins_another(county: World) -> None:
    rows = [row("k1", person(1)), row("k2", person(2))]
    county.kuaishou(JAN, rows)
    county.kuaishou(FEB, rows[:1])
    county.kuaishou(MAR, rows)
    county.night()
    assert county.holdings("k1") == [(name(1), JAN, None)]
    assert county.holdings("k2") == [(name(2), JAN, FEB), (name(2), MAR, None)]


def test_silence_in_a_delta_report_ends_nothing(county: World) -> None:
    county.wechat(JAN, [row("c1", person(1)), row("c2", person(2))])
    county.wechat(FEB, [row("c1", person(1), phone=person(9).phone, info="变更")])
    county.night()
    assert county.holdings("c2") == [(name(2), JAN, None)]


def test_a_full_report_loaded_as_delta_ends_nothing(county: World) -> None:
    county.kuaishou(JAN, [row("k1", person(1)), row("k2", person(2))])
    from worlds import kuaishou

    county.load(kuaishou(county.file("kuaishou_20260228.csv"), [row("k1", person(1))]), scope="delta")
    county.night()
    assert county.holdings("k2") == [(name(2), JAN, None)]


def test_an_account_of_another_platform_is_no_absence(county: World) -> None:
    county.kuaishou(JAN, [row("a1", person(1))])
    county.weipaitang(FEB, [row("a2", person(2))])
    county.night()
    assert county.holdings("a1") == [(name(1), JAN, None)]


def test_a_rejected_row_is_no_absence(county: World) -> None:
    county.kuaishou(JAN, [row("k1", person(1)), row("k2", person(2)), row("k3", person(3))])
    outcome = county.kuaishou(FEB, [row("k1", person(1)), row("k2", person(2), **NOBODY)])
    assert outcome.counts.rejected == 1
    county.night()
    assert county.holdings("k2") == [(name(2), JAN, None)]
    assert county.holdings("k3") == [(name(3), JAN, FEB)], "the others' absence is believed"


def test_a_row_without_readable_id_shields_by_its_shown_name(county: World) -> None:
    county.kuaishou(JAN, [row("k1", person(1)), row("k2", person(2)), row("k3", person(3))])
    county.kuaishou(FEB, [row("k1", person(1)), row("", person(2), account_name="昵称k2")])
    county.night()
    assert county.holdings("k2") == [(name(2), JAN, None)]
    assert county.holdings("k3") == [(name(3), JAN, FEB)]


def test_without_a_name_either_the_report_proves_no_absence(county: World) -> None:
    county.kuaishou(JAN, [row("k1", person(1)), row("k2", person(2)), row("k3", person(3))])
    county.kuaishou(FEB, [row("k1", person(1)), row("", person(2), account_name="")])
    county.night()
    assert county.holdings("k2") == [(name(2), JAN, None)]
    assert county.holdings("k3") == [(name(3), JAN, None)]
    county.kuaishou(MAR, [row("k1", person(1))])
    county.night()
    assert county.holdings("k3") == [(name(3), JAN, MAR)], "the next whole report does"


def test_a_refused_file_ends_nothing(county: World) -> None:
    everyone = [row(f"k{n}", person(n)) for n in range(40)]
    county.kuaishou(JAN, everyone)
    from worlds import kuaishou

    cut = county.try_load(kuaishou(county.file("kuaishou_20260228.csv"), everyone[:10]))
    assert (cut.state, cut.code) == ("refused", "ROWS_DROPPED")
    county.night()
    assert {county.holdings(f"k{n}")[0][2] for n in range(40)} == {None}


def test_a_voided_row_ends_the_holding(county: World) -> None:
    county.wechat(JAN, [row("c1", person(1)), row("c2", person(2))])
    county.wechat(FEB, [row("c1", person(1), info="作废")])
    county.night()
    assert county.holdings("c1") == [(name(1), JAN, FEB)]
    assert county.holdings("c2") == [(name(2), JAN, None)]


def test_voiding_the_former_and_listing_the_new_is_a_change_without_gap(county: World) -> None:
    county.wechat(JAN, [row("c1", person(1))])
    county.wechat(FEB, [row("c1", person(1), info="作废"), row("c1", person(2), info="新增")])
    county.night()
    assert county.holdings("c1") == [(name(1), JAN, FEB), (name(2), FEB, None)]


def test_a_stated_end_of_operation_ends_the_holding(county: World) -> None:
    county.wechat(JAN, [row("c1", person(1), held_from="2025-01-01")])
    county.wechat(FEB, [row("c1", person(1), held_from="2025-01-01", held_to="2026-02-10", info="变更")])
    county.night()
    assert county.holdings("c1") == [(name(1), JAN, FEB)]


@pytest.mark.parametrize("turn", [1, -1])
def test_stated_periods_choose_the_holder(county: World, turn: int) -> None:
    """Old and new operator of one account in one file, in either order of rows."""
    two = [
        row("c1", person(1), held_from="2025-01-01", held_to="2026-01-15", info="变更"),
        row("c1", person(2), held_from="2026-01-16", info="新增"),
    ]
    county.wechat(JAN, two[::turn])
    county.night()
    assert county.holdings("c1") == [(name(2), JAN, None)]
    assert _open_data(county, "HOLDERS_SEVERAL") == set()


def test_of_two_stated_periods_that_cover_the_date_the_latest_start_counts(county: World) -> None:
    county.wechat(JAN, [row("c1", person(2), held_from="2026-01-16"), row("c1", person(1), held_from="2025-01-01")])
    county.night()
    assert county.holdings("c1") == [(name(2), JAN, None)]


def test_two_holders_without_periods_leave_the_former_and_a_flag(county: World) -> None:
    county.kuaishou(JAN, [row("k1", person(2))])
    county.kuaishou(FEB, [row("k1", person(1)), row("k1", person(2)), row("k1", person(3))])
    county.night()
    assert county.holdings("k1") == [(name(2), JAN, None)]
    assert _open_data(county, "HOLDERS_SEVERAL") == {"k1"}
    assert county.codes() == {("k1", "TWO_SUBJECTS")}, "nothing is said of a change of holder"
    county.kuaishou(MAR, [row("k1", person(3))])
    county.night()
    assert county.holdings("k1") == [(name(2), JAN, MAR), (name(3), MAR, None)]
    assert _open_data(county, "HOLDERS_SEVERAL") == set()
    assert ("k1", "HOLDER_CHANGED") in county.codes()


def test_an_account_moves_between_taobaos_two_lists_without_gap(county: World) -> None:
    who = person(1)
    rest = [row("t8", person(8)), row("t9", shop(9))]
    county.load(taobao(county.file("taobao_20260131.xlsx"), [row("t1", who), *rest]))
    county.load(taobao(county.file("taobao_20260228.xlsx"), [row("t1", shop(1, who)), *rest]))
    county.night()
    assert county.holdings("t1") == [(name(1), JAN, FEB), (shop(1).name, FEB, None)]
    county.load(taobao(county.file("taobao_20260331.xlsx"), [row("t1", shop(1, who)), *rest], lists="A"))
    county.load(taobao(county.file("taobao_20260430.xlsx"), rest, lists="A"))
    county.night()
    assert county.holdings("t1")[-1] == (shop(1).name, FEB, APR), "gone from the list on which it stood last"
    assert county.holdings("t8") == [(name(8), JAN, None)], "one list says nothing about the other"


# -- two times: when it was so, and when it was known


def test_a_late_file_corrects_history_and_the_former_belief_stays_on_record(county: World) -> None:
    county.kuaishou(JAN, [row("k1", person(1))])
    county.kuaishou(MAR, [row("k1", person(2))])
    county.night()
    assert county.holdings("k1") == [(name(1), JAN, MAR), (name(2), MAR, None)]
    county.kuaishou(FEB, [row("k1", person(2), account_name="二月")])
    county.night()
    assert county.holdings("k1") == [(name(1), JAN, FEB), (name(2), FEB, None)]
    rows = county.knowledge(all_versions=True).holdings
    closed = rows[rows["recorded_to"].notna()]
    assert sorted(zip(closed["valid_from"], closed["valid_to"].fillna(""), strict=True)) == [(JAN, MAR), (MAR, "")]
    live = rows[rows["recorded_to"].isna()]
    assert len(live) == 2
    assert live["recorded_from"].min() >= closed["recorded_to"].max()
    assert (closed["recorded_from"] < closed["recorded_to"]).all()


def test_a_superseding_file_takes_a_holding_back(county: World) -> None:
    county.kuaishou(JAN, [row("k1", person(1)), row("k2", person(2))])
    county.night()
    county.kuaishou(JAN, [row("k1", person(1))])
    county.night()
    assert county.holdings("k2") == []
    rows = county.knowledge(all_versions=True).holdings
    gone = rows[rows["account_id"] == "k2"]
    assert len(gone) == 1
    assert gone["recorded_to"].notna().all()
    assert county.accounts()["account_id"].tolist() == ["k1"]


def test_nothing_new_writes_nothing(county: World) -> None:
    county.kuaishou(JAN, [row("k1", person(1)), row("k2", shop(2))])
    assert county.night()["changed"]
    assert county.night() == {"changed": False}
    county.load(weipaitang(county.file("weipaitang_20260131.jsonl"), [row("w1", person(5))], JAN))
    counts = county.night()
    assert counts["holding"] == {"added": 1, "closed": 0}
    assert counts["entity"] == {"added": 1, "changed": 0, "removed": 0}
