"""Whose pledge is it? Ledger rows that fit nobody or several, and those who must sign without an account."""

from __future__ import annotations

import click

from zp_registry.cli.common import Answer, Reason, command
from zp_registry.cli.load import pledges
from zp_registry.jobs import office, pledge_review

REASON = click.option("--reason", required=True, type=Reason(), help="Why; it is kept.")


@pledges.command("review")
@command
def review(answer: Answer) -> None:
    """Ledger rows that belong to no entity, with candidates."""
    rows = pledge_review.unmatched(office.open_office(answer.settings))
    told = []
    for r in rows:
        first = [r["pledge_id"], r["subject_name"], r["number"], r["signer"], r["signed_on"], r["place"]]
        found = [[c["entity_id"], c["name"], c["town"], c["why"]] for c in r["candidates"][:5]] or [
            ["", "", "", "没有相近的主体"]
        ]
        told += [[*(first if n == 0 else [""] * len(first)), *c] for n, c in enumerate(found)]
    answer.table(
        "待认领的承诺书", ["编号", "名称", "号码", "签署人", "签订日期", "出处", "候选主体", "名称", "乡镇", "相符之处"], told
    )
    if not rows:
        answer.say("every pledge belongs to somebody")
    answer.give({"pledges": rows})


@pledges.command("assign")
@click.argument("pledge_id", type=int)
@click.argument("entity_id", metavar="ENTITY_ID|none")
@REASON
@command
def assign(answer: Answer, pledge_id: int, entity_id: str, reason: str) -> None:
    """Say whose a ledger row is (or 'none': nobody's here)."""
    with office.at_work(answer.settings, "pledges assign") as opened:
        done = pledge_review.assign(opened, pledge_id, None if entity_id.lower() == "none" else entity_id, reason)
    answer.say(f"pledge {pledge_id}: {done['entity_id'] or 'nobody here'}")
    answer.give(done)


@pledges.command("withdraw")
@click.argument("pledge_id", type=int)
@REASON
@command
def withdraw(answer: Answer, pledge_id: int, reason: str) -> None:
    """Take back what was said of a ledger row."""
    with office.at_work(answer.settings, "pledges withdraw") as opened:
        done = pledge_review.withdraw(opened, pledge_id, reason)
    answer.say(f"pledge {pledge_id}: back to what the rules find")
    answer.give(done)


@pledges.command("parties")
@command
def parties(answer: Answer) -> None:
    """Persons on camera, agencies and platforms that must sign by the settings and hold no account, with their status."""
    rows = pledge_review.parties(office.open_office(answer.settings))
    kinds = {"streamer": "出镜人员", "agency": "服务机构", "platform": "平台"}
    answer.table("应签承诺书的其他主体", ["类别", "名称", "号码", "账号数", "承诺书"],
                 [[kinds[r["kind"]], r["name"], r["number"], r["accounts"], r["status"]] for r in rows])  # fmt: skip
    if not rows:
        answer.say("by the settings nobody without an account must sign")
    answer.give({"parties": rows})


COMMANDS = (pledges,)
