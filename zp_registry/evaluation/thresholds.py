"""What precision and recall would be if the probabilistic tier joined from another match weight on."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

from zp_registry.evaluation.pairs import figures, pairs
from zp_registry.evaluation.tiers import Nodes, clustered

LINES = 20
STEPS = (0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 2.5, 5.0, 10.0)


def scored(edges: pd.DataFrame) -> pd.DataFrame:
    """The live edges of the probabilistic tier that have a match weight and that the bands decide: joined or in doubt."""
    return edges[(edges["tier"] == "model") & edges["score"].notna() & edges["judgement"].isin(["positive", "unsure"])]


def thresholds(
    known: pd.DataFrame, edges: pd.DataFrame, strong: pd.DataFrame, bands: dict[str, float] | None = None
) -> list[dict[str, Any]]:
    """One row per threshold, highest first: ``threshold`` (match weight), ``edges`` at or above it, the figures of the whole
    clustering with the other tiers' links and these edges, ``band``: names of the ``bands`` that begin there.

    ``known``: labels.known with ``subject_id``; ``edges``: live edges; ``strong``: subject_id, strong (a valid number; two
    different ones are never joined, whatever the weight). Empty when no edge of the tier has a weight.
    """
    model = scored(edges).sort_values("score", ascending=False)
    if model.empty:
        return []
    base = edges[(edges["judgement"] == "positive") & (edges["tier"] != "model")]
    numbered = strong.dropna()
    nodes = Nodes(known["subject_id"], base["left_id"], base["right_id"], model["left_id"], model["right_id"])
    numbered = numbered[numbered["subject_id"].isin(nodes.ids)]
    cluster = nodes.clusters(base)
    counts = known.assign(cluster=clustered(known, nodes, cluster)).groupby(["cluster", "party_id"]).size()
    sizes = counts.groupby(level=0).sum()
    true, found, right = pairs(known.groupby("party_id").size()), pairs(sizes), pairs(counts)
    left, other = cluster[nodes.places(model["left_id"])], cluster[nodes.places(model["right_id"])]
    touched = np.unique(np.concatenate([left, other]))
    inside = counts[counts.index.get_level_values(0).isin(touched)]
    members: dict[int, Counter[str]] = {int(c): Counter() for c in touched}
    rows = inside.rename("n").reset_index()
    for c, party, n in zip(rows["cluster"].tolist(), rows["party_id"].tolist(), rows["n"].tolist(), strict=True):
        members[c][str(party)] = n
    codes: dict[int, set[str]] = {int(c): set() for c in touched}
    for c, number in zip(cluster[nodes.places(numbered["subject_id"])].tolist(), numbered["strong"].tolist(), strict=True):
        if c in codes:
            codes[c].add(str(number))
    sweep = _Sweep(members, codes)
    scores = model["score"].to_numpy(dtype=float)
    gained = [sweep.join(int(a), int(b)) for a, b in zip(left, other, strict=True)]
    more_found = np.cumsum([0, *(g[0] for g in gained)])
    more_right = np.cumsum([0, *(g[1] for g in gained)])
    out = []
    for level, names in _levels(float(scores.min()), float(scores.max()), bands or {}):
        taken = int((scores >= level).sum())
        told = figures(true, found + int(more_found[taken]), right + int(more_right[taken]))
        out.append({"threshold": level, "edges": taken, **told, "band": names})
    return out


class _Sweep:
    """Clusters that are joined one after another, with how many accounts of which party stand in each."""

    def __init__(self, members: dict[int, Counter[str]], codes: dict[int, set[str]]) -> None:
        self.parent = {c: c for c in members}
        self.members, self.codes = members, codes
        self.size = {c: sum(m.values()) for c, m in members.items()}

    def root(self, c: int) -> int:
        while self.parent[c] != c:
            self.parent[c] = self.parent[self.parent[c]]
            c = self.parent[c]
        return c

    def join(self, left: int, right: int) -> tuple[int, int]:
        """Joins two clusters: pairs found thereby, and those of them that are true."""
        a, b = self.root(left), self.root(right)
        numbers = self.codes[a] | self.codes[b]
        if a == b or (self.codes[a] and self.codes[b] and self.codes[a] != self.codes[b]):
            return 0, 0
        if len(self.members[a]) < len(self.members[b]):
            a, b = b, a
        found = self.size[a] * self.size[b]
        right_pairs = sum(n * self.members[a][party] for party, n in self.members[b].items())
        self.parent[b] = a
        self.members[a].update(self.members.pop(b))
        self.size[a] += self.size.pop(b)
        self.codes[a] = numbers
        return found, right_pairs


def _levels(low: float, high: float, bands: dict[str, float]) -> list[tuple[float, str]]:
    """About twenty round thresholds from above ``high`` to ``low``, highest first, and the bands' own."""
    step = next((s for s in STEPS if (high - low) / s <= LINES - 2), STEPS[-1])
    first, last = math.floor(low / step), math.floor(high / step) + 1
    if last - first > 4 * LINES:  # weights so far apart that round steps would not fit a table
        levels = {round(float(x), 2) for x in np.linspace(low, high, LINES)} | {round(high, 2) + step}
    else:
        levels = {round(k * step, 4) for k in range(first, last + 1)}
    levels |= {round(b, 4) for b in bands.values()}
    named = {level: "|".join(n for n, b in sorted(bands.items()) if round(b, 4) == level) for level in levels}
    return sorted(named.items(), reverse=True)
