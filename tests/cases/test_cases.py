"""A case from its first sign to its end: by what the reports say, and by what people do."""

from __future__ import annotations

from typing import Any

import pytest
from worlds import World, masked, person, row, shop
from zp_registry.jobs import cases
from zp_registry.jobs import review as judging

from zp_registry.errors import UsageError
from zp_registry.registry.casestory import timeline

JAN, FEB, MAR, APR = "2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"
A, B, C = person(1), person(2), person(3)
ALL = cases.CaseFilter(states=())


def _found(county: World, wanted: cases.CaseFilter = ALL) -> list[dict[str, Any]]:
    return list(cases.list_cases(county.office, wanted)["cases"])


def _one(county: World) -> dict[str, Any]:
    (case,) = _found(county)
    return case


def _sold(county: World) -> dict[str, Any]:
    county.weipaitang(JAN, [row("w1", A), row("w9", person(90))])
    county.weipaitang(FEB, [row("w1", B), row("w9", person(90))])
    county.night()
    return _one(county)


def _act(county: World, action: str, note: str = "为测试", **more: Any) -> dict[str, Any]:
    done: dict[str, Any] = cases.act(county.office, _one(county)["case_id"], action, note, who="甲", **more)
    return done


def _history(county: World) -> list[tuple[str, str]]:
    told = cases.one_case(county.office, _one(county)["case_id"])
    return [(e["action"], e["to_state"]) for e in told["events"]]


def test_one_high_sign_opens_a_case(county: World) -> None:
    case = _sold(county)
    assert (case["state"], case["level"], case["opened_on"], case["account_id"]) == ("open", "high", FEB, "w1")
    # Ten working days from Saturday 28 February 2026, which is worked for the Spring Festival.
    assert (case["deadline"], case["provisional"]) == ("2026-03-13", 0)


def test_signs_that_bear_each_other_out_come_first(county: World) -> None:
    lone = row("w2", C)  # the camera alone changes hands; of w1 the money does too
    taken = row("w1", A, payee_name=B.name, payee=B.card, streamers=[(B.person, B.person_id, "other")])
    county.weipaitang(JAN, [row("w1", A), lone, row("w9", person(90))])
    county.weipaitang(FEB, [taken, row("w2", C, streamers=[(person(7).person, person(7).person_id, "other")]),
                            row("w9", person(90))])  # fmt: skip
    county.night()
    assert [(c["account_id"], c["level"]) for c in _found(county)] == [("w1", "high"), ("w2", "medium")]
    assert {f["level"] for f in county.flags("STREAMER_STRANGER")} == {"high"}, "either sign is high by itself"


def test_two_medium_signs_open_one_and_a_lone_one_is_told_low(county: World) -> None:
    mine, agency = shop(4, A), "镇平县星河文化传媒有限公司"
    county.kuaishou(JAN, [row("k1", mine, agency=agency), row("k9", person(90))])
    stranger = row("k1", mine, agency=agency, streamers=[(B.person, B.person_id, "other")])  # a layout without relations
    county.kuaishou(FEB, [stranger, row("k9", person(90))])
    county.night()
    assert _found(county) == [], "a shop may hire whom it likes"
    (flag,) = county.flags("STREAMER_STRANGER")
    assert (flag["level"], flag["score"]) == ("low", 0.5)
    assert "单独一条中等迹象" in flag["reason"]
    county.kuaishou("2026-07-31", [stranger | {"payee_name": B.name, "payee": B.card}, row("k9", person(90))])
    county.night()
    case = _one(county)
    assert (case["level"], case["codes"]) == ("medium", "PAYEE_STRANGER;STREAMER_STRANGER")
    assert case["opened_on"] == "2026-07-31"
    assert {f["level"] for f in county.flags() if f["family"] == "TRANSFER" and f["account_id"] == "k1"} == {"medium"}


def test_the_way_of_a_case_and_its_history(county: World) -> None:
    _sold(county)
    _act(county, "assigned", "", assignee="张队")
    _act(county, "attached", "现场照片", reference="卷宗2026-3 第4页")
    _act(county, "visited", "门店由他人经营")
    done = _act(county, "confirmed", "双方承认买卖")
    assert (done["state"], done["assignee"]) == ("confirmed", "张队")
    assert county.codes(status="confirmed") == {("w1", "HOLDER_CHANGED")}
    assert _act(county, "handed_over", "移送公安")["state"] == "handed_over"
    assert [a for a, _ in _history(county)] == ["assigned", "attached", "visited", "confirmed", "handed_over"]
    county.night()
    assert _one(county)["state"] == "handed_over"


