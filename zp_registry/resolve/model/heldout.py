"""What a model would do to people whose numbers are known, if it did not know them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from zp_registry.resolve.model.score import score
from zp_registry.resolve.model.settings import Bands, MatchModel
from zp_registry.scratch import scratch

LEAST_PEOPLE = 50  # with fewer the table would say more than is known
SURE = 0.9995  # precision that the suggested link band must reach


@dataclass
class HeldOut:
    """``thresholds``: threshold, precision, recall, pairs · ``people``: how many had their numbers hidden · ``pairs``: how many
    true pairs there are among their descriptions."""

    thresholds: pd.DataFrame
    people: int = 0
    pairs: int = 0


def held_out(features: pa.Table, model: MatchModel, generator: np.random.Generator) -> HeldOut:
    """Hides the numbers of half of those who are described more than once, and scores them against everybody."""
    empty = HeldOut(pd.DataFrame({"threshold": [], "precision": [], "recall": [], "pairs": []}))
    key = model.unique_id
    rows = features.select([key, "strong"]).to_pandas().rename(columns={key: "id"})
    sizes = rows.groupby("strong").size()
    several = np.sort(sizes.index[sizes > 1].to_numpy(dtype=object))
    if len(several) // 2 < LEAST_PEOPLE:
        return empty
    hidden = set(several[generator.permutation(len(several))[: len(several) // 2]].tolist())
    connection = scratch(ordered=False)
    connection.register("rows", features)
    connection.register("hidden", pa.table({"number": pa.array(sorted(hidden))}))
    # The digits that masks show go with every other number: most of those who must be told apart show none.
    masks = [c for c in ("id_mask", "id_head", "id_tail") if c in features.column_names]
    gone = "strong IN (SELECT number FROM hidden)"
    blank = [f"CASE WHEN {gone} AND hash(strong) % 2 = 0 THEN NULL ELSE {m} END AS {m}" for m in masks]
    replaced = ", ".join([f"CASE WHEN {gone} THEN NULL ELSE strong END AS strong", *blank])
    told = connection.sql(f"SELECT * REPLACE ({replaced}) FROM rows").to_arrow_table()
    every = model.model_copy(update={"bands": Bands(link=0.0, review=-20.0, margin=0.0)})
    focus = rows["id"][rows["strong"].isin(hidden)].tolist()
    found = score(told, every, focus=focus)
    number = rows.set_index("id")["strong"]
    left, right = found["left_id"].map(number), found["right_id"].map(number)
    known = left.notna() & right.notna()
    found, true = found[known], (left == right)[known]
    chosen = sizes[sizes.index.isin(hidden)]
    total = int((chosen * (chosen - 1) // 2).sum())
    table = []
    for threshold in np.arange(-10, 41, 2.0):
        over = found["weight"] >= threshold
        right_ones = int(true[over].sum())
        table.append(
            {
                "threshold": float(threshold),
                "precision": round(right_ones / int(over.sum()), 6) if over.any() else 1.0,
                "recall": round(right_ones / total, 6) if total else 1.0,
                "pairs": int(over.sum()),
            }
        )
    return HeldOut(pd.DataFrame(table), len(hidden), total)


def suggested(checked: HeldOut, before: Bands) -> Bands:
    """Link from where precision is as good as certain, and never below what stood before; review from where recall begins to
    fall, and never above what stood before. Without a check the bands stay."""
    if checked.thresholds.empty:
        return before
    table = checked.thresholds
    sure = table["threshold"][(table["precision"][::-1].cummin()[::-1] >= SURE) & (table["pairs"] > 0)]
    link = max(before.link, float(sure.min())) if len(sure) else before.link
    full = table["threshold"][table["recall"] >= table["recall"].max() - 0.005]
    review = min(before.review, float(full.max())) if len(full) else before.review
    return Bands(link=link, review=min(max(review, -4.0), link), margin=before.margin)
