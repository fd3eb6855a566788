"""The wrapped data keys' place in the database."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import Connection, Engine, insert, select, text

from zp_registry.crypto import CipherName, Keyring, WrappedKey
from zp_registry.errors import KeyProblem
from zp_registry.registry import audit
from zp_registry.registry.models import DataKey


def open_keyring(engine: Engine, master: bytes, cipher: CipherName = "aes-256-gcm") -> Keyring:
    """The keyring of this registry, made on first use (``cipher`` counts only then). KeyProblem when the master key does not
    fit, or when the keys are gone although there are values that they seal. From here on the audit trail is keyed."""
    ring = _open(engine, master, cipher)
    audit.use_key(engine, ring.derived("audit trail"))
    return ring


def _open(engine: Engine, master: bytes, cipher: CipherName) -> Keyring:
    with engine.begin() as connection:
        rows = connection.execute(
            select(DataKey.key_id, DataKey.purpose, DataKey.wrapped, DataKey.created_at, DataKey.retired_at)
        ).all()
        if rows:
            return Keyring.open(
                master, [WrappedKey(r.key_id, _purpose(r.purpose), r.wrapped, r.created_at, r.retired_at) for r in rows]
            )
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
