"""What follows from a decision follows at once, and the decision outlives what is loaded and how it is scored afterwards."""

from __future__ import annotations

import pandas as pd
import pytest
from desks import FEB, JAN, ROWS, Desk, like, weak
from worlds import masked, person, pledge, row
from zp_registry.jobs import review
from zp_registry.jobs.derive import derive
from zp_registry.jobs.imports import Options, import_file

from zp_registry.registry import matchmodels
from zp_registry.resolve.model import Bands, load_model


def test_holdings_pledges_and_flags_follow_in_the_same_step(desk: Desk) -> None:
    """near1's account goes to near2 in February: a change of holder, until somebody says that the two are one."""
    later = [
        weak("near1", like(1, phone=ROWS[1]["phone"], address=person(60).address), person_id=masked(person(1).person_id)),
        *ROWS[1:],
    ]
    desk.world.ledger([pledge("P1", person(7), "2026-01-15")])
    desk.world.kuaishou(FEB, [*later, row("rival2", person(7))])
    desk.world.night()
    rival, one = desk.id("rival"), desk.id("one")
    statuses = dict(zip(desk.world.entities()["entity_id"], desk.world.entities()["pledge_status"], strict=True))
    assert (statuses[one], statuses[rival]) == ("signed", "missing")
    done = desk.decide("rival", "one", "same")
    kept = desk.id("one")
    assert desk.id("rival") == kept == min(one, rival)
    assert done["changed"] is True
    known = desk.world.entities().set_index("entity_id")
    assert known.loc[kept, "pledge_status"] == "signed"
    assert max(one, rival) not in known.index
    held = desk.world.knowledge().holdings
    assert set(held.loc[held["account_id"].isin(["rival", "one"]), "entity_id"]) == {kept}
    flags = pd.DataFrame(desk.world.flags())
    open_ = flags[flags["status"] == "open"]
    assert max(one, rival) not in {*open_["entity_id"].dropna(), *open_["other_entity_id"].dropna()}
    review.undo(desk.world.office, "-".join(sorted((rival, one))), "认错人")
    back = desk.world.entities().set_index("entity_id")
    assert (back.loc[one, "pledge_status"], back.loc[rival, "pledge_status"]) == ("signed", "missing")


def test_a_merge_takes_the_flag_of_a_changed_holder_away_and_undo_brings_it_back(small_desk: Desk) -> None:
    renamed = {"name": "陈换名", "person": "陈换名", "person_id": masked(person(33).person_id)}
    moved = [{**ROWS[0], "phone": ROWS[1]["phone"], **renamed}, *ROWS[1:]]
    former = small_desk.id("near1")
    small_desk.world.kuaishou(FEB, moved)
    small_desk.world.night()
    present = small_desk.id("near1")
    assert present != former

    def changed() -> set[tuple[str, str]]:
        """Code and holder of the account's open flags that name the former holder."""
        told = [f for f in small_desk.world.flags() if f["account_id"] == "near1" and f["status"] == "open"]
        return {(f["code"], f["entity_id"]) for f in told if f["other_entity_id"] == former}

    before = changed()
    assert before
    done = review.merge(small_desk.world.office, former, present, "本人改名，有户口簿")
    assert changed() == set()
    assert len(small_desk.world.holdings("near1")) == 1
    review.take_back(small_desk.world.office, done["judgements"], "实为两人")
    assert changed() == before
    assert len(small_desk.world.holdings("near1")) == 2


def test_nothing_is_kept_when_what_follows_fails(small_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("disk full")

    before = small_desk.world.entities()
    monkeypatch.setattr("zp_registry.jobs.derive.write_flags", broken)
    with pytest.raises(RuntimeError):
        small_desk.decide("near1", "near2", "same")
    assert small_desk.judgements() == []
    pd.testing.assert_frame_equal(small_desk.world.entities(), before)


def test_decisions_outlive_the_same_files_changed_files_and_a_full_resolve(desk: Desk) -> None:
    desk.decide("near1", "near2", "same")
    desk.decide("rival", "one", "different")
    before = desk.world.accounts()
    again = desk.world.file("kuaishou_20260131.csv")
    again.write_bytes((desk.world.folder / "001" / "kuaishou_20260131.csv").read_bytes())
    assert import_file(desk.world.office, again, Options()).state == "unchanged"
    derive(desk.world.office, full=True)
    pd.testing.assert_frame_equal(desk.world.accounts(), before)
    # A corrected file of that date: near2 has another name of the account, one a new address.
    changed = [dict(r) for r in ROWS]
    changed[1]["account_name"], changed[2]["address"] = "换了昵称", person(99).address
    desk.world.kuaishou(JAN, changed)
    desk.world.night()
    assert desk.id("near1") == desk.id("near2")
    assert desk.id("rival") != desk.id("one")
    assert desk.pair("rival", "one") not in desk.pairs()


def test_decisions_outlive_another_model(small_desk: Desk) -> None:
    """With bands by which everything alike is linked, what a person parted stays parted, what a person joined stays joined."""
    small_desk.decide("near1", "near2", "different")
    small_desk.decide("bare", "alone", "same")
    eager = load_model().model_copy(update={"bands": Bands(link=-2.0, review=-3.0, margin=0.0)})
    with small_desk.world.office.engine.begin() as connection:
        version, _ = matchmodels.keep_model(connection, eager, {})
        matchmodels.use_model(connection, version)
    small_desk.world.night()
    assert small_desk.id("near1") != small_desk.id("near2")
    assert small_desk.pair("near1", "near2") not in small_desk.pairs()
    assert small_desk.id("bare") == small_desk.id("alone")
    with small_desk.world.office.engine.begin() as connection:
        matchmodels.use_model(connection, None)
    small_desk.world.night()
    assert small_desk.id("bare") == small_desk.id("alone")
