"""Copies of the registry: made while it works, sealed, proved by opening them again; and back into a fresh place.

A backup is a folder: ``manifest.json`` (schema, wrapped data keys, counts) and ``database.sealed`` (SQLite's online copy, or
``pg_dump``'s archive). The wrapped keys say nothing without the master key, which is never part of a backup.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from zp_registry.crypto import Keyring, WrappedKey, find_master, mark_of, seal_file, unseal_file
from zp_registry.errors import KeyProblem, UsageError, ZpError
from zp_registry.home import Home
from zp_registry.registry import audit
from zp_registry.registry.database import alembic_config, open_database, schema_of
from zp_registry.registry.keys import stored_keys
from zp_registry.settings import Settings

COUNTED = ("report_file", "report", "record", "sighting", "reject", "pledge", "entity", "holding", "flag", "audit")
# What the driver calls a part of the connection, and the variable by which PostgreSQL's programs take it.
_VARIABLES = {
    "host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY",
}  # fmt: skip
_UNFINISHED = ".zp-backup-"


class BackupFailed(ZpError):
    """The copy could not be made, or does not prove to be whole."""


@contextmanager
def _own_folder(beside: Path) -> Iterator[Path]:
    """A folder for the plain copy, which holds names in clear: mode 0700, beside the target and not in a shared /tmp. What a
    killed run left of such is deleted: the lock on it died with the run."""
    for left in beside.glob(f"{_UNFINISHED}*"):
        with suppress(OSError), _locked(left):
            shutil.rmtree(left)
    folder = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=beside))
    try:
        with _locked(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """OSError if another process has it."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def backup(engine: Engine, ring: Keyring, target: Path) -> dict[str, Any]:
    """Writes a backup to the new folder ``target`` and proves it by opening it again; others may go on working. Returns the
    manifest. UsageError if ``target`` is there; BackupFailed."""
    if target.exists():
        raise UsageError(f"{target} is there already")
    target.parent.mkdir(parents=True, exist_ok=True)
    with _own_folder(target.parent) as folder:
        plain, sealed = folder / "database", folder / "sealed"
        sealed.mkdir(mode=0o700)
        before = _stored_keys(engine)
        _copy(engine, plain)
        counts = _counts(engine, plain)
        seal_file(plain, sealed / "database.sealed", ring)
        plain.unlink()
        keys = _stored_keys(engine)
        if {mark_of(k) for k in before} != {mark_of(k) for k in keys}:
            raise BackupFailed("the master key was changed meanwhile: make the backup again")
        told = [{**vars(k), "wrapped": base64.b64encode(k.wrapped).decode()} for k in keys]
        manifest = {"made_at": audit.moment(), "backend": engine.dialect.name, "schema": schema_of(engine), "keys": told,
                    "counts": counts}  # fmt: skip
        with (sealed / "manifest.json").open("w", encoding="utf-8") as out:
            json.dump(manifest, out, indent=1)
            out.flush()
            os.fsync(out.fileno())
        unseal_file(sealed / "database.sealed", folder / "proof", ring)
        if _counts(engine, folder / "proof") != counts:
            raise BackupFailed("the backup does not hold what was copied")
        sealed.rename(target)
    with engine.begin() as connection:
        audit.note(connection, "backup", target.name)
    return manifest


def _stored_keys(engine: Engine) -> list[WrappedKey]:
    with engine.connect() as connection:
        return stored_keys(connection)


def old_backups(home: Home, before: str) -> list[Path]:
    """The backups made before upgrades earlier than that day."""
    out = []
    for folder in sorted(home.backups.glob("schema-*")):
        with suppress(UsageError):  # what is no backup is left alone
            if str(read_manifest(folder)[0]["made_at"]) < before:
                out.append(folder)
    return out


def backup_before_upgrade(engine: Engine, ring: Keyring, home: Home) -> Path:
    """A backup of a registry whose schema is about to change; of each schema the newest one is kept."""
    schema = schema_of(engine)
    target = home.backups / f"schema-{schema}-{audit.moment()[:23].replace(':', '')}"
    backup(engine, ring, target)
    for older in home.backups.glob(f"schema-{schema}-*"):
        if older != target:
            shutil.rmtree(older)
    return target


