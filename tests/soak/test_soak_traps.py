"""People who are easily taken for each other stay apart, in twenty invented counties. Only under ``make soak``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from zp_registry.cli import main

pytestmark = pytest.mark.soak
# Same name and same town (also in one market, also with the same visible digits), couples, a market, an agency's phone.
TRAPS = ("namesake", "namesake_market", "namesake_digits", "couple", "market", "agency_phone")
# Those that show numbers, those that mask them and those that show none.
LAYOUTS = "douyin,kuaishou,taobao,pinduoduo,weipaitang"


def told(home: Path, *words: str) -> dict[str, Any]:
    """One command with its machine-readable answer; 0 and 3 are successes."""
    done = CliRunner().invoke(main, [*words, "--home", str(home), "--json"])
    assert done.exit_code in (0, 3), done.output[-2000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("seed", range(401, 421))
def test_no_wrong_merge_in_the_traps(tmp_path: Path, seed: int) -> None:
    world, home = tmp_path / "world", tmp_path / "home"
    dirt = (0.5, 1.0, 2.0)[seed % 3]
    sizes = ["--seed", str(seed), "--parties", "400", "--months", "1", "--dirt", str(dirt), "--layouts", LAYOUTS, "--no-ledger"]
    subprocess.run([sys.executable, "-m", "zp_registry.simulator", world, *sizes], check=True, capture_output=True)
    told(home, "import", str(world / "reports"))
    told(home, "resolve")
    figures = told(home, "evaluate", str(world / "truth" / "truth_accounts.csv"))
    by_trap = {row["word"]: row for row in figures["traps"]}
    counts = {trap: [by_trap[trap][k] for k in ("accounts", "pairs_true", "pairs_found", "wrong")] for trap in TRAPS}
    print(json.dumps({"seed": seed, "dirt": dirt, **{k: figures["entities"][k] for k in ("precision", "recall")}, **counts}))
    assert {trap: count[-1] for trap, count in counts.items()} == dict.fromkeys(TRAPS, 0)
    assert all(count[0] >= 2 for count in counts.values()), "each trap is there"
