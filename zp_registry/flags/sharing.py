"""One phone, payee account or face behind the accounts of many unrelated holders (租号、借号、养号)."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from zp_registry.flags.circle import Circle
from zp_registry.frames import BUSINESS_KINDS
from zp_registry.normalise.addresses import ELSEWHERE
from zp_registry.resolve.history import ACCOUNT


@dataclass(frozen=True)
class SharingRules:
    """From how many unrelated holders on a shared thing is a lead, and from how many it is a strong one.

    Natural persons count: registered businesses share a bookkeeper's phone and account as a matter of course, so that a thing
    shared among them alone is a weak lead only.
    """

    payee: int = 3
    streamer: int = 3
    phone: int = 5
    strong: int = 5


def shared_on(
    steps: pd.DataFrame, held: pd.DataFrame, on: str, circle: Circle, rules: SharingRules, least: dict[str, int]
) -> pd.DataFrame:
    """Accounts whose phone, payee, streamer or address on date ``on`` stands behind many unrelated holders.

    ``steps``: flags.steps with change marks; ``held``: holdings; ``least``: holders from which an address counts, by code.
    Columns: platform, account_id, entity_id, code, token, holders, as_of, place (of the row that shows it).
    """
    current = held[(held["valid_from"] <= on) & (held["valid_to"].isna() | (held["valid_to"] > on))]
    rows = (
        steps[steps["as_of"] <= on]
        .drop_duplicates(ACCOUNT, keep="last")
        .merge(current[[*ACCOUNT, "entity_id"]], on=[*ACCOUNT, "entity_id"])
    )
    parts = []
    payee = rows[rows["payee_hash"].notna() | rows["payee_key"].notna()]
    # The same account number, or (layouts without numbers) the same stranger's name.
    money = payee.assign(token=payee["payee_hash"].fillna("name:" + payee["payee_key"]))
    parts.append(_count(money[~money["payee_hash"].isin(list(circle.collectors))], "SHARED_PAYEE", circle, rules.payee))
    phones = rows[rows["phones"].notna()]
    phones = phones.assign(token=phones["phones"].str.split(";")).explode("token")
    phones = phones[~phones["token"].isin(list(circle.agency_phones))].assign(token=lambda f: f["token"].astype("str"))
    parts.append(_count(phones, "SHARED_PHONE", circle, rules.phone))
    faces = rows[rows["streamers"].notna() & rows["streamer_stranger"]]
    faces = (
        faces.assign(token=faces["streamers"].str.split(";")).explode("token").assign(token=lambda f: f["token"].astype("str"))
    )
    faces = faces[faces["token"] != faces["subject_key"]]
    parts.append(_count(faces, "SHARED_STREAMER", circle, rules.streamer))
    # A house number; a market's stalls and an agency's office are what they are.
    places = rows[rows["address_key"].str.contains(r"\d", regex=True).fillna(False) & (rows["address_key"].str.len() >= 6)]
    places = places[places["market"].isna() & places["agency_key"].isna()]
    where = places["province"].fillna("") + places["city"].fillna("") + places["county"].fillna("")
    places = places.assign(token=where + places["address_key"])
    far = places["town"] == ELSEWHERE
    parts.append(_count(places[~far.fillna(False)], "SHARED_ADDRESS", circle, least["SHARED_ADDRESS"]))
    alone = far.fillna(False) & ~places["subject_kind"].isin(BUSINESS_KINDS)
    parts.append(_count(places[alone], "FAR_ADDRESS", circle, least["FAR_ADDRESS"]))
    return pd.concat(parts, ignore_index=True)


def _count(rows: pd.DataFrame, code: str, circle: Circle, least: int) -> pd.DataFrame:
    columns = [
        *ACCOUNT,
        "entity_id",
        "code",
        "token",
        "holders",
        "people",
        "weak",
        "as_of",
        "place",
        "file_name",
        "sheet",
        "row",
        "payee_name",
        "streamer_names",
        "phone_mask",
        "payee_mask",
        "payee_stranger",
        "business_address",
    ]
    if rows.empty:
        return pd.DataFrame(columns=columns)
    group = rows["entity_id"].map(circle.group).fillna(rows["entity_id"])
    holders = group.groupby(rows["token"]).nunique()
    people = group.where(~rows["subject_kind"].isin(BUSINESS_KINDS)).groupby(rows["token"]).nunique()
    out = rows.assign(
        code=code, holders=rows["token"].map(holders).astype("int64"), people=rows["token"].map(people).astype("int64")
    )
    out["weak"] = (out["people"] < least) | out["subject_kind"].isin(BUSINESS_KINDS)
    return out[out["holders"] >= least].sort_values("holders", ascending=False).drop_duplicates(ACCOUNT)[columns]
