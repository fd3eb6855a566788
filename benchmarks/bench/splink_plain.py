"""Plain Splink on the same records: DuckDB in memory, trained in the same run without labels, predict and cluster.

python -m bench.splink_plain ROWS CLUSTERS VARIANT

Three variants, each such as a competent user would write for these columns:

- ``simple``: exact agreement and nearly equal names, one column for whichever number is there.
- ``masks``: numbers, phones and payees fall back on their visible digits; term frequencies everywhere.
- ``distinct``: ``masks`` over distinct rows (records that agree in every compared column are taken once).
"""

from __future__ import annotations

import json
import logging
import sys
import warnings
from pathlib import Path
from typing import Any

import duckdb

from .measure import Clock

THRESHOLDS = (0.9, 0.99, 0.999, 0.9999, 0.99999)  # match probabilities at which clusters are made; the best is reported
COMPARED = (
    "subject_key", "subject_kind", "number", "uscc", "id_hash", "id_mask", "keeper", "phone_hash", "phone_mask", "address_key",
    "town", "payee_hash", "payee_mask",
)  # fmt: skip


def settings(variant: str) -> Any:
    """Splink's SettingsCreator of a variant."""
    import splink.comparison_level_library as cll
    import splink.comparison_library as cl
    from splink import SettingsCreator, block_on

    frequent = {"term_frequency_adjustments": True}
    name = cl.LevenshteinAtThresholds("subject_key", [1]).configure(**frequent)
    keeper = cl.ExactMatch("keeper").configure(**frequent)
    if variant == "simple":
        comparisons = [
            name,
            cl.ExactMatch("number"),
            cl.ExactMatch("phone_hash").configure(**frequent),
            cl.ExactMatch("payee_hash").configure(**frequent),
            cl.JaroWinklerAtThresholds("address_key", [0.92]).configure(**frequent),
            keeper,
        ]
    else:

        def number() -> Any:
            return cl.CustomComparison(
                [
                    {"sql_condition": "coalesce(uscc_l, id_mask_l) IS NULL OR coalesce(uscc_r, id_mask_r) IS NULL",
                     "label_for_charts": "No number", "is_null_level": True},
                    {"sql_condition": "number_l = number_r", "label_for_charts": "Same whole number"},
                    cll.ExactMatchLevel("id_mask").configure(tf_adjustment_column="id_mask"),
                    {"sql_condition": "number_l IS NULL OR number_r IS NULL", "label_for_charts": "One of them masked"},
                    cll.ElseLevel(),
                ],
                output_column_name="number",
            )  # fmt: skip

        def masked(what: str) -> Any:
            return cl.CustomComparison(
                [
                    {"sql_condition": f"coalesce({what}_hash_l, {what}_mask_l) IS NULL OR "
                                      f"coalesce({what}_hash_r, {what}_mask_r) IS NULL",
                     "label_for_charts": "Null", "is_null_level": True},
                    cll.ExactMatchLevel(f"{what}_hash", term_frequency_adjustments=True),
                    cll.ExactMatchLevel(f"{what}_mask"),
                    cll.ElseLevel(),
                ],
                output_column_name=what,
            )  # fmt: skip

        comparisons = [
            name,
            number(),
            masked("phone"),
            masked("payee"),
            cl.JaroWinklerAtThresholds("address_key", [0.95, 0.88]).configure(**frequent),
            keeper,
            cl.ExactMatch("subject_kind"),
        ]
    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="record_id",
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=[
            block_on("number"),
            block_on("subject_key", "phone_hash"),
            block_on("subject_key", "payee_hash"),
            block_on("subject_key", "address_key"),
            block_on("subject_key", "id_mask"),
            block_on("id_mask", "phone_hash"),
            block_on("phone_hash", "address_key"),
        ],
        retain_matching_columns=False,
    )


def main() -> None:
    source, target, variant = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    logging.getLogger("splink").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    from splink import Linker, block_on
    from splink.backends.duckdb import DuckDBAPI

    clock = Clock()
    connection = duckdb.connect()
    with clock.step("load"):
        distinct = variant == "distinct"
        key = f"min(record_id) OVER (PARTITION BY {', '.join(COMPARED)})" if distinct else "record_id"
        connection.execute(
            f"""CREATE TABLE every AS SELECT *, {key} AS keep FROM (
                SELECT record_id, subject_key, subject_kind, coalesce(uscc, id_hash) AS number, uscc, id_hash, id_mask,
                       coalesce(operator_key, legal_key) AS keeper, phone_hash, phone_mask, address_key, town, payee_hash,
                       payee_mask FROM read_parquet('{source}'))"""
        )
        connection.execute("CREATE TABLE rows AS SELECT * EXCLUDE (keep) FROM every WHERE record_id = keep")
    api = DuckDBAPI(connection=connection)
    linker = Linker(api.register("rows"), settings(variant))
    training = linker.training
    with clock.step("train"):
        certain = [block_on("number"), block_on("subject_key", "phone_hash", "address_key")]
        training.estimate_probability_two_random_records_match(certain, recall=0.9)
        training.estimate_u_using_random_sampling(max_pairs=2e6, seed=1)
        for rule in (block_on("phone_hash", "payee_hash"), block_on("number"), block_on("subject_key", "address_key")):
            training.estimate_parameters_using_expectation_maximisation(rule, max_pairs=1e6)
    with clock.step("predict"):
        predictions = linker.inference.predict(threshold_match_probability=min(THRESHOLDS))
    own = connection.cursor()  # Splink may still have a result open on its connection
    pairs = own.execute(f"SELECT count(*) FROM {predictions.physical_name}").fetchone()
    counts: dict[str, int] = {}
    for threshold in THRESHOLDS:
        with clock.step(f"cluster {threshold}"):
            clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(
                predictions, threshold_match_probability=threshold
            )
        into = target.with_name(f"{target.stem}-{threshold}.parquet")
        own.execute(
            f"""COPY (SELECT e.record_id, c.cluster_id FROM every e JOIN {clusters.physical_name} c ON c.record_id = e.keep)
                TO '{into}' (FORMAT parquet)"""
        )
        found = own.execute(f"SELECT count(DISTINCT cluster_id) FROM {clusters.physical_name}").fetchone()
        counts[str(threshold)] = int(found[0]) if found else 0
    answer = {"seconds": clock.seconds, "cpu": clock.cpu, "pairs": pairs[0] if pairs else 0, "clusters": counts}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
