"""What the last resolve worked on, beside the database, so that a night reads only what has changed since.

Arrow files: keyed hashes, masks and comparison forms of names, as the table ``record`` has them, and an order of subjects. Each
resolve adds a file of what it read; when many have come together they are written anew as one. They may be lost or deleted at
any time: the next resolve then reads every record. The registry names the files that fit it (state ``match_cache``, written in
the transaction of the resolve), so that files of another moment are never taken.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import feather
from sqlalchemy import Connection

from zp_registry.registry.state import read_state, write_state

_STATE = "match_cache"
_MOST_FILES, _MOST_CHANGED = 30, 0.2  # beyond so many files, or such a share of rows that are told again, one is written


@dataclass(frozen=True)
class Kept:
    """``rows``: account rows with ``record_id`` and ``live`` (1 where a row still counts; of a record that changed only the
    last one does) · ``order``: subject_id, key · ``files`` that they came from."""

    rows: pa.Table
    order: pa.Table
    files: tuple[str, ...] = ()


def recall(connection: Connection, folder: Path) -> Kept | None:
    """What resolves have kept up to the last one; None when it is not there (any more)."""
    files = tuple((read_state(connection, _STATE) or "").split())
    if not files:
        return None
    try:
        # Mapped, not read: what is not looked at costs nothing.
        rows = [feather.read_table(folder / f"match-{f}.arrow", memory_map=True) for f in files]
        order = [feather.read_table(folder / f"match-{f}-order.arrow", memory_map=True) for f in files]
    except (OSError, pa.ArrowException):
        return None
    ids = [t["record_id"].to_numpy() for t in rows]
    parts = [without(t, np.concatenate([*ids[n + 1 :], np.empty(0, "int64")])) for n, t in enumerate(rows)]
    return Kept(pa.concat_tables(parts), pa.concat_tables(order), files)


def without(rows: pa.Table, record_ids: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pa.Table:
    """``rows``, in which those of ``record_ids`` no longer count: ``live`` and ``was_live`` 0. Nothing is copied but these."""
    gone = np.isin(rows["record_id"].to_numpy(), record_ids)
    live = pa.array(np.where(gone, 0, rows["live"].to_numpy()))
    for name in ("live", "was_live"):
        rows = rows.set_column(rows.schema.get_field_index(name), name, live)
    return rows


def keep(connection: Connection, folder: Path, rows: pa.Table, order: pa.Table, former: Kept | None) -> None:
    """Keeps what a resolve read, for the next one: all of it, or with ``former`` (which it recalled) what has changed since.
    After a rollback the registry names the former files, which stay until the next call."""
    files = former.files if former else ()
    if former and (len(files) >= _MOST_FILES or _told_again(former, rows) > _MOST_CHANGED):
        rows = pa.concat_tables([without(former.rows, rows["record_id"].to_numpy()), rows])
        order, files = pa.concat_tables([former.order, order]), ()
    if not files:
        rows = rows.filter(pc.equal(rows["live"], 1))
    name = secrets.token_hex(8)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if _written(rows, folder / f"match-{name}.arrow") and _written(order, folder / f"match-{name}-order.arrow"):
        files = (*files, name)
    else:  # a full disk costs the next night some seconds, and nothing else
        files = ()
    write_state(connection, _STATE, " ".join(files))
    good = {f"match-{f}{end}.arrow" for f in (*files, *(former.files if former else ())) for end in ("", "-order")}
    for old in folder.glob("match-*"):
        if old.name not in good:
            old.unlink(missing_ok=True)


def _told_again(former: Kept, rows: pa.Table) -> float:
    counts = int(pc.sum(former.rows["live"]).as_py() or 0)
    return float((former.rows.num_rows - counts + rows.num_rows) / max(counts, 1))


def _written(rows: pa.Table, path: Path) -> bool:
    partial = path.with_suffix(".partial")
    try:
        feather.write_feather(rows, partial, compression="uncompressed")
        partial.chmod(0o600)
        partial.rename(path)
    except OSError:
        partial.unlink(missing_ok=True)
        return False
    return True
