"""What matching works on, read from the database: what changed, beside what the last resolve kept."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection

from zp_registry.evidence import Evidence
from zp_registry.registry import bulk, matchcache
from zp_registry.resolve.accounts import NAMED, NAMING, match_loose, name_keys
from zp_registry.resolve.subjects import ROWS


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


def again_inputs(connection: Connection, evidence: Evidence) -> MatchInputs:
    """The same for a date that is told again (``evidence``: just read on this connection): all of it, and nothing stood
    before."""
    columns = ["c.id AS record_id", *(f"c.{c} AS {c}" for c in ROWS if c not in ("record_id", "live", "was_live")),
               "1 AS live", "1 AS was_live"]  # fmt: skip
    which = "FROM ev_records n JOIN record c ON c.id = n.record_id WHERE c.record_kind = 'account'"
    loose = evidence.accounts.loc[evidence.accounts["loose"] == 1, ["record_id", "account_id"]].dropna()
    return MatchInputs(
        bulk.read_table(connection, which, columns, _NUMBERS, _FREE),
        loose.assign(was_account_id=loose["account_id"]),
        read_order(connection),
        evidence.edges.assign(live=True),
        pd.DataFrame({"left_id": [], "right_id": []}, dtype="int64"),
        pa.table({}),
        pa.table({}),
    )
