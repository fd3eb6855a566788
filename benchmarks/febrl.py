"""FEBRL 1 to 4: Splink with its published settings, and the registry's engine with settings of its own.

python benchmarks/febrl.py [--sets 1 2 3 4] [--train] [--out FILE]

No engine sees a label before it is scored. The threshold is set beforehand and is the same for all: a pair counts when it is
more likely than not (match weight 0). The best F1 over all thresholds is given for reference. With --train the models in
benchmarks/febrl/ are learned anew from the sets' records.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
import pandas as pd
from bench import febrl_data, febrl_ours, febrl_splink

from zp_registry.resolve.model import load_model

FIXED = {"0.5": 0.0, "0.9": float(np.log2(9)), "0.99": float(np.log2(99))}  # match probability: match weight
HEADLINE = "0.5"


def _figures(right: int, found: int, true: int) -> dict[str, float]:
    precision, recall = (right / found if found else 1.0), right / true
    f1 = 2 * right / (found + true)
    return {"precision": round(precision, 5), "recall": round(recall, 5), "f1": round(f1, 5)}


def of_pairs(found: pd.DataFrame, true: pd.DataFrame) -> dict[str, Any]:
    """Pairwise precision, recall and F1 at the fixed thresholds and at the best one; a true pair that was never a candidate
    counts as missed."""
    marked = found.merge(true.assign(right=True), on=["left_id", "right_id"], how="left").sort_values("weight", ascending=False)
    right = marked["right"].notna().to_numpy()
    out: dict[str, Any] = {}
    for name, threshold in FIXED.items():
        over = marked["weight"].to_numpy() >= threshold
        out[name] = _figures(int(right[over].sum()), int(over.sum()), len(true))
    f1 = 2 * right.cumsum() / (np.arange(1, len(right) + 1) + len(true))
    out["best"] = {"f1": round(float(f1.max()), 5), "weight": round(float(marked["weight"].iloc[int(f1.argmax())]), 2)}
    return out


def of_clusters(frame: pd.DataFrame, clusters: pd.DataFrame, true: pd.DataFrame) -> dict[str, float]:
    """The same for all pairs within clusters (in set 4 those across its files)."""
    joined = frame[["rec_id", "source"]].merge(clusters, on="rec_id")
    found = febrl_data.true_pairs(joined.rename(columns={"cluster_id": "person"}))
    return _figures(len(found.merge(true, on=["left_id", "right_id"])), len(found), len(true))


def one(number: int, learn: bool) -> dict[str, Any]:
    """All competitors on one set."""
    frame = febrl_data.read(number)
    true = febrl_data.true_pairs(frame)
    out: dict[str, Any] = {"set": number, "records": len(frame), "true_pairs": len(true)}
    path = febrl_ours.model_file(number)
    if learn:
        path.write_text(febrl_ours.trained(number, frame).to_json(), encoding="utf-8")
    start = time.perf_counter()
    ours = febrl_ours.pairs(frame, load_model(path))
    out["ours"] = {"seconds": round(time.perf_counter() - start, 2)}
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        splink = febrl_splink.score(frame)
    out["splink"] = {"seconds": round(time.perf_counter() - start, 2)}
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        tuned = febrl_splink.with_our_settings(frame, febrl_ours.start(number))
    out["splink_our_settings"] = {"seconds": round(time.perf_counter() - start, 2)}
    for name, found in (("ours", ours), ("splink", splink), ("splink_our_settings", tuned)):
        out[name] |= of_pairs(found, true)
        # Both are clustered alike, so that what differs is the scores.
        out[name]["clusters"] = of_clusters(frame, febrl_ours.clusters(frame, found, FIXED[HEADLINE]), true)
    return out


def table(results: list[dict[str, Any]]) -> str:
    """A markdown table of all sets."""
    lines = [
        "| set | records | true pairs | engine | P | R | F1 p ≥ 0.5 | F1 p ≥ 0.9 | F1 p ≥ 0.99 | clusters F1 | best F1 | at |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for result in results:
        names = {"splink": "Splink, published settings", "splink_our_settings": "Splink, our settings", "ours": "ours"}
        for name, shown in names.items():
            f = result[name]
            head = f[HEADLINE]
            lines.append(
                f"| {result['set']} | {result['records']:,} | {result['true_pairs']:,} | {shown} | {head['precision']:.4f} "
                f"| {head['recall']:.4f} | {head['f1']:.4f} | {f['0.9']['f1']:.4f} | {f['0.99']['f1']:.4f} "
                f"| {f['clusters']['f1']:.4f} | {f['best']['f1']:.4f} | {f['best']['weight']:.1f} |"
            )
    return "\n".join(lines)


def main() -> None:
    """Prints the table and writes everything as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, nargs="+", choices=febrl_data.SETS, default=list(febrl_data.SETS))
    parser.add_argument("--train", action="store_true", help="learn the models anew")
    parser.add_argument("--out", type=Path, help="JSON file for all figures")
    a = parser.parse_args()
    results = [one(number, a.train) for number in a.sets]
    print(table(results))
    if a.out:
        a.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
