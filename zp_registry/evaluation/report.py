"""Everything that is known about how right the registry is, from labels and what the registry holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from zp_registry.evaluation.bcubed import bcubed
from zp_registry.evaluation.labels import YES, joined, known
from zp_registry.evaluation.pairs import by_class, by_word, entities
from zp_registry.evaluation.review import apart, queue, review
from zp_registry.evaluation.thresholds import thresholds
from zp_registry.evaluation.tiers import by_tier

NUMBERS = ("whole", "masked", "none", "lost")
WORDS = {"traps": "traps", "kinds": "kind", "idents": "ident"}


@dataclass
class Inputs:
    """What the registry holds. ``accounts``: platform, account_id, entity_id, subject_id and record_id (of the row that
    describes the holder; NA if none), numbers (whole | masked | none: what the account's rows show of the holder's number) ·
    ``edges``: live edges left_id, right_id, judgement, score, tier, rule, why · ``subjects``: subject_id, entity_id, strong
    (its valid number or NA), record_id (its newest) · ``months``: subject_id, platform, account_id, month, rows: what was
    reported of accounts whose holder somebody doubts · ``fields``: platform, account_id, type, token (review.apart) ·
    ``bands``: match weights from which a pair is joined or reviewed."""

    accounts: pd.DataFrame
    edges: pd.DataFrame
    subjects: pd.DataFrame
    months: pd.DataFrame
    fields: pd.DataFrame
    bands: dict[str, float] = field(default_factory=dict)

    def party_of(self, truth: pd.DataFrame) -> pd.Series[str]:
        """The party that most rows of a subject were about, by the labels of their accounts and months; index subject_id."""
        sure = truth[truth["decidable"].isin(YES)]
        rows = self.months.merge(sure[["platform", "account_id", "month", "party_id"]], on=["platform", "account_id", "month"])
        count = rows.groupby(["subject_id", "party_id"])["rows"].sum().reset_index()
        count = count.sort_values(["subject_id", "rows", "party_id"], ascending=[True, False, True])
        return count.drop_duplicates("subject_id").set_index("subject_id")["party_id"].astype("str")


def evaluate(truth: pd.DataFrame, inputs: Inputs) -> dict[str, Any]:
    """``entities`` (pairwise), ``bcubed``, ``tiers``, ``numbers``, ``thresholds``, ``bands``, ``review``, and where the labels
    have the columns ``traps``, ``kinds`` and ``idents``: figures as the modules of this package tell them.

    ``truth``: labels, all columns text.
    """
    labelled = joined(truth, inputs.accounts)
    sure = known(labelled)
    sure["numbers"] = sure["numbers"].fillna("none").where(~sure["lost"], "lost").astype("str")
    doubts = queue(inputs.edges, inputs.subjects, inputs.party_of(truth))
    # Groups are counted by numbers, which is several times as fast as by names.
    groups = {name: pd.factorize(sure[name])[0] for name in ("party_id", "entity_id")}
    counted = sure.assign(**groups)
    out: dict[str, Any] = {
        "entities": entities(labelled, counted),
        "bcubed": bcubed(counted),
        "tiers": by_tier(counted, inputs.edges),
        "numbers": by_class(counted, "numbers", NUMBERS),
    }
    out |= {name: by_word(counted, column) for name, column in WORDS.items() if column in counted}
    out["thresholds"] = thresholds(counted, inputs.edges, inputs.subjects[["subject_id", "strong"]], inputs.bands)
    out["bands"] = inputs.bands
    out["review"] = review(doubts, apart(sure, inputs.fields, doubts))
    return out


def summary_tables(told: dict[str, Any]) -> list[tuple[str, list[str], list[list[Any]]]]:
    """The answer of :func:`evaluate` as tables for people: title, columns, rows."""
    cubed = {f"B-cubed {k}": v for k, v in told["bcubed"].items()}
    doubts = {k: v for k, v in told["review"].items() if k != "missing_list"}
    out: list[tuple[str, list[str], list[list[Any]]]] = [
        ("entities", ["figure", "value"], [[k, v] for k, v in {**told["entities"], **cubed}.items()])
    ]
    for title, name, columns in (
        ("by tier: links up to this tier", "tiers", ["tier", "edges", "joined", "wrong", "precision", "recall", "f1"]),
        ("by numbers of the two accounts", "numbers", ["left", "right", *_FIGURES]),
        ("by trap: either account is in it", "traps", ["word", "accounts", *_FIGURES]),
        ("by kind", "kinds", ["word", "accounts", *_FIGURES]),
        ("by what identifies the account", "idents", ["word", "accounts", *_FIGURES]),
        ("by the model's threshold", "thresholds", ["threshold", "band", "edges", "precision", "recall", "f1"]),
    ):
        out.append((title, columns, [[row[c] for c in columns] for row in told.get(name, [])]))
    out.append(("review queue", ["figure", "value"], [[k, v] for k, v in doubts.items()]))
    missing = told["review"]["missing_list"]
    columns = ["party_id", "left", "right", "account_pairs", "fields"]
    out.append(("true pairs that nobody is asked about", columns, [[row[c] for c in columns] for row in missing]))
    return out


_FIGURES = ["pairs_true", "pairs_found", "wrong", "precision", "recall"]
