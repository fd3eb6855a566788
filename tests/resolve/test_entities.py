"""Entities over the nights: ids that stay, merges that keep the older, un-merges that bring ids back; person and own shop."""

from __future__ import annotations

from dataclasses import replace

from worlds import World, douyin, firm, masked, name, person, row, share, shop, taobao

JAN, FEB, MAR = "2026-01-31", "2026-02-28", "2026-03-31"


def _ids(county: World) -> dict[str, str]:
    frame = county.accounts()
    return dict(zip(frame["account_id"], frame["entity_id"], strict=True))


def _judge(county: World, one: str, other: str, judgement: str) -> None:
    county.execute(
        "INSERT INTO edge (left_id, right_id, judgement, tier, why, who, settings_hash, created_at) "
        "SELECT a.id, b.id, :j, 'person', 'test', 'tester', '', '2026-01-01' FROM subject a, subject b "
        "WHERE a.entity_id = :a AND b.entity_id = :b",
        a=one,
        b=other,
        j=judgement,
    )


def test_a_person_and_the_own_sole_proprietorship_are_two_linked_entities(county: World) -> None:
    county.weipaitang(
        JAN, [row("w1", person(1)), row("w2", shop(1, person(1))), row("w3", shop(3)), row("w4", firm(4, person(1)))]
    )
    county.night()
    ids = _ids(county)
    assert len(set(ids.values())) == 4
    linked = county.entities().set_index("entity_id")["linked_entities"].fillna("")
    assert linked[ids["w1"]] == ids["w2"]
    assert linked[ids["w2"]] == ids["w1"]
    assert linked[ids["w3"]] == ""


def test_one_subject_on_many_platforms_is_one_entity(county: World) -> None:
    county.kuaishou(JAN, [row("k1", person(1)), row("k2", firm(2))])
    county.weipaitang(JAN, [row("w1", replace(person(1), phone=person(9).phone)), row("w2", firm(2))])
    county.wechat(JAN, [row("c1", person(1)), row("c2", firm(2))])
    county.night()
    ids = _ids(county)
    assert {ids[k] for k in ("k1", "w1", "c1")} == {ids["k1"]}
    assert {ids[k] for k in ("k2", "w2", "c2")} == {ids["k2"]}
    assert len(county.entities()) == 2


def test_ids_stay_over_nights_and_a_late_older_report_takes_none(county: World) -> None:
    county.kuaishou(FEB, [row("k1", person(1)), row("k2", firm(2))])
    county.night()
    before = _ids(county)
    county.kuaishou(JAN, [row("k1", person(1)), row("k3", person(3))])
    county.weipaitang(FEB, [row("w1", person(1)), row("w4", person(4))])
    county.night()
    assert before.items() <= _ids(county).items()


def test_namesakes_with_masked_numbers_stay_apart(county: World) -> None:
    """The same name and fitting visible digits, but nothing else that agrees."""
    county.kuaishou(JAN, [row("k1", person(1))])
    stranger = replace(person(5), name=name(1), person=name(1))
    county.weipaitang(JAN, [row("w1", stranger, person_id=masked(person(1).person_id))])
    county.night()
    assert len(set(_ids(county).values())) == 2
    county.weipaitang(FEB, [row("w1", stranger, person_id=masked(person(1).person_id), phone=person(1).phone)])
    county.night()
    assert len(set(_ids(county).values())) == 1, "with the phone of the one it is enough"


def test_masking_that_begins_keeps_the_entity(county: World) -> None:
    county.kuaishou(JAN, [row("k1", person(1))])
    county.night()
    before = _ids(county)
    county.kuaishou(FEB, [row("k1", person(1), person_id=masked(person(1).person_id))])
    county.night()
    assert _ids(county) == before
    assert county.holdings("k1") == [(name(1), JAN, None)]


def test_a_merge_keeps_the_older_id_and_an_unmerge_brings_ids_back(county: World) -> None:
    county.load(taobao(county.file("taobao_20260131.xlsx"), [row("t1", person(1)), row("t2", person(2), person_id=None)]))
    county.night()
    before = _ids(county)
    assert before["t1"] < before["t2"] or before["t2"] < before["t1"]
    older, newer = sorted(before.values())
    _judge(county, older, newer, "positive")
    county.night()
    assert set(_ids(county).values()) == {older}
    led = county.sql("SELECT entity_id, current_id FROM subject")
    assert dict(zip(led["entity_id"], led["current_id"], strict=True))[newer] == older, "the old id still leads to the new one"
    county.execute("UPDATE edge SET deleted_at = '2026-01-02' WHERE tier = 'person'")
    county.night()
    assert _ids(county) == before


