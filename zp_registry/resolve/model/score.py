"""Scores of pairs, by Splink; nothing but the two rows and the model counts."""

from __future__ import annotations

import copy
import logging
import secrets
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
import pyarrow as pa
import sqlglot
from pyarrow import parquet
from sqlglot import exp

from zp_registry.errors import UsageError
from zp_registry.resolve.model.settings import MatchModel
from zp_registry.scratch import scratch
from zp_registry.spark import exchange, spark_session

if TYPE_CHECKING:  # Splink is loaded when pairs are scored: most commands score none
    from splink import DuckDBAPI, Linker

Engine = Literal["duckdb", "spark"]
_ROW_GROUP = 65_536  # a piece of a file that one worker reads
# DuckDB's functions that Spark itself lacks, and their names in the library that Splink brings along for Spark.
_IN_SPARK = {
    "jarowinkler_similarity": "jaro_winkler",
    "jaro_similarity": "jaro_sim",
    "jaccard": "jaccard",
    "damerau_levenshtein": "damerau_levenshtein",
}


def score(
    features: pa.Table | pd.DataFrame,
    model: MatchModel,
    focus: Collection[int] | None = None,
    spark: Path | None = None,
) -> pd.DataFrame:
    """``left_id, right_id, weight``: the candidate pairs (left_id < right_id, in this order) from ``bands.review`` on.

    ``features`` has the model's ``unique_id_column_name`` and the columns its conditions name. Where it has ``strong``, never
    two rows that both have one: equal numbers need no score, and different ones are never one. Where it has ``business``, never
    a business with none. With ``focus`` only pairs of which at least one row is in it. ``spark``: score on Spark, to which rows
    go and from which pairs come back as Parquet files in this folder, gone afterwards; None: by DuckDB. Raises UsageError when
    a column is missing, or pyspark is.
    """
    table = _table(features, model)
    guards = []
    if "business" in table.column_names:
        guards.append("l.business = r.business")
    if "strong" in table.column_names:
        guards.append("(l.strong is null or r.strong is null)")
    if focus is not None:
        guards.append("(l.in_focus or r.in_focus)")
    table = _near(table, model, focus)
    if len(table) < 2:
        return _pairs(pd.DataFrame({"l": [], "r": [], "match_weight": []}), "l", "r", table.schema.field(model.unique_id).type)
    settings = _settings(model, "duckdb" if spark is None else "spark", guards)
    wanted: dict[str, Any] = {"threshold_match_weight": model.bands.review, "warning_mode": "never"}
    if spark is None:
        with _on_duckdb(table, settings, model) as (linker, _):
            frame = linker.inference.predict(**wanted).as_pandas_dataframe()
    else:
        with exchange(spark) as files, _on_spark(table, settings, model, files) as linker:
            linker.inference.predict(**wanted).to_parquet((files / "pairs").as_uri(), overwrite=True)
            frame = parquet.read_table(files / "pairs").to_pandas()
    left, right = f"{model.unique_id}_l", f"{model.unique_id}_r"
    return _pairs(frame, left, right, table.schema.field(model.unique_id).type)


def compare(features: pa.Table | pd.DataFrame, pairs: pd.DataFrame, model: MatchModel) -> pd.DataFrame:
    """``left_id, right_id, weight`` and, for each comparison of the model, ``level_NAME`` (Splink's number for it, -1 when
    a value is missing) and ``weight_NAME`` (its part of the weight), for exactly the ``pairs`` (left_id, right_id) given."""
    table = _table(features, model)
    settings = _settings(model, "duckdb", [])
    settings |= {"retain_matching_columns": True, "retain_intermediate_calculation_columns": True}
    blocked = pa.table(
        {
            "match_key": pa.array(["0"] * len(pairs)),
            "join_key_l": pa.array(pairs["left_id"], type=table.schema.field(model.unique_id).type),
            "join_key_r": pa.array(pairs["right_id"], type=table.schema.field(model.unique_id).type),
        }
    )
    names = [str(c["output_column_name"]) for c in model.comparisons]
    with _on_duckdb(table, settings, model) as (linker, api):
        linker.table_management.register_blocked_pairs_for_predict(api.register(blocked))
        found = linker.inference.predict(warning_mode="never")
        kept = [f"{model.unique_id}_l", f"{model.unique_id}_r", "match_weight"]
        kept += [n for n in (c.unquote().name for c in found.columns) if n.startswith(("gamma_", "mw_"))]
        frame = linker.misc.query_sql(f"SELECT {', '.join(kept)} FROM {found.physical_name}").as_pandas_dataframe()
    return _pairs(frame, kept[0], kept[1], table.schema.field(model.unique_id).type, names)