def test_what_does_not_fit_is_refused_and_nothing_is_written(county: World) -> None:
    case = _sold(county)
    for action, more in (("reopened", {}), ("assigned", {}), ("attached", {}), ("eaten", {})):
        with pytest.raises(UsageError):
            _act(county, action, **more)
    with pytest.raises(UsageError):
        _act(county, "visited", "  ")
    with pytest.raises(UsageError):
        cases.one_case(county.office, "C99999999")
    assert _one(county)["version"] == case["version"]
    assert _history(county) == []


def test_two_people_never_overwrite_each_other_unseen(county: World) -> None:
    seen = _sold(county)["version"]
    _act(county, "visited", expect=seen)
    with pytest.raises(cases.CaseOvertaken) as caught:
        _act(county, "dismissed", expect=seen)
    assert caught.value.case["state"] == "visited"
    assert _one(county)["state"] == "visited"


def test_a_persons_number_in_a_note_is_struck_out(county: World) -> None:
    _sold(county)
    _act(county, "noted", f"本人证件 {A.person_id}，电话 {A.phone}")
    told = str(cases.one_case(county.office, _one(county)["case_id"]))
    assert A.person_id not in told
    assert A.phone not in told


def test_new_evidence_reopens_a_dismissed_case_and_says_why(county: World) -> None:
    _sold(county)
    _act(county, "assigned", "", assignee="张队")
    _act(county, "dismissed", "平台批准的变更")
    assert county.codes() == set()
    county.weipaitang(MAR, [row("w1", B), row("w9", person(90))])
    county.night()
    assert _one(county)["state"] == "dismissed", "nothing new has happened"
    county.weipaitang(APR, [row("w1", A), row("w9", person(90))])
    county.night()
    assert _one(county)["state"] == "assigned"
    last = cases.one_case(county.office, _one(county)["case_id"])["events"][-1]
    assert (last["action"], last["who"]) == ("reopened", "系统")
    assert "HOLDER_RETURNED" in last["note"]


def test_deciding_flag_by_flag_settles_the_case(county: World) -> None:
    _sold(county)
    (flag,) = county.flags("HOLDER_CHANGED")
    judging.decide_flag(county.office, flag["flag_id"], "dismissed", "核实无误")
    assert _one(county)["state"] == "dismissed"
    judging.decide_flag(county.office, flag["flag_id"], "reopened", "再看")
    assert _one(county)["state"] == "open"


def test_a_merge_closes_the_case_and_an_unmerge_brings_it_back(county: World) -> None:
    county.weipaitang(JAN, [row("w1", A, person_id=masked(A.person_id)), row("w9", person(90))])
    county.weipaitang(FEB, [row("w1", B), row("w9", person(90))])
    county.night()
    case = _one(county)
    _act(county, "visited", "见过本人")
    (flag,) = county.flags("HOLDER_CHANGED")
    judging.merge(county.office, flag["entity_id"], flag["other_entity_id"], "同一人改名")
    closed = _one(county)
    assert (closed["case_id"], closed["state"], closed["closed_why"]) == (case["case_id"], "closed", "依据已被更正或撤回")
    (edge,) = county.sql("SELECT id FROM edge WHERE tier = 'person' AND deleted_at IS NULL")["id"]
    judging.take_back(county.office, [int(edge)], "弄错了")
    again = _one(county)
    assert (again["case_id"], again["state"]) == (case["case_id"], "open")
    assert [a for a, _ in _history(county)] == ["visited", "closed", "reopened"]


def test_a_case_that_nobody_touched_goes_with_its_cause(county: World) -> None:
    _sold(county)
    corrected = [row("w1", A), row("w9", person(90))]
    county.weipaitang(FEB, corrected)  # a later file for the same date takes the former's place
    county.night()
    assert _found(county) == []


def test_a_state_that_ends_closes_the_case_by_itself(county: World) -> None:
    people = [person(100 + n) for n in range(6)]
    county.weipaitang(JAN, [row(f"w{n}", p, payee_name=B.name, payee=B.card, phone=B.phone) for n, p in enumerate(people)])
    county.night()
    found = _found(county)
    assert len(found) == 6
    assert len({c["group_id"] for c in found}) == 1, "one controller"
    assert found[0]["group_id"].startswith("G")
    cases.act(county.office, found[0]["case_id"], "visited", "看过")
    county.weipaitang(FEB, [row(f"w{n}", p) for n, p in enumerate(people)])
    county.night()
    after = _found(county)
    assert {c["state"] for c in after} == {"closed"}
    assert {c["closed_why"] for c in after} == {"情形已消除"}
    assert {c["group_id"] for c in after} == {None}


