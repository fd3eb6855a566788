"""Long runs: larger, longer and dirtier counties keep what the default one promises. Only under ``make soak``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.soak
PROGRAM = Path(sys.executable).with_name("zp-registry")


def told(home: Path, *words: str) -> dict[str, Any]:
    """One command of the installed program with its machine-readable answer; 0 and 3 are successes."""
    done = subprocess.run([PROGRAM, *words, "--home", home, "--json"], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 3), done.stderr[-2000:]
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("seed", "parties", "months", "dirt"), [(301, 3000, 12, 1.0), (302, 1500, 6, 8.0), (303, 300, 24, 2.0)]
)
def test_no_account_is_lost_and_no_two_parties_become_one(
    tmp_path: Path, seed: int, parties: int, months: int, dirt: float
) -> None:
    world, home = tmp_path / "world", tmp_path / "home"
    sizes = ["--seed", str(seed), "--parties", str(parties), "--months", str(months), "--dirt", str(dirt)]
    subprocess.run([sys.executable, "-m", "zp_registry.simulator", world, *sizes], check=True, capture_output=True)
    files = told(home, "import", str(world / "reports"))["files"]
    assert all(f["adds_up"] for f in files)
    told(home, "pledges", "import", str(world / "pledges"))
    told(home, "resolve")
    figures = told(home, "evaluate", str(world / "truth" / "truth_accounts.csv"))
    assert figures["entities"]["accounts_lost"] == 0
    assert figures["entities"]["precision"] >= 0.999
    assert figures["pledges"]["right"] >= 0.98
    again = told(home, "import", str(world / "reports"))["files"]
    assert all(f["state"] == "unchanged" for f in again if f["state"] != "refused")
    assert told(home, "resolve") == {"changed": False}
