"""The append-only audit trail: who did what to whose data, and why; each row is chained to the one before by hash."""

from __future__ import annotations

import datetime as dt
import getpass
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from sqlalchemy import Connection, insert, text

from zp_registry.registry.models import Audit


def moment() -> str:
    """Now, in UTC, as the registry writes moments."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")


_ACTING: ContextVar[str | None] = ContextVar("acting", default=None)
_FIRST_WRITE = {
    "sqlite": "UPDATE audit SET who = who WHERE id = -1",
    "postgresql": "LOCK TABLE audit IN SHARE ROW EXCLUSIVE MODE",
}


@contextmanager
def acting_as(name: str) -> Iterator[None]:
    """What is done within is done by this person, who signed in at the desk, and not by the account that runs the server."""
    token = _ACTING.set(name)
    try:
        yield
    finally:
        _ACTING.reset(token)


def who_am_i() -> str:
    """The person for whom this is done, or else the account under which the command runs."""
    if (acting := _ACTING.get()) is not None:
        return acting
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def note(connection: Connection, action: str, subject: str, reason: str | None = None, who: str | None = None) -> None:
    """Adds one row to the trail, in the caller's transaction. Of two at once the second waits: each row follows from the one
    before."""
    if first := _FIRST_WRITE.get(connection.dialect.name):
        connection.exec_driver_sql(first)
    row = connection.execute(text("SELECT row_hash FROM audit ORDER BY id DESC LIMIT 1")).first()
    previous = row[0] if row else ""
    values = {"at": moment(), "who": who or who_am_i(), "action": action, "subject": subject, "reason": reason}
    digest = hashlib.sha256("\x1f".join([previous, *(str(v) for v in values.values())]).encode()).hexdigest()
    connection.execute(insert(Audit).values(**values, previous_hash=previous, row_hash=digest))


def broken_link(connection: Connection) -> int | None:
    """The id of the first row whose hash does not follow from the one before; None when the trail is whole."""
    previous = ""
    for row in connection.execute(
        text("SELECT id, at, who, action, subject, reason, previous_hash, row_hash FROM audit ORDER BY id")
    ):
        digest = hashlib.sha256("\x1f".join([previous, *(str(v) for v in row[1:6])]).encode()).hexdigest()
        if row[6] != previous or row[7] != digest:
            return int(row[0])
        previous = row[7]
    return None
