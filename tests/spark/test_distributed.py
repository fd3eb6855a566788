"""On Spark as on this machine: rows normalised, and who is who."""

from __future__ import annotations

import functools
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner
from pandas.testing import assert_frame_equal
from sqlalchemy import Connection, text
from worlds import world
from zp_registry.jobs.derive import resolve_within
from zp_registry.simulator import Dirt, generate

from zp_registry.cli import main
from zp_registry.frames import MAPPED, NORMALISED, STREAMERS, STREAMERS_NORMALISED
from zp_registry.home import Home
from zp_registry.mapping import load_mappings, map_report
from zp_registry.mapping.report import MappedReport
from zp_registry.normalise import Normalised, normalise_frame
from zp_registry.normalise.distributed import normalise_files, packed, unpacked
from zp_registry.registry import bulk
from zp_registry.resolve.model import Engine
from zp_registry.sources.files import read_bytes

Counties = Callable[[int], list[Path]]
DAY = "2026-01-31"
# What starts quickly counts here, and not what runs long; what the environment says goes before.
QUICK = {"MASTER": "local[2]", "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
SMALL = 1700  # accounts, of some 2,000 records
LARGE = pytest.param(int(os.environ.get("ZP_TEST_SPARK_ACCOUNTS", "42500")), marks=pytest.mark.soak)  # of some 50,000


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    """A Spark session on this machine, for all tests of this file."""
    pytest.importorskip("pyspark", reason="pyspark is not installed: make test EXTRAS=test,spark")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("Java is not installed")
    from zp_registry.spark import spark_session

    with pytest.MonkeyPatch.context() as patch:
        for name in QUICK.keys() - os.environ.keys():
            patch.setenv(name, QUICK[name])
        session = spark_session()
        yield session
        session.stop()


@pytest.fixture(scope="module")
def counties(tmp_path_factory: pytest.TempPathFactory) -> Counties:
    """The report files of a county with so many accounts, one month of all layouts, dirtier than they are."""

    @functools.cache
    def made(accounts: int) -> list[Path]:
        folder = tmp_path_factory.mktemp("county")
        generate(folder, seed=77, accounts=accounts, months=1, dirt=Dirt().scaled(3), ledger=False, flat=True)
        return sorted((folder / "reports").iterdir())

    return made


def _reports(files: list[Path]) -> list[MappedReport]:
    mappings = load_mappings()
    return [map_report(read_bytes(p.name, p.read_bytes()), mappings) for p in files]


def _same(one: Normalised, other: Normalised) -> None:
    """Equal but for the order of faults of different rows."""
    assert_frame_equal(one.frame.reset_index(drop=True), other.frame.reset_index(drop=True))
    for name in ("streamers", "faults"):
        left, right = (getattr(x, name).sort_values("idx", kind="stable", ignore_index=True) for x in (one, other))
        assert_frame_equal(left, right)


def _pieces(mapped: MappedReport, count: int) -> Normalised:
    """Normalised in ``count`` pieces of rows taken in turns, as a cluster would deal them."""
    table = packed(mapped.frame, mapped.streamers, mapped.faults)
    done = []
    for n in range(count):
        part = unpacked(table.iloc[n::count], MAPPED, STREAMERS)
        out = normalise_frame(part.frame, part.streamers, part.faults, headers=mapped.headers, today=DAY)
        done.append(packed(out.frame, out.streamers, out.faults))
    return unpacked(pd.concat(done, ignore_index=True), NORMALISED, STREAMERS_NORMALISED)


def test_in_pieces_as_in_one_go(counties: Counties) -> None:
    reports = _reports(counties(SMALL))
    assert sum(len(m.frame) for m in reports) >= 2000
    for mapped in reports:
        whole = normalise_frame(mapped.frame, mapped.streamers, mapped.faults, headers=mapped.headers, today=DAY)
        assert len(whole.faults)
        _same(whole, _pieces(mapped, 3))


@pytest.mark.parametrize("accounts", [SMALL, LARGE])
def test_files_that_spark_normalises_hold_what_one_go_gives(
    spark: Any, counties: Counties, tmp_path: Path, accounts: int
) -> None:
    people = 0
    layouts = ("douyin", "wechat") if accounts == SMALL else ("",)
    for number, mapped in enumerate(_reports([p for p in counties(accounts) if p.name.startswith(layouts)])):
        options: dict[str, Any] = {"headers": mapped.headers, "today": DAY}
        whole = normalise_frame(mapped.frame, mapped.streamers, mapped.faults, **options)
        people += len(whole.streamers)
        assert len(whole.faults)
        source, target = tmp_path / f"mapped{number}", tmp_path / f"normalised{number}"
        source.mkdir()
        table = packed(mapped.frame, mapped.streamers, mapped.faults)
        for piece in range(3):
            table.iloc[piece::3].to_parquet(source / f"{piece}.parquet", index=False)
        normalise_files(source, target, **options)
        assert len(list(target.glob("*.parquet"))) > 1, "in pieces"
        _same(whole, unpacked(pd.read_parquet(target), NORMALISED, STREAMERS_NORMALISED))
    assert people, "on camera"


@pytest.mark.parametrize("accounts", [SMALL, LARGE])
def test_spark_and_duckdb_agree_who_is_who(
    spark: Any, counties: Counties, home: Home, tmp_path: Path, accounts: int
) -> None:
    with world(home.root, tmp_path / "files") as county:
        for report in counties(accounts):
            county.load(report)
    jobs = spark.sparkContext.statusTracker()
    before = len(jobs.getJobIdsForGroup())
    done = CliRunner().invoke(main, ["resolve", "--engine", "spark", "--home", str(home.root)])
    assert done.exit_code == 0, done.stderr
    assert len(jobs.getJobIdsForGroup()) > before, "Spark did it"
    assert [p.name for p in home.cache.iterdir() if not p.name.startswith("match-")] == [], "no rows are left in files"
    with world(home.root, tmp_path / "files") as county, county.office.engine.connect() as connection:
        stood = _who(connection)
        assert set(stood["tier"].dropna()) == {"exact", "partial", "model"}
        assert {"positive", "unsure"} <= set(stood["judgement"].dropna())
        took = {}
        engines: tuple[Engine, ...] = ("duckdb",) if accounts == SMALL else ("duckdb", "spark")
        for engine in engines:
            begun = time.monotonic()
            resolve_within(connection, county.office, "2026-02-01T00:00:00.000+00:00", full=True, engine=engine)
            took[engine] = time.monotonic() - begun
            assert_frame_equal(_who(connection), stood)
        records = connection.execute(text("SELECT count(*) FROM record")).scalar()
    print(f"{records} records, {len(stood)} edges", *(f"{engine} {seconds:.1f} s" for engine, seconds in took.items()))


def _who(connection: Connection) -> pd.DataFrame:
    """Each subject's entity, and every live edge of the machine."""
    subjects = bulk.read(connection, "SELECT id AS left_id, current_id FROM subject ORDER BY id")
    edges = bulk.read(
        connection,
        "SELECT left_id, right_id, judgement, tier, rule, score, why FROM edge WHERE deleted_at IS NULL "
        "ORDER BY left_id, right_id",
    )
    return pd.concat([subjects, edges], ignore_index=True)
