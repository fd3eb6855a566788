"""The dossier of an account or an entity: who held it when, and which file, sheet and row says so."""

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
    """Everything known of one account up to ``as_of``; None when there is no such account."""
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
        WHERE c.platform = :p AND (c.account_ref = :a OR (c.loose = 1 AND c.account_ref IN (
            SELECT x FROM (SELECT account_handle AS x FROM account WHERE platform = :p AND account_id = :a UNION ALL
            SELECT account_url FROM account WHERE platform = :p AND account_id = :a
                           UNION ALL SELECT account_name FROM account WHERE platform = :p AND account_id = :a) v
                           WHERE x IS NOT NULL)))
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
        "flags": _flags(flags),
    }


def entity_dossier(connection: Connection, entity_id: str, as_of: str) -> dict[str, Any] | None:
    """Everything known of one entity; an id of a merged entity leads to the one it became part of."""
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
    names = bulk.read(
        connection, "SELECT name, first_seen, last_seen FROM entity_name WHERE entity_id = :e ORDER BY first_seen", key
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
        WHERE h.entity_id = :e AND h.recorded_to IS NULL AND h.valid_from <= :d ORDER BY h.platform, h.account_id,
        h.valid_from""",
        key,
    )
    links = bulk.read(
        connection,
        """
        SELECT l.kind, l.entity_id, l.other_entity_id, l.why, e.name FROM link l
        JOIN entity e ON e.entity_id = CASE WHEN l.entity_id = :e THEN l.other_entity_id ELSE l.entity_id END
        WHERE l.entity_id = :e OR l.other_entity_id = :e""",
        key,
    )
    sources = bulk.read(
        connection,
        """
        SELECT v.field, f.name AS source_file, s.sheet, s.row, r.as_of FROM (
            SELECT 'name' AS field, name_record AS record_id FROM entity WHERE entity_id = :e UNION ALL SELECT
            'number', number_record FROM entity WHERE entity_id = :e
            UNION ALL SELECT 'phone', phone_record FROM entity WHERE entity_id = :e UNION ALL SELECT 'address',
            address_record FROM entity WHERE entity_id = :e) v
        JOIN sighting s ON s.record_id = v.record_id JOIN report r ON r.id = s.report_id JOIN report_file f ON f.id = r.file_id
        WHERE r.superseded_by IS NULL AND r.as_of <= :d ORDER BY v.field, r.as_of DESC""",
        key,
        integers=["row"],
    ).drop_duplicates("field")
    edges = bulk.read(
        connection,
        """
        SELECT g.judgement, g.tier, g.score, g.why, g.who FROM edge g JOIN subject s ON s.id = g.right_id
        WHERE s.current_id = :e AND g.deleted_at IS NULL ORDER BY g.id""",
        key,
        floats=["score"],
    )
    flags = bulk.read(
        connection, "SELECT * FROM flag WHERE entity_id = :e AND first_seen <= :d ORDER BY flag_id", key, floats=["score"]
    )
    return {
        "entity": entity[0],
        "asked_for": entity_id,
        "names": as_records(names),
        "identifiers": as_records(identifiers),
        "sources": as_records(sources),
        "holdings": as_records(accounts),
        "links": as_records(links),
        "why_one": as_records(edges),
        "flags": _flags(flags),
    }


def _flags(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{**r, "evidence": json.loads(r["evidence"])} for r in as_records(frame.drop(columns="anchor"))]
