"""What a resolve keeps for the next night: it spares reading and changes nothing, be it there, lost or of another moment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import feather
from sqlalchemy import create_engine, text
from worlds import World, card, kuaishou, masked, person, phone, row, share, shop, world
from zp_registry.jobs.derive import resolve_within

from zp_registry.home import Home
from zp_registry.registry import audit, bulk, matchcache
from zp_registry.registry.inputs import read_match_inputs

JAN, FEB = "2026-01-31", "2026-02-28"
BOTH = [pytest.param("sqlite", id="sqlite"), pytest.param("postgresql", id="postgresql", marks=pytest.mark.postgres)]


@pytest.fixture(params=BOTH)
def url(request: pytest.FixtureRequest) -> str | None:
    """A database of each kind."""
    return str(request.getfixturevalue("postgres_url")) if request.param == "postgresql" else None


@pytest.fixture
def county(home: Home, tmp_path: Path, url: str | None) -> Iterator[World]:
    """A registry with a first night behind it."""
    with world(home.root, tmp_path / "files", url) as made:
        made.kuaishou(
            JAN, [row("k1", person(1)), row("k2", shop(2)), row("k3", person(3), person_id=masked(person(3).person_id))]
        )
        made.load(share(made.file("province_share_20260131.xlsx"), [("快手", "h_k1", person(1)), ("快手", "k7", person(7))]))
        made.night()
        yield made


def _rows(table: pa.Table) -> list[tuple[Any, ...]]:
    counts = pc.or_(pc.equal(table["live"], 1), pc.equal(table["was_live"], 1))
    frame = table.filter(counts).to_pandas().astype("str")
    return sorted(frame[sorted(frame.columns)].itertuples(index=False, name=None))


def _agree(county: World) -> None:
    """With what was kept and without it, matching works on the same."""
    with county.office.engine.connect() as connection:
        known = matchcache.recall(connection, county.office.home.cache)
        assert known is not None
        quick, whole = read_match_inputs(connection, known), read_match_inputs(connection)
    assert _rows(quick.rows) == _rows(whole.rows)
    assert sorted(quick.order.to_pylist(), key=str) == sorted(whole.order.to_pylist(), key=str)
    loose = [sorted(i.accounts.astype("str").itertuples(index=False, name=None)) for i in (quick, whole)]
    assert loose[0] == loose[1]
    assert len(loose[0]) == 2


def test_what_changed_since_is_read_and_the_rest_recalled(county: World) -> None:
    _agree(county)
    county.kuaishou(FEB, [row("k1", person(4)), row("k2", shop(2)), row("k7", person(7))])
    _agree(county)
    corrected = kuaishou(county.file("kuaishou_20260131.csv"), [row("k1", person(1)), row("k5", person(5))])
    county.load(corrected)  # in place of January's report: k3 stands in no live report any more
    _agree(county)
    county.night()
    _agree(county)
    assert "k3" not in set(county.accounts()["account_id"])


def test_a_lost_or_broken_file_costs_nothing_but_time(county: World) -> None:
    for as_of, which, damage in (
        (FEB, 0, Path.unlink),
        ("2026-03-31", 1, lambda path: path.write_bytes(b"no arrow")),
        ("2026-04-30", -1, Path.unlink),
    ):
        county.kuaishou(as_of, [row("k1", person(1)), row("k8", person(8))])
        damage(sorted(county.office.home.cache.iterdir())[which])
        with county.office.engine.connect() as connection:
            assert matchcache.recall(connection, county.office.home.cache) is None
        county.night()
        _agree(county)
    assert {"k1", "k8"} <= set(county.accounts()["account_id"])


def test_what_a_resolve_kept_that_did_not_stand_is_never_taken(county: World) -> None:
    county.kuaishou(FEB, [row("k1", person(1)), row("k6", person(6))])
    with county.office.engine.connect() as connection:
        resolve_within(connection, county.office, audit.moment())
        connection.rollback()
    _agree(county)
    county.night()
    _agree(county)
    assert "k6" in set(county.accounts()["account_id"])


def test_nights_add_a_file_each_until_one_is_written_anew(county: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matchcache, "_MOST_FILES", 3)
    monkeypatch.setattr(matchcache, "_MOST_CHANGED", 9.0)
    counts = []
    for month in range(2, 8):
        county.kuaishou(
            f"2026-{month:02d}-28", [row("k1", person(month)), row("k2", shop(2)), row(f"k{month + 2}", person(50))]
        )
        with county.office.engine.begin() as connection:  # who is who alone: histories and flags keep nothing
            resolve_within(connection, county.office, audit.moment())
        _agree(county)
        counts.append(len(list(county.office.home.cache.glob("match-*-order.arrow"))))
    assert counts == [2, 3, 4, 2, 3, 4], "those before stay until the new one is sure to stand"
    county.night()
    assert county.holder("k1") != county.holder("k2")


def test_no_number_is_kept_in_clear(county: World) -> None:
    paths = list(county.office.home.cache.iterdir())
    assert [p for p in paths if p.stat().st_mode & 0o077] == []
    texts = "\n".join(str(v) for p in paths for c in feather.read_table(p).itercolumns() for v in c.to_pylist())
    assert masked(person(3).person_id) in texts
    for n in (1, 2, 3, 7):
        assert not [s for s in (person(n).person_id, phone(n), card(n)) if s in texts]


def test_any_text_comes_through(url: str | None) -> None:
    values = ["a", "b\nc", "q\x01x\x01", "f\x1fy", "", "\r\n z", "\x01", None, "中\n\n文", '"x"', "\u2028"]
    engine = create_engine(url or "sqlite://")
    with engine.connect() as connection:
        connection.execute(text("CREATE TEMP TABLE any_text (id INTEGER, v TEXT)"))
        connection.execute(text("INSERT INTO any_text VALUES (:id, :v)"), [{"id": n, "v": v} for n, v in enumerate(values)])
        table = bulk.read_table(connection, "FROM any_text ORDER BY id", ["id", "v"], ["id"], free=["v"])
        numbers = bulk.read_table(connection, "FROM any_text WHERE id < 3 ORDER BY id", ["id"], ["id"])
        nothing = bulk.read_table(connection, "FROM any_text WHERE id < 0", ["id", "v"], ["id"])
    engine.dispose()
    assert table["v"].to_pylist() == [v or None for v in values]
    assert numbers["id"].to_pylist() == [0, 1, 2]
    assert (nothing.num_rows, nothing.column_names) == (0, ["id", "v"])
