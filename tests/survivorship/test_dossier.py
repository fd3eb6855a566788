"""What is shown of an entity, where it comes from, and what belongs together without being one; on both databases."""

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

JAN, FEB = "2026-01-31", "2026-02-28"


@pytest.fixture
def county(home: Home, tmp_path: Path, database_url: str) -> Iterator[World]:
    """A registry on either database."""
    with world(home.root, tmp_path / "files", database_url) as made:
        yield made


def dossier(county: World, entity: str) -> dict[str, Any]:
    """An entity's dossier as of the last report."""
    with county.office.engine.connect() as connection:
        found = entity_dossier(connection, entity, FEB)
    assert found is not None
    return found


def test_newer_values_are_shown_with_their_sources_and_former_ones_are_kept(county: World) -> None:
    old = person(1)
    new = replace(old, name=name(61), person=name(61), phone=phone(61))
    county.kuaishou(JAN, [row("a", old)])
    county.kuaishou(FEB, [row("a", new)])
    county.night()
    entity = county.holder("a")
    told = dossier(county, entity)
    shown = county.entities().set_index("entity_id").loc[entity]
    assert shown["name"] == new.name
    assert {n["name"] for n in told["names"]} == {old.name, new.name}
    source = {s["field"]: s for s in told["sources"]}
    assert any(s["source_file"] == "kuaishou_20260228.csv" and s["as_of"] == FEB for s in source.values())
    text = str(told)
    assert not [s for s in (citizen(1), old.phone, new.phone, old.card) if s in text]


def test_a_whole_number_is_shown_rather_than_a_newer_partial_one(county: World) -> None:
    county.kuaishou(JAN, [row("a", person(2))])
    county.kuaishou(FEB, [row("a", person(2), person_id=masked(citizen(2)))])
    county.night()
    entity = county.holder("a")
    kinds = {i["kind"] for i in dossier(county, entity)["identifiers"]}
    assert "id" in kinds
    assert len(county.entities()) == 1


def test_who_runs_a_shop_and_who_leads_a_firm_are_linked_and_not_one(county: World) -> None:
    boss = person(3)
    county.kuaishou(FEB, [row("own", boss), row("shop", shop(3, boss)), row("firm", firm(4, boss))])
    county.night()
    own, stall, company = (county.holder(a) for a in ("own", "shop", "firm"))
    assert len({own, stall, company}) == 3
    kinds = {(row_["entity_id"], row_["other_entity_id"], row_["kind"])
             for _, row_ in county.sql("SELECT entity_id, other_entity_id, kind FROM link").iterrows()}  # fmt: skip
    assert (own, stall, "operates") in kinds
    assert (own, company, "controls") in kinds
    assert {link["linked_id"] for link in dossier(county, own)["links"]} >= {stall, company}


def test_a_payee_account_that_many_use_links_nobody(county: World) -> None:
    bookkeeper = person(30)
    crowd = [row(f"c{n}", person(n), payee=bookkeeper.card, payee_name=bookkeeper.name) for n in range(5, 11)]
    county.kuaishou(FEB, [row("keeper", bookkeeper), *crowd])
    county.night()
    assert county.sql("SELECT entity_id FROM link WHERE kind = 'controls'").empty
    assert len(county.entities()) == 7


def test_doubts_and_judgements_stand_in_the_dossier(county: World) -> None:
    bare: dict[str, Any] = {"payee": None, "payee_name": None, "streamers": []}
    near = replace(person(1), phone=phone(101), address=person(60).address)
    bare["person_id"] = masked(citizen(1))
    county.kuaishou(FEB, [row("near1", person(1), **bare), row("near2", near, **bare)])
    county.night()
    one, two = county.holder("near1"), county.holder("near2")
    assert one != two
    assert [d["other_entity_id"] for d in dossier(county, one)["doubts"]] == [two]
    review.decide(county.office, f"{one}-{two}", "different", "两人", who="王芳")
    told = dossier(county, one)
    assert told["doubts"] == []
    judged = told["judgements"]
    assert [(j["why"], j["who"], j["other_entity_id"]) for j in judged] == [("两人", "王芳", two)]
