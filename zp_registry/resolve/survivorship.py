"""What is shown for an entity: newer values over older ones, a platform's own report over a shared one, each with
its source."""

from __future__ import annotations

import pandas as pd

from zp_registry.frames import BUSINESS_KINDS


def survive(seen: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """``seen``: one row per sighting of a record with its entity (columns of Evidence.records, entity_id, as_of,
    part, report_id) → entities (columns of table ``entity`` but accounts and pledges), identifiers, names."""
    # Of one date the order of loading must not matter: sources and parts by name, and only then the order in which they came.
    rows = seen.sort_values(
        ["entity_id", "as_of", "loose", "source", "part", "sheet", "row", "report_id"],
        ascending=[True, True, False, *[True] * 5],
    )
    # Whom to call: the named contact, else who runs the business.
    rows["contact"] = rows["contact_name"].fillna(rows["operator_name"]).fillna(rows["legal_representative"])
    grouped = rows.groupby("entity_id", sort=True)
    out = grouped.agg(first_seen=("as_of", "min"), last_seen=("as_of", "max"))
    values = {
        "name": ("subject_name", "name_record"),
        "name_key": ("subject_key", None),
        "uscc": ("uscc", "number_record"),
        "id_hash": ("id_hash", None),
        "phone_hash": ("phone_hash", "phone_record"),
        "contact_name": ("contact", None),
        "address": ("business_address", "address_record"),
    }
    for column, (source, record) in values.items():
        newest = rows[rows[source].notna()].drop_duplicates("entity_id", keep="last").set_index("entity_id")
        out[column] = newest[source].reindex(out.index).astype("str")
        if record:
            out[record] = newest["record_id"].reindex(out.index).astype("Int64")
    out["id_mask"] = _mask(rows, "id_mask", "id_hash").reindex(out.index).astype("str")
    out["phone_mask"] = _mask(rows, "phone_mask", "phone_hash").reindex(out.index).astype("str")
    number = (
        rows[rows["id_hash"].notna() & rows["uscc"].isna()].drop_duplicates("entity_id", keep="last").set_index("entity_id")
    )
    out["number_record"] = out["number_record"].fillna(number["record_id"].reindex(out.index).astype("Int64"))
    out["kind"] = kinds(rows).reindex(out.index).fillna("other")
    placed = rows[rows["town"].notna()]
    town = placed.drop_duplicates("entity_id", keep="last").set_index("entity_id")["town"]
    out["town"] = town.reindex(out.index).astype("str")
    business = out["kind"].isin(BUSINESS_KINDS)
    out.loc[business, "id_hash"] = pd.NA
    out.loc[business, "id_mask"] = pd.NA
    return out.reset_index(), _identifiers(rows), _names(rows)


def _mask(rows: pd.DataFrame, mask: str, number: str) -> pd.Series[str]:
    """The newest mask, one of a whole number before one that was reported masked."""
    shown = (
        rows[rows[mask].notna()].assign(whole=lambda f: f[number].notna()).sort_values(["entity_id", "whole"], kind="stable")
    )
    return shown.drop_duplicates("entity_id", keep="last").set_index("entity_id")[mask]


def kinds(rows: pd.DataFrame) -> pd.Series[str]:
    """The newest kind, one that goes with a valid number before one that does not."""
    known = rows[rows["subject_kind"].notna()].assign(sure=lambda f: f["uscc"].notna() | f["id_hash"].notna())
    known = known.sort_values(["entity_id", "sure"], kind="stable")
    return known.drop_duplicates("entity_id", keep="last").set_index("entity_id")["subject_kind"]


def _identifiers(rows: pd.DataFrame) -> pd.DataFrame:
    business = rows["subject_kind"].isin(BUSINESS_KINDS)
    parts = [
        rows.assign(kind="uscc", value=rows["uscc"]),
        rows[~business].assign(kind="id", value=rows.loc[~business, "id_hash"]),
        rows[~business].assign(kind="mask", value=rows.loc[~business, "id_mask"]),
    ]
    long = pd.concat([p.loc[p["value"].notna(), ["entity_id", "kind", "value", "as_of"]] for p in parts])
    return long.groupby(["entity_id", "kind", "value"])["as_of"].agg(first_seen="min", last_seen="max").reset_index()


def _names(rows: pd.DataFrame) -> pd.DataFrame:
    named = rows[rows["subject_name"].notna()].rename(columns={"subject_name": "shown"})
    out = named.assign(name=named["shown"].str.slice(0, 500))
    return out.groupby(["entity_id", "name"])["as_of"].agg(first_seen="min", last_seen="max").reset_index()
