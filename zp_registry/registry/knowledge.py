"""Writing what was computed as differences, in the caller's transaction."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
from sqlalchemy import Connection, text

from zp_registry.registry import bulk, differences
from zp_registry.registry.guards import verify_clusters
from zp_registry.resolve import LINKED, Told
from zp_registry.resolve.links import TABLE
from zp_registry.resolve.matching import Matched


def write_matched(
    connection: Connection, matched: Matched, settings_hash: str, now: str, *, everything: bool
) -> dict[str, int]:
    """Writes the edges and clusters of the subjects that were resolved; what lies outside their scope stays as it is.

    ClustersBroken when an entity would hold two different valid numbers. ``everything``: all subjects were resolved.
    """
    bulk.stage(connection, "wk_scope", pd.DataFrame({"subject_id": matched.scope.astype("int64")}))
    connection.exec_driver_sql("CREATE UNIQUE INDEX wk_scope_key ON wk_scope (subject_id)")
    _write_subjects(connection, matched.roots)
    counts = _write_edges(connection, matched.edges, settings_hash, now)
    verify_clusters(connection, None if everything else "wk_scope")
    bulk.unstage(connection, "wk_scope")
    connection.exec_driver_sql("DELETE FROM touched")
    return {"resolved": len(matched.scope), **counts}


def entity_of(connection: Connection) -> pd.Series[str]:
    """The entity to which each subject belongs now, index subject_id."""
    table = bulk.read_table(
        connection, "FROM subject WHERE current_id IS NOT NULL", ["id AS subject_id", "current_id AS entity_id"], ["subject_id"]
    ).to_pandas()
    out: pd.Series[str] = table.astype({"entity_id": "str"}).set_index("subject_id")["entity_id"]
    return out


def unsure_edges(connection: Connection) -> pd.DataFrame:
    """The machine's doubts: left_id, right_id, rule."""
    table = bulk.read_table(
        connection,
        "FROM edge WHERE tier <> 'person' AND judgement = 'unsure' AND deleted_at IS NULL",
        ["left_id", "right_id", "rule"],
        ["left_id", "right_id"],
    )
    out: pd.DataFrame = table.to_pandas().astype({"rule": "str"})
    return out


def recording_moment(connection: Connection, now: str) -> str:
    """The moment that recorded time takes for ``now``: never one before what is recorded already, also where the clock was set
    back, since nothing can cease to be believed before it was."""
    newest = connection.exec_driver_sql(
        "SELECT MAX(recorded_from) FROM (SELECT MAX(recorded_from) AS recorded_from FROM holding WHERE recorded_to IS NULL "
        "UNION ALL SELECT MAX(recorded_from) FROM role WHERE recorded_to IS NULL) v"
    ).scalar()
    return max(now, str(newest or ""))


_OF_ENTITIES, _OF_ACCOUNTS = ("entity_id",), ("platform", "account_id")
# Tables that follow from the evidence, the columns that make a row of theirs, and what each belongs to.
_TABLES = {
    "entity": (("entity_id",), _OF_ENTITIES),
    "entity_identifier": (("entity_id", "kind", "value"), _OF_ENTITIES),
    "entity_name": (("entity_id", "name"), _OF_ENTITIES),
    "account": (("platform", "account_id"), _OF_ACCOUNTS),
}
_HISTORIES = {
    "holding": (("platform", "account_id", "entity_id", "valid_from"), _OF_ACCOUNTS),
    "role": (("platform", "account_id", "role", "party_key", "valid_from"), _OF_ACCOUNTS),
}
_LISTED = {_OF_ENTITIES: "wk_entities", _OF_ACCOUNTS: "wk_accounts"}


class Writer:
    """Makes the tables equal what is resolved, part after part, touching only what differs.

    ``parts``: platform, account_id, entity_id, part of everything that is resolved; ``counts``: changes by table.
    """

    def __init__(self, connection: Connection, parts: pd.DataFrame, now: str) -> None:
        self._connection, self._now = connection, now
        self.counts: dict[str, dict[str, int]] = {}
        self._next = 0
        self._several = parts["part"].nunique() > 1
        if self._several:
            for keys, listed in _LISTED.items():
                rows = parts[[*keys, "part"]].dropna().drop_duplicates()
                bulk.stage(connection, listed, rows)
                connection.exec_driver_sql(f"CREATE INDEX {listed}_part ON {listed} (part)")
                connection.exec_driver_sql(f"CREATE INDEX {listed}_key ON {listed} ({', '.join(keys)})")

    def write(self, told: Told) -> Told:
        """Writes the next part; returns what the stages behind need of it."""
        frames = {"entity": told.entities, "entity_identifier": told.identifiers, "entity_name": told.names,
                  "account": told.accounts, "holding": told.holdings, "role": told.roles}  # fmt: skip
        for table, (keys, of) in _TABLES.items():
            self._count(table, differences.write_difference(self._connection, table, frames[table], keys, self._share(of)))
        for table, (keys, of) in _HISTORIES.items():
            done = differences.write_history(self._connection, table, frames[table], keys, self._now, self._share(of))
            self._count(table, done)
        self._next += 1
        return replace(
            told,
            entities=told.entities[list(LINKED)],
            names=told.names.iloc[:0],
            accounts=told.accounts[["platform", "account_id", "last_seen"]],
            roles=told.roles.iloc[:0],
        )

    def finish(self, links: pd.DataFrame) -> dict[str, dict[str, int]]:
        """Writes the links, and takes away what no part speaks of any more; returns the counts."""
        keys = ["entity_id", "other_entity_id", "kind"]
        self._count("link", differences.write_difference(self._connection, "link", links[list(TABLE)], keys))
        if self._several:
            for table, (_, of) in _TABLES.items():
                self._count(table, differences.drop_unlisted(self._connection, table, _LISTED[of], of))
            for table, (_, of) in _HISTORIES.items():
                self._count(table, differences.close_unlisted(self._connection, table, _LISTED[of], of, self._now))
            for listed in _LISTED.values():
                bulk.unstage(self._connection, listed)
        return self.counts

    def _share(self, of: tuple[str, ...]) -> differences.Share | None:
        return differences.Share(_LISTED[of], of, self._next) if self._several else None

    def _count(self, table: str, done: dict[str, int]) -> None:
        before = self.counts.setdefault(table, dict.fromkeys(done, 0))
        self.counts[table] = {what: before[what] + n for what, n in done.items()}


