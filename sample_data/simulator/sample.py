"""The committed sample: ``python -m zp_registry.simulator.sample OUT`` remakes it, byte for byte.

Three report dates in all nine layouts, the pledge ledger, two reports as the records of interfaces, a truncated workbook and
another platform's file under a wrong name.
"""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from pathlib import Path

import click

from .dirt import Dirt
from .generate import generate

SEED, ACCOUNTS, MONTHS, START, DIRT = 20260930, 300, 3, "2026-07", 1.0
BROKEN = "taobao_20260930_2.xlsx"
WRONG_NAME = "pinduoduo_20260930_2.csv"


def make(out: Path) -> None:
    """Write ``inbox/reports``, ``inbox/pledges``, ``api`` and ``truth`` under ``out``; what stood there goes away."""
    for name in ("inbox", "api", "truth"):
        shutil.rmtree(out / name, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        world = Path(folder)
        generate(
            world,
            seed=SEED,
            accounts=ACCOUNTS,
            months=MONTHS,
            start=START,
            dirt=Dirt().scaled(DIRT),
            flat=True,
            old_template=0.04,
        )
        reports = out / "inbox" / "reports"
        shutil.copytree(world / "reports", reports)
        shutil.copytree(world / "pledges", out / "inbox" / "pledges")
        shutil.copytree(world / "truth", out / "truth")
    for platform in ("xiaohongshu", "weipaitang"):
        _serve_by_interface(out, _newest(reports, platform))
    whole = _newest(reports, "taobao").read_bytes()
    (reports / BROKEN).write_bytes(whole[: len(whole) * 2 // 3])
    shutil.copyfile(_newest(reports, "kuaishou"), reports / WRONG_NAME)


def _newest(reports: Path, platform: str) -> Path:
    return max(reports.glob(f"{platform}_*"), key=lambda path: path.name[: len(platform) + 9])


def _serve_by_interface(out: Path, report: Path) -> None:
    """JSON Lines as an interface would give them: as they are, or of a csv one object per row, gaps null."""
    target = out / "api" / f"{report.name.split('.')[0]}.jsonl"
    target.parent.mkdir(parents=True, exist_ok=True)
    if report.suffix == ".jsonl":
        shutil.copyfile(report, target)
    else:
        with report.open(encoding="utf-8-sig", newline="") as lines:
            records = [{k: v or None for k, v in row.items()} for row in csv.DictReader(lines)]
        text = "".join(json.dumps(r, ensure_ascii=False, separators=(",", ":")) + "\n" for r in records)
        target.write_text(text, encoding="utf-8", newline="\n")
    report.unlink()
    for name in ("truth_rows.csv", "truth_dirt.csv"):
        labels = out / "truth" / name
        content = labels.read_bytes().replace(f"reports/{report.name}".encode(), f"api/{target.name}".encode())
        labels.write_bytes(content)


@click.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
def main(out: Path) -> None:
    """Write the sample into OUT (the checkout's sample_data to renew the committed one)."""
    make(out)


if __name__ == "__main__":
    main()
