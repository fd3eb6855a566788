"""What the pure stages work on, read from the database in a few queries; no sensitive value is opened for it."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection

from zp_registry.evidence import Evidence
from zp_registry.registry import bulk, matchcache
from zp_registry.registry.known import stands, stood
from zp_registry.registry.models import Record
from zp_registry.registry.notices import read_notices, read_reviewed
from zp_registry.resolve.accounts import NAMED, NAMING, match_accounts, match_loose, name_keys
from zp_registry.resolve.subjects import ROWS

# Everything that a record says in the open, but its own name and what no stage after loading asks for.
UNASKED = {"id", "record_key", "sealed", "verified_on", "followers", "exempt_case", "over_threshold", "payee_bank", "live"}
RECORD_COLUMNS = tuple(c.name for c in Record.__table__.columns if c.name not in UNASKED)


def reference_date(connection: Connection, known: str | None = None) -> str:
    """The newest as_of that is loaded (or was before the moment ``known``): what expiry and deadlines count from (never the
    clock); empty when nothing is."""
    frame = bulk.read(connection, f"SELECT MAX(r.as_of) AS d FROM report r WHERE {live_reports(known)}", {"known": known})
    value = frame["d"].iloc[0]
    return "" if pd.isna(value) else str(value)


def read_evidence(connection: Connection, as_of: str | None = None, known: str | None = None) -> Evidence:
    """Everything that the reports up to ``as_of`` (default: the newest) say; with ``known`` only what had come before that
    moment. For a date that is told again people's words name entities by the ids that they had then."""
    until = as_of or reference_date(connection)
    at = {"until": until, "known": known}
    again = as_of is not None or known is not None
    live = f"{live_reports(known)} AND r.as_of <= :until"
    open_ = "j.status = 'open'" if known is None else "(j.status = 'open' OR j.closed_at >= :known)"
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
        WHERE {open_} AND {live}""",
        at,
        integers=["report_id"],
    )
    edges = bulk.read(
        connection,
        "SELECT left_id, right_id, judgement FROM edge "
        f"WHERE {stands('created_at', 'deleted_at', known)} AND tier = 'person' ORDER BY id",
        at,
        integers=["left_id", "right_id"],
    )
    decisions = bulk.read(
        connection,
        "SELECT flag_id, decision, decided_at, who, why, seen_until FROM decision "
        + ("" if known is None else "WHERE decided_at < :known ")
        + "ORDER BY id",
        at,
    )
    return Evidence(
        records,
        sightings,
        reports,
        people,
        present,
        edges,
        read_pledges(connection, known),
        decisions,
        until,
        read_notices(connection, until, all_of_them=until >= reference_date(connection, known), known=known),
        read_reviewed(connection, known, again=again),
        read_pledge_words(connection, known, again=again),
    )


def live_reports(known: str | None) -> str:
    """SQL (``r``: report; with ``:known``) that is true for the reports that count, or counted before the moment ``known``."""
    if known is None:
        return "r.superseded_by IS NULL"
    return stands("(SELECT o.received_at FROM report_file o WHERE o.id = r.file_id)", "r.superseded_at", known)


def read_pledge_words(connection: Connection, known: str | None = None, *, again: bool = False) -> pd.DataFrame:
    """record_key, entity_id (of today, or for a date told ``again`` that which was named; NA: nobody here) of what people said
    about ledger rows; the newest word counts."""
    return bulk.read(
        connection,
        f"SELECT m.record_key, {'m.entity_id' if again else 's.current_id'} AS entity_id FROM pledge_match m "
        "LEFT JOIN subject s ON s.entity_id = m.entity_id "
        f"WHERE {stands('m.created_at', 'm.withdrawn_at', known)} ORDER BY m.id",
        {"known": known},
    ).drop_duplicates("record_key", keep="last")


def read_pledges(connection: Connection, known: str | None = None) -> pd.DataFrame:
    """The ledger's live rows, or those that counted before the moment ``known``."""
    rows = bulk.read(
        connection,
        """
        SELECT p.id AS pledge_id, p.record_key, p.sheet, p.row, p.pledge_number, p.subject_name, p.subject_key, p.uscc,
               p.id_hash, p.id_mask, p.signer, p.signer_key, p.phone_hash, p.phone_hashes, p.phone_mask, p.town,
               p.template_version, p.signed_on, p.valid_until, p.scan_number, f.name AS file_name, p.stood
        FROM pledge p JOIN report_file f ON f.id = p.file_id
        WHERE """
        + ("p.superseded_by IS NULL" if known is None else "f.received_at < :known")
        + " ORDER BY p.id",
        {"known": known},
        integers=["pledge_id", "row"],
    )
    if known is not None:
        rows = rows[stood(rows["stood"], known)].reset_index(drop=True)
    return rows.drop(columns="stood")