def restore(settings: Settings, source: Path) -> dict[str, Any]:
    """Brings a backup into the empty registry of ``settings``. KeyProblem for a wrong master key, UsageError for a newer schema
    or a place that is not empty: in each case nothing was written."""
    manifest, keys = read_manifest(source)
    home = Home(settings.home)
    master = find_master(home.master_key)
    if master is None:
        raise KeyProblem(f"there is no master key: put the one of the backup into {home.master_key} first")
    ring = Keyring.open(master, keys)
    engine = open_database(settings.database_url)
    if manifest["backend"] != engine.dialect.name:
        raise UsageError(f"the backup is of {manifest['backend']}, the settings name {engine.dialect.name}")
    known = {r.revision for r in ScriptDirectory.from_config(alembic_config(engine)).walk_revisions()}
    if manifest["schema"] not in known:
        raise UsageError("the backup was made by a newer version of this program: install that one")
    home.create()
    with _own_folder(home.root) as folder:
        plain = folder / "database"
        unseal_file(source / "database.sealed", plain, ring)
        _bring(engine, plain)
    return dict(manifest)


def read_manifest(source: Path) -> tuple[dict[str, Any], list[WrappedKey]]:
    """A backup's manifest and its wrapped keys. UsageError if it is none."""
    try:
        manifest = json.loads((source / "manifest.json").read_text("utf-8"))
        keys = [WrappedKey(str(k["key_id"]), k["purpose"], base64.b64decode(k["wrapped"]), str(k["created_at"]),
                           k["retired_at"]) for k in manifest["keys"]]  # fmt: skip
        known = {name: str(manifest[name]) for name in ("backend", "schema", "made_at")}
        return {**manifest, **known, "counts": dict(manifest["counts"])}, keys
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise UsageError(f"{source} is no backup: its manifest.json cannot be read") from None


def _copy(engine: Engine, plain: Path) -> None:
    if engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(str(engine.url.database))) as live, closing(sqlite3.connect(plain)) as copy:
            live.backup(copy, pages=4096)
    else:
        # By the whole's name, under which rows are counted, wherever they stand.
        _run(engine, ["pg_dump", "--format=custom", "--no-owner", "--load-via-partition-root", f"--file={plain}"])


def _counts(engine: Engine, plain: Path) -> dict[str, int]:
    """How many rows a copy holds of each table; a ``pg_dump`` archive is read to its end, as a restore would read it."""
    if engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(plain)) as copy:
            if copy.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
                raise BackupFailed("the copy of the database is damaged")
            return {t: int(copy.execute(f"SELECT COUNT(*) FROM {t}").fetchone()[0]) for t in COUNTED}
    counts, table = dict.fromkeys(COUNTED, 0), None
    words = ["pg_restore", "--data-only", "--file=-", str(plain)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as reading:
        assert reading.stdout is not None
        for line in reading.stdout:  # a row is a line: COPY writes a line end within a value as \\n
            if table is not None and line != b"\\.\n":
                counts[table] = counts.get(table, 0) + 1
            elif table is not None:
                table = None
            elif line.startswith(b"COPY "):
                table = line.split()[1].rsplit(b".", 1)[-1].decode()
    if reading.returncode:
        raise BackupFailed("the copy of the database is damaged")
    return {name: counts[name] for name in COUNTED}


def _bring(engine: Engine, plain: Path) -> None:
    if engine.dialect.name == "sqlite":
        target = Path(str(engine.url.database))
        if target.exists():
            raise UsageError(f"{target} is there already: restore into an empty home")
        target.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(plain)) as copy:
            if copy.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
                raise BackupFailed("the database in the backup is damaged")
        shutil.move(plain, target)
        return
    with engine.connect() as connection:
        if connection.execute(text("SELECT to_regclass('alembic_version')")).scalar():
            raise UsageError("the database is not empty: restore into a new one")
    _run(engine, ["pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", f"--dbname={engine.url.database}",
                  str(plain)], name_database=False)  # fmt: skip


def _run(engine: Engine, words: list[str], *, name_database: bool = True) -> None:
    """A program of PostgreSQL; the password goes by its environment, since arguments can be seen by all."""
    # As the driver connects: an address, a socket's folder or TLS may also stand behind the ? of the URL.
    asked = engine.dialect.create_connect_args(engine.url)[1]
    names = {k: v for k, v in _VARIABLES.items() if name_database or k != "dbname"}
    env = {**os.environ, **{v: str(asked[k]) for k, v in names.items() if asked.get(k)}}
    try:
        done = subprocess.run(words, capture_output=True, env=env, check=False)
    except OSError:
        raise BackupFailed(f"{words[0]} is not installed here") from None
    if done.returncode:
        raise BackupFailed(f"{words[0]} failed with exit code {done.returncode}")

