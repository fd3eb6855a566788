"""A year of nights by a clock of its own: faults, late files, reboots and days off end in the registry of a year without any,
and people are told of each thing that they should have known, once, and of nothing else."""

from __future__ import annotations

import datetime as dt
import json
import multiprocessing as mp
import os
import random
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from worlds import comparable
from zp_registry.jobs import watch
from zp_registry.jobs.office import at_work
from zp_registry.simulator import Dirt, generate

from zp_registry.cli import main
from zp_registry.mapping import load_mappings
from zp_registry.registry import audit
from zp_registry.rehearsal import Gateway, Script, packaged, report_records, serve
from zp_registry.settings import load_settings
from zp_registry.sources.api.pace import Clock
from zp_registry.watch.schedule import HERE, JOBS

FORK = mp.get_context("forkserver")
FORK.set_forkserver_preload(["zp_registry.cli", "zp_registry.jobs.nightly"])
FILES, PULLED = ("kuaishou", "weipaitang"), "xiaohongshu"
DAY = dt.timedelta(days=1)
FIRST = dt.date(2026, 1, 1)
COMES = 3  # days after its date a report is there


# -- a clock of its own


@contextmanager
def clock(moment: list[dt.datetime]) -> Iterator[None]:
    """Every clock of the program shows ``moment[0]``."""
    real, told = audit.moment, watch.now

    def fake() -> str:
        moment[0] += dt.timedelta(milliseconds=7)  # so that no two runs begin at once
        return moment[0].astimezone(dt.UTC).isoformat(timespec="milliseconds")

    changed = [m for n, m in list(sys.modules.items()) if n.startswith("zp_registry") and getattr(m, "moment", None) is real]
    api_now = Clock.now
    for module in changed:
        module.moment = fake  # type: ignore[attr-defined]
    watch.now = lambda: moment[0].astimezone(dt.UTC)
    Clock.now = lambda self: moment[0].astimezone(dt.UTC)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for module in changed:
            module.moment = real  # type: ignore[attr-defined]
        watch.now, Clock.now = told, api_now  # type: ignore[method-assign]


def at(day: dt.date, hour: int, minute: int) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, hour, minute, tzinfo=HERE)


# -- what comes and what goes wrong


@dataclass
class Plan:
    """Days of each trouble; ``late``: days by which a platform's report of a month comes later; ``alarms``: the keys of which
    people must be told, without what varies behind them, and how often."""

    off: set[dt.date] = field(default_factory=set)
    reboots: dict[dt.date, float] = field(default_factory=dict)
    forgotten: set[dt.date] = field(default_factory=set)
    failing: dict[dt.date, int] = field(default_factory=dict)
    broken: set[dt.date] = field(default_factory=set)
    late: dict[tuple[str, str], int] = field(default_factory=dict)
    alarms: Counter[str] = field(default_factory=Counter)


