"""The queue of possible duplicates, and what people decide about its pairs."""

from __future__ import annotations

import json

import pytest
from desks import FEB, ROWS, Desk
from worlds import citizen, masked, person, phone
from zp_registry.jobs import review
from zp_registry.jobs.review_explain import explanations

from zp_registry.errors import UsageError
from zp_registry.registry.guards import JudgementRefused


def test_doubts_stand_in_the_queue_best_first_with_both_sides_masked(desk: Desk) -> None:
    found = desk.queue()
    assert {line["pair"] for line in found} == {
        desk.pair("near1", "near2"), desk.pair("rival", "one"), desk.pair("rival", "two")
    }  # fmt: skip
    weights = [line["weight"] for line in found]
    assert weights == sorted(weights, reverse=True)
    assert [line["rank"] for line in found] == [1, 2, 3]
    near = next(line for line in found if line["pair"] == desk.pair("near1", "near2"))
    assert {side["name"] for side in (near["left"], near["right"])} == {person(1).name}
    assert near["left"]["number"] == masked(citizen(1))
    assert {near["left"]["sources"][0], near["right"]["sources"][0]} == {
        "kuaishou_20260131.csv › 2", "kuaishou_20260131.csv › 3"
    }  # fmt: skip
    assert sorted(a for side in (near["left"], near["right"]) for a in side["accounts"]) == ["kuaishou:near1", "kuaishou:near2"]
    told = json.dumps(found, ensure_ascii=False)
    for n in (1, 7, 8, 20):
        assert not any(secret in told for secret in (citizen(n), phone(n), person(n).card))


def test_an_explanation_adds_up_to_the_weight(desk: Desk) -> None:
    found = [line for line in desk.queue() if line["tier"] == "model"]
    assert found
    with desk.world.office.engine.connect() as connection:
        told = explanations(desk.world.office, connection, [tuple(line["subjects"]) for line in found])
    for line in found:
        rows = told[tuple(line["subjects"])]
        assert rows[-1]["sum"] == pytest.approx(line["weight"], abs=0.01)
        assert sum(r["weight"] for r in rows) == pytest.approx(line["weight"], abs=0.02)
        assert {r["field"] for r in rows if r["left"] == line["left"]["name"]} >= {"名称"}


def test_same_merges_under_the_older_id_and_undo_brings_both_back(desk: Desk) -> None:
    older, newer = desk.pair("near1", "near2").split("-")
    pair = f"{newer}-{older}".lower()  # in whatever order and case
    done = review.decide(desk.world.office, pair, "same", "本人到场核实")
    assert done["pair"] == f"{older}-{newer}"
    assert desk.id("near1") == desk.id("near2") == older
    assert f"{older}-{newer}" not in desk.pairs()
    review.undo(desk.world.office, f"{older}-{newer}", "认错人")
    assert {desk.id("near1"), desk.id("near2")} == {older, newer}
    assert f"{older}-{newer}" in desk.pairs()
    assert desk.judgements() == []


def test_different_leaves_the_queue_for_good(desk: Desk) -> None:
    pair = desk.pair("near1", "near2")
    desk.decide("near1", "near2", "different")
    assert pair not in desk.pairs()
    desk.world.kuaishou(FEB, list(ROWS))
    desk.world.night()
    assert pair not in desk.pairs()
    review.undo(desk.world.office, pair, "再核")
    assert pair in desk.pairs()


def test_unsure_stays_marked_and_stands_behind_the_others(desk: Desk) -> None:
    first = desk.queue()[0]
    done = review.decide(desk.world.office, first["pair"], "unsure", "电话打不通", who="王芳")
    last = desk.queue()[-1]
    assert last["pair"] == first["pair"]
    assert last["weight"] == first["weight"]
    judged = last["judged"]
    assert (judged["decision"], judged["who"], judged["why"]) == ("unsure", "王芳", "电话打不通")
    assert [judged["judgement"]] == done["judgements"]
    assert all(line["judged"] is None for line in desk.queue()[:-1])


def test_a_pair_is_found_by_the_id_of_an_entity_that_was_merged(desk: Desk) -> None:
    rival, one, two = desk.id("rival"), desk.id("one"), desk.id("two")
    desk.decide("rival", "one", "same")
    # Whichever of the two ids was given up, it leads on.
    with pytest.raises(JudgementRefused, match="two different valid ID numbers"):
        review.decide(desk.world.office, f"{rival}-{two}", "same", "x")
    assert review.decide(desk.world.office, f"{rival}-{two}", "different", "x")["pair"] == desk.pair("one", "two")
    assert one in (desk.id("one"), rival, two) or desk.id("one") == rival


def test_two_people_who_decide_at_the_same_time_do_not_overwrite_each_other(desk: Desk) -> None:
    first = desk.decide("near1", "near2", "unsure", "待核", who="王芳")["judgements"]
    with pytest.raises(UsageError, match=rf"judgement {first[0]} \(unsure, by 王芳 on 20.*--expect {first[0]}"):
        desk.decide("near1", "near2", "different", "两人", who="李强")
    assert desk.judgements() == [("unsure", "待核")]
    second = desk.decide("near1", "near2", "different", "两人", who="李强", expect=first)["judgements"]
    assert desk.judgements() == [("negative", "两人")]
    # Who still has the first one before the eyes is told; who says what stands changes nothing.
    with pytest.raises(UsageError, match="by 李强"):
        desk.decide("near1", "near2", "same", "同一人", who="王芳", expect=first)
    again = desk.decide("near1", "near2", "different", "也这么看", who="王芳")
    assert (again["judgements"], again["changed"]) == (second, False)
    with pytest.raises(UsageError, match="taken back meanwhile"):
        desk.decide("rival", "one", "different", expect=first)
