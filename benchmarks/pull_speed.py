"""What the client of interfaces costs per record, beside a dlt pipeline on the same server, which serves pages made beforehand.

``python benchmarks/pull_speed.py [--records N] [--seed N] [--dirt X]``; needs the extra ``bench``. Each competitor is a process
of its own, one after the other; the server is another process. What is compared are processor seconds of the client."""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.measure import BENCHMARKS, part
from zp_registry.simulator import Dirt, generate

from zp_registry.mapping import load_mappings
from zp_registry.rehearsal import report_records

PLATFORMS = {"xiaohongshu": "F", "weipaitang": "D"}
SIZE = 200


def pages(folder: Path, records: int, seed: int, dirt: float) -> dict[str, dict[str, str]]:
    """Answers by platform and start, of so many records each. Every record has a key and stands once: dlt's merge stops at one
    that has none, and a list with doubles would be read twice by the registry."""
    generate(folder, seed=seed, accounts=round(records * 2.7), months=1, dirt=Dirt().scaled(dirt), ledger=False, flat=True,
             layouts=tuple(PLATFORMS))  # fmt: skip
    mappings, out = load_mappings(), {}
    for name, dialect in PLATFORMS.items():
        every = report_records(next(folder.glob(f"reports/{name}_*")), mappings, name)[""]
        keyed = {key: r for r in every if (key := r["red_id"] if dialect == "F" else r["shop"]["id"])}
        rows = list(keyed.values())[:records]
        if len(rows) < records:
            sys.exit(f"only {len(rows)} records of {name}")
        out[name] = {str(start): _page(name, rows, start) for start in range(0, records, SIZE)}
    return out


def _page(name: str, rows: list[dict[str, Any]], start: int) -> str:
    cut, after = rows[start : start + SIZE], start + SIZE
    link = f"BASE/{name}/v1/identity-reports?after={after}&limit={SIZE}" if after < len(rows) else None
    whole = {"data": cut, "total": len(rows)} if PLATFORMS[name] == "F" else {"items": cut, "next": link}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":"))


def compare(address: str, folder: Path, platform: str) -> list[dict[str, Any]]:
    """One run of each competitor on one platform."""
    ours = part("pull_ours", platform, address, folder / f"{platform}-ours").answer
    steps = {"staged": "registry, to staging", "whole": "registry, to the commit"}
    rows = [{"competitor": name, **ours[step]} for step, name in steps.items()]
    for base, way in itertools.product(("duckdb", "sqlite"), ("append", "merge")):
        done = part("pull_dlt", platform, address, folder / f"{platform}-{base}-{way}", base, way).answer
        rows.append({"competitor": f"dlt, {base}, {way}", **done})
    each = {r["competitor"]: r["cpu"] / r["records"] for r in rows}
    for r in rows:
        r |= {"dialect": PLATFORMS[platform], "platform": platform, "µs per record": round(each[r["competitor"]] * 1e6, 1),
              "share of dlt, sqlite, merge": round(each[r["competitor"]] / each["dlt, sqlite, merge"], 2)}  # fmt: skip
    return rows


def main() -> None:
    """Prints a table and writes ``results/pull_speed.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=31)
    parser.add_argument("--dirt", type=float, default=1.0)
    options = parser.parse_args()
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = folder / "pages.json"
        made.write_text(json.dumps(pages(folder / "world", options.records, options.seed, options.dirt)), "utf-8")
        server = subprocess.Popen([sys.executable, "-m", "bench.pages", str(made)], cwd=BENCHMARKS, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)  # fmt: skip
        assert server.stdout is not None
        try:
            address = server.stdout.readline().strip()
            for platform in PLATFORMS:
                results += compare(address, folder, platform)
        finally:
            server.kill()
            server.wait()
    columns = ("dialect", "competitor", "records", "rejected", "cpu", "seconds", "µs per record", "share of dlt, sqlite, merge")
    print("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns))
    for r in results:
        print("| " + " | ".join(str(r.get(c, "")) for c in columns) + " |")
    target = BENCHMARKS / "results" / "pull_speed.json"
    target.write_text(json.dumps({"options": vars(options), "runs": results}, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
