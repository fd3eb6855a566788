"""Who must sign, who has signed, and what the ledger's rows are worth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from worlds import World, firm, masked, person, pledge, row, shop, world
from zp_registry.jobs import review as judging

from zp_registry.home import Home

JAN, FEB, MAR = "2026-01-31", "2026-02-28", "2026-03-31"


def _statuses(county: World) -> dict[str, str]:
    frame = county.accounts()
    return dict(zip(frame["account_id"], frame["pledge_status"], strict=True))


def _data(county: World) -> list[str]:
    return [f["reason"] for f in county.flags("PLEDGE_UNMATCHED") if f["status"] == "open"]


def test_every_status_of_a_pledge(home: Home, tmp_path: Path) -> None:
    """Signed, missing, expired (stated or by default validity), outdated, mismatch, exempt; the best valid pledge counts."""
    spared = firm(8)
    with world(home.root, tmp_path / "files", current_version="2024版", exempt=(spared.uscc,)) as county:
        county.kuaishou(MAR, [row(f"k{n}", person(n)) for n in range(7)] + [row("k7", person(7)), row("k8", spared)])
        other = person(30)
        county.ledger(
            [
                pledge("P0", person(0), "2025-06-01"),
                pledge("P2", person(2), "2025-06-01", 有效期至="2026-03-30"),
                pledge("P3", person(3), "2024-03-30"),  # two years by default: it ended the day before
                pledge("P4", person(4), "2024-03-31"),  # and this one holds to the very day
                pledge("P5", person(5), "2025-06-01", 承诺书版本="2022版"),
                pledge("P6", person(6), "2025-06-01", 主体名称=other.name, **{"经营者/负责人": other.person}),
                pledge("P7", person(7), "2023-01-01"),
                pledge("P7b", person(7), "2025-01-01"),
            ]
        )
        county.night()
        assert _statuses(county) == {
            "k0": "signed",
            "k1": "missing",
            "k2": "expired",
            "k3": "expired",
            "k4": "signed",
            "k5": "outdated",
            "k6": "mismatch",
            "k7": "signed",
            "k8": "exempt",
        }
        open_codes = sorted(f["code"] for f in county.flags() if f["family"] == "PLEDGE" and f["status"] == "open")
        assert open_codes == ["PLEDGE_EXPIRED", "PLEDGE_EXPIRED", "PLEDGE_MISMATCH", "PLEDGE_MISSING", "PLEDGE_OUTDATED"]
        assert all(f["account_id"] is None for f in county.flags() if f["family"] == "PLEDGE"), "one row an entity"


def test_a_persons_pledge_does_not_cover_the_shop_nor_the_reverse(county: World) -> None:
    one, two = person(1), person(2)
    county.kuaishou(MAR, [row("k1", one), row("k1s", shop(1, one)), row("k2", two), row("k2s", shop(2, two))])
    county.ledger(
        [
            pledge("P1", one, "2026-01-01"),
            # A shop's pledge that bears its operator's number is the shop's all the same.
            pledge("P2", shop(2, two), "2026-01-01", **{"统一社会信用代码/身份证号": two.person_id}),
        ]
    )
    county.night()
    assert _statuses(county) == {"k1": "signed", "k1s": "missing", "k2": "missing", "k2s": "signed"}


@pytest.fixture
def three(county: World) -> World:
    county.kuaishou(MAR, [row("k1", firm(1)), row("k2", person(2)), row("k3", shop(3))])
    return county


def test_short_names_and_missing_numbers(three: World) -> None:
    three.ledger(
        [
            pledge(
                "P1",
                firm(1),
                "2026-01-01",
                主体名称=firm(1).name.replace("镇平县", "").replace("有限公司", ""),
                **{"统一社会信用代码/身份证号": None, "经营者/负责人": None},
            ),
            pledge("P2", person(2), "2026-01-01", **{"统一社会信用代码/身份证号": None}),
            pledge("P3", shop(3), "2026-01-01", 联系电话=None, **{"统一社会信用代码/身份证号": None}),
        ]
    )
    three.night()
    assert set(_statuses(three).values()) == {"signed"}
    assert _data(three) == []


def test_a_masked_number_with_its_name(three: World) -> None:
    three.ledger(
        [pledge("P2", person(2), "2026-01-01", 联系电话=None, **{"统一社会信用代码/身份证号": masked(person(2).person_id)})]
    )
    three.night()
    assert _statuses(three)["k2"] == "signed"


def test_a_whole_number_and_reports_that_mask_it(county: World) -> None:
    """The registry never saw the number: name and visible digits tell whose the pledge is, and whose it is not."""
    namesake = replace(person(40), name=person(2).name, person=person(2).person)
    county.weipaitang(JAN, [row("w2", person(2), person_id=masked(person(2).person_id)),
                            row("w3", namesake, person_id=masked(namesake.person_id)), row("w9", person(90))])  # fmt: skip
    county.ledger([pledge("P2", person(2), "2026-01-01", 联系电话=None)])
    county.night()
    assert _statuses(county) == {"w2": "signed", "w3": "missing", "w9": "missing"}


def test_a_pledge_under_the_new_name_of_somebody_renamed(county: World) -> None:
    old = person(2)
    new = replace(old, name=person(22).name, person=person(22).person)
    county.weipaitang(JAN, [row("w2", old), row("w9", person(90))])
    county.weipaitang(FEB, [row("w2", new, person_id=masked(old.person_id)), row("w9", person(90))])
    county.ledger([pledge("P2", new, "2026-02-10")])
    county.night()
    assert _statuses(county)["w2"] == "signed"
    assert county.codes() == set(), "renamed, not sold"


@pytest.mark.parametrize("covers", [True, False])
def test_who_is_probably_the_signer_is_not_pursued_until_review_has_decided(home: Home, tmp_path: Path, covers: bool) -> None:
    one = person(2)
    other = replace(person(60), name=one.name, person=one.person, person_id=one.person_id)  # elsewhere, another phone and card
    with world(home.root, tmp_path / "files", alike_covers=covers) as county:
        county.weipaitang(JAN, [row("w2", one, person_id=masked(one.person_id)), row("w9", person(90))])
        county.kuaishou(JAN, [row("k2", other, person_id=masked(one.person_id)), row("k9", person(90))])
        county.ledger([pledge("P2", one, "2026-01-01")])
        county.night()
        doubts = county.sql("SELECT left_id, right_id FROM edge WHERE judgement = 'unsure' AND deleted_at IS NULL")
        assert county.holder("w2") != county.holder("k2")
        assert len(doubts) == 1, "they wait in review"
        assert (_statuses(county)["w2"], _statuses(county)["k2"]) == ("signed", "signed" if covers else "missing")
        judging.part(county.office, county.holder("w2"), county.holder("k2"), "不是同一人")
        assert _statuses(county)["k2"] == "missing"


def test_a_row_that_fits_nobody_is_told_and_nobody_is_covered(three: World) -> None:
    stranger = replace(person(40), name=person(2).name, person=person(2).person)  # a namesake with a number of his own
    three.ledger([pledge("P9", person(9), "2026-01-01"), pledge("P10", stranger, "2026-01-01")])
    three.night()
    assert set(_statuses(three).values()) == {"missing"}
    assert len(_data(three)) == 2
    three.kuaishou("2026-04-30", [row("k1", firm(1)), row("k2", person(2)), row("k3", shop(3)), row("k9", person(9))])
    three.night()
    assert _statuses(three)["k9"] == "signed", "the row waited for its entity"
    assert len(_data(three)) == 1


def test_a_corrected_ledger_row_takes_the_formers_place(three: World) -> None:
    wrong = pledge("P2", person(9), "2026-01-01")
    three.ledger([wrong, pledge("P3", shop(3), "2026-01-01")])
    three.night()
    assert _statuses(three) == {"k1": "missing", "k2": "missing", "k3": "signed"}
    right = pledge("P2", person(2), "2026-01-01")
    done = three.ledger([right, pledge("P3", shop(3), "2026-01-01")])
    assert (done.counts.loaded, done.counts.unchanged) == (1, 1)
    three.night()
    assert _statuses(three) == {"k1": "missing", "k2": "signed", "k3": "signed"}
    assert _data(three) == []


def test_two_rows_of_one_file_with_one_number_are_two_pledges(three: World) -> None:
    three.ledger([pledge("P1", firm(1), "2026-01-01"), pledge("P1", person(2), "2026-01-01")])
    three.night()
    assert _statuses(three) == {"k1": "signed", "k2": "signed", "k3": "missing"}


def test_the_new_holder_must_sign_himself(county: World) -> None:
    county.kuaishou(JAN, [row("k1", person(1))])
    county.ledger([pledge("P1", person(1), "2025-12-01")])
    county.night()
    assert _statuses(county) == {"k1": "signed"}
    county.kuaishou(FEB, [row("k1", person(2))])
    county.night()
    assert _statuses(county) == {"k1": "missing"}


def test_nobody_with_closed_accounts_alone_is_asked(county: World) -> None:
    county.kuaishou(JAN, [row("k1", person(1)), row("k2", person(2))])
    county.kuaishou(FEB, [row("k1", person(1), status="closed"), row("k2", person(2), status="suspended")])
    county.night()
    who = {f["entity_id"] for f in county.flags("PLEDGE_MISSING") if f["status"] == "open"}
    assert who == {county.holder("k2")}


def test_a_pledge_flag_resolves_when_the_pledge_comes_and_opens_again_when_it_ends(county: World) -> None:
    county.kuaishou(JAN, [row("k1", person(1))])
    county.night()
    (first,) = county.flags("PLEDGE_MISSING")
    county.ledger([pledge("P1", person(1), "2026-02-10", 有效期至="2026-03-15")])
    county.kuaishou(FEB, [row("k1", person(1))])
    county.night()
    (flag,) = county.flags("PLEDGE_MISSING")
    assert (flag["flag_id"], flag["status"], flag["first_seen"], flag["last_seen"]) == (first["flag_id"], "resolved", JAN, JAN)
    county.kuaishou(MAR, [row("k1", person(1))])
    county.night()
    (expired,) = county.flags("PLEDGE_EXPIRED")
    assert (expired["status"], expired["first_seen"]) == ("open", MAR)
    county.kuaishou("2026-04-30", [row("k1", person(1))])
    county.night()
    (later,) = county.flags("PLEDGE_EXPIRED")
    assert (later["flag_id"], later["first_seen"], later["last_seen"]) == (expired["flag_id"], MAR, "2026-04-30")
