"""Clusters of subjects, computed from edges. A union that would join two different valid numbers of one kind, that runs across
a negative or unsure judgement of a person, or that would make a cluster too large is refused here, in the one place that joins.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Caps:
    """How many subjects a cluster may have that weaker evidence than a number makes; a number's own subjects always join."""

    numbered: int = 2000
    unnumbered: int = 300


class Clusters:
    """A forest of subjects. A cluster is called after its oldest subject (smallest id).

    ``subjects``: subject_id, strong (``uscc:…`` | ``id:…`` | NA). ``barriers``: left_id, right_id: pairs that a person called
    different or unsure. Joining works on sets of pairs; only clusters in which something speaks against a union are walked
    pair by pair.
    """

    def __init__(self, subjects: pd.DataFrame, barriers: pd.DataFrame, caps: Caps | None = None) -> None:
        self._caps = caps or Caps()
        order = np.argsort(subjects["subject_id"].to_numpy(dtype="int64"), kind="stable")
        self.ids: Ints = subjects["subject_id"].to_numpy(dtype="int64")[order]
        codes, _ = pd.factorize(subjects["strong"].iloc[order])
        self._strong: Ints = codes.astype("int64")  # of a cluster, at its root; -1: no valid number
        self._root: Ints = np.arange(len(self.ids), dtype="int64")
        self._size: Ints = np.ones(len(self.ids), dtype="int64")  # at the root
        known = barriers[barriers["left_id"].isin(self.ids) & barriers["right_id"].isin(self.ids)]
        self._barriers: Ints = np.column_stack([self.places(known["left_id"]), self.places(known["right_id"])])

    def places(self, subject_ids: pd.Series[int]) -> Ints:
        """Where these subjects stand in ``ids``; every one of them must be known."""
        return np.searchsorted(self.ids, subject_ids.to_numpy(dtype="int64")).astype("int64")

    def roots(self) -> pd.Series[int]:
        """Root of every subject, index subject_id."""
        return pd.Series(self.ids[self._root], index=pd.Index(self.ids, name="subject_id"), dtype="int64")

    def table(self) -> pd.DataFrame:
        """subject_id, root, numbered (the cluster has a valid number), size (subjects of the cluster)."""
        return pd.DataFrame(
            {
                "subject_id": self.ids,
                "root": self.ids[self._root],
                "numbered": self._strong[self._root] >= 0,
                "size": self._size[self._root],
            }
        )

    def join(self, left: pd.Series[int], right: pd.Series[int], *, capped: bool = True) -> tuple[Flags, Flags]:
        """Joins pairs in their order. Returns for each pair whether it brought two clusters together, and whether it was
        refused (a pair within one cluster is neither)."""
        a, b = self.places(left), self.places(right)
        made, refused = np.zeros(len(a), dtype=bool), np.zeros(len(a), dtype=bool)
        open_ = np.flatnonzero(self._root[a] != self._root[b])
        if not len(open_):
            return made, refused
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

        ends = np.column_stack([self._root[a[open_]], self._root[b[open_]]])
        ends.sort(axis=1)
        # The first pair of two clusters speaks for the others.
        first = np.sort(np.unique(ends, axis=0, return_index=True)[1])
        pairs, ends = open_[first], ends[first]
        nodes, flat = np.unique(ends, return_inverse=True)
        flat = flat.reshape(ends.shape)
        graph = coo_array((np.arange(1, len(pairs) + 1), (flat[:, 0], flat[:, 1])), shape=(len(nodes), len(nodes))).tocsr()
        _, parts = connected_components(graph, directed=False)
        bad = self._contested(nodes, parts, capped)[parts[flat[:, 0]]]
        # Kruskal by order: the tree holds the pairs that joined when they are taken one after the other.
        tree = minimum_spanning_tree(graph).tocoo()
        joined = np.sort(tree.data.astype("int64")) - 1
        joined = joined[~bad[joined]]
        made[pairs[joined]] = True
        self._merge(nodes, parts, ~np.isin(parts, parts[flat[bad, 0]]))
        for pair in pairs[bad]:
            made[pair] = self._join_one(int(self._root[a[pair]]), int(self._root[b[pair]]), capped)
        self._root = self._settled()
        refused[open_] = self._root[a[open_]] != self._root[b[open_]]
        return made, refused

    def _contested(self, nodes: Ints, parts: Ints, capped: bool) -> Flags:
        """For each part of the graph of clusters whether a union of all of it is against a guard."""
        count = int(parts.max()) + 1
        strong = self._strong[nodes]
        numbers = np.unique(np.column_stack([parts, strong])[strong >= 0], axis=0)
        several = np.bincount(numbers[:, 0], minlength=count)
        bad: Flags = several > 1
        if capped:
            sizes = np.bincount(parts, weights=self._size[nodes], minlength=count)
            bad |= sizes > np.where(several > 0, self._caps.numbered, self._caps.unnumbered)
        if len(self._barriers):
            part_of = np.full(len(self.ids), -1, dtype="int64")
            part_of[nodes] = parts
            ends = part_of[self._root[self._barriers]]
            against = ends[(ends[:, 0] >= 0) & (ends[:, 0] == ends[:, 1])][:, 0]
            bad[against] = True
        return bad

    def _merge(self, nodes: Ints, parts: Ints, which: Flags) -> None:
        """Unites whole parts of the graph of clusters under their smallest root."""
        table = pd.DataFrame({"node": nodes[which], "part": parts[which]})
        if table.empty:
            return
        root = table.groupby("part")["node"].transform("min").to_numpy()
        node = table["node"].to_numpy()
        np.maximum.at(self._strong, root, self._strong[node])
        grown = np.bincount(root, weights=self._size[node], minlength=len(self.ids)).astype("int64")
        self._size = np.where(grown > 0, grown, self._size)
        parent = np.arange(len(self.ids), dtype="int64")
        parent[node] = root
        self._root = parent[self._root]

    def _join_one(self, left: int, right: int, capped: bool) -> bool:
        a, b = sorted((self._find(left), self._find(right)))
        if a == b:
            return False
        numbers = {int(n) for n in (self._strong[a], self._strong[b]) if n >= 0}
        size = int(self._size[a] + self._size[b])
        if len(numbers) > 1 or (capped and size > (self._caps.numbered if numbers else self._caps.unnumbered)):
            return False
        for one, other in self._barriers:
            if {self._find(int(self._root[one])), self._find(int(self._root[other]))} == {a, b}:
                return False
        self._root[b] = a
        self._size[a] = size
        self._strong[a] = max(self._strong[a], self._strong[b])
        return True

    def _find(self, place: int) -> int:
        while self._root[place] != place:
            place = int(self._root[place])
        return place

    def _settled(self) -> Ints:
        root = self._root
        while True:
            above = root[root]
            if np.array_equal(above, root):
                return root
            root = above
