"""Suspected transfers, each beside the innocent change that looks like it. All cases of one date stand in one world, so that a
rule that confuses them shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from worlds import World, card, citizen, firm, masked, name, person, phone, row, shop

JAN, FEB, MAR = "2026-01-31", "2026-02-28", "2026-03-31"
Story = tuple[list[dict[str, Any]], list[dict[str, Any]], set[str]]
A, B = person(1), person(2)
STAFF = person(3)
MINE = shop(4, A)
FIRM = firm(5)
MARRIED = replace(person(6), phone=A.phone, address=A.address)
AGENCY = "镇平县星河文化传媒有限公司"


def _now(base: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return base | changed


def _cam(*people: tuple[Any, str]) -> list[tuple[str, str, str]]:
    return [(p.person, p.person_id, relation) for p, relation in people]


OWN = row("w1", A)
WRONG = A.person_id[:-1] + ("0" if A.person_id[-1] != "0" else "1")
SLIP = replace(A, name=A.name[:-1] + "丽", person=A.name[:-1] + "丽")
HIDDEN = row("w1", A, person_id=masked(A.person_id))
NEWLY = replace(FIRM, name="镇平县新名珠宝有限公司", person=name(50), person_id=citizen(50), uscc=masked(str(FIRM.uscc)))
OTHER = replace(firm(9), uscc=masked(str(firm(9).uscc)))
RENAMED = replace(A, name=name(21), person=name(21), person_id=masked(A.person_id))  # the 1st and the 21st have one family name
STORIES: dict[str, tuple[dict[str, Any], dict[str, Any], set[str]]] = {
    # another holder
    "sold": (OWN, row("w1", B), {"HOLDER_CHANGED"}),
    "sold to a stranger's shop": (OWN, row("w1", shop(8, person(8))), {"HOLDER_CHANGED"}),
    "own sole proprietorship": (OWN, row("w1", MINE), set()),
    "own sole proprietorship, and back": (row("w1", MINE), OWN, set()),
    "own company": (OWN, row("w1", firm(4, A)), set()),
    "firm renamed": (row("w1", FIRM), row("w1", replace(FIRM, name="镇平县新名珠宝有限公司")), set()),
    "firm renamed under a masked code": (row("w1", FIRM), row("w1", NEWLY, streamers=_cam((STAFF, "employee"))), set()),
    "sold to a firm of a masked code": (row("w1", FIRM), row("w1", replace(OTHER, phone=FIRM.phone)), {"HOLDER_CHANGED"}),
    "new legal representative": (row("w1", FIRM), row("w1", replace(FIRM, person=name(50), person_id=citizen(50)),
                                                     streamers=_cam((FIRM, "employee"))), set()),
    "masking begins": (OWN, _now(OWN, person_id=masked(A.person_id)), set()),
    "masking begins for another": (OWN, row("w1", B, person_id=masked(B.person_id)), {"HOLDER_CHANGED"}),
    "corrected number": (_now(OWN, person_id=WRONG), OWN, set()),
    "corrected to another valid number": (_now(OWN, person_id=citizen(60)), OWN, set()),
    "slips in name and number corrected": (row("w1", SLIP, person_id=WRONG, streamers=[]), OWN | {"streamers": []}, set()),
    "sold to somebody of nearly the same name": (row("w1", replace(SLIP, phone=B.phone), person_id=WRONG, streamers=[]),
                                                 OWN | {"streamers": []}, {"HOLDER_CHANGED"}),
    "renamed under a masked number": (HIDDEN, row("w1", RENAMED, streamers=_cam((RENAMED, "self"))), set()),
    "sold within one family name": (HIDDEN, row("w1", person(21), person_id=masked(citizen(21))), {"HOLDER_CHANGED"}),
    "nickname changed": (OWN, _now(OWN, account_name="新昵称"), set()),
    # the same holder, other hands
    "phone alone": (OWN, _now(OWN, phone=phone(70)), set()),
    "own new card": (OWN, _now(OWN, payee=card(70)), set()),
    "phone and own card": (OWN, _now(OWN, phone=phone(70), payee=card(70)), set()),
    "taken over at once": (OWN, _now(OWN, phone=B.phone, payee_name=B.name, payee=B.card, streamers=_cam((B, "other"))),
                           {"CONTROL_CHANGED", "PAYEE_STRANGER", "STREAMER_STRANGER"}),
    "phone and payee taken over": (OWN, _now(OWN, phone=B.phone, payee_name=B.name, payee=B.card),
                                   {"CONTROL_CHANGED", "PAYEE_STRANGER"}),
    # the money
    "payee stranger": (OWN, _now(OWN, payee_name=B.name, payee=B.card), {"PAYEE_STRANGER"}),
    "agency collects": (_now(OWN, agency=AGENCY), _now(OWN, agency=AGENCY, payee_name=AGENCY, payee="4100123456789012345"),
                        set()),
    "own shop is paid": (row("w1", MINE, payee_name=MINE.name), row("w1", MINE, payee_name=A.name, payee=card(71)), set()),
    "family on camera is paid": (_now(OWN, streamers=_cam((A, "self"), (B, "family"))),
                                 _now(OWN, streamers=_cam((A, "self"), (B, "family")), payee_name=B.name, payee=B.card), set()),
    # the camera
    "streamer stranger": (OWN, _now(OWN, streamers=_cam((B, "other"))), {"STREAMER_STRANGER"}),
    "employee on camera": (OWN, _now(OWN, streamers=_cam((STAFF, "employee"))), set()),
    "signed streamer": (OWN, _now(OWN, streamers=_cam((STAFF, "signed"))), set()),
    "family on camera": (OWN, _now(OWN, streamers=_cam((STAFF, "family"))), set()),
    "stranger beside oneself": (OWN, _now(OWN, streamers=_cam((A, "self"), (B, "other"))), set()),
    "a firm's staff changes": (row("w1", FIRM), row("w1", FIRM, streamers=_cam((STAFF, "employee"))), set()),
}


@pytest.mark.parametrize("story", list(STORIES))
def test_a_change_and_its_look_alike(county: World, story: str) -> None:
    before, after, expected = STORIES[story]
    county.weipaitang(JAN, [before, row("w9", person(90))])
    county.weipaitang(FEB, [after, row("w9", person(90))])
    county.night()
    assert county.codes() == {("w1", code) for code in expected}
    for flag in county.flags():
        if flag["family"] == "TRANSFER":
            assert flag["first_seen"] == FEB
            assert "weipaitang_20260228.jsonl" in flag["reason"], "it names the row that shows it"
            assert "第" in flag["reason"]
            assert A.person_id not in flag["reason"]


def test_a_spouse_may_be_paid(county: World) -> None:
    couple = [row("w1", A), row("w2", MARRIED)]
    county.weipaitang(JAN, couple)
    county.weipaitang(FEB, [row("w1", A, payee_name=MARRIED.name, payee=MARRIED.card), couple[1]])
    county.night()
    assert county.codes() == set()


def test_a_staggered_takeover_and_changes_too_far_apart(county: World) -> None:
    c, d = person(20), person(21)
    first, second = row("w1", A), row("w2", c)
    taken = row("w1", A, phone=B.phone)
    county.weipaitang(JAN, [first, second])
    county.weipaitang(FEB, [taken, row("w2", c, phone=d.phone)])
    county.night()
    assert county.codes() == set(), "a new phone alone is nothing"
    county.weipaitang(MAR, [taken | {"payee_name": B.name, "payee": B.card}, row("w2", c, phone=d.phone)])
    county.weipaitang("2026-09-30", [taken | {"payee_name": B.name, "payee": B.card},
                                     row("w2", c, phone=d.phone, payee_name=d.name, payee=d.card)])
    county.night()
    assert ("w1", "CONTROL_CHANGED") in county.codes()
    assert ("w2", "CONTROL_CHANGED") not in county.codes(), "half a year lies between"
    (flag,) = county.flags("CONTROL_CHANGED")
    assert (flag["first_seen"], flag["entity_id"]) == (MAR, county.holder("w1"))


def test_the_sale_names_both_holders_and_the_return_is_told(county: World) -> None:
    county.kuaishou(JAN, [row("k1", A)])
    county.night()
    former = county.holder("k1")
    county.kuaishou(FEB, [row("k1", B)])
    county.night()
    (flag,) = county.flags("HOLDER_CHANGED")
    assert (flag["entity_id"], flag["other_entity_id"], flag["level"]) == (county.holder("k1"), former, "high")
    assert A.name in flag["reason"]
    assert B.name in flag["reason"]
    county.kuaishou(MAR, [row("k1", A)])
    county.night()
    assert county.codes() == {("k1", "HOLDER_CHANGED"), ("k1", "HOLDER_RETURNED")}


# -- one thing behind many

PEOPLE = [person(100 + n) for n in range(6)]


def _each(change: Callable[[int], dict[str, Any]]) -> list[dict[str, Any]]:
    return [row(f"w{n}", p) | change(n) for n, p in enumerate(PEOPLE)]


@pytest.mark.parametrize(("code", "change"), [
    ("SHARED_PAYEE", {"payee_name": B.name, "payee": B.card}),
    ("SHARED_PHONE", {"phone": B.phone}),
    ("SHARED_STREAMER", {"streamers": _cam((B, "other"))}),
])
def test_one_thing_behind_six_unrelated_people(county: World, code: str, change: dict[str, Any]) -> None:
    county.weipaitang(JAN, _each(lambda _n: change))
    county.night()
    shared = county.flags(code)
    assert {f["account_id"] for f in shared} == {f"w{n}" for n in range(6)}
    assert {f["status"] for f in shared} == {"open"}
    county.weipaitang(FEB, _each(lambda _n: {}))
    county.night()
    again = county.flags(code)
    assert {f["status"] for f in again} <= {"resolved"}, "the state has ended"


@pytest.mark.parametrize("change", [
    {"agency": AGENCY, "phone": "13803770001"},  # the agency's phone
    {"agency": AGENCY, "payee_name": AGENCY, "payee": "4100123456789012345"},  # the agency collects
    {"streamers": _cam((B, "signed"))},  # the agency's streamer
])
def test_what_an_agency_lends_its_clients_is_no_lead(county: World, change: dict[str, Any]) -> None:
    county.weipaitang(JAN, _each(lambda _n: change))
    county.night()
    assert {c for _, c in county.codes() if c.startswith("SHARED")} == set()


def test_one_persons_many_accounts_and_shop_share_nothing(county: World) -> None:
    mine = [row(f"w{n}", A) for n in range(6)] + [row("w7", MINE)]
    county.weipaitang(JAN, mine)
    county.night()
    assert county.codes() == set()


def test_a_bookkeepers_phone_among_businesses_is_a_weak_lead(county: World) -> None:
    county.weipaitang(JAN, [row(f"w{n}", firm(120 + n), phone="13803770002") for n in range(6)])
    county.night()
    assert {f["level"] for f in county.flags("SHARED_PHONE")} <= {"low"}
