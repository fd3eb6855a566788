"""One writer per database, whatever host or home folder it comes from.

PostgreSQL: an advisory lock of a session that lives as long as the run; the server frees it when that session is gone, so no
lock is ever stale. SQLite: a lock of the kernel beside the database file, where that lies outside the home folder, whose own
lock holds already.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from zp_registry.errors import LockHeld
from zp_registry.lock import only_writer

_LOCK = 0x7A70_7265_6769  # "zpregi": the number that every run asks for; advisory locks are apart per database


@contextmanager
def only_writer_of(engine: Engine, home: Path, command: str) -> Iterator[None]:
    """Holds the database's lock while the block runs. LockHeld (exit code 4) says which run has it; nothing waits."""
    if engine.dialect.name == "postgresql":
        with _advisory(engine):
            yield
        return
    file = engine.url.database
    if file and file != ":memory:" and not Path(file).resolve().is_relative_to(home.resolve()):
        with only_writer(Path(file).with_name(Path(file).name + ".lock"), command):
            yield
    else:
        yield


@contextmanager
def _advisory(engine: Engine) -> Iterator[None]:
    connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    try:
        connection.execute(
            text("SELECT set_config('application_name', :n, false)"),
            {"n": f"zp-registry {socket.gethostname()} {os.getpid()}"[:63]},
        )
        if not connection.execute(text("SELECT pg_try_advisory_lock(:k)"), {"k": _LOCK}).scalar():
            raise LockHeld(f"another run holds the lock: {_holder(connection)}; try again when it has ended")
        yield
    finally:
        connection.invalidate()  # ends the session, and with it the lock, also where its connection was cut
        connection.close()


def _holder(connection: Connection) -> str:
    row = connection.execute(
        text(
            "SELECT a.application_name, a.backend_start FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid "
            "WHERE l.locktype = 'advisory' AND l.granted AND (l.classid::bigint << 32 | l.objid::bigint) = :k "
            "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) LIMIT 1"
        ),
        {"k": _LOCK},
    ).first()
    return "it has only just ended" if row is None else f"{row[0] or 'another program'}, since {row[1]:%Y-%m-%d %H:%M:%S}"
