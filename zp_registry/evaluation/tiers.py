"""Which tier of edges joins how many pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from zp_registry.evaluation.pairs import pairwise

LADDER = ("exact", "partial", "model", "person")


def components(size: int, left: npt.NDArray[np.int64], right: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The smallest node of each node's component, nodes being 0 to size - 1 and edges left - right."""
    root = np.arange(size, dtype=np.int64)
    while True:
        a, b = root[left], root[right]
        differ = a != b
        if not differ.any():
            return root
        low, high = np.minimum(a[differ], b[differ]), np.maximum(a[differ], b[differ])
        np.minimum.at(root, high, low)
        while not np.array_equal(up := root[root], root):
            root = up


class Nodes:
    """Subjects as numbers 0 to n - 1, as graphs want them."""

    def __init__(self, *subjects: pd.Series[int]) -> None:
        values = [s.dropna().to_numpy(dtype=np.int64) for s in subjects]
        every = np.concatenate([np.zeros(0, dtype=np.int64), *values])
        # Subjects are numbered from 1 by a table: a place for each is quicker than a search for each.
        self.place: npt.NDArray[np.int64] = np.full(int(every.max(initial=0)) + 1, -1, dtype=np.int64)
        self.place[every] = 0
        self.ids: npt.NDArray[np.int64] = np.flatnonzero(self.place == 0).astype(np.int64)
        self.place[self.ids] = np.arange(len(self.ids))

    def __len__(self) -> int:
        return len(self.ids)

    def places(self, subjects: pd.Series[int]) -> npt.NDArray[np.int64]:
        """The numbers of known subjects."""
        return self.place[subjects.to_numpy(dtype=np.int64)]

    def clusters(self, edges: pd.DataFrame) -> npt.NDArray[np.int64]:
        """The component of every node by ``edges`` (left_id, right_id)."""
        return components(len(self), self.places(edges["left_id"]), self.places(edges["right_id"]))


def clustered(known: pd.DataFrame, nodes: Nodes, cluster: npt.NDArray[np.int64]) -> pd.Series[int]:
    """Each account's cluster by its subject (``subject_id``); an account without one is a cluster of its own."""
    has = known["subject_id"].notna()
    out = pd.Series(len(nodes) + np.arange(len(known)), index=known.index, dtype="int64")
    out[has] = cluster[nodes.places(known.loc[has, "subject_id"])]
    return out


def by_tier(known: pd.DataFrame, edges: pd.DataFrame) -> list[dict[str, Any]]:
    """Figures when only the edges up to a tier count, from none (holders described in one way) to all.

    ``known``: labels.known with ``subject_id``; ``edges``: live edges (left_id, right_id, judgement, tier). Rows: tier, edges
    (of this tier), the figures of the clustering with it and all weaker claims before it, ``joined`` and ``wrong``: pairs, and
    pairs that are not true, that this tier added. People's positive edges come last.
    """
    positive = edges[edges["judgement"] == "positive"]
    nodes = Nodes(known["subject_id"], positive["left_id"], positive["right_id"])
    out: list[dict[str, Any]] = []
    found = right = 0
    for rank, tier in enumerate(("none", *LADDER)):
        used = positive[positive["tier"].isin(LADDER[:rank])]
        told = pairwise(known.assign(cluster=clustered(known, nodes, nodes.clusters(used))), "cluster")
        joined = told["pairs_found"] - found
        wrong = joined - (told["pairs_right"] - right)
        found, right = told["pairs_found"], told["pairs_right"]
        out.append({"tier": tier, "edges": int((positive["tier"] == tier).sum()), **told, "joined": joined, "wrong": wrong})
    return out
