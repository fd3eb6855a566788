"""Writing what was computed as differences, in the caller's transaction."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import Connection, text

from zp_registry.registry import bulk
from zp_registry.resolve import Resolved


def write_resolved(connection: Connection, resolved: Resolved, settings_hash: str, now: str) -> dict[str, dict[str, int]]:
    """Makes entities, holdings, roles, links and accounts equal ``resolved``; returns counts of changes by table."""
    _write_subjects(connection, resolved.subjects)
    _write_edges(connection, resolved.edges, settings_hash, now)
    entities = resolved.entities
    accounts = resolved.accounts
    return {
        "entity": bulk.write_difference(connection, "entity", entities, ["entity_id"]),
        "entity_identifier": bulk.write_difference(
            connection, "entity_identifier", resolved.identifiers, ["entity_id", "kind", "value"]
        ),
        "entity_name": bulk.write_difference(connection, "entity_name", resolved.names, ["entity_id", "name"]),
        "account": bulk.write_difference(connection, "account", accounts, ["platform", "account_id"]),
        "holding": bulk.write_history(
            connection, "holding", resolved.holdings, ["platform", "account_id", "entity_id", "valid_from"], now
        ),
        "role": bulk.write_history(
            connection, "role", resolved.roles, ["platform", "account_id", "role", "party_key", "valid_from"], now
        ),
        "link": bulk.write_difference(connection, "link", resolved.links, ["entity_id", "other_entity_id", "kind"]),
    }


def _write_subjects(connection: Connection, subjects: pd.DataFrame) -> None:
    """``entity_id`` is given once and stays; ``current_id`` follows merges and un-merges."""
    bulk.stage(connection, "wk_subjects", subjects)
    connection.exec_driver_sql("CREATE INDEX wk_subjects_key ON wk_subjects (subject_id)")
    own = "'E' || CASE WHEN id < 100000000 THEN substr('00000000' || CAST(id AS TEXT), -8) ELSE CAST(id AS TEXT) END"
    if connection.dialect.name == "postgresql":
        own = "'E' || CASE WHEN id < 100000000 THEN lpad(CAST(id AS TEXT), 8, '0') ELSE CAST(id AS TEXT) END"
    connection.exec_driver_sql(f"UPDATE subject SET entity_id = {own} WHERE entity_id IS NULL")
    connection.exec_driver_sql(
        "UPDATE subject AS t SET current_id = n.entity_id FROM wk_subjects n WHERE t.id = n.subject_id "
        "AND t.current_id IS DISTINCT FROM n.entity_id"
    )
    bulk.unstage(connection, "wk_subjects")


def _write_edges(connection: Connection, edges: pd.DataFrame, settings_hash: str, now: str) -> None:
    """The machine's own edges: those that no longer follow are closed, new ones added; people's edges are never touched."""
    frame = pd.DataFrame({c: edges[c] for c in ("left_id", "right_id", "judgement", "tier", "score", "why")})
    bulk.stage(connection, "wk_edges", frame.astype({"left_id": "int64", "right_id": "int64", "score": "float64"}))
    same = "t.left_id = n.left_id AND t.right_id = n.right_id AND t.judgement = n.judgement AND t.tier = n.tier"
    connection.execute(
        text(
            "UPDATE edge AS t SET deleted_at = :now WHERE t.deleted_at IS NULL AND t.tier <> 'person' "
            f"AND NOT EXISTS (SELECT 1 FROM wk_edges n WHERE {same})"
        ),
        {"now": now},
    )
    connection.execute(
        text(
            "INSERT INTO edge (left_id, right_id, judgement, tier, score, why, who, settings_hash, created_at) "
            "SELECT n.left_id, n.right_id, n.judgement, n.tier, n.score, n.why, 'resolve', :hash, :now FROM wk_edges n "
            f"WHERE NOT EXISTS (SELECT 1 FROM edge t WHERE t.deleted_at IS NULL AND {same})"
        ),
        {"hash": settings_hash, "now": now},
    )
    bulk.unstage(connection, "wk_edges")
