"""Training: what agreement is worth, learned from pairs whose exact numbers say whether they are one."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from zp_registry.errors import UsageError
from zp_registry.resolve.model.heldout import HeldOut, held_out, suggested
from zp_registry.resolve.model.score import compare, score
from zp_registry.resolve.model.settings import Bands, Frequencies, MatchModel
from zp_registry.scratch import scratch

LEAST_SAME, LEAST_DIFFERENT = 100, 2_000  # pairs without which m and u are guesses
MOST_SAME, MOST_DIFFERENT, MOST_CANDIDATES, CHUNK = 200_000, 1_000_000, 300_000, 200_000
PER_PERSON = 20  # pairs of one number: nobody with a hundred descriptions shall decide alone
OFTEN = 5  # a value that fewer bear is not kept in a model: the model is no list of people
# No level is worth more or less, whatever is counted: what couples share (phone, payee account, address) comes together, so
# that the sum of its weights would say too much.
STRONGEST, WEAKEST = 10.0, -16.0
ENOUGH = 20  # pairs without which a level's m is not taken from counts


@dataclass
class Summary:
    """``levels``: comparison, level, m, u, weight, same, different (counted pairs), source (numbers | em | kept) ·
    ``thresholds``: threshold, precision, recall, pairs of the held-out check (empty when there are too few people) ·
    ``counts``: same, different, candidates, held_out_people, held_out_pairs."""

    levels: pd.DataFrame
    thresholds: pd.DataFrame
    bands: Bands
    counts: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The same for JSON."""
        return {
            "levels": self.levels.to_dict("records"),
            "thresholds": self.thresholds.to_dict("records"),
            "bands": self.bands.model_dump(),
            "counts": self.counts,
        }


def train(features: pa.Table, model: MatchModel, seed: int = 1, name: str | None = None) -> tuple[MatchModel, Summary]:
    """A model with the comparisons of ``model`` and m, u, prior, frequencies and bands from ``features``, and what was learned.

    u is counted on random pairs with two different numbers, m on pairs with one number that have no account in common; where a
    level occurs in too few of these (masks stand only where the number does not) m comes from expectation maximisation over the
    candidates, and where that knows nothing it stays. Levels with ``fix_m_probability`` keep their m. The same for the same
    seed. Raises UsageError when there are too few pairs to learn from.
    """
    rows = features.select([model.unique_id, "business", "strong", "accounts"]).to_pandas()
    rows = rows.rename(columns={model.unique_id: "id"}).sort_values("id", ignore_index=True)
    generator = np.random.default_rng(seed)
    same, different = _same_pairs(features, model, generator), _different_pairs(rows, generator)
    if len(same) < LEAST_SAME or len(different) < LEAST_DIFFERENT:
        raise UsageError(
            f"too little to train on: {len(same)} pairs of descriptions with one number on different accounts and "
            f"{len(different)} with two numbers; at least {LEAST_SAME} and {LEAST_DIFFERENT} are needed"
        )
    draft = model.model_copy(
        update={
            "name": name or model.name,
            "splink": copy.deepcopy(model.splink) | {"probability_two_random_records_match": _prior(rows)},
            "frequencies": {c: _frequencies(features, c, old) for c, old in model.frequencies.items()},
        }
    )
    counted = _counts(features, draft, same), _counts(features, draft, different)
    sources = _from_counts(draft, *counted)
    candidates = _candidates(features, draft, generator)
    _maximise(draft, candidates, sources)
    checked = held_out(features, draft, generator)
    trained = draft.model_copy(update={"bands": suggested(checked, model.bands)})
    return trained, _summary(trained, counted, sources, checked, len(same), len(different), len(candidates))


def _same_pairs(features: pa.Table, model: MatchModel, generator: np.random.Generator) -> pd.DataFrame:
    connection = scratch(ordered=False)
    connection.register("rows", features)
    key = model.unique_id
    pairs = connection.execute(
        f"""
        SELECT l.{key} AS left_id, r.{key} AS right_id, l.strong AS number FROM rows l JOIN rows r USING (strong)
        WHERE l.{key} < r.{key} AND NOT coalesce(list_has_any(l.accounts, r.accounts), false) ORDER BY 1, 2"""
    ).df()
    pairs = pairs.iloc[generator.permutation(len(pairs))]
    pairs = pairs[pairs.groupby("number").cumcount() < PER_PERSON].head(MOST_SAME)
    return pairs[["left_id", "right_id"]].sort_values(["left_id", "right_id"], ignore_index=True)


