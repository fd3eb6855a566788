"""However the evidence is divided, the registry is the same: to the row, and to the id."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import World, comparable, firm, person, row, shop, world
from zp_registry.jobs.derive import derive, told_again
from zp_registry.jobs.imports import Options, import_files
from zp_registry.simulator import Dirt, generate

from zp_registry.registry.inputs import again_inputs
from zp_registry.registry.knowledge import entity_of
from zp_registry.registry.standing import StandingParts, read_evidence
from zp_registry.resolve.parts import divided

_TABLES = {
    "entity": "entity_id", "entity_identifier": "entity_id, kind, value", "entity_name": "entity_id, name",
    "account": "platform, account_id", "link": "entity_id, other_entity_id, kind", "flag": "flag_id", "case_file": "case_id",
    "holding": "platform, account_id, entity_id, valid_from, recorded_to IS NULL",
    "role": "platform, account_id, role, party_key, valid_from, recorded_to IS NULL",
}  # fmt: skip


def stored(made: World) -> dict[str, list[list[Any]]]:
    """Every row that follows from the evidence, but surrogate numbers and recorded times."""
    out = {}
    for table, key in _TABLES.items():
        frame = made.sql(f"SELECT * FROM {table} ORDER BY {key}")
        hidden = [c for c in ("id", "recorded_from") if c in frame]
        frame = frame.drop(columns=hidden)
        if "recorded_to" in frame:
            frame["recorded_to"] = frame["recorded_to"].notna()
        out[table] = frame.astype(object).fillna("").astype(str).to_numpy().tolist()
    return out


@contextmanager
def divided_world(folder: Path, rows: int, database_url: str | None = None) -> Iterator[World]:
    """A registry that works on so many report rows at a time."""
    with world(folder / "home", folder / "files", database_url) as made:
        resolving = made.office.settings.resolve.model_copy(update={"part_rows": rows})
        made.office.settings = made.office.settings.model_copy(update={"resolve": resolving})
        yield made


def a_county(made: World, source: Path) -> list[dict[str, list[list[Any]]]]:
    """Two months of a simulated county, and what stood after each; some of the first is told again last."""
    out = []
    for month in ("202601", "202602"):
        found = [o for _, o in import_files(made.office, sorted((source / "reports").glob(f"*{month}*")), Options())]
        assert {o.state for o in found} == {"loaded"}
        derive(made.office)
        out.append(stored(made))
    assert list(import_files(made.office, sorted((source / "pledges").iterdir()), Options(kind="pledge")))
    derive(made.office)
    out.append(stored(made))
    return out


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("county")
    generate(folder, seed=77, accounts=140, months=2, dirt=Dirt(), flat=True)
    return folder


def test_a_county_in_parts(county: Path, tmp_path: Path) -> None:
    with divided_world(tmp_path / "whole", 1_000_000) as made:
        whole = a_county(made, county)
        past = made.knowledge(as_of="2026-01-31")
    with divided_world(tmp_path / "parts", 140) as made:
        parts = a_county(made, county)
        with made.office.engine.begin() as connection:
            evidence = read_evidence(connection)
            places = StandingParts(connection, evidence, entity_of(connection), 140).places
            assert places["part"].nunique() >= 3
        again = made.knowledge(as_of="2026-01-31")
    for one, other in zip(whole, parts, strict=True):
        for table in _TABLES:
            assert one[table] == other[table], table
    assert all(whole[-1][t] for t in _TABLES)
    for name in ("entities", "accounts", "holdings", "flags"):
        pd.testing.assert_frame_equal(getattr(past, name), getattr(again, name), obj=name)


def nights(made: World) -> list[dict[str, Any]]:
    """Accounts that come, change hands, share a phone, vanish and are taken back by a corrected report."""
    several = [row(f"k{n}", person(n), phone="13800138000") for n in range(1, 8)]
    made.kuaishou("2026-01-31", [*several, row("k20", shop(20, person(1))), row("k21", firm(21, person(2)))])
    derive(made.office)
    out = [comparable(made.office)]
    made.kuaishou("2026-02-28", [*several[2:], row("k1", person(30)), row("k21", firm(21, person(2)))])
    made.weipaitang("2026-02-28", [row("w1", person(3)), row("w2", person(9))])
    derive(made.office)
    out.append(comparable(made.office))
    made.kuaishou("2026-01-31", several[3:])  # k1 to k3, k20 and k21 were never there
    made.weipaitang("2026-02-28", [row("w1", person(4))])
    derive(made.office)
    out.append(comparable(made.office) | {"believed": [h[1:] for h in made.holdings("k20", all_versions=True)]})
    return out


def test_what_no_part_speaks_of_any_more_goes(tmp_path: Path, database_url: str) -> None:
    with divided_world(tmp_path / "parts", 4, database_url) as made:
        parts = nights(made)
    with divided_world(tmp_path / "whole", 1_000) as made:
        whole = nights(made)
    assert parts == whole
    first, second, last = [{a[1] for a in night["accounts"]} for night in parts]
    assert first - last == {"k2", "k20"}
    assert second - last == {"k2", "k20", "w2"}
    assert parts[2]["believed"] == [("2026-01-31", None), ("2026-01-31", "2026-02-28")], "what was once believed stays"


def test_a_day_told_again_in_parts_is_matched_from_the_same_rows(tmp_path: Path) -> None:
    with divided_world(tmp_path, 1) as made:
        nights(made)
        with made.office.engine.begin() as connection:
            evidence = read_evidence(connection, "2026-01-31")
            rows = again_inputs(connection, evidence).rows
            assert rows.num_rows == len(evidence.accounts) == 4
            assert set(told_again(made.office, connection, "2026-01-31").knowledge.accounts["account_id"]) == {
                f"k{n}" for n in range(4, 8)
            }


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_accounts_and_all_their_holders_stay_together(data: st.DataObject) -> None:
    count = data.draw(st.integers(0, 30))
    ids = st.integers(0, 12)
    accounts = pd.DataFrame(
        {
            "record_id": pd.array(range(count), dtype="int64"),
            "platform": pd.array(["p"] * count, dtype="str"),
            "account_id": pd.array([f"a{data.draw(ids)}" for _ in range(count)], dtype="str"),
        }
    )
    entity = pd.Series([data.draw(st.one_of(st.none(), ids.map(lambda n: f"E{n}"))) for _ in range(count)], dtype="str")
    seen = [data.draw(st.integers(0, count - 1)) for _ in range(data.draw(st.integers(0, 60)) if count else 0)]
    rows = data.draw(st.integers(1, 40))
    part = divided(accounts, entity, pd.DataFrame({"record_id": pd.array(seen, dtype="int64")}), rows)
    told = accounts.assign(entity=entity, part=part, seen=accounts["record_id"].map(pd.Series(seen).value_counts()).fillna(0))
    assert sorted(told["part"].unique()) == list(range(told["part"].nunique()))
    for column in ("account_id", "entity"):
        assert (told.groupby(column)["part"].nunique() <= 1).all()
    # A part is full, but for what its last group brings.
    group = {e: {e} for e in told["account_id"]}
    for _, same in told.dropna(subset=["entity"]).groupby("entity")["account_id"]:
        joined = set().union(*(group[a] for a in same))
        group |= dict.fromkeys(joined, joined)
    largest = max([told.loc[told["account_id"].isin(g), "seen"].sum() for g in group.values()], default=0)
    assert told.groupby("part")["seen"].sum().max() < rows + largest or told["seen"].sum() == 0
