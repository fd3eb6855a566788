"""Moving frames in and out of the database in sets: staging tables, joins, differences; never a query per row."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv
from sqlalchemy import Connection, text

from zp_registry.texts import to_arrow

_MANY = 20_000
_AT_ONCE = 5_000
_PROBE = 256
_ROWS = 20_000
_TEXT = pa.large_string()
_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
# SQLite makes NULL of it, as of None; but for None its driver looks for an adapter each time, which takes five times as long.
_SQLITE_NULL = float("nan")


def _rows(frame: pd.DataFrame) -> Iterator[list[tuple[Any, ...]]]:
    """The rows as tuples of Python's own values, a few thousand at a time, since they take much more memory than columns."""
    columns = [_cells(frame[name]) for name in frame.columns]
    for at in range(0, len(frame), _AT_ONCE):
        yield list(zip(*(cells(at, at + _AT_ONCE) for cells in columns), strict=True))


def _cells(column: pd.Series[Any]) -> Callable[[int, int], list[Any]]:
    """What gives the values of a column from one row to another, NA as what SQLite makes NULL of."""
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iub":
        values = column.to_numpy()
        return lambda start, stop: list(values[start:stop].tolist())
    if isinstance(column.dtype, pd.StringDtype):
        array = to_arrow(column)
        if len(array) <= _PROBE or len(array.slice(0, _PROBE).unique()) >= _PROBE // 4:
            return lambda start, stop: _texts(array.slice(start, stop - start))
        coded = array.dictionary_encode()  # few texts, often repeated: each is made, and encoded for the database, once
        texts = np.array([*coded.dictionary.to_pylist(), _SQLITE_NULL], dtype=object)
        codes = coded.indices.fill_null(len(texts) - 1).to_numpy()
        return lambda start, stop: list(texts[codes[start:stop]].tolist())
    objects = column.astype(object).to_numpy(copy=True)
    objects[column.isna().to_numpy()] = _SQLITE_NULL
    return lambda start, stop: list(objects[start:stop].tolist())


def _texts(array: pa.LargeStringArray) -> list[Any]:
    texts = array.to_numpy(zero_copy_only=False)
    if array.null_count:
        texts[array.is_null().to_numpy(zero_copy_only=False)] = _SQLITE_NULL
    return list(texts.tolist())


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
    append(connection, name, frame)
    if postgres and len(frame):
        connection.exec_driver_sql(f"ANALYZE {name}")


def append(connection: Connection, table: str, frame: pd.DataFrame) -> None:
    """Adds the rows of ``frame`` to a table that has all its columns: PostgreSQL by COPY, SQLite by one prepared statement."""
    if frame.empty:
        return
    given = frame.loc[:, [bool(frame[c].notna().any()) for c in frame.columns]]
    frame = given if len(given.columns) else frame  # the other columns are NULL by themselves
    names = ", ".join(frame.columns)
    if connection.dialect.name == "postgresql":
        with connection.connection.cursor().copy(f"COPY {table} ({names}) FROM STDIN (FORMAT csv)") as copy:
            copy.write(_as_csv(frame))
    else:
        marks = ", ".join("?" * len(frame.columns))
        cursor, sql = connection.connection.cursor(), f"INSERT INTO {table} ({names}) VALUES ({marks})"
        with _indexes_after(connection, table, len(frame)):
            for rows in _rows(frame):
                cursor.executemany(sql, rows)


@contextmanager
def _indexes_after(connection: Connection, table: str, fresh: int) -> Iterator[None]:
    """Where more rows come than stand in an SQLite table, its indexes are made anew behind them, in the same transaction: one
    sort each takes a fraction of what as many insertions in all places take."""
    indexes: list[tuple[str, str]] = []
    if fresh >= _MANY and connection.exec_driver_sql(f"SELECT COUNT(*) FROM {table}").scalar_one() < fresh:
        found = connection.exec_driver_sql(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL", (table,)
        )
        indexes = [(str(name), str(sql)) for name, sql in found]
    for name, _ in indexes:
        connection.exec_driver_sql(f"DROP INDEX {name}")
    yield
    for _, sql in indexes:
        connection.exec_driver_sql(sql)


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
    cells = [None if missing else c for c, missing in zip(column, column.isna(), strict=True)]
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
    kinds = {n: pa.int64() if n in integers else pa.float64() if n in floats else None if n in raw else _TEXT for n in names}
    parts: dict[str, list[Any]] = {n: [] for n in names}
    assert result.cursor is not None
    while rows := result.cursor.fetchmany(_ROWS):  # the driver's own tuples: several times quicker than SQLAlchemy's rows
        for name, values in zip(names, zip(*rows, strict=True), strict=True):
            parts[name].append(list(values) if kinds[name] is None else _array(values, kinds[name]))
    result.close()
    return pd.DataFrame({n: _column(parts[n], kinds[n]) for n in names}, columns=names)


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    try:
        return pa.array(values, kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # what is no text, asked for as text
        return pa.array([None if v is None else str(v) for v in values], pa.string()).cast(kind)


def _column(parts: list[Any], kind: pa.DataType | None) -> pd.Series[Any]:
    if kind is None:
        return pd.Series([v for part in parts for v in part], dtype=object)
    column = pa.chunked_array(parts, kind)
    if kind == _TEXT:
        return pd.Series(column.combine_chunks(), dtype="str")
    if kind == pa.int64() and column.null_count:
        return pd.Series(column.to_pandas(integer_object_nulls=True), dtype="Int64")
    return pd.Series(column.to_numpy(), dtype=str(kind).replace("double", "float64"))


_FIELD, _QUOTE = "\x1f", "\x01"  # no hash, code or comparison form contains them
_BATCH = 100_000


def read_table(
    connection: Connection,
    select: str,
    columns: Sequence[str],
    integers: Sequence[str] = (),
    free: Sequence[str] = (),
    floats: Sequence[str] = (),
) -> pa.Table:
    """Large results as an Arrow table, several times quicker than rows: the database joins each row's values to one text, which
    Arrow takes apart. ``select``: SQL from FROM on, without parameters; ``columns``: expressions ``… AS name`` or plain names.
    Empty text comes back as NULL; ``integers`` as int64, ``floats`` (of up to 15 digits) as float64. ``free``: names of the
    columns that may hold any text, with line breaks and all; the others must be hashes, codes or comparison forms (ValueError
    if one holds a character of ours)."""
    names = [c.rpartition(" AS ")[2] for c in columns]
    types = {n: pa.int64() if n in integers else pa.float64() if n in floats else pa.string() for n in names}
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
