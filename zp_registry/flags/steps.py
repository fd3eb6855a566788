"""An account's history as steps: what each report says beside what was last known before it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from zp_registry.evidence import Part
from zp_registry.resolve.history import ACCOUNT, place
from zp_registry.texts import joined

WATCHED = (
    "entity_id",
    "phones",
    "phone_mask",
    "payee_hash",
    "payee_key",
    "payee_name",
    "payee_mask",
    "streamers",
    "streamer_names",
    "subject_name",
    "subject_key",
    "subject_kind",
    "place",
    "as_of",
    "id_mask",
    "number",
    "file_name",
    "sheet",
    "row",
    "legal_key",
    "operator_key",
    "declared",
    "address_key",
)

# What is asked for of a record.
WIDE = ("subject_key", "subject_kind", "id_mask", "uscc", "phone_hash", "phone_hashes", "phone_mask", "payee_hash", "payee_key",
        "payee_name", "payee_mask", "legal_key", "operator_key", "operator_hash", "operator_mask", "agency_key", "address_key",
        "town", "market", "subject_name", "account_status", "held_from", "account_name", "info_status", "birth_year",
        "business_address", "province", "city", "county")  # fmt: skip


def steps(points: pd.DataFrame, part: Part, reports: pd.DataFrame) -> pd.DataFrame:
    """One row per account and date on which its holder is known, in order: the record's values and, as ``prev_…``, the last
    known value of each before that date (WATCHED). ``phones`` and ``streamers`` are ``;``-joined sorted sets.

    ``points``: of Told · ``part``: with WIDE and entity_id · ``reports``: of Evidence."""
    points = points.merge(part.sightings, on=["report_id", "record_id"])
    points = points.merge(reports[["report_id", "as_of", "file_name"]], on="report_id")
    points["place"] = place(points)
    out = points.merge(part.records[["record_id", "entity_id", *ACCOUNT, *WIDE]], on="record_id")
    people = part.people
    out = out.sort_values([*ACCOUNT, "as_of"], ignore_index=True)
    out["number"] = out["uscc"].fillna(out["id_mask"])  # as far as it may be shown
    out["phones"] = _sorted_sets(out["phone_hashes"].fillna(out["phone_hash"]))
    cast = people[people["name_key"].notna()].sort_values(["record_id", "name_key"])
    cast = cast.set_index("record_id")
    names, shown = joined(cast["name_key"], ";"), joined(cast["name"], "、")
    declared = joined(cast.loc[cast["relation"].isin(["employee", "signed", "family"]), "name_key"], ";")
    others = joined(cast.loc[cast["relation"] == "other", "name_key"], ";")
    out["streamers"] = out["record_id"].map(names).astype("str")
    out["streamer_names"] = out["record_id"].map(shown).astype("str")
    out["declared"] = out["record_id"].map(declared).astype("str")
    out["others"] = out["record_id"].map(others).astype("str")  # of whom the report says that they are nobody of the holder's
    known = out.groupby(ACCOUNT)[list(WATCHED)].ffill()
    previous = known.groupby([out[c] for c in ACCOUNT]).shift(1)
    for column in WATCHED:
        out[f"prev_{column}"] = previous[column]
    out["prev_payee_known"] = out["prev_payee_key"].notna() | out["prev_payee_hash"].notna()
    return out


def _sorted_sets(lists: pd.Series[str]) -> pd.Series[str]:
    several = lists.str.contains(";", regex=False).fillna(False).astype(bool)
    return lists.where(~several, lists[several].map(lambda s: ";".join(sorted(set(s.split(";"))))).reindex(lists.index))


def apart(left: pd.Series[str], right: pd.Series[str]) -> pd.Series[bool]:
    """True where both ``;``-joined sets are known and have nothing in common."""
    out = left.notna() & right.notna() & (left != right).fillna(False).astype(bool)
    sets = out & (_plural(left) | _plural(right))  # of two single values it is enough that they differ
    out[sets] = np.array(
        [not set(a.split(";")) & set(b.split(";")) for a, b in zip(left[sets], right[sets], strict=True)], dtype=bool
    )
    return out


def within(member: pd.Series[str], sets: pd.Series[str]) -> pd.Series[bool]:
    """True where ``member`` is one of the ``;``-joined set."""
    out = (member == sets).fillna(False).astype(bool)
    rest = ~out & member.notna() & _plural(sets)
    out[rest] = np.array([m in s.split(";") for m, s in zip(member[rest], sets[rest], strict=True)], dtype=bool)
    return out


def contained(left: pd.Series[str], right: pd.Series[str]) -> pd.Series[bool]:
    """True where the ``;``-joined set ``left`` is known and all of it is in ``right``."""
    out = (left == right).fillna(False).astype(bool)
    rest = ~out & left.notna() & _plural(right)
    pairs = zip(left[rest], right[rest], strict=True)
    out[rest] = np.array([set(a.split(";")) <= set(b.split(";")) for a, b in pairs], dtype=bool)
    return out


def _plural(sets: pd.Series[str]) -> pd.Series[bool]:
    return sets.str.contains(";", regex=False).fillna(False).astype(bool)
