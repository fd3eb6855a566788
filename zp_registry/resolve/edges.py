"""Which subjects are one: exact numbers first, then partial evidence that fits a single candidate.

A partial link needs the same name and no visible digit against it, and besides: the same account, or a masked number and one
more agreeing field, or (where no number is shown at all) a phone, payee account or exact address that is not shared by many
names. When more than one candidate fits, nothing is linked and the doubt is reported.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from zp_registry.resolve.clusters import Clusters
from zp_registry.resolve.subjects import masks_fit


@dataclass
class Judged:
    """``edges``: left_id, right_id, tier, score, why · ``doubts``: subject_id, why (a weak subject that fits several)."""

    clusters: Clusters
    edges: list[tuple[int, int, str, float, str]] = field(default_factory=list)
    doubts: list[tuple[int, str]] = field(default_factory=list)


def link(subjects: pd.DataFrame, tokens: pd.DataFrame, human: pd.DataFrame) -> Judged:
    """Joins subjects (subjects.describe) by ``tokens`` (subjects.tokens) and people's judgements (left_id, right_id,
    judgement)."""
    negatives = human.loc[human["judgement"] != "positive", ["left_id", "right_id"]]
    judged = Judged(Clusters(subjects, negatives.itertuples(index=False, name=None)))
    for left, right in human.loc[human["judgement"] == "positive", ["left_id", "right_id"]].itertuples(index=False, name=None):
        judged.clusters.join(left, right)
    _exact(subjects, judged)
    weak = subjects[subjects["strong"].isna() & subjects["name_key"].notna()]
    _join_pairs(_same_account(weak, tokens), judged, "partial", 0.9, "同一账号、同一名称")
    _join_pairs(_renamed(subjects, tokens), judged, "partial", 0.9, "同一账号、证件号码可见部分相同，名称仅一字之差")
    _to_strong(subjects, tokens, judged)
    _join_pairs(_weak_pairs(subjects, tokens, judged), judged, "partial", 0.8, "名称相同，且电话、收款账户或脱敏号码一致")
    return judged


def _exact(subjects: pd.DataFrame, judged: Judged) -> None:
    strong = subjects[subjects["strong"].notna()]
    first = strong.groupby("strong")["subject_id"].transform("min")
    for left, right in zip(first, strong["subject_id"], strict=True):
        if left != right and judged.clusters.join(left, right):
            judged.edges.append((left, right, "exact", 1.0, "证照号码相同"))


def _pairs(left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
    """Pairs of subjects with one name and kind that share a token: left_id, right_id, type, hub."""
    return left.merge(right, on=["name_key", "business", "type", "token"], suffixes=("_l", "_r"))


def _named(subjects: pd.DataFrame, tokens: pd.DataFrame) -> pd.DataFrame:
    return (
        subjects[["subject_id", "name_key", "business", "id_mask"]].dropna(subset=["name_key"]).merge(tokens, on="subject_id")
    )


def _same_account(weak: pd.DataFrame, tokens: pd.DataFrame) -> pd.DataFrame:
    named = _named(weak, tokens[tokens["type"] == "account"])
    pairs = _pairs(named, named)
    pairs = pairs[pairs["subject_id_l"] < pairs["subject_id_r"]]
    pairs = pairs[masks_fit(pairs["id_mask_l"], pairs["id_mask_r"])]
    return pairs[["subject_id_l", "subject_id_r"]].drop_duplicates().sort_values(["subject_id_l", "subject_id_r"])


def _renamed(subjects: pd.DataFrame, tokens: pd.DataFrame) -> pd.DataFrame:
    """A person's name with one character corrected: the same account, and ten visible digits that agree."""
    people = subjects[
        ~subjects["business"] & subjects["id_mask"].str.replace("*", "", regex=False).str.len().ge(10).fillna(False)
    ]
    named = people[["subject_id", "name_key", "id_mask"]].dropna().merge(tokens[tokens["type"] == "account"], on="subject_id")
    pairs = named.merge(named, on=["id_mask", "token"], suffixes=("_l", "_r"))
    pairs = pairs[pairs["subject_id_l"] < pairs["subject_id_r"]]
    close = [
        len(a) == len(b) and sum(x != y for x, y in zip(a, b, strict=True)) == 1
        for a, b in zip(pairs["name_key_l"], pairs["name_key_r"], strict=True)
    ]
    return pairs.loc[close, ["subject_id_l", "subject_id_r"]].drop_duplicates().sort_values(["subject_id_l", "subject_id_r"])


