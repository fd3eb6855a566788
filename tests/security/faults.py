"""A night in a process of its own that is killed, or whose writes fail, at the n-th write: to the database or to a file.

Run as a program it serves nights (or another job): each line of its input is a JSON object ``{home, url, job, kind, at, log}``,
each is answered by a line ``{code, writes, hit, running}``: the exit code (negative: the signal), how many writes there were
(0 if it was killed), the write at which the fault came as ``stage: write`` (empty: there were fewer), and the write that ran
when a kill came.

A night is a copy (fork) of the server. With a stocked home as its argument the server first spends a whole undisturbed night
there, so that libraries, tables of reference and what the mapping and the normaliser make of each file (pure, no writes) are
ready; else it has imported the program and no more.

KIND: ``count`` (nothing happens), ``kill`` (SIGKILL before the write), ``kill~`` (the kernel ends the process within half a
millisecond after it began), ``full`` (no space left), ``readonly`` (no right to write), ``locked`` (the database is locked),
``cut`` (the connection is gone; SQLite: the disk fails), ``clock`` (the clock goes back a day at that write). With ``!`` behind
it the fault stays until the night has ended.
"""

from __future__ import annotations

import copy
import datetime as dt
import errno
import gc
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy
from sqlalchemy.engine.default import DefaultDialect

from zp_registry.logs import set_up_logs
from zp_registry.sources.limits import ReadLimits

_MOST = 0.0005  # seconds from the beginning of a write to its kill


class Faults:
    """Counts writes and does at the n-th what it is there for; ``notes``: a handle to which is written what it hit."""

    def __init__(self, kind: str, at: int, notes: int) -> None:
        self.kind, self.at, self.seen, self.back = kind.rstrip("!"), at, 0, dt.timedelta()
        self.lasts, self.notes, self.stage = kind.endswith("!"), notes, "open"

    def note(self, what: str) -> None:
        os.write(self.notes, f"{what}\n".encode())

    def due(self, what: str) -> bool:
        """Counts one write; is it the one that fails, or after it?"""
        self.seen += 1
        if self.kind == "kill~" and self.seen >= self.at:
            self.note(f"begin {self.stage}: {what}")
        if self.seen < self.at or (self.seen > self.at and not self.lasts) or self.kind == "count":
            return False
        if self.seen == self.at:
            self.note(f"hit {self.stage}: {what}")
        if self.kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.kind == "kill~":
            # Nothing handles this signal here: the kernel ends the process in the middle of whatever it does.
            signal.setitimer(signal.ITIMER_REAL, _MOST * 10 ** random.Random(self.at).uniform(-1.7, 0))
        if self.kind == "clock":
            self.back = dt.timedelta(days=1)
        return True

    def done(self) -> None:
        """After a write."""
        if self.kind == "kill~" and self.seen >= self.at:
            self.note("end")

    def file(self, what: str) -> None:
        """Before a file is changed."""
        if self.due(what) and self.kind in ("full", "readonly"):
            number = errno.ENOSPC if self.kind == "full" else errno.EROFS
            raise OSError(number, os.strerror(number))

    def database(self, connection: Any, statement: str) -> None:
        """Before a statement or a commit; the error is the one that the driver's own error becomes."""
        if not self.due(_called(statement)) or self.kind in ("kill~", "clock"):
            return
        if connection.dialect.name == "sqlite":
            said = {"full": "database or disk is full", "readonly": "attempt to write a readonly database",
                    "locked": "database is locked", "cut": "disk I/O error"}  # fmt: skip
            cause: Exception = sqlite3.OperationalError(said[self.kind])
        else:
            if self.kind == "cut":
                connection.connection.dbapi_connection.pgconn.finish()
                return  # the driver finds out by itself
            from psycopg import errors

            cause = {"full": errors.DiskFull, "readonly": errors.ReadOnlySqlTransaction,
                     "locked": errors.LockNotAvailable}[self.kind](self.kind)  # fmt: skip
        raise sqlalchemy.exc.OperationalError(statement, None, cause)


