"""PostgreSQL's partitions: where rows stand, what that costs a promise, and that nobody but the owner sees the difference."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from sqlalchemy import Connection, make_url, text
from worlds import person, row, world
from zp_registry.jobs.doctor import examine

from zp_registry.home import Home
from zp_registry.registry.database import alembic_config, command, open_database, renew_statistics, upgrade

pytestmark = pytest.mark.postgres
JAN, FEB = "2026-01-31", "2026-02-28"


def _stand(connection: Connection, table: str) -> dict[str, int]:
    """How many rows of a table stand in each part."""
    rows = connection.execute(text(f"SELECT tableoid::regclass::text, COUNT(*) FROM {table} GROUP BY 1"))
    return {str(part): int(count) for part, count in rows}


def _plan(connection: Connection, query: str) -> str:
    return "\n".join(connection.execute(text(f"EXPLAIN {query}")).scalars())


def test_what_is_over_stands_apart_and_what_comes_goes_into_the_newest(postgres_url: str, home: Home, tmp_path: Path) -> None:
    with world(home.root, tmp_path / "files", postgres_url) as county:
        county.kuaishou(JAN, [row("k1", person(1)), row("k2", person(2))])
        county.night()
        county.kuaishou(JAN, [row("k1", person(3)), row("k2", person(2))])  # a corrected report: another held it all along
        county.night()
        with county.office.engine.begin() as connection:
            assert _stand(connection, "holding") == {"holding_live": 2, "holding_past": 1}
            assert set(_stand(connection, "role")) == {"role_live", "role_past"}
            live = _plan(connection, "SELECT * FROM holding WHERE recorded_to IS NULL")
            assert "holding_live" in live
            assert "holding_past" not in live
            for table in ("record", "report"):
                connection.execute(text(f"SELECT setval('{table}_id_seq', 20000000)"))
        county.kuaishou(FEB, [row("k1", person(4)), row("k2", person(2))])
        county.night()
        with county.office.engine.connect() as connection:
            assert _stand(connection, "record") == {"record_1": 3, "record_5": 1}
            assert _stand(connection, "sighting") == {"sighting_1": 4, "sighting_6": 2}
            known = _plan(connection, "SELECT * FROM record WHERE id = 20000001")
            assert "record_5" in known
            assert "record_1" not in known
        assert len(county.accounts()) == 2
        assert [str(f) for f in examine(county.office)] == []


def test_a_key_that_stands_twice_is_found(postgres_url: str, home: Home, tmp_path: Path) -> None:
    with world(home.root, tmp_path / "files", postgres_url) as county:
        county.kuaishou(JAN, [row("k1", person(1)), row("k2", person(1))])
        county.night()
        assert [str(f) for f in examine(county.office)] == []
        county.execute("UPDATE record SET record_key = (SELECT MIN(record_key) FROM record)")
        county.execute("UPDATE holding SET recorded_to = '2999', id = (SELECT MAX(id) FROM holding) WHERE account_id = 'k1'")
        found = {f.what for f in examine(county.office)}
    assert found >= {"rows of record that stand twice (record_key)", "rows of holding that stand twice (id)"}


def test_the_whole_is_counted_when_it_has_changed(postgres_url: str, home: Home, tmp_path: Path) -> None:
    with world(home.root, tmp_path / "files", postgres_url) as county:
        county.kuaishou(JAN, [row(f"k{n}", person(n)) for n in range(60)])
        with county.office.engine.begin() as connection:
            connection.execute(text("SELECT pg_stat_force_next_flush()"))
        renew_statistics(county.office.engine)
        counted = county.sql("SELECT relname, reltuples::int AS n FROM pg_class WHERE relkind = 'p'").set_index("relname")["n"]
    assert counted.to_dict() == {"record": "60", "sighting": "60", "holding": "-1", "role": "-1"}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_an_older_database_ends_with_the_tables_of_a_new_one(database_url: str, postgres_url: str) -> None:
    told = []
    for url, first in ((database_url, "0010"), (postgres_url, "head")):
        engine = open_database(url)
        command.upgrade(alembic_config(engine), first)
        with engine.begin() as connection:
            if first != "head":
                connection.execute(text("INSERT INTO subject (signature, created_at) VALUES ('x', '2026')"))
                connection.execute(text("INSERT INTO record (record_key, subject_id, source, record_kind, loose) "
                                        "VALUES ('a', 1, 'jd', 'account', 0), ('b', 1, 'jd', 'account', 0)"))  # fmt: skip
        upgrade(engine)
        with engine.begin() as connection:
            kept = connection.execute(text("SELECT record_key FROM record ORDER BY id")).scalars().all()
            assert kept == (["a", "b"] if first != "head" else [])
            made = connection.execute(text("INSERT INTO record (record_key, source, record_kind, loose) "
                                           "VALUES ('c', 'jd', 'account', 0) RETURNING id")).scalar()  # fmt: skip
            assert made == len(kept) + 1
        engine.dispose()
        words = ["pg_dump", "--schema-only", make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)]
        dump = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        told.append([line for line in dump.splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))])
    assert told[0] == told[1]
