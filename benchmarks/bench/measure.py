"""A command as a child process: what it printed, how long it took and how much memory it held at most."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BENCHMARKS = Path(__file__).resolve().parent.parent
PROGRAM = Path(sys.executable).with_name("zp-registry")


@dataclass(frozen=True)
class Measured:
    """``answer``: the JSON object that the command printed last · ``seconds``: wall clock from start to end, interpreter and
    imports included · ``cpu``: processor seconds of all threads · ``peak_mb``: largest resident set, in MiB · ``tree_mb``: the
    most memory that it and its children held together (shared pages once), in MiB, looked at every fifth of a second."""

    answer: dict[str, Any]
    seconds: float
    cpu: float
    peak_mb: int
    tree_mb: int = 0


def run(words: Sequence[str | Path], env: Mapping[str, str] | None = None, accepted: Sequence[int] = (0, 3)) -> Measured:
    """Runs ``words``; SystemExit with the end of its standard error when it fails."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        start = time.perf_counter()
        child = subprocess.Popen([str(w) for w in words], stdout=out, stderr=err, env={**os.environ, **(env or {})})
        with _watched(child.pid) as most:
            _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if child.returncode not in accepted:
            sys.exit(f"{' '.join(map(str, words))}: exit code {child.returncode}\n{err.read()[-3000:]}")
        lines = out.read().strip().splitlines()
    answer = json.loads(lines[-1]) if lines else {}
    peak = usage.ru_maxrss // 1024
    return Measured(answer, round(seconds, 2), round(usage.ru_utime + usage.ru_stime, 2), peak, most[0] // 1024 or peak)


@contextmanager
def _watched(pid: int) -> Iterator[list[int]]:
    """The most that a process and its children hold together, in KiB, as far as one look every fifth of a second tells."""
    most, over = [0], threading.Event()

    def look() -> None:
        while not over.wait(0.2):
            most[0] = max(most[0], sum(map(_held, _tree(pid))))

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield most
    finally:
        over.set()
        watcher.join()


def _tree(pid: int) -> list[int]:
    try:
        below = [int(p) for t in Path(f"/proc/{pid}/task").iterdir() for p in (t / "children").read_text().split()]
    except OSError:
        return []
    return [pid, *(p for child in below for p in _tree(child))]


def _held(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def product(home: Path, *words: str | Path) -> Measured:
    """One command of the installed program, as an operator gives it."""
    return run([PROGRAM, *words, "--home", home, "--json"])


def part(module: str, *words: str | Path) -> Measured:
    """One of the modules beside this one as a program."""
    paths = os.pathsep.join([str(BENCHMARKS), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return run([sys.executable, "-m", f"bench.{module}", *words], {"PYTHONPATH": paths})


def spent() -> float:
    """Processor seconds of this process and of its children that have ended."""
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


@dataclass
class Clock:
    """Wall-clock and processor seconds of named steps within one process."""

    seconds: dict[str, float] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        wall, processor = time.perf_counter(), time.process_time()
        yield
        self.seconds[name] = round(time.perf_counter() - wall, 3)
        self.cpu[name] = round(time.process_time() - processor, 3)
