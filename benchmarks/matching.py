"""Entity resolution side by side on the same simulated records: plain Splink, exact union-find, and the registry.

python benchmarks/matching.py --records 10000 100000 1000000 --seed 711 [--dirt 1.0] [--home FOLDER] [--out FILE] [--repeat 3]

With --home the worlds and loaded registries are kept there, one folder per number of records, and taken again.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import pandas as pd
from bench import rows, scoring, world
from bench.measure import Measured, part, product
from bench.splink_plain import THRESHOLDS

VARIANTS = ("simple", "masks", "distinct")
GOAL_FULL, GOAL_NEW = 10, 2  # times plain Splink's predict + cluster


def _quickest(runs: list[Measured], key: Any) -> Measured:
    return min(runs, key=key)


def registry(folder: Path, repeat: int, commands: bool) -> tuple[Path, dict[str, Any]]:
    """Resolves the standing records, then the new ones, then everything again; the home and what each took. Without
    ``commands`` only the last is a whole command, with histories and flags."""
    home = world.fresh(folder)
    told: dict[str, Any] = {}
    if commands:
        told["first_command"] = _told(product(home, "resolve", "--full"))
    else:
        part("ours", home, "full", "keep")
    told["new_records"] = world.load_late(folder, home)
    told["new"] = _steps([part("ours", home, "new") for _ in range(repeat)])
    if commands:
        told["new_command"] = _told(product(home, "resolve"))
    else:
        part("ours", home, "new", "keep")
    after_new = rows.entities(home)
    told["full"] = _steps([part("ours", home, "full") for _ in range(repeat)])
    told["full_command"] = _told(product(home, "resolve", "--full"))
    told["same_after_full"] = after_new == rows.entities(home)
    return home, told


def _steps(runs: list[Measured]) -> dict[str, Any]:
    best = _quickest(runs, lambda m: m.answer["seconds"]["all"])
    return {"seconds": best.answer["seconds"]["all"], "cpu": best.answer["cpu"]["all"], "peak_mb": best.peak_mb}


def _told(run: Measured) -> dict[str, Any]:
    return {"seconds": run.seconds, "cpu": run.cpu, "peak_mb": run.peak_mb}


def rivals(folder: Path, home: Path, repeat: int) -> dict[str, Any]:
    """Every competitor on the registry's records, with its scores at each of its thresholds."""
    source = folder / "rows.parquet"
    count = rows.write(home, source)
    truth, accounts = scoring.labels(folder / "world" / "truth" / "truth_accounts.csv"), rows.accounts(home)
    out: dict[str, Any] = {"records": count, "ours": scoring.score(truth, accounts)}
    run = part("union_find", source, folder / "union_find.parquet")
    out["union-find"] = {
        "seconds": run.answer["seconds"]["cluster"],
        "cpu": run.answer["cpu"]["cluster"],
        "peak_mb": run.peak_mb,
        **scoring.score(truth, accounts, pd.read_parquet(folder / "union_find.parquet")),
    }
    for variant in VARIANTS:
        target = folder / f"splink_{variant}.parquet"
        runs = [part("splink_plain", source, target, variant) for _ in range(repeat)]
        run = _quickest(runs, lambda m: m.answer["seconds"]["predict"])
        at = {}
        for threshold in THRESHOLDS:
            clusters = target.with_name(f"{target.stem}-{threshold}.parquet")
            figures = scoring.score(truth, accounts, pd.read_parquet(clusters))
            clusters.unlink()
            steps = ("predict", f"cluster {threshold}")
            seconds, cpu = (round(sum(run.answer[clock][s] for s in steps), 3) for clock in ("seconds", "cpu"))
            at[str(threshold)] = {"predict_and_cluster": seconds, "cpu": cpu, **figures}
        best = max(at, key=lambda t: at[t]["f1"])
        out[f"splink {variant}"] = {
            "train": run.answer["seconds"]["train"],
            "pairs": run.answer["pairs"],
            "peak_mb": run.peak_mb,
            "best": best,
            "thresholds": at,
            **at[best],
        }
    return out


