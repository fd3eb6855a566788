"""How right the registry is on invented counties: makes a world, loads it, and scores the result.

python benchmarks/quality.py --seeds 101 102 103 [--parties 1500] [--months 6] [--dirt 1.0] [--keep FOLDER]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any


def run(home: Path, *words: str) -> dict[str, Any]:
    """One command of the installed program, as an operator gives it; exit codes 0 and 3 are successes."""
    program = Path(sys.executable).with_name("zp-registry")
    done = subprocess.run([program, *words, "--home", home, "--json"], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 3):
        sys.exit(f"{' '.join(words)}: exit code {done.returncode}\n{done.stderr[-2000:]}")
    return dict(json.loads(done.stdout))


def score(folder: Path, seed: int, parties: int, months: int, dirt: float) -> dict[str, Any]:
    """The figures of ``zp-registry evaluate`` for one seed."""
    world, home = folder / f"world{seed}", folder / f"home{seed}"
    subprocess.run(
        [
            sys.executable,
            "-m",
            "zp_registry.simulator",
            world,
            "--seed",
            str(seed),
            "--parties",
            str(parties),
            "--months",
            str(months),
            "--dirt",
            str(dirt),
        ],
        check=True,
        capture_output=True,
    )
    loaded = run(home, "import", str(world / "reports"))
    run(home, "pledges", "import", str(world / "pledges"))
    run(home, "resolve")
    figures = run(home, "evaluate", str(world / "truth" / "truth_accounts.csv"))
    figures["files"] = {
        "loaded": sum(f["state"] == "loaded" for f in loaded["files"]),
        "all": len(loaded["files"]),
        "add_up": all(f["adds_up"] for f in loaded["files"]),
    }
    return figures


def main() -> None:
    """Prints one line per seed as a markdown table, and everything as JSON lines on standard error."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", required=True)
    parser.add_argument("--parties", type=int, default=1500)
    parser.add_argument("--months", type=int, default=6)
    parser.add_argument("--dirt", type=float, default=1.0)
    parser.add_argument("--keep", type=Path)
    a = parser.parse_args()
    told: dict[str, Counter[str]] = {"events": Counter(), "flagged": Counter()}
    delays: Counter[int] = Counter()
    print("| seed | accounts | lost | pairs P | pairs R | pledges right | transfers P | transfers R | innocent flagged |")
    print("|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary:
        for seed in a.seeds:
            f = score(a.keep or Path(temporary), seed, a.parties, a.months, a.dirt)
            e, p, t = f["entities"], f["pledges"], f["transfers"]
            print(
                f"| {seed} | {e['accounts']} | {e['accounts_lost']} | {e['precision']:.4f} | {e['recall']:.4f} "
                f"| {p['right']:.4f} "
                f"| {t['precision']:.3f} | {t['recall']:.3f} | {t['innocent_flagged']}/{t['innocent_events']} |",
                flush=True,
            )
            told["events"].update(t["innocent_by_type"])
            told["flagged"].update(t["innocent_flagged_by_type"])
            delays.update({int(k): n for k, n in t["delay_months"].items()})
            print(json.dumps({"seed": seed, **f}, ensure_ascii=False), file=sys.stderr, flush=True)
    print("\n| innocent change | events | flagged medium or high | share |\n|---|---|---|---|")
    for kind, n in sorted(told["events"].items()):
        print(f"| {kind} | {n} | {told['flagged'][kind]} | {told['flagged'][kind] / n:.2%} |")
    print("\nmonths from visible to flagged: " + ", ".join(f"{k}: {n}" for k, n in sorted(delays.items())))


if __name__ == "__main__":
    main()
