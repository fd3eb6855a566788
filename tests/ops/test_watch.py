"""With nobody watching: the hours of the jobs, what is an alarm, who is told how often, the files for cron and systemd."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from worlds import kuaishou, person, row, world
from zp_registry.jobs import watch
from zp_registry.jobs.nightly import nightly
from zp_registry.jobs.office import at_work

from zp_registry.cli import main
from zp_registry.home import Home
from zp_registry.settings import Settings
from zp_registry.watch.alarms import Facts, PullNight, Refused, alarms
from zp_registry.watch.freshness import duty_month, freshness
from zp_registry.watch.healthpage import page
from zp_registry.watch.schedule import HERE, JOBS, JobState, half_month_before, is_due, last_due, missed, next_due

ROOT = Path(__file__).parents[2]
BY_NAME = {job.name: job for job in JOBS}
DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)


def at(text: str) -> dt.datetime:
    """A moment by the county's clock."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=HERE)


# -- hours


@given(st.integers(1767225600, 1893456000), st.sampled_from([dt.UTC, HERE]))
def test_a_job_is_due_at_its_hour_in_china_whatever_zone_the_machine_is_in(seconds: int, zone: dt.tzinfo) -> None:
    now = dt.datetime.fromtimestamp(seconds, zone)
    for job in JOBS:
        last, following = last_due(job, now), next_due(job, now)
        assert last <= now < following
        for moment in (last, following):
            assert (moment.hour, moment.minute, str(moment.tzinfo)) == (job.hour, job.minute, "Asia/Shanghai")
            assert job.falls_on(moment.date())
        between = (following.date() - last.date()).days
        assert not [d for d in range(1, between) if job.falls_on(last.date() + d * DAY)], "none is left out"


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Shanghai"])
def test_the_machines_zone_does_not_move_the_night(zone: str) -> None:
    """Also in the night in which others change their clocks."""
    code = (
        "import datetime as dt; from zp_registry.watch.schedule import JOBS, last_due, next_due; "
        "n = dt.datetime.fromtimestamp(1793505600).astimezone(); "
        "print(last_due(JOBS[0], n).isoformat(), next_due(JOBS[0], n).isoformat())"
    )
    env = {**os.environ, "TZ": zone}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2026-11-01T02:30:00+08:00", "2026-11-02T02:30:00+08:00"]


def ran(start: dt.datetime, code: int | None = 0, **more: Any) -> JobState:
    return JobState(start, start + HOUR / 2 if code is not None else None, code, **more)


def test_what_was_missed_is_due_once_however_long_the_machine_was_off() -> None:
    job, now = BY_NAME["nightly"], at("2026-03-20 10:00")
    assert is_due(job, None, now)
    assert is_due(job, ran(at("2026-03-10 02:30")), now)
    assert not is_due(job, ran(at("2026-03-20 09:50")), now), "made up already"
    assert is_due(job, ran(at("2026-03-20 02:30"), None), now), "killed"
    assert not is_due(job, ran(at("2026-03-20 02:30"), None, alive=True), now)


def test_a_job_is_missed_when_its_grace_is_over_and_not_before_it_was_watched() -> None:
    job, before = BY_NAME["nightly"], at("2026-01-01 00:00")
    old = ran(at("2026-03-19 02:30"))
    assert missed(job, old, at("2026-03-20 08:29"), before) is None
    assert missed(job, old, at("2026-03-20 08:31"), before) == at("2026-03-20 02:30")
    assert missed(job, None, at("2026-03-20 08:31"), before)
    assert missed(job, None, at("2026-03-20 08:31"), at("2026-03-20 03:00")) is None
    assert missed(job, ran(at("2026-03-17 02:30")), at("2026-03-20 08:00"), before) == at("2026-03-19 02:30")


@pytest.mark.parametrize(
    ("day", "half"),
    [("2026-03-01", "2026-02-H2"), ("2026-03-15", "2026-02-H2"), ("2026-03-16", "2026-03-H1"), ("2026-01-01", "2025-12-H2")],
)
def test_the_bulletin_is_of_the_half_month_that_has_ended(day: str, half: str) -> None:
    assert half_month_before(dt.date.fromisoformat(day)) == half


