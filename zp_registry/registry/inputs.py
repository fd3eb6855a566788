"""What the pure stages work on, read from the database in a few queries; no sensitive value is opened for it."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import Connection

from zp_registry.evidence import Evidence
from zp_registry.registry import bulk
from zp_registry.registry.models import Record

# Everything that a record says in the open, but its own name and what no stage after loading asks for.
UNASKED = {"id", "record_key", "sealed", "verified_on", "followers", "exempt_case", "over_threshold", "payee_bank"}
RECORD_COLUMNS = tuple(c.name for c in Record.__table__.columns if c.name not in UNASKED)


def reference_date(connection: Connection) -> str:
    """The newest as_of that is loaded: what expiry and deadlines count from (never the clock); empty when nothing is."""
    frame = bulk.read(connection, "SELECT MAX(as_of) AS d FROM report WHERE superseded_by IS NULL")
    value = frame["d"].iloc[0]
    return "" if pd.isna(value) else str(value)


def read_evidence(connection: Connection, as_of: str | None = None) -> Evidence:
    """Everything that the reports up to ``as_of`` (default: the newest) say."""
    until = as_of or reference_date(connection)
    at = {"until": until}
    live = "r.superseded_by IS NULL AND r.as_of <= :until"
    # A list of streamers names nobody who holds an account.
    holder = "CASE WHEN c.record_kind = 'account' THEN c.subject_id END AS subject_id"
    columns = ", ".join(holder if name == "subject_id" else f"c.{name}" for name in RECORD_COLUMNS)
    records = bulk.read(
        connection,
        f"""
        SELECT c.id AS record_id, {columns} FROM record c WHERE EXISTS (
            SELECT 1 FROM sighting s JOIN report r ON r.id = s.report_id WHERE s.record_id = c.id AND {live}) ORDER BY c.id""",
        at,
        integers=["record_id", "subject_id", "loose"],
    )
    sightings = bulk.read(
        connection,
        f"""
        SELECT s.report_id, s.record_id, s.sheet, s.row FROM sighting s JOIN report r ON r.id = s.report_id WHERE {live}
        ORDER BY s.report_id, s.record_id""",
        at,
        integers=["report_id", "record_id", "row"],
    )
    reports = bulk.read(
        connection,
        f"""
        SELECT r.id AS report_id, r.source, r.as_of, r.part, r.scope, r.unreadable, f.name AS file_name
        FROM report r JOIN report_file f ON f.id = r.file_id WHERE {live} ORDER BY r.id""",
        at,
        integers=["report_id", "unreadable"],
    )
    people = bulk.read(
        connection,
        f"""
        SELECT p.record_id, p.ordinal, p.name, p.name_key, p.id_hash, p.id_mask, p.phone_hash, p.phone_mask, p.relation,
               p.agency, p.agency_key
        FROM record_streamer p WHERE EXISTS (
            SELECT 1 FROM sighting s JOIN report r ON r.id = s.report_id WHERE s.record_id = p.record_id AND {live})
        ORDER BY p.record_id, p.ordinal""",
        at,
        integers=["record_id", "ordinal"],
    )
    present = bulk.read(
        connection,
        f"""
        SELECT j.report_id, j.platform, j.account_ref, j.account_name FROM reject j JOIN report r ON r.id = j.report_id
        WHERE j.status = 'open' AND {live}""",
        at,
        integers=["report_id"],
    )
    edges = bulk.read(
        connection,
        "SELECT left_id, right_id, judgement FROM edge WHERE deleted_at IS NULL AND tier = 'person' ORDER BY id",
        integers=["left_id", "right_id"],
    )
    decisions = bulk.read(connection, "SELECT flag_id, decision, decided_at, who, why, seen_until FROM decision ORDER BY id")
    return Evidence(records, sightings, reports, people, present, edges, read_pledges(connection), decisions, until)


def read_pledges(connection: Connection) -> pd.DataFrame:
    """The ledger's live rows."""
    return bulk.read(
        connection,
        """
        SELECT p.id AS pledge_id, p.sheet, p.row, p.pledge_number, p.subject_name, p.subject_key, p.uscc, p.id_hash, p.id_mask,
               p.signer, p.signer_key, p.phone_hash, p.phone_hashes, p.phone_mask, p.town, p.template_version, p.signed_on,
               p.valid_until, p.scan_number, f.name AS file_name
        FROM pledge p JOIN report_file f ON f.id = p.file_id WHERE p.superseded_by IS NULL ORDER BY p.id""",
        integers=["pledge_id", "row"],
    )
