"""Keeping rejected rows whole and sealed, and noting every fault."""

from __future__ import annotations

import secrets

import pandas as pd
from sqlalchemy import Connection

from zp_registry.crypto import Keyring
from zp_registry.quarantine.codes import severity
from zp_registry.registry import bulk
from zp_registry.registry.batch import Batch


def insert_rejects_and_faults(
    connection: Connection, batch: Batch, file_id: int, ring: Keyring, reports: pd.DataFrame | None = None
) -> None:
    """Keeps the rejected rows whole and sealed, with all their codes, and the codes of values that were emptied elsewhere."""
    _insert_rejects(connection, batch, file_id, ring, reports)
    _insert_value_faults(connection, batch, file_id)


def _insert_rejects(connection: Connection, batch: Batch, file_id: int, ring: Keyring, reports: pd.DataFrame | None) -> None:
    rejected = batch.rejected
    if rejected.empty:
        return
    tokens = [secrets.token_hex(8) for _ in range(len(rejected))]
    rows = rejected.reindex(columns=list(dict.fromkeys([*rejected.columns, "as_of", "platform", "account_id", "account_name"])))
    rows = rows.assign(as_of=rows["as_of"].astype("str").fillna(batch.as_of or ""), part=rows["part"].fillna("")).reset_index(
        names="idx"
    )
    if reports is None:
        rows["report_id"] = pd.Series(pd.NA, index=rows.index, dtype="Int64")
    else:
        rows = rows.merge(reports, on=["as_of", "part"], how="left")
    frame = pd.DataFrame(
        {
            "token": pd.Series(tokens, dtype="str"),
            "file_id": file_id,
            "report_id": rows["report_id"].astype("Int64").astype(object),
            "as_of": rows["as_of"].where(rows["as_of"] != ""),
            "platform": rows["platform"],
            "account_ref": rows["account_id"],
            "account_name": rows["account_name"],
            "sheet": rows["sheet"].fillna(""),
            "row": rows["row"],
            "status": "open",
            "sealed": pd.Series(
                ring.seal_column(batch.raw(rows["idx"].tolist()), column="reject.sealed", record_keys=tokens), dtype=object
            ),
        }
    )
    bulk.stage(connection, "load_rejects", frame, like="reject")
    names = ", ".join(frame.columns)
    connection.exec_driver_sql(f"INSERT INTO reject ({names}) SELECT {names} FROM load_rejects")
    bulk.unstage(connection, "load_rejects")
    _insert_faults(connection, batch, file_id, rows.set_index("idx").assign(token=tokens))


def _insert_value_faults(connection: Connection, batch: Batch, file_id: int) -> None:
    """Values that were emptied in rows that loaded: a clerk should see them too."""
    emptied = batch.faults[batch.faults["idx"].isin(batch.accepted.index) & (batch.faults["code"].map(severity) == "empty")]
    if len(emptied):
        places = batch.accepted.assign(token=pd.Series(pd.NA, index=batch.accepted.index, dtype="str"))
        _insert_faults(connection, Batch(**{**vars(batch), "faults": emptied}), file_id, places)


def _insert_faults(connection: Connection, batch: Batch, file_id: int, places: pd.DataFrame) -> None:
    """``places``: index idx; sheet, row, token (NA for a loaded row)."""
    faults = batch.faults[batch.faults["idx"].isin(places.index)].drop_duplicates(["idx", "field", "code"])
    frame = faults.merge(places[["sheet", "row", "token"]], left_on="idx", right_index=True)
    frame = frame[["token", "sheet", "row", "field", "header", "code", "note"]].fillna(
        {"sheet": "", "field": "", "header": "", "note": ""}
    )
    # In the order of the file on every database: the first fault of a code is the one that is shown.
    bulk.stage(connection, "load_faults", frame.assign(place=range(len(frame))))
    connection.exec_driver_sql(
        "INSERT INTO fault (file_id, reject_id, sheet, row, field, header, code, note) "
        f"SELECT {file_id}, r.id, n.sheet, n.row, n.field, n.header, n.code, n.note FROM load_faults n LEFT JOIN "
        f"reject r ON r.token = n.token ORDER BY n.place"
    )
    bulk.unstage(connection, "load_faults")
