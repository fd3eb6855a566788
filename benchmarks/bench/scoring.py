"""How right clusters are: the same pairs for everybody.

Pairs are pairs of accounts, each with its holder in the last month, of which both labels are decidable. The cluster of an
account is that of the record which tells its holder, by the registry's own account history, for every competitor.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

KEY = ["platform", "account_id"]


def labels(truth: Path) -> pd.DataFrame:
    """``platform, account_id, party_id`` of the decidable accounts of ``truth_accounts.csv``."""
    frame = pd.read_csv(truth, dtype="str", encoding="utf-8-sig")
    last = frame.sort_values("month", kind="stable").drop_duplicates(KEY, keep="last")
    return last.loc[last["decidable"] == "1", [*KEY, "party_id"]]


def score(truth: pd.DataFrame, accounts: pd.DataFrame, clusters: pd.DataFrame | None = None) -> dict[str, float]:
    """Pairwise and B-cubed precision, recall and F1.

    ``truth``: labels · ``accounts``: rows.accounts · ``clusters``: ``record_id, cluster_id``; None: the registry's entities.
    """
    held = accounts.rename(columns={"entity_id": "cluster_id"})
    if clusters is not None:
        held = held.drop(columns="cluster_id").merge(clusters, on="record_id", how="left")
    return agreement(truth.merge(held[[*KEY, "cluster_id"]], on=KEY, how="left"))


def agreement(rows: pd.DataFrame) -> dict[str, Any]:
    """The figures for rows of ``party_id, cluster_id``; a row without cluster is alone in one."""
    party, _ = pd.factorize(rows["party_id"])
    found, distinct = pd.factorize(rows["cluster_id"])
    alone = found < 0
    found = found.copy()
    found[alone] = len(distinct) + pd.RangeIndex(alone.sum())
    frame = pd.DataFrame({"party": party, "found": found})
    cell = frame.groupby(["party", "found"]).size().rename("n").reset_index()
    cell["of_party"] = cell.groupby("party")["n"].transform("sum")
    cell["of_found"] = cell.groupby("found")["n"].transform("sum")

    def pairs(sizes: pd.Series[int]) -> int:
        return int((sizes * (sizes - 1) // 2).sum())

    both = pairs(cell["n"])
    all_found = pairs(cell.groupby("found")["n"].sum())
    all_true = pairs(cell.groupby("party")["n"].sum())
    count = len(frame)
    out: dict[str, Any] = {"accounts": count, "true_pairs": all_true, "found_pairs": all_found, "right_pairs": both}
    measures = {
        "": (both / all_found if all_found else 1.0, both / all_true if all_true else 1.0),
        "bcubed_": (
            float((cell["n"] ** 2 / cell["of_found"]).sum() / count) if count else 1.0,
            float((cell["n"] ** 2 / cell["of_party"]).sum() / count) if count else 1.0,
        ),
    }
    for prefix, (precision, recall) in measures.items():
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        out |= {
            f"{prefix}precision": round(precision, 6),
            f"{prefix}recall": round(recall, 6),
            f"{prefix}f1": round(f1, 6),
        }
    return out
