"""A kill at any moment leaves all of a file or nothing of it, and the next run says that the former was killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from worlds import kuaishou, person, row, world

from zp_registry.home import Home

ROWS = 3000
IMPORT = """
import sys
from pathlib import Path
from zp_registry.jobs.imports import Options, import_file
from zp_registry.jobs.office import at_work
from zp_registry.settings import Settings
with at_work(Settings(home=Path(sys.argv[1])), "import") as office:
    print("ready", flush=True)
    print(import_file(office, Path(sys.argv[2]), Options()).state, flush=True)
"""


def _start(home: Home, path: Path) -> subprocess.Popen[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("ZP_")}
    process = subprocess.Popen(
        [sys.executable, "-c", IMPORT, str(home.root), str(path)], stdout=subprocess.PIPE, text=True, env=clean
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def _wait_for_writes(home: Home, grown: int) -> None:
    """Until the write-ahead log has grown: the file's transaction is under way (or done)."""
    wal, until = home.db / "registry.sqlite-wal", time.monotonic() + 60
    before = wal.stat().st_size if wal.exists() else 0
    while time.monotonic() < until:
        if wal.exists() and wal.stat().st_size > before + grown:
            return
        time.sleep(0.002)
    raise AssertionError("the import wrote nothing")


def test_a_killed_import_leaves_all_or_nothing(home: Home, tmp_path: Path) -> None:
    one = row("k", person(1))
    path = kuaishou(
        tmp_path / "kuaishou_20260131.csv", [one | {"account_id": f"k{n}", "account_name": f"n{n}"} for n in range(ROWS)]
    )
    chance = random.Random(7)
    with world(home.root, tmp_path / "files"):
        pass  # the schema stands before the first kill
    done = False
    for moment in range(3):
        process = _start(home, path)
        if moment == 0:
            time.sleep(chance.uniform(0.05, 0.3))  # while reading or staging
        else:
            _wait_for_writes(home, chance.randrange(1, 1_500_000))  # while writing
        process.send_signal(signal.SIGKILL)
        process.wait()
        with world(home.root, tmp_path / "files") as after:
            counts = {t: len(after.sql(f"SELECT 1 FROM {t}")) for t in ("report_file", "report", "record", "sighting")}
            assert counts in (
                {"report_file": 0, "report": 0, "record": 0, "sighting": 0},
                {"report_file": 1, "report": 1, "record": ROWS, "sighting": ROWS},
            )
            runs = after.sql("SELECT state FROM run WHERE command = 'import' ORDER BY started_at")["state"]
            done = counts["record"] == ROWS
            # A kill may come when all is done already; one that comes earlier is always told.
            assert runs.tolist()[:moment] == ["killed"] * moment
            assert runs.tolist()[moment:] in (["killed"], ["done"] if done else ["killed"])
        if done:
            break
    with world(home.root, tmp_path / "files") as after:
        outcome = after.load(path)
        assert outcome.state == ("unchanged" if done else "loaded")
        assert len(after.sql("SELECT 1 FROM sighting")) == ROWS
        after.night()
        assert len(after.accounts()) == ROWS
