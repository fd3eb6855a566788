"""The dossier of an account or an entity: who it is and held what when, which row says so, and why it is one."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
from sqlalchemy import Connection, text

from zp_registry.frames import as_records
from zp_registry.registry import bulk


def current_entity(connection: Connection, entity_id: str) -> str | None:
    """The entity that an id leads to now: ids of merged entities still lead on; None for an id that never was."""
    row = connection.execute(text("SELECT current_id FROM subject WHERE entity_id = :e"), {"e": entity_id}).first()
    return None if row is None else (row[0] or entity_id)


def account_dossier(connection: Connection, platform: str, account_id: str, as_of: str) -> dict[str, Any] | None:
    """Everything known of one account up to ``as_of``; None when there is no such account. ``links``: of its holder."""
    key = {"p": platform, "a": account_id, "d": as_of}
    account = as_records(
        bulk.read(
            connection,
            "SELECT * FROM account WHERE platform = :p AND account_id = :a AND first_seen <= :d",
            key,
            integers=["unmatched", "record_id"],
        )
    )
    if not account:
        return None
    history = bulk.read(
        connection,
        """
        SELECT r.as_of, f.name AS source_file, s.sheet, s.row, r.scope, c.account_name, c.account_status,
        j.current_id AS entity_id, c.subject_name, c.uscc,
               c.id_mask, c.phone_mask, c.payee_name, c.payee_mask, c.agency_name, c.info_status, c.held_from,
               c.held_to, c.id AS record_id
        FROM record c JOIN sighting s ON s.record_id = c.id JOIN report r ON r.id = s.report_id JOIN report_file f ON
        f.id = r.file_id
        LEFT JOIN subject j ON j.id = c.subject_id
        WHERE c.id IN (
            SELECT id FROM record WHERE platform = :p AND account_ref = :a
            UNION SELECT o.id FROM (
                SELECT account_handle AS x FROM account WHERE platform = :p AND account_id = :a
                UNION SELECT account_url FROM account WHERE platform = :p AND account_id = :a
                UNION SELECT account_name FROM account WHERE platform = :p AND account_id = :a) v
                JOIN record o ON o.account_ref = v.x WHERE o.platform = :p AND o.loose = 1)
          AND r.superseded_by IS NULL AND r.as_of <= :d ORDER BY r.as_of, f.name, s.row""",
        key,
        integers=["row", "record_id"],
    )
    people = bulk.read(
        connection,
        """
        SELECT p.record_id, p.name, p.id_mask, p.relation FROM record_streamer p JOIN record c ON c.id = p.record_id
        WHERE c.platform = :p AND c.account_ref = :a ORDER BY p.record_id, p.ordinal""",
        key,
        integers=["record_id"],
    )
    cast = (
        people.assign(shown=people["name"].fillna("") + ("（" + people["id_mask"] + "）").fillna(""))
        .groupby("record_id")["shown"]
        .agg("、".join)
    )
    history["streamers"] = history["record_id"].map(cast).astype("str")
    holdings = bulk.read(
        connection,
        """
        SELECT h.entity_id, e.name, h.valid_from, h.valid_to, h.end_reason, h.evidence, h.recorded_from, h.recorded_to
        FROM holding h LEFT JOIN entity e ON e.entity_id = h.entity_id WHERE h.platform = :p AND h.account_id = :a
        AND h.valid_from <= :d
        ORDER BY h.recorded_to IS NOT NULL, h.valid_from""",
        key,
    )
    roles = bulk.read(
        connection,
        """
        SELECT role, name, mask, relation, valid_from, valid_to FROM role WHERE platform = :p AND account_id = :a AND
        recorded_to IS NULL AND valid_from <= :d
        ORDER BY role, valid_from""",
        key,
    )
    flags = bulk.read(
        connection,
        "SELECT * FROM flag WHERE platform = :p AND account_id = :a AND first_seen <= :d ORDER BY flag_id",
        key,
        floats=["score"],
    )
    return {
        "account": account[0],
        "holdings": as_records(holdings),
        "history": as_records(history.drop(columns="record_id")),
        "roles": as_records(roles),
        "links": _links(connection, account[0]["entity_id"]),
        "flags": _flags(flags),
    }


def entity_dossier(connection: Connection, entity_id: str, as_of: str) -> dict[str, Any] | None:
    """Everything known of one entity; an id of a merged entity leads to the one it became part of.

    Lists of dictionaries: ``names`` (state current, also or former), ``phones`` and ``addresses`` (as reported up to ``as_of``,
    masked), ``identifiers``, ``sources`` (each shown value with its row), ``holdings``, ``links``, ``flags``, and those of
    :func:`_edges`; ``former_ids``: ids that lead here.
    """
    current = current_entity(connection, entity_id)
    if current is None:
        return None
    key = {"e": current, "d": as_of}
    entity = as_records(
        bulk.read(
            connection,
            """
        SELECT entity_id, kind, name, uscc, id_mask, phone_mask, contact_name, address, town, first_seen, last_seen,
        pledge_status FROM entity WHERE entity_id = :e""",
            key,
        )
    )
    if not entity:
        return None
    ids = bulk.read(
        connection,
        "SELECT entity_id FROM subject WHERE current_id = :e AND entity_id <> :e ORDER BY id",
        key,
    )
    names = bulk.read(
        connection,
        "SELECT name, first_seen, last_seen FROM entity_name WHERE entity_id = :e AND first_seen <= :d "
        "ORDER BY last_seen DESC, name",
        key,
    )
    identifiers = bulk.read(
        connection,
        "SELECT kind, CASE WHEN kind = 'id' THEN NULL ELSE value END AS value, first_seen, last_seen FROM "
        "entity_identifier WHERE entity_id = :e ORDER BY kind",
        key,
    )
    accounts = bulk.read(
        connection,
        """
        SELECT h.platform, h.account_id, a.account_name, h.valid_from, h.valid_to, h.end_reason, h.evidence FROM holding h
        JOIN account a ON a.platform = h.platform AND a.account_id = h.account_id
        WHERE h.entity_id = :e AND h.recorded_to IS NULL AND h.valid_from <= :d
        ORDER BY h.valid_to IS NOT NULL, h.platform, h.account_id, h.valid_from""",
        key,
    )
    flags = bulk.read(
        connection, "SELECT * FROM flag WHERE entity_id = :e AND first_seen <= :d ORDER BY flag_id", key, floats=["score"]
    )
    return {
        "entity": entity[0],
        "asked_for": entity_id,
        "former_ids": ids["entity_id"].tolist(),
        "sources": _sources(connection, entity[0], as_of),
        "names": _named(as_records(names), entity[0]["name"]),
        "identifiers": as_records(identifiers),
        "phones": _history(connection, "phone_mask", "phone_hash", key),
        "addresses": _history(connection, "business_address", "business_address", key),
        "holdings": as_records(accounts),
        "links": _links(connection, current),
        **_edges(connection, current),
        "flags": _flags(flags),
    }


_SOURCES = {"name": "name", "number": "number", "phone": "phone_mask", "contact": "contact_name", "address": "address",
            "town": "town"}


def _sources(connection: Connection, entity: dict[str, Any], as_of: str) -> list[dict[str, Any]]:
    """field, value, as_of, source_file, sheet, row: the newest row that shows the record a value was taken from."""
    taken = " UNION ALL ".join(
        f"SELECT '{f}' AS field, {f}_record AS record_id FROM entity WHERE entity_id = :e" for f in _SOURCES
    )
    rows = bulk.read(
        connection,
        f"""
        SELECT v.field, r.as_of, f.name AS source_file, s.sheet, s.row FROM ({taken}) v
        JOIN sighting s ON s.record_id = v.record_id JOIN report r ON r.id = s.report_id JOIN report_file f ON f.id = r.file_id
        WHERE r.superseded_by IS NULL AND r.as_of <= :d ORDER BY v.field, r.as_of DESC, f.name, s.sheet, s.row""",
        {"e": entity["entity_id"], "d": as_of},
        integers=["row"],
    ).drop_duplicates("field")
    values = {f: entity.get(column) for f, column in _SOURCES.items()} | {"number": entity["uscc"] or entity["id_mask"]}
    by_field = {r["field"]: r for r in as_records(rows)}
    return [{"field": f, "value": values[f], **by_field[f]} for f in _SOURCES if f in by_field]


def _named(names: list[dict[str, Any]], current: str | None) -> list[dict[str, Any]]:
    """Adds ``state``: current, also (still reported with the current one), former."""
    until = next((n["last_seen"] for n in names if n["name"] == current), None)
    for one in names:
        later = until is not None and one["last_seen"] >= until
        one["state"] = "current" if one["name"] == current else "also" if later else "former"
    return sorted(names, key=lambda n: ("current", "also", "former").index(n["state"]))


def _history(connection: Connection, shown: str, key: str, values: dict[str, str]) -> list[dict[str, Any]]:
    """value, first_seen, last_seen of what the entity's rows said, the newest first; two phones with one mask are two."""
    rows = bulk.read(
        connection,
        f"""
        SELECT MAX(c.{shown}) AS value, MIN(r.as_of) AS first_seen, MAX(r.as_of) AS last_seen FROM subject j
        JOIN record c ON c.subject_id = j.id JOIN sighting s ON s.record_id = c.id JOIN report r ON r.id = s.report_id
        WHERE j.current_id = :e AND c.record_kind = 'account' AND c.{shown} IS NOT NULL AND r.superseded_by IS NULL
        AND r.as_of <= :d GROUP BY COALESCE(c.{key}, c.{shown}) ORDER BY last_seen DESC, first_seen DESC, value""",
        values,
    )
    return as_records(rows)


