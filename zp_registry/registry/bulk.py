"""Moving frames in and out of the database in sets: staging tables, joins, differences; never a query per row."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv
from sqlalchemy import Connection, text

from zp_registry.texts import to_arrow

_AT_ONCE = 5_000
_PROBE = 256
_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")


def plain(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    """The rows as tuples of plain Python values, NA as None, as database drivers want them."""
    columns = [_cells(frame[name]) for name in frame.columns]
    return list(zip(*columns, strict=True)) if columns else []


def _cells(column: pd.Series[Any]) -> list[Any]:
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iub":
        return list(column.tolist())
    if isinstance(column.dtype, pd.StringDtype):
        array = to_arrow(column)
        if len(array) > _PROBE and len(array.slice(0, _PROBE).unique()) < _PROBE // 4:
            coded = array.dictionary_encode()  # few texts, often repeated: each is made, and encoded for the database, once
            texts = np.array([*coded.dictionary.to_pylist(), None], dtype=object)
            return list(texts[coded.indices.fill_null(-1).to_numpy()].tolist())
        return list(array.to_numpy(zero_copy_only=False).tolist())
    objects = column.astype(object)
    return list(objects.where(objects.notna(), None).tolist())


def stage(connection: Connection, name: str, frame: pd.DataFrame, *, like: str | None = None) -> None:
    """Puts ``frame`` into a temporary table ``name``; column types from the table ``like``, else from the frame.

    The table lives until the connection goes or :func:`unstage`.
    """
    if not _NAME.match(name) or not all(_NAME.match(c) for c in frame.columns):
        raise ValueError(f"not a plain name: {name}")
    unstage(connection, name)
    postgres = connection.dialect.name == "postgresql"
    kinds = {c: _sql_type(frame[c], postgres) for c in frame.columns}
    if like is not None:
        connection.exec_driver_sql(f"CREATE TEMP TABLE {name} AS SELECT {', '.join(kinds)} FROM {like} WHERE 1 = 0")
    else:
        connection.exec_driver_sql(f"CREATE TEMP TABLE {name} ({', '.join(f'{c} {t}' for c, t in kinds.items())})")
    given = frame.loc[:, [bool(frame[c].notna().any()) for c in frame.columns]]
    append(connection, name, given if len(given.columns) else frame)  # the other columns are NULL by themselves
    if postgres and len(frame):
        connection.exec_driver_sql(f"ANALYZE {name}")


def append(connection: Connection, table: str, frame: pd.DataFrame) -> None:
    """Adds the rows of ``frame`` to a table that has all its columns: PostgreSQL by COPY, SQLite by one prepared statement."""
    if frame.empty:
        return
    names = ", ".join(frame.columns)
    if connection.dialect.name == "postgresql":
        with connection.connection.cursor().copy(f"COPY {table} ({names}) FROM STDIN (FORMAT csv)") as copy:
            copy.write(_as_csv(frame))
    else:
        marks = ", ".join("?" * len(frame.columns))
        cursor, sql = connection.connection.cursor(), f"INSERT INTO {table} ({names}) VALUES ({marks})"
        for at in range(0, len(frame), _AT_ONCE):  # rows as Python values take memory: a few at a time
            cursor.executemany(sql, plain(frame.iloc[at : at + _AT_ONCE]))


def _as_csv(frame: pd.DataFrame) -> pa.Buffer:
    """As COPY takes it: text in quotes, nothing at all for NULL, bytes as hexadecimal digits."""
    arrays = {str(name): _copied(frame[name]) for name in frame.columns}
    out = pa.BufferOutputStream()
    csv.write_csv(pa.table(arrays), out, csv.WriteOptions(include_header=False))
    return out.getvalue()


def _copied(column: pd.Series[Any]) -> pa.Array:
    if isinstance(column.dtype, pd.StringDtype):
        return to_arrow(column)
    if column.dtype != object:
        return pa.array(column, from_pandas=True)
    cells = _cells(column)
    return pa.array(["\\x" + c.hex() if isinstance(c, bytes) else c for c in cells])


def unstage(connection: Connection, name: str) -> None:
    """Drops a staging table if it is there."""
    connection.exec_driver_sql(
        f"DROP TABLE IF EXISTS {'pg_temp.' if connection.dialect.name == 'postgresql' else 'temp.'}{name}"
    )


def _sql_type(column: pd.Series[Any], postgres: bool) -> str:
    kind = column.dtype.kind
    if kind in "iub":
        return "BIGINT" if postgres else "INTEGER"
    if kind == "f":
        return "DOUBLE PRECISION" if postgres else "REAL"
    if column.dtype == object and any(isinstance(v, bytes) for v in column):
        return "BYTEA" if postgres else "BLOB"
    if column.dtype == object and column.notna().any() and all(isinstance(v, int) for v in column.dropna()):
        return "BIGINT" if postgres else "INTEGER"
    return "TEXT"


def read(
    connection: Connection,
    sql: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    integers: Sequence[str] = (),
    raw: Sequence[str] = (),
    floats: Sequence[str] = (),
) -> pd.DataFrame:
    """The result of ``sql`` as a frame: text columns as ``str`` with NA, ``integers`` as nullable Int64 or plain int64 when
    none is missing, ``raw`` (bytes, JSON) as objects."""
    result = connection.execute(text(sql), parameters or {})
    names = list(result.keys())
    rows = result.fetchall()
    data = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(names, ())
    out = {}
    for name in names:
        values = data[name]
        if name in integers:
            series: pd.Series[Any] = pd.Series(values, dtype="Int64")
            out[name] = series.astype("int64") if not series.isna().any() else series
        elif name in floats:
            out[name] = pd.Series(values, dtype="float64")
        elif name in raw:
            out[name] = pd.Series(list(values), dtype=object)
        else:
            out[name] = pd.Series(list(values), dtype="str")
    return pd.DataFrame(out, columns=names)


_FIELD, _QUOTE = "\x1f", "\x01"  # no hash, code or comparison form contains them
_BATCH = 100_000


def read_table(
    connection: Connection, select: str, columns: Sequence[str], integers: Sequence[str] = (), free: Sequence[str] = ()
) -> pa.Table:
    """Large results as an Arrow table, several times quicker than rows: the database joins each row's values to one text, which
    Arrow takes apart. ``select``: SQL from FROM on, without parameters; ``columns``: expressions ``… AS name`` or plain names.
    Empty text comes back as NULL; ``integers`` as int64. ``free``: names of the columns that may hold any text, with line
    breaks and all; the others must be hashes, codes or comparison forms (ValueError if one holds a character of ours)."""
    names = [c.rpartition(" AS ")[2] for c in columns]
    types = {n: pa.int64() if n in integers else pa.string() for n in names}
    if connection.dialect.name == "postgresql":
        with connection.connection.cursor().copy(
            f"COPY (SELECT {', '.join(columns)} {select}) TO STDOUT (FORMAT csv, DELIMITER E'\\x1f', QUOTE E'\\x01')"
        ) as copy:
            chunks = [bytes(chunk) for chunk in copy]
        return _taken_apart(b"".join(chunks), types, quoted=True)
    values = " || char(31) || ".join(
        _quoted(c.partition(" AS ")[0]) if n in free else f"coalesce({c.partition(' AS ')[0]}, '')"
        for c, n in zip(columns, names, strict=True)
    )
    cursor = connection.connection.cursor()
    cursor.execute(f"SELECT '' || {values} {select}")
    parts = []
    while rows := cursor.fetchmany(_BATCH):
        part = _taken_apart("\n".join([r[0] for r in rows]).encode(), types, quoted=bool(free))
        if part.num_rows != len(rows):
            raise ValueError("a value holds a character that no hash, code or comparison form has")
        parts.append(part)
    return pa.concat_tables(parts) if parts else _taken_apart(b"", types)


def _quoted(value: str) -> str:
    return f"CASE WHEN {value} IS NULL THEN '' ELSE char(1) || replace({value}, char(1), char(1) || char(1)) || char(1) END"


def _taken_apart(text_: bytes, types: dict[str, pa.DataType], *, quoted: bool = False) -> pa.Table:
    if not text_:
        return pa.table({n: pa.array([], t) for n, t in types.items()})
    return csv.read_csv(
        pa.BufferReader(text_),
        csv.ReadOptions(column_names=list(types), block_size=16 << 20),
        csv.ParseOptions(
            delimiter=_FIELD, quote_char=_QUOTE, double_quote=True, ignore_empty_lines=False, newlines_in_values=quoted
        ),
        csv.ConvertOptions(column_types=types, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=True),
    )


def write_difference(connection: Connection, table: str, computed: pd.DataFrame, keys: Sequence[str]) -> dict[str, int]:
    """Makes ``table`` hold exactly ``computed`` (columns of the table; unique by ``keys``), touching only what differs.

    Returns the counts ``added``, ``changed`` and ``removed``.
    """
    columns = list(computed.columns)
    stage(connection, "wd_new", computed, like=table)
    on = " AND ".join(f"t.{k} = n.{k}" for k in keys)
    connection.exec_driver_sql(f"CREATE INDEX wd_new_key ON wd_new ({', '.join(keys)})")
    values = [c for c in columns if c not in keys]
    removed = connection.exec_driver_sql(
        f"DELETE FROM {table} AS t WHERE NOT EXISTS (SELECT 1 FROM wd_new n WHERE {on})"
    ).rowcount
    changed = 0
    if values:
        differs = " OR ".join(f"t.{c} IS DISTINCT FROM n.{c}" for c in values)
        sets = ", ".join(f"{c} = n.{c}" for c in values)
        changed = connection.exec_driver_sql(
            f"UPDATE {table} AS t SET {sets} FROM wd_new n WHERE {on} AND ({differs})"
        ).rowcount
    names = ", ".join(columns)
    added = connection.exec_driver_sql(
        f"INSERT INTO {table} ({names}) SELECT {', '.join('n.' + c for c in columns)} FROM wd_new n "
        f"WHERE NOT EXISTS (SELECT 1 FROM {table} t WHERE {on})"
    ).rowcount
    unstage(connection, "wd_new")
    return {"added": added, "changed": changed, "removed": removed}


def write_history(connection: Connection, table: str, computed: pd.DataFrame, keys: Sequence[str], now: str) -> dict[str, int]:
    """Makes the live rows of a bitemporal ``table`` equal ``computed``: rows that no longer hold are closed in recorded time
    (``recorded_to``), new ones are added; nothing is overwritten. ``keys``: all columns of ``computed`` that make a row what it
    is; a row whose other columns differ is closed and added anew.
    """
    columns = list(computed.columns)
    stage(connection, "wh_new", computed, like=table)
    connection.exec_driver_sql(f"CREATE INDEX wh_new_key ON wh_new ({', '.join(keys)})")
    same = " AND ".join(f"t.{c} = n.{c}" if c in keys else f"t.{c} IS NOT DISTINCT FROM n.{c}" for c in columns)
    closed = connection.execute(
        text(
            f"UPDATE {table} AS t SET recorded_to = :now WHERE t.recorded_to IS NULL "
            f"AND NOT EXISTS (SELECT 1 FROM wh_new n WHERE {same})"
        ),
        {"now": now},
    ).rowcount
    names = ", ".join(columns)
    added = connection.execute(
        text(
            f"INSERT INTO {table} ({names}, recorded_from) SELECT {', '.join('n.' + c for c in columns)}, :now FROM wh_new n "
            f"WHERE NOT EXISTS (SELECT 1 FROM {table} t WHERE t.recorded_to IS NULL AND {same})"
        ),
        {"now": now},
    ).rowcount
    unstage(connection, "wh_new")
    return {"added": added, "closed": closed}
