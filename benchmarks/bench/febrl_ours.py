"""The registry's engine on FEBRL: its model format, its training (no labels), its scores and its clusters.

The models stand in ``benchmarks/febrl/``; ``start`` is what they are trained from: all ten fields, each with the levels that
typing errors call for, and names and address lines that may have changed places. Training takes the social security number,
typing errors and all, for the number by which pairs are one or not; what that number's own agreement is worth is not learned
from itself but set. Scoring knows no such number: it is a field like the others.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from zp_registry.resolve.clusters import Caps, Clusters
from zp_registry.resolve.model import MatchModel, read_model, score, train

MODELS = Path(__file__).resolve().parent.parent / "febrl"
_ADJUSTED = ("given_name", "surname", "street_number", "address_1", "address_2", "suburb", "postcode", "state")
_BLOCKS = (
    "l.soc_sec_id = r.soc_sec_id",
    "l.date_of_birth = r.date_of_birth",
    "l.given_name = r.given_name",
    "l.surname = r.surname",
    "l.surname = r.given_name AND l.given_name = r.surname",
    "l.address_1 = r.address_1",
    "l.address_2 = r.address_2",
    "l.suburb = r.suburb",
    "l.postcode = r.postcode",
)


def rows(frame: pd.DataFrame) -> pd.DataFrame:
    """The records as the engine takes them: ``subject_id`` in the order of rec_id, ``source`` and the ten fields."""
    ordered = frame.sort_values("rec_id", ignore_index=True).drop(columns="person")
    return ordered.assign(subject_id=range(1, len(ordered) + 1))


def trained(number: int, frame: pd.DataFrame, seed: int = 1) -> MatchModel:
    """The model of a set, learned from its records without their labels."""
    records = rows(frame)
    records = records.assign(strong=records["soc_sec_id"], business=False)
    table = pa.Table.from_pandas(records, preserve_index=False)
    table = table.append_column("accounts", pa.nulls(len(records), pa.list_(pa.string())))
    return train(table, read_model(json.dumps(start(number)), f"the start for set {number}"), seed)[0]


def pairs(frame: pd.DataFrame, model: MatchModel) -> pd.DataFrame:
    """``left_id, right_id`` (rec_id) and ``weight`` of the pairs from the model's review band on."""
    records = rows(frame)
    names = records.set_index("subject_id")["rec_id"]
    found = score(records, model)
    return found.assign(left_id=found["left_id"].map(names), right_id=found["right_id"].map(names))


def clusters(frame: pd.DataFrame, found: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """``rec_id, cluster_id`` when pairs of ``threshold`` and more are joined, best first, by the registry's clusters."""
    records = rows(frame)
    subject = records.set_index("rec_id")["subject_id"]
    good = found[found["weight"] >= threshold].sort_values(["weight", "left_id", "right_id"], ascending=[False, True, True])
    forest = Clusters(
        records[["subject_id"]].assign(strong=pd.Series(pd.NA, index=records.index, dtype="str")),
        pd.DataFrame({"left_id": [], "right_id": []}, dtype="int64"),
        Caps(),
    )
    forest.join(good["left_id"].map(subject), good["right_id"].map(subject))
    return pd.DataFrame({"rec_id": records["rec_id"], "cluster_id": records["subject_id"].map(forest.roots())})


def model_file(number: int) -> Path:
    """Where the trained model of a set stands."""
    return MODELS / f"febrl{number}.json"


def start(number: int) -> dict[str, Any]:
    """The model of a set before training, as JSON."""
    similar = ("jaro_winkler_similarity({0}_l, {0}_r) >= 0.9", "jaro_winkler_similarity({0}_l, {0}_r) >= 0.75")
    edits = ("damerau_levenshtein({0}_l, {0}_r) <= 1", "damerau_levenshtein({0}_l, {0}_r) <= 2")
    comparisons = [
        _comparison("given_name", similar, "surname"),
        _comparison("surname", similar, "given_name"),
        _comparison("date_of_birth", edits),
        _comparison("soc_sec_id", edits),
        _comparison("street_number", edits[:1]),
        _comparison("address_1", similar, "address_2"),
        _comparison("address_2", similar, "address_1"),
        _comparison("suburb", similar),
        _comparison("postcode", edits),
        _comparison("state", ()),
    ]
    across = " AND l.source <> r.source" if number == 4 else ""
    return {
        "format": "zp-registry match model 1",
        "version": "0",
        "name": f"febrl{number}",
        "bands": {"link": 0.0, "review": -6.0, "margin": 0.0},
        "labels": {},
        "splink": {
            "link_type": "dedupe_only",
            "unique_id_column_name": "subject_id",
            "probability_two_random_records_match": 0.0005,
            "blocking_rules_to_generate_predictions": [rule + across for rule in _BLOCKS],
            "comparisons": comparisons,
        },
        "frequencies": {column: {"default": 0.001, "values": {}} for column in _ADJUSTED},
    }


def _comparison(column: str, near: tuple[str, ...], other: str = "") -> dict[str, Any]:
    """Null, equal, in each other's place, then less and less alike; the starting values say only that nearer is likelier."""
    conditions = [f"{column}_l = {column}_r"]
    if other:
        conditions.append(f"{column}_l = {other}_r OR {other}_l = {column}_r")
    conditions += [c.format(column) for c in near]
    levels: list[dict[str, Any]] = [
        {"sql_condition": f"{column}_l IS NULL OR {column}_r IS NULL", "label_for_charts": "missing", "is_null_level": True}
    ]
    for place, condition in enumerate(conditions):
        level = {
            "sql_condition": condition,
            "label_for_charts": condition,
            "m_probability": 0.9 if place == 0 else 0.06 / (len(conditions) - 1),
            "u_probability": 0.005 if place == 0 else 0.02 * place,
        }
        if column == "soc_sec_id":
            level["fix_m_probability"] = True
        if place == 0 and column in _ADJUSTED:
            level |= {"tf_adjustment_column": column, "tf_adjustment_weight": 1.0}
        levels.append(level)
    rest: dict[str, Any] = {"m_probability": 0.04, "u_probability": 1 - sum(x.get("u_probability", 0.0) for x in levels)}
    rest |= {"sql_condition": "ELSE", "label_for_charts": "other", "fix_m_probability": column == "soc_sec_id"}
    return {"output_column_name": column, "comparison_levels": [*levels, rest]}
