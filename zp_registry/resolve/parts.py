"""Evidence in parts that do not need each other: an account and whoever ever held it stay together."""

from __future__ import annotations

import numpy as np
import pandas as pd


def dated(facts: pd.DataFrame, sightings: pd.DataFrame, reports: pd.DataFrame) -> pd.DataFrame:
    """``facts`` with the first and the last report date of each record."""
    days, names = pd.factorize(reports["as_of"], sort=True)
    day = pd.Series(days, index=reports["report_id"]).reindex(sightings["report_id"]).to_numpy()
    span = pd.DataFrame({"record_id": sightings["record_id"].to_numpy(), "day": day}).groupby("record_id")["day"]
    ends = {name: span.agg(how).reindex(facts["record_id"]).to_numpy() for name, how in _ENDS.items()}
    texts = pd.Series(names, dtype="str").array
    return facts.assign(**{name: pd.Series(texts.take(at), index=facts.index, dtype="str") for name, at in ends.items()})


_ENDS = {"first_seen": "min", "last_seen": "max"}


def divided(facts: pd.DataFrame, entity: pd.Series[str], sightings: pd.DataFrame, rows: int) -> pd.DataFrame:
    """record_id, part (0, 1, …) of every record of ``facts``: accounts and all their holders (``entity``, along ``facts``) stay
    together, and a part has about ``rows`` sightings, or more where a single group has."""
    if facts.empty:
        return pd.DataFrame({"record_id": facts["record_id"], "part": facts["record_id"]}, dtype="int64")
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    account = facts.groupby(["platform", "account_id"], sort=False, dropna=False).ngroup().to_numpy()
    holder = pd.factorize(entity)[0]
    # Whoever is nobody's entity belongs to the account alone.
    holder = np.where(holder < 0, holder.max() + 2 + np.arange(len(holder)), holder) + account.max() + 1
    size = int(holder.max()) + 1
    graph = coo_array((np.ones(len(facts), dtype=np.int8), (account, holder)), shape=(size, size))
    group = connected_components(graph, directed=False)[1][account]
    seen = sightings["record_id"].value_counts().reindex(facts["record_id"]).fillna(0).to_numpy()
    weight = np.bincount(group, weights=seen)
    before = np.cumsum(weight) - weight
    part = pd.factorize((before // max(rows, 1)).astype("int64")[group], sort=True)[0]
    return pd.DataFrame({"record_id": facts["record_id"].to_numpy(), "part": part.astype("int64")})
