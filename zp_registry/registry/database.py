"""Opening the database: SQLite in WAL mode by default, PostgreSQL through psycopg 3; schema by Alembic."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url

from zp_registry.errors import UpgradeFailed, UsageError


def open_database(url: str) -> Engine:
    """An engine for ``url`` (``sqlite:///…`` or ``postgresql+psycopg://…``). UsageError for another kind."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": 30})
        event.listen(engine, "connect", _sqlite_pragmas)
        event.listen(engine, "begin", _sqlite_begin)
        # SQLAlchemy lets nobody choose another class for an engine; ``connect()`` stays as it is.
        engine.begin = functools.partial(_writing, engine)  # type: ignore[method-assign]
        return engine
    if parsed.drivername == "postgresql+psycopg":
        return create_engine(url, pool_pre_ping=True)
    raise UsageError(f"database {parsed.drivername!r} is not supported: use sqlite:///… or postgresql+psycopg://…")


def _sqlite_pragmas(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver's own half-automatic transactions would commit behind our back
    cursor = connection.cursor()
    # FULL: a commit is on the disk before its file leaves the inbox; a lost write-ahead log would else lose the report with it.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY", "cache_size=-65536"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


@contextmanager
def _writing(engine: Engine) -> Iterator[Connection]:
    """What ``Engine.begin`` does, but of two who mean to write the second waits from the start. A transaction that has read
    before another one wrote could not write any more: SQLite ends it at once, however long it would have waited."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


def _sqlite_begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")


def alembic_config(engine: Engine) -> Config:
    """Alembic's configuration for the migrations that ship in the package."""
    config = Config()
    config.set_main_option("script_location", str(files("zp_registry.registry").joinpath("migrations")))
    config.attributes["engine"] = engine
    return config


def upgrade(engine: Engine) -> None:
    """Creates or upgrades the schema to the newest version, wholly or not at all; safe to repeat. UpgradeFailed."""
    try:
        command.upgrade(alembic_config(engine), "head")
    except Exception as error:
        # Neither the text nor the cause: a statement that failed may hold values of rows.
        raise UpgradeFailed(f"the database could not be upgraded from schema {schema_of(engine)} ({type(error).__name__}): "
                            "it is as it was, and the former version of this program goes on working with it") from None


def schema_of(engine: Engine) -> str | None:
    """The version of the database's schema; None where there is none yet."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def schema_is_current(engine: Engine) -> bool:
    """True when the database's schema is the newest one that this package knows. UsageError when it is newer than that."""
    scripts, there = ScriptDirectory.from_config(alembic_config(engine)), schema_of(engine)
    if there is not None and there not in {r.revision for r in scripts.walk_revisions()}:
        raise UsageError(f"the database was made by a newer version of this program (schema {there}): install that one")
    return there == scripts.get_current_head()


def renew_statistics(engine: Engine) -> None:
    """Has PostgreSQL count anew what stands in tables that have changed much, for its plans: of tables in partitions it does so
    by itself for each part alone. Nothing on SQLite."""
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            connection.exec_driver_sql("SELECT renew_statistics()")