def test_night_by_night_is_the_same_as_in_one_go(county: World, other: World) -> None:
    reports = [
        (JAN, [row("w1", A), row("w2", C), row("w9", person(90))]),
        (FEB, [row("w1", B), row("w2", C, phone=B.phone), row("w9", person(90))]),
        (MAR, [row("w1", A), row("w2", C, phone=B.phone, payee_name=B.name, payee=B.card), row("w9", person(90))]),
        (APR, [row("w2", C), row("w9", person(90))]),
    ]
    for day, rows in reports:
        county.weipaitang(day, rows)
        county.night()
    for day, rows in reversed(reports):
        other.weipaitang(day, rows)
    other.night()
    facts = [
        "platform",
        "account_id",
        "state",
        "level",
        "score",
        "codes",
        "opened_on",
        "news_on",
        "grace_until",
        "deadline",
        "closed_why",
    ]
    one, two = ([{f: c[f] for f in facts} for c in sorted(_found(w), key=lambda c: c["account_id"])] for w in (county, other))
    assert one == two
    assert len(one) == 2


def test_filters_and_pages(county: World) -> None:
    county.weipaitang(JAN, [row(f"w{n}", person(20 + n)) for n in range(5)] + [row("w9", person(90))])
    county.weipaitang(FEB, [row(f"w{n}", person(40 + n)) for n in range(5)] + [row("w9", person(90))])
    county.night()
    told = cases.list_cases(county.office, ALL, page=2, size=2)
    assert (told["total"], told["pages"], len(told["cases"])) == (5, 3, 2)
    pages = [c["account_id"] for n in (1, 2, 3) for c in cases.list_cases(county.office, ALL, page=n, size=2)["cases"]]
    assert sorted(pages) == [f"w{n}" for n in range(5)]
    cases.act(county.office, told["cases"][0]["case_id"], "assigned", assignee="张队")
    assert len(_found(county, cases.CaseFilter(assignee="张队"))) == 1
    assert len(_found(county, cases.CaseFilter(states=("open",)))) == 4
    assert _found(county, cases.CaseFilter(query="w3"))[0]["account_id"] == "w3"
    assert _found(county, cases.CaseFilter(query="%")) == [], "a wildcard is a character here"
    assert len(_found(county, cases.CaseFilter(town="石佛寺镇", code="HOLDER_CHANGED"))) == 5
    assert _found(county, cases.CaseFilter(overdue=True)) == []
    county.weipaitang(APR, [row(f"w{n}", person(40 + n)) for n in range(5)] + [row("w9", person(90))])
    county.night()
    assert len(_found(county, cases.CaseFilter(overdue=True))) == 5


def test_a_reviewed_pair_is_innocent_until_its_date(county: World) -> None:
    paid = row("w1", A, payee_name=B.name, payee=B.card)
    county.weipaitang(JAN, [row("w1", A), row("w9", person(90))])
    county.weipaitang(FEB, [paid, row("w9", person(90))])
    county.night()
    assert county.codes() == {("w1", "PAYEE_STRANGER")}
    cases.review_pair(county.office, county.holder("w1"), B.name, "表兄弟，已核实", until="2026-03-15", who="甲")
    assert county.codes() == set()
    (pair,) = cases.reviewed_pairs(county.office)
    assert (pair["name"], pair["lapsed"]) == (B.name, False)
    county.weipaitang(MAR, [paid, row("w9", person(90))])
    county.night()
    assert county.codes() == {("w1", "PAYEE_STRANGER")}, "the word has lapsed"
    cases.withdraw_pair(county.office, pair["id"], "不再需要")
    assert cases.reviewed_pairs(county.office) == []


def test_a_case_told_whole_names_every_row(county: World) -> None:
    case = _sold(county)
    told = cases.one_case(county.office, case["case_id"])
    months = told["timeline"]
    assert [(r["month"], r["changed"]) for r in months] == [
        ("2026-01", []),
        ("2026-02", ["holder", "streamers", "phone", "payee"]),
    ]
    assert all(r["source_file"].startswith("weipaitang_") and r["row"] > 0 for r in months)
    assert {n["kind"] for n in told["graph"]["nodes"]} == {"account", "holder", "phone", "payee"}
    assert told["flags"][0]["ground"]
    text = str(told)
    for secret in (A.person_id, B.person_id, A.phone, B.phone, A.card, B.card):
        assert secret not in text


def test_a_number_that_is_no_longer_told_is_no_other_person() -> None:
    plain = {"as_of": "2026-01-31", "source_file": "x.csv", "sheet": "", "row": 2, "account_status": None, "uscc": None}
    told = {"subject_name": "王某", "id_mask": "411324********0001", "streamers": "王某（411324********0001）、李某",
            "phone_mask": "138****0001", "payee_name": "王某", "payee_mask": "****5428"}  # fmt: skip
    less = told | {"id_mask": None, "streamers": "王某、李某", "payee_mask": None}
    others = {"subject_name": "张某", "streamers": "李某", "phone_mask": "139****0001", "payee_mask": "****6396"}
    months = timeline([plain | told, plain | less, plain | told, plain | told | others])
    assert [m["changed"] for m in months] == [[], [], [], ["holder", "streamers", "phone", "payee"]]
