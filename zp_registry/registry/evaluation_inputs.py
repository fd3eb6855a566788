"""What evaluation looks at: holders and how they are described, live edges, and the reported fields of what is in question."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import Connection

from zp_registry.evaluation.labels import KEY, joined, known
from zp_registry.evaluation.report import Inputs
from zp_registry.evaluation.review import split_accounts
from zp_registry.frames import BUSINESS_KINDS
from zp_registry.registry import bulk

_BUSINESS = ", ".join(f"'{k}'" for k in sorted(BUSINESS_KINDS))
_WHOLE = f"(c.uscc IS NOT NULL OR (c.id_hash IS NOT NULL AND COALESCE(c.subject_kind, '') NOT IN ({_BUSINESS})))"
_SHORTEST_ADDRESS = 6  # a shorter one names no house


def read_inputs(connection: Connection, truth: pd.DataFrame, bands: dict[str, float] | None = None) -> Inputs:
    """Everything that :func:`zp_registry.evaluation.evaluate` needs, in a few queries. ``truth``: the labels; ``bands``: match
    weights from which a pair is joined or reviewed."""
    accounts, edges, subjects = _accounts(connection), _edges(connection), _subjects(connection)
    sure = known(joined(truth, accounts))
    split = split_accounts(sure)
    return Inputs(
        accounts=accounts,
        edges=edges,
        subjects=subjects,
        months=_months(connection, _doubted(sure, edges, subjects)),
        fields=_fields(connection, split),
        bands=bands or {},
    )


def _accounts(connection: Connection) -> pd.DataFrame:
    rows = bulk.read(
        connection,
        f"""
        WITH shown AS (
            SELECT c.platform, c.account_ref, MAX(c.id) AS newest, MAX(CASE WHEN {_WHOLE} THEN 1 ELSE 0 END) AS whole,
                   MAX(CASE WHEN c.id_mask IS NOT NULL THEN 1 ELSE 0 END) AS masked
            FROM record c JOIN subject s ON s.id = c.subject_id
            JOIN account a ON a.platform = c.platform AND a.account_id = c.account_ref AND a.entity_id = s.current_id
            WHERE c.record_kind = 'account' AND c.live = 1 GROUP BY c.platform, c.account_ref)
        SELECT a.platform, a.account_id, a.entity_id,
               CASE WHEN s.current_id = a.entity_id THEN a.record_id ELSE n.newest END AS record_id,
               CASE WHEN s.current_id = a.entity_id THEN c.subject_id ELSE r.subject_id END AS subject_id,
               CASE WHEN n.whole = 1 THEN 'whole' WHEN n.masked = 1 THEN 'masked' ELSE 'none' END AS numbers
        FROM account a LEFT JOIN record c ON c.id = a.record_id LEFT JOIN subject s ON s.id = c.subject_id
        LEFT JOIN shown n ON n.platform = a.platform AND n.account_ref = a.account_id LEFT JOIN record r ON r.id = n.newest
        ORDER BY a.platform, a.account_id""",
        integers=["record_id", "subject_id"],
    )
    return rows.astype({"record_id": "Int64", "subject_id": "Int64"})


def _edges(connection: Connection) -> pd.DataFrame:
    return bulk.read(
        connection,
        "SELECT left_id, right_id, judgement, score, tier, rule, why FROM edge WHERE deleted_at IS NULL ORDER BY id",
        integers=["left_id", "right_id"],
        floats=["score"],
    )


def _subjects(connection: Connection) -> pd.DataFrame:
    rows = bulk.read(
        connection,
        f"""
        SELECT s.id AS subject_id, s.current_id AS entity_id, MAX(c.id) AS record_id, MIN(c.uscc) AS uscc,
               MIN(CASE WHEN {_WHOLE} THEN c.id_hash END) AS id_hash
        FROM subject s JOIN record c ON c.subject_id = s.id AND c.record_kind = 'account' AND c.live = 1
        GROUP BY s.id, s.current_id ORDER BY s.id""",
        integers=["subject_id", "record_id"],
    )
    rows["strong"] = ("uscc:" + rows["uscc"]).fillna("id:" + rows["id_hash"]).astype("str")
    return rows[["subject_id", "entity_id", "strong", "record_id"]]


def _doubted(sure: pd.DataFrame, edges: pd.DataFrame, subjects: pd.DataFrame) -> pd.Series[int]:
    """Subjects of which it matters whose they are: those in doubt, and those of wrong merges."""
    mixed = sure.loc[sure.groupby("entity_id")["party_id"].transform("nunique") > 1, "entity_id"]
    entity_of = subjects.set_index("subject_id")["entity_id"]
    asked = edges[(edges["judgement"] != "positive") | edges["left_id"].map(entity_of).isin(mixed)]
    return pd.concat([asked["left_id"], asked["right_id"]], ignore_index=True).drop_duplicates()


def _months(connection: Connection, subjects: pd.Series[int]) -> pd.DataFrame:
    bulk.stage(connection, "ev_subjects", pd.DataFrame({"subject_id": subjects.astype("int64")}))
    rows = bulk.read(
        connection,
        """
        SELECT c.subject_id, c.platform, c.account_ref AS account_id, SUBSTR(r.as_of, 1, 7) AS month, COUNT(*) AS rows
        FROM ev_subjects d JOIN record c ON c.subject_id = d.subject_id AND c.record_kind = 'account'
        JOIN sighting g ON g.record_id = c.id JOIN report r ON r.id = g.report_id
        WHERE r.superseded_by IS NULL GROUP BY c.subject_id, c.platform, c.account_ref, SUBSTR(r.as_of, 1, 7)""",
        integers=["subject_id", "rows"],
    )
    bulk.unstage(connection, "ev_subjects")
    return rows


def _fields(connection: Connection, split: pd.DataFrame) -> pd.DataFrame:
    """What the rows of these accounts (platform, account_id, entity_id) show of their holder, one value a row."""
    bulk.stage(connection, "ev_accounts", split[[*KEY, "entity_id"]])
    rows = bulk.read(
        connection,
        """
        SELECT DISTINCT c.platform, c.account_ref AS account_id, c.subject_key, c.id_mask, c.phone_hash, c.phone_hashes,
               c.payee_hash, c.address_key, c.operator_key, c.legal_key
        FROM ev_accounts e JOIN record c ON c.platform = e.platform AND c.account_ref = e.account_id
        JOIN subject s ON s.id = c.subject_id AND s.current_id = e.entity_id
        WHERE c.record_kind = 'account' AND c.live = 1""",
    )
    bulk.unstage(connection, "ev_accounts")
    values = {
        "name": rows["subject_key"],
        "number": rows["id_mask"],
        "phone": rows["phone_hashes"].fillna(rows["phone_hash"]).str.split(";"),
        "payee": rows["payee_hash"],
        "address": rows["address_key"].where(rows["address_key"].str.len() >= _SHORTEST_ADDRESS),
        "operator": rows["operator_key"].fillna(rows["legal_key"]),
    }
    parts = [rows[KEY].assign(type=name, token=value).explode("token") for name, value in values.items()]
    out = pd.concat(parts, ignore_index=True)
    return out[out["token"].notna()].drop_duplicates().astype({"token": "str"})


def read_described(connection: Connection, records: pd.Series[int]) -> pd.DataFrame:
    """Of these records: record_id, name, mask (credit code, or masked ID number), phone (masked), place (file, sheet, row of
    the newest report that shows it)."""
    bulk.stage(connection, "ev_records", pd.DataFrame({"record_id": records.astype("int64")}))
    rows = bulk.read(
        connection,
        """
        SELECT c.id AS record_id, c.subject_name AS name, COALESCE(c.uscc, c.id_mask) AS mask, c.phone_mask AS phone,
               f.name AS file_name, g.sheet, g.row
        FROM ev_records e JOIN record c ON c.id = e.record_id LEFT JOIN sighting g ON g.record_id = c.id
        LEFT JOIN report r ON r.id = g.report_id LEFT JOIN report_file f ON f.id = r.file_id
        ORDER BY c.id, r.superseded_by IS NULL, r.as_of, r.id""",
        integers=["record_id"],
    )
    bulk.unstage(connection, "ev_records")
    rows = rows.drop_duplicates("record_id", keep="last")
    where = rows["file_name"] + (" " + rows["sheet"]).where(rows["sheet"] != "", "") + " row " + rows["row"]
    return rows.assign(place=where.astype("str"))[["record_id", "name", "mask", "phone", "place"]]