def _join_pairs(pairs: pd.DataFrame, judged: Judged, tier: str, score: float, why: str) -> None:
    for left, right in pairs.itertuples(index=False, name=None):
        if judged.clusters.root(left) != judged.clusters.root(right) and judged.clusters.join(left, right):
            judged.edges.append((left, right, tier, score, why))


def _to_strong(subjects: pd.DataFrame, tokens: pd.DataFrame, judged: Judged) -> None:
    roots = judged.clusters.roots()
    everyone = _named(subjects, tokens).assign(root=lambda f: f["subject_id"].map(roots))
    numbered = {int(r) for r in roots[subjects.loc[subjects["strong"].notna(), "subject_id"]].unique()}
    is_strong = everyone["root"].isin(numbered)
    pairs = _pairs(everyone[~is_strong], everyone[is_strong])
    pairs = _fitting(pairs, subjects, roots)
    if pairs.empty:
        return
    pairs["masked"] = pairs["weak_mask"].notna() & pairs["strong_mask"].notna() & ~pairs["business"]
    pairs["counts"] = (
        pairs["masked"] | (pairs["type"] == "account") | (~(pairs["hub_l"] | pairs["hub_r"]) & (pairs["type"] != "operator"))
    )
    pairs = pairs[pairs["counts"]]
    if pairs.empty:
        return
    found = (
        pairs.groupby(["root_l", "root_r"])
        .agg(
            account=("type", lambda t: (t == "account").any()),
            kinds=("type", "nunique"),
            masked=("masked", "any"),
            left=("subject_id_l", "min"),
            right=("subject_id_r", "min"),
        )
        .reset_index()
    )
    found["rank"] = found["account"] * 100 + found["masked"] * 10 + found["kinds"]
    best = found[found["rank"] == found.groupby("root_l")["rank"].transform("max")]
    # Another candidate with a weaker tie is still a candidate, but for the same account, which no stranger of that name shares.
    rivals = found.groupby("root_l").size()
    best = best.assign(rivals=best["root_l"].map(rivals), equals=best.groupby("root_l")["root_r"].transform("size"))
    best = best.assign(alone=(best["rivals"] == 1) | (best["account"] & (best["equals"] == 1)))
    for left, right, account, masked, alone in best[["left", "right", "account", "masked", "alone"]].itertuples(
        index=False, name=None
    ):
        if alone and judged.clusters.join(left, right):
            why = "名称相同，且" + ("同一账号" if account else "其他要素一致")
            judged.edges.append((left, right, "partial", 0.95 if masked else 0.9, why))
        elif not alone:
            judged.doubts.append((left, "名称及部分要素与多个主体相符"))


def _fitting(pairs: pd.DataFrame, subjects: pd.DataFrame, roots: pd.Series[int]) -> pd.DataFrame:
    """The pairs whose clusters' visible digits do not speak against each other; one mask that fits is enough, since another of
    the same cluster may have been mistyped. Adds ``weak_mask`` and ``strong_mask``."""
    masks = subjects.assign(root=subjects["subject_id"].map(roots))
    strong = masks[masks["strong"].notna()].groupby("root")["id_mask"].first()
    shown = (
        masks.loc[masks["id_mask"].notna(), ["root", "id_mask"]]
        .drop_duplicates()
        .rename(columns={"root": "root_l", "id_mask": "weak_mask"})
    )
    each = pairs.merge(shown, on="root_l", how="left").assign(strong_mask=lambda f: f["root_r"].map(strong).astype("str"))
    each = each[each["business"] | masks_fit(each["weak_mask"], each["strong_mask"])]
    return each.drop_duplicates(["subject_id_l", "subject_id_r", "type", "token"])


def _weak_pairs(subjects: pd.DataFrame, tokens: pd.DataFrame, judged: Judged) -> pd.DataFrame:
    """Pairs among those that still have no number; masked ones need equal visible digits and one more agreeing field."""
    roots = judged.clusters.roots()
    rows = subjects.assign(root=subjects["subject_id"].map(roots))
    numbered = set(rows.loc[rows["strong"].notna(), "root"])
    weak = rows[~rows["root"].isin(numbered)]
    named = _named(weak, tokens[tokens["type"].isin(["phone", "payee", "address"])])
    pairs = _pairs(named, named)
    pairs = pairs[pairs["subject_id_l"] < pairs["subject_id_r"]]
    pairs = pairs[masks_fit(pairs["id_mask_l"], pairs["id_mask_r"])]
    masked = pairs["id_mask_l"].notna() & pairs["id_mask_r"].notna()
    pairs = pairs[masked | ~(pairs["hub_l"] | pairs["hub_r"])]
    return pairs[["subject_id_l", "subject_id_r"]].drop_duplicates().sort_values(["subject_id_l", "subject_id_r"])
