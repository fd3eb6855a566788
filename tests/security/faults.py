"""A night in a process of its own that is killed, or whose writes fail, at the n-th write: to the database or to a file.

Run as a program it serves nights: each line of its input is a JSON object ``{home, url, kind, at, log}``, each is answered by a
line with the exit code (negative: the signal). A night is a copy (fork) of the server, which has all libraries ready.

KIND: ``count`` (nothing happens), ``kill`` (SIGKILL), ``full`` (no space left), ``readonly`` (no right to write), ``locked``
(the database is locked), ``cut`` (the server ends the session; SQLite: the disk fails), ``clock`` (the clock goes back a day
at that write). With ``!`` behind it the fault stays until the night has ended.
"""

from __future__ import annotations

import datetime as dt
import errno
import json
import os
import signal
import sqlite3
import sys
import traceback
from pathlib import Path
from typing import Any

import sqlalchemy


class Faults:
    """Counts writes and does at the n-th what it is there for."""

    def __init__(self, kind: str, at: int) -> None:
        self.kind, self.at, self.seen, self.back = kind.rstrip("!"), at, 0, dt.timedelta()
        self.lasts = kind.endswith("!")

    def due(self) -> bool:
        """Counts one write; is it the one that fails, or after it?"""
        self.seen += 1
        if self.seen < self.at or (self.seen > self.at and not self.lasts) or self.kind == "count":
            return False
        if self.kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.kind == "clock":
            self.back = dt.timedelta(days=1)
        return True

    def file(self) -> None:
        """Before a file is changed."""
        if self.due() and self.kind in ("full", "readonly"):
            number = errno.ENOSPC if self.kind == "full" else errno.EROFS
            raise OSError(number, os.strerror(number))

    def database(self, connection: Any, statement: str) -> None:
        """Before a statement or a commit; the error is the one that the driver's own error becomes."""
        if not self.due() or self.kind in ("kill", "clock"):
            return
        if connection.dialect.name == "sqlite":
            said = {"full": "database or disk is full", "readonly": "attempt to write a readonly database",
                    "locked": "database is locked", "cut": "disk I/O error"}  # fmt: skip
            cause: Exception = sqlite3.OperationalError(said[self.kind])
        else:
            if self.kind == "cut":
                _terminate(connection)
                return  # the driver finds out by itself
            from psycopg import errors

            cause = {"full": errors.DiskFull, "readonly": errors.ReadOnlySqlTransaction,
                     "locked": errors.LockNotAvailable}[self.kind](self.kind)  # fmt: skip
        raise sqlalchemy.exc.OperationalError(statement, None, cause)


def _terminate(connection: Any) -> None:
    """The server ends the session, as it does when it is shut down or an administrator ends it."""
    import psycopg

    pid = connection.connection.dbapi_connection.info.backend_pid
    url = connection.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])


def install(faults: Faults) -> None:
    """Puts the faults before every statement that writes, every commit, and every change of a file."""

    @sqlalchemy.event.listens_for(sqlalchemy.Engine, "before_cursor_execute")
    def _statement(connection: Any, _c: Any, statement: str, *_rest: Any) -> None:
        if statement.lstrip()[:6].upper() in ("INSERT", "UPDATE", "DELETE", "CREATE", "DROP T"):
            faults.database(connection, statement)

    @sqlalchemy.event.listens_for(sqlalchemy.Engine, "commit")
    def _commit(connection: Any) -> None:
        faults.database(connection, "COMMIT")

    for name in ("replace", "rename", "unlink", "mkdir", "link", "fsync"):
        real = getattr(os, name)

        def changed(*args: Any, _real: Any = real, **kwargs: Any) -> Any:
            faults.file()
            return _real(*args, **kwargs)

        setattr(os, name, changed)

    class Clock(dt.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return super().now(tz) - faults.back

    from zp_registry.registry import audit

    audit.dt = type("dt", (), {"datetime": Clock, "UTC": dt.UTC})  # type: ignore[assignment]


def main() -> None:
    import duckdb  # noqa: F401
    import openpyxl  # noqa: F401
    import splink  # noqa: F401
    from zp_registry.jobs import nightly  # noqa: F401

    for line in sys.stdin:
        asked = json.loads(line)
        night = os.fork()
        if not night:
            os._exit(_night(**asked))
        code = os.waitstatus_to_exitcode(os.waitpid(night, 0)[1])
        print(code, flush=True)


def _night(home: str, url: str, kind: str, at: int, log: str) -> int:
    """One night, its output in the file ``log``; the number of writes is its last line."""
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    signal.alarm(200)
    from zp_registry.jobs.nightly import nightly
    from zp_registry.jobs.office import at_work

    from zp_registry.settings import Settings

    faults = Faults(kind, at)
    install(faults)
    try:
        with at_work(Settings(home=Path(home), database_url=url), "nightly") as office:
            code = nightly(office).exit_code
    except BaseException:
        traceback.print_exc()
        code = 1
    print(faults.seen, flush=True)
    sys.stderr.flush()
    return code


if __name__ == "__main__":
    main()
