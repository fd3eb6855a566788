"""Who stands in which role on an account: operator, streamer, payee, agency, contact."""

from __future__ import annotations

import pandas as pd

from zp_registry.resolve.history import ACCOUNT, spells

_SAID = ("operator_hash", "operator_key", "operator_mask", "operator_name", "legal_key", "legal_representative", "payee_hash",
         "payee_key", "payee_mask", "payee_name", "agency_uscc", "agency_key", "agency_name", "phone_hash", "phone_mask",
         "contact_name")  # fmt: skip


def role_sightings(timeline: pd.DataFrame, records: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """``timeline``: hold points (platform, account_id, as_of, record_id) → account, as_of, role, party_key, name,
    mask, relation.

    A party's key is the keyed hash of its number, else its name's comparison form.
    """
    base = timeline[[*ACCOUNT, "as_of", "record_id"]].merge(records[["record_id", *_SAID]], on="record_id")
    nothing = pd.Series(pd.NA, index=base.index, dtype="str")
    parts = [
        _part(
            base,
            "operator",
            base["operator_hash"].fillna(base["operator_key"]).fillna(base["legal_key"]),
            base["operator_name"].fillna(base["legal_representative"]),
            base["operator_mask"],
            nothing,
        ),
        _part(base, "payee", base["payee_hash"].fillna(base["payee_key"]), base["payee_name"], base["payee_mask"], nothing),
        _part(base, "agency", base["agency_uscc"].fillna(base["agency_key"]), base["agency_name"], nothing, nothing),
        _part(base, "contact", base["phone_hash"], base["contact_name"], base["phone_mask"], nothing),
    ]
    camera = timeline[[*ACCOUNT, "as_of", "record_id"]].merge(people, on="record_id")
    parts.append(
        _part(
            camera,
            "streamer",
            camera["id_hash"].fillna(camera["name_key"]),
            camera["name"],
            camera["id_mask"],
            camera["relation"],
        )
    )
    return pd.concat(parts, ignore_index=True)


def _part(
    base: pd.DataFrame, role: str, key: pd.Series[str], name: pd.Series[str], mask: pd.Series[str], relation: pd.Series[str]
) -> pd.DataFrame:
    out = base[[*ACCOUNT, "as_of"]].assign(role=role, party_key=key.astype("str"), name=name, mask=mask, relation=relation)
    return out[out["party_key"].notna()]


def roles(timeline: pd.DataFrame, records: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Roles as spells: platform, account_id, role, party_key, name, mask, relation, valid_from, valid_to."""
    out = spells(role_sightings(timeline, records, people), timeline[[*ACCOUNT, "as_of"]])
    return out[[*ACCOUNT, "role", "party_key", "name", "mask", "relation", "valid_from", "valid_to"]]
