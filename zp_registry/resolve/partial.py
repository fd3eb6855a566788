"""Exact and partial links: which subjects are one by a number, or by several weaker signs that fit a single candidate.

A partial link needs the same name and no visible digit against it, and besides: the same account, or a masked number and one
more agreeing field, or (where no number is shown at all) a phone, payee account or exact address that is no hub. One exception:
on the same account ten agreeing visible digits allow a name to be missing or to differ by one character. When more than one
candidate fits, nothing is linked and the pairs go to review.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import duckdb
import pandas as pd

from zp_registry.resolve.clusters import Clusters
from zp_registry.resolve.subjects import fits

EDGES = ("left_id", "right_id", "judgement", "tier", "rule", "score", "why")
# What each rule's links are worth at least, as match weights (log2 of the odds), and how a person reads it.
RULES: dict[str, tuple[str, float, str]] = {
    "same_number": ("exact", 60.0, "证照号码相同"),
    "same_account": ("partial", 24.0, "同一账号、同一名称"),
    "same_digits": ("partial", 20.0, "同一账号、证件号码可见部分相同，名称缺失或仅一字之差"),
    "to_number": ("partial", 22.0, "名称相同，且同一账号或其他要素一致，只符合一个有号码的主体"),
    "same_fields": ("partial", 18.0, "名称相同，且电话、收款账户、地址或脱敏号码一致"),
}


@dataclass
class Linking:
    """What was linked so far. ``edges``: frames of EDGES · ``doubts``: subject_id (a weak one that fits several), other_id."""

    clusters: Clusters
    edges: list[pd.DataFrame] = field(default_factory=list)
    doubts: list[pd.DataFrame] = field(default_factory=list)

    def join(self, con: duckdb.DuckDBPyConnection, pairs: str, rule: str, *, capped: bool = True) -> None:
        """Joins the pairs (left_id, right_id) that the SQL ``pairs`` gives, in its order."""
        frame = con.execute(pairs).df()
        made, refused = self.clusters.join(frame["left_id"], frame["right_id"], capped=capped)
        tier, score, why = RULES[rule]
        for which, judgement in ((made, "positive"), (refused & capped, "unsure")):
            chosen = frame[which]
            ends = pd.concat([chosen["left_id"], chosen["right_id"]], axis=1)
            self.edges.append(
                pd.DataFrame({"left_id": ends.min(axis=1), "right_id": ends.max(axis=1)}).assign(
                    judgement=judgement, tier=tier, rule=rule, score=score, why=why
                )
            )
        self.settle(con)

    def settle(self, con: duckdb.DuckDBPyConnection) -> None:
        """Tells DuckDB the clusters as they are now: table ``c`` (subject_id, root, numbered, size)."""
        con.register("clusters_now", self.clusters.table())
        con.execute("CREATE OR REPLACE TEMP TABLE c AS SELECT * FROM clusters_now")


def link(con: duckdb.DuckDBPyConnection, clusters: Clusters) -> Linking:
    """Links the subjects of table ``w`` (those of ``s`` that are at work) by numbers and by partial signs.

    The order of joining is that of ``s.place``, which does not depend on loading.
    """
    linking = Linking(clusters)
    linking.settle(con)
    linking.join(con, _SAME_NUMBER, "same_number", capped=False)
    con.execute(_NAMED)
    linking.join(con, _same_account(), "same_account")
    linking.join(con, _SAME_DIGITS, "same_digits")
    _to_number(con, linking)
    linking.join(con, _same_fields(), "same_fields")
    return linking


_SAME_NUMBER = """
    SELECT first_value(subject_id) OVER same AS left_id, subject_id AS right_id FROM w WHERE strong IS NOT NULL
    WINDOW same AS (PARTITION BY strong ORDER BY place) ORDER BY place"""

# Named subjects at work with their tokens; those of one name and kind that share one have one ``key``.
_NAMED = """
    CREATE OR REPLACE TEMP TABLE named AS
    SELECT w.subject_id, w.place, w.business, w.strong, w.head, w.tail, w.id_mask, t.type, t.token,
           hash(w.name_key, w.business, t.type, t.token) AS key, h.token IS NOT NULL AS hub
    FROM w JOIN t USING (subject_id) LEFT JOIN hub h ON h.type = t.type AND h.token = t.token
    WHERE w.name_key IS NOT NULL AND t.live AND t.type IN ('phone', 'payee', 'address', 'account', 'operator')"""


def _same_account() -> str:
    return f"""
    SELECT DISTINCT ON (l.place, r.place) l.subject_id AS left_id, r.subject_id AS right_id, l.place AS p, r.place AS q
    FROM named l JOIN named r USING (key)
    WHERE l.type = 'account' AND l.strong IS NULL AND r.strong IS NULL AND l.place < r.place AND {fits("l", "r")}
    ORDER BY p, q"""


_SAME_DIGITS = """
    WITH seen AS (SELECT w.*, t.token FROM w JOIN t USING (subject_id) WHERE t.type = 'account' AND t.live AND NOT w.business
                  AND length(replace(w.id_mask, '*', '')) >= 10)
    SELECT DISTINCT l.subject_id AS left_id, r.subject_id AS right_id, l.place AS p, r.place AS q
    FROM seen l JOIN seen r USING (id_mask, token)
    WHERE l.place < r.place AND (l.name_key IS NULL OR r.name_key IS NULL
          OR (length(l.name_key) = length(r.name_key) AND levenshtein(l.name_key, r.name_key) = 1))
    ORDER BY p, q"""


def _to_number(con: duckdb.DuckDBPyConnection, linking: Linking) -> None:
    """Clusters without a number to the one numbered cluster of their name that fits them; two that fit equally are a doubt."""
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE candidates AS
        WITH shown AS (SELECT DISTINCT c.root, w.head, w.tail FROM w JOIN c USING (subject_id) WHERE w.id_mask IS NOT NULL),
        whole AS (SELECT c.root, max(w.head) AS head, max(w.tail) AS tail FROM w JOIN c USING (subject_id)
                  WHERE w.strong IS NOT NULL AND w.id_mask IS NOT NULL GROUP BY c.root),
        pairs AS (
            SELECT lc.root AS weak, rc.root AS strong, l.subject_id AS left_id, r.subject_id AS right_id, l.place AS lp,
                   r.place AS rp, l.business, l.type, l.hub, k.head IS NOT NULL AND m.head IS NOT NULL AND
                   NOT l.business AS masked
            FROM named l JOIN c lc ON lc.subject_id = l.subject_id AND NOT lc.numbered
            JOIN named r USING (key) JOIN c rc ON rc.subject_id = r.subject_id AND rc.numbered
            -- One mask that fits is enough: another of the same cluster may have been mistyped.
            LEFT JOIN shown k ON k.root = lc.root LEFT JOIN whole m ON m.root = rc.root
            WHERE l.business OR {fits("k", "m")})
        SELECT weak, strong, bool_or(type = 'account') AS account, count(DISTINCT type) AS kinds, bool_or(masked) AS masked,
               arg_min(left_id, lp) AS left_id, arg_min(right_id, rp) AS right_id, min(lp) AS lp, min(rp) AS rp
        FROM pairs WHERE masked OR type = 'account' OR (NOT hub AND type <> 'operator') GROUP BY weak, strong"""
    )
    # Another candidate with a weaker tie is still a candidate, but for the same account, which no stranger of that name shares.
    ranked = """
        WITH r AS (SELECT *, 100 * account::INT + 10 * masked::INT + kinds AS worth FROM candidates),
        b AS (SELECT *, worth = max(worth) OVER same AS best, count(*) OVER same AS rivals FROM r
              WINDOW same AS (PARTITION BY weak)),
        e AS (SELECT *, count(*) FILTER (best) OVER (PARTITION BY weak) AS equals FROM b)
        SELECT *, rivals = 1 OR (account AND equals = 1) AS alone FROM e WHERE best"""
    doubtful = con.execute(
        f"SELECT left_id AS subject_id, right_id AS other_id FROM ({ranked}) WHERE NOT alone ORDER BY lp, rp"
    ).df()
    linking.doubts.append(doubtful)
    linking.join(con, f"SELECT left_id, right_id FROM ({ranked}) WHERE alone ORDER BY lp, rp", "to_number")


def _same_fields() -> str:
    """Pairs among those that still have no number; masked ones need equal visible digits and one more agreeing field."""
    return f"""
    SELECT DISTINCT l.subject_id AS left_id, r.subject_id AS right_id, l.place AS p, r.place AS q
    FROM named l JOIN named r USING (key)
    JOIN c lc ON lc.subject_id = l.subject_id JOIN c rc ON rc.subject_id = r.subject_id
    WHERE NOT lc.numbered AND NOT rc.numbered AND l.type IN ('phone', 'payee', 'address') AND l.place < r.place
          AND {fits("l", "r")} AND ((l.id_mask IS NOT NULL AND r.id_mask IS NOT NULL) OR NOT l.hub)
    ORDER BY p, q"""
