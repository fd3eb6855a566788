"""Why a pair has its weight, as plain rows for a clerk."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from zp_registry.resolve.model.score import columns_of, compare
from zp_registry.resolve.model.settings import MatchModel

PRIOR, SAME, OTHER, MISSING = "先验", "相同", "不同", "未报"
# What a subject says of itself that may be read; all else that pairs are compared by is hashes.
_OPEN = ("name_key", "id_mask", "phone_visible", "payee_visible")


def explain(features: pa.Table | pd.DataFrame, pairs: pd.DataFrame, model: MatchModel) -> pd.DataFrame:
    """``left_id, right_id, field, left, right, level, weight, sum`` for each of ``pairs`` (left_id, right_id): first the prior,
    then one row per comparison of the model, in its order. The last ``sum`` of a pair is its weight in score().

    ``left`` and ``right`` are what may be shown: names, places and masks; of other numbers only whether they are the same
    (相同, 不同), and 未报 where a side says nothing. Raises UsageError when a column of the model is missing.
    """
    table = features if isinstance(features, pa.Table) else pa.Table.from_pandas(features, preserve_index=False)
    names = [str(c["output_column_name"]) for c in model.comparisons]
    compared = compare(table, pairs, model)
    parts = [compared[f"weight_{name}"] for name in names]
    prior = compared["weight"] - sum(parts, pd.Series(0.0, index=compared.index))
    rows = [_rows(compared, 0, PRIOR, "", "", "", prior)]
    shown = _shown(table, compared, model)
    for place, (name, comparison, weight) in enumerate(zip(names, model.comparisons, parts, strict=True), start=1):
        level = compared[f"level_{name}"].map(_labels(comparison)).astype("str")
        same = level.str.contains("相同|同一", regex=True)
        told = pd.Series(SAME, index=level.index).where(same, OTHER)
        sides = []
        for side in ("left_id", "right_id"):
            values = compared[side].map(shown[name])
            # A number without digits to show: what is said of it is how it compares.
            sides.append(values.mask(values == "", told).fillna(MISSING))
        rows.append(_rows(compared, place, model.labels.get(name, name), sides[0], sides[1], level, weight))
    out = pd.concat(rows, ignore_index=True).sort_values(["left_id", "right_id", "place"], ignore_index=True)
    out["sum"] = out.groupby(["left_id", "right_id"])["weight"].cumsum()
    return out.drop(columns="place")


def _rows(compared: pd.DataFrame, place: int, field: str, left: Any, right: Any, level: Any, weight: Any) -> pd.DataFrame:
    out = compared[["left_id", "right_id"]].assign(place=place, field=field, left=left, right=right, level=level, weight=weight)
    return out.astype({"left": "str", "right": "str", "level": "str"})


def _labels(comparison: dict[str, Any]) -> dict[int, str]:
    """Splink numbers the levels from the last one, 0, upwards; the one of missing values is -1."""
    levels = comparison["comparison_levels"]
    counted = [x for x in levels if not x.get("is_null_level")]
    labels = {len(counted) - 1 - i: str(x["label_for_charts"]) for i, x in enumerate(counted)}
    return labels | {-1: next((str(x["label_for_charts"]) for x in levels if x.get("is_null_level")), "缺失")}


def _shown(table: pa.Table, compared: pd.DataFrame, model: MatchModel) -> dict[str, dict[Any, str | None]]:
    """For each comparison and row of ``compared``: what may be shown; empty text where something is known that may not be, None
    where nothing is."""
    ids = {*compared["left_id"], *compared["right_id"]}
    wanted = pa.array(sorted(ids), type=table.schema.field(model.unique_id).type)
    rows = table.filter(pc.is_in(table[model.unique_id], value_set=wanted)).to_pylist()
    out: dict[str, dict[Any, str | None]] = {}
    for comparison in model.comparisons:
        columns = sorted(columns_of(comparison))
        out[str(comparison["output_column_name"])] = {row[model.unique_id]: _text(row, columns) for row in rows}
    return out


def _text(row: dict[str, Any], columns: list[str]) -> str | None:
    known = {c: row[c] for c in columns if row.get(c) not in (None, [], "")}
    if not known:
        return None
    if "town" in columns:
        return " ".join(str(known[c]) for c in ("town", "market") if c in known)
    for column in _OPEN:
        if column in known:
            value = known[column]
            return "、".join(v.replace("*", "****") for v in value) if isinstance(value, list) else str(value)
    return ""
