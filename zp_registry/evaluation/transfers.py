"""Flags of accounts that changed hands, against labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from zp_registry.evaluation.labels import KEY


def evaluate_transfers(transfers: pd.DataFrame, benign: pd.DataFrame, flags: pd.DataFrame) -> dict[str, Any]:
    """Accounts flagged medium or high against those truly transferred; innocent changes flagged from their month on
    are false. ``delay_months``: months from a transfer's becoming visible to its flag → how many."""
    raised = flags[(flags["family"] == "TRANSFER") & (flags["status"] != "dismissed") & flags["level"].isin(["medium", "high"])]
    visible = transfers[transfers["first_visible_month"].fillna("") != ""] if "first_visible_month" in transfers else transfers
    true, found = set(zip(*(visible[c] for c in KEY), strict=True)), set(zip(*(raised[c] for c in KEY), strict=True))
    hidden = set(zip(*(transfers[c] for c in KEY), strict=True)) - true
    found -= hidden
    hits = len(true & found)
    first = raised.groupby(KEY)["first_seen"].min().reset_index()
    events = benign.merge(first, on=KEY, how="left")
    # An account that was transferred as well is rightly flagged, whatever innocent thing befell it too.
    passed_on = true | hidden
    innocent = np.array([key not in passed_on for key in zip(*(benign[c] for c in KEY), strict=True)], dtype=bool)
    others = benign[innocent]
    months = others.merge(raised[[*KEY, "first_seen"]], on=KEY)
    blamed = months[months["first_seen"].str.slice(0, 7) >= months["month"]].drop_duplicates([*KEY, "type", "month"])
    met = np.array([key in found for key in zip(*(visible[c] for c in KEY), strict=True)], dtype=bool)
    by_type = {str(t): round(float(share), 4) for t, share in visible.assign(met=met).groupby("type")["met"].mean().items()}
    seen = visible.merge(first, on=KEY)
    late = pd.Series(dtype="int64")
    if "first_visible_month" in seen:
        late = _months(seen["first_seen"]) - _months(seen["first_visible_month"])
    return {
        "true": len(true),
        "flagged": len(found),
        "precision": round(hits / len(found), 4) if found else 1.0,
        "recall": round(hits / len(true), 4) if true else 1.0,
        "recall_by_type": by_type,
        "delay_months": {str(n): int(count) for n, count in late.value_counts().sort_index().items()},
        "innocent_events": len(events),
        "innocent_by_type": {str(t): int(n) for t, n in benign.groupby("type").size().items()},
        "innocent_flagged": len(blamed),
        "innocent_flagged_by_type": {str(t): int(n) for t, n in blamed.groupby("type").size().items()},
    }


def _months(days: pd.Series[str]) -> pd.Series[int]:
    return days.str.slice(0, 4).astype("int64") * 12 + days.str.slice(5, 7).astype("int64")
