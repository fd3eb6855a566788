"""Clusters of subjects, computed from edges. A union that would join two different valid numbers of one kind, or that runs
across a negative edge, is refused here, in the one function that joins."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd


class Clusters:
    """A forest of subjects; the root of a cluster is its oldest subject (smallest id)."""

    def __init__(self, subjects: pd.DataFrame, negatives: Iterable[tuple[int, int]] = ()) -> None:
        self._parent = {int(s): int(s) for s in subjects["subject_id"]}
        self._strong: dict[int, str] = {
            int(s): k for s, k in zip(subjects["subject_id"], subjects["strong"], strict=True) if isinstance(k, str)
        }
        self._against: dict[int, set[int]] = {}
        for left, right in negatives:
            self._against.setdefault(left, set()).add(right)
            self._against.setdefault(right, set()).add(left)

    def root(self, subject: int) -> int:
        """The oldest subject of the cluster that ``subject`` belongs to."""
        while self._parent[subject] != subject:
            self._parent[subject] = self._parent[self._parent[subject]]
            subject = self._parent[subject]
        return subject

    def join(self, left: int, right: int) -> bool:
        """Joins two clusters; False when that is refused (two different numbers, or a negative edge between them)."""
        a, b = sorted((self.root(left), self.root(right)))
        if a == b:
            return True
        numbers = {n for n in (self._strong.get(a), self._strong.get(b)) if n}
        if len(numbers) > 1 or any(self.root(o) == b for o in self._against.get(a, ())):
            return False
        self._parent[b] = a
        if numbers:
            self._strong[a] = numbers.pop()
        if b in self._against:
            self._against.setdefault(a, set()).update(self._against[b])
        return True

    def roots(self) -> pd.Series[int]:
        """Root of every subject, index subject_id."""
        keys = list(self._parent)
        return pd.Series([self.root(s) for s in keys], index=pd.Index(keys, name="subject_id"), dtype="int64")
