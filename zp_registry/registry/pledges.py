"""Loading pledge ledgers (诚信经营承诺书台账) and matching nothing: that is the work of the flags stage."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import Connection, text

from zp_registry.crypto import Keyring, mask_id_column, mask_phone_column
from zp_registry.registry import bulk
from zp_registry.registry.batch import Batch, Counts
from zp_registry.registry.keep import insert_rejects_and_faults
from zp_registry.registry.load import insert_file, note_counts
from zp_registry.registry.sealing import hash_lists, row_texts, sensitive_texts

_CONTENT = (
    "pledge_number",
    "subject_name",
    "uscc",
    "id_number",
    "id_mask",
    "signer",
    "contact_phone",
    "phones",
    "phone_mask",
    "town",
    "template_version",
    "signed_on",
    "valid_until",
    "method",
    "scan_number",
    "remark",
    "extra",
)
_COPIED = (
    "pledge_number",
    "subject_name",
    "subject_key",
    "uscc",
    "signer",
    "signer_key",
    "town",
    "template_version",
    "signed_on",
    "valid_until",
    "method",
    "scan_number",
    "remark",
)


def load_ledger(connection: Connection, batch: Batch, ring: Keyring, now: str) -> Counts:
    """Writes one ledger file; a row that stands already is unchanged, a row with a known pledge number and other content
    supersedes the former. The caller's transaction makes it all or nothing."""
    counts = Counts(read=batch.rows_read, rejected=len(batch.rejected), skipped=batch.rows_skipped)
    file_id = insert_file(connection, batch.facts, now)
    rows = batch.accepted
    rows = rows.assign(
        record_key=ring.match_column("pledge" + row_texts(rows, _CONTENT), "record").astype("str") if len(rows) else ""
    )
    first = ~rows.duplicated("record_key")
    counts.repeated = int((~first).sum())
    rows = rows[first]
    bulk.stage(connection, "load_keys", rows[["record_key"]].astype("str"))
    there = bulk.read(
        connection,
        "SELECT p.record_key FROM load_keys k JOIN pledge p ON p.record_key = k.record_key WHERE p.superseded_by IS NULL",
    )
    connection.execute(
        text(
            "UPDATE pledge SET superseded_by = NULL, stood = stood || ' ' || :now WHERE superseded_by IS NOT NULL "
            "AND record_key IN (SELECT record_key FROM load_keys)"
        ),
        {"now": now},
    )
    everything = bulk.read(connection, "SELECT p.record_key FROM load_keys k JOIN pledge p ON p.record_key = k.record_key")
    bulk.unstage(connection, "load_keys")
    counts.unchanged = int(rows["record_key"].isin(there["record_key"]).sum())
    counts.loaded = len(rows) - counts.unchanged
    fresh = rows[~rows["record_key"].isin(everything["record_key"])]
    if len(fresh):
        _insert(connection, fresh, file_id, ring, now)
    insert_rejects_and_faults(connection, batch, file_id, ring)
    _supersede(connection, rows, now)
    note_counts(connection, file_id, counts)
    return counts


def _insert(connection: Connection, rows: pd.DataFrame, file_id: int, ring: Keyring, now: str) -> None:
    keys = rows["record_key"].tolist()
    frame = pd.DataFrame(
        {
            "record_key": rows["record_key"],
            "file_id": file_id,
            "sheet": rows["sheet"].fillna(""),
            "row": rows["row"],
            "stood": now,
            **{c: rows[c] for c in _COPIED},
            "id_hash": ring.match_column(rows["id_number"], "id"),
            "id_mask": mask_id_column(rows["id_number"]).fillna(rows["id_mask"]),
            "phone_hash": ring.match_column(rows["contact_phone"], "phone"),
            "phone_hashes": hash_lists(rows["phones"], ring),
            "phone_mask": mask_phone_column(rows["contact_phone"]).fillna(rows["phone_mask"]),
            "sealed": pd.Series(
                ring.seal_column(
                    sensitive_texts(rows, ("id_number", "contact_phone", "phones", "extra")),
                    column="pledge.sealed",
                    record_keys=keys,
                ),
                index=rows.index,
                dtype=object,
            ),
        }
    )
    bulk.stage(connection, "load_pledges", frame, like="pledge")
    names = ", ".join(frame.columns)
    connection.exec_driver_sql(f"INSERT INTO pledge ({names}) SELECT {names} FROM load_pledges")
    bulk.unstage(connection, "load_pledges")


def _supersede(connection: Connection, rows: pd.DataFrame, now: str) -> None:
    """Of several live rows with one pledge number the one loaded last counts: it is the correction. Two rows of one file with
    one number are two pledges by a slip of numbering, and both stay."""
    mine = rows.loc[rows["pledge_number"].notna(), ["pledge_number", "record_key"]]
    bulk.stage(connection, "load_numbers", mine.astype("str"))
    connection.execute(
        text(
            "UPDATE pledge SET superseded_by = (SELECT MAX(q.id) FROM pledge q JOIN load_numbers m ON "
            "m.record_key = q.record_key WHERE m.pledge_number = pledge.pledge_number), stood = stood || ' ' || :now "
            "WHERE superseded_by IS NULL AND pledge_number IN (SELECT pledge_number FROM load_numbers) "
            "AND record_key NOT IN (SELECT record_key FROM load_numbers)"
        ),
        {"now": now},
    )
    bulk.unstage(connection, "load_numbers")
