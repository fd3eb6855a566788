"""The errors, each with its accounts and with the edges that made it or should have."""

from __future__ import annotations

import pandas as pd

from zp_registry.evaluation.labels import KEY

MOST_ERRORS, MOST_ROWS = 2000, 60
COLUMNS = (
    "error",
    "kind",
    "pairs",
    "row",
    "entity_id",
    "party_id",
    *KEY,
    "subject_id",
    "name",
    "mask",
    "phone",
    "numbers",
    "traps",
    "place",
    "other_entity_id",
    "other_party_id",
    "other_subject_id",
    "other_name",
    "other_mask",
    "other_place",
    "judgement",
    "tier",
    "rule",
    "score",
    "why",
)


def _found(known: pd.DataFrame, cluster: str, other: str, kind: str) -> pd.DataFrame:
    """Clusters that hold several others, the ones with most wrong pairs first: kind, cluster, pairs, member columns."""
    sizes = known.groupby([cluster, other]).size()
    whole = sizes.groupby(level=0).sum()
    inside = (sizes * (sizes - 1) // 2).groupby(level=0).sum()
    wrong = (whole * (whole - 1) // 2 - inside)[lambda s: s > 0].sort_values(ascending=False, kind="stable").head(MOST_ERRORS)
    rows = known[known[cluster].isin(wrong.index)].copy()
    rows["pairs"], rows["kind"], rows["cluster"] = rows[cluster].map(wrong).astype("int64"), kind, rows[cluster]
    return rows.sort_values(["pairs", "cluster", other, *KEY], ascending=[False, True, True, True, True])


def accounts_of_errors(known: pd.DataFrame) -> pd.DataFrame:
    """The accounts of wrong merges (one entity, several parties) and splits (one party, several entities), numbered: error,
    kind (``wrong merge`` | ``split``), pairs (wrong or missing), and the columns of ``known``.

    At most 2,000 of either kind, 60 accounts each, the largest first.
    """
    every = pd.concat(
        [_found(known, "entity_id", "party_id", "wrong merge"), _found(known, "party_id", "entity_id", "split")],
        ignore_index=True,
    )
    every["error"] = pd.factorize(every["kind"] + " " + every["cluster"])[0] + 1
    return every[every.groupby("error").cumcount() < MOST_ROWS].reset_index(drop=True)


def edges_of_errors(
    members: pd.DataFrame, edges: pd.DataFrame, subjects: pd.DataFrame, party_of: pd.Series[str]
) -> pd.DataFrame:
    """The live edges within wrong merges (positive ones; those that join two parties first), and between the parts of splits
    (unsure and negative ones): error, kind, pairs and the columns of both ends."""
    entity_of = subjects.set_index("subject_id")["entity_id"]
    ends = edges.assign(
        entity_id=edges["left_id"].map(entity_of).astype("str"),
        other_entity_id=edges["right_id"].map(entity_of).astype("str"),
        party_id=edges["left_id"].map(party_of).astype("str"),
        other_party_id=edges["right_id"].map(party_of).astype("str"),
    )
    each = members[["error", "kind", "pairs", "entity_id"]].drop_duplicates()
    merges = ends[ends["judgement"] == "positive"].merge(each[each["kind"] == "wrong merge"], on="entity_id")
    parts = each[each["kind"] == "split"]
    doubts = ends[ends["judgement"] != "positive"]
    between = doubts.merge(parts, on="entity_id").merge(
        parts[["error", "entity_id"]].rename(columns={"entity_id": "other_entity_id"}), on=["error", "other_entity_id"]
    )
    out = pd.concat([merges, between[between["entity_id"] != between["other_entity_id"]]], ignore_index=True)
    out["across"] = out["party_id"] != out["other_party_id"]
    out = out.sort_values(["error", "across", "score"], ascending=[True, False, True], kind="stable")
    out = out[out.groupby("error").cumcount() < MOST_ROWS]
    return out.rename(columns={"left_id": "subject_id", "right_id": "other_subject_id"}).reset_index(drop=True)


def records_of_errors(members: pd.DataFrame, edges: pd.DataFrame, subjects: pd.DataFrame) -> pd.Series[int]:
    """The records whose names, masks and places the listing shows."""
    record_of = subjects.set_index("subject_id")["record_id"]
    parts = [members["record_id"], edges["subject_id"].map(record_of), edges["other_subject_id"].map(record_of)]
    return pd.concat(parts, ignore_index=True).dropna().astype("int64").drop_duplicates()


def listing(members: pd.DataFrame, edges: pd.DataFrame, subjects: pd.DataFrame, described: pd.DataFrame) -> pd.DataFrame:
    """Errors as a table of COLUMNS: per error its accounts (row ``account``) and then its edges (row ``edge``).

    ``described``: record_id, name, mask, phone, place.
    """
    record_of = subjects.set_index("subject_id")["record_id"]
    known = described.set_index("record_id")
    accounts, links = members.assign(row="account"), edges.assign(row="edge")
    links["record_id"] = links["subject_id"].map(record_of)
    other = links["other_subject_id"].map(record_of)
    for column in ("name", "mask", "phone", "place"):
        accounts[column] = accounts["record_id"].map(known[column]).astype("str")
        links[column] = links["record_id"].map(known[column]).astype("str")
        if column != "phone":
            links[f"other_{column}"] = other.map(known[column]).astype("str")
    out = pd.concat([accounts, links], ignore_index=True).reindex(columns=list(COLUMNS))
    out = out.astype({"subject_id": "Int64", "other_subject_id": "Int64"})
    return out.sort_values(["error", "row"], kind="stable", ignore_index=True)