# -- freshness


@pytest.mark.parametrize(
    ("today", "newest", "duty"),
    [
        ("2026-01-15", "2025-12-30", "open"),
        ("2026-01-15", "2025-12-31", "met"),
        ("2026-02-01", "2025-12-30", "missed"),
        ("2026-06-30", "2026-01-10", "met"),
        ("2026-07-01", "2026-01-10", "open"),
        ("2026-08-01", "2026-06-29", "missed"),
        ("2026-12-31", "2026-07-31", "met"),
    ],
)
def test_the_duties_of_january_and_july(today: str, newest: str, duty: str) -> None:
    reports = pd.DataFrame({"platform": ["kuaishou"], "as_of": [newest]})
    [one] = freshness(reports, {"kuaishou": 40}, dt.date.fromisoformat(today))
    assert one.duty == duty
    assert one.duty_month == f"{duty_month(dt.date.fromisoformat(today)):%Y-%m}"
    assert one.late == ((dt.date.fromisoformat(today) - dt.date.fromisoformat(newest)).days > 40)


@pytest.mark.parametrize(
    ("today", "days", "former"),
    [
        ("2026-08-01", ["2026-01-10", "2026-07-01"], ("2026-01", "met")),
        ("2026-08-01", ["2025-12-31"], ("2026-01", "met")),
        ("2026-08-01", ["2025-12-30", "2026-06-30"], ("2026-01", "missed")),
        ("2026-08-01", ["2026-06-30"], ("2026-01", "unknown")),
        ("2026-03-01", ["2025-07-31", "2026-01-31"], ("2025-07", "met")),
        ("2026-03-01", ["2025-05-31", "2025-12-31"], ("2025-07", "missed")),
        ("2026-03-01", [], ("2025-07", "unknown")),
    ],
)
def test_the_duty_before_is_met_by_its_own_report_alone(today: str, days: list[str], former: tuple[str, str]) -> None:
    reports = pd.DataFrame({"platform": ["kuaishou"] * len(days), "as_of": days})
    [one] = freshness(reports, {"kuaishou": 40}, dt.date.fromisoformat(today))
    assert (one.former_month, one.former) == former


# -- alarms

NOW = at("2026-03-20 10:00")
WELL = {
    "nightly": ran(at("2026-03-20 02:30")),
    "backup": ran(at("2026-03-20 05:30")),
    "lists": ran(at("2026-03-16 07:00"), 3),
    "bulletin": ran(at("2026-03-16 07:30")),
    "retention": ran(at("2026-03-02 06:00")),
}


def told(**changes: Any) -> set[str]:
    return {a.key for a in alarms(Facts(NOW, at("2026-01-01 00:00"), **{"jobs": WELL, **changes}))}


def nights(*kinds: str) -> list[PullNight]:
    return [PullNight(str(n), {"douyin": kind, "jd": ""}) for n, kind in enumerate(kinds)]


