"""One phone, payee account or face behind the accounts of many unrelated holders (租号、借号、养号)."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from zp_registry.flags.circle import Circle
from zp_registry.frames import BUSINESS_KINDS, among, rows_among
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


_SHOWN = (*ACCOUNT, "entity_id", "subject_kind", "as_of", "place", "file_name", "sheet", "row", "payee_name", "streamer_names",
          "phone_mask", "payee_mask", "payee_stranger", "business_address")  # fmt: skip


def shared_things(
    steps: pd.DataFrame, circle: Circle, rules: SharingRules, least: dict[str, int]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What may be shared too widely on some date: the steps (flags.steps with change marks) of the accounts concerned, with
    ``group`` (all that belongs to the holder), and their things: step (index of the former), code, token, least.

    A thing that fewer holders ever showed than count on one date is left out at once; most are.
    """
    steps = steps.assign(group=steps["entity_id"].map(circle.group).fillna(steps["entity_id"]))
    parts = []
    payee = steps[steps["payee_hash"].notna() | steps["payee_key"].notna()]
    # The same account number, or (layouts without numbers) the same stranger's name.
    money = payee["payee_hash"].fillna("name:" + payee["payee_key"])
    parts.append(_things(money[~among(payee["payee_hash"], circle.collectors)], "SHARED_PAYEE", rules.payee))
    phones = steps["phones"].dropna().str.split(";").explode().astype("str")
    parts.append(_things(phones[~among(phones, circle.agency_phones)], "SHARED_PHONE", rules.phone))
    faces = steps.loc[steps["streamer_stranger"], "streamers"].dropna().str.split(";").explode().astype("str")
    own = (faces == steps["subject_key"].reindex(faces.index)).fillna(False)
    parts.append(_things(faces[~own], "SHARED_STREAMER", rules.streamer))
    # A house number; a market's stalls and an agency's office are what they are.
    exact = steps["address_key"].str.contains(r"\d", regex=True).fillna(False) & (steps["address_key"].str.len() >= 6)
    places = steps.loc[
        exact & steps["market"].isna() & steps["agency_key"].isna(),
        ["province", "city", "county", "town", "address_key", "subject_kind"],
    ]
    where = places["province"].fillna("") + places["city"].fillna("") + places["county"].fillna("") + places["address_key"]
    far = (places["town"] == ELSEWHERE).fillna(False)
    parts.append(_things(where[~far], "SHARED_ADDRESS", least["SHARED_ADDRESS"]))
    parts.append(_things(where[far & ~places["subject_kind"].isin(BUSINESS_KINDS)], "FAR_ADDRESS", least["FAR_ADDRESS"]))
    things = pd.concat(parts, ignore_index=True)
    if things.empty:
        return steps.iloc[:0], things
    ever = steps["group"].reindex(things["step"]).set_axis(things.index).groupby([things["code"], things["token"]])
    things = things[ever.transform("nunique") >= things["least"]]
    shown = steps.loc[things["step"].unique(), list(ACCOUNT)].drop_duplicates()
    return steps.loc[rows_among(steps, ACCOUNT, shown), [*_SHOWN, "group"]], things


def _things(tokens: pd.Series[str], code: str, least: int) -> pd.DataFrame:
    return pd.DataFrame({"step": tokens.index, "code": code, "token": tokens.to_numpy(), "least": least}).astype(
        {"code": "str", "token": "str"}
    )


def shared_on(steps: pd.DataFrame, things: pd.DataFrame, held: pd.DataFrame, on: str) -> pd.DataFrame:
    """Accounts whose phone, payee, streamer or address on date ``on`` stands behind many unrelated holders.

    ``steps``, ``things``: of :func:`shared_things`; ``held``: holdings. Columns: those of a step that are shown, code, token,
    holders, people (natural persons among them), weak.
    """
    current = held[(held["valid_from"] <= on) & (held["valid_to"].isna() | (held["valid_to"] > on))]
    last = steps[steps["as_of"] <= on].drop_duplicates(ACCOUNT, keep="last")
    last = last[rows_among(last, [*ACCOUNT, "entity_id"], current[[*ACCOUNT, "entity_id"]])]
    rows = things[things["step"].isin(last.index)].merge(last, left_on="step", right_index=True)
    by = [rows["code"], rows["token"]]
    person = ~rows["subject_kind"].isin(BUSINESS_KINDS)
    rows["holders"] = rows["group"].groupby(by).transform("nunique").astype("int64")
    rows["people"] = rows["group"].where(person).groupby(by).transform("nunique").astype("int64")
    rows["weak"] = (rows["people"] < rows["least"]) | ~person
    rows = rows[rows["holders"] >= rows["least"]].sort_values(["holders", "token"], ascending=[False, True])
    return rows.drop_duplicates(["code", *ACCOUNT]).drop(columns=["step", "least", "group", "subject_kind"])
