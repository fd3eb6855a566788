"""Commands by which people say who is who: entity merge, part, split, undo."""

from __future__ import annotations

from typing import Any

import click
from sqlalchemy import Connection

from zp_registry.cli.common import Answer, Reason, command
from zp_registry.errors import UsageError
from zp_registry.jobs import derive, office
from zp_registry.registry import audit, edges

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
    _judge(
        answer,
        "entity merge",
        f"{left} {right}",
        reason,
        lambda c, who, now: [edges.say_same(c, left, right, who, reason, now)],
    )


@entity.command("part")
@click.argument("left")
@click.argument("right")
@REASON
@command
def part(answer: Answer, left: str, right: str, reason: str) -> None:
    """Two entities are two, whatever their data look like."""
    _judge(
        answer,
        "entity part",
        f"{left} {right}",
        reason,
        lambda c, who, now: [edges.say_different(c, left, right, who, reason, now)],
    )


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
    _judge(
        answer,
        "entity split",
        f"{entity_id} {account}",
        reason,
        lambda c, who, now: edges.split_off(c, entity_id, platform, account_id, who, reason, now),
    )


@entity.command("undo")
@click.argument("edge_id", type=int, nargs=-1, required=True)
@REASON
@command
def undo(answer: Answer, edge_id: tuple[int, ...], reason: str) -> None:
    """Take judgements back by their numbers; ids come back with it."""

    def take_back(connection: Connection, _who: str, now: str) -> list[int]:
        for one in edge_id:
            if not edges.take_back(connection, one, now):
                raise UsageError(f"there is no live judgement {one}")
        return list(edge_id)

    _judge(answer, "entity undo", " ".join(map(str, edge_id)), reason, take_back)


def _judge(answer: Answer, action: str, subject: str, reason: str, write: Any) -> None:
    """Writes the judgement and everything that follows from it in one transaction."""
    with office.at_work(answer.settings, action) as opened, opened.engine.begin() as connection:
        ids = write(connection, audit.who_am_i(), audit.moment())
        audit.note(connection, action, subject, reason)
        counts = derive.derive_within(connection, opened)
    answer.say(f"{action}: {subject}; judgements {', '.join(map(str, ids))}")
    answer.give({"action": action, "judgements": ids, **counts})


COMMANDS = (entity,)
