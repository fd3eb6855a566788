"""What is refused when people say who is who, and that ids come back."""

from __future__ import annotations

import pandas as pd
import pytest
from desks import FEB, ROWS, Desk, like
from worlds import person, row
from zp_registry.jobs import review
from zp_registry.jobs.review import Decided, Overtaken, settle

from zp_registry.errors import UsageError
from zp_registry.registry.guards import JudgementRefused


def test_a_merge_does_not_run_across_what_a_person_said_of_another_member(desk: Desk) -> None:
    apart = desk.decide("bare", "near2", "different", "两人，均已核实", who="王芳")["judgements"]
    desk.decide("near1", "near2", "same")
    named = rf"judgement {apart[0]} \(different, by 王芳"
    # near1 and near2 are one now, so that what was said of near2 is what stands between the two.
    with pytest.raises(Overtaken, match=named):
        desk.decide("bare", "near1", "same")
    with pytest.raises(JudgementRefused, match=named) as refused:
        review.merge(desk.world.office, desk.id("bare"), desk.id("near1"), "同一人")
    assert [s.edge_id for s in refused.value.standing] == apart
    assert desk.id("bare") != desk.id("near1")
    desk.decide("bare", "near1", "same", expect=apart)
    assert desk.id("bare") == desk.id("near1") == desk.id("near2")


def test_one_file_cannot_join_what_it_parts(small_desk: Desk) -> None:
    """Each line alone might stand; together they would join across the one that parts."""
    pairs = [("near1", "near2", "same"), ("bare", "near2", "different"), ("bare", "near1", "same")]
    said = [Decided(small_desk.pair(a, b), decision, "王芳", "x") for a, b, decision in pairs]
    with small_desk.world.office.engine.begin() as connection:
        done = settle(connection, said)
    assert [d.changed for d in done] == [True, True, False]
    assert isinstance(done[2].error, JudgementRefused)
    assert done[2].error.rule == "batch"


def test_two_different_valid_numbers_are_never_one(desk: Desk) -> None:
    with pytest.raises(JudgementRefused, match="two different valid ID numbers"):
        desk.decide("one", "two", "same")
    # Nor by way of a third that fits both.
    desk.decide("rival", "one", "same")
    with pytest.raises(JudgementRefused, match="two different valid ID numbers"):
        desk.decide("rival", "two", "same")
    assert desk.id("two") not in (desk.id("one"), desk.id("rival"))


def test_what_can_never_be_one_is_said_before_what_somebody_said_meanwhile(small_desk: Desk) -> None:
    small_desk.decide("one", "two", "different", "身份证不同")
    with pytest.raises(JudgementRefused, match="two different valid ID numbers"):
        small_desk.decide("one", "two", "same")


def test_a_person_and_a_business_stay_two(small_desk: Desk) -> None:
    with pytest.raises(JudgementRefused, match="a person and a business"):
        small_desk.decide("alone", "shop", "same")


def test_an_unknown_id_and_one_entity_are_told(small_desk: Desk) -> None:
    with pytest.raises(JudgementRefused, match="there is no entity E99999999"):
        review.decide(small_desk.world.office, f"{small_desk.id('one')}-E99999999", "same", "x")
    with pytest.raises(UsageError, match="is not a pair"):
        review.decide(small_desk.world.office, "E00000001", "same", "x")
    one = small_desk.id("one")
    with pytest.raises(JudgementRefused, match="one entity"):
        review.part(small_desk.world.office, one, one, "x")
    assert small_desk.judgements() == []


def test_what_is_refused_leaves_nothing_behind(small_desk: Desk) -> None:
    before = small_desk.world.entities()
    for account in ("two", "shop"):
        with pytest.raises(UsageError):
            small_desk.decide("one", account, "same")
    pd.testing.assert_frame_equal(small_desk.world.entities(), before)
    assert small_desk.judgements() == []


def test_a_merged_id_leads_on_and_comes_back_by_the_judgements_number(desk: Desk) -> None:
    near1, near2 = desk.id("near1"), desk.id("near2")
    done = review.merge(desk.world.office, near1, near2, "本人到场")
    assert desk.id("near1") == desk.id("near2") == min(near1, near2)
    # A third one joins by the id that was given up.
    bare = desk.id("bare")
    third = review.merge(desk.world.office, max(near1, near2), bare, "同一人")
    assert desk.id("bare") == desk.id("near1") == desk.id("near2")
    with pytest.raises(UsageError, match="no live judgement"):
        review.take_back(desk.world.office, [*done["judgements"], 9999], "x")
    review.take_back(desk.world.office, [*done["judgements"], *third["judgements"]], "认错人")
    assert (desk.id("near1"), desk.id("near2"), desk.id("bare")) == (near1, near2, bare)
    assert set(desk.world.entities()["entity_id"]) >= {near1, near2}


def test_an_account_is_split_off_and_the_split_outlives_new_reports(desk: Desk) -> None:
    """A second way in which one holder is described is parted from the first."""
    again = row("second", like(20, address=person(90).address), person_id=None)
    desk.world.kuaishou(FEB, [*ROWS, again])
    desk.world.night()
    holder = desk.id("alone")
    assert desk.id("second") == holder
    done = review.split(desk.world.office, holder, "kuaishou", "second", "另一人借用")
    parted = desk.id("second")
    assert parted != holder
    assert desk.id("alone") == holder
    desk.world.kuaishou("2026-03-31", [*ROWS, again])
    desk.world.night()
    assert (desk.id("alone"), desk.id("second")) == (holder, parted)
    review.take_back(desk.world.office, done["judgements"], "确为本人")
    assert desk.id("second") == holder


def test_rows_with_one_number_and_name_are_nothing_to_split(small_desk: Desk) -> None:
    small_desk.world.kuaishou(FEB, [*ROWS, row("third", person(20))])
    small_desk.world.night()
    with pytest.raises(JudgementRefused, match="nothing to split off"):
        review.split(small_desk.world.office, small_desk.id("third"), "kuaishou", "third", "x")
    with pytest.raises(JudgementRefused, match="has no account"):
        review.split(small_desk.world.office, small_desk.id("one"), "kuaishou", "third", "x")


def test_a_split_does_not_run_across_what_a_person_said(small_desk: Desk) -> None:
    joined = small_desk.decide("near1", "near2", "same", who="王芳")["judgements"]
    with pytest.raises(JudgementRefused, match=rf"judgement {joined[0]} \(same, by 王芳"):
        review.split(small_desk.world.office, small_desk.id("near2"), "kuaishou", "near2", "x")
