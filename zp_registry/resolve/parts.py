"""Evidence in parts that do not need each other: an account and whoever ever held it stay together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from zp_registry.evidence import FACTS


def distinct_facts(records: pd.DataFrame, sightings: pd.DataFrame, reports: pd.DataFrame) -> pd.DataFrame:
    """``records`` (record_id, FACTS) of one part as Parts.facts."""
    days, names = pd.factorize(reports["as_of"], sort=True)
    day = pd.Series(days, index=reports["report_id"]).reindex(sightings["report_id"]).to_numpy()
    span = pd.DataFrame({"record_id": sightings["record_id"].to_numpy(), "day": day}).groupby("record_id")["day"]
    ends = {name: span.agg(how).reindex(records["record_id"]).to_numpy() for name, how in _ENDS.items()}
    table = pa.Table.from_pandas(records[["record_id", *FACTS]].assign(**ends), preserve_index=False)
    kept = [("record_id", "max"), *((name, how) for name, how in _ENDS.items())]
    found = table.group_by(list(FACTS)).aggregate(kept).sort_by("record_id_max")
    texts = pd.Series(names, dtype="str").array
    spans = {name: texts.take(found[f"{name}_{how}"].to_numpy()) for name, how in _ENDS.items()}
    told: pd.DataFrame = found.select(list(FACTS)).to_pandas().astype(_KINDS)
    return told.assign(record_id=found["record_id_max"].to_numpy(), **spans)


_ENDS = {"first_seen": "min", "last_seen": "max"}
_KINDS = {c: "int64" if c == "subject_id" else "str" for c in FACTS}


def divided(accounts: pd.DataFrame, entity: pd.Series[str], sightings: pd.DataFrame, rows: int) -> pd.Series[int]:
    """The part (0, 1, …) of each of ``accounts`` (Evidence.accounts): accounts and all their holders (``entity``, along
    ``accounts``) stay together, and a part has about ``rows`` sightings, or more where a single group has."""
    if accounts.empty:
        return pd.Series(dtype="int64")
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    account = accounts.groupby(["platform", "account_id"], sort=False, dropna=False).ngroup().to_numpy()
    holder = pd.factorize(entity)[0]
    # Whoever is nobody's entity belongs to the account alone.
    holder = np.where(holder < 0, holder.max() + 2 + np.arange(len(holder)), holder) + account.max() + 1
    size = int(holder.max()) + 1
    graph = coo_array((np.ones(len(accounts), dtype=np.int8), (account, holder)), shape=(size, size))
    group = connected_components(graph, directed=False)[1][account]
    seen = sightings["record_id"].value_counts().reindex(accounts["record_id"]).fillna(0).to_numpy()
    weight = np.bincount(group, weights=seen)
    before = np.cumsum(weight) - weight
    part = pd.factorize((before // max(rows, 1)).astype("int64")[group], sort=True)[0]
    return pd.Series(part.astype(np.int64), index=accounts.index)
