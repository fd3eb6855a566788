"""Pledge status against labels."""

from __future__ import annotations

from typing import Any

import pandas as pd

from zp_registry.evaluation.labels import KEY, YES, last_month


def evaluate_pledges(truth: pd.DataFrame, pledges: pd.DataFrame, accounts: pd.DataFrame) -> dict[str, Any]:
    """Share of accounts with the right pledge status. ``pledges``: party_id, status, decidable."""
    last = last_month(truth)
    sure = pledges[pledges["decidable"].isin(YES)] if "decidable" in pledges else pledges
    joined = (
        last[last["decidable"].isin(YES)]
        .merge(sure[["party_id", "status"]], on="party_id")
        .merge(accounts[[*KEY, "pledge_status"]], on=KEY)
    )
    right = joined["status"] == joined["pledge_status"]
    wrong = joined[~right].groupby(["status", "pledge_status"]).size()
    return {
        "accounts": len(joined),
        "right": round(float(right.mean()), 6) if len(joined) else 1.0,
        "wrong": {f"{a}→{b}": int(n) for a, b, n in wrong.rename("n").reset_index().itertuples(index=False, name=None)},
    }