def test_when_all_is_well_nobody_is_told_anything() -> None:
    assert told(nights=nights("", "server", "token"), free=1 << 40) == set()
    fresh = freshness(pd.DataFrame({"platform": ["jd"], "as_of": ["2026-03-01"]}), {"jd": 40}, NOW.date())
    assert told(fresh=fresh) == set()


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        ({"jobs": {**WELL, "backup": ran(at("2026-03-18 05:30"))}}, {"missed:backup:2026-03-18T05:30:00+08:00"}),
        ({"jobs": {**WELL, "nightly": ran(at("2026-03-20 02:30"), 1)}}, {"failed:nightly:1"}),
        ({"jobs": {**WELL, "nightly": ran(at("2026-03-20 02:30"), None)}}, {"killed:nightly:2026-03-20T02:30:00+08:00"}),
        ({"jobs": {**WELL, "nightly": ran(at("2026-03-20 09:00"), None)}}, set()),  # a reboot: made up within the hour
        ({"unreadable": "KeyProblem"}, {"registry"}),
        ({"free": 1000}, {"disk"}),
        ({"nights": nights("server", "timeout")}, set()),
        ({"nights": nights("server", "timeout", "quota")}, {"pull:douyin"}),
        ({"nights": nights("server", "", "server", "server")}, set()),
        ({"nights": nights("token")}, {"pull:douyin:token"}),
        ({"refused": [Refused(7, "jd", "ROWS_DROPPED", dt.date(2026, 3, 20))]}, {"refused:7"}),
        ({"fresh": freshness(pd.DataFrame({"platform": ["jd"], "as_of": ["2025-11-30"]}), {"jd": 40}, NOW.date())},
         {"late:jd:2025-11-30", "duty:jd:2026-01"}),
    ],
)  # fmt: skip
def test_each_thing_that_a_person_should_know_is_one_alarm(changes: dict[str, Any], keys: set[str]) -> None:
    assert told(**changes) == keys
    assert page(Facts(NOW, NOW, **{"jobs": WELL, **changes}), alarms(Facts(NOW, NOW, **{"jobs": WELL, **changes})))


# -- telling


class Listener(ThreadingHTTPServer):
    """Takes messages as apprise's JSON service sends them; ``status`` is what it answers."""

    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Take)
        self.heard: list[dict[str, Any]] = []


