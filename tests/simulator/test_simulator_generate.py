"""Seeds, sizes, the command line and the committed sample."""

from __future__ import annotations

import filecmp
import json
import zipfile
from pathlib import Path

import pytest
import zp_registry.simulator as simulator
from click.testing import CliRunner
from sim_readback import labels, pages
from zp_registry.simulator import CLEAN, Dirt, generate
from zp_registry.simulator.__main__ import main
from zp_registry.simulator.sample import make

SAMPLE = Path(__file__).parents[2] / "sample_data"


def _same(a: Path, b: Path) -> list[str]:
    """Files that differ or stand in one folder only."""
    names = {p.relative_to(a).as_posix() for p in a.rglob("*") if p.is_file()} | {
        p.relative_to(b).as_posix() for p in b.rglob("*") if p.is_file()
    }
    return sorted(
        n for n in names if not (a / n).exists() or not (b / n).exists() or not filecmp.cmp(a / n, b / n, shallow=False)
    )


def test_same_arguments_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        generate(tmp_path / name, seed=5, accounts=150, months=2)
    assert any((tmp_path / "a").rglob("*.xls"))
    assert _same(tmp_path / "a", tmp_path / "b") == []


def test_seeds_differ(tmp_path: Path) -> None:
    for seed in (1, 2):
        generate(tmp_path / str(seed), seed=seed, accounts=60, months=1, dirt=CLEAN)
    first, second = (({r["account_id"] for r in labels(tmp_path / s, "accounts")}) for s in ("1", "2"))
    assert len(first) == len(second) == 60
    assert not first & second


@pytest.mark.parametrize(("accounts", "months"), [(10, 1), (10, 24), (40, 24)])
def test_small_and_long_worlds(tmp_path: Path, accounts: int, months: int) -> None:
    counts = generate(tmp_path, seed=3, accounts=accounts, months=months, start="2024-11")
    rows = labels(tmp_path, "accounts")
    assert counts["accounts"] == accounts
    assert len({(r["platform"], r["account_id"]) for r in rows}) == accounts
    last = "2024-11" if months == 1 else "2026-10"
    assert max(r["month"] for r in rows) == last
    assert len({p.day for p in pages(tmp_path)}) == months


def test_layouts_can_be_chosen(tmp_path: Path) -> None:
    generate(tmp_path, seed=3, accounts=50, months=1, layouts=("kuaishou", "weipaitang"), ledger=False)
    assert {p.platform for p in pages(tmp_path)} == {"kuaishou", "weipaitang"}
    assert {r["platform"] for r in labels(tmp_path, "accounts")} == {"kuaishou", "weipaitang"}
    assert not (tmp_path / "pledges").exists()


def test_more_dirt_spoils_more(tmp_path: Path) -> None:
    found = {}
    for factor in (1, 5):
        generate(tmp_path / str(factor), seed=4, accounts=300, months=1, dirt=Dirt().scaled(factor))
        found[factor] = len(labels(tmp_path / str(factor), "dirt"))
    assert found[5] > 2 * found[1] > 0


def test_a_platform_begins_to_mask(tmp_path: Path) -> None:
    generate(tmp_path, seed=6, accounts=300, months=3, dirt=Dirt(cells=CLEAN.cells, rows=CLEAN.rows, files=CLEAN.files))
    shares = {
        p.day: sum("*" in str(v) for v in p.cells("实名证件号")) / len(p.rows)
        for p in pages(tmp_path)
        if p.platform == "kuaishou"
    }
    assert sorted(shares.values())[0] == 0.0
    assert sorted(shares.values())[-1] == 1.0
    assert {r["type"] for r in labels(tmp_path, "benign")} >= {"masking"}


def test_wrong_sizes_and_layouts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="10 to 2000000"):
        generate(tmp_path, seed=1, accounts=9)
    with pytest.raises(ValueError, match="24 months"):
        generate(tmp_path, seed=1, months=25)
    with pytest.raises(ValueError, match="unknown layouts"):
        generate(tmp_path, seed=1, layouts=("douyin", "nowhere"))


def test_command(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, [str(tmp_path), "--seed", "7", "--parties", "30", "--months", "1", "--dirt", "0"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["parties"] == 30
    assert labels(tmp_path, "dirt") == []
    assert CliRunner().invoke(main, [str(tmp_path), "--seed", "7", "--layouts", "nowhere"]).exit_code == 2


def test_committed_sample_is_what_the_generator_makes(tmp_path: Path) -> None:
    make(tmp_path)
    for folder in ("inbox", "api", "truth"):
        assert _same(SAMPLE / folder, tmp_path / folder) == []


def test_sample_is_small_and_holds_what_the_demo_shows() -> None:
    files = [p for f in ("inbox", "api", "truth") for p in (SAMPLE / f).rglob("*") if p.is_file()]
    assert sum(p.stat().st_size for p in files) < 1_000_000
    reports = {p.name for p in (SAMPLE / "inbox/reports").iterdir()}
    assert {n.rsplit("_", 1)[0] for n in reports} >= set(simulator.LAYOUTS)
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(SAMPLE / "inbox/reports/taobao_20260930_2.xlsx")
    assert (SAMPLE / "inbox/reports/pinduoduo_20260930_2.csv").read_bytes().decode("gb18030").startswith("快手ID")
    records = [json.loads(x) for x in (SAMPLE / "api/xiaohongshu_20260930.jsonl").read_text("utf-8").splitlines()]
    assert len(records) > 20
    assert {r["report_date"] for r in records} == {"2026-09-30"}
    assert not any(n.startswith("xiaohongshu_20260930") for n in reports)
