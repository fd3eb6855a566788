"""The model's links: pairs of clusters, at least one of them without a number, in three bands of match weight.

Linked is a pair in the upper band that is the only good one for each cluster without a number, by a margin; what lies between
the bands, or has a rival, or would bridge two grown groups by a single pair, goes to review.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

from zp_registry.resolve.model import MatchModel, features, score
from zp_registry.resolve.partial import Linking
from zp_registry.resolve.subjects import described, fits


@dataclass(frozen=True)
class Guards:
    """``bridge``: two groups of so many subjects each need more than one pair between them · ``queue``: the best so many
    candidates of a cluster go to review."""

    bridge: int = 3
    queue: int = 5


# Tokens that make a candidate by themselves when they are no hubs; any other needs the same name besides.
_ALONE = "'phone', 'payee', 'address', 'account'"
WHY = {
    "model": "模型判断为同一主体",
    "near": "多项要素相近，但不足以认定",
    "rival": "与多个主体同样相近，不能确定是哪一个",
    "digits": "要素相近，但证件号码可见部分不一致",
    "bridge": "两组记录之间只有这一处相近",
    "refused": "相近，但合并会超出主体记录数上限或与已有判断冲突",
}


def score_weak(
    con: duckdb.DuckDBPyConnection, model: MatchModel, spark: Path | None, which: str, known: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Pairs (left_id, right_id, weight) from the review band upwards between the subjects of the table ``which`` and any
    others, at least one of them without a number. ``known``: the pairs of a former call, whose subjects (table ``focus``) are
    not scored again. ``spark``: as of :func:`zp_registry.resolve.model.score`."""
    done = "WHERE false" if known is None else ""
    con.execute(
        f"""
        CREATE TEMP TABLE IF NOT EXISTS focus (subject_id BIGINT);
        CREATE OR REPLACE TEMP TABLE done AS SELECT subject_id FROM focus {done};
        CREATE OR REPLACE TEMP TABLE focus AS SELECT subject_id FROM {which} ANTI JOIN done USING (subject_id);
        CREATE TEMP TABLE IF NOT EXISTS thing AS
        SELECT subject_id, type, token FROM t WHERE live
        UNION ALL SELECT subject_id, 'phone_mask', hash(phone_mask) FROM rows WHERE live = 1 AND phone_mask IS NOT NULL
        UNION ALL SELECT subject_id, 'payee_mask', hash(payee_mask) FROM rows WHERE live = 1 AND payee_mask IS NOT NULL;
        CREATE TEMP TABLE IF NOT EXISTS ends AS
        SELECT subject_id, 'tail' AS type, live_tail AS token FROM d WHERE live_tail IS NOT NULL;
        CREATE TEMP TABLE IF NOT EXISTS word AS
        SELECT subject_id, 'name' AS type, live_name AS token FROM d WHERE live_name IS NOT NULL
        UNION ALL SELECT subject_id, type, token FROM t WHERE live AND type = 'operator';
        CREATE OR REPLACE TEMP TABLE ours AS
        SELECT * FROM thing SEMI JOIN focus USING (subject_id) UNION SELECT * FROM ends SEMI JOIN focus USING (subject_id);
        CREATE OR REPLACE TEMP TABLE our_word AS SELECT DISTINCT * FROM word SEMI JOIN focus USING (subject_id);
        CREATE OR REPLACE TEMP TABLE our_pair AS
        SELECT DISTINCT hash(o.type, o.token, w.type, w.token) AS pair
        FROM ours o JOIN (FROM our_word UNION ALL FROM ours WHERE type = 'tail') w USING (subject_id) WHERE o.type <> w.type;
        CREATE OR REPLACE TEMP TABLE reach AS
        WITH plain AS (SELECT DISTINCT type, token FROM ours ANTI JOIN hub USING (type, token) WHERE type IN ({_ALONE})),
        met AS (SELECT * FROM thing SEMI JOIN ours USING (type, token)),
        known AS (SELECT * FROM word SEMI JOIN our_word USING (type, token)),
        -- Two digits are everywhere: they are looked at only where another thing of ours stands beside them.
        beside AS (SELECT * FROM ends SEMI JOIN (SELECT subject_id FROM met UNION ALL SELECT subject_id FROM known)
                   USING (subject_id)),
        paired AS (
            SELECT m.subject_id, hash(m.type, m.token, k.type, k.token) AS pair FROM met m JOIN known k USING (subject_id)
            WHERE m.type <> k.type
            UNION ALL SELECT m.subject_id, hash(m.type, m.token, b.type, b.token) FROM met m JOIN beside b USING (subject_id)
            UNION ALL SELECT k.subject_id, hash(b.type, b.token, k.type, k.token) FROM beside b JOIN known k USING (subject_id))
        SELECT subject_id FROM focus UNION SELECT subject_id FROM met SEMI JOIN plain USING (type, token)
        UNION SELECT subject_id FROM paired SEMI JOIN our_pair USING (pair)"""
    )
    focus = con.execute("SELECT subject_id FROM focus ORDER BY subject_id").df()["subject_id"]
    con.execute("INSERT INTO focus FROM done")
    if known is None:
        known = pd.DataFrame({"left_id": [], "right_id": [], "weight": []}).astype({"left_id": "int64", "right_id": "int64"})
    if focus.empty:
        return known
    subjects, tokens = described(con, "reach")
    pairs = score(features(subjects, tokens), model, focus=focus.to_numpy(), spark=spark)
    found = pd.concat([known, pairs.assign(weight=pairs["weight"].round(6))[list(known.columns)]], ignore_index=True)
    return found.drop_duplicates(["left_id", "right_id"], ignore_index=True)


