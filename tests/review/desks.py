"""A registry with pairs about which the machine doubts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from worlds import Party, World, firm, masked, name, person, phone, row
from zp_registry.jobs import review

from zp_registry.registry.review import lines, pair_id

JAN, FEB = "2026-01-31", "2026-02-28"


def weak(account: str, holder: Party, **changed: Any) -> dict[str, Any]:
    """A row that shows no number of its holder, and neither payee nor people on camera."""
    return row(account, holder, **{"person_id": None, "payee": None, "payee_name": None, "streamers": [], **changed})


def like(n: int, **changed: Any) -> Party:
    """The n-th person with something else."""
    return replace(person(n), **changed)


# near1 and near2: one name and the same visible digits, all else different. rival is as near to the numbered one as to the
# numbered two. alone: nobody like it. shop: a firm.
ROWS = (
    weak("near1", person(1), person_id=masked(person(1).person_id)),
    weak("near2", like(1, phone=phone(101), address=person(60).address), person_id=masked(person(1).person_id)),
    row("one", person(7)),
    row("two", like(8, name=name(7), person=name(7), phone=phone(7))),
    weak("rival", like(7, address=person(90).address)),
    row("alone", person(20)),
    weak("bare", person(21)),
    row("shop", firm(30)),
)


class Desk:
    """A registry in which somebody decides about pairs, named by their accounts."""

    def __init__(self, made: World) -> None:
        self.world = made

    def id(self, account: str) -> str:
        """The entity that holds an account."""
        return self.world.holder(account)

    def pair(self, left: str, right: str) -> str:
        """The pair of two accounts' holders."""
        return pair_id(self.id(left), self.id(right))

    def queue(self) -> list[dict[str, Any]]:
        """The queue's lines."""
        with self.world.office.engine.connect() as connection:
            return lines(connection)

    def pairs(self) -> list[str]:
        """The queue's pairs, in its order."""
        return [line["pair"] for line in self.queue()]

    def decide(self, left: str, right: str, decision: str, why: str = "已核实", **more: Any) -> dict[str, Any]:
        """Decides about two accounts' holders."""
        done: dict[str, Any] = review.decide(self.world.office, self.pair(left, right), decision, why, **more)
        return done

    def judgements(self) -> list[tuple[str, str]]:
        """(judgement, reason) of people's live edges, the oldest first."""
        rows = self.world.sql("SELECT judgement, why FROM edge WHERE tier = 'person' AND deleted_at IS NULL ORDER BY id")
        return list(rows.itertuples(index=False, name=None))
