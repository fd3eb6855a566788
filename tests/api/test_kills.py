"""Pulls killed at any moment: what they leave behind goes on to the same registry, and no refresh token is ever lost."""

from __future__ import annotations

import multiprocessing as mp
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rehearsed import county
from worlds import comparable
from zp_registry.jobs.derive import derive
from zp_registry.jobs.office import at_work
from zp_registry.jobs.pulls import pull_platforms

from zp_registry.rehearsal import Gateway
from zp_registry.settings import Settings

FORK = mp.get_context("forkserver")
FORK.set_forkserver_preload(["zp_registry.jobs.pulls", "zp_registry.jobs.derive"])
AS_OF = "2026-01-31"
NAMES = ["kuaishou", "wechat_channels"]
KEYS = {"kuaishou": "快手ID", "wechat_channels": "店铺（用户）唯一标识码"}
LIFE = 1.6  # seconds that a token lives: it is renewed about twice in a pull
RATE = 5
ROUND = 10  # kills before a pull is left to end


@pytest.fixture(scope="module")
def paged(reports: dict[str, Any]) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Enough records for several pages."""
    out = {}
    for name in NAMES:
        rows = reports[name][""]
        key = next(k for k in rows[0] if k.endswith(KEYS[name]))
        many = [dict(rows[i % len(rows)], **{key: f"{rows[i % len(rows)][key]}x{i // len(rows)}"}) for i in range(550)]
        out[name] = {"": many}
    return out


def _pull(settings: Settings, variables: dict[str, str]) -> None:
    os.environ.update(variables)
    with at_work(settings, "pull") as office:
        outcomes = pull_platforms(office, as_of=AS_OF)
    os._exit(0 if all(o.state in ("loaded", "unchanged") for o in outcomes) else 9)


def _started(settings: Settings) -> mp.process.BaseProcess:
    process = FORK.Process(target=_pull, args=(settings, {k: v for k, v in os.environ.items() if k.startswith("REHEARSED_")}))
    process.start()
    return process


def _to_its_end(settings: Settings) -> dict[str, list[Any]]:
    process = _started(settings)
    process.join(120)
    assert process.exitcode == 0
    with at_work(settings, "resolve") as office:
        derive(office)
        return comparable(office)


def _rotated(gateway: Gateway, process: mp.process.BaseProcess) -> None:
    """Waits until the platform has given a further refresh token, or the pull has ended."""
    before, until = gateway.issued, time.monotonic() + 20
    while gateway.issued == before and process.is_alive() and time.monotonic() < until:
        time.sleep(0.0005)


def _moments(chance: random.Random, lasts: float) -> Iterator[tuple[bool, float]]:
    """Whether to wait for a renewal, and for how many seconds then: one kill in four comes within 30 ms of a new token."""
    while True:
        yield (True, chance.uniform(0, 0.03)) if chance.random() < 0.25 else (False, chance.uniform(0.02, lasts))


def kill(paged: dict[str, Any], folder: Path, kills: int, seed: int) -> int:
    """Kills ``kills`` pulls, a new home after every ten; after each ten the next pull ends by itself, and then the registry is
    that of an undisturbed pull and no platform saw more requests than its rate. How many of the kills met a pull at work."""
    with county(paged, NAMES, life=LIFE) as (_, settings):
        start = time.monotonic()
        expected = _to_its_end(settings(folder / "straight"))
        lasts = time.monotonic() - start
    assert len(expected["accounts"]) > 1000
    moments, met = _moments(random.Random(seed), lasts), 0
    for number in range(0, kills, ROUND):
        with county(paged, NAMES, life=LIFE) as (rehearsal, settings):
            home = settings(folder / f"killed{number}")
            with at_work(home, "init"):
                pass
            for _ in range(min(ROUND, kills - number)):
                process, (renewal, pause) = _started(home), next(moments)
                if renewal:
                    _rotated(rehearsal.gateways["kuaishou"], process)
                process.join(pause)
                met += process.is_alive()
                process.kill()
                process.join()
            assert _to_its_end(home) == expected, f"kills {number} to {number + ROUND}, seed {seed}"
            for name, gateway in rehearsal.gateways.items():
                assert "refresh" not in gateway.refusals, "no refresh token was lost"
                assert gateway.most_in(1.0) <= RATE, name
    return met


def test_killed_pulls_end_in_the_same_registry(paged: dict[str, Any], tmp_path: Path) -> None:
    assert kill(paged, tmp_path, 10, 4) >= 5


@pytest.mark.soak
def test_two_hundred_kills(paged: dict[str, Any], tmp_path: Path) -> None:
    met = kill(paged, tmp_path, 200, 5)
    print(f"200 kills, {met} of them while a pull was at work")
    assert met >= 150