@dataclass
class MatchInputs:
    """What matching works on: ``rows`` (subjects.ROWS and more), ``accounts`` (record_id, account_id, was_account_id of loose
    rows), ``order`` (subject_id, key), ``people`` (left_id, right_id, judgement, live: all edges that people ever made),
    ``standing`` (left_id, right_id: the machine's live edges). ``changed``, ``new_order``: what of rows and order was read."""

    rows: pa.Table
    accounts: pd.DataFrame
    order: pa.Table
    people: pd.DataFrame
    standing: pd.DataFrame
    changed: pa.Table
    new_order: pa.Table


_OWN = (*ROWS, *(c for c in NAMING if c not in ROWS))
_FREE = ("account_ref", "account_handle", "account_url", "account_name")  # as typed
_NUMBERS = ("record_id", "subject_id", "live", "was_live", "loose")


def read_match_inputs(connection: Connection, kept: matchcache.Kept | None = None) -> MatchInputs:
    """The holders' descriptions in every account record that stands in a live report, or did at the last resolve.

    ``kept``: what that resolve kept; with it only what changed since is read.
    """
    rows = changed = _changed_rows(connection, everything=kept is None)
    order = new_order = read_order(connection, None if kept is None else kept.order)
    if kept is not None:
        touched = bulk.read_table(connection, "FROM touched", ["record_id"], ["record_id"])["record_id"].to_numpy()
        rows = pa.concat_tables([matchcache.without(kept.rows, touched), changed])
        order = pa.concat_tables([kept.order, new_order])
    people = bulk.read(
        connection,
        "SELECT left_id, right_id, judgement, deleted_at IS NULL AS live FROM edge WHERE tier = 'person' ORDER BY id",
        integers=["left_id", "right_id"],
    )
    people["live"] = people["live"].isin(["1", "True", "true"])
    standing = bulk.read_table(
        connection, "FROM edge WHERE tier <> 'person' AND deleted_at IS NULL", ["left_id", "right_id"], ["left_id", "right_id"]
    ).to_pandas()
    return MatchInputs(rows, _loose_accounts(rows), order, people, standing, changed, new_order)


def _changed_rows(connection: Connection, *, everything: bool) -> pa.Table:
    columns = ["c.id AS record_id", *(f"c.{c} AS {c}" for c in _OWN if c not in ("record_id", "was_live")),
               "coalesce(d.was_live, c.live) AS was_live"]  # fmt: skip
    # CROSS JOIN keeps SQLite from looking at every record to find the few that were touched.
    which = (
        "record c LEFT JOIN touched d ON d.record_id = c.id WHERE (c.live = 1 OR d.was_live = 1)"
        if everything
        else "touched d CROSS JOIN record c WHERE d.record_id = c.id"
    )
    changed = bulk.read_table(
        connection,
        f"FROM {which} AND c.record_kind = 'account'",
        columns,
        _NUMBERS,
        _FREE,
    )
    return name_keys(changed.select(list(_OWN)))


def _loose_accounts(rows: pa.Table) -> pd.DataFrame:
    """Which accounts loose rows speak of, by what stands now and by what stood at the last resolve."""
    marks = ("live", "was_live")
    found = match_loose(rows.select([*NAMED, *marks]), marks).set_index("record_id")
    loose = rows.select(["record_id", "account_ref", "loose", *marks]).filter(pc.equal(rows["loose"], 1)).to_pandas()
    loose = loose[loose["account_ref"].notna() & ((loose["live"] == 1) | (loose["was_live"] == 1))]
    out = loose[["record_id"]].copy()
    for mark, column in zip(marks, ("account_id", "was_account_id"), strict=True):
        matched = loose["record_id"].map(found[mark]).astype("str")
        out[column] = matched.fillna(loose["account_ref"].astype("str")).where(loose[mark] == 1).astype("str")
    told: pd.DataFrame = out.reset_index(drop=True)
    return told


def read_order(connection: Connection, known: pa.Table | None = None) -> pa.Table:
    """An order of subjects that does not depend on when they came: subject_id, key; beyond those that are ``known``."""
    newest = pc.max(known["subject_id"]).as_py() if known is not None and known.num_rows else 0
    columns = ["id AS subject_id", "substr(signature, 1, 16) AS key"]
    return bulk.read_table(connection, f"FROM subject WHERE id > {int(newest)}", columns, ["subject_id"])


def evidence_inputs(evidence: Evidence, order: pa.Table) -> MatchInputs:
    """The same from evidence in memory, for a date that is told again: all of it, and nothing stood before."""
    named = evidence.records["record_kind"] == "account"
    rows = evidence.records[named & evidence.records["subject_id"].notna()].assign(live=1, was_live=1)
    accounts = match_accounts(evidence.records)
    accounts = accounts.merge(rows.loc[rows["loose"] == 1, ["record_id"]], on="record_id")
    return MatchInputs(
        pa.Table.from_pandas(rows[list(ROWS)], preserve_index=False),
        accounts[["record_id", "account_id"]].assign(was_account_id=accounts["account_id"]),
        order,
        evidence.edges.assign(live=True),
        pd.DataFrame({"left_id": [], "right_id": []}, dtype="int64"),
        pa.table({}),
        pa.table({}),
    )
