"""A simulated county in a registry: so many records that stand, and a tenth of it (10,000 at most) that comes a day later.

The records that come later are all reports of accounts drawn at random from the platforms that report in text files; other
accounts of the same parties stand in the registry already, so a late record joins a standing entity as often as in life.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import random
import re
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from .measure import product

MONTHS = 2  # so that accounts go on from month to month
RECORDS_PER_ACCOUNT = 1.64  # distinct reports of an account in two months, the province's among them; more in small worlds
LATE_LAYOUTS = {"kuaishou": "快手ID", "xiaohongshu": "red_id", "weipaitang": "shop"}


@dataclass(frozen=True)
class World:
    """``accounts`` in the labels, ``late`` reports of so many accounts held back, and seconds that loading took."""

    records: int
    seed: int
    dirt: float
    accounts: int
    late: int
    rows: int
    load_seconds: float


def make(folder: Path, records: int, seed: int, dirt: float = 1.0) -> World:
    """Writes ``world/``, ``late/`` and the registry ``standing/`` under ``folder``, or takes those that are there."""
    note = folder / "world.json"
    if note.exists():
        made = World(**json.loads(note.read_text()))
        if (made.records, made.seed, made.dirt) != (records, seed, dirt):
            sys.exit(f"{folder} holds {made.records} records of seed {made.seed}, dirt {made.dirt}")
        return made
    for old in ("world", "late", "standing"):
        shutil.rmtree(folder / old, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    counts = _simulate(folder / "world", round(records / RECORDS_PER_ACCOUNT), seed, dirt)
    late = _hold_back(folder / "world" / "reports", folder / "late", min(10_000, records // 10), seed)
    (folder / "standing").mkdir()
    loaded = product(folder / "standing", "import", folder / "world" / "reports")
    refused = [f["name"] for f in loaded.answer["files"] if f["state"] != "loaded"]
    if refused:
        sys.exit(f"not loaded: {', '.join(refused)}")
    made = World(records, seed, dirt, counts["accounts"], late, counts["rows"], loaded.seconds)
    note.write_text(json.dumps(asdict(made)))
    return made


def fresh(folder: Path) -> Path:
    """A copy of the standing registry to work in, upgraded to the present tables."""
    home = folder / "home"
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(folder / "standing", home)
    product(home, "init")
    return home


def load_late(folder: Path, home: Path) -> int:
    """Loads the reports held back, dated a day later; the number of new records."""
    day = max(re.findall(r"_(\d{8})", p.name)[0] for p in (folder / "late").iterdir())
    next_day = (dt.datetime.strptime(day, "%Y%m%d") + dt.timedelta(days=1)).date().isoformat()
    loaded = product(home, "import", folder / "late", "--as-of", next_day, "--scope", "delta")
    return sum(int(f["counts"]["loaded"]) for f in loaded.answer["files"])


def _simulate(world: Path, accounts: int, seed: int, dirt: float) -> dict[str, int]:
    options = {"--seed": seed, "--accounts": accounts, "--months": MONTHS, "--dirt": dirt}
    words = [str(x) for pair in options.items() for x in pair]
    done = subprocess.run(
        [sys.executable, "-m", "zp_registry.simulator", str(world), *words, "--no-ledger"],
        check=True,
        capture_output=True,
        text=True,
    )
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def _hold_back(reports: Path, late: Path, count: int, seed: int) -> int:
    """Moves every report of ``count`` random accounts out of ``reports``; the last month's goes to ``late``."""
    late.mkdir()
    files = {name: sorted(reports.glob(f"*/{name}_*")) for name in LATE_LAYOUTS}
    last = [(name, key) for name, paths in files.items() for key in _keys(paths[-1], name) if key]
    accounts = sorted(set(last))
    chosen = set(random.Random(seed).sample(accounts, min(count, len(accounts))))
    for name, paths in files.items():
        for path in paths:
            head, lines = _lines(path)
            keys = _keys(path, name)
            out = [(name, key) in chosen for key in keys]
            if path == paths[-1]:
                (late / path.name).write_bytes(b"".join([head, *(x for x, o in zip(lines, out, strict=True) if o)]))
            path.write_bytes(b"".join([head, *(x for x, o in zip(lines, out, strict=True) if not o)]))
    return len(chosen)


def _lines(path: Path) -> tuple[bytes, list[bytes]]:
    """The header and the rows as they stand in the file; a cell may hold a line break."""
    rows: list[bytes] = []
    whole = True
    for line in path.read_bytes().splitlines(keepends=True):
        if whole:
            rows.append(line)
        else:
            rows[-1] += line
        whole = path.suffix == ".jsonl" or rows[-1].count(b'"') % 2 == 0
    return (b"", rows) if path.suffix == ".jsonl" else (rows[0], rows[1:])


def _keys(path: Path, name: str) -> list[str]:
    """The account id of every line after the header."""
    head, lines = _lines(path)
    if path.suffix == ".jsonl":
        return [str(json.loads(line)["shop"]["id"] or "") for line in lines]
    content = head + b"".join(lines)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("gb18030")
    rows = list(csv.reader(io.StringIO(text)))
    at = rows[0].index(LATE_LAYOUTS[name])
    if len(rows) != len(lines) + 1:
        raise ValueError(f"{path.name}: rows cannot be told apart")
    return [row[at] if len(row) > at else "" for row in rows[1:]]
