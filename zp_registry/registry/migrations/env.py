"""Alembic's environment: runs on the engine that the caller hands over, never on settings of its own."""

from __future__ import annotations

from functools import cache
from typing import Any

from alembic import context
from sqlalchemy import Connection, text

from zp_registry.registry.models import Base


def _compared(connection: Connection) -> Any:
    """What is held against the models: on PostgreSQL no partition, nor a key that a table in partitions cannot have."""

    @cache
    def parts() -> set[str]:
        return set(connection.execute(text("SELECT relname FROM pg_class WHERE relispartition")).scalars())

    def wanted(thing: Any, name: str | None, kind: str, _reflected: bool, _other: Any) -> bool:
        if connection.dialect.name == "sqlite":
            return True
        if kind == "table":
            return name not in parts()
        if kind == "foreign_key_constraint":
            return thing.elements[0].target_fullname.split(".")[0] not in parts()
        return not (kind in ("unique_constraint", "index") and thing.table.name == "record"
                    and [c.name for c in thing.columns] == ["record_key"])  # fmt: skip

    return wanted


def run() -> None:
    """Runs all pending migrations in one transaction on ``config.attributes['engine']``: each of them or none."""
    engine = context.config.attributes["engine"]
    sqlite = engine.dialect.name == "sqlite"
    with engine.connect() as connection:
        driver = connection.connection
        if sqlite:  # a table that is made anew would take with it what refers to it; only outside a transaction this can be off
            driver.cursor().execute("PRAGMA foreign_keys=OFF")
        try:
            # SQLite undoes changes of the schema like any other, although Alembic does not take it for granted.
            context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True, compare_type=True,
                              transactional_ddl=True, include_object=_compared(connection))  # fmt: skip
            with context.begin_transaction():
                context.run_migrations()
                if sqlite and driver.cursor().execute("PRAGMA foreign_key_check").fetchone() is not None:
                    raise ValueError("after the migration rows refer to others that are not there")
            connection.commit()
        finally:
            if sqlite:
                connection.rollback()
                driver.cursor().execute("PRAGMA foreign_keys=ON")


run()
