"""Commands that work on what is there: flag, nightly, followups, rejects, demo."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from zp_registry.cli.common import Answer, Day, command, people
from zp_registry.cli.load import PATHS, tell_outcomes
from zp_registry.cli.resolve import derive_now
from zp_registry.flags import reminders
from zp_registry.jobs import corrections, demo, derive, imports, lists, nightly, office, watch


@click.command("flag")
@click.option("--as-of", type=Day(), help="Tell the flags of a past date, without writing (default: the newest report date).")
@command
def flag(answer: Answer, as_of: str | None) -> None:
    """Recompute the flags (part of nightly)."""
    if as_of is None:
        derive_now(answer, "flag", False)
        return
    opened = office.open_office(answer.settings)
    with opened.engine.connect() as connection:
        flags = derive.told_again(opened, connection, as_of).knowledge.flags
    answer.table(
        f"open flags on {as_of}",
        ["family", "code", "level", "n"],
        flags[flags["status"] == "open"].groupby(["family", "code", "level"]).size().reset_index().to_numpy().tolist(),
    )
    answer.give({"as_of": as_of, "open": int((flags["status"] == "open").sum())})


@click.command("nightly")
@command
def nightly_(answer: Answer) -> int:
    """Pull + inbox + resolve + flag + lists + run report: the main job."""
    imports.get_ready(answer.settings)
    with watch.noted(answer.settings, "nightly") as run, office.at_work(answer.settings, "nightly") as opened:
        if people.is_terminal and not answer.as_json:
            with people.status("nightly") as status:
                night = nightly.nightly(opened, lambda text: status.update(f"nightly: {text}"))
        else:
            night = nightly.nightly(opened)
        run.code = int(night.exit_code)
    tell_night(answer, night)
    return int(night.exit_code)


def tell_night(answer: Answer, night: nightly.Night) -> None:
    """What the night did, for people and for programs."""
    for outcome in night.outcomes:
        if outcome.message and outcome.state != "unchanged":
            answer.say(outcome.message)
    for problem in night.problems:
        answer.say(problem)
    tell_outcomes(answer, [o for o in night.outcomes if o.state != "unchanged"])
    for count, what in ((night.attempts, "follow-ups taken in"), (night.decided, "judgements of the review list taken in")):
        if count:
            answer.say(f"{what}: {count}")
    told = night.attempts or night.decided or any(o.state == "loaded" for o in night.outcomes)
    if not told and not night.knowledge.get("changed", True):
        answer.say("nothing has changed since the last run")
    for path in [*night.lists, *night.reports]:
        answer.say(f"written: {path}")
    answer.give(
        {
            "exit_code": night.exit_code,
            "files": [o.as_dict() for o in night.outcomes],
            "steps": night.steps,
            "knowledge": night.knowledge,
            "problems": night.problems,
            "lists": [str(p) for p in night.lists],
            "reports": [str(p) for p in night.reports],
        }
    )


@click.command("demo")
@click.option(
    "--samples", type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path("sample_data"),
    show_default=True, help="The folder with the samples.",
)
@command
def demo_(answer: Answer, samples: Path) -> int:
    """Run nightly over the sample data, with one platform pulled from a loopback server."""
    night, table, rejects = demo.run(answer.settings, samples)
    tell_night(answer, night)
    columns = ["source_file", "sheet", "row", "message"]
    answer.table("rejected rows that wait for a clerk", columns, rejects[columns].fillna("").to_numpy().tolist())
    answer.table("the registry now", ["what", "count"], [[k, v] for k, v in table.items()])
    return int(night.exit_code)


@click.group("followups", invoke_without_command=True)
@click.option("--by", type=click.Choice(["town", "platform", "officer"]), default="town", show_default=True,
              help="One list for each of these.")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the lists (default: lists/ in the home folder).",
)
@click.option("--as-of", type=Day(), help="Lists of a past date.")
@click.option("--home", type=click.Path(file_okay=False, path_type=Path), help="The home folder.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.pass_context
def followups(
    context: click.Context, by: str, output: Path | None, as_of: str | None, home: Path | None, as_json: bool
) -> None:
    """Write the missing-pledge lists (催签清单), or read filled-in ones back."""
    if context.invoked_subcommand is not None:  # given before the word import they count for it too
        context.default_map = {context.invoked_subcommand: {"home": home, "as_json": as_json}}
    else:
        context.invoke(_write_followups, by=by, output=output, as_of=as_of, home=home, as_json=as_json)


@click.command("write", hidden=True)
@command
def _write_followups(
    answer: Answer, by: Literal["town", "platform", "officer"], output: Path | None, as_of: str | None
) -> None:
    with office.at_work(answer.settings, "followups") as opened:
        paths = lists.write_followup_lists(opened, by=by, output=output, as_of=as_of)
    for path in paths:
        answer.say(f"written: {path}")
    answer.give({"lists": [str(p) for p in paths]})


@followups.command("notices")
@click.option("--by", type=click.Choice(["town", "officer"]), default="town", show_default=True,
              help="One file for each of these.")
@click.option("--town", help="Those of one town alone (its full name).")
@click.option("--level", type=click.Choice(list(reminders.LEVELS)), help="Those of one reminder level alone.")
@click.option("--output", type=click.Path(file_okay=False, path_type=Path),
              help="Folder for the documents (default: lists/ in the home folder).")  # fmt: skip
@command
def followups_notices(
    answer: Answer, by: Literal["town", "officer"], town: str | None, level: str | None, output: Path | None
) -> None:
    """Write notices to print (催签通知书), a page for each merchant, from the template pledge-notice.docx."""
    with office.at_work(answer.settings, "followups notices") as opened:
        paths = lists.write_pledge_notices(opened, by=by, town=town, level=level, output=output)
    for path in paths:
        answer.say(f"written: {path}")
    if not paths:
        answer.say("nobody is to be asked")
    answer.give({"notices": [str(p) for p in paths]})


@followups.command("import")
@PATHS
@command
def followups_import(answer: Answer, paths: tuple[Path, ...]) -> int:
    """Read filled-in lists back: attempts are counted, outcomes kept."""
    with office.at_work(answer.settings, "followups import") as opened:
        returned = lists.import_followups(opened, list(paths))
        refused = [r for *_, r in returned if r.refused]
        code = 1 if refused and len(refused) == len(returned) else 3 if any(r.problems for *_, r in returned) else 0
        opened.exit_code, opened.state = code, {0: "done", 3: "partial"}.get(code, "failed")
    for *_, one in returned:
        answer.say(f"{one.name}: {one.added} new, {one.known} known")
        for problem in one.problems:
            answer.say(problem)
    answer.give({"files": [vars(r) for *_, r in returned], "exit_code": code})
    return code


@click.group("rejects")
def rejects() -> None:
    """Rejected rows: out as a workbook, and back corrected."""


@rejects.command("export")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), default=Path("待更正.xlsx"), show_default=True,
              help="The workbook.")
@command
def rejects_export(answer: Answer, output: Path) -> None:
    """Write the open rejects; only the bad cells stand in clear, which is noted on the audit trail."""
    with office.at_work(answer.settings, "rejects export") as opened:
        count = corrections.export_rejects(opened, output)
    answer.say(f"written: {output} ({count} rows)")
    answer.give({"rows": count, "file": str(output)})


@rejects.command("import")
@PATHS
@command
def rejects_import(answer: Answer, paths: tuple[Path, ...]) -> int:
    """Lay the edited cells over the originals, load the rows again and close the old rejects."""
    with office.at_work(answer.settings, "rejects import") as opened:
        results = [r for *_, r in corrections.import_rejects(opened, list(paths))]
        trouble = any(r.problems or any(o.counts.rejected for o in r.outcomes) for r in results)
        code = (3 if any(r.closed for r in results) else 1) if trouble else 0
        opened.exit_code, opened.state = code, {0: "done", 3: "partial"}.get(code, "failed")
    for one in results:
        answer.say(f"{one.name}: {one.closed} corrected, {one.untouched} left as they were")
        for problem in one.problems:
            answer.say(problem)
        tell_outcomes(answer, one.outcomes)
    answer.give(
        {
            "files": [{"name": r.name, "closed": r.closed, "untouched": r.untouched, "problems": r.problems} for r in results],
            "exit_code": code,
        }
    )
    return code


COMMANDS = (flag, nightly_, demo_, followups, rejects)
