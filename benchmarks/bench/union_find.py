"""Exact union-find: all records with the same valid credit code or identity number are one; every other record is alone.

python -m bench.union_find ROWS CLUSTERS
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .measure import Clock


def cluster(rows: pd.DataFrame) -> pd.DataFrame:
    """``record_id, cluster_id`` of records with the columns ``uscc`` and ``id_hash``.

    The number of the business's operator is none of the business, so only the holder's own numbers join.
    """
    count = len(rows)
    left, right = [np.arange(count)], [np.arange(count)]
    for column in ("uscc", "id_hash"):
        at = np.flatnonzero(rows[column].notna().to_numpy())
        codes, _ = pd.factorize(rows[column].iloc[at])
        first = np.full(codes.max() + 1 if len(codes) else 0, -1)
        first[codes[::-1]] = at[::-1]
        left.append(at)
        right.append(first[codes])
    graph = coo_array((np.ones(sum(map(len, left)), dtype=bool), (np.concatenate(left), np.concatenate(right))), (count, count))
    _, labels = connected_components(graph, directed=False)
    return pd.DataFrame({"record_id": rows["record_id"], "cluster_id": labels})


def main() -> None:
    source, target = map(Path, sys.argv[1:3])
    clock = Clock()
    rows = pd.read_parquet(source, columns=["record_id", "uscc", "id_hash"])
    with clock.step("cluster"):
        clusters = cluster(rows)
    clusters.to_parquet(target, index=False)
    print(json.dumps({"seconds": clock.seconds, "cpu": clock.cpu, "clusters": int(clusters["cluster_id"].nunique())}))


if __name__ == "__main__":
    main()