def plan(nights: int, seed: int) -> Plan:
    """Troubles strewn over the nights; none touches the other, so that each has its own alarm or none."""
    chance, out = random.Random(seed), Plan()
    free = [FIRST + n * DAY for n in range(6, nights - 3)]

    def stretch(days: int, fits: Any = lambda _day: True) -> list[dt.date] | None:
        for _ in range(500):
            start = chance.choice(free) if free else FIRST
            found = [start + n * DAY for n in range(days)]
            around = [start + n * DAY for n in range(-1, days + 1)]
            if all(d in free for d in found) and fits(start):
                free[:] = [d for d in free if d not in around]
                return found
        return None

    # The scheduler stands still, as when its file was lost; the watchdog goes on. Not over a Monday or the second of a month.
    for _ in range(max(nights // 120, 0)):
        if days := stretch(2, lambda d: d.weekday() in (1, 2) and d.day not in (1, 2, 3)):
            out.forgotten |= set(days)
            out.alarms.update({"missed:nightly": 1, "missed:backup": 1})
            if any(d.day == 16 for d in days):
                out.alarms["missed:bulletin"] += 1
    for _ in range(max(nights // 60, 1)):
        if found := stretch(chance.randint(1, 6 if nights > 60 else 3)):
            out.off |= set(found)
    for _ in range(max(nights // 20, 1)):
        if found := stretch(1):
            out.reboots[found[0]] = chance.uniform(0.05, 1.5)
    for days, status in ((4, 503), (2, 503), (1, 503), (2, 503), (1, 403)):
        for _ in range(max(nights // 180, 1)):
            if found := stretch(days):
                out.failing |= dict.fromkeys(found, status)
                if status == 403:
                    out.alarms[f"pull:{PULLED}:rights"] += 1
                elif days > 2:
                    out.alarms[f"pull:{PULLED}"] += 1
    for _ in range(max(nights // 90, 1)):
        if found := stretch(1):
            out.broken |= set(found)
            out.alarms["refused"] += 1
    if nights > 300:
        for platform, month, days in (("kuaishou", "2026-03", 20), ("weipaitang", "2026-09", 14), ("kuaishou", "2026-06", 40)):
            out.late[platform, month] = days
            out.alarms[f"late:{platform}"] += 1
        out.alarms["duty:kuaishou"] += 1  # June's report comes in August: that of July is missed
    return out


class Year:
    """One home through so many nights. ``told``: keys of the alarms that were sent; ``messages``: how often that was."""

    def __init__(self, folder: Path, world: Path, nights: int, trouble: Plan) -> None:
        self.home, self.nights, self.plan = folder / "home", nights, trouble
        self.reports: dict[str, dict[str, Path]] = {}
        for path in sorted(world.glob("reports/**/*.*")):
            name, day = path.stem.split("_")[:2]
            self.reports.setdefault(name, {})[f"{day[:4]}-{day[4:6]}-{day[6:8]}"] = path
        self.folder, self.told, self.messages = folder, Counter[str](), 0
        self.now = [at(FIRST, 0, 1)]

    def run(self) -> dict[str, list[Any]]:
        """The registry at the end."""
        mappings = load_mappings()
        gateway = Gateway(packaged()[PULLED], [], Script())
        with serve({PULLED: gateway}) as rehearsal:
            self._settings(rehearsal.base(PULLED), gateway)
            with clock(self.now):
                for n in range(self.nights):
                    day = FIRST + n * DAY
                    newest = max(d for d in self.reports[PULLED] if d < day.isoformat())
                    gateway.records = report_records(self.reports[PULLED][newest], mappings, PULLED)
                    status = self.plan.failing.get(day)
                    gateway.script = Script(rules=[{"share": 1.0, "status": status}] if status else [])
                    self._deliver(day)
                    self._day(day)
        with at_work(load_settings(self.home), "compare") as office:
            return comparable(office)

    def _settings(self, base: str, gateway: Gateway) -> None:
        """The packaged interface without its long waits, and no real platform's pace."""
        own = self.folder / "mappings"
        own.mkdir(parents=True, exist_ok=True)
        data = load_mappings()[PULLED].model_dump(mode="json", by_alias=True, exclude_defaults=True)
        data["api"] |= {"pace": {"per_second": 500}, "limits": {"attempts": 2, "backoff": 0.0, "read_timeout": 5}}
        (own / f"{PULLED}.yaml").write_text(yaml.safe_dump(data, allow_unicode=True), "utf-8")
        os.environ["YEAR_TOKEN"] = gateway.secrets["token"]
        config = self.folder / "zp-registry.toml"
        config.write_text(f'home = "{self.home}"\nmappings_dir = "{own}"\n[jobs]\nbackups_kept = 2\n'
                          f'[api.{PULLED}]\nbase_url = "{base}"\n[api.{PULLED}.secrets]\ntoken = "env:YEAR_TOKEN"\n', "utf-8")
        os.environ["ZP_CONFIG"] = str(config)

    def _deliver(self, day: dt.date) -> None:
        inbox = self.home / "inbox" / "reports"
        inbox.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            for stated, path in self.reports[name].items():
                late = self.plan.late.get((name, stated[:7]), 0)
                if dt.date.fromisoformat(stated) + (COMES + late) * DAY == day:
                    (inbox / path.name).write_bytes(path.read_bytes())
        if day in self.plan.broken:
            (inbox / f"张三的名单{day}.xlsx").write_bytes(b"PK\x03\x04 no workbook " + str(day).encode())

    def _day(self, day: dt.date) -> None:
        if day in self.plan.off:
            return
        if day not in self.plan.forgotten:
            for job in JOBS:
                if job.falls_on(day) and day in self.plan.reboots and job.name == "nightly":
                    self.now[0] = at(day, job.hour, job.minute)
                    self._killed(self.plan.reboots[day])
                    self._call(at(day, 3, 17), "jobs", "run", "--due")  # made up within the hour
                elif job.falls_on(day) and (day - DAY) not in self.plan.off:
                    self._call(at(day, job.hour, job.minute), "jobs", "run", job.name)
            if day - DAY in self.plan.off:
                self._call(at(day, 10, 17), "jobs", "run", "--due")  # made up when the machine is on again
        self._call(at(day, 12, 47), "watchdog")

    def _call(self, moment: dt.datetime, *words: str) -> None:
        self.now[0] = moment
        done = CliRunner().invoke(main, [*words, "--json"])
        assert done.exit_code in (0, 3), (words, moment, done.output[-2000:], done.stderr[-2000:])
        told = json.loads(done.stdout.strip().splitlines()[-1])["told"]
        self.messages += bool(told)
        for key in told:
            kind, subject, *rest = key.split(":")
            lasting = kind == "pull" and rest
            self.told[kind if kind == "refused" else f"{kind}:{subject}" + (f":{rest[0]}" if lasting else "")] += 1

    def _killed(self, pause: float) -> None:
        process = FORK.Process(target=_nightly, args=(self.now[0], dict(os.environ)))
        process.start()
        process.join(pause)
        process.kill()
        process.join()


def _nightly(moment: dt.datetime, variables: dict[str, str]) -> None:
    os.environ.update(variables)
    with clock([moment]):
        main(["jobs", "run", "nightly"])


def worlds(folder: Path) -> Path:
    """13 months of reports of three platforms, a report for every end of a month."""
    generate(folder, seed=77, parties=40, months=13, start="2025-12", dirt=Dirt().scaled(0.5), ledger=False,
             layouts=(*FILES, PULLED))  # fmt: skip
    return folder


def lived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nights: int, seed: int) -> Year:
    """A troubled stretch of nights, compared with one without trouble."""
    monkeypatch.setenv("YEAR_TOKEN", "")
    monkeypatch.setenv("ZP_CONFIG", "")
    world = worlds(tmp_path / "world")
    quiet = Year(tmp_path / "quiet", world, nights, Plan())
    troubled = Year(tmp_path / "troubled", world, nights, plan(nights, seed))
    expected, found = quiet.run(), troubled.run()
    assert quiet.told == Counter()
    assert len(expected["accounts"]) > 30
    for name in expected:
        assert found[name] == expected[name], name
    assert troubled.told == troubled.plan.alarms
    return troubled


@pytest.mark.soak
def test_a_month_of_troubled_nights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    year = lived(tmp_path, monkeypatch, 36, 3)
    assert year.plan.off
    assert year.plan.reboots
    assert year.plan.failing
    assert year.told


@pytest.mark.soak
def test_a_year_of_troubled_nights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    year = lived(tmp_path, monkeypatch, 365, 11)
    p = year.plan
    print(f"365 nights: {len(p.off)} off, {len(p.reboots)} reboots, {len(p.failing)} of a failing platform, {len(p.broken)} "
          f"files broken, {len(p.late)} late, {len(p.forgotten)} forgotten; alarms {dict(year.told)}, {year.messages} messages")
