"""Commands that bring data in: init, import, pull, mappings; pledges import."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click

from zp_registry.cli.common import Answer, Day, Reason, command
from zp_registry.errors import UsageError
from zp_registry.jobs import imports, office, pulls
from zp_registry.mapping import lint

PATHS = click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
ACCEPT = click.option(
    "--accept", metavar="REASON", type=Reason(), help="Let a file pass its expectations, for a reason that is kept."
)
DRY_RUN = click.option("--dry-run", is_flag=True, help="Do everything but keep nothing.")


@click.command("init")
@click.option("--no-backup", is_flag=True, help="Upgrade without the backup before it: you have made one by other means.")
@command
def init(answer: Answer, no_backup: bool) -> None:
    """Create or upgrade the database, and make the keys if there are none; safe to repeat.

    Before an older database is upgraded it is backed up to backups/ in the home folder (PostgreSQL: that needs pg_dump).
    """
    with office.at_work(answer.settings, "init", backup=not no_backup) as opened:
        home = opened.home.root
    answer.say(f"ready: {home}")
    answer.give({"home": str(home), "mappings": [m.id for m in opened.mappings]})


@click.command("import")
@PATHS
@click.option("--platform", help="The mapping to use, where the file cannot tell.")
@click.option("--as-of", type=Day(), help="Date of the report, YYYY-MM-DD; beats what the file says.")
@click.option(
    "--scope", type=click.Choice(["full", "delta"]), help="Whether an absent account is gone (full) or unchanged (delta)."
)
@ACCEPT
@DRY_RUN
@command
def import_(
    answer: Answer,
    paths: tuple[Path, ...],
    platform: str | None,
    as_of: str | None,
    scope: str | None,
    accept: str | None,
    dry_run: bool,
) -> int:
    """Load report files, or folders of them."""
    return import_paths(answer, paths, imports.Options("report", platform, as_of, scope, accept, dry_run))


@click.group("pledges")
def pledges() -> None:
    """Pledge ledgers (诚信经营承诺书台账)."""


@pledges.command("import")
@PATHS
@ACCEPT
@DRY_RUN
@command
def pledges_import(answer: Answer, paths: tuple[Path, ...], accept: str | None, dry_run: bool) -> int:
    """Load pledge ledgers."""
    return import_paths(answer, paths, imports.Options("pledge", None, None, None, accept, dry_run))


_NAMES = {"report": "import", "pledge": "pledges import", "notice": "notices import"}


def import_paths(answer: Answer, paths: tuple[Path, ...], options: imports.Options) -> int:
    """Loads files with a run record and tells what became of each; gives the exit code."""
    outcomes = []
    imports.get_ready(answer.settings)
    with office.at_work(
        answer.settings, _NAMES[options.kind]
    ) as opened:
        if options.platform and options.platform not in {m.id for m in opened.mappings}:
            raise UsageError(f"no mapping {options.platform!r}; there are: {', '.join(sorted(m.id for m in opened.mappings))}")
        for _path, outcome in imports.import_files(opened, paths, options):
            outcomes.append(outcome)
            if outcome.message:
                answer.say(outcome.message)
            for warning in outcome.warnings:
                answer.say(f"{outcome.name}{'［' + warning['sheet'] + '］' if warning['sheet'] else ''}：{warning['message']}")
        if not outcomes:
            answer.say(f"no files to import in {', '.join(map(str, paths))}")
        code = int(imports.exit_code(outcomes)) if outcomes else 1
        opened.exit_code, opened.state = code, {0: "done", 3: "partial"}.get(code, "failed")
    tell_outcomes(answer, outcomes)
    answer.give({"files": [o.as_dict() for o in outcomes], "dry_run": options.dry_run, "exit_code": code})
    return code


def tell_outcomes(answer: Answer, outcomes: list[Any]) -> None:
    """The files as a table; rows read = loaded + unchanged + repeated + rejected + skipped."""
    answer.table(
        "files",
        ["file", "platform", "as of", "state", "read", "loaded", "unchanged", "repeated", "rejected", "skipped"],
        [[o.name, o.platform, o.as_of, o.state, *vars(o.counts).values()] for o in outcomes],
    )


@click.command("pull")
@click.argument("platforms", nargs=-1)
@click.option("--as-of", type=Day(), help="Date of the report, YYYY-MM-DD (default: what the answers say, else today).")
@click.option("--check", is_flag=True, help="Load nothing: say whether address, clock, secret, rights and mapping are right.")
@click.option("--replay", "pages", multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Load a former pull again from its archived pages (archive/….pages.sealed).")
@command
def pull(answer: Answer, platforms: tuple[str, ...], as_of: str | None, check: bool, pages: tuple[Path, ...]) -> int:
    """Pull the configured interfaces (or those named), side by side."""
    if check:
        return _check(answer, platforms, as_of)
    with office.at_work(answer.settings, "pull") as opened:
        replayed = pulls.replay_pages(opened, pages, as_of) if pages else ()
        outcomes = list(replayed) if pages else pulls.pull_platforms(opened, platforms, as_of)
        for outcome in outcomes:
            if outcome.message:
                answer.say(outcome.message)
            for warning in outcome.warnings:
                answer.say(f"{outcome.name}：{warning['message']}")
        code = int(imports.exit_code(outcomes)) if outcomes else 0
        opened.exit_code, opened.state = code, {0: "done", 3: "partial"}.get(code, "failed")
    if not outcomes:
        answer.say("no interface is configured: add a section [api.<platform>] to zp-registry.toml")
    tell_outcomes(answer, outcomes)
    answer.give({"files": [o.as_dict() for o in outcomes], "exit_code": code})
    return code


def _check(answer: Answer, platforms: tuple[str, ...], as_of: str | None) -> int:
    with office.at_work(answer.settings, "pull --check") as opened:
        found = pulls.check_platforms(opened, platforms, as_of)
        wrong = any(f.right is False for findings in found.values() for f in findings)
        opened.exit_code, opened.state = (1, "failed") if wrong else (0, "done")
    for platform, findings in found.items():
        for finding in findings:
            mark = {True: "right", False: "WRONG", None: "  ?  "}[finding.right]
            answer.say(f"{platform}  {mark}  {finding.what}: {finding.text}")
    if not found:
        answer.say("no interface is configured: add a section [api.<platform>] to zp-registry.toml")
    answer.give({"platforms": {p: [dataclasses.asdict(f) for f in fs] for p, fs in found.items()}, "exit_code": int(wrong)})
    return int(wrong)


@click.group("mappings")
def mappings() -> None:
    """Mapping files: one per layout."""


@mappings.command("check")
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@command
def mappings_check(answer: Answer, folder: Path | None) -> int:
    """Find all faults of the mapping files at once, with line numbers."""
    problems = lint(folder or answer.settings.mappings_dir)
    for problem in problems:
        answer.say(f"{problem.file}:{problem.line}: {problem.message}")
    answer.say(f"{len(problems)} problems" if problems else "no problems")
    answer.give({"problems": [str(p) for p in problems]})
    return 2 if problems else 0


COMMANDS = (init, import_, pull, mappings)