def test_a_persons_no_beats_the_machine(county: World) -> None:
    county.kuaishou(JAN, [row("k1", person(1)), row("k9", person(9))])
    county.load(taobao(county.file("taobao_20260131.xlsx"), [row("t1", person(1), person_id=None)]))
    county.night()
    assert _ids(county)["k1"] == _ids(county)["t1"], "name and phone agree"
    own = county.sql(
        "SELECT s.entity_id, c.platform FROM record c JOIN subject s ON s.id = c.subject_id WHERE c.account_ref <> 'k9'"
    )
    one, other = sorted(own["entity_id"])
    _judge(county, one, other, "negative")
    county.night()
    assert _ids(county)["k1"] != _ids(county)["t1"]
    county.kuaishou(FEB, [row("k1", person(1)), row("k9", person(9))])
    county.night()
    assert _ids(county)["k1"] != _ids(county)["t1"]


# -- accounts that a shared report names loosely


def _both(county: World, own_first: bool, ref: str, platform: str = "抖音") -> None:
    def own() -> None:
        county.load(douyin(county.file("douyin_20260228.xlsx"), [row("100001", person(1)), row("100002", person(2))], FEB))

    def shared() -> None:
        county.load(share(county.file("province_share_20260131.xlsx"), [(platform, ref, person(1))]))

    for step in (own, shared) if own_first else (shared, own):
        step()
        county.night()


def test_a_loose_account_is_matched_by_id_handle_url_and_unique_name(county: World) -> None:
    names = {"100001": "独名", "100002": "同名", "100003": "同名"}
    county.load(
        douyin(
            county.file("douyin_20260131.xlsx"),
            [row(a, person(n), account_name=t) for n, (a, t) in enumerate(names.items())],
            JAN,
        )
    )
    refs = ["100001", "H_100002", "HTTPS://example.test/u/100003/", "独名", "同名", "没有的号"]
    county.load(
        share(
            county.file("province_share_20260228.xlsx"),
            [(p, ref, person(n % 3)) for n, ref in enumerate(refs) for p in (("抖音", "北京抖音信息服务有限公司")[n % 2],)],
        )
    )
    county.night()
    assert set(_ids(county)) == {*names, "同名", "没有的号"}
    open_flags = {f["account_id"] for f in county.flags("ACCOUNT_UNMATCHED") if f["status"] == "open"}
    assert open_flags == {"同名", "没有的号"}, "two bear one of the names, nobody the other"
    assert set(county.accounts()["platform"]) == {"douyin"}


def test_the_two_become_one_in_either_order_of_loading(county: World) -> None:
    _both(county, False, "h_100001")
    assert set(_ids(county)) == {"100001", "100002"}
    assert county.flags("ACCOUNT_UNMATCHED") == []
    assert county.holdings("100001") == [(name(1), JAN, None)], "known from the shared report on"


def test_the_platforms_own_report_first(county: World) -> None:
    _both(county, True, "h_100001")
    assert county.holdings("100001") == [(name(1), JAN, None)]
    assert county.flags("ACCOUNT_UNMATCHED") == []


def test_a_shared_row_waits_under_its_own_text(county: World) -> None:
    county.load(share(county.file("province_share_20260131.xlsx"), [("抖音", "h_100001", person(1))]))
    county.night()
    assert set(_ids(county)) == {"h_100001"}
    (flag,) = county.flags("ACCOUNT_UNMATCHED")
    assert (flag["status"], flag["family"], flag["platform"]) == ("open", "DATA", "douyin")


def test_a_stale_shared_copy_does_not_undo_the_platforms_word(county: World) -> None:
    county.load(douyin(county.file("douyin_20260131.xlsx"), [row("100001", person(2))], JAN))
    county.load(share(county.file("province_share_20260228.xlsx"), [("抖音", "100001", person(1))]))
    county.night()
    assert county.holdings("100001") == [(name(2), JAN, None)]
    assert county.codes() == set()
