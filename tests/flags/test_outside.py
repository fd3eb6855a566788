"""What comes from outside the reports: each sign beside the innocent line that looks like it; quarantine; whose pledge."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from worlds import World, firm, person, phone, pledge, row, shop, world
from zp_registry.jobs import cases, pledge_review
from zp_registry.jobs.imports import Outcome

from zp_registry.errors import UsageError
from zp_registry.home import Home

JAN, FEB, MAR = "2026-01-31", "2026-02-28", "2026-03-31"
A, B, C, FIRM = person(1), person(2), person(3), firm(5)


def _bring(county: World, name: str, header: Sequence[str], *rows: Sequence[str]) -> Outcome:
    path = county.file(f"{name}.csv")
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([header, *rows])
    return county.load(path, kind="notice")


def _register(county: World, *rows: Sequence[str]) -> Outcome:
    return _bring(county, "营业执照名册", ("名称", "统一社会信用代码", "登记状态", "状态日期"), *rows)


def _start(county: World) -> None:
    county.weipaitang(JAN, [row("w1", FIRM), row("w2", A), row("w3", B), row("w9", person(90))])
    county.weipaitang(FEB, [row("w1", FIRM), row("w2", A), row("w3", B), row("w9", person(90))])


def test_a_licence_that_ended_counts_after_the_grace(county: World) -> None:
    _start(county)
    _register(county, (FIRM.name, str(FIRM.uscc), "注销", "2026-02-20"))
    county.night()
    assert county.codes() == set(), "the ten working days are not over"
    county.weipaitang(MAR, [row("w1", FIRM), row("w2", A), row("w3", B), row("w9", person(90))])
    county.night()
    assert county.codes() == {("w1", "LICENCE_ENDED")}
    (flag,) = county.flags("LICENCE_ENDED")
    assert "营业执照名册.csv" in flag["reason"]
    assert flag["first_seen"] == "2026-03-06"
    _register(county, (FIRM.name, str(FIRM.uscc), "存续", "2026-03-10"))
    county.night()
    assert county.codes() == set(), "a newer line says that it is in force"


def test_an_old_line_that_comes_late_does_not_beat_a_newer_one(county: World) -> None:
    _start(county)
    _register(county, (FIRM.name, str(FIRM.uscc), "存续", "2026-02-01"))
    _register(county, (FIRM.name, str(FIRM.uscc), "注销", "2025-06-01"))
    county.night()
    assert county.codes() == set()


def test_a_licence_that_ended_is_nothing_once_the_account_is_anothers(county: World) -> None:
    _start(county)
    county.weipaitang(MAR, [row("w2", A), row("w3", B), row("w9", person(90))])
    _register(county, (FIRM.name, str(FIRM.uscc), "注销", "2026-02-01"))
    county.night()
    assert county.codes() == set()


def test_names_are_checked_against_the_register(county: World) -> None:
    _start(county)
    _register(county, ("镇平县另一个名字有限公司", str(FIRM.uscc), "存续", "2026-02-01"))
    county.night()
    (flag,) = county.flags("LICENCE_DIFFERS")
    assert flag["entity_id"] == county.holder("w1")
    _register(county, (FIRM.name, str(FIRM.uscc), "存续", "2026-02-02"))
    county.night()
    assert county.flags("LICENCE_DIFFERS") == []


def test_calls_and_marks(county: World) -> None:
    _start(county)
    _bring(
        county,
        "核查结果",
        ("平台", "账号标识", "名称", "证照号码", "核查结果", "核查日期"),
        ("微拍堂", "w1", "", "", "确认本人经营", "2026-02-10"),
        ("", "", A.name, A.person_id, "否认经营", "2026-02-10"),
        ("微拍堂", "w3", "", "", "空号", "2026-02-10"),
    )
    _bring(county, "风险标记", ("平台", "账号标识", "风险类型", "标记日期"), ("微拍堂", "w9", "人证不符", "2026-02-10"))
    county.night()
    assert county.codes() == {("w2", "HOLDER_DENIES"), ("w3", "HOLDER_UNREACHABLE"), ("w9", "RISK_MARK")}
    assert {c["account_id"] for c in cases.list_cases(county.office)["cases"]} == {"w2", "w9"}
    assert A.person_id not in str(county.flags())
    _bring(county, "风险标记", ("平台", "账号标识", "风险类型", "标记日期"), ("微拍堂", "w9", "已解除", "2026-02-20"))
    county.night()
    assert ("w9", "RISK_MARK") not in county.codes()


def test_a_mark_grows_old(county: World) -> None:
    _start(county)
    _bring(county, "风险标记", ("平台", "账号标识", "风险类型", "标记日期"), ("微拍堂", "w2", "异地设备", "2025-03-01"))
    county.night()
    assert county.codes() == set()
    assert county.codes(status="resolved") == {("w2", "RISK_MARK")}


def test_somebody_on_a_list_comes_back_with_the_phone(county: World) -> None:
    county.weipaitang(JAN, [row("w1", A, phone=phone(50)), row("w2", C), row("w9", person(90))])
    _bring(
        county,
        "严重违法失信名单",
        ("名称", "证件号码", "联系电话", "名单类型", "列入日期"),
        (B.name, B.person_id, phone(50), "黑名单", "2026-01-10"),
        (C.name, C.person_id, "", "移出", "2026-01-10"),
    )
    county.night()
    assert county.codes() == {("w1", "BLACKLISTED")}
    (flag,) = county.flags("BLACKLISTED")
    assert "联系电话" in flag["reason"]
    assert phone(50) not in flag["reason"]


def test_lines_that_cannot_be_used_wait_in_quarantine(county: World) -> None:
    _start(county)
    done = _bring(
        county,
        "核查结果",
        ("平台", "账号标识", "核查结果", "核查日期"),
        ("微拍堂", "w2", "否认经营", "2026-02-10"),
        ("微拍堂", "w3", "说不清", "2026-02-10"),
        ("", "", "空号", "2026-02-10"),
        ("微拍堂", "w3", "空号", "某日"),
    )
    assert (done.counts.loaded, done.counts.rejected) == (1, 3)
    codes = county.sql("SELECT code FROM fault WHERE reject_id IS NOT NULL")["code"]
    assert {"NOTICE_OUTCOME_MISSING", "NOTICE_EMPTY", "NOTICE_DATE_MISSING"} <= set(codes)


def test_the_same_file_twice_is_once(county: World) -> None:
    _start(county)
    line = (FIRM.name, str(FIRM.uscc), "注销", "2026-01-05")
    _register(county, line)
    assert _register(county, line, (A.name, str(firm(6).uscc), "存续", "2026-01-05")).counts.unchanged == 1


def test_a_line_about_an_account_that_nobody_knows_is_a_doubt(county: World) -> None:
    _start(county)
    _bring(county, "风险标记", ("平台", "账号标识", "风险类型", "标记日期"), ("微拍堂", "no_such", "异地设备", "2026-02-10"))
    county.night()
    assert len(county.flags("NOTICE_UNMATCHED")) == 1


def test_a_tip_makes_a_case_and_keeps_no_number(county: World) -> None:
    _start(county)
    county.night()
    done = cases.add_tip(county.office, "weipaitang:w2", f"网上有人卖号，电话 {phone(60)}", who="甲")
    assert done["case_id"]
    assert county.codes() == {("w2", "TIP")}
    assert phone(60) not in str(county.sql("SELECT remark FROM notice")["remark"].tolist())
    with pytest.raises(UsageError):
        cases.add_tip(county.office, "weipaitang:none", "卖号")


def test_tips_that_a_call_answers_that_are_old_or_of_a_closed_account(county: World) -> None:
    _start(county)
    county.weipaitang(MAR, [row("w1", FIRM), row("w2", A), row("w3", B, status="closed"), row("w9", person(90))])
    county.night()
    for account, day in (("w1", "2026-03-10"), ("w2", "2026-03-10"), ("w3", "2026-03-10"), ("w9", "2025-03-01")):
        cases.add_tip(county.office, f"weipaitang:{account}", "网上有人卖号", day)
    assert county.codes() == {("w1", "TIP"), ("w2", "TIP")}, "one account is closed, one tip more than a year old"
    header = ("平台", "账号标识", "名称", "证照号码", "核查结果", "核查日期")
    _bring(county, "核查结果", header, ("微拍堂", "w1", "", "", "确认本人经营", "2026-03-09"),
           ("", "", A.name, A.person_id, "确认本人经营", "2026-03-12"))
    county.night()
    assert county.codes() == {("w1", "TIP")}, "the holder was called before the tip came"
    (answered,) = [f for f in county.flags("TIP") if f["account_id"] == "w2"]
    assert "核查确认本人经营（2026-03-12）" in answered["reason"]
    assert [c["account_id"] for c in cases.list_cases(county.office)["cases"]] == ["w1"]
    cases.add_tip(county.office, "weipaitang:w2", "又在网上出租", "2026-03-20")
    assert county.codes() == {("w1", "TIP"), ("w2", "TIP")}, "what is told after the call is new"


def test_a_malicious_tip_is_dismissed_and_stays_so(county: World) -> None:
    _start(county)
    county.night()
    case = cases.add_tip(county.office, "weipaitang:w2", "卖号", "2026-02-10")["case_id"]
    cases.act(county.office, case, "dismissed", "举报不实，系同行纠纷", who="甲")
    county.weipaitang(MAR, [row("w1", FIRM), row("w2", A), row("w3", B), row("w9", person(90))])
    county.night()
    assert county.codes() == set()


# -- pledges


@pytest.fixture
def generous(home: Home, tmp_path: Path) -> Iterator[World]:
    """A bureau where a person's pledge covers the own shop, where firms need none and agencies must sign."""
    with world(
        home.root,
        tmp_path / "files",
        person_covers_shop=True,
        must_sign=("natural_person", "sole_proprietor"),
        agencies_sign=True,
    ) as made:
        yield made


