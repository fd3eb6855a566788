"""People's judgements as lines that outlive a registry: each side by its description's keyed hash, and by an account and a name
with which a person reads it and another registry (with other keys) finds it again. No number of a person is in them."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
from sqlalchemy import Connection

from zp_registry.registry import bulk
from zp_registry.registry.guards import SAID, JudgementRefused, Unions, between, lead_to, members

SIDE: Final = ("signature", "platform", "account_id", "name")
JUDGEMENTS: Final = ("judgement", "who", "why", "created_at", *(f"left_{c}" for c in SIDE), *(f"right_{c}" for c in SIDE))


def stored(connection: Connection) -> pd.DataFrame:
    """JUDGEMENTS: people's live judgements, the oldest first; account and name as the description's newest record has them."""
    rows = bulk.read(
        connection,
        "SELECT left_id, right_id, judgement, who, why, created_at FROM edge WHERE tier = 'person' AND deleted_at IS NULL "
        "ORDER BY created_at, id",
        integers=["left_id", "right_id"],
    )
    bulk.stage(
        connection, "jd_subjects", pd.DataFrame({"id": pd.concat([rows["left_id"], rows["right_id"]]).drop_duplicates()})
    )
    known = bulk.read(
        connection,
        """
        SELECT s.id, s.signature, c.platform, c.account_ref AS account_id, c.subject_name AS name FROM jd_subjects n
        JOIN subject s ON s.id = n.id LEFT JOIN record c ON c.subject_id = s.id AND c.record_kind = 'account'
        ORDER BY s.id, c.live, c.id""",
        integers=["id"],
    )
    bulk.unstage(connection, "jd_subjects")
    sides = known.drop_duplicates("id", keep="last").set_index("id")
    out = rows.assign(judgement=rows["judgement"].map(SAID))
    for end in ("left", "right"):
        for column in SIDE:
            out[f"{end}_{column}"] = out[f"{end}_id"].map(sides[column]).astype("str")
    return out[list(JUDGEMENTS)].astype("str")


def place(connection: Connection, said: pd.DataFrame) -> pd.DataFrame:
    """``left_id``, ``right_id`` (left < right; Int64, NA where not placed) and ``problem`` (text, or NA) for JUDGEMENTS lines.

    A side is the description of that signature; else the one that a record of that account under that name has (the oldest
    of several, if these are one entity).
    """
    found = {}
    for end in ("left", "right"):
        asked = said[[f"{end}_{c}" for c in SIDE]].set_axis(list(SIDE), axis=1).assign(line=range(len(said)))
        bulk.stage(connection, "jd_asked", asked.astype(dict.fromkeys(SIDE, "str")))
        rows = bulk.read(
            connection,
            """
            SELECT a.line, s.id, s.current_id, 1 AS exact FROM jd_asked a JOIN subject s ON s.signature = a.signature
            UNION
            SELECT a.line, s.id, s.current_id, 0 FROM jd_asked a JOIN record c
                ON c.platform = a.platform AND c.account_ref = a.account_id AND c.subject_name = a.name
            JOIN subject s ON s.id = c.subject_id WHERE c.record_kind = 'account'""",
            integers=["line", "id", "exact"],
        )
        best = rows[rows["exact"] == rows.groupby("line")["exact"].transform("max")]
        one = best.assign(of=best["current_id"].fillna(best["id"].astype("str")))  # of what is not reported: itself
        found[end] = one.groupby("line").agg(min=("id", "min"), nunique=("of", "nunique")).reindex(range(len(said)))
    bulk.unstage(connection, "jd_asked")
    out = pd.DataFrame({"problem": pd.Series(pd.NA, index=range(len(said)), dtype="str")})
    for end in ("left", "right"):
        count = found[end]["nunique"].fillna(0)
        out.loc[count == 0, "problem"] = f"no holder here is described as the {end} side is"
        out.loc[count > 1, "problem"] = f"several holders here fit the {end} side"
    ends = pd.DataFrame({e: found[e]["min"].astype("Int64") for e in ("left", "right")})
    out["left_id"], out["right_id"] = ends.min(axis=1).astype("Int64"), ends.max(axis=1).astype("Int64")
    out.loc[out["problem"].isna() & (out["left_id"] == out["right_id"]).fillna(False), "problem"] = (
        "both sides are one holder here"
    )
    out.loc[out["problem"].notna(), ["left_id", "right_id"]] = pd.NA
    return out


def standing(connection: Connection) -> pd.DataFrame:
    """left_id, right_id, judgement, edge_id, who of people's live judgements."""
    return bulk.read(
        connection,
        "SELECT left_id, right_id, judgement, id AS edge_id, who FROM edge WHERE tier = 'person' AND deleted_at IS NULL",
        integers=["left_id", "right_id", "edge_id"],
    )


def refusals(connection: Connection, placed: pd.DataFrame) -> dict[int, str]:
    """By index of ``placed`` (left_id, right_id, judgement): why a positive line cannot stand beside what stands and the other
    lines; whole clusters count. Lines without an entity of today can be kept, but not tried."""
    own = {int(i): f"E{int(i):08d}" for i in pd.concat([placed["left_id"], placed["right_id"]])}
    now = lead_to(connection, own.values())
    pairs: dict[Any, tuple[str, str]] = {}
    for index, left, right in placed[["left_id", "right_id"]].itertuples(name=None):
        a, b = now.get(own[int(left)]), now.get(own[int(right)])
        if a is not None and b is not None and a != b:
            pairs[index] = (a, b)
    involved = {e for pair in pairs.values() for e in pair}
    parted = [pair for index, pair in pairs.items() if placed.at[index, "judgement"] != "positive"]
    unions = Unions(members(connection, involved), between(connection, involved), parted)
    out = {}
    for index, (a, b) in pairs.items():
        if placed.at[index, "judgement"] == "positive":
            try:
                unions.join(a, b)
            except JudgementRefused as error:
                out[index] = str(error)
    return out
