"""Commands for running with nobody watching: jobs, watchdog, health."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from zp_registry.cli.common import Answer, command, tell_freshness
from zp_registry.home import Home
from zp_registry.jobs import watch
from zp_registry.lists.safety import clean
from zp_registry.settings import Settings
from zp_registry.watch.alarms import Alarm
from zp_registry.watch.healthpage import page
from zp_registry.watch.schedule import HERE, JOBS, Job, JobState, half_month_before, is_due, last_due, next_due


@click.group("jobs")
def jobs() -> None:
    """The jobs that run by themselves, by the clock of Asia/Shanghai."""


@jobs.command("list")
@command
def jobs_list(answer: Answer) -> None:
    """When each job ran last and is due next."""
    at, states = watch.now(), watch.job_states(Home(answer.settings.home))
    rows = [
        {"job": j.name, "runs": " ".join(j.words), "last": _local(s.started) if (s := states.get(j.name)) else None,
         "state": _state(s), "next": _local(next_due(j, at)), "due": is_due(j, s, at)}
        for j in JOBS
    ]  # fmt: skip
    answer.table("jobs", list(rows[0]), [list(r.values()) for r in rows])
    answer.give({"jobs": rows})


@jobs.command("run")
@click.argument("names", nargs=-1, type=click.Choice([j.name for j in JOBS]))
@click.option("--due", is_flag=True, help="Run what should have run by now and has not: after days of being off.")
@command
def jobs_run(answer: Answer, names: tuple[str, ...], due: bool) -> int:
    """Run jobs one after the other, note how each ended, then look whether a person should know something."""
    states, at = watch.job_states(Home(answer.settings.home)), watch.now()
    wanted = [j for j in JOBS if j.name in names or (due and is_due(j, states.get(j.name), at))]
    codes = {job.name: _run(answer.settings, job) for job in wanted}
    for name, code in codes.items():
        answer.say(f"{name}: exit code {code}")
    found, told = watch.watch(answer.settings, watch.now())
    _tell(answer, found)
    worst = next((c for c in (1, 2, 4, 3) if c in codes.values()), 0)
    answer.give({"jobs": codes, "told": [a.key for a in told], "exit_code": worst})
    return worst


def _run(settings: Settings, job: Job) -> int:
    """The job's command, as an operator would give it; its exit code."""
    from zp_registry.cli import main

    words = [*job.words, "--home", str(settings.home)]
    folder = settings.jobs.backup_folder or Home(settings.home).backups
    if job.name == "backup":
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        words.insert(1, str(folder / f"daily-{watch.now().astimezone(HERE):%Y%m%d-%H%M%S}"))
    if job.name == "bulletin":
        words[1:1] = ["--period", half_month_before(last_due(job, watch.now()).date())]
    with watch.noted(settings, job.name) as run:
        try:
            main.main(words, standalone_mode=False)
            run.code = 0
        except SystemExit as ended:
            run.code = ended.code if isinstance(ended.code, int) else 1
        if job.name == "backup" and run.code == 0:
            watch.prune_backups(folder, settings.jobs.backups_kept)
    return int(run.code or 0)


@click.command("watchdog")
@command
def watchdog(answer: Answer) -> int:
    """Look whether a person should know something, and tell it once: a job that did not run, a platform that fails, a report
    that is late, a disk that is full. Exit code 3 when something is wrong."""
    found, told = watch.watch(answer.settings, watch.now())
    _tell(answer, found)
    answer.give({"alarms": [vars(a) for a in found], "told": [a.key for a in told], "exit_code": 3 if found else 0})
    return 3 if found else 0


def _tell(answer: Answer, found: list[Alarm]) -> None:
    for alarm in found:
        answer.say(f"! {alarm.text}")


@click.command("health")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write the page (Chinese) to this file.")
@command
def health(answer: Answer, html: Path | None) -> int:
    """Jobs, platforms' freshness with the duties of January and July, disk, and what is wrong now; nobody is told.
    Exit code 3 when something is wrong."""
    facts = watch.facts(answer.settings, watch.now())
    found = watch.wrong(answer.settings, facts)
    fresh = [f.row() for f in facts.fresh]
    states = [{"job": j.name, "state": _state(facts.jobs.get(j.name)), "next": _local(next_due(j, facts.now))} for j in JOBS]
    answer.table("jobs", ["job", "state", "next"], [list(r.values()) for r in states])
    tell_freshness(answer, facts.fresh)
    _tell(answer, found)
    answer.say("nothing is wrong" if not found else f"{len(found)} things need a person")
    if html is not None:
        html.write_text(clean(page(facts, found)), "utf-8")
        answer.say(f"written: {html}")
    answer.give({"jobs": states, "platforms": fresh, "free_bytes": facts.free, "alarms": [vars(a) for a in found],
                 "exit_code": 3 if found else 0})  # fmt: skip
    return 3 if found else 0


def _state(state: JobState | None) -> str:
    if state is None:
        return "never ran"
    if state.ended is None:
        return "killed" if state.killed else "running"
    return {0: "done", 3: "partial"}.get(state.code or 0, "failed")


def _local(at: dt.datetime) -> str:
    return at.astimezone(HERE).strftime("%Y-%m-%d %H:%M")


COMMANDS = (jobs, watchdog, health)