def _statuses(county: World) -> dict[str, str]:
    return {str(r["account_id"]): str(r["pledge_status"]) for r in county.accounts().to_dict("records")}


def test_a_persons_pledge_covers_the_own_shop_where_the_settings_say_so(generous: World) -> None:
    generous.weipaitang(
        JAN,
        [
            row("w1", A),
            row("w2", shop(4, A)),
            row("w3", shop(8, person(8))),
            row("w4", FIRM, agency="镇平县星河文化传媒有限公司"),
        ],
    )
    generous.ledger([pledge("P1", A, "2025-06-01")])
    generous.night()
    assert _statuses(generous) == {"w1": "signed", "w2": "signed", "w3": "missing", "w4": "exempt"}
    (agency,) = pledge_review.parties(generous.office)
    assert (agency["kind"], agency["status"], agency["accounts"]) == ("agency", "missing", 1)


def test_it_does_not_otherwise(county: World) -> None:
    county.weipaitang(JAN, [row("w1", A), row("w2", shop(4, A))])
    county.ledger([pledge("P1", A, "2025-06-01")])
    county.night()
    assert _statuses(county) == {"w1": "signed", "w2": "missing"}
    assert pledge_review.parties(county.office) == []


def test_after_a_change_of_holder_the_old_pledge_does_not_carry_over(county: World) -> None:
    county.weipaitang(JAN, [row("w1", A)])
    county.ledger([pledge("P1", A, "2025-06-01")])
    county.night()
    assert _statuses(county) == {"w1": "signed"}
    county.weipaitang(FEB, [row("w1", B)])
    county.night()
    assert _statuses(county) == {"w1": "missing"}


def test_a_pledge_of_nobody_goes_to_review_and_a_persons_word_settles_it(county: World) -> None:
    county.weipaitang(JAN, [row("w1", A), row("w2", B)])
    county.ledger(
        [
            pledge(
                "P1",
                A,
                "2025-06-01",
                **{"统一社会信用代码/身份证号": person(70).person_id, "联系电话": phone(71), "经营者/负责人": B.name},
            )
        ]
    )
    county.night()
    (loose,) = pledge_review.unmatched(county.office)
    assert A.person_id not in str(loose)
    best = loose["candidates"][0]
    assert best["entity_id"] == county.holder("w1")
    assert best["why"] == "名称相同"
    pledge_review.assign(county.office, loose["pledge_id"], best["entity_id"], "号码抄错", who="甲")
    assert _statuses(county)["w1"] == "signed"
    assert pledge_review.unmatched(county.office) == []
    assert county.flags("PLEDGE_UNMATCHED") == []
    pledge_review.withdraw(county.office, loose["pledge_id"], "再看", who="甲")
    assert _statuses(county)["w1"] == "missing"
