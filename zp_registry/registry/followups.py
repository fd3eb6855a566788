"""What a clerk needs to get a pledge signed, and what clerks have tried so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd
from sqlalchemy import Connection, text

from zp_registry.crypto import Keyring
from zp_registry.flags.reminders import ReminderRules, reminder_levels
from zp_registry.frames import FOLLOWUPS
from zp_registry.registry import bulk
from zp_registry.registry.tables import Knowledge, open_values

REASONS = {
    "PLEDGE_MISSING": "missing",
    "PLEDGE_EXPIRED": "expired",
    "PLEDGE_OUTDATED": "outdated",
    "PLEDGE_MISMATCH": "mismatch",
}
UNKNOWN = "未知乡镇"


def followup_frame(
    connection: Connection,
    k: Knowledge,
    ring: Keyring,
    *,
    officers: Callable[[pd.Series[str], pd.Series[str]], pd.Series[str]],
    deadline_days: int,
    reminders: ReminderRules,
    on: str,
    titles: Mapping[str, str],
    unscanned: set[str] | None = None,
) -> pd.DataFrame:
    """FOLLOWUPS: one row per open PLEDGE flag, phones in clear (the caller notes the list on the audit trail).

    ``officers``: (towns, addresses) → who is in charge; ``titles``: platform id → Chinese name; the deadline counts from the
    day on which the entity was first listed, and from the last attempt once there was one. Attempts count from then on too: a
    pledge that ends after years is a new matter.
    """
    flags = k.flags[(k.flags["family"] == "PLEDGE") & (k.flags["status"] == "open")]
    if flags.empty:
        return pd.DataFrame(columns=list(FOLLOWUPS))
    out = flags[["flag_id", "entity_id", "code", "first_seen"]].merge(k.entities, on="entity_id", suffixes=("", "_entity"))
    held = k.accounts[k.accounts["gone_on"].isna() & (k.accounts["account_status"] != "closed")]
    counts = held.groupby(["entity_id", "platform"]).size().rename("n").reset_index()
    counts["text"] = counts["platform"].map(titles).fillna(counts["platform"]) + counts["n"].astype("str")
    by_entity = counts.groupby("entity_id").agg(text=("text", "、".join), n=("n", "sum"), ids=("platform", ";".join))
    towns = held[held["town"].notna()].drop_duplicates("entity_id", keep="last").set_index("entity_id")["town"]
    town = out["town"].fillna(out["entity_id"].map(towns).astype("str")).fillna(UNKNOWN)
    tried = bulk.read(
        connection,
        """
        SELECT flag_id, attempted_on, method, outcome FROM followup_attempt ORDER BY attempted_on, id""",
    )
    tried = tried[tried["attempted_on"] >= tried["flag_id"].map(out.set_index("flag_id")["first_seen"]).fillna("9")]
    last = tried.drop_duplicates("flag_id", keep="last").set_index("flag_id")
    times = tried.groupby("flag_id").size()
    values = open_values(connection, ring, out)
    since = out["flag_id"].map(last["attempted_on"]).astype("str").fillna(out["first_seen"])
    deadline = (pd.to_datetime(since) + pd.Timedelta(days=deadline_days)).dt.strftime("%Y-%m-%d")
    attempts = out["flag_id"].map(times).fillna(0).astype("int64")
    result = pd.DataFrame(
        {
            "flag_id": out["flag_id"],
            "entity_id": out["entity_id"],
            "entity_kind": out["kind"],
            "subject_name": out["name"],
            "town": town,
            "responsible": officers(town, out["address"]),
            "platforms": out["entity_id"].map(by_entity["text"]).astype("str").fillna(""),
            "accounts": out["entity_id"].map(by_entity["n"]).fillna(0).astype("int64"),
            "reason": out["code"].map(REASONS).astype("str"),
            "remark": out["entity_id"].isin(unscanned or set()).map({True: "已签订但缺扫描件", False: ""}),
            "first_listed": out["first_seen"],
            "attempts": attempts,
            "last_attempt": out["flag_id"].map(last["attempted_on"]).astype("str"),
            "last_method": out["flag_id"].map(last["method"]).astype("str"),
            "deadline": deadline.astype("str"),
            "outcome": out["flag_id"].map(last["outcome"]).astype("str"),
            "contact_name": out["contact_name"].fillna(out["name"]),
            "contact_phone": values["contact_phone"].fillna(out["phone_mask"]),
            "business_address": out["address"],
            "platform_ids": out["entity_id"].map(by_entity["ids"]).astype("str").fillna(""),
            "reminder": reminder_levels(attempts, out["first_seen"], on, reminders),
        }
    )
    return result[list(FOLLOWUPS)].sort_values(["town", "deadline", "entity_id"], ignore_index=True)


def add_attempts(connection: Connection, results: pd.DataFrame, now: str) -> tuple[int, pd.DataFrame]:
    """Adds FOLLOWUP_RESULTS as attempts; one that stands already is left alone. Returns how many were new, and the rows whose
    flag is not known here."""
    bulk.stage(connection, "fa_named", results[["flag_id"]].dropna().drop_duplicates().astype("str"))
    flags = bulk.read(
        connection,
        "SELECT f.flag_id, f.entity_id FROM fa_named n CROSS JOIN flag f WHERE f.flag_id = n.flag_id AND f.family = 'PLEDGE'",
    )
    bulk.unstage(connection, "fa_named")
    unknown = results[~results["flag_id"].isin(flags["flag_id"])]
    rows = results[results["flag_id"].isin(flags["flag_id"])].drop_duplicates(
        ["flag_id", "attempted_on", "method", "outcome", "note"]
    )
    frame = rows[["flag_id", "attempted_on", "method", "outcome", "note", "sheet", "row"]].fillna(
        {"method": "", "outcome": "", "note": "", "sheet": ""}
    )
    frame = frame.assign(entity_id=frame["flag_id"].map(flags.set_index("flag_id")["entity_id"]).astype("str"), recorded_at=now)
    bulk.stage(connection, "fa_new", frame)
    names = ", ".join(frame.columns)
    added = connection.exec_driver_sql(
        f"INSERT INTO followup_attempt ({names}) SELECT {names} FROM fa_new n WHERE NOT EXISTS (SELECT 1 FROM "
        f"followup_attempt t "
        "WHERE t.flag_id = n.flag_id AND t.attempted_on = n.attempted_on AND t.method = n.method AND t.outcome = "
        "n.outcome AND t.note = n.note)"
    ).rowcount
    bulk.unstage(connection, "fa_new")
    return added, unknown


def note_listing(connection: Connection, frame: pd.DataFrame, now: str) -> None:
    """Notes that these flags (FOLLOWUPS) stand on a list that leaves the house."""
    bulk.stage(connection, "fl_new", frame[["flag_id", "entity_id"]].astype("str"), like="followup_listing")
    connection.execute(
        text(
            "INSERT INTO followup_listing (flag_id, entity_id, listed_at) SELECT n.flag_id, n.entity_id, :now FROM fl_new n "
            "WHERE n.flag_id <> '' AND NOT EXISTS (SELECT 1 FROM followup_listing t WHERE t.flag_id = n.flag_id)"
        ),
        {"now": now},
    )
    bulk.unstage(connection, "fl_new")