def _pairs(frame: pd.DataFrame, left: str, right: str, kind: pa.DataType, names: list[str] | None = None) -> pd.DataFrame:
    out = {"left_id": frame[left], "right_id": frame[right], "weight": frame["match_weight"].astype("float64")}
    for name in names or ():
        out[f"level_{name}"] = frame[f"gamma_{name}"].astype("int64")
        weight = frame[f"mw_{name}"].astype("float64")
        adjusted = f"mw_tf_adj_{name}"
        out[f"weight_{name}"] = weight + (frame[adjusted].astype("float64") if adjusted in frame else 0.0)
    result = pd.DataFrame(out)
    id_type = "int64" if pa.types.is_integer(kind) else "str"
    result = result.astype({"left_id": id_type, "right_id": id_type})
    return result.sort_values(["left_id", "right_id"], ignore_index=True)


def _table(features: pa.Table | pd.DataFrame, model: MatchModel) -> pa.Table:
    """The columns that the model needs, and no others. Raises UsageError when one is missing."""
    table = features if isinstance(features, pa.Table) else pa.Table.from_pandas(features, preserve_index=False)
    needed = _columns(model)
    missing = sorted(needed - set(table.column_names))
    if missing:
        raise UsageError(f"model {model.name}: the data lack the columns {', '.join(missing)}")
    return table.select([c for c in table.column_names if c in needed | {"business", "strong"}])


def columns_of(comparison: dict[str, Any]) -> set[str]:
    """The columns that a comparison's conditions name."""
    conditions = [str(level["sql_condition"]) for level in comparison["comparison_levels"]]
    return {
        column.name.removesuffix("_l").removesuffix("_r")
        for text in conditions
        if text.strip().upper() != "ELSE"
        for column in sqlglot.parse_one(text, read="duckdb").find_all(exp.Column)
    }


def _columns(model: MatchModel) -> set[str]:
    found = set().union(*(columns_of(c) for c in model.comparisons))
    for rule in model.splink["blocking_rules_to_generate_predictions"]:
        parts = rule if isinstance(rule, dict) else {"blocking_rule": rule}
        found |= {c.name for c in sqlglot.parse_one(parts["blocking_rule"], read="duckdb").find_all(exp.Column)}
        found |= set(parts.get("arrays_to_explode") or [])
    return found | set(model.frequencies) | {model.unique_id}


def _near(table: pa.Table, model: MatchModel, focus: Collection[int] | None) -> pa.Table:
    """``table`` with ``in_focus`` (if there is a focus). Where one array is all that blocks, only rows that share a key with a
    row in focus, or else with a row without ``strong``, are kept: no others can be in a pair."""
    key = model.unique_id
    connection = scratch(ordered=False)
    connection.register("rows", table)
    marked, start = "SELECT * FROM rows", "strong IS NULL" if "strong" in table.column_names else "true"
    if focus is not None:
        connection.register("focus", pa.table({"id": pa.array(list(focus), type=table.schema.field(key).type)}))
        marked, start = f"SELECT rows.*, {key} IN (SELECT id FROM focus) AS in_focus FROM rows", "in_focus"
    rules = model.splink["blocking_rules_to_generate_predictions"]
    arrays = (rules[0].get("arrays_to_explode") or []) if len(rules) == 1 and isinstance(rules[0], dict) else []
    if len(arrays) != 1 or start == "true":
        return connection.sql(marked).to_arrow_table() if focus is not None else table
    each = f"SELECT {key} AS id, unnest({arrays[0]}) AS key"
    return connection.sql(
        f"""
        WITH marked AS ({marked}), started AS (SELECT DISTINCT unnest({arrays[0]}) AS key FROM marked WHERE {start})
        SELECT marked.* FROM marked
        SEMI JOIN (SELECT id FROM ({each} FROM marked) SEMI JOIN started USING (key)) near ON marked.{key} = near.id"""
    ).to_arrow_table()


