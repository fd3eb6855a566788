"""How right the registry is, against labels: ``platform, account_id, month, party_id, decidable``."""

from __future__ import annotations

from typing import Any

import pandas as pd

KEY = ["platform", "account_id"]


def _pairs(sizes: pd.Series[int]) -> int:
    return int((sizes * (sizes - 1) // 2).sum())


def evaluate(truth: pd.DataFrame, accounts: pd.DataFrame) -> dict[str, Any]:
    """Pairs are pairs of accounts (their holders in the last month given) of which both are decidable.

    ``truth``: text columns as above, ``decidable`` 1 or 0; ``accounts``: EXPORT_ACCOUNTS.
    """
    last = truth.sort_values("month", kind="stable").drop_duplicates(KEY, keep="last")
    joined = last.merge(accounts[[*KEY, "entity_id"]], on=KEY, how="left")
    lost = joined["entity_id"].isna()
    known = joined[joined["decidable"].isin(["1", "true", "True"])].copy()
    alone = known["entity_id"].isna()
    known.loc[alone, "entity_id"] = "lost:" + known.loc[alone, "platform"] + ":" + known.loc[alone, "account_id"]
    both = _pairs(known.groupby(["entity_id", "party_id"]).size())
    found, true = _pairs(known.groupby("entity_id").size()), _pairs(known.groupby("party_id").size())
    precision, recall = (both / found if found else 1.0), (both / true if true else 1.0)
    return {
        "accounts": len(last),
        "accounts_lost": int(lost.sum()),
        "decidable": len(known),
        "pairs_true": true,
        "pairs_found": found,
        "pairs_right": both,
        "precision": round(precision, 6),
        "recall": round(recall, 6),
        "f1": round(2 * precision * recall / (precision + recall), 6) if precision + recall else 0.0,
        "entities_mixed": int((known.groupby("entity_id")["party_id"].nunique() > 1).sum()),
        "parties_split": int((known.groupby("party_id")["entity_id"].nunique() > 1).sum()),
    }


def evaluate_pledges(truth: pd.DataFrame, pledges: pd.DataFrame, accounts: pd.DataFrame) -> dict[str, Any]:
    """Share of accounts with the right pledge status. ``pledges``: party_id, status, decidable."""
    last = truth.sort_values("month", kind="stable").drop_duplicates(KEY, keep="last")
    sure = pledges[pledges["decidable"].isin(["1", "true", "True"])] if "decidable" in pledges else pledges
    joined = (
        last[last["decidable"] == "1"]
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


def evaluate_transfers(transfers: pd.DataFrame, benign: pd.DataFrame, flags: pd.DataFrame) -> dict[str, Any]:
    """Accounts flagged medium or high against those truly transferred; innocent changes flagged from their month on
    are false."""
    raised = flags[(flags["family"] == "TRANSFER") & (flags["status"] != "dismissed") & flags["level"].isin(["medium", "high"])]
    visible = transfers[transfers["first_visible_month"].fillna("") != ""] if "first_visible_month" in transfers else transfers
    true, found = set(zip(*(visible[c] for c in KEY), strict=True)), set(zip(*(raised[c] for c in KEY), strict=True))
    hidden = set(zip(*(transfers[c] for c in KEY), strict=True)) - true
    found -= hidden
    hits = len(true & found)
    first = raised.groupby(KEY)["first_seen"].min().reset_index()
    events = benign.merge(first, on=KEY, how="left")
    # An account that was transferred as well is rightly flagged, whatever innocent thing befell it too.
    others = benign[[key not in true | hidden for key in zip(*(benign[c] for c in KEY), strict=True)]]
    months = others.merge(raised[[*KEY, "first_seen"]], on=KEY)
    blamed = months[months["first_seen"].str.slice(0, 7) >= months["month"]].drop_duplicates([*KEY, "type", "month"])
    by_type = {
        str(t): round(float(g.apply(lambda r: (r["platform"], r["account_id"]) in found, axis=1).mean()), 4)
        for t, g in visible.groupby("type")
    }
    return {
        "true": len(true),
        "flagged": len(found),
        "precision": round(hits / len(found), 4) if found else 1.0,
        "recall": round(hits / len(true), 4) if true else 1.0,
        "recall_by_type": by_type,
        "innocent_events": len(events),
        "innocent_flagged": len(blamed),
        "innocent_flagged_by_type": {str(t): int(n) for t, n in blamed.groupby("type").size().items()},
    }
