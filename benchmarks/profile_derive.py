"""Where the time and the memory of the slowest stage go: histories and flags of a registry, as after any change.

python benchmarks/profile_derive.py HOME [--out benchmarks/results] [--full]

Writes profile_derive.txt (pyinstrument: a tree of seconds) and memory_derive.txt (memray: the peak, what held it, everything).
Two runs, each in a process of its own, since either would disturb the other; HOME's database is as it was afterwards, but
upgraded. ``--full``: who is who is resolved anew, too.
"""

from __future__ import annotations

import argparse
import collections
import datetime as dt
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OWN = ("zp_registry", "jobs")
SHOWN = 25


def derive(home: Path, full: bool, watch: Any) -> None:
    """Resolves and flags within ``watch``, and takes it back."""
    import structlog
    from zp_registry.jobs.derive import derive_within
    from zp_registry.jobs.office import open_office

    from zp_registry.registry.state import write_state
    from zp_registry.settings import load_settings

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    office = open_office(load_settings(home))
    with office.engine.connect() as connection:
        write_state(connection, "derived_from", "")
        with watch:
            derive_within(connection, office, full=full)
        connection.rollback()


def seconds(home: Path, full: bool) -> str:
    """The tree of seconds."""
    from pyinstrument import Profiler

    profiler = Profiler(interval=0.002)
    derive(home, full, profiler)
    return str(profiler.output_text(unicode=True, color=False, show_all=False))


def memory(home: Path, full: bool) -> str:
    """The peak and the lines of this project that held it, then memray's own figures of everything that was allocated."""
    import memray

    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "derive.bin"
        derive(home, full, memray.Tracker(told))
        reader = memray.FileReader(told)
        held: collections.Counter[str] = collections.Counter()
        for record in reader.get_high_watermark_allocation_records(merge_threads=True):
            held[_whose(record.stack_trace())] += record.size
        words = [sys.executable, "-m", "memray", "stats", "-n", str(SHOWN), str(told)]
        stats = subprocess.run(words, env={**os.environ, "COLUMNS": "150"}, capture_output=True, text=True, check=True).stdout
        peak = f"peak of what was allocated: {reader.metadata.peak_memory / 2**20:,.0f} MiB"
        lines = [peak, "", "held at the peak, MiB, by line of this project:"]
        lines += [f"{size / 2**20:10,.1f}  {where}" for where, size in held.most_common(SHOWN)]
        return "\n".join([*lines, "", "everything that was allocated:", stats])


def _whose(frames: list[tuple[str, str, int]]) -> str:
    """The innermost line of this project."""
    for function, file, line in frames:
        path = Path(file)
        if path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in OWN:
            return f"{function}  {path.relative_to(ROOT)}:{line}"
    return "outside: " + (f"{frames[-1][0]}  {Path(frames[-1][1]).name}" if frames else "no Python frame")


def main() -> None:
    """Each of the two in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--part", choices=("seconds", "memory"), help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.part:
        print({"seconds": seconds, "memory": memory}[a.part](a.home, a.full))
        return
    for part, name in (("seconds", "profile_derive.txt"), ("memory", "memory_derive.txt")):
        words = [sys.executable, __file__, str(a.home), "--part", part, *(["--full"] if a.full else [])]
        # Arrow's own pools would show as a few large pieces, whoever asked for them.
        environ = {**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system", "PYTHONPATH": str(ROOT)}
        done = subprocess.run(words, env=environ, stdout=subprocess.PIPE, text=True, check=True)
        text = re.sub(r"[^\s:]*/(site-packages|python3\.\d+)/", "", done.stdout.replace(f"{ROOT}/", ""))
        head = f"{dt.datetime.now(tz=dt.UTC).date()}, profile_derive.py{' --full' if a.full else ''}\n\n"
        (a.out / name).write_text(head + "\n".join(line.rstrip() for line in text.splitlines()) + "\n", "utf-8")


if __name__ == "__main__":
    main()
