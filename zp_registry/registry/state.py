"""Small facts about the registry itself, kept by name."""

from __future__ import annotations

from sqlalchemy import Connection, text


def read_state(connection: Connection, name: str) -> str | None:
    """The fact of this name; None when it was never written."""
    row = connection.execute(text("SELECT value FROM state WHERE name = :n"), {"n": name}).first()
    return None if row is None else str(row[0])


def write_state(connection: Connection, name: str, value: str) -> None:
    """Writes or replaces the fact of this name."""
    connection.execute(
        text("INSERT INTO state (name, value) VALUES (:n, :v) ON CONFLICT (name) DO UPDATE SET value = excluded.value"),
        {"n": name, "v": value},
    )
