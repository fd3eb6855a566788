"""Commands by which people say who is who: entity merge, part, split, undo."""

from __future__ import annotations

from typing import Any

import click

from zp_registry.cli.common import Answer, Reason, command
from zp_registry.errors import UsageError
from zp_registry.jobs import office, review

REASON = click.option("--reason", required=True, type=Reason(), help="Why; it is kept with the judgement.")


@click.group("entity")
def entity() -> None:
    """Who is who: join, part and split entities, and take it back."""


@entity.command("merge")
@click.argument("left")
@click.argument("right")
@REASON
@command
def merge(answer: Answer, left: str, right: str, reason: str) -> None:
    """Two entities are one; the older id stays, the other leads to it."""
    with office.at_work(answer.settings, "entity merge") as opened:
        done = review.merge(opened, left, right, reason)
    _tell(answer, f"{left} {right}", done)


@entity.command("part")
@click.argument("left")
@click.argument("right")
@REASON
@command
def part(answer: Answer, left: str, right: str, reason: str) -> None:
    """Two entities are two, whatever their data look like."""
    with office.at_work(answer.settings, "entity part") as opened:
        done = review.part(opened, left, right, reason)
    _tell(answer, f"{left} {right}", done)


@entity.command("split")
@click.argument("entity_id")
@click.argument("account", metavar="PLATFORM:ACCOUNT_ID")
@REASON
@command
def split(answer: Answer, entity_id: str, account: str, reason: str) -> None:
    """Part from an entity what one account says of its holder."""
    platform, colon, account_id = account.partition(":")
    if not colon:
        raise UsageError("the account is named as PLATFORM:ACCOUNT_ID")
    with office.at_work(answer.settings, "entity split") as opened:
        done = review.split(opened, entity_id, platform, account_id, reason)
    _tell(answer, f"{entity_id} {account}", done)


@entity.command("undo")
@click.argument("edge_id", type=int, nargs=-1, required=True)
@REASON
@command
def undo(answer: Answer, edge_id: tuple[int, ...], reason: str) -> None:
    """Take judgements back by their numbers; ids come back with it."""
    with office.at_work(answer.settings, "entity undo") as opened:
        done = review.take_back(opened, edge_id, reason)
    _tell(answer, " ".join(map(str, edge_id)), done)


def _tell(answer: Answer, subject: str, done: dict[str, Any]) -> None:
    answer.say(f"{done['action']}: {subject}; judgements {', '.join(map(str, done['judgements']))}")
    answer.give(done)


COMMANDS = (entity,)
