"""What the last resolve worked on, beside the database, so that a night reads only what has changed since.

One Arrow file per registry: keyed hashes, masks and comparison forms of names, as the table ``record`` has them. It may be lost
or deleted at any time: the next resolve then reads every record. The registry names the file that fits it (state
``match_cache``, written in the transaction of the resolve), so that a file of another moment is never taken.
"""

from __future__ import annotations

import secrets
from pathlib import Path

import pyarrow as pa
from pyarrow import feather
from sqlalchemy import Connection

from zp_registry.registry.state import read_state, write_state

_STATE = "match_cache"


def recall(connection: Connection, folder: Path) -> pa.Table | None:
    """The rows that :func:`keep` was given at the last resolve; None when they are not there (any more)."""
    name = read_state(connection, _STATE)
    path = folder / f"match-{name}.arrow"
    if not name or not path.is_file():
        return None
    try:
        return feather.read_table(path, memory_map=True)
    except (OSError, pa.ArrowException):
        return None


def keep(connection: Connection, folder: Path, rows: pa.Table) -> None:
    """Writes ``rows`` for the next time; older files go. After a rollback the registry names an older file, which is no longer
    there, and the next resolve reads everything."""
    name = secrets.token_hex(8)
    path = folder / f"match-{name}.arrow"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    try:
        feather.write_feather(rows, partial, compression="lz4")
        partial.chmod(0o600)
        partial.rename(path)
    except OSError:  # a full disk costs the next night some seconds, and nothing else
        partial.unlink(missing_ok=True)
        name = ""
    write_state(connection, _STATE, name)
    for old in folder.glob("match-*"):
        if old != path:
            old.unlink(missing_ok=True)
