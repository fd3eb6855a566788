"""Look-ups of one party or account, and merges of a small file, go by indexes: no plan reads a large table from end to end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event, inspect, text
from worlds import person, row, world

from zp_registry.home import Home
from zp_registry.registry.dossier import account_dossier, entity_dossier
from zp_registry.registry.load import known_file

LARGE = ("record", "sighting", "account", "entity", "holding", "subject")
ROWS = 20_000
# What the filler's columns hold where they may not be empty or matter to a plan; {i} counts.
VALUES = {
    "id": "1000000 + i", "record_id": "1000000 + i", "subject_id": "1000000 + i", "report_id": "1000000 + i", "live": "1",
    "platform": "'kuaishou'", "source": "'kuaishou'", "account_id": "'f' || i", "account_ref": "'f' || i",
    "entity_id": "'E9' || i", "record_kind": "'account'", "valid_from": "'2025-01-31'",
}  # fmt: skip


# Questions about a whole report (how many accounts it has) or about all people of lists without accounts.
OVER_ALL = ("COUNT(DISTINCT c.account_ref)", "c.record_kind = 'streamer'")


def fill(engine: Engine) -> dict[str, str]:
    """Many rows in every large table, of no meaning; the database knows how many they are. Returns the tables, or the parts of
    tables, that hold so many, and the table that each is (of): what is nearly empty may be read whole."""
    postgres = engine.dialect.name == "postgresql"
    counted = f"generate_series(1, {ROWS}) AS g(i)" if postgres else "g"
    head = "" if postgres else f"WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < {ROWS}) "
    raw = engine.raw_connection()  # SQLite changes this setting outside of a transaction alone
    cursor = raw.cursor()
    cursor.execute("SET session_replication_role = replica" if postgres else "PRAGMA foreign_keys = OFF")
    for table in LARGE:
        given = {}
        for column in inspect(engine).get_columns(table):
            name, length = column["name"], getattr(column["type"], "length", None)
            if name in VALUES:
                given[name] = VALUES[name]
            elif not column["nullable"]:
                short = length is not None and length < len(name) + 6
                number = "INT" in str(column["type"]).upper()
                given[name] = "0" if number else f"'{'2025-01-31'[:length]}'" if short else f"'{name}' || i"
        cursor.execute(f"{head}INSERT INTO {table} ({', '.join(given)}) SELECT {', '.join(given.values())} FROM {counted}")
    cursor.execute("SET session_replication_role = origin" if postgres else "PRAGMA foreign_keys = ON")
    cursor.execute("ANALYZE")
    held = {table: table for table in LARGE}
    if postgres:
        cursor.execute("SELECT p.relname, c.relname FROM pg_inherits JOIN pg_class p ON p.oid = inhrelid JOIN pg_class c "
                       f"ON c.oid = inhparent WHERE p.reltuples >= {ROWS} AND p.relkind = 'r'")  # fmt: skip
        held |= dict(cursor.fetchall())
        assert {held[part] for part in held.keys() - set(LARGE)} == {"record", "sighting", "holding"}
    raw.commit()
    raw.close()
    return held


@contextmanager
def plans(engine: Engine) -> Iterator[list[tuple[str, str]]]:
    """(statement, line of its plan) of everything that is executed, as the database plans it at that moment."""
    found: list[tuple[str, str]] = []
    explain = "EXPLAIN " if engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "

    def before(connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if many or statement.lstrip()[:6].upper() not in ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH L"):
            return
        cursor = connection.connection.cursor()
        cursor.execute(explain + statement, parameters or ())
        found.extend((statement, str(line[-1])) for line in cursor.fetchall())
        cursor.close()

    event.listen(engine, "before_cursor_execute", before)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", before)


def read_whole(line: str, held: dict[str, str]) -> str | None:
    """The large table (``held``: of fill) that a line of a plan reads from end to end."""
    words = line.replace("->", " ").split()
    if "Seq Scan on" in line:
        table = words[words.index("on") + 1]
    elif words[:1] == ["SCAN"] and "USING" not in words:
        table = words[1]
    else:
        return None
    return held.get(table)


def test_a_plan_that_reads_a_whole_table_is_noticed(database_url: str, home: Home, tmp_path: Path) -> None:
    with world(home.root, tmp_path / "files", database_url) as county:
        held = fill(county.office.engine)
        with plans(county.office.engine) as found, county.office.engine.connect() as connection:
            connection.execute(text("SELECT id FROM record WHERE account_name = 'nobody'")).all()
        assert [read_whole(line, held) for _, line in found if read_whole(line, held)] == ["record"]


def test_look_ups_and_merges_go_by_indexes(database_url: str, home: Home, tmp_path: Path) -> None:
    with world(home.root, tmp_path / "files", database_url) as county:
        county.kuaishou("2026-01-31", [row("k1", person(1)), row("k2", person(2))])
        county.night()
        engine = county.office.engine
        entity = county.accounts().iloc[0]["entity_id"]
        held = fill(engine)
        with plans(engine) as found:
            with engine.connect() as connection:
                assert account_dossier(connection, "kuaishou", "k1", "2026-01-31")
                assert entity_dossier(connection, entity, "2026-01-31")
                known_file(connection, "0" * 64, "{}")
            looked = len(found)
            county.kuaishou("2026-02-28", [row("k1", person(1)), row("k2", person(3))])
        assert looked > 20
        assert len(found) > looked
        whole = {(table, " ".join(statement.split())) for statement, line in found if (table := read_whole(line, held))}
        assert sorted(one for one in whole if not any(words in one[1] for words in OVER_ALL)) == []
