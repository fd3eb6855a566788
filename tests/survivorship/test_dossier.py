"""Which values are shown of an entity, what it is linked to, and what its dossier tells; on either database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from worlds import World, citizen, firm, masked, name, person, phone, row, shop, world
from zp_registry.jobs import review

from zp_registry.home import Home
from zp_registry.registry.dossier import entity_dossier

JAN, FEB, MAR = "2026-01-31", "2026-02-28", "2026-03-31"


@pytest.fixture
def county(home: Home, tmp_path: Path, database_url: str) -> Iterator[World]:
    with world(home.root, tmp_path / "files", database_url) as made:
        yield made


@pytest.fixture
def small(home: Home, tmp_path: Path) -> Iterator[World]:
    with world(home.root, tmp_path / "files") as made:
        yield made


def dossier(made: World, account: str, as_of: str = MAR) -> dict[str, Any]:
    """Of the account's holder."""
    with made.office.engine.connect() as connection:
        found = entity_dossier(connection, made.holder(account), as_of)
    assert found is not None
    return found


def links(made: World) -> set[tuple[str, str, str]]:
    """(kind, name, name) of every link."""
    known = made.sql(
        "SELECT l.kind, a.name AS one, b.name AS other FROM link l JOIN entity a ON a.entity_id = l.entity_id "
        "JOIN entity b ON b.entity_id = l.other_entity_id"
    )
    return set(known.itertuples(index=False, name=None))


def test_the_dossier_tells_former_names_sources_and_why_it_is_one(county: World) -> None:
    """A firm that was renamed, moved and has a new phone, and that a shared list knows by a part of it."""
    old = firm(30)
    new = replace(old, name="镇平县新名称珠宝有限公司", phone=phone(200), address=person(60).address)
    county.kuaishou(JAN, [row("a", old)])
    county.kuaishou(FEB, [row("a", new)])
    county.night()
    told = dossier(county, "a")
    assert told["entity"]["name"] == new.name
    assert [(n["name"], n["state"], n["first_seen"], n["last_seen"]) for n in told["names"]] == [
        (new.name, "current", FEB, FEB), (old.name, "former", JAN, JAN)
    ]  # fmt: skip
    sources = {s["field"]: s for s in told["sources"]}
    assert {"name", "number", "phone", "address"} <= set(sources)
    for field in ("name", "phone", "address"):
        one = sources[field]
        assert (one["source_file"], one["row"], one["as_of"]) == ("kuaishou_20260228.csv", 2, FEB)
    assert [(p["first_seen"], p["last_seen"]) for p in told["phones"]] == [(FEB, FEB), (JAN, JAN)]
    assert [a["first_seen"] for a in told["addresses"]] == [FEB, JAN]
    assert {(e["tier"], e["rule"]) for e in told["why_one"]} == {("exact", "same_number")}
    # As it was told in January.
    past = dossier(county, "a", JAN)
    assert [n["name"] for n in past["names"]] == [old.name]
    text = str(told)
    assert not any(secret in text for secret in (old.phone, new.phone, old.card, citizen(30)))


def test_doubts_and_judgements_stand_in_both_dossiers(county: World) -> None:
    near = {"person_id": masked(citizen(1)), "payee": None, "payee_name": None, "streamers": []}
    other = replace(person(1), phone=phone(101), address="卧龙区")
    county.kuaishou(JAN, [row("a", person(1), **near), row("b", other, **near)])
    county.night()
    left, right = county.holder("a"), county.holder("b")
    assert left != right
    for account, other in (("a", right), ("b", left)):
        told = dossier(county, account)
        assert [(d["other_entity_id"], d["tier"]) for d in told["doubts"]] == [(other, "model")]
        assert told["judgements"] == []
    pair = "-".join(sorted((left, right)))
    number = review.decide(county.office, pair, "different", "两人，电话核实", who="王芳")["judgements"][0]
    for account in ("a", "b"):
        told = dossier(county, account)
        assert told["doubts"] == []
        assert [(j["number"], j["judgement"], j["who"], j["why"], j["deleted_at"]) for j in told["judgements"]] == [
            (number, "negative", "王芳", "两人，电话核实", None)
        ]
    review.take_back(county.office, [number], "再核")
    assert dossier(county, "a")["judgements"][0]["deleted_at"] is not None
    review.decide(county.office, pair, "same", "本人到场", who="王芳")
    told = dossier(county, "b")
    assert told["former_ids"] == [max(left, right)]
    assert [(e["tier"], e["why"]) for e in told["why_one"] if e["tier"] == "person"] == [("person", "本人到场")]


