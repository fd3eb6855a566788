"""Pairs of accounts, counted from the sizes of groups."""

from __future__ import annotations

from itertools import combinations_with_replacement
from typing import Any

import pandas as pd


def pairs(sizes: pd.Series[int]) -> int:
    """How many pairs groups of these sizes hold."""
    return int((sizes * (sizes - 1) // 2).sum())


def figures(true: int, found: int, right: int) -> dict[str, Any]:
    """Counts of pairs with precision, recall and F1; 1 where there is nothing to be wrong about."""
    precision, recall = (right / found if found else 1.0), (right / true if true else 1.0)
    return {
        "pairs_true": true,
        "pairs_found": found,
        "pairs_right": right,
        "precision": round(precision, 6),
        "recall": round(recall, 6),
        "f1": round(2 * precision * recall / (precision + recall), 6) if precision + recall else 0.0,
    }


def pairwise(known: pd.DataFrame, cluster: str = "entity_id") -> dict[str, Any]:
    """Figures of the clustering in column ``cluster`` against ``party_id``."""
    return figures(
        pairs(known.groupby("party_id").size()),
        pairs(known.groupby(cluster).size()),
        pairs(known.groupby([cluster, "party_id"]).size()),
    )


def entities(labelled: pd.DataFrame, known: pd.DataFrame) -> dict[str, Any]:
    """The figures of the whole: accounts of the labels, how many are lost, pairs, and entities and parties that are wrong."""
    return {
        "accounts": len(labelled),
        "accounts_lost": int(labelled["lost"].sum()),
        "decidable": len(known),
        **pairwise(known),
        "entities_mixed": int((known.groupby("entity_id")["party_id"].nunique() > 1).sum()),
        "parties_split": int((known.groupby("party_id")["entity_id"].nunique() > 1).sum()),
    }


_GROUPINGS = {"true": ["party_id"], "found": ["entity_id"], "right": ["entity_id", "party_id"]}


def by_word(known: pd.DataFrame, column: str) -> list[dict[str, Any]]:
    """Figures per word of ``column`` (words with ``|`` between): of the pairs of which either account carries the word.

    Rows: word, accounts, the figures, and ``wrong``: pairs found that are not true; sorted by word.
    """
    words = known[column].fillna("").str.split("|").explode()
    words = words[words != ""]
    marked = known.loc[words.index, ["entity_id", "party_id"]].assign(word=words.to_numpy())
    counts: dict[str, dict[str, int]] = {}
    for name, keys in _GROUPINGS.items():
        size = known.groupby(keys).size().rename("all").reset_index()
        some = marked.groupby([*keys, "word"]).size().rename("carry").reset_index().merge(size, on=keys)
        rest = some["all"] - some["carry"]
        some["pairs"] = some["all"] * (some["all"] - 1) // 2 - rest * (rest - 1) // 2
        for word, n in some.groupby("word")["pairs"].sum().items():
            counts.setdefault(str(word), {})[name] = int(n)
    accounts = marked.groupby("word").size()
    return [
        {
            "word": word,
            "accounts": int(accounts[word]),
            **figures(c["true"], c["found"], c["right"]),
            "wrong": c["found"] - c["right"],
        }
        for word, c in sorted(counts.items())
    ]


def by_class(known: pd.DataFrame, column: str, order: tuple[str, ...]) -> list[dict[str, Any]]:
    """Figures per two classes of ``column`` that a pair's accounts have, such as whole and masked; ``order``: all classes.

    Rows: left, right (classes, in order), the figures, wrong; combinations that no pair has are left out.
    """
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for name, keys in _GROUPINGS.items():
        sizes = known.groupby([*keys, column]).size().unstack(fill_value=0).reindex(columns=list(order), fill_value=0)
        for a, b in combinations_with_replacement(order, 2):
            n = pairs(sizes[a]) if a == b else int((sizes[a] * sizes[b]).sum())
            counts.setdefault((a, b), {})[name] = n
    return [
        {"left": a, "right": b, **figures(c["true"], c["found"], c["right"]), "wrong": c["found"] - c["right"]}
        for (a, b), c in counts.items()
        if c["true"] or c["found"]
    ]
