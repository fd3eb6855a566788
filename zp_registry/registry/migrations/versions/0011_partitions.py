"""On PostgreSQL the tables that only ever grow stand in partitions: what is written at night touches the newest alone"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# Ids only rise, so what comes goes into the newest range, and what is old is left alone, by vacuum too. Each range is four
# times as long as all before it: few enough for a plan, and none so long that it holds nearly everything.
_RECORDS = [250_000 * 4**n for n in range(5)]
_REPORTS = [250 * 4**n for n in range(5)]
# What holds now, and what once did: a row is moved when it is closed, and never touched afterwards.
_BELIEVED = {"live": "FOR VALUES IN (NULL)", "past": "DEFAULT"}


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    _partition("record", "RANGE (id)", _ranges(_RECORDS), "id")
    _partition("sighting", "RANGE (report_id)", _ranges(_REPORTS), "report_id, record_id")
    for table in ("holding", "role"):
        _partition(table, "LIST (recorded_to)", _BELIEVED, None)
    _statistics()


def _ranges(bounds: list[int]) -> dict[str, str]:
    ends = ["MINVALUE", *map(str, bounds), "MAXVALUE"]
    return {str(n): f"FOR VALUES FROM ({a}) TO ({b})" for n, (a, b) in enumerate(pairwise(ends), start=1)}


def _partition(table: str, by: str, parts: dict[str, str], key: str | None) -> None:
    """The table anew in ``parts``, with its rows, indexes and what refers to it. A key that does not hold the column by which
    it is parted (``key`` None, and every unique constraint besides) cannot be the whole table's: each part has its own, and
    one writer at a time and ``doctor`` see to the rest."""
    indexes = _rows(
        "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = :t ::regclass AND NOT indisunique ORDER BY 1", table)
    unique = _rows(
        "SELECT conname, substring(pg_get_constraintdef(oid) FROM '\\((.*)\\)') FROM pg_constraint "
        "WHERE conrelid = :t ::regclass AND contype = 'u' ORDER BY 1", table)  # fmt: skip
    references = _rows(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE contype = 'f' AND conparentid = 0 AND :t ::regclass IN (conrelid, confrelid) ORDER BY 1, 2", table)  # fmt: skip
    op.execute(f"ALTER TABLE {table} RENAME TO former")
    op.execute(f"CREATE TABLE {table} (LIKE former INCLUDING DEFAULTS) PARTITION BY {by}")
    for name, values in parts.items():
        op.execute(f"CREATE TABLE {table}_{name} PARTITION OF {table} {values}")
    if "report_id" not in (key or ""):
        op.execute(f"ALTER SEQUENCE {table}_id_seq OWNED BY {table}.id")
    op.execute(f"INSERT INTO {table} SELECT * FROM former")
    op.execute("DROP TABLE former CASCADE")
    for whole in [table] if key is not None else [f"{table}_{name}" for name in parts]:
        op.execute(f"ALTER TABLE {whole} ADD CONSTRAINT pk_{whole} PRIMARY KEY ({key or 'id'})")
    for (definition,) in indexes:
        op.execute(sa.text(definition.replace(":", "\\:")))
    for name, columns in unique:
        op.execute(f"CREATE INDEX ix_{name.removeprefix('uq_')} ON {table} ({columns})")
    for child, name, definition in references:
        op.execute(f"ALTER TABLE {child} ADD CONSTRAINT {name} {definition}")


def _rows(query: str, table: str) -> list[Any]:
    return list(op.get_bind().execute(sa.text(query), {"t": table}))


def _statistics() -> None:
    """The server counts by itself what stands in a part, but never in the whole, by which it plans; only an owner may have it
    counted, and so this function does, for whoever may call it."""
    schema = op.get_bind().execute(sa.text("SELECT quote_ident(current_schema())")).scalar()
    op.execute(sa.text(f"""
        CREATE FUNCTION renew_statistics() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
        SET search_path = {schema}, pg_temp AS $$
        DECLARE whole regclass;
        BEGIN
            FOR whole IN
                SELECT c.oid FROM pg_class c JOIN pg_inherits i ON i.inhparent = c.oid
                JOIN pg_stat_user_tables s ON s.relid = i.inhrelid
                WHERE c.relkind = 'p' AND c.relnamespace = current_schema()\\:\\:regnamespace
                GROUP BY c.oid, c.reltuples
                HAVING abs(sum(s.n_live_tup) - greatest(c.reltuples, 0)) > 50 + 0.1 * greatest(c.reltuples, 0)
            LOOP EXECUTE format('ANALYZE %s', whole); END LOOP;
        END $$"""))
    op.execute("REVOKE ALL ON FUNCTION renew_statistics() FROM PUBLIC")


def downgrade() -> None:
    raise NotImplementedError("the registry is only ever upgraded: restore the backup made before")