def _called(statement: str) -> str:
    """``INSERT record``: the kind of statement and its table."""
    words = statement.replace("(", " ").replace('"', "").split()
    at = {"INSERT": 2, "DELETE": 2, "COMMIT": 0}.get(words[0].upper(), 1)
    return " ".join(dict.fromkeys((words[0].upper(), words[at])))


def install(faults: Faults) -> None:
    """Puts the faults before every statement that writes, every commit, and every change of a file."""
    writes = ("INSERT", "UPDATE", "DELETE", "CREATE", "DROP T")

    @sqlalchemy.event.listens_for(sqlalchemy.Engine, "before_cursor_execute")
    def _statement(connection: Any, _c: Any, statement: str, *_rest: Any) -> None:
        if statement.lstrip()[:6].upper() in writes:
            faults.database(connection, statement)

    @sqlalchemy.event.listens_for(sqlalchemy.Engine, "after_cursor_execute")
    def _executed(_connection: Any, _c: Any, statement: str, *_rest: Any) -> None:
        if statement.lstrip()[:6].upper() in writes:
            faults.done()

    @sqlalchemy.event.listens_for(sqlalchemy.Engine, "commit")
    def _commit(connection: Any) -> None:
        faults.database(connection, "COMMIT")

    from zp_registry.registry import audit, bulk

    append = bulk.append

    def appended(connection: Any, table: str, frame: Any) -> None:
        """COPY, or the driver's own insertion of many rows."""
        faults.database(connection, f"INSERT INTO {table}")
        append(connection, table, frame)
        faults.done()

    bulk.append = appended  # type: ignore[assignment]
    commit = DefaultDialect.do_commit

    def committed(dialect: Any, connection: Any) -> None:
        commit(dialect, connection)
        faults.done()

    DefaultDialect.do_commit = committed  # type: ignore[method-assign]

    for name in ("replace", "rename", "unlink", "mkdir", "link", "fsync"):
        real = getattr(os, name)

        def changed(*args: Any, _real: Any = real, _name: str = name, **kwargs: Any) -> Any:
            faults.file(_name)
            out = _real(*args, **kwargs)
            faults.done()
            return out

        setattr(os, name, changed)

    class Clock(dt.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return super().now(tz) - faults.back

    audit.dt = type("dt", (), {"datetime": Clock, "UTC": dt.UTC})  # type: ignore[assignment]


class Server:
    """This program at work, as the tests see it."""

    def __init__(self, folder: Path, *arguments: Path) -> None:
        self._log = folder / "log"
        env = {k: v for k, v in os.environ.items() if not k.startswith("ZP_")}
        with (folder / "server.log").open("w") as errors:
            self._process = subprocess.Popen([sys.executable, __file__, *arguments], text=True, env=env, stdin=subprocess.PIPE,
                                             stdout=subprocess.PIPE, stderr=errors)  # fmt: skip

    def ask(self, home: Path, url: str, kind: str = "count", at: int = 0, job: str = "nightly") -> tuple[dict[str, Any], str]:
        """One job: how it ended (see the module), and what it said."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {"home": str(home), "url": url, "job": job, "kind": kind, "at": at, "log": str(self._log)}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline()), self._log.read_text("utf-8")

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)


# -- what is ready before the night


def _remember(module: Any, name: str, key: Callable[..., Any]) -> None:
    """A pure function's results, kept for arguments with the same key; each caller gets frames and lists of its own."""
    real, kept = getattr(module, name), {}

    def remembered(*args: Any, **kwargs: Any) -> Any:
        asked = key(*args, **kwargs)
        if asked not in kept:
            kept[asked] = real(*args, **kwargs)
        out = copy.copy(kept[asked])
        for attribute, value in list(vars(out).items()):
            if isinstance(value, pd.DataFrame | list):
                object.__setattr__(out, attribute, value.copy())
        return out

    setattr(module, name, remembered)


def _get_ready(home: str) -> None:
    """One undisturbed night in this process; what files become is kept, and the garbage collector leaves all of it alone."""
    from zp_registry.jobs import imports, office

    _remember(office, "load_mappings", lambda *folders: folders)
    _remember(imports, "map_report", lambda file, _mappings, **options: (file.name, file.sha256, *sorted(options.items())))
    _remember(imports, "normalise", lambda mapped: (mapped.mapping.id, mapped.file.name, mapped.file.sha256, mapped.as_of))
    _work(home, f"sqlite:///{home}/db/registry.sqlite", lambda _stage: None)
    from zp_registry.sources import child  # noqa: F401
    from zp_registry.sources.sandbox import reader

    reader.close()
    gc.collect()
    gc.freeze()


class _Copy:
    """The reading process as :class:`subprocess.Popen` shows one: a copy of the server instead of a new Python."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def poll(self) -> int | None:
        """Alive as far as anybody knows; its socket tells when it is gone."""
        return None

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        return 0


def _reading_process() -> tuple[int, socket.socket]:
    from zp_registry.sources import child

    ours, theirs = socket.socketpair()
    if pid := os.fork():
        theirs.close()
        return pid, ours
    ours.close()
    sys.argv = ["child", str(theirs.detach()), json.dumps(asdict(ReadLimits()))]
    os.closerange(0, 3)
    try:
        child.main()
    finally:
        os._exit(0)


def _work(home: str, url: str, progress: Callable[[str], None], job: str = "nightly") -> int:
    from zp_registry.jobs.masterkey import change_master
    from zp_registry.jobs.nightly import nightly
    from zp_registry.jobs.office import at_work

    from zp_registry.settings import Settings

    if job == "keys rotate":
        from zp_registry.cli import main as program

        os.environ["ZP_DATABASE_URL"] = url
        try:
            program(["keys", "rotate", "--reason", "for the test", "--home", home])
        except SystemExit as ended:
            return int(ended.code or 0)
    with at_work(Settings(home=Path(home), database_url=url), job) as office:
        if job == "keys master":
            change_master(office, "for the test")
            return 0
        return nightly(office, progress).exit_code


def _night(home: str, url: str, job: str, kind: str, at: int, log: str, notes: int) -> int:
    """One night, its output in the file ``log``; the number of writes goes to ``notes``."""
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    faults = Faults(kind, at, notes)
    install(faults)

    def progress(stage: str) -> None:
        faults.stage = "inbox" if "." in stage else stage

    signal.alarm(1800)
    try:
        code = _work(home, url, progress, job)
    except BaseException:
        traceback.print_exc()
        code = 1
    faults.note(f"writes {faults.seen}")
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _asked(fresh: bool, **night: Any) -> dict[str, Any]:
    said, notes = os.pipe()
    reading = None if fresh else _reading_process()
    if pid := os.fork():
        os.close(notes)
        if reading:
            reading[1].close()
        with os.fdopen(said, encoding="utf-8") as notes_:
            lines = notes_.read().splitlines()
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if reading:
            os.kill(reading[0], signal.SIGKILL)
            os.waitpid(reading[0], 0)
        told = {word: rest for word, _, rest in (line.partition(" ") for line in lines)}
        running = bool(lines) and lines[-1].startswith("begin ")
        return {"code": code, "writes": int(told.get("writes", 0)), "hit": told.get("hit", ""),
                "running": told["begin"] if running else ""}
    os.close(said)
    if reading:
        from zp_registry.sources.sandbox import reader

        gc.disable()
        reader._process, reader._socket = _Copy(reading[0]), reading[1]  # type: ignore[assignment]
        reader._limits, reader._owner, reader._fresh = ReadLimits(), os.getpid(), False
    os._exit(_night(**night, notes=notes))


def main() -> None:
    import duckdb  # noqa: F401
    import openpyxl  # noqa: F401
    import splink  # noqa: F401
    from zp_registry.jobs import masterkey, nightly  # noqa: F401

    answers, fresh = os.dup(1), len(sys.argv) == 1
    os.dup2(2, 1)  # what the program says goes elsewhere
    set_up_logs()
    if not fresh:
        _get_ready(sys.argv[1])
    for line in sys.stdin:
        os.write(answers, json.dumps(_asked(**json.loads(line), fresh=fresh)).encode() + b"\n")


if __name__ == "__main__":
    main()
