"""The wrapped data keys' place in the database."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, Engine, insert, inspect, select, text, update

from zp_registry.crypto import (
    CipherName,
    Keyring,
    WrappedKey,
    find_coming,
    find_master,
    mark_of,
    master_mark,
    take_over,
    wrap_anew,
)
from zp_registry.errors import KeyProblem
from zp_registry.registry import audit
from zp_registry.registry.models import DataKey


def open_keyring(engine: Engine, master: bytes, cipher: CipherName = "aes-256-gcm") -> Keyring:
    """The keyring of this registry, made on first use (``cipher`` counts only then). KeyProblem when the master key does not
    fit, or when the keys are gone although there are values that they seal. From here on the audit trail is keyed."""
    ring = _open(engine, master, cipher)
    audit.use_key(engine, ring.derived("audit trail"))
    return ring


def find_fitting(engine: Engine, file: Path) -> bytes | None:
    """The master key, None if there is none anywhere. While it is being changed it is the one under which the registry stands
    at this moment."""
    master = None
    for _ in range(2):  # the files may be changed over between our looks at them
        coming, master = find_coming(file), find_master(file)
        marks = _marks(engine)
        if not marks or (master is not None and master_mark(master) in marks):
            break
        if coming is not None and master_mark(coming) in marks:
            return coming
    return master


def settle_master(engine: Engine, file: Path) -> None:
    """Ends a change of the master key that was killed behind its commit. The caller holds the lock."""
    coming = find_coming(file)
    if coming is not None and find_fitting(engine, file) == coming:
        former = find_master(file)
        take_over(file, master_mark(former) if former else "")


def wrap_keys_anew(connection: Connection, master: bytes, new: bytes) -> Keyring:
    """Every data key wrapped by ``new`` instead of ``master``, proved from what then stands there; the keyring. KeyProblem if
    ``master`` is not the one that wraps them, or they do not open."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE data_key IN EXCLUSIVE MODE")  # no other data key may come in meanwhile
    else:
        connection.exec_driver_sql("UPDATE data_key SET retired_at = retired_at")
    rows = stored_keys(connection)
    former = Keyring.open(master, rows)
    for row in rows:
        connection.execute(
            update(DataKey).where(DataKey.key_id == row.key_id).values(wrapped=wrap_anew(master, new, row).wrapped)
        )
    ring = Keyring.open(new, stored_keys(connection))
    if not ring.holds_the_keys_of(former):
        raise KeyProblem("the data keys do not open under the new master key; nothing was changed")
    return ring


def stored_keys(connection: Connection) -> list[WrappedKey]:
    """The wrapped keys of the registry."""
    rows = connection.execute(
        select(DataKey.key_id, DataKey.purpose, DataKey.wrapped, DataKey.created_at, DataKey.retired_at)
    )
    return [WrappedKey(r.key_id, _purpose(r.purpose), bytes(r.wrapped), r.created_at, r.retired_at) for r in rows]


def _marks(engine: Engine) -> set[str]:
    if not inspect(engine).has_table("data_key"):
        return set()
    with engine.connect() as connection:
        return {mark_of(row) for row in stored_keys(connection)}


def _open(engine: Engine, master: bytes, cipher: CipherName) -> Keyring:
    with engine.begin() as connection:
        if rows := stored_keys(connection):
            return Keyring.open(master, rows)
        _refuse_new_keys(connection)
        ring, wrapped = Keyring.create(master, cipher)
        connection.execute(
            insert(DataKey),
            [
                {
                    "key_id": w.key_id,
                    "purpose": w.purpose,
                    "wrapped": w.wrapped,
                    "created_at": w.created_at,
                    "retired_at": w.retired_at,
                }
                for w in wrapped
            ],
        )
        return ring


def _refuse_new_keys(connection: Connection) -> None:
    """New keys beside old values would hide that the old ones are lost."""
    for table in ("record", "reject", "pledge", "notice"):
        if connection.execute(text(f"SELECT 1 FROM {table} LIMIT 1")).first() is not None:
            raise KeyProblem("the registry holds sealed values, but its table data_key is empty: restore it from a backup; "
                             "nothing was written")


def _purpose(text: str) -> Literal["data", "match"]:
    return "match" if text == "match" else "data"
