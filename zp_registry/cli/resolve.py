"""Commands that bring descriptions of one holder together: resolve."""

from __future__ import annotations

import click

from zp_registry.cli.common import Answer, command
from zp_registry.errors import UsageError
from zp_registry.jobs import derive, office


@click.command("resolve")
@click.option(
    "--engine", type=click.Choice(["duckdb", "spark"]), default="duckdb", show_default=True, help="Where partial matching runs."
)
@click.option("--full", is_flag=True, help="Also when nothing has changed.")
@command
def resolve(answer: Answer, engine: str, full: bool) -> None:
    """De-duplicate into entities; flags follow in the same transaction (part of nightly)."""
    if engine == "spark":
        raise UsageError("the spark engine is not available in this version: use --engine duckdb")
    derive_now(answer, "resolve", full)


def derive_now(answer: Answer, name: str, full: bool) -> None:
    """Resolves and flags, and says what changed."""
    with office.at_work(answer.settings, name) as opened:
        counts = derive.derive(opened, full=full)
        opened.summary = counts
    answer.say(
        "nothing has changed" if not counts["changed"] else "; ".join(f"{k}: {v}" for k, v in counts.items() if k != "changed")
    )
    answer.give(counts)


COMMANDS = (resolve,)
