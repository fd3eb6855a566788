"""The append-only audit trail: who did what to whose data, and why.

Each row's hash is an HMAC over the row before and its own values, under a key that only the master key opens: whoever can
write to the database, but has no key, can neither change a row nor make one. A keyed note of the last row shows when rows were
cut off at the end. The database itself refuses UPDATE and DELETE on the table by triggers.
"""

from __future__ import annotations

import datetime as dt
import getpass
import hashlib
import hmac
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from sqlalchemy import Connection, Engine, insert, text

from zp_registry.errors import KeyProblem
from zp_registry.registry.models import Audit
from zp_registry.registry.state import read_state, write_state

_KEYS: weakref.WeakKeyDictionary[Engine, bytes] = weakref.WeakKeyDictionary()
_HEAD, _PLAIN = "audit_head", "audit_plain_until"


def use_key(engine: Engine, key: bytes) -> None:
    """The key of this registry's trail; set when its keyring is opened."""
    _KEYS[engine] = key


def _key(connection: Connection) -> bytes:
    try:
        return _KEYS[connection.engine]
    except KeyError:
        raise KeyProblem("the audit trail can only be used with the registry's keys open") from None


def _mac(key: bytes, *parts: object) -> str:
    return hmac.new(key, "\x1f".join(map(str, parts)).encode(), "sha256").hexdigest()


def moment() -> str:
    """Now, in UTC, as the registry writes moments."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")


_ACTING: ContextVar[str | None] = ContextVar("acting", default=None)
_FIRST_WRITE = {
    "sqlite": "UPDATE audit SET who = who WHERE id = -1",
    # No lock of the table: that asks for rights to change it, which nobody but the owner has.
    "postgresql": "SELECT pg_advisory_xact_lock(134589203276148)",
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
    key = _key(connection)
    row = last_row(connection)
    previous = row[1] if row else ""
    if read_state(connection, _HEAD) is None:  # rows of a version that had no key stay as they are, up to here
        until = row[0] if row else 0
        write_state(connection, _PLAIN, f"{until}:{_mac(key, 'plain until', until)}")
    values = {"at": moment(), "who": who or who_am_i(), "action": action, "subject": subject, "reason": reason}
    digest = _mac(key, previous, *values.values())
    added = connection.execute(insert(Audit).values(**values, previous_hash=previous, row_hash=digest))
    last = int((added.inserted_primary_key or (0,))[0])
    write_state(connection, _HEAD, f"{last}:{_mac(key, 'head', last, digest)}")


class Break(NamedTuple):
    """Where the trail is broken: the id of a row, and how."""

    row: int
    what: str


def broken_link(connection: Connection) -> int | None:
    """The row of :func:`first_break`."""
    return found.row if (found := first_break(connection)) else None


def first_break(connection: Connection) -> Break | None:
    """The first row that was changed or does not follow from the one before (the last row, where rows behind it are missing);
    None when the trail is whole."""
    key = _key(connection)
    head, plain = read_state(connection, _HEAD), read_state(connection, _PLAIN) or ""
    number, _, mac = plain.partition(":")
    until = int(number) if number.isdigit() and hmac.compare_digest(mac, _mac(key, "plain until", number)) else 0
    previous, last = "", 0
    for row in connection.execute(
        text("SELECT id, at, who, action, subject, reason, previous_hash, row_hash FROM audit ORDER BY id")
    ):
        last = int(row[0])
        if head is None or last <= until:
            digest = hashlib.sha256("\x1f".join([previous, *(str(v) for v in row[1:6])]).encode()).hexdigest()
        else:
            digest = _mac(key, previous, *row[1:6])
        if row[6] != previous:
            return Break(last, "it does not follow from the row before it: rows between them are missing, or one was put in")
        if not hmac.compare_digest(row[7], digest):
            return Break(last, "it was changed, or made without the key")
        previous = row[7]
    if head is not None and head != f"{last}:{_mac(key, 'head', last, previous)}":
        return Break(last or 1, "it is the last one, and rows behind it are missing" if last else "all rows are missing")
    return None


def last_row(connection: Connection) -> tuple[int, str] | None:
    """The number and hash of the newest row: kept elsewhere, they show a registry that was set back to an older copy."""
    row = connection.execute(text("SELECT id, row_hash FROM audit ORDER BY id DESC LIMIT 1")).first()
    return (int(row[0]), str(row[1])) if row else None


def entries(
    connection: Connection, *, who: str | None = None, action: str | None = None, subject: str | None = None,
    since: str | None = None, until: str | None = None, before: int | None = None, limit: int = 100,
) -> list[dict[str, object]]:
    """Rows of the trail, the newest first: id, at, who, action, subject, reason. ``who`` exactly; ``action`` by its beginning,
    ``subject`` by a part; ``since`` and ``until``: dates or moments, both included; ``before``: rows older than this one."""
    wanted = {
        "who = :who": who, "substr(action, 1, length(:action)) = :action": action,
        "subject LIKE :subject ESCAPE '!'": subject, "at >= :since": since, "at < :until": until,
        "id < :before": before,
    }  # fmt: skip
    where = " AND ".join(condition for condition, value in wanted.items() if value is not None) or "1 = 1"
    part = None if subject is None else "%" + "".join("!" + c if c in "!%_" else c for c in subject) + "%"
    rows = connection.execute(
        text(f"SELECT id, at, who, action, subject, reason FROM audit WHERE {where} ORDER BY id DESC LIMIT :limit"),
        {"who": who, "action": action, "subject": part, "since": since, "until": until and until + "~",
         "before": before, "limit": limit},
    )
    return [dict(row) for row in rows.mappings()]
