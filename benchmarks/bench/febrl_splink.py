"""Splink on FEBRL with the settings that its documentation publishes for these sets (Febrl3 for 1 to 3, Febrl4's detailed
model for 4), written for Splink 5's interface and trained as there: no labels are used.

``with_our_settings`` gives Splink the registry's ten-field settings and trains them its own way, to tell what the settings do
from what the training does.
"""

from __future__ import annotations

import copy
import logging
import warnings
from typing import Any

import duckdb
import pandas as pd


def score(frame: pd.DataFrame) -> pd.DataFrame:
    """``left_id, right_id, weight`` of every pair that the published blocking rules bring up."""
    logging.getLogger("splink").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    import splink.comparison_library as cl
    from splink import Linker, SettingsCreator, block_on
    from splink.backends.duckdb import DuckDBAPI

    api = DuckDBAPI(connection=duckdb.connect())
    fields = frame.drop(columns=["person", "source"])
    frequent = {"term_frequency_adjustments": True}
    linking = frame["source"].nunique() > 1
    born = {"input_is_string": True, "datetime_format": "%Y%m%d", "invalid_dates_as_null": True}
    if linking:
        settings = SettingsCreator(
            unique_id_column_name="rec_id",
            link_type="link_only",
            blocking_rules_to_generate_predictions=[
                block_on("given_name", "surname"),
                "l.given_name = r.surname and l.surname = r.given_name",
                block_on("date_of_birth"),
                block_on("soc_sec_id"),
                block_on("state", "address_1"),
                block_on("street_number", "address_1"),
                block_on("postcode"),
            ],
            comparisons=[
                cl.NameComparison("given_name").configure(**frequent),
                cl.NameComparison("surname").configure(**frequent),
                cl.DateOfBirthComparison("date_of_birth", **born),
                cl.DamerauLevenshteinAtThresholds("soc_sec_id", [1, 2]),
                cl.ExactMatch("street_number").configure(**frequent),
                cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]).configure(**frequent),
            ],
        )
        linker = Linker([api.register(part) for _, part in fields.groupby(frame["source"])], settings)
        certain = [block_on("soc_sec_id"), block_on("given_name", "surname", "date_of_birth")]
        recall = 0.8
    else:
        settings = SettingsCreator(
            unique_id_column_name="rec_id",
            link_type="dedupe_only",
            blocking_rules_to_generate_predictions=[
                block_on(c) for c in ("soc_sec_id", "given_name", "surname", "date_of_birth", "postcode")
            ],
            comparisons=[
                cl.NameComparison("given_name"),
                cl.NameComparison("surname"),
                cl.DateOfBirthComparison("date_of_birth", **born),
                cl.DamerauLevenshteinAtThresholds("soc_sec_id", [2]),
                cl.ExactMatch("street_number").configure(**frequent),
                cl.ExactMatch("postcode").configure(**frequent),
            ],
        )
        linker = Linker(api.register(fields), settings)
        certain = [
            block_on("soc_sec_id"),
            block_on("given_name", "surname", "date_of_birth"),
            "l.given_name = r.surname and l.surname = r.given_name and l.date_of_birth = r.date_of_birth",
        ]
        recall = 0.9
    linker.training.estimate_probability_two_random_records_match(certain, recall=recall)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=2)
    for rule in ("date_of_birth", "postcode"):
        linker.training.estimate_parameters_using_expectation_maximisation(
            block_on(rule), estimate_without_term_frequencies=linking
        )
    return _pairs(linker.inference.predict().as_pandas_dataframe())


def with_our_settings(frame: pd.DataFrame, start: dict[str, Any]) -> pd.DataFrame:
    """The same from the comparisons and blocking rules of ``start`` (febrl_ours.start), with Splink's training."""
    logging.getLogger("splink").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    from splink import Linker
    from splink.backends.duckdb import DuckDBAPI

    settings = copy.deepcopy(start["splink"]) | {"unique_id_column_name": "rec_id", "retain_matching_columns": False}
    for comparison in settings["comparisons"]:
        for level in comparison["comparison_levels"]:
            for learned in ("m_probability", "u_probability", "fix_m_probability"):
                level.pop(learned, None)
    across = " AND l.source <> r.source" if frame["source"].nunique() > 1 else ""
    linker = Linker(DuckDBAPI(connection=duckdb.connect()).register(frame.drop(columns="person")), settings)
    certain = [
        "l.soc_sec_id = r.soc_sec_id",
        "l.given_name = r.given_name AND l.surname = r.surname AND l.date_of_birth = r.date_of_birth",
    ]
    linker.training.estimate_probability_two_random_records_match([rule + across for rule in certain], recall=0.9)
    linker.training.estimate_u_using_random_sampling(max_pairs=2e6, seed=2)
    for rule in ("l.date_of_birth = r.date_of_birth", "l.soc_sec_id = r.soc_sec_id"):
        linker.training.estimate_parameters_using_expectation_maximisation(rule + across)
    return _pairs(linker.inference.predict(threshold_match_weight=-20).as_pandas_dataframe())


def _pairs(found: pd.DataFrame) -> pd.DataFrame:
    ends = found[["rec_id_l", "rec_id_r"]]
    return pd.DataFrame({"left_id": ends.min(axis=1), "right_id": ends.max(axis=1), "weight": found["match_weight"]})
