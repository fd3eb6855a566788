"""Changing the data key: everything sealed is sealed again under the new one, in small transactions, while others work.

A rotation is a new row in ``data_key``; from then on whoever opens the registry seals with it. What is still sealed by older
keys is then taken batch by batch; each value is replaced only if it is still the one that was read, so that a run beside us
loses nothing. There is nothing to remember: a stopped rotation goes on with whatever older keys still hold. Older keys are
kept, retired, since backups and runs that began before need them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from sqlalchemy import Connection, Engine, bindparam, text
from sqlalchemy.types import LargeBinary

from zp_registry.crypto import CipherName, Damaged, Keyring, new_data_key, seal_bytes, sealed_with, unseal_chunks
from zp_registry.errors import KeyProblem
from zp_registry.registry import audit, bulk
from zp_registry.registry.keys import stored_keys
from zp_registry.registry.state import write_state

BATCH = 2000


@dataclass(frozen=True)
class SealedColumn:
    """A column of ciphertexts: its table, and the column that with the name ``table.column`` is the associated data."""

    table: str
    column: str
    record_key: str

    @property
    def name(self) -> str:
        return f"{self.table}.{self.column}"


SEALED = (
    SealedColumn("record", "sealed", "record_key"),
    SealedColumn("pledge", "sealed", "record_key"),
    SealedColumn("notice", "sealed", "record_key"),
    SealedColumn("reject", "sealed", "token"),
    SealedColumn("task", "given", "token"),
)


def add_key(connection: Connection, master: bytes, cipher: CipherName, reason: str | None = None) -> str:
    """A new data key, and its id; the ones before are retired. Noted on the audit trail. KeyProblem if ``master`` is not, or is
    no longer, the master key."""
    key = new_data_key(master, cipher)
    connection.execute(
        text("UPDATE data_key SET retired_at = :n WHERE purpose = 'data' AND retired_at IS NULL"), {"n": audit.moment()}
    )
    Keyring.open(master, [*stored_keys(connection), key])  # from the first write on nobody else changes them
    connection.execute(
        text("INSERT INTO data_key (key_id, purpose, wrapped, created_at) VALUES (:k, :p, :w, :c)"),
        {"k": key.key_id, "p": key.purpose, "w": key.wrapped, "c": key.created_at},
    )
    audit.note(connection, "rotate keys", f"new data key {key.key_id}, {cipher}", reason)
    return key.key_id


def _key_id(column: SealedColumn, postgres: bool) -> str:
    return f"substring({column.column} FROM 2 FOR 8)" if postgres else f"CAST(substr({column.column}, 2, 8) AS BLOB)"


def held(connection: Connection) -> dict[str, dict[str, int]]:
    """Table and column → key id → how many values it seals."""
    postgres = connection.dialect.name == "postgresql"
    out: dict[str, dict[str, int]] = {}
    for one in SEALED:
        rows = connection.execute(
            text(f"SELECT {_key_id(one, postgres)}, COUNT(*) FROM {one.table} WHERE {one.column} IS NOT NULL GROUP BY 1")
        )
        out[one.name] = {bytes(key).hex(): int(count) for key, count in rows}
    return out


def seal_again(engine: Engine, ring: Keyring, tell: Callable[[str, int], None] = lambda _what, _count: None) -> dict[str, int]:
    """Everything in the database that an older key seals, sealed with the present one; returns how many per column.

    Each batch is a transaction of its own: a kill costs one batch, and calling again goes on. Damaged if a value does not
    open: it is left as it is.
    """
    done: dict[str, int] = {}
    for one in SEALED:
        done[one.name], last = 0, 0
        while (batch := _batch(engine, ring, one, last)) is not None:
            last, count = batch
            done[one.name] += count
            tell(one.name, done[one.name])
    return done


def _batch(engine: Engine, ring: Keyring, one: SealedColumn, last: int) -> tuple[int, int] | None:
    with engine.begin() as connection:
        write_state(connection, "key_rotation", f"{one.name} {last}")  # the first write: others wait, nobody's read grows old
        postgres = connection.dialect.name == "postgresql"
        query = text(
            f"SELECT id, {one.record_key} AS record_key, {one.column} AS sealed FROM {one.table} WHERE id > :last AND "
            f"{one.column} IS NOT NULL AND {_key_id(one, postgres)} <> :current ORDER BY id LIMIT :n"
        ).bindparams(bindparam("current", type_=LargeBinary))
        rows = connection.execute(query, {"last": last, "current": ring.current, "n": BATCH}).all()
        if not rows:
            return None
        keys = [r.record_key for r in rows]
        plain = ring.unseal_column([bytes(r.sealed) for r in rows], column=one.name, record_keys=keys)
        fresh = ring.seal_column(plain, column=one.name, record_keys=keys)
        frame = pd.DataFrame({
            "row_id": [int(r.id) for r in rows],
            "old": pd.Series([bytes(r.sealed) for r in rows], dtype=object), "new": pd.Series(fresh, dtype=object),
        })  # fmt: skip
        bulk.stage(connection, "rotate_batch", frame)
        connection.exec_driver_sql(
            f"UPDATE {one.table} SET {one.column} = n.new FROM rotate_batch n "
            f"WHERE {one.table}.id = n.row_id AND {one.table}.{one.column} = n.old"
        )
        bulk.unstage(connection, "rotate_batch")
        return int(rows[-1].id), len(rows)


def sealed_files(home: Path) -> Iterator[tuple[Path, bytes]]:
    """Every sealed file below the home folder, with the id of its key; but for backups, which carry their own keys along."""
    for path in sorted(home.rglob("*")):
        if path.name == "database.sealed" and (path.parent / "manifest.json").exists():
            continue
        if path.is_file() and not path.is_symlink() and (key := sealed_with(path)) is not None:
            yield path, key


def seal_files_again(home: Path, ring: Keyring, tell: Callable[[str, int], None] = lambda _what, _count: None) -> int:
    """The same for the sealed files: each is replaced at once by one under the present key."""
    count = 0
    for path, key in sealed_files(home):
        if key != ring.current:
            seal_bytes(b"".join(unseal_chunks(path, ring)), path, ring)
            count += 1
            tell("files", count)
    return count


def damaged_values(connection: Connection, ring: Keyring) -> list[str]:
    """Every sealed value that does not open in its place, as ``column id``: changed, cut, moved or of an unknown key."""
    out: list[str] = []
    for one in SEALED:
        result = connection.execution_options(yield_per=BATCH).execute(
            text(f"SELECT id, {one.record_key}, {one.column} FROM {one.table} WHERE {one.column} IS NOT NULL ORDER BY id")
        )
        for row_id, key, sealed in result:
            try:
                ring.unseal(bytes(sealed), column=one.name, record_key=key)
            except (Damaged, KeyProblem, TypeError):  # TypeError: text stands there
                out.append(f"{one.name} {row_id}")
    return out


def damaged_files(home: Path, ring: Keyring) -> list[str]:
    """Every sealed file that does not open whole."""
    out = []
    for path, _ in sealed_files(home):
        try:
            for _chunk in unseal_chunks(path, ring):
                pass
        except (Damaged, KeyProblem):
            out.append(str(path.relative_to(home)))
    return out
