"""How the weight of a pair comes about, from the reports and the model of today."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from sqlalchemy import Connection

from zp_registry.frames import as_records
from zp_registry.registry.review import rows_around
from zp_registry.resolve.model import explain, features
from zp_registry.resolve.subjects import described, open_tables

from .derive import match_rules
from .office import Office


def explanations(
    office: Office, connection: Connection, pairs: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], list[dict[str, Any]]]:
    """For each pair of subjects the rows field, left, right, level, weight, sum; the sides in the order that was asked for.

    No rows for a pair of which a side is no longer reported, and none at all where no model is in use.
    """
    rules = match_rules(connection, office)[0]
    if rules.model is None or not pairs:
        return {}
    ends = pd.DataFrame(list(dict.fromkeys(pairs)), columns=["left_id", "right_id"], dtype="int64")
    wanted = pd.DataFrame({"subject_id": pd.unique(ends.to_numpy().ravel())})
    rows, accounts = rows_around(connection, wanted["subject_id"].tolist())
    order = wanted.assign(key=wanted["subject_id"].astype("str"))
    con = open_tables(rows, accounts, order, rules.hubs)
    try:
        con.register("asked", wanted)
        subjects, tokens = described(con, "asked")
    finally:
        con.close()
    there = ends[ends.isin(set(subjects["subject_id"])).all(axis=1)]
    if there.empty:
        return {}
    told = explain(features(subjects, tokens), there, rules.model).round({"weight": 3, "sum": 3})
    columns = ["field", "left", "right", "level", "weight", "sum"]
    lines: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for left, right, row in zip(told["left_id"].tolist(), told["right_id"].tolist(), as_records(told[columns]), strict=True):
        lines.setdefault((left, right), []).append(row)
    return lines