def _settings(model: MatchModel, engine: Engine, guards: list[str]) -> dict[str, Any]:
    """Splink's settings for the engine, with the guards in every blocking rule."""
    settings = copy.deepcopy(model.splink)
    settings |= {"retain_matching_columns": False, "retain_intermediate_calculation_columns": False}
    rules = []
    for rule in settings["blocking_rules_to_generate_predictions"]:
        parts = {"blocking_rule": rule} if isinstance(rule, str) else dict(rule)
        parts["blocking_rule"] = _dialect(" AND ".join([f"({parts['blocking_rule']})", *guards]), engine)
        rules.append({k: v for k, v in parts.items() if k in ("blocking_rule", "arrays_to_explode") and v})
    settings["blocking_rules_to_generate_predictions"] = rules
    for comparison in settings["comparisons"]:
        for level in comparison["comparison_levels"]:
            if level["sql_condition"].strip().upper() != "ELSE":
                level["sql_condition"] = _dialect(level["sql_condition"], engine)
    return settings


def _dialect(condition: str, engine: Engine) -> str:
    if engine == "duckdb":
        return condition
    return str(sqlglot.parse_one(condition, read="duckdb").transform(_for_spark).sql(dialect="spark"))


def _for_spark(node: exp.Expression) -> exp.Expression:
    """DuckDB's functions that Spark knows under another name."""
    if isinstance(node, exp.ArrayOverlaps):
        return exp.Anonymous(this="arrays_overlap", expressions=[node.left, node.right])
    name = (node.name if isinstance(node, exp.Anonymous) else node.sql_name() if isinstance(node, exp.Func) else "").lower()
    if name in _IN_SPARK:
        arguments = node.expressions or [v for v in node.args.values() if isinstance(v, exp.Expression)]
        return exp.Anonymous(this=_IN_SPARK[name], expressions=arguments)
    return node


@contextmanager
def _on_duckdb(table: pa.Table, settings: dict[str, Any], model: MatchModel) -> Iterator[tuple[Linker, DuckDBAPI]]:
    from splink import DuckDBAPI

    with _quiet():
        api = DuckDBAPI(scratch(ordered=False))
        try:
            yield _linker(api, table, _frequencies(table, model), settings), api
        finally:
            api.duckdb_con.close()


@contextmanager
def _on_spark(table: pa.Table, settings: dict[str, Any], model: MatchModel, files: Path) -> Iterator[Linker]:
    with _quiet():
        session = spark_session()
        from splink.backends.spark import SparkAPI

        def handed(name: str, rows: pa.Table) -> Any:
            parquet.write_table(rows, files / f"{name}.parquet", row_group_size=_ROW_GROUP)
            return session.read.parquet((files / f"{name}.parquet").as_uri())

        pieces = session.sparkContext.defaultParallelism
        api = SparkAPI(spark_session=session, num_partitions_on_repartition=pieces, break_lineage_method="persist")
        lookups = {c: handed(f"tf_{n}", lookup) for n, (c, lookup) in enumerate(_frequencies(table, model).items())}
        try:
            yield _linker(api, handed("rows", table), lookups, settings)
        finally:
            for view in session.catalog.listTables():
                if view.isTemporary:
                    session.catalog.dropTempView(view.name)
            session.catalog.clearCache()


def _linker(api: Any, rows: Any, lookups: dict[str, Any], settings: dict[str, Any]) -> Linker:
    from splink import Linker

    mark = secrets.token_hex(6)  # a Spark session goes on, with the tables of former calls
    linker = Linker(
        api.register(rows, table_name=f"rows_to_match_{mark}"), settings, log_level=None, validate_settings=False
    )
    for column, lookup in lookups.items():
        registered = api.register(lookup, table_name=f"tf_of_{column}_{mark}")
        linker.table_management.register_term_frequency_lookup(registered, column)
    return linker


@contextmanager
def _quiet() -> Iterator[None]:
    """Splink tells the time that each step took; what it warns of still reaches the log."""
    chatty = logging.getLogger("splink")
    before = chatty.level
    chatty.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            for aged in (DeprecationWarning, PendingDeprecationWarning, FutureWarning):
                warnings.simplefilter("ignore", aged)
            yield
    finally:
        chatty.setLevel(before)


def _frequencies(table: pa.Table, model: MatchModel) -> dict[str, pa.Table]:
    """For each adjusted column its values in ``table`` with the frequency that the model holds for them."""
    out = {}
    for column, frozen in model.frequencies.items():
        values = [v for v in table[column].unique().to_pylist() if v is not None]
        shares = [frozen.values.get(str(v), frozen.default) for v in values]
        kept = pa.array(values, type=table.schema.field(column).type)
        out[column] = pa.table({column: kept, f"tf_{column}": pa.array(shares, pa.float64())})
    return out
