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


class Sharing:
    """What may be shared too widely on some date, gathered part by part of the evidence.

    A thing that fewer holders ever showed in any record than count on one date is left out at once; most are.
    """

    def __init__(
        self, facts: pd.DataFrame, faces: pd.DataFrame, circle: Circle, rules: SharingRules, least: dict[str, int]
    ) -> None:
        """``facts``, ``faces``: of Resolved · ``least``: holders from which an address counts, by code."""
        self._circle, self._rules, self._least = circle, rules, least
        group = self._grouped(facts["entity_id"])
        seen = faces[faces["name_key"].notna() & faces["entity_id"].notna()]
        phones = facts["phone_hashes"].fillna(facts["phone_hash"]).dropna().str.split(";").explode().astype("str")
        address = min(least.values())
        self._perhaps = {
            "SHARED_PAYEE": _shown_by(_money(facts), group, rules.payee),
            "SHARED_PHONE": _shown_by(phones, group, rules.phone),
            "SHARED_STREAMER": _shown_by(seen["name_key"], self._grouped(seen["entity_id"]), rules.streamer),
            "SHARED_ADDRESS": _shown_by(facts["address_key"], group, address),
        }
        self._steps: list[pd.DataFrame] = []
        self._things: list[pd.DataFrame] = []
        self._count = 0

    def _grouped(self, entity: pd.Series[str]) -> pd.Series[str]:
        return entity.map(self._circle.group).astype("str").fillna(entity)

    def add(self, steps: pd.DataFrame) -> None:
        """Takes from a part's ``steps`` (flags.steps with change marks) what may be shared, and the accounts concerned."""
        steps = steps.set_axis(pd.RangeIndex(self._count, self._count + len(steps)))
        self._count += len(steps)
        rules, circle, least, perhaps = self._rules, self._circle, self._least, self._perhaps
        money = _money(steps[~among(steps["payee_hash"], circle.collectors)])
        parts = [_things(money[among(money, perhaps["SHARED_PAYEE"])], "SHARED_PAYEE", rules.payee)]
        phones = steps["phones"].dropna().str.split(";").explode().astype("str")
        phones = phones[among(phones, perhaps["SHARED_PHONE"]) & ~among(phones, circle.agency_phones)]
        parts.append(_things(phones, "SHARED_PHONE", rules.phone))
        faces = steps.loc[steps["streamer_stranger"], "streamers"].dropna().str.split(";").explode().astype("str")
        own = (faces == steps["subject_key"].reindex(faces.index)).fillna(False)
        parts.append(_things(faces[~own & among(faces, perhaps["SHARED_STREAMER"])], "SHARED_STREAMER", rules.streamer))
        # A house number; a market's stalls and an agency's office are what they are.
        exact = steps["address_key"].str.contains(r"\d", regex=True).fillna(False) & (steps["address_key"].str.len() >= 6)
        exact &= among(steps["address_key"], perhaps["SHARED_ADDRESS"])
        places = steps.loc[
            exact & steps["market"].isna() & steps["agency_key"].isna(),
            ["province", "city", "county", "town", "address_key", "subject_kind"],
        ]
        where = places["province"].fillna("") + places["city"].fillna("") + places["county"].fillna("") + places["address_key"]
        far = (places["town"] == ELSEWHERE).fillna(False)
        parts.append(_things(where[~far], "SHARED_ADDRESS", least["SHARED_ADDRESS"]))
        parts.append(_things(where[far & ~places["subject_kind"].isin(BUSINESS_KINDS)], "FAR_ADDRESS", least["FAR_ADDRESS"]))
        things = pd.concat(parts, ignore_index=True)
        if len(things):
            concerned = steps.loc[things["step"].unique(), list(ACCOUNT)].drop_duplicates()
            shown = steps.loc[rows_among(steps, ACCOUNT, concerned), list(_SHOWN)]
            self._steps.append(shown.assign(group=self._grouped(shown["entity_id"])))
            self._things.append(things)

    def gathered(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The steps of the accounts concerned, with ``group`` (all that belongs to the holder), and their things: step (index
        of the former), code, token, least."""
        if not self._things:
            return pd.DataFrame(columns=[*_SHOWN, "group"]), pd.DataFrame(columns=["step", "code", "token", "least"])
        steps, things = pd.concat(self._steps), pd.concat(self._things, ignore_index=True)
        ever = steps["group"].reindex(things["step"]).set_axis(things.index).groupby([things["code"], things["token"]])
        things = things[ever.transform("nunique") >= things["least"]]
        shown = steps.loc[things["step"].unique(), list(ACCOUNT)].drop_duplicates()
        return steps[rows_among(steps, ACCOUNT, shown)], things


def _money(rows: pd.DataFrame) -> pd.Series[str]:
    """The account number, or (layouts without numbers) the payee's name."""
    return rows["payee_hash"].fillna("name:" + rows["payee_key"])


def _shown_by(tokens: pd.Series[str], group: pd.Series[str], least: int) -> pd.Index[str]:
    """The tokens that at least so many groups show; ``group`` is found by the tokens' index."""
    given = tokens[tokens.notna()]
    pairs = pd.DataFrame({"token": given.to_numpy(), "group": group.reindex(given.index).to_numpy()}).drop_duplicates()
    counts = pairs["token"].value_counts()
    return counts.index[counts >= least]


def _things(tokens: pd.Series[str], code: str, least: int) -> pd.DataFrame:
    return pd.DataFrame({"step": tokens.index, "code": code, "token": tokens.to_numpy(), "least": least}).astype(
        {"code": "str", "token": "str"}
    )


def shared_on(steps: pd.DataFrame, things: pd.DataFrame, held: pd.DataFrame, on: str) -> pd.DataFrame:
    """Accounts whose phone, payee, streamer or address on date ``on`` stands behind many unrelated holders.

    ``steps``, ``things``: of :meth:`Sharing.gathered`; ``held``: holdings. Columns: those of a step that are shown, code,
    token, holders, people (natural persons among them), weak.
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
