"""Who is who: from described subjects and people's judgements to edges and clusters; all of them, or those that changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa

from zp_registry.resolve import scope
from zp_registry.resolve.clusters import Caps, Clusters
from zp_registry.resolve.model import MatchModel
from zp_registry.resolve.partial import EDGES, Linking, link
from zp_registry.resolve.probable import WHY, Guards, link_by_model, score_weak
from zp_registry.resolve.subjects import Hubs, fill, open_tables


@dataclass(frozen=True)
class MatchRules:
    """What matching depends on besides the data. ``model`` None: exact and partial tiers alone. ``spark``: as of
    :func:`zp_registry.resolve.model.score`."""

    model: MatchModel | None
    hubs: Hubs = field(default_factory=Hubs)
    caps: Caps = field(default_factory=Caps)
    guards: Guards = field(default_factory=Guards)
    spark: Path | None = None


@dataclass
class Matched:
    """``roots``: index subject_id, root, of the subjects at work · ``edges``: partial.EDGES between them, left_id < right_id ·
    ``scope``: the subjects resolved anew, and those that are gone (their edges fall away)."""

    roots: pd.Series[int]
    edges: pd.DataFrame
    scope: pd.Series[int]


def match(
    rows: pd.DataFrame | pa.Table,
    accounts: pd.DataFrame,
    order: pd.DataFrame,
    people: pd.DataFrame,
    rules: MatchRules,
    standing: pd.DataFrame | None = None,
) -> Matched:
    """Edges and clusters from ``rows``, ``accounts``, ``order`` (subjects.open_tables) and ``people`` (left_id, right_id,
    judgement of their live edges).

    ``standing``: the machine's live edges (left_id, right_id). If given, only what changed is resolved, with the same result;
    ``people`` then holds every edge that a person ever made, with ``live``.
    """
    judged = people[people["live"]] if "live" in people else people
    con = open_tables(rows, accounts, order, rules.hubs)
    try:
        if standing is None:
            con.execute("CREATE TEMP TABLE scope AS SELECT DISTINCT subject_id FROM rows")
        else:
            scope.changed(con, people)
            scope.bonds(con, standing, people)
            scope.spread(con)
        _at_work(con)
        pairs = None
        if rules.model is not None and standing is not None:
            pairs = score_weak(con, rules.model, rules.spark, "w")
            # The other end of a pair has candidates of its own, which this one may rival.
            while scope.widen(con, pairs):
                _at_work(con)
                pairs = score_weak(con, rules.model, rules.spark, "w", known=pairs)
        linking = _linked(con, judged, rules.caps)
        if rules.model is not None:
            if pairs is None:  # all are at work: it is enough to start from those that have no numbered cluster
                pairs = score_weak(con, rules.model, rules.spark, "(FROM c WHERE NOT numbered)")
            link_by_model(con, linking, pairs, rules.model, rules.guards)
        within = con.execute("SELECT subject_id FROM scope ORDER BY subject_id").df()["subject_id"]
    finally:
        con.close()
    return Matched(linking.clusters.roots(), _edges(linking, judged), within)


def _at_work(con: duckdb.DuckDBPyConnection) -> None:
    """Table ``w``: the live subjects of the scope."""
    fill(con, "scope")
    con.execute("CREATE OR REPLACE TEMP TABLE w AS SELECT * FROM s SEMI JOIN scope USING (subject_id)")


def _linked(con: duckdb.DuckDBPyConnection, judged: pd.DataFrame, caps: Caps) -> Linking:
    """People's judgements first, then numbers, then partial signs, among the subjects of table ``scope``."""
    subjects = con.execute("SELECT subject_id, strong FROM w ORDER BY subject_id").df()
    clusters = Clusters(subjects, judged[judged["judgement"] != "positive"], caps)
    there = judged["left_id"].isin(subjects["subject_id"]) & judged["right_id"].isin(subjects["subject_id"])
    same = judged[there & (judged["judgement"] == "positive")]
    clusters.join(same["left_id"], same["right_id"], capped=False)
    return link(con, clusters)


def _edges(linking: Linking, judged: pd.DataFrame) -> pd.DataFrame:
    """Positive edges, and for every two clusters that may be one the best unsure edge; none where a person said different."""
    doubts = pd.concat(linking.doubts, ignore_index=True)
    rivals = pd.DataFrame(
        {"left_id": doubts.min(axis=1), "right_id": doubts.max(axis=1), "judgement": "unsure", "tier": "partial",
         "rule": "rival", "score": 0.0, "why": WHY["rival"]}
    )  # fmt: skip
    frames = [f[list(EDGES)] for f in [*linking.edges, rivals] if len(f)]
    if not frames:
        return pd.DataFrame(columns=list(EDGES)).astype({"left_id": "int64", "right_id": "int64", "score": "float64"})
    edges = pd.concat(frames, ignore_index=True)
    roots = linking.clusters.roots()

    def between(pairs: pd.DataFrame) -> pd.MultiIndex:
        ends = pd.DataFrame({"a": pairs["left_id"].map(roots), "b": pairs["right_id"].map(roots)}).dropna().astype("int64")
        return pd.MultiIndex.from_arrays([ends.min(axis=1), ends.max(axis=1)])

    positive, unsure = edges[edges["judgement"] == "positive"], edges[edges["judgement"] == "unsure"]
    clusters = between(unsure)
    apart = clusters.get_level_values(0) != clusters.get_level_values(1)
    open_ = apart & ~clusters.isin(between(judged[judged["judgement"] == "negative"]))
    unsure = unsure.assign(pair=clusters.to_flat_index())[open_]
    # What fits several is called so, whatever weight the model gives to it.
    rivalled = unsure["pair"].isin(set(unsure.loc[unsure["rule"] == "rival", "pair"]))
    unsure = unsure.assign(rule=unsure["rule"].mask(rivalled, "rival"), why=unsure["why"].mask(rivalled, WHY["rival"]))
    # Stable: of equal scores the one that was found first, which does not depend on the order of loading.
    unsure = unsure.sort_values("score", ascending=False, kind="stable").drop_duplicates("pair")
    return pd.concat([positive, unsure], ignore_index=True)[list(EDGES)]
