"""Keeping what comes from elsewhere than the reports: licence register, call results, risk marks, blacklists, tips."""

from __future__ import annotations

import secrets

import pandas as pd
from sqlalchemy import Connection, text

from zp_registry.crypto import Keyring, mask_account_column, mask_id_column, mask_phone_column
from zp_registry.registry import bulk
from zp_registry.registry.batch import Batch, Counts
from zp_registry.registry.keep import insert_rejects_and_faults
from zp_registry.registry.known import stands
from zp_registry.registry.load import insert_file, note_counts
from zp_registry.registry.sealing import row_texts, sensitive_texts

_ABOUT = ("topic", "platform", "account_id", "uscc", "id_number", "id_mask")
_CONTENT = (*_ABOUT, "subject_name", "phones", "phone_mask", "payee_account", "payee_account_mask", "outcome", "happened_on",
            "remark", "extra")  # fmt: skip


def load_notices(connection: Connection, batch: Batch, ring: Keyring, now: str) -> Counts:
    """Writes one file of lines; one that stands already is unchanged. The caller's transaction makes it all or nothing."""
    counts = Counts(read=batch.rows_read, rejected=len(batch.rejected), skipped=batch.rows_skipped)
    file_id = insert_file(connection, batch.facts, now)
    rows = batch.accepted
    keys = ring.match_column("notice" + row_texts(rows, _CONTENT), "record").astype("str") if len(rows) else ""
    rows = rows.assign(record_key=keys)
    first = ~rows.duplicated("record_key")
    counts.repeated = int((~first).sum())
    rows = rows[first]
    bulk.stage(connection, "nt_keys", rows[["record_key"]].astype("str"))
    there = bulk.read(connection, "SELECT n.record_key FROM nt_keys k JOIN notice n ON n.record_key = k.record_key")
    bulk.unstage(connection, "nt_keys")
    fresh = rows[~rows["record_key"].isin(there["record_key"])]
    counts.unchanged, counts.loaded = len(rows) - len(fresh), len(fresh)
    if len(fresh):
        _insert(connection, fresh, file_id, ring, now)
    insert_rejects_and_faults(connection, batch, file_id, ring)
    note_counts(connection, file_id, counts)
    return counts


def _insert(connection: Connection, rows: pd.DataFrame, file_id: int, ring: Keyring, now: str) -> None:
    keys = rows["record_key"].tolist()
    # A line about one account, or one number, or (without either) one name: the newest one counts.
    about = row_texts(rows, _ABOUT)
    nameless = rows[["account_id", "uscc", "id_number", "id_mask"]].notna().any(axis=1)
    about = about + ("\x1f" + rows["subject_key"].fillna("")).mask(nameless, "")
    sealed = ring.seal_column(
        sensitive_texts(rows, ("id_number", "contact_phone", "phones", "payee_account", "extra")),
        column="notice.sealed", record_keys=keys,
    )  # fmt: skip
    frame = pd.DataFrame(
        {
            "record_key": rows["record_key"],
            "topic": rows["topic"],
            "about": ring.match_column("about" + about, "record"),
            "file_id": file_id,
            "sheet": rows["sheet"].fillna(""),
            "row": rows["row"],
            **{c: rows[c] for c in ("platform", "account_id", "subject_name", "subject_key", "uscc")},
            "id_hash": ring.match_column(rows["id_number"], "id"),
            "id_mask": mask_id_column(rows["id_number"]).fillna(rows["id_mask"]),
            "phone_hash": ring.match_column(rows["contact_phone"], "phone"),
            "phone_mask": mask_phone_column(rows["contact_phone"]).fillna(rows["phone_mask"]),
            "payee_hash": ring.match_column(rows["payee_account"], "payee"),
            "payee_mask": mask_account_column(rows["payee_account"]).fillna(rows["payee_account_mask"]),
            "outcome": rows["outcome"],
            "happened_on": rows["happened_on"],
            "remark": rows["remark"],
            "noted_at": now,
            "sealed": pd.Series(sealed, index=rows.index, dtype=object),
        }
    )
    bulk.stage(connection, "nt_new", frame, like="notice")
    names = ", ".join(frame.columns)
    connection.exec_driver_sql(f"INSERT INTO notice ({names}) SELECT {names} FROM nt_new")
    bulk.unstage(connection, "nt_new")


def add_tip(connection: Connection, platform: str, account_id: str, words: str, happened_on: str, now: str) -> int:
    """A tip about an account (its text must hold no number of a person); gives its number."""
    key = f"tip-{secrets.token_hex(12)}"
    connection.execute(
        text(
            "INSERT INTO notice (record_key, topic, about, sheet, row, platform, account_id, outcome, happened_on, remark, "
            "noted_at) VALUES (:k, 'tip', :k, '', 0, :p, :a, 'tip', :d, :w, :n)"
        ),
        {"k": key, "p": platform, "a": account_id, "d": happened_on, "w": words, "n": now},
    )
    return int(connection.execute(text("SELECT id FROM notice WHERE record_key = :k"), {"k": key}).scalar_one())


def read_notices(connection: Connection, until: str, *, all_of_them: bool, known: str | None = None) -> pd.DataFrame:
    """The lines that count on a date: of each matter the newest one. ``all_of_them``: what has come since the newest
    report, too, as of that report's date, so that a call or a tip does not wait for the next one. ``known``: only those that
    had come before this moment.

    Columns: notice_id, file_name and the open columns of ``notice``.
    """
    rows = bulk.read(
        connection,
        """
        SELECT n.id AS notice_id, n.topic, n.about, n.platform, n.account_id, n.subject_name, n.subject_key, n.uscc, n.id_hash,
               n.id_mask, n.phone_hash, n.phone_mask, n.payee_hash, n.payee_mask, n.outcome, n.happened_on, n.remark, n.sheet,
               n.row, n.record_key, COALESCE(f.name, '举报登记') AS file_name
        FROM notice n LEFT JOIN report_file f ON f.id = n.file_id WHERE (:every = 1 OR n.happened_on <= :d)
          AND (CAST(:known AS TEXT) IS NULL OR n.noted_at < :known)
        ORDER BY n.happened_on, n.record_key""",
        {"d": until, "every": int(all_of_them), "known": known},
        integers=["notice_id", "row"],
    )
    rows = rows.drop_duplicates("about", keep="last").reset_index(drop=True)
    rows["happened_on"] = rows["happened_on"].where(rows["happened_on"] <= until, until)
    return rows


def read_reviewed(connection: Connection, known: str | None = None, *, again: bool = False) -> pd.DataFrame:
    """entity_id, other_entity_id, name_key, expires_on of the pairs that stand (or stood before the moment ``known``), under
    the entities' ids of today or, for a date that is told ``again``, under those that were named."""
    one, other = ("p.entity_id", "p.other_entity_id") if again else ("s.current_id", "o.current_id")
    return bulk.read(
        connection,
        f"""
        SELECT {one} AS entity_id, {other} AS other_entity_id, p.name_key, p.expires_on FROM reviewed_pair p
        JOIN subject s ON s.entity_id = p.entity_id LEFT JOIN subject o ON o.entity_id = p.other_entity_id
        WHERE {stands("p.created_at", "p.withdrawn_at", known)} ORDER BY p.id""",
        {"known": known},
    )
