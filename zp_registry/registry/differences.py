"""Making tables equal what was computed by touching only what differs.

What stands is read once and compared in memory; only the rows that differ travel to the database, so that a night in which
little changed writes little."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import BigInteger, Connection, Float, Integer, text

from zp_registry.registry import bulk
from zp_registry.registry.models import Base
from zp_registry.scratch import scratch
from zp_registry.texts import to_arrow


@dataclass(frozen=True)
class Share:
    """What of the tables is being written: the rows whose ``keys`` stand in the temporary table ``listed`` as of ``part``
    (columns: the keys, part)."""

    listed: str
    keys: tuple[str, ...]
    part: int


def write_difference(
    connection: Connection, table: str, computed: pd.DataFrame, keys: Sequence[str], share: Share | None = None
) -> dict[str, int]:
    """Makes ``table`` (or a ``share`` of it) hold exactly ``computed`` (columns of the table; unique by ``keys``), touching
    only what differs.

    Returns the counts ``added``, ``changed`` and ``removed``.
    """
    columns = [str(c) for c in computed.columns]
    values = [c for c in columns if c not in keys]
    con = _both(connection, table, columns, computed, share)
    by = ", ".join(keys)
    gone = con.execute(f"SELECT {by} FROM old ANTI JOIN new USING ({by})").df()
    added = _places(con, f"SELECT pos FROM new ANTI JOIN old USING ({by})")
    differs = " OR ".join(f"old.{c} IS DISTINCT FROM new.{c}" for c in values)
    changed = _places(con, f"SELECT pos FROM new JOIN old USING ({by}) WHERE {differs}") if values else []
    con.close()
    if len(gone):
        statement = f"DELETE FROM {table} AS t WHERE EXISTS (SELECT 1 FROM wd_rows n WHERE {{on}})"
        _with_staged(connection, table, gone, keys, statement)
    if changed:
        sets = ", ".join(f"{c} = n.{c}" for c in values)
        statement = f"UPDATE {table} AS t SET {sets} FROM wd_rows n WHERE {{on}}"
        _with_staged(connection, table, computed.iloc[changed], keys, statement)
    bulk.append(connection, table, computed.iloc[added])
    return {"added": len(added), "changed": len(changed), "removed": len(gone)}


def write_history(
    connection: Connection, table: str, computed: pd.DataFrame, keys: Sequence[str], now: str, share: Share | None = None
) -> dict[str, int]:
    """Makes the live rows of a bitemporal ``table`` (or a ``share`` of them) equal ``computed``: rows that no longer hold are
    closed in recorded time (``recorded_to``), new ones are added; nothing is overwritten. ``keys``: all columns of ``computed``
    that make a row what it is; a row whose other columns differ is closed and added anew.
    """
    columns = [str(c) for c in computed.columns]
    con = _both(connection, table, columns, computed, share, "t.recorded_to IS NULL")
    same = " AND ".join(f"old.{c} = new.{c}" if c in keys else f"old.{c} IS NOT DISTINCT FROM new.{c}" for c in columns)
    gone = con.execute(f"SELECT id FROM old ANTI JOIN new ON {same}").df()
    added = _places(con, f"SELECT pos FROM new ANTI JOIN old ON {same}")
    con.close()
    if len(gone):
        bulk.stage(connection, "wd_rows", gone)
        connection.execute(
            text(f"UPDATE {table} SET recorded_to = :now WHERE id IN (SELECT id FROM wd_rows)"), {"now": now}
        )
        bulk.unstage(connection, "wd_rows")
    bulk.append(connection, table, computed.iloc[added].assign(recorded_from=now))
    return {"added": len(added), "closed": len(gone)}


def drop_unlisted(connection: Connection, table: str, listed: str, keys: Sequence[str]) -> dict[str, int]:
    """Removes the rows of ``table`` whose ``keys`` stand nowhere in the temporary table ``listed``."""
    done = connection.exec_driver_sql(f"DELETE FROM {table} AS t WHERE {_unlisted(listed, keys)}")
    return {"added": 0, "changed": 0, "removed": done.rowcount}


def close_unlisted(connection: Connection, table: str, listed: str, keys: Sequence[str], now: str) -> dict[str, int]:
    """Closes the live rows of a bitemporal ``table`` whose ``keys`` stand nowhere in the temporary table ``listed``."""
    done = connection.execute(
        text(f"UPDATE {table} AS t SET recorded_to = :now WHERE t.recorded_to IS NULL AND {_unlisted(listed, keys)}"),
        {"now": now},
    )
    return {"added": 0, "closed": done.rowcount}


def _unlisted(listed: str, keys: Sequence[str]) -> str:
    return f"NOT EXISTS (SELECT 1 FROM {listed} n WHERE {' AND '.join(f'n.{k} = t.{k}' for k in keys)})"


_CODE = 40  # characters: shorter columns hold codes, hashes and dates, longer ones text as it was typed


def _both(
    connection: Connection, table: str, columns: Sequence[str], computed: pd.DataFrame, share: Share | None, which: str = ""
) -> duckdb.DuckDBPyConnection:
    """``old`` (what stands of it) and ``new`` (what was computed, ``pos``: its place in the frame), to be compared; an empty
    text is none."""
    kinds = {c.name: c.type for c in Base.metadata.tables[table].columns}
    asked = [*(("id",) if which else ()), *columns]
    whole = [c for c in asked if isinstance(kinds[c], Integer | BigInteger)]
    floats = [c for c in asked if isinstance(kinds[c], Float)]
    typed = [c for c in asked if c not in [*whole, *floats] and (getattr(kinds[c], "length", None) or _CODE + 1) > _CODE]
    select = _standing(table, share, which)
    old = bulk.read_table(connection, select, [f"t.{c} AS {c}" for c in asked], whole, typed, floats)
    con = scratch()
    con.register("old", old)
    new = {c: _compared(computed[c], c in whole, c in floats) for c in columns}
    con.register("new", pa.table({**new, "pos": pa.array(range(len(computed)), pa.int64())}))
    return con


def _standing(table: str, share: Share | None, which: str) -> str:
    if share is None:
        return f"FROM {table} t" + (f" WHERE {which}" if which else "")
    # CROSS JOIN keeps SQLite from looking at every row of the table to find the few of a part.
    same = " AND ".join(f"t.{k} = n.{k}" for k in share.keys)
    where = f"n.part = {share.part} AND {same}" + (f" AND {which}" if which else "")
    return f"FROM {share.listed} n CROSS JOIN {table} t WHERE {where}"


def _compared(column: pd.Series[Any], whole: bool, floating: bool) -> pa.Array:
    if whole:
        return pa.array(column.astype("Int64"), pa.int64(), from_pandas=True)
    if floating:
        return pa.array(column, pa.float64(), from_pandas=True)
    text_ = to_arrow(column.astype("str"))
    return pc.if_else(pc.equal(text_, ""), None, text_)


def _places(con: duckdb.DuckDBPyConnection, select: str) -> list[int]:
    places: list[int] = con.sql(f"{select} ORDER BY pos").to_arrow_table()["pos"].to_pylist()
    return places


def _with_staged(connection: Connection, table: str, rows: pd.DataFrame, keys: Sequence[str], statement: str) -> None:
    bulk.stage(connection, "wd_rows", rows, like=table)
    connection.exec_driver_sql(f"CREATE INDEX wd_rows_key ON wd_rows ({', '.join(keys)})")
    connection.exec_driver_sql(statement.format(on=" AND ".join(f"t.{k} = n.{k}" for k in keys)))
    bulk.unstage(connection, "wd_rows")