def _links(connection: Connection, entity_id: str | None) -> list[dict[str, Any]]:
    """kind, entity_id, other_entity_id, why, and ``linked_id`` and ``name`` of the one at the other end."""
    rows = bulk.read(
        connection,
        """
        SELECT l.kind, l.entity_id, l.other_entity_id, e.entity_id AS linked_id, e.name, l.why FROM link l
        JOIN entity e ON e.entity_id = CASE WHEN l.entity_id = :e THEN l.other_entity_id ELSE l.entity_id END
        WHERE l.entity_id = :e OR l.other_entity_id = :e ORDER BY l.kind DESC, l.entity_id, l.other_entity_id""",
        {"e": entity_id},
    )
    return as_records(rows)


def _edges(connection: Connection, entity_id: str) -> dict[str, list[dict[str, Any]]]:
    """``why_one``: the live edges that make the entity's descriptions one · ``doubts``: the machine's live doubts about others
    · ``judgements``: all that people ever said of it, with ``deleted_at`` when it was undone.

    number (for ``entity undo``), judgement, tier, rule, score (match weight), why, who, created_at, deleted_at, left and right
    (own id, name and masked number of the two descriptions), other_entity_id and other_name (where one end belongs to another).
    """
    columns = "g.id, g.left_id, g.right_id, g.judgement, g.tier, g.rule, g.score, g.why, g.who, g.created_at, g.deleted_at"
    named = "(SELECT MAX(c.subject_name) FROM record c WHERE c.subject_id = {0}.id)"
    number = "(SELECT MAX(COALESCE(c.uscc, c.id_mask)) FROM record c WHERE c.subject_id = {0}.id)"
    rows = bulk.read(
        connection,
        f"""
        WITH near AS (SELECT {columns} FROM subject m JOIN edge g ON g.left_id = m.id WHERE m.current_id = :e
            UNION SELECT {columns} FROM subject m JOIN edge g ON g.right_id = m.id WHERE m.current_id = :e)
        SELECT g.id AS number, g.judgement, g.tier, g.rule, g.score, g.why, g.who, g.created_at, g.deleted_at,
               a.entity_id AS left_id, {named.format('a')} AS left_name, {number.format('a')} AS left_number,
               b.entity_id AS right_id, {named.format('b')} AS right_name, {number.format('b')} AS right_number,
               o.entity_id AS other_entity_id, o.name AS other_name
        FROM near g JOIN subject a ON a.id = g.left_id JOIN subject b ON b.id = g.right_id
        LEFT JOIN entity o ON o.entity_id <> :e
            AND o.entity_id = CASE WHEN a.current_id = :e THEN b.current_id ELSE a.current_id END
        WHERE g.deleted_at IS NULL OR g.tier = 'person' ORDER BY g.id""",
        {"e": entity_id},
        integers=["number"],
        floats=["score"],
    )
    for end in ("left", "right"):
        shown = rows[f"{end}_name"].fillna("（未报名称）") + ("（" + rows[f"{end}_number"] + "）").fillna("")
        rows[end] = rows[f"{end}_id"] + " " + shown
    rows = rows.drop(columns=[f"{e}_{c}" for e in ("left", "right") for c in ("id", "name", "number")])
    live, person, inside = rows["deleted_at"].isna(), rows["tier"] == "person", rows["other_entity_id"].isna()
    doubts = rows[live & ~person & ~inside & (rows["judgement"] != "positive")].sort_values("score", ascending=False)
    return {
        "why_one": as_records(rows[live & inside & (rows["judgement"] == "positive")]),
        "doubts": as_records(doubts),
        "judgements": as_records(rows[person]),
    }


def _flags(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{**r, "evidence": json.loads(r["evidence"])} for r in as_records(frame.drop(columns="anchor"))]
