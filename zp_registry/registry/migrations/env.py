"""Alembic's environment: runs on the engine that the caller hands over, never on settings of its own."""

from __future__ import annotations

from alembic import context

from zp_registry.registry.models import Base


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
                              transactional_ddl=True)  # fmt: skip
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
