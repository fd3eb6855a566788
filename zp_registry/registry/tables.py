"""The published tables: accounts, entities, holdings, flags, rejects. From what is stored, or told again for a past date."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pandas as pd
from sqlalchemy import Connection

from zp_registry.crypto import Keyring
from zp_registry.flags import Flagged
from zp_registry.frames import (
    BUSINESS_KINDS,
    EXPORT_ACCOUNTS,
    EXPORT_ENTITIES,
    EXPORT_FLAGS,
    EXPORT_HOLDINGS,
    EXPORT_REJECTS,
    both_ways,
    looked_up,
)
from zp_registry.quarantine.codes import message
from zp_registry.registry import bulk
from zp_registry.resolve import Resolved


@dataclass
class Knowledge:
    """Entities, accounts, holdings, links and flags as frames with the columns of their tables."""

    entities: pd.DataFrame
    accounts: pd.DataFrame
    holdings: pd.DataFrame
    links: pd.DataFrame
    flags: pd.DataFrame


def stored(connection: Connection, *, all_versions: bool = False) -> Knowledge:
    """What the registry knows now; ``all_versions``: holdings with what was once believed."""
    live = "" if all_versions else "WHERE recorded_to IS NULL"
    records = ["name_record", "number_record", "phone_record", "address_record"]
    return Knowledge(
        bulk.read(connection, "SELECT * FROM entity ORDER BY entity_id", integers=records),
        bulk.read(connection, "SELECT * FROM account ORDER BY platform, account_id", integers=["unmatched", "record_id"]),
        bulk.read(
            connection,
            f"SELECT * FROM holding {live} ORDER BY platform, account_id, valid_from, recorded_from, id",
            integers=["id"],
        ),
        bulk.read(connection, "SELECT * FROM link ORDER BY entity_id, other_entity_id"),
        bulk.read(connection, "SELECT * FROM flag ORDER BY flag_id", floats=["score"]),
    )


def told_again(resolved: Resolved, flagged: Flagged, flag_ids: pd.DataFrame) -> Knowledge:
    """The same from a computation for a past date; ``flag_ids``: anchor, flag_id of flags that are stored."""
    flags = flagged.flags.assign(
        flag_id=flagged.flags["anchor"].map(flag_ids.set_index("anchor")["flag_id"]).astype("str").fillna("")
    )
    holdings = resolved.holdings.assign(
        recorded_from="", recorded_to=pd.Series(pd.NA, index=resolved.holdings.index, dtype="str")
    )
    entities = resolved.entities.assign(pledge_status=resolved.entities["entity_id"].map(flagged.pledge_status).astype("str"))
    return Knowledge(entities, resolved.accounts, holdings, resolved.links, flags)


def accounts(k: Knowledge) -> pd.DataFrame:
    """EXPORT_ACCOUNTS: one row per account with its present or last holder; ``open_flags`` counts the holder's
    pledge flag too."""
    holders = k.entities.set_index("entity_id")
    open_flags = k.flags[k.flags["status"] == "open"]
    own = (
        open_flags[open_flags["account_id"].notna()]
        .groupby(["platform", "account_id"])["code"]
        .agg(lambda s: ";".join(sorted(set(s))))
    )
    entity = (
        open_flags[open_flags["account_id"].isna() & open_flags["entity_id"].notna()]
        .groupby("entity_id")["code"]
        .agg(lambda s: ";".join(sorted(set(s))))
    )
    out = k.accounts.assign(
        entity_kind=k.accounts["entity_id"].map(holders["kind"]),
        subject_name=k.accounts["entity_id"].map(holders["name"]),
        pledge_status=k.accounts["entity_id"].map(holders["pledge_status"]),
    )
    mine = looked_up(out, ["platform", "account_id"], own).astype("str")
    theirs = out["entity_id"].map(entity).astype("str") if len(entity) else pd.Series(pd.NA, index=out.index, dtype="str")
    out["open_flags"] = (mine.fillna("") + ";" + theirs.fillna("")).str.strip(";")
    return out[list(EXPORT_ACCOUNTS)]


def entities(k: Knowledge) -> pd.DataFrame:
    """EXPORT_ENTITIES, identity values masked."""
    count = k.accounts.groupby("entity_id").size()
    both = both_ways(k.links[k.links["kind"] == "operates"])
    linked = (
        both.groupby("entity_id")["other_entity_id"].agg(lambda s: ";".join(sorted(set(s))))
        if len(both)
        else pd.Series(dtype="str")
    )
    out = k.entities.assign(
        id_number=k.entities["id_mask"],
        phone=k.entities["phone_mask"],
        accounts=k.entities["entity_id"].map(count).fillna(0).astype("int64"),
        linked_entities=k.entities["entity_id"].map(linked).astype("str"),
    )
    return out[list(EXPORT_ENTITIES)]


def unmasked(connection: Connection, k: Knowledge, ring: Keyring) -> pd.DataFrame:
    """EXPORT_ENTITIES with ID numbers and phones in clear: the caller notes the reason on the audit trail first."""
    out = entities(k)
    values = open_values(connection, ring, k.entities)
    out["id_number"] = values["id_number"].fillna(out["id_number"])
    out["phone"] = values["contact_phone"].fillna(out["phone"])
    return out


def open_values(connection: Connection, ring: Keyring, entities: pd.DataFrame) -> pd.DataFrame:
    """``id_number`` and ``contact_phone`` of entities, opened from the records they were taken from (same index)."""
    wanted = pd.concat([entities["number_record"], entities["phone_record"]]).dropna().astype("int64").drop_duplicates()
    bulk.stage(connection, "open_records", pd.DataFrame({"record_id": wanted}))
    rows = bulk.read(
        connection,
        "SELECT c.id, c.record_key, c.sealed FROM open_records o JOIN record c ON c.id = o.record_id WHERE c.sealed "
        "IS NOT NULL",
        integers=["id"],
        raw=["sealed"],
    )
    bulk.unstage(connection, "open_records")
    opened = {
        int(i): json.loads(ring.unseal(bytes(s), column="record.sealed", record_key=key).decode())
        for i, key, s in zip(rows["id"], rows["record_key"], rows["sealed"], strict=True)
    }

    def pick(records: pd.Series[int], name: str) -> pd.Series[str]:
        return pd.Series(
            [opened.get(int(r), {}).get(name) if pd.notna(r) else None for r in records], index=records.index, dtype="str"
        )

    number = pick(entities["number_record"], "id_number").where(
        ~entities["kind"].isin(BUSINESS_KINDS)
    )
    return pd.DataFrame({"id_number": number, "contact_phone": pick(entities["phone_record"], "contact_phone")})


def holdings(k: Knowledge) -> pd.DataFrame:
    """EXPORT_HOLDINGS."""
    return k.holdings[list(EXPORT_HOLDINGS)]


def flags(k: Knowledge) -> pd.DataFrame:
    """EXPORT_FLAGS."""
    return k.flags[list(EXPORT_FLAGS)]


def rejects(connection: Connection, as_of: str | None = None) -> pd.DataFrame:
    """EXPORT_REJECTS: one line per rejected row and code; those of later reports than ``as_of`` are left out (rows of a
    ledger belong to no report date and stay)."""
    rows = bulk.read(
        connection,
        """
        SELECT f.name AS source_file, j.sheet, j.row, u.code, u.header, u.note, j.status
        FROM reject j JOIN report_file f ON f.id = j.file_id JOIN fault u ON u.reject_id = j.id
        WHERE CAST(:d AS TEXT) IS NULL OR j.as_of IS NULL OR j.as_of <= :d ORDER BY f.id, j.sheet, j.row, u.id""",
        {"d": as_of},
        integers=["row"],
    )
    rows["message"] = [
        (f"“{h}”列：" if isinstance(h, str) and h else "") + message(c, n if isinstance(n, str) else "")
        for h, c, n in zip(rows["header"], rows["code"], rows["note"], strict=True)
    ]
    return rows[list(EXPORT_REJECTS)].drop_duplicates(["source_file", "sheet", "row", "code"], keep="last")
