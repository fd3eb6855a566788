"""The wrapped data keys' place in the database."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import Engine, insert, select

from zp_registry.crypto import Keyring, WrappedKey
from zp_registry.registry.models import DataKey


def open_keyring(engine: Engine, master: bytes) -> Keyring:
    """The keyring of this registry, made on first use. KeyProblem when the master key does not fit."""
    with engine.begin() as connection:
        rows = connection.execute(
            select(DataKey.key_id, DataKey.purpose, DataKey.wrapped, DataKey.created_at, DataKey.retired_at)
        ).all()
        if rows:
            return Keyring.open(
                master, [WrappedKey(r.key_id, _purpose(r.purpose), r.wrapped, r.created_at, r.retired_at) for r in rows]
            )
        ring, wrapped = Keyring.create(master)
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


def _purpose(text: str) -> Literal["data", "match"]:
    return "match" if text == "match" else "data"
