"""The labels of accounts, and what the registry says about the same accounts."""

from __future__ import annotations

import pandas as pd

KEY = ["platform", "account_id"]
REQUIRED = ("platform", "account_id", "month", "party_id", "decidable")
YES = ("1", "true", "True")


def last_month(truth: pd.DataFrame) -> pd.DataFrame:
    """One row per account: that of the last month in which the labels name its holder."""
    return truth.sort_values("month", kind="stable").drop_duplicates(KEY, keep="last")


def joined(truth: pd.DataFrame, accounts: pd.DataFrame) -> pd.DataFrame:
    """The labels' accounts in their last month with the columns of ``accounts`` (platform, account_id, entity_id, …) and
    ``lost``: whether the registry does not hold the account, or nobody for it. A lost account is an entity of its own."""
    out = last_month(truth).merge(accounts, on=KEY, how="left")
    out["lost"] = out["entity_id"].isna()
    out["entity_id"] = out["entity_id"].fillna("lost:" + out["platform"] + ":" + out["account_id"]).astype("str")
    return out


def known(labelled: pd.DataFrame) -> pd.DataFrame:
    """The rows of :func:`joined` that are decidable."""
    return labelled[labelled["decidable"].isin(YES)].reset_index(drop=True)
