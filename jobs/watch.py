"""Watching over the jobs: notes of their runs, what is wrong now, and telling people of it once.

The notes are small files in ``watch/`` of the home folder and not in the database: what watches must work when that does not.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from zp_registry.errors import UsageError, ZpError
from zp_registry.home import Home
from zp_registry.registry import bulk
from zp_registry.settings import Settings
from zp_registry.sources.api.secrets import read_secrets
from zp_registry.watch.alarms import Alarm, Facts, PullNight, Refused, alarms, fresh_ones
from zp_registry.watch.freshness import Fresh, freshness
from zp_registry.watch.schedule import HERE, JobState

from .lists import platform_titles
from .office import Office, open_office
from .pulls import configured

log = structlog.get_logger(__name__)
_TOLD, _SINCE = "told.json", "since.json"
_LOCK_HELD = 4
_REFUSED_DAYS = 7


def now() -> dt.datetime:
    """This moment."""
    return dt.datetime.now(dt.UTC)


@dataclass
class Noted:
    """A job's run as it is being noted; ``code`` is its exit code, None until it is known."""

    code: int | None = None


@contextmanager
def noted(settings: Settings, name: str) -> Iterator[Noted]:
    """Notes that the job ``name`` runs, and how it ended. A run that found the lock held has not run."""
    home = Home(settings.home)
    home.create()
    file, run = home.watch / f"{name}.json", Noted()
    before, started = _read(file), now()
    _write(file, {"started": started.isoformat(), "pid": os.getpid(), "boot": _boot()})
    try:
        yield run
    except BaseException as error:
        run.code = getattr(error, "exit_code", 1)
        raise
    finally:
        if run.code == _LOCK_HELD:
            if _read(file).get("started") == started.isoformat():  # else the other run has noted its end meanwhile
                _write(file, before) if before else file.unlink(missing_ok=True)
        else:
            _write(file, {"started": started.isoformat(), "ended": now().isoformat(), "code": run.code or 0})


def job_states(home: Home) -> dict[str, JobState]:
    """The newest run of each job."""
    out = {}
    for file in sorted(home.watch.glob("*.json")):
        found = _read(file)
        with suppress(KeyError, ValueError, TypeError):
            ended = dt.datetime.fromisoformat(found["ended"]) if "ended" in found else None
            alive = ended is None and found.get("boot") == _boot() and _alive(int(found["pid"]))
            out[file.stem] = JobState(dt.datetime.fromisoformat(found["started"]), ended, found.get("code"), alive)
    return out


def watched_since(home: Home, at: dt.datetime) -> dt.datetime:
    """When the watch began: now, if that is nowhere noted."""
    with suppress(KeyError, ValueError, TypeError):
        return dt.datetime.fromisoformat(_read(home.watch / _SINCE)["since"]).astimezone(dt.UTC)
    _write(home.watch / _SINCE, {"since": at.isoformat()})
    return at


def facts(settings: Settings, at: dt.datetime) -> Facts:
    """What there is to know at this moment; a registry that cannot be opened is one of the facts."""
    home = Home(settings.home)
    home.create()
    out = Facts(at, watched_since(home, at), job_states(home), free=shutil.disk_usage(home.root).free)
    try:
        office = open_office(settings)
        with office.engine.connect() as connection:
            out.nights = _nights(connection)
            out.refused = _refused(connection, at)
            out.fresh = platforms(office, connection, at)
        out.titles = platform_titles(office)
        office.engine.dispose()
    except (ZpError, SQLAlchemyError, OSError) as error:
        log.error("registry cannot be opened", why=type(error).__name__)
        out.unreadable = type(error).__name__
    return out


def platforms(office: Office, connection: Connection, at: dt.datetime) -> list[Fresh]:
    """The freshness of every platform that has reported, has an interface, or is named in the settings."""
    reports = bulk.read(connection, "SELECT DISTINCT source AS platform, as_of FROM report WHERE superseded_by IS NULL")
    given = office.settings.freshness
    names = {*reports["platform"], *configured(office), *given.platforms}
    expected = {name: given.platforms.get(name, given.days) for name in names}
    return freshness(reports, expected, at.astimezone(HERE).date())


