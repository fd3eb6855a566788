"""For the joint meeting: the bulletin, extracts for departments, candidates of the honest-merchant selection."""

from __future__ import annotations

from pathlib import Path

import click

from zp_registry.cli.common import Answer, Day, Reason, command
from zp_registry.jobs import bulletin as bulletins
from zp_registry.jobs import extracts, office, reverify

OUTPUT = click.option("--output", type=click.Path(file_okay=False, path_type=Path),
                      help="Folder for the files (default: lists/ in the home folder).")  # fmt: skip
KNOWN = click.option("--as-known-on", "known_on", metavar="DATE|TIME",
                     help="Only what had come by the end of that day, or before that time (2026-03-31T10:15:00).")  # fmt: skip


@click.command("bulletin")
@click.option("--period", required=True, metavar="YYYY-MM[-H1|-H2]", help="A month, or its first (to the 15th) or second half.")
@KNOWN
@OUTPUT
@command
def bulletin(answer: Answer, period: str, known_on: str | None, output: Path | None) -> None:
    """Write the joint meeting's bulletin of a period (docx, html, xlsx), told again from the history; with --as-known-on as it
    was known then, and which figures are others now."""
    with office.at_work(answer.settings, "bulletin") as opened:
        done = bulletins.write(opened, period, output, known_on)
    for file in done["files"]:
        answer.say(f"written: {file}")
    answer.say(f"figures {done['figures']}, as known before {done['known']}")
    answer.give(done)


@click.command("reverify")
@click.option("--platform", metavar="ID", help="For this platform alone.")
@click.option("--sent-on", type=Day(), help="The day on which the workbooks are sent (default: today).")
@OUTPUT
@command
def reverify_(answer: Answer, platform: str | None, sent_on: str | None, output: Path | None) -> None:
    """Write for each platform what it is to check (wrong, masked, missing, unreachable); its answer comes in by import."""
    with office.at_work(answer.settings, "reverify") as opened:
        done = reverify.reverify(opened, platform=platform, sent_on=sent_on, output=output)
    for file in done["files"]:
        answer.say(f"written: {file}")
    answer.say(f"{sum(done['accounts'].values())} accounts, {done['overdue']} past their deadline")
    answer.give(done)


@click.command("extract")
@click.argument("name")
@click.option("--reason", required=True, type=Reason(), help="What it is for; it stands on the audit trail.")
@OUTPUT
@command
def extract(answer: Answer, name: str, reason: str, output: Path | None) -> None:
    """Write what a department may see: rows and columns that the settings allow under [extracts.NAME], and no others."""
    with office.at_work(answer.settings, "extract") as opened:
        done = extracts.extract(opened, name, reason, output)
    answer.say(f"written: {done['file']} ({done['rows']} rows)")
    answer.give(done)


@click.command("candidates")
@click.option("--as-of", type=Day(), help="Told again for a past date (default: the newest report date).")
@KNOWN
@OUTPUT
@command
def candidates(answer: Answer, as_of: str | None, known_on: str | None, output: Path | None) -> None:
    """Write the candidates of the honest-merchant selection: signed, verified, without case or sanction."""
    with office.at_work(answer.settings, "candidates") as opened:
        done = extracts.write_candidates(opened, output, as_of, known_on)
    answer.say(f"written: {done['file']} ({done['rows']} entities)")
    answer.give(done)


COMMANDS: tuple[click.Command, ...] = (bulletin, reverify_, extract, candidates)
