"""The review queue: how many of its pairs are true, and which true pairs it should hold and does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from zp_registry.evaluation.labels import KEY
from zp_registry.resolve.subjects import masks_fit

AGREEING = 2
MOST_MISSING = 200
MOST_PARTS = 200  # of one party: more would be a registry in which nothing is resolved


def queue(edges: pd.DataFrame, subjects: pd.DataFrame, party_of: pd.Series[str]) -> pd.DataFrame:
    """The pairs of entities in doubt, best first: left, right (entity ids), score (the best edge's), true (True, False, or NA
    when the labels do not know a side), answered (a person said that they are two).

    ``edges``: live edges; ``subjects``: subject_id, entity_id; ``party_of``: party by subject. A pair that is one entity by
    now is no question any more and left out.
    """
    entity_of = subjects.set_index("subject_id")["entity_id"]
    said = (edges["judgement"] == "negative") & (edges["tier"] == "person")
    rows = edges[said | (edges["judgement"] == "unsure")]
    ends = [rows[f"{side}_id"].map(entity_of).astype("str") for side in ("left", "right")]
    parties = [rows[f"{side}_id"].map(party_of).astype("str") for side in ("left", "right")]
    known = parties[0].notna() & parties[1].notna()
    out = pd.DataFrame(
        {
            "left": ends[0].where(ends[0] < ends[1], ends[1]),
            "right": ends[1].where(ends[0] < ends[1], ends[0]),
            "score": rows["score"],
            "true": (parties[0] == parties[1]).astype("boolean").mask(~known),
            "answered": said[rows.index],
        }
    )
    out = out[out["left"] != out["right"]].groupby(["left", "right"], as_index=False).max()
    return out.sort_values("score", ascending=False, ignore_index=True)


def split_accounts(known: pd.DataFrame) -> pd.DataFrame:
    """The known accounts of parties that are several entities: platform, account_id, entity_id, party_id."""
    split = known.groupby("party_id")["entity_id"].transform("nunique") > 1
    return known.loc[split, [*KEY, "entity_id", "party_id"]].reset_index(drop=True)


def apart(known: pd.DataFrame, fields: pd.DataFrame, doubts: pd.DataFrame) -> pd.DataFrame:
    """The pairs of entities that are one party: party_id, left, right (entity ids), account_pairs, fields (those that agree,
    with commas), agreeing (how many), queued (somebody is, or was, asked about the pair).

    ``fields``: platform, account_id, type (name, number, phone, payee, address, operator), token, of the accounts of
    :func:`split_accounts`; numbers as masks, of which two agree when their visible ends do. ``doubts``: :func:`queue`.
    """
    split = split_accounts(known)
    parts = split.groupby(["party_id", "entity_id"]).size().rename("accounts").reset_index()
    parts = parts[parts.groupby("party_id").cumcount() < MOST_PARTS]
    both = parts.merge(parts, on="party_id", suffixes=("_l", "_r"))
    both = both[both["entity_id_l"] < both["entity_id_r"]]
    out = pd.DataFrame(
        {
            "party_id": both["party_id"],
            "left": both["entity_id_l"],
            "right": both["entity_id_r"],
            "account_pairs": both["accounts_l"] * both["accounts_r"],
        }
    )
    agree = _agreeing(split.merge(fields, on=KEY)[["party_id", "entity_id", "type", "token"]].drop_duplicates())
    out = out.merge(agree, on=["party_id", "left", "right"], how="left")
    out["fields"] = out["fields"].fillna("").astype("str")
    out["agreeing"] = out["agreeing"].fillna(0).astype("int64")
    asked = set(zip(doubts["left"], doubts["right"], strict=True))
    out["queued"] = np.array([pair in asked for pair in zip(out["left"], out["right"], strict=True)], dtype=bool)
    return out.sort_values(
        ["agreeing", "account_pairs", "left", "right"], ascending=[False, False, True, True], ignore_index=True
    )


def _agreeing(values: pd.DataFrame) -> pd.DataFrame:
    numbers = values["type"] == "number"
    pairs = []
    for some, on in ((values[~numbers], ["party_id", "type", "token"]), (values[numbers], ["party_id", "type"])):
        pair = some.merge(some, on=on, suffixes=("_l", "_r"))
        pair = pair[pair["entity_id_l"] < pair["entity_id_r"]]
        if "token" not in on and len(pair):
            pair = pair[masks_fit(pair["token_l"], pair["token_r"])]
        pairs.append(pair[["party_id", "entity_id_l", "entity_id_r", "type"]])
    every = pd.concat(pairs, ignore_index=True).drop_duplicates().sort_values("type")
    grouped = every.groupby(["party_id", "entity_id_l", "entity_id_r"])["type"]
    out = pd.DataFrame({"fields": grouped.agg(",".join), "agreeing": grouped.size()}).reset_index()
    return out.rename(columns={"entity_id_l": "left", "entity_id_r": "right"})


def review(doubts: pd.DataFrame, parts: pd.DataFrame) -> dict[str, Any]:
    """Counts of :func:`queue` and :func:`apart`, and the true pairs that share two fields and nobody is asked about."""
    doubts = doubts[~doubts["answered"].astype(bool)]
    true, false = int((doubts["true"] == True).sum()), int((doubts["true"] == False).sum())  # noqa: E712
    owed = parts[parts["agreeing"] >= AGREEING]
    missing = owed[~owed["queued"]]
    return {
        "pairs": len(doubts),
        "true": true,
        "false": false,
        "unlabelled": len(doubts) - true - false,
        "precision": round(true / (true + false), 6) if true + false else 1.0,
        "apart": len(parts),
        "apart_account_pairs": int(parts["account_pairs"].sum()),
        "apart_queued": int(parts["queued"].sum()),
        "owed": len(owed),
        "owed_queued": int(owed["queued"].sum()),
        "missing": len(missing),
        "missing_list": missing.drop(columns=["queued", "agreeing"]).head(MOST_MISSING).to_dict("records"),
    }
