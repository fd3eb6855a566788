"""B-cubed: precision and recall seen from each account, so that a large cluster does not outweigh many small ones."""

from __future__ import annotations

import pandas as pd


def bcubed(known: pd.DataFrame, cluster: str = "entity_id") -> dict[str, float]:
    """Mean over accounts of the share of the account's cluster that is its party's (precision), and of its party that is in
    its cluster (recall), with F1; 1 without accounts. After Bagga and Baldwin (1998)."""
    if known.empty:
        return {"precision": 1.0, "recall": 1.0, "f1": 1.0}
    both = known.groupby([cluster, "party_id"]).size().rename("both").reset_index()
    shared = both["both"] * both["both"]
    precision = float((shared / both.groupby(cluster)["both"].transform("sum")).sum()) / len(known)
    recall = float((shared / both.groupby("party_id")["both"].transform("sum")).sum()) / len(known)
    return {
        "precision": round(precision, 6),
        "recall": round(recall, 6),
        "f1": round(2 * precision * recall / (precision + recall), 6),
    }