def wrong(settings: Settings, found: Facts) -> list[Alarm]:
    """The alarms by the settings' limits."""
    return alarms(found, nights=settings.alerts.nights, least_free=settings.alerts.least_free_mib << 20)


def watch(settings: Settings, at: dt.datetime) -> tuple[list[Alarm], list[Alarm]]:
    """All alarms, and those of which people were told just now: each is told once for as long as it lasts. What could not
    be sent is sent the next time. UsageError where an address for alerts is missing."""
    found = facts(settings, at)
    every = wrong(settings, found)
    file = Home(settings.home).watch / _TOLD
    told = _read(file)
    new = fresh_ones(every, told)
    for alarm in new:
        log.warning("alarm", alarm=alarm.key, text=alarm.text)
    sent = not new or send(settings, new)
    keys = {a.key for a in every}
    if not found.unreadable:  # else most of them cannot be seen now and are still there
        told = {k: v for k, v in told.items() if k in keys}
    if sent:
        told |= {a.key: at.isoformat() for a in new}
    _write(file, told)
    return every, new if sent else []


def send(settings: Settings, found: Sequence[Alarm]) -> bool:
    """Tells people by the addresses in the settings; True also where there are none."""
    places = {str(n): place for n, place in enumerate(settings.alerts.urls)}
    if not places:
        return True
    addresses = read_secrets(list(places), places, os.environ)
    import apprise  # only where somebody is to be told: it brings many services

    teller = apprise.Apprise()
    for address in addresses.values():
        if not teller.add(address):
            raise UsageError("an address for alerts is none that apprise knows")
    done = bool(teller.notify(title=f"{settings.county.name}电商主体登记库：有 {len(found)} 件事需要处理",
                              body="\n".join(f"· {a.text}" for a in found)))  # fmt: skip
    if not done:
        log.error("alerts could not be sent", count=len(found))
    return done


def _nights(connection: Connection, most: int = 30) -> list[PullNight]:
    frame = bulk.read(connection, "SELECT run_id, summary FROM run WHERE command = 'nightly' AND summary IS NOT NULL "
                      "ORDER BY started_at DESC LIMIT :n", {"n": most}, raw=["summary"])  # fmt: skip
    out = []
    for row in frame.itertuples():
        summary = json.loads(row.summary) if isinstance(row.summary, str) else row.summary
        if isinstance(summary, dict) and "pulls" in summary:
            out.append(PullNight(str(row.run_id), summary["pulls"]))
    return out


def _refused(connection: Connection, at: dt.datetime) -> list[Refused]:
    since = (at - dt.timedelta(days=_REFUSED_DAYS)).astimezone(dt.UTC).isoformat(timespec="milliseconds")
    frame = bulk.read(
        connection,
        "SELECT f.id, f.mapping, f.refusal, f.received_at FROM report_file f JOIN run r ON r.run_id = f.run_id "
        "WHERE f.state = 'refused' AND r.command = 'nightly' AND f.received_at > :since ORDER BY f.id",
        {"since": since},
        integers=["id"],
    )
    return [
        Refused(int(r["id"]), r["mapping"] if isinstance(r["mapping"], str) else "", str(r["refusal"]),
                dt.datetime.fromisoformat(r["received_at"]).astimezone(HERE).date())
        for r in frame.to_dict("records")
    ]  # fmt: skip


def prune_backups(folder: Path, kept: int) -> list[str]:
    """Removes the oldest daily backups but for ``kept``; their names."""
    daily = sorted(p for p in folder.glob("daily-*") if (p / "manifest.json").is_file())
    for old in daily[:-kept]:
        shutil.rmtree(old)
    return [p.name for p in daily[:-kept]]


def _boot() -> str:
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    return ""


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(file: Path, value: dict[str, Any]) -> None:
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    unfinished.write_text(json.dumps(value, ensure_ascii=False), "utf-8")
    unfinished.replace(file)