def one(folder: Path, records: int, a: argparse.Namespace) -> dict[str, Any]:
    """All figures for one number of records."""
    made = world.make(folder, records, a.seed, a.dirt)
    repeat = a.repeat if records < 500_000 else 1
    home, told = registry(folder, repeat, a.commands or records < 500_000)
    found = rivals(folder, home, repeat)
    splink = [f"splink {v}" for v in VARIANTS]
    best = max(splink, key=lambda v: found[v]["f1"])
    base = found[best]["predict_and_cluster"]
    goals = {
        "splink_taken": best,
        "splink_predict_and_cluster": base,
        "quickest_splink": min(found[v]["predict_and_cluster"] for v in splink),
        "full_over_splink": round(told["full"]["seconds"] / base, 2),
        "new_over_splink": round(told["new"]["seconds"] / base, 2),
        # Exact numbers alone join nobody wrongly: union-find cannot be beaten in precision, only equalled.
        "better_precision": found["ours"]["precision"] > found[best]["precision"]
        and found["ours"]["precision"] >= found["union-find"]["precision"],
        "better_recall": all(found["ours"]["recall"] > found[v]["recall"] for v in (best, "union-find")),
    }
    shutil.rmtree(home)
    return {"asked": records, "seed": a.seed, "dirt": a.dirt, "accounts": made.accounts, "load_seconds": made.load_seconds,
            "registry": told, **found, "goals": goals}  # fmt: skip


def table(result: dict[str, Any]) -> str:
    """The figures of one number of records as a markdown table."""
    told, goals = result["registry"], result["goals"]
    lines = [
        f"### {result['records']:,} records, {result['accounts']:,} accounts, seed {result['seed']}, dirt {result['dirt']}\n",
        "| competitor | train s | match s | cpu s | x Splink | peak MiB | P | R | F1 | B3 P | B3 R | B3 F1 |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]

    def line(name: str, took: dict[str, Any], figures: dict[str, Any] | None, train: str = "") -> None:
        keys = ("precision", "recall", "f1", "bcubed_precision", "bcubed_recall", "bcubed_f1")
        shown = [f"{figures[k]:.4f}" if figures else "" for k in keys]
        seconds = took.get("predict_and_cluster", took.get("seconds", 0.0))
        times = [seconds, took["cpu"], seconds / goals["splink_predict_and_cluster"]]
        numbers = " | ".join(f"{x:.2f}" for x in times)
        lines.append(f"| {name} | {train} | {numbers} | {took['peak_mb']:,} | {' | '.join(shown)} |")

    for variant in VARIANTS:
        f = result[f"splink {variant}"]
        name = f"Splink, {variant}, p ≥ {f['best']}" + (" (taken)" if goals["splink_taken"] == f"splink {variant}" else "")
        line(name, f, f, f"{f['train']:.2f}")
    line("exact union-find", result["union-find"], result["union-find"])
    line("registry, full: read, match, write", told["full"], result["ours"])
    line(f"registry, {told['new_records']:,} new", told["new"], result["ours"])
    for name, key in (("`resolve --full`", "full_command"), ("`resolve` of the new", "new_command")):
        if key in told:
            line(f"{name}, whole command", told[key], None)
    met = {True: "met", False: "NOT met"}
    lines += [
        "",
        f"- full ≤ {GOAL_FULL} x Splink: {goals['full_over_splink']} ({met[goals['full_over_splink'] <= GOAL_FULL]})",
        f"- new ≤ {GOAL_NEW} x Splink: {goals['new_over_splink']} ({met[goals['new_over_splink'] <= GOAL_NEW]})",
        f"- precision better than Splink's and no less than union-find's: {met[goals['better_precision']]}",
        f"- recall better than both: {met[goals['better_recall']]}",
        f"- the new ones by themselves give the entities of a full resolve: {met[told['same_after_full']]}",
    ]
    return "\n".join(lines) + "\n"


def machine() -> dict[str, Any]:
    """What the figures depend on besides the code."""
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "date": dt.datetime.now(tz=dt.UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "memory_gb": round(pages / 2**30),
        "load_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        **{name: version(name) for name in ("splink", "duckdb", "pandas")},
    }


def main() -> None:
    """Prints a markdown table per number of records and writes everything as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--dirt", type=float, default=1.0)
    parser.add_argument("--home", type=Path, help="keep worlds and registries here and take them again")
    parser.add_argument("--out", type=Path, help="JSON file for all figures")
    parser.add_argument("--repeat", type=int, default=3, help="runs below 500,000 records, of which the quickest counts")
    parser.add_argument("--commands", action="store_true", help="whole commands from 500,000 records on too, every time")
    a = parser.parse_args()
    results: dict[str, Any] = {"machine": machine(), "runs": []}
    with tempfile.TemporaryDirectory() as temporary:
        for records in a.records:
            result = one((a.home or Path(temporary)) / str(records), records, a)
            results["runs"].append(result)
            print(table(result), flush=True)
            if a.out:
                a.out.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
