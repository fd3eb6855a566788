"""One registry, whatever the order and the batches in which its files came, and on either database."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest
from worlds import comparable, world
from zp_registry.simulator import Dirt, generate


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, str]]:
    out = tmp_path_factory.mktemp("small")
    generate(
        out,
        seed=9,
        parties=60,
        months=3,
        dirt=Dirt().scaled(3),
        layouts=("kuaishou", "taobao", "wechat_channels", "weipaitang", "province_share"),
    )
    found = [(p, "report") for p in sorted(out.glob("reports/**/*.*"))] + [
        (p, "pledge") for p in sorted(out.glob("pledges/*.*"))
    ]
    assert len(found) > 15
    return found


def _registry(folder: Path, order: list[tuple[Path, str]], nights: set[int], url: str | None = None) -> dict[str, list[Any]]:
    """Loads in this order, deriving after the files numbered in ``nights`` and at the end; the exports in a comparable form."""
    with world(folder / "home", folder / "files", url) as county:
        for n, (path, kind) in enumerate(order):
            county.try_load(path, kind=kind)
            if n in nights:
                county.night()
        county.night()
        return comparable(county.office)


@pytest.fixture(scope="module")
def straight(files: list[tuple[Path, str]], tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """In order of dates, one night at the end, on SQLite."""
    return _registry(tmp_path_factory.mktemp("straight"), files, set())


def _same(left: dict[str, list[Any]], right: dict[str, list[Any]]) -> None:
    for name in left:
        a, b = {tuple(r) for r in left[name]}, {tuple(r) for r in right[name]}
        assert len(left[name]) == len(right[name]), f"{name}: {sorted(a ^ b)[:6]}"
        assert a == b, f"{name}: {sorted(a ^ b)[:6]}"


def test_the_world_has_what_matters(straight: dict[str, list[Any]]) -> None:
    assert len(straight["accounts"]) > 60
    codes = {r[1] for r in straight["flags"]}
    assert {"PLEDGE_MISSING", "HOLDER_CHANGED"} <= codes
    assert not [r for r in straight["entities"] if r[0].startswith("?")], "nobody stands there who never held an account"
    assert straight["rejects"]
    assert straight["cases"]


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_and_the_batches_do_not_matter(
    files: list[tuple[Path, str]], straight: dict[str, list[Any]], tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    order = files.copy()
    chance.shuffle(order)
    nights = set(chance.sample(range(len(order)), 3)) if seed % 2 else set()
    _same(_registry(tmp_path, order, nights), straight)


@pytest.mark.postgres
def test_postgresql_holds_the_same(
    files: list[tuple[Path, str]], straight: dict[str, list[Any]], tmp_path: Path, postgres_url: str
) -> None:
    order = files.copy()
    random.Random(3).shuffle(order)
    _same(_registry(tmp_path, order, {6}, postgres_url), straight)


@pytest.mark.soak
@pytest.mark.postgres
@pytest.mark.parametrize(("seed", "dirt"), [(41, 0.0), (42, 1.0), (43, 4.0), (44, 8.0)])
def test_both_databases_hold_the_same_of_any_county(tmp_path: Path, postgres_url: str, seed: int, dirt: float) -> None:
    """Every layout, four months, loaded in an order and with nights between that chance gives, on each database its own."""
    generate(tmp_path / "world", seed=seed, parties=70, months=4, dirt=Dirt().scaled(dirt))
    found = [(p, "report") for p in sorted((tmp_path / "world").glob("reports/**/*.*"))]
    found += [(p, "pledge") for p in sorted((tmp_path / "world").glob("pledges/*.*"))]
    told = []
    for n, url in enumerate((None, postgres_url)):
        chance = random.Random(100 * seed + n)
        order = found.copy()
        chance.shuffle(order)
        told.append(_registry(tmp_path / str(n), order, set(chance.sample(range(len(order)), 3)), url))
    assert told[0]["accounts"]
    _same(*told)


# Seeds whose small counties have, each, holders that change, numbers that platforms begin to mask, farms, closings.
YEARS = [(31, 80, 1.0), (32, 60, 4.0), (33, 60, 0.0), (35, 80, 8.0)]


@pytest.mark.soak
@pytest.mark.parametrize(("seed", "parties", "dirt"), YEARS)
def test_twelve_months_night_by_night_are_twelve_months_in_one_go(
    tmp_path: Path, seed: int, parties: int, dirt: float
) -> None:
    """Every month a night, one report in six a month or two late, one sent again corrected in the next month; against all of it
    at once, backwards but for what takes another's place."""
    layouts = ("douyin", "kuaishou", "wechat_channels", "weipaitang", "province_share")
    generate(tmp_path / "world", seed=seed, parties=parties, months=12, dirt=Dirt().scaled(dirt), layouts=layouts)
    chance = random.Random(seed)
    ledgers = [(p, "pledge") for p in sorted((tmp_path / "world").glob("pledges/*.*"))]
    months: list[list[tuple[Path, str]]] = [[] for _ in range(16)]
    reports = sorted((tmp_path / "world").glob("reports/**/*.*"))
    dates = sorted({re.findall(r"20\d{4}", p.name)[0] for p in reports if re.search(r"20\d{4}", p.name)})
    for path in reports:
        due = dates.index(m[0]) if (m := re.findall(r"20\d{4}", path.name)) else 11
        months[due + (chance.choice((1, 2)) if chance.random() < 0.17 else 0)].append((path, "report"))
    again = chance.choice([p for p, _ in months[3] if p.suffix == ".csv"] or [p for p, _ in months[3]])
    shorter = tmp_path / "again" / again.name
    shorter.parent.mkdir()
    lines = again.read_bytes().splitlines(keepends=True)
    shorter.write_bytes(b"".join(lines[:1] + lines[2:]) if again.suffix == ".csv" else again.read_bytes())
    months[5].append((shorter, "report"))
    months[chance.randrange(12)] += ledgers
    order = [pair for month in months for pair in month]
    ends = [sum(len(m) for m in months[: n + 1]) - 1 for n in range(len(months))]
    nightly = _registry(tmp_path / "a", order, {e for e in ends if e >= 0})
    backwards = [p for p in order[::-1] if p[0] != shorter]
    backwards.insert(backwards.index((again, "report")) + 1, (shorter, "report"))
    at_once = _registry(tmp_path / "b", backwards, set())
    assert nightly["cases"]
    _same(nightly, at_once)
