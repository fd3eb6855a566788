"""Commands by which people look at leads and decide: review list, decide, undo."""

from __future__ import annotations

import click

from zp_registry.cli.common import Answer, Reason, command
from zp_registry.errors import UsageError
from zp_registry.jobs import office
from zp_registry.registry import audit, bulk
from zp_registry.registry.flags import decide


@click.group("review")
def review() -> None:
    """Suspected transfers and doubts: list, decide, undo."""


@review.command("list")
@click.option("--family", type=click.Choice(["TRANSFER", "DATA", "PLEDGE"]), default="TRANSFER", show_default=True)
@click.option(
    "--status", type=click.Choice(["open", "confirmed", "dismissed", "resolved"]), default="open", show_default=True
)
@click.option("--limit", type=int, default=50, show_default=True)
@command
def review_list(answer: Answer, family: str, status: str, limit: int) -> None:
    """Flags to look at, the strongest first."""
    opened = office.open_office(answer.settings)
    with opened.engine.connect() as connection:
        rows = bulk.read(
            connection,
            "SELECT flag_id, code, level, score, platform, account_id, entity_id, first_seen, reason FROM flag "
            "WHERE family = :f AND status = :s ORDER BY score DESC, flag_id LIMIT :n",
            {"f": family, "s": status, "n": limit},
            floats=["score"],
        )
    records = rows.astype(object).where(rows.notna(), None).to_dict("records")
    answer.table(
        f"{family} {status}",
        ["flag", "code", "level", "score", "account", "since", "reason"],
        [
            [
                r["flag_id"],
                r["code"],
                r["level"],
                r["score"],
                f"{r['platform'] or ''}:{r['account_id'] or r['entity_id'] or ''}",
                r["first_seen"],
                r["reason"],
            ]
            for r in records
        ],
    )
    answer.give({"flags": records})


@review.command("decide")
@click.argument("flag_id")
@click.argument("decision", type=click.Choice(["confirmed", "dismissed", "reopened"]))
@click.option("--reason", required=True, type=Reason(), help="Why; it is kept with the decision.")
@command
def review_decide(answer: Answer, flag_id: str, decision: str, reason: str) -> None:
    """Decide about a flag; a dismissed one stays so until something new happens."""
    _decide(answer, flag_id, decision, reason)


@review.command("undo")
@click.argument("flag_id")
@click.option("--reason", required=True, type=Reason(), help="Why; it is kept with the decision.")
@command
def review_undo(answer: Answer, flag_id: str, reason: str) -> None:
    """Take the last decision about a flag back: it is open again."""
    _decide(answer, flag_id, "reopened", reason)


def _decide(answer: Answer, flag_id: str, decision: str, reason: str) -> None:
    with office.at_work(answer.settings, "review") as opened, opened.engine.begin() as connection:
        if not decide(connection, flag_id, decision, audit.who_am_i(), reason, audit.moment()):
            raise UsageError(f"there is no flag {flag_id}")
        audit.note(connection, f"flag {decision}", flag_id, reason)
    answer.say(f"{flag_id}: {decision}")
    answer.give({"flag_id": flag_id, "decision": decision})


COMMANDS = (review,)
