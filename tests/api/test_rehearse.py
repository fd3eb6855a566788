"""The rehearsal as an operator runs it: a server in one process, the check and the pull in others."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PROGRAM = str(Path(sys.executable).with_name("zp-registry"))
REPORT = Path(__file__).parents[2] / "sample_data" / "inbox" / "reports" / "kuaishou_20260930.csv"


def test_a_report_file_is_rehearsed_checked_and_pulled(tmp_path: Path) -> None:
    faults, out = tmp_path / "faults.yaml", tmp_path / "rehearsal"
    faults.write_text("- {at: 2, status: 503}\n", "utf-8")
    clean = {k: v for k, v in os.environ.items() if not k.startswith("ZP_")}
    server = subprocess.Popen([PROGRAM, "rehearse", f"kuaishou={REPORT}", "--output", out, "--faults", faults, "--json",
                               "--home", tmp_path / "server"], env=clean, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 90
        while not (out / "zp-registry.toml").exists() and server.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        client = {**clean, "ZP_CONFIG": str(out / "zp-registry.toml")}
        for words in (["pull", "--check"], ["pull", "--as-of", "2026-09-30"]):
            done = subprocess.run([PROGRAM, *words, "--json", "--home", tmp_path / "client"], env=client, capture_output=True,
                                  check=False)
            assert done.returncode in (0, 3), done.stderr.decode()
        [file] = json.loads(done.stdout)["files"]
        assert (file["state"], file["as_of"]) == ("loaded", "2026-09-30")
        server.send_signal(signal.SIGTERM)
        told = json.loads(server.communicate(timeout=60)[0])
        assert told["refusals"] == {"kuaishou": {}}
        assert told["faults"]["kuaishou"]["status"] == 1
    finally:
        server.kill()
        server.wait()
