"""Rows are normalised each by itself: in pieces, on Spark, they come out as in one go."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from zp_registry.simulator import Dirt, generate

from zp_registry.frames import MAPPED, NORMALISED, STREAMERS, STREAMERS_NORMALISED
from zp_registry.mapping import load_mappings, map_report
from zp_registry.mapping.report import MappedReport
from zp_registry.normalise import Normalised, normalise_frame
from zp_registry.normalise.distributed import normalised_by_spark, packed, unpacked
from zp_registry.sources.files import read_bytes

DAY = "2026-01-31"


def _reports(folder: Path, accounts: int) -> list[MappedReport]:
    generate(folder, seed=77, accounts=accounts, months=1, dirt=Dirt().scaled(3), ledger=False, flat=True)
    mappings = load_mappings()
    files = [read_bytes(p.name, p.read_bytes()) for p in sorted((folder / "reports").iterdir())]
    return [map_report(file, mappings) for file in files]


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


def test_in_pieces_as_in_one_go(tmp_path: Path) -> None:
    reports = _reports(tmp_path, 2000)
    assert sum(len(m.frame) for m in reports) >= 2000
    for mapped in reports:
        whole = normalise_frame(mapped.frame, mapped.streamers, mapped.faults, headers=mapped.headers, today=DAY)
        assert len(whole.faults)
        _same(whole, _pieces(mapped, 7))


@pytest.mark.soak  # needs the extra `spark`, and Java
def test_on_spark_as_in_one_go(tmp_path: Path) -> None:
    reports = _reports(tmp_path, 50_000)
    assert sum(len(m.frame) for m in reports) >= 50_000
    for mapped in reports:
        options = {"headers": mapped.headers, "today": DAY}
        whole = normalise_frame(mapped.frame, mapped.streamers, mapped.faults, **options)  # type: ignore[arg-type]
        _same(whole, normalised_by_spark(mapped.frame, mapped.streamers, mapped.faults, **options))