def _different_pairs(rows: pd.DataFrame, generator: np.random.Generator) -> pd.DataFrame:
    """Random pairs of one sort (business or person) with two different numbers."""
    parts = []
    numbered = rows[rows["strong"].notna()]
    for _, group in numbered.groupby("business"):
        size = round(MOST_DIFFERENT * (len(group) / len(numbered)))
        size = min(size, len(group) * (len(group) - 1) // 2)
        left, right = (generator.integers(0, len(group), size) for _ in range(2))
        ids, codes = group["id"].to_numpy(), pd.factorize(group["strong"])[0]
        keep = codes[left] != codes[right]
        left, right = ids[left[keep]], ids[right[keep]]
        parts.append(pd.DataFrame({"left_id": np.minimum(left, right), "right_id": np.maximum(left, right)}))
    out = pd.concat(parts) if parts else pd.DataFrame({"left_id": [], "right_id": []})
    return out.drop_duplicates().sort_values(["left_id", "right_id"], ignore_index=True)


def _prior(rows: pd.DataFrame) -> float:
    """The share of pairs with one number among pairs of one sort that both have one."""
    numbered = rows[rows["strong"].notna()]
    sizes = numbered.groupby("strong").size()
    same = float((sizes * (sizes - 1) / 2).sum())
    every = float(sum(n * (n - 1) / 2 for n in numbered.groupby("business").size()))
    return min(max(same / every, 1e-9), 0.5)


def _frequencies(features: pa.Table, column: str, old: Frequencies) -> Frequencies:
    """Of the values in ``column`` the common ones with their share of all people and firms; the others together give the
    default."""
    connection = scratch(ordered=False)
    connection.register("rows", features.append_column("row_number", pa.array(range(len(features)))))
    connection.execute(
        f"""
        CREATE TEMP TABLE borne AS
        SELECT DISTINCT "{column}" AS value, coalesce(strong, row_number::VARCHAR) AS who FROM rows"""
    )
    total = int(connection.execute("SELECT count(DISTINCT who) FROM borne").fetchall()[0][0])
    found = connection.execute(
        "SELECT value, count(*) AS n FROM borne WHERE value IS NOT NULL GROUP BY value ORDER BY n DESC, value"
    ).df()
    if len(found) == 0 or int(found["n"].sum()) < LEAST_SAME:
        return old
    often, seldom = found[found["n"] >= OFTEN].head(5_000), found["n"][found["n"] < OFTEN].astype("float64")
    default = float((seldom**2).sum() / seldom.sum() / total) if len(seldom) else 1 / total
    values = {str(v): round(n / total, 9) for v, n in zip(often["value"], often["n"], strict=True)}
    return Frequencies(default=round(default, 9), values=values)


def _counts(features: pa.Table, model: MatchModel, pairs: pd.DataFrame) -> dict[str, pd.Series[int]]:
    """How often each level occurs among the pairs, by comparison; a piece at a time, so that memory holds it."""
    names = [str(c["output_column_name"]) for c in model.comparisons]
    totals: dict[str, pd.Series[int]] = {}
    for start in range(0, len(pairs), CHUNK):
        compared = compare(features, pairs.iloc[start : start + CHUNK], model)
        for name in names:
            counts = compared[f"level_{name}"].value_counts()
            totals[name] = counts.add(totals.get(name, counts * 0), fill_value=0).astype("int64")
    return totals


def _levels(comparison: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """Splink's number and the level, best agreement first, without that of missing values."""
    counted = [x for x in comparison["comparison_levels"] if not x.get("is_null_level")]
    return [(len(counted) - 1 - i, x) for i, x in enumerate(counted)]


def _from_counts(
    model: MatchModel, same: dict[str, pd.Series[int]], different: dict[str, pd.Series[int]]
) -> dict[tuple[str, int], str]:
    """Sets m and u in ``model`` from counts; where each level's m is from."""
    sources: dict[tuple[str, int], str] = {}
    for comparison in model.comparisons:
        name = str(comparison["output_column_name"])
        levels = _levels(comparison)
        m_all = sum(int(same[name].get(number, 0)) for number, _ in levels)
        u_all = sum(int(different[name].get(number, 0)) for number, _ in levels)
        for number, level in levels:
            m_here, u_here = int(same[name].get(number, 0)), int(different[name].get(number, 0))
            if u_all >= LEAST_DIFFERENT and (u_here or m_here) and not level.get("fix_u_probability"):
                level["u_probability"] = (u_here + 0.5) / (u_all + 0.5 * len(levels))
            fixed = level.get("fix_m_probability") or m_all < ENOUGH
            sources[name, number] = "kept" if fixed else "numbers" if m_here or (number == 0 and u_here) else "em"
            if sources[name, number] == "numbers":
                level["m_probability"] = (m_here + 0.5) / (m_all + 0.5 * len(levels))
            if not level.get("fix_m_probability"):
                _limit(level, number, len(levels))
    return sources


def _limit(level: dict[str, Any], number: int, size: int) -> None:
    """No level is worth more than STRONGEST or less than WEAKEST; the best one never speaks against, nor the last one for."""
    m, u = float(level["m_probability"]), float(level["u_probability"])
    by_frequency = bool(level.get("tf_adjustment_column"))  # its u is replaced by the value's own
    weight = math.log2(m / u)
    low = 0.0 if number == size - 1 else WEAKEST
    high = 0.0 if number == 0 else math.inf if by_frequency else STRONGEST
    if weight > high:
        u = min(m * 2**-high, 1.0)
    m = max(min(m, u * 2**high), u * 2**low)
    if m > 1:
        m, u = 1.0, u / m
    level["m_probability"], level["u_probability"] = float(f"{m:.6g}"), float(f"{u:.6g}")


def _candidates(features: pa.Table, model: MatchModel, generator: np.random.Generator) -> pd.DataFrame:
    every = model.model_copy(update={"bands": Bands(link=0.0, review=-1_000.0, margin=0.0)})
    pairs = score(features, every)
    chosen = np.sort(generator.permutation(len(pairs))[:MOST_CANDIDATES])
    return compare(features, pairs.iloc[chosen], model) if len(pairs) else pairs


def _maximise(model: MatchModel, compared: pd.DataFrame, sources: dict[tuple[str, int], str]) -> None:
    """Expectation maximisation over the candidates for the levels that numbers say nothing about; all others stand."""
    open_levels = [key for key, source in sources.items() if source == "em"]
    if compared.empty or not open_levels:
        sources.update(dict.fromkeys(open_levels, "kept"))
        return
    by_name = {str(c["output_column_name"]): dict(_levels(c)) for c in model.comparisons}
    weight = compared["weight"].copy()
    for _ in range(25):
        probability = 1 / (1 + np.exp2(-weight.clip(-500, 500)))
        moved = 0.0
        for name, number in open_levels:
            levels, here = by_name[name], compared[f"level_{name}"]
            level, told = levels[number], probability[here >= 0].sum()
            if told < ENOUGH or (here == number).sum() == 0:
                continue
            before = math.log2(level["m_probability"] / level["u_probability"])
            level["m_probability"] = float(max(probability[here == number].sum() / told, 1e-9))
            _limit(level, number, len(levels))
            change = math.log2(level["m_probability"] / level["u_probability"]) - before
            weight = weight + (here == number) * change
            moved = max(moved, abs(change))
        if moved < 1e-3:
            break
    for name, number in open_levels:
        if not (compared[f"level_{name}"] == number).any():
            sources[name, number] = "kept"


def _summary(
    model: MatchModel,
    counted: tuple[dict[str, pd.Series[int]], dict[str, pd.Series[int]]],
    sources: dict[tuple[str, int], str],
    checked: HeldOut,
    same: int,
    different: int,
    candidates: int,
) -> Summary:
    rows = []
    for comparison in model.comparisons:
        name = str(comparison["output_column_name"])
        for number, level in _levels(comparison):
            m, u = level["m_probability"], level["u_probability"]
            rows.append(
                {
                    "comparison": model.labels.get(name, name),
                    "level": level["label_for_charts"],
                    "m": m,
                    "u": u,
                    "weight": round(math.log2(m / u), 3),
                    "same": int(counted[0][name].get(number, 0)),
                    "different": int(counted[1][name].get(number, 0)),
                    "source": sources[name, number],
                }
            )
    counts = {"same": same, "different": different, "candidates": candidates}
    counts |= {"held_out_people": checked.people, "held_out_pairs": checked.pairs}
    return Summary(pd.DataFrame(rows), checked.thresholds, model.bands, counts)
