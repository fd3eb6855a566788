"""What a night must resolve anew: the subjects that changed, and all whose clusters or candidates that may concern.

Whether two subjects are one depends on them, on what else fits either of them, and on which tokens are hubs. So from the
changed subjects the scope is spread over everything that shares a number, a name with a token, visible digits on one account,
an edge or a judgement; beyond it nothing can have changed, and the result is that of resolving everything.
"""

from __future__ import annotations

import duckdb
import pandas as pd


def changed(con: duckdb.DuckDBPyConnection, people: pd.DataFrame) -> None:
    """Table ``scope`` (subject_id) with the subjects whose own records changed, whose tokens became or ceased to be hubs, or
    about whom people have judged (``people``: left_id, right_id of all their edges)."""
    con.register("judged_by_people", people[["left_id", "right_id"]])
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE scope AS
        WITH flipped AS ((FROM hub EXCEPT FROM was_hub) UNION (FROM was_hub EXCEPT FROM hub)),
        moved AS (SELECT subject_id FROM rows JOIN loose_accounts USING (record_id)
                  WHERE loose = 1 AND account_id IS DISTINCT FROM was_account_id)
        SELECT subject_id FROM rows WHERE live <> was_live
        UNION SELECT subject_id FROM moved
        UNION SELECT subject_id FROM t SEMI JOIN flipped USING (type, token)
        UNION SELECT left_id FROM judged_by_people UNION SELECT right_id FROM judged_by_people"""
    )


def bonds(con: duckdb.DuckDBPyConnection, standing: pd.DataFrame, people: pd.DataFrame) -> None:
    """Table ``bond`` (subject_id, key): subjects with one key concern each other. ``standing``: left_id, right_id of the
    machine's live edges. Former names, numbers and tokens bind as well as present ones."""
    con.register(
        "edges_now", pd.concat([standing[["left_id", "right_id"]], people[["left_id", "right_id"]]], ignore_index=True)
    )
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE bond AS
        SELECT subject_id, hash('n', name, type, token) AS key FROM d JOIN t USING (subject_id) WHERE name IS NOT NULL
        UNION ALL SELECT subject_id, hash('s', uscc) FROM d WHERE uscc IS NOT NULL
        UNION ALL SELECT subject_id, hash('i', id) FROM d WHERE id IS NOT NULL
        UNION ALL SELECT subject_id, hash('m', mask, token) FROM d JOIN t USING (subject_id)
                  WHERE mask IS NOT NULL AND type = 'account'
        UNION ALL SELECT unnest([left_id, right_id]), hash('e', left_id, right_id) FROM edges_now"""
    )


def spread(con: duckdb.DuckDBPyConnection) -> int:
    """Spreads the table ``scope`` over the bonds until it is closed; returns its size."""
    con.execute("CREATE OR REPLACE TEMP TABLE front AS FROM scope")
    while True:
        con.execute(
            """
            CREATE OR REPLACE TEMP TABLE front AS
            WITH keys AS (SELECT DISTINCT key FROM bond SEMI JOIN front USING (subject_id))
            SELECT DISTINCT subject_id FROM bond SEMI JOIN keys USING (key) ANTI JOIN scope USING (subject_id)"""
        )
        if not _count(con, "front"):
            return _count(con, "scope")
        con.execute("INSERT INTO scope FROM front")


def widen(con: duckdb.DuckDBPyConnection, pairs: pd.DataFrame) -> bool:
    """Adds the ends of the model's ``pairs`` that lie outside the scope, and spreads it; False when there is none."""
    con.register("scored_pairs", pairs[["left_id", "right_id"]])
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE added AS SELECT DISTINCT subject_id FROM (
            SELECT unnest([left_id, right_id]) AS subject_id FROM scored_pairs) ANTI JOIN scope USING (subject_id)"""
    )
    if not _count(con, "added"):
        return False
    con.execute("INSERT INTO scope FROM added")
    spread(con)
    return True


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(con.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])