def link_by_model(
    con: duckdb.DuckDBPyConnection, linking: Linking, pairs: pd.DataFrame, model: MatchModel, guards: Guards
) -> None:
    """Joins what the model's ``pairs`` allow and adds the edges, positive and unsure, to ``linking``."""
    linking.settle(con)
    con.register("scored", pairs)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE pair AS
        WITH p AS (
            SELECT left_id, right_id, weight, l.place AS lp, r.place AS rp, lc.root AS a, rc.root AS b, lc.numbered AS an,
                   rc.numbered AS bn, lc.size AS asize, rc.size AS bsize, l.business
            FROM scored JOIN c lc ON lc.subject_id = left_id JOIN c rc ON rc.subject_id = right_id
            JOIN s l ON l.subject_id = left_id JOIN s r ON r.subject_id = right_id
            WHERE lc.root <> rc.root AND NOT (lc.numbered AND rc.numbered)),
        o AS (SELECT *, CASE WHEN a < b THEN a ELSE b END AS lo, CASE WHEN a < b THEN b ELSE a END AS hi FROM p),
        g AS (
            SELECT lo, hi, max(weight) AS weight, count(*) AS support,
                   arg_max((left_id, right_id), (weight, -least(lp, rp), -greatest(lp, rp))) AS best,
                   bool_and(business) AS business, min(asize) AS asize, min(bsize) AS bsize,
                   min(CASE WHEN a < b THEN an ELSE bn END) AS lon, min(CASE WHEN a < b THEN bn ELSE an END) AS hin
            FROM o GROUP BY lo, hi),
        m AS (SELECT c.root, w.head, w.tail FROM w JOIN c USING (subject_id) WHERE w.id_mask IS NOT NULL),
        d AS (SELECT lo, hi, NOT bool_or({fits("l", "r")}) AS against FROM g JOIN m l ON l.root = lo JOIN m r ON r.root = hi
              WHERE NOT business GROUP BY lo, hi)
        SELECT g.*, best[1] AS left_id, best[2] AS right_id, coalesce(against, false) AS against
        FROM g LEFT JOIN d USING (lo, hi)"""
    )
    bands = model.bands
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE judged AS
        WITH sides AS (SELECT lo, hi, lo AS weak, weight, left_id, right_id FROM pair WHERE NOT lon
                       UNION ALL SELECT lo, hi, hi, weight, left_id, right_id FROM pair WHERE NOT hin),
        placed AS (SELECT x.*, l.place AS lp, r.place AS rp FROM sides x JOIN s l ON l.subject_id = left_id
                   JOIN s r ON r.subject_id = right_id),
        ranked AS (
            SELECT *, row_number() OVER best AS rank, lead(weight) OVER best AS second FROM placed
            WINDOW best AS (PARTITION BY weak ORDER BY weight DESC, least(lp, rp), greatest(lp, rp))),
        each AS (SELECT lo, hi, bool_and(rank = 1 AND weight - coalesce(second, -1e9) >= {bands.margin}) AS clear,
                        min(rank) AS rank, min(least(lp, rp)) AS p, min(greatest(lp, rp)) AS q FROM ranked GROUP BY lo, hi)
        SELECT pair.*, each.rank, p, q,
               CASE WHEN weight < {bands.link} THEN 'near' WHEN against THEN 'digits' WHEN NOT clear THEN 'rival'
                    WHEN asize >= {guards.bridge} AND bsize >= {guards.bridge} AND support = 1 THEN 'bridge'
                    ELSE 'model' END AS rule
        FROM pair JOIN each USING (lo, hi)"""
    )
    frame = con.execute("SELECT left_id, right_id, weight AS score, rule, rank FROM judged ORDER BY weight DESC, p, q").df()
    good = frame[frame["rule"] == "model"]
    made, refused = linking.clusters.join(good["left_id"], good["right_id"])
    frame["judgement"] = "unsure"
    frame.loc[good.index[made], "judgement"] = "positive"
    frame.loc[good.index[refused], "rule"] = "refused"
    roots = linking.clusters.roots()
    apart = frame["left_id"].map(roots) != frame["right_id"].map(roots)
    frame = frame[(frame["judgement"] == "positive") | (apart & (frame["rank"] <= guards.queue))]
    ends = frame[["left_id", "right_id"]]
    linking.edges.append(
        frame.assign(
            left_id=ends.min(axis=1), right_id=ends.max(axis=1), tier="model", why=frame["rule"].map(WHY).astype("str")
        )
    )
    linking.settle(con)
