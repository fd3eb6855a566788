"""A night in a process of its own that is killed, or whose writes fail, at the n-th write: to the database or to a file.

Run as a program: ``faults.py HOME DATABASE_URL KIND N``. KIND: ``count`` (nothing happens; the number of writes is printed),
``kill`` (SIGKILL), ``full`` (no space left), ``readonly`` (no right to write), ``locked`` (the database is locked), ``cut``
(the connection is gone), ``clock`` (the clock goes back a day at that write).
"""

from __future__ import annotations

import datetime as dt
import errno
import os
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any


class Faults:
    """Counts writes and does at the n-th what it is there for."""

    def __init__(self, kind: str, at: int) -> None:
        self.kind, self.at, self.seen, self.back = kind, at, 0, dt.timedelta()

    def write(self, what: str) -> None:
        self.seen += 1
        if self.seen != self.at:
            return
        if self.kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.kind == "clock":
            self.back = dt.timedelta(days=1)
        if what == "file":
            if self.kind in ("full", "readonly"):
                number = errno.ENOSPC if self.kind == "full" else errno.EROFS
                raise OSError(number, os.strerror(number))
        elif self.kind == "full":
            raise sqlite3.OperationalError("database or disk is full")
        elif self.kind == "readonly":
            raise sqlite3.OperationalError("attempt to write a readonly database")
        elif self.kind == "locked":
            raise sqlite3.OperationalError("database is locked")


def install(faults: Faults) -> None:
    """Puts the faults before every statement that writes, every commit, and every change of a file."""
    from sqlalchemy import Engine, event

    @event.listens_for(Engine, "before_cursor_execute")
    def _statement(connection: Any, _c: Any, statement: str, *_rest: Any) -> None:
        if statement.lstrip()[:6].upper() in ("INSERT", "UPDATE", "DELETE", "CREATE", "DROP T"):
            if faults.kind == "cut" and faults.seen + 1 == faults.at and connection.dialect.name == "postgresql":
                connection.connection.dbapi_connection.pgconn.finish()
            faults.write("database")

    @event.listens_for(Engine, "commit")
    def _commit(_connection: Any) -> None:
        faults.write("database")

    for name in ("replace", "rename", "unlink", "mkdir", "link", "fsync"):
        real = getattr(os, name)

        def changed(*args: Any, _real: Any = real, **kwargs: Any) -> Any:
            faults.write("file")
            return _real(*args, **kwargs)

        setattr(os, name, changed)

    class Clock(dt.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return super().now(tz) - faults.back

    from zp_registry.registry import audit

    audit.dt = type("dt", (), {"datetime": Clock, "UTC": dt.UTC})  # type: ignore[assignment]


def main() -> int:
    home, url, kind, at = sys.argv[1:]
    from zp_registry.jobs.nightly import nightly
    from zp_registry.jobs.office import at_work

    from zp_registry.settings import Settings

    faults = Faults(kind, int(at))
    install(faults)
    with at_work(Settings(home=Path(home), database_url=url), "nightly") as office:
        code = nightly(office).exit_code
    print(faults.seen, flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