def _write_subjects(connection: Connection, roots: pd.Series[int]) -> None:
    """``entity_id`` is given once and stays; ``current_id`` follows merges and un-merges: an entity is called after its oldest
    subject, so that ids are never used twice and come back after an un-merge."""
    postgres = connection.dialect.name == "postgresql"
    padded = "lpad(CAST({0} AS TEXT), 8, '0')" if postgres else "substr('00000000' || CAST({0} AS TEXT), -8)"
    called = f"'E' || CASE WHEN {{0}} < 100000000 THEN {padded} ELSE CAST({{0}} AS TEXT) END"
    connection.exec_driver_sql(
        f"UPDATE subject SET entity_id = {called.format('id')}, current_id = {called.format('id')} WHERE entity_id IS NULL"
    )
    # Most subjects are their own root: only the others, and those that were something else, are sent.
    joined = roots[roots.to_numpy() != roots.index.to_numpy()]
    bulk.stage(connection, "wk_roots", pd.DataFrame({"subject_id": joined.index.astype("int64"), "root": joined.to_numpy()}))
    connection.exec_driver_sql("CREATE UNIQUE INDEX wk_roots_key ON wk_roots (subject_id)")
    connection.exec_driver_sql(
        "UPDATE subject AS t SET current_id = t.entity_id FROM wk_scope n WHERE t.id = n.subject_id "
        "AND t.current_id IS DISTINCT FROM t.entity_id AND NOT EXISTS (SELECT 1 FROM wk_roots r WHERE r.subject_id = t.id)"
    )
    connection.exec_driver_sql(
        f"UPDATE subject AS t SET current_id = {called.format('n.root')} FROM wk_roots n WHERE t.id = n.subject_id "
        f"AND t.current_id IS DISTINCT FROM {called.format('n.root')}"
    )
    bulk.unstage(connection, "wk_roots")


def _write_edges(connection: Connection, edges: pd.DataFrame, settings_hash: str, now: str) -> dict[str, int]:
    """The machine's own edges with an end in ``wk_scope``: those that no longer follow are closed, new ones added; people's
    edges are never touched."""
    names = ("left_id", "right_id", "judgement", "tier", "rule", "score", "why")
    frame = pd.DataFrame({c: edges[c] for c in names})
    bulk.stage(connection, "wk_edges", frame.astype({"left_id": "int64", "right_id": "int64", "score": "float64"}))
    connection.exec_driver_sql("CREATE UNIQUE INDEX wk_edges_key ON wk_edges (left_id, right_id)")
    same = (
        "t.left_id = n.left_id AND t.right_id = n.right_id AND t.judgement = n.judgement AND t.tier = n.tier "
        "AND t.rule = n.rule AND t.score = n.score"
    )
    closed = connection.execute(
        text(
            "UPDATE edge AS t SET deleted_at = :now WHERE t.deleted_at IS NULL AND t.tier <> 'person' "
            "AND (t.left_id IN (SELECT subject_id FROM wk_scope) OR t.right_id IN (SELECT subject_id FROM wk_scope)) "
            f"AND NOT EXISTS (SELECT 1 FROM wk_edges n WHERE {same})"
        ),
        {"now": now},
    ).rowcount
    added = connection.execute(
        text(
            f"INSERT INTO edge ({', '.join(names)}, who, settings_hash, created_at) "
            f"SELECT {', '.join('n.' + n for n in names)}, 'resolve', :hash, :now FROM wk_edges n "
            f"WHERE NOT EXISTS (SELECT 1 FROM edge t WHERE t.deleted_at IS NULL AND t.tier <> 'person' AND {same})"
        ),
        {"hash": settings_hash, "now": now},
    ).rowcount
    bulk.unstage(connection, "wk_edges")
    return {"edges_added": added, "edges_closed": closed}