class _Take(BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.status == 200:
            self.server.heard.append(body)
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def listener() -> Iterator[Listener]:
    server = Listener()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def settings(home: Home, listener: Listener, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("WHERE", f"json://127.0.0.1:{listener.server_address[1]}/")
    return Settings.model_validate({"home": home.root, "alerts": {"urls": "env:WHERE"}})


def test_each_thing_is_told_once_and_again_when_it_comes_back(settings: Settings, listener: Listener, home: Home) -> None:
    with at_work(settings, "init"):
        pass
    now = watch.now()
    broken = settings.model_copy(update={"alerts": settings.alerts.model_copy(update={"least_free_mib": 1 << 40})})
    listener.status = 500
    assert watch.watch(broken, now)[1] == []
    listener.status = 200
    assert [a.key for a in watch.watch(broken, now)[1]] == ["disk"], "what could not be sent is sent the next time"
    assert watch.watch(broken, now + HOUR)[1] == []
    assert len(listener.heard) == 1
    assert "磁盘剩余空间不足" in listener.heard[0]["message"]
    assert "镇平县" in listener.heard[0]["title"]
    assert watch.watch(settings, now + 2 * HOUR) == ([], [])
    watch.watch(broken, now + 3 * HOUR)
    assert len(listener.heard) == 2


def test_a_refused_file_is_told_by_code_and_not_by_name(settings: Settings, listener: Listener, home: Home) -> None:
    secret = "王小明的店铺"
    (home.inbox / "reports" / f"{secret}.xlsx").write_bytes(b"no workbook")
    with at_work(settings, "nightly") as office:
        nightly(office)
    watch.watch(settings, watch.now())
    [message] = listener.heard
    assert "拒收" in message["message"]
    assert "FILE_" in message["message"] or "LAYOUT_" in message["message"]
    assert secret not in json.dumps(message, ensure_ascii=False)


def test_a_registry_that_does_not_open_is_told_and_what_was_known_is_not_told_again(
    settings: Settings, listener: Listener, home: Home
) -> None:
    with at_work(settings, "init"):
        pass
    key = home.master_key.read_bytes()
    home.master_key.unlink()
    found, now_told = watch.watch(settings, watch.now())
    assert [a.key for a in found] == [a.key for a in now_told] == ["registry"]
    home.master_key.write_bytes(key)
    home.master_key.chmod(0o600)
    assert watch.watch(settings, watch.now()) == ([], [])


HANG = """
import sys, time
from pathlib import Path
from zp_registry.jobs.watch import noted
from zp_registry.settings import Settings
with noted(Settings(home=Path(sys.argv[1])), "nightly"):
    print("noted", flush=True)
    time.sleep(60)
"""


def test_a_killed_job_is_noticed_and_one_at_work_is_not(home: Home) -> None:
    process = subprocess.Popen([sys.executable, "-c", HANG, str(home.root)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "noted\n"
    assert not watch.job_states(home)["nightly"].killed
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert watch.job_states(home)["nightly"].killed


def test_without_addresses_all_is_quiet(home: Home) -> None:
    quiet = Settings.model_validate({"home": home.root, "alerts": {"least_free_mib": 1 << 40}})
    with at_work(quiet, "init"):
        pass
    assert [a.key for a in watch.watch(quiet, watch.now())[1]] == ["disk"]


# -- the commands


def test_due_jobs_run_once_and_a_second_time_nothing_is_due(home: Home, tmp_path: Path) -> None:
    with world(home.root, tmp_path / "files") as county:
        county.load(kuaishou(tmp_path / "kuaishou_20260131.csv", [row("k1", person(1))]))

    def run(*words: str) -> dict[str, Any]:
        done = CliRunner().invoke(main, ["jobs", *words, "--home", str(home.root), "--json"])
        found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return found

    first = run("run", "--due")
    assert set(first["jobs"]) == set(BY_NAME), first
    assert set(first["jobs"].values()) <= {0, 3}
    assert run("run", "--due")["jobs"] == {}
    assert {j["job"]: j["due"] for j in run("list")["jobs"]} == dict.fromkeys(BY_NAME, False)
    assert len(list(home.backups.glob("daily-*"))) == 1
    done = CliRunner().invoke(main, ["health", "--home", str(home.root), "--html", str(tmp_path / "health.html")])
    html = (tmp_path / "health.html").read_text("utf-8")
    assert "快手" in html
    assert "每日备份" in html
    assert "http" not in html
    assert done.exit_code == 3, "the report of January is long ago"


def test_old_daily_backups_go_and_others_stay(tmp_path: Path) -> None:
    for name in ("daily-20260101-0", "daily-20260102-0", "daily-20260103-0", "before-upgrade"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").touch()
    (tmp_path / "daily-20251231-0").mkdir()  # unfinished: nobody's yet
    assert watch.prune_backups(tmp_path, 2) == ["daily-20260101-0"]
    assert len(list(tmp_path.iterdir())) == 4


# -- cron and systemd

CRON = (ROOT / "cron/zp-registry.cron").read_text("utf-8")


def test_every_job_stands_in_the_crontab_at_its_hour() -> None:
    for job in JOBS:
        words = "zp-registry nightly 2>&1" if job.name == "nightly" else f"zp-registry jobs run {job.name} 2>&1"
        [line] = [li for li in CRON.splitlines() if words in li]
        minute, hour, days, months, weekdays, user, _ = line.split(maxsplit=6)
        assert (int(minute), int(hour), months, user) == (job.minute, job.hour, "*", "zp")
        assert days == (",".join(map(str, job.days)) or "*")
        assert weekdays == (",".join(str(d + 1) for d in job.weekdays) or "*")
    assert "TZ=Asia/Shanghai" in CRON


def test_every_job_has_a_timer_that_makes_up_for_days_off() -> None:
    names = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    for job in JOBS:
        file = "zp-registry.timer" if job.name == "nightly" else f"zp-registry-{job.name}.timer"
        text = (ROOT / "cron" / file).read_text("utf-8")
        weekday = "".join(f"{names[d]} " for d in job.weekdays)
        day = ",".join(f"{d:02}" for d in job.days) or "*"
        assert f"OnCalendar={weekday}*-*-{day} {job.hour:02}:{job.minute:02}:00 Asia/Shanghai" in text
        assert "Persistent=yes" in text
        assert job.name == "nightly" or f"Unit=zp-registry-job@{job.name}.service" in text
    service = (ROOT / "cron/zp-registry-job@.service").read_text("utf-8")
    assert re.search(r"^ExecStart=\S+/zp-registry jobs run %i$", service, re.MULTILINE)
