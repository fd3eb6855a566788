"""Makes the packaged match model anew: trains on invented counties that no quality figure is taken from.

python benchmarks/train_default.py TEMPLATE OUTPUT [--seeds 7 8 9] [--parties 1500] [--months 6] [--keep FOLDER]

TEMPLATE is a model whose comparisons, fixed levels and bands are kept (the packaged one will do).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
from quality import run
from zp_registry.jobs.office import open_office
from zp_registry.jobs.training import by_account

from zp_registry.resolve.model import features, load_model, train
from zp_registry.settings import Settings

APART = 10_000_000  # more than a county has descriptions


def county(folder: Path, seed: int, parties: int, months: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Subjects and tokens of one invented county, loaded as an operator loads it."""
    world, home = folder / f"world{seed}", folder / f"home{seed}"
    size = ["--seed", str(seed), "--parties", str(parties), "--months", str(months)]
    subprocess.run([sys.executable, "-m", "zp_registry.simulator", world, *size], check=True, capture_output=True)
    run(home, "import", str(world / "reports"))
    return by_account(open_office(Settings(home=home)))


def main() -> None:
    """Trains, writes OUTPUT and prints what agreement is worth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("template", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[7, 8, 9])
    parser.add_argument("--parties", type=int, default=1500)
    parser.add_argument("--months", type=int, default=6)
    parser.add_argument("--keep", type=Path)
    a = parser.parse_args()
    subjects, tokens = [], []
    with tempfile.TemporaryDirectory() as temporary:
        for place, seed in enumerate(a.seeds):
            described, known = county(a.keep or Path(temporary), seed, a.parties, a.months)
            mark = f"#{seed}"
            # Every home has hashes of its own, as far as they are keyed; addresses and names in clear forms may meet.
            own = known["token"] + mark
            known["token"] = own.where(known["type"].isin(["phone", "payee", "account"]), known["token"])
            described["strong"] = described["strong"] + mark
            for frame in (described, known):
                frame["subject_id"] += place * APART
            subjects.append(described)
            tokens.append(known)
    start = load_model(a.template)
    table = features(pd.concat(subjects, ignore_index=True), pd.concat(tokens, ignore_index=True))
    model, summary = train(table, start, seed=1, name="default")
    # The bands are a decision (docs/matching.md), not a result: a handful of counties is no proof.
    model = model.model_copy(update={"bands": start.bands, "version": start.version})
    a.output.write_text(model.to_json(), "utf-8")
    print(summary.levels.to_string())
    print(summary.thresholds.to_string())
    print(summary.counts, model.hash())


if __name__ == "__main__":
    main()
