"""Two who write at the same time: the second waits, and neither fails."""

from __future__ import annotations

import threading

from sqlalchemy import text

from zp_registry.registry.database import open_database, upgrade
from zp_registry.registry.state import read_state, write_state


def test_whoever_reads_before_writing_waits_for_another_who_writes(database_url: str) -> None:
    engine = open_database(database_url)
    upgrade(engine)
    with engine.begin() as connection:
        write_state(connection, "turns", "0")
    ready = threading.Barrier(4)

    def turn() -> None:
        ready.wait()
        for _ in range(25):
            with engine.begin() as connection:
                if connection.dialect.name == "postgresql":
                    connection.execute(text("LOCK TABLE state"))  # SQLite's transactions do so by themselves
                write_state(connection, "turns", str(int(read_state(connection, "turns") or 0) + 1))

    threads = [threading.Thread(target=turn) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with engine.connect() as connection:
        assert read_state(connection, "turns") == "100"
    engine.dispose()


def test_who_only_reads_keeps_nobody_waiting(database_url: str) -> None:
    engine = open_database(database_url)
    upgrade(engine)
    with engine.connect() as reader:
        read_state(reader, "turns")
        with engine.begin() as writer:
            write_state(writer, "turns", "1")
        assert read_state(reader, "turns") in (None, "1")
    engine.dispose()
