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
def test_twelve_months_night_by_night_are_twelve_months_in_one_go(tmp_path: Path) -> None:
    layouts = ("douyin", "kuaishou", "wechat_channels", "weipaitang", "province_share")
    generate(tmp_path / "world", seed=31, parties=80, months=12, dirt=Dirt().scaled(1), layouts=layouts)
    reports = sorted((tmp_path / "world").glob("reports/**/*.*"), key=lambda p: (re.findall(r"20\d{4}", p.name), p.name))
    ledgers = [(p, "pledge") for p in sorted((tmp_path / "world").glob("pledges/*.*"))]
    order = [*ledgers, *((p, "report") for p in reports)]
    month = [re.findall(r"20\d{4}", p.name)[:1] for p, _ in order]
    nights = {n for n in range(len(ledgers), len(order) - 1) if month[n] != month[n + 1]}
    assert len(nights) >= 11
    nightly, at_once = _registry(tmp_path / "a", order, nights), _registry(tmp_path / "b", order[::-1], set())
    assert nightly["cases"]
    _same(nightly, at_once)