def test_a_person_and_the_own_businesses_are_linked_and_stay_apart(county: World) -> None:
    """operates: the sole proprietorship; controls: the firm whose legal representative the person is; nothing merges."""
    owner = person(5)
    county.kuaishou(JAN, [row("own", owner), row("shop", shop(6, owner)), row("firm", firm(7, owner))])
    county.night()
    assert len({county.holder(a) for a in ("own", "shop", "firm")}) == 3
    found = links(county)
    assert ("operates", owner.name, shop(6, owner).name) in found
    assert ("controls", owner.name, firm(7, owner).name) in found
    told = dossier(county, "own")
    assert {(link["kind"], link["name"]) for link in told["links"]} >= {
        ("operates", shop(6, owner).name), ("controls", firm(7, owner).name)
    }  # fmt: skip
    assert {link["linked_id"] for link in dossier(county, "firm")["links"]} >= {county.holder("own")}
    county.night()
    assert len(set(county.entities()["entity_id"])) == 3


def test_a_shared_payee_is_a_link_but_never_a_merge_and_a_hub_is_neither(small: World) -> None:
    payer = replace(person(11), card=person(10).card)
    small.kuaishou(JAN, [row("owner", person(10)), row("payer", payer, payee_name=person(10).name)])
    small.night()
    assert small.holder("owner") != small.holder("payer")
    assert links(small) == {("controls", person(10).name, person(11).name)}
    # Four more whose money goes there: a bookkeeper's account says nothing about any of them.
    more = [row(f"m{n}", replace(person(n), card=person(10).card), payee_name=person(10).name) for n in range(12, 16)]
    small.kuaishou(FEB, [row("owner", person(10)), row("payer", payer, payee_name=person(10).name), *more])
    small.night()
    assert links(small) == set()
    assert len(set(small.entities()["entity_id"])) == 6


def test_two_missing_numbers_are_not_one(small: World) -> None:
    """A firm that tells no number of its legal representative, and strangers who tell none of their own."""
    bare = {"person_id": None, "streamers": [], "payee": None, "payee_name": None}
    led = row("firm", firm(21), person_id=None, streamers=[])
    hidden = row("masked", person(9), **{**bare, "person_id": masked(citizen(9))})
    small.kuaishou(JAN, [led, row("bare", person(8), **bare), hidden])
    small.night()
    assert links(small) == set()


def test_a_phone_of_many_names_gives_no_link_by_name(small: World) -> None:
    """A firm names its legal representative without a number: a person of that name with its phone is linked, unless it is an
    agency's phone that many show."""
    chief = person(20)
    led = replace(firm(21, chief), card=person(22).card)
    company = row("firm", led, person_id=None, streamers=[], address="镇平县某处一号")
    small.kuaishou(JAN, [row("chief", chief, address="卧龙区某处二号"), company])
    small.night()
    assert ("controls", chief.name, firm(21, chief).name) in links(small)
    others = [row(f"x{n}", replace(person(n), phone=chief.phone)) for n in range(40, 45)]
    small.kuaishou(FEB, [row("chief", chief, address="卧龙区某处二号"), company, *others])
    small.night()
    assert links(small) == set()


def test_a_whole_number_counts_over_a_mask_and_a_platforms_own_name_over_a_shared_one(small: World) -> None:
    """Newer rows that say less do not take the place of what is certain; what can be reached is the newest."""
    holder = person(25)
    small.kuaishou(JAN, [row("k", holder)])
    small.wechat(FEB, [row("v", replace(holder, phone=phone(225)), person_id=masked(holder.person_id))])
    small.night()
    assert small.holder("k") == small.holder("v")
    told = dossier(small, "k")
    sources = {s["field"]: s["source_file"] for s in told["sources"]}
    assert sources["number"] == "kuaishou_20260131.csv"
    assert sources["name"] == "kuaishou_20260131.csv"
    assert sources["address"] == "wechat_channels_20260228.xlsx"
    assert told["entity"]["phone_mask"][-4:] in (phone(225)[-4:], holder.phone[-4:])
    assert name(25) == told["entity"]["name"]
