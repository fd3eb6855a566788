"""What is known of each subject: its numbers and names, and the things by which it may be recognised."""

from __future__ import annotations

from typing import Any

import pandas as pd

from zp_registry.frames import BUSINESS_KINDS

# A thing that so many different names share says nothing about who somebody is (an agency's phone, a market's address).
HUB_NAMES = {"phone": 4, "payee": 4, "address": 4, "operator": 10**9, "account": 10**9}


def describe(records: pd.DataFrame) -> pd.DataFrame:
    """One row per subject: ``subject_id, business, kind, name_key, uscc, id_hash, id_mask, strong`` where ``strong`` is
    ``uscc:…`` or ``id:…`` for a valid number, else NA."""
    rows = records[records["subject_id"].notna()].sort_values("record_id")
    columns = ["subject_kind", "subject_key", "uscc", "id_hash", "id_mask"]
    out = rows.groupby("subject_id", sort=True)[columns].last().reset_index()
    out = out.rename(columns={"subject_kind": "kind", "subject_key": "name_key"})
    out["subject_id"] = out["subject_id"].astype("int64")
    out["business"] = out["kind"].isin(BUSINESS_KINDS) | out["uscc"].notna()
    strong = ("uscc:" + out["uscc"]).where(out["uscc"].notna(), ("id:" + out["id_hash"]).where(~out["business"]))
    out["strong"] = strong.astype("str")
    return out


def tokens(records: pd.DataFrame, accounts: pd.DataFrame) -> pd.DataFrame:
    """The things by which subjects may be recognised: ``subject_id, type, token, hub``, distinct.

    ``type``: phone, payee, address, account, operator (the business's operator or legal representative by name).
    """
    rows = records[records["subject_id"].notna()].merge(accounts[["record_id", "account_id"]], on="record_id", how="left")
    parts = [
        _token(rows, "phone", rows["phone_hashes"].fillna(rows["phone_hash"]).str.split(";")),
        _token(rows, "payee", rows["payee_hash"]),
        _token(rows, "address", rows["address_key"].where(rows["address_key"].str.len() >= 6)),
        _token(rows, "account", rows["platform"] + "\x1f" + rows["account_id"]),
        _token(rows, "operator", rows["operator_key"].fillna(rows["legal_key"])),
    ]
    out = pd.concat(parts, ignore_index=True).drop_duplicates()
    names = out.merge(rows[["subject_id", "subject_key"]].drop_duplicates(), on="subject_id")
    used = names.groupby(["type", "token"])["subject_key"].nunique().rename("names").reset_index()
    out = out.merge(used, on=["type", "token"])
    out["hub"] = out["names"] >= out["type"].map(HUB_NAMES).astype("int64")  # without rows map() gives text
    return out[["subject_id", "type", "token", "hub"]]


def _token(rows: pd.DataFrame, kind: str, values: pd.Series[Any]) -> pd.DataFrame:
    frame = pd.DataFrame({"subject_id": rows["subject_id"].to_numpy(), "token": values.to_numpy()})
    if kind == "phone":
        frame = frame.explode("token")
    frame = frame[frame["token"].notna()].drop_duplicates()
    return frame.assign(type=kind, subject_id=frame["subject_id"].astype("int64"), token=frame["token"].astype("str"))


def masks_fit(left: pd.Series[str], right: pd.Series[str]) -> pd.Series[bool]:
    """True where two masked numbers can be one number: the visible ends agree as far as both show them; NA fits anything."""

    def ends(mask: object) -> tuple[str, str] | None:
        if not isinstance(mask, str) or "*" not in mask:
            return None if not isinstance(mask, str) else (mask, mask)
        return mask[: mask.index("*")], mask[mask.rindex("*") + 1 :]

    def fit(a: object, b: object) -> bool:
        x, y = ends(a), ends(b)
        if x is None or y is None:
            return True
        head, tail = min(len(x[0]), len(y[0])), min(len(x[1]), len(y[1]))
        return x[0][:head] == y[0][:head] and (tail == 0 or x[1][-tail:] == y[1][-tail:])

    pairs = pd.DataFrame({"a": left.to_numpy(), "b": right.to_numpy()}, index=left.index)
    distinct = pairs.drop_duplicates()
    known = {
        (a, b): fit(a, b)
        for a, b in zip(
            distinct["a"].astype(object).where(distinct["a"].notna(), None),
            distinct["b"].astype(object).where(distinct["b"].notna(), None),
            strict=True,
        )
    }
    cleaned = pairs.astype(object).where(pairs.notna(), None)
    return pd.Series([known[(a, b)] for a, b in zip(cleaned["a"], cleaned["b"], strict=True)], index=left.index, dtype=bool)
