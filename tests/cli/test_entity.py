"""People say who is who: merge, part, split and undo, with everything that follows in the same transaction."""

from __future__ import annotations

from pathlib import Path

import pytest
from clerk import Clerk, company, person, report


@pytest.fixture
def county(clerk: Clerk) -> Clerk:
    """Two persons with numbers, a firm, and a person whose two accounts show no number and nothing in common but the name."""
    bare = {"实名姓名": "赵无名", "实名证件号": "", "收款人": "", "收款账号": "", "开播人": "", "开播人证件号": ""}
    rows = [person(1), person(2), company(3), person(4, **bare), person(5, **bare)]
    clerk.run("import", report(Path("kuaishou_20260831.csv"), rows))
    clerk.run("resolve")
    return clerk


def holder(clerk: Clerk, n: int) -> str:
    """The entity that holds the n-th account, as exported."""
    return next(str(r["entity_id"]) for r in clerk.table("accounts") if r["account_id"] == f"ks{10000 + n}")


def test_a_merge_keeps_the_older_id_the_other_leads_to_it_and_undo_brings_it_back(county: Clerk) -> None:
    older, newer = sorted((holder(county, 4), holder(county, 5)))
    assert older != newer
    done = county.ask("entity", "merge", newer, older, "--reason", "本人持身份证到场")
    assert done.code == 0, done.err
    assert holder(county, 4) == holder(county, 5) == older
    assert county.ask("show", newer).json["entity"]["entity_id"] == older
    assert {h["account_id"] for h in county.ask("show", older).json["holdings"]} == {"ks10004", "ks10005"}
    undone = county.ask("entity", "undo", str(done.json["judgements"][0]), "--reason", "认错人")
    assert undone.code == 0, undone.err
    assert {holder(county, 4), holder(county, 5)} == {older, newer}
    assert [r[0] for r in county.sql("SELECT reason FROM audit WHERE action LIKE 'entity %' ORDER BY id")] == [
        "本人持身份证到场",
        "认错人",
    ]


def test_a_merge_outlives_reports_that_come_later(county: Clerk) -> None:
    a, b = holder(county, 4), holder(county, 5)
    county.run("entity", "merge", a, b, "--reason", "到场核实")
    bare = {"实名姓名": "赵无名", "实名证件号": "", "收款人": "", "收款账号": "", "开播人": "", "开播人证件号": ""}
    county.run("import", report(Path("kuaishou_20260930.csv"), [person(4, **bare), person(5, **bare)]))
    county.run("resolve")
    assert holder(county, 4) == holder(county, 5) == min(a, b)


@pytest.mark.parametrize(
    ("left", "right", "word"), [(1, 2, "ID numbers"), (1, 3, "a person and a business"), (1, 1, "one entity already")]
)
def test_what_can_never_be_one_is_refused_and_nothing_is_written(county: Clerk, left: int, right: int, word: str) -> None:
    done = county.run("entity", "merge", holder(county, left), holder(county, right), "--reason", "看着像")
    assert done.code == 2
    assert word in done.err
    assert county.sql("SELECT COUNT(*) FROM edge WHERE tier = 'person'") == [(0,)]


def test_a_split_parts_what_partial_evidence_joined_and_lasts(clerk: Clerk) -> None:
    whole = person(1)
    masked = person(
        2,
        实名姓名=whole["实名姓名"],
        手机号=whole["手机号"],
        实名证件号=whole["实名证件号"][:6] + "********" + whole["实名证件号"][-4:],
    )
    clerk.run("import", report(Path("kuaishou_20260831.csv"), [whole, masked]))
    clerk.run("resolve")
    joined = holder(clerk, 1)
    assert holder(clerk, 2) == joined
    done = clerk.ask("entity", "split", joined, "kuaishou:ks10002", "--reason", "同名同号段的另一人")
    assert done.code == 0, done.err
    assert holder(clerk, 1) != holder(clerk, 2)
    clerk.run("resolve", "--full")
    assert holder(clerk, 1) != holder(clerk, 2)
    clerk.run("entity", "undo", *map(str, done.json["judgements"]), "--reason", "误拆")
    assert holder(clerk, 1) == holder(clerk, 2) == joined


def test_entities_that_were_parted_are_not_joined_by_a_new_report(county: Clerk) -> None:
    a, b = holder(county, 4), holder(county, 5)
    assert county.run("entity", "part", a, b, "--reason", "两人，均已核实").code == 0
    bare = {"实名姓名": "赵无名", "实名证件号": "", "收款人": "", "收款账号": "", "开播人": "", "开播人证件号": ""}
    same = {**bare, "手机号": person(4)["手机号"]}
    county.run("import", report(Path("kuaishou_20260930.csv"), [person(4, **same), person(5, **same)]))
    county.run("resolve")
    assert holder(county, 4) != holder(county, 5)


def test_unknown_entities_and_judgements_are_2(county: Clerk) -> None:
    assert county.run("entity", "merge", "E99999999", holder(county, 1), "--reason", "x").code == 2
    assert county.run("entity", "undo", "77", "--reason", "x").code == 2
    assert county.run("entity", "split", holder(county, 1), "ks10001", "--reason", "x").code == 2
