"""What happens to the accounts: transfers, innocent changes and standing circumstances that look like transfers.

Every account takes part in at most one of them, so that truth stays clear. Rates are shares of all accounts; a world of at
least 120 accounts gets one of each kind where its months allow.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import ids
from .base import NATURAL, PLATFORMS, Bool, Int, Rng
from .state import WITH_AGENCY, WITH_STREAMERS, Accounts
from .world import World

TRANSFERS = {
    "sale": 0.008,
    "hidden_sale": 0.006,
    "rent": 0.006,
    "pingpong": 0.002,
    "dormant": 0.002,
    "film": 0.004,
    "lend": 0.003,
    "farm": 0.007,
}
BENIGN = {
    "nickname": 0.04,
    "phone": 0.03,
    "own_payee": 0.012,
    "address": 0.02,
    "licence_upgrade": 0.01,
    "rename": 0.004,
    "new_legal_rep": 0.004,
    "id15_to_18": 0.006,
    "typo_corrected": 0.012,
    "hired_streamer": 0.01,
    "spouse_payee": 0.004,
    "agency_joined": 0.01,
    "closed": 0.02,
}
CIRCUMSTANCES = {"agency": 0.05, "bookkeeper": 0.02}


@dataclass
class Transfer:
    """One account that changes hands or is used by another. ``fields``: which of holder, phone, payee, streamer change;
    ``need``: how many of them must be seen; ``group``: accounts of one lender or farm (-1: none), seen from
    ``least`` holders on."""

    account: int
    kind: str
    month: int
    fields: tuple[str, ...]
    need: int = 1
    until: int = 10**6
    group: int = -1
    least: int = 1


@dataclass
class Change:
    """``column`` of these rows takes these values in a month; ``target``: ``account``, ``party`` or ``person``."""

    target: str
    column: str
    rows: Int
    values: Any


@dataclass
class Story:
    """What is planned, by month, and what is true about it."""

    changes: dict[int, list[Change]] = field(default_factory=lambda: defaultdict(list))
    transfers: list[Transfer] = field(default_factory=list)
    benign: list[tuple[int, str, int]] = field(default_factory=list)
    voided: set[int] = field(default_factory=set)
    traps: dict[str, Bool] = field(default_factory=dict)


class Planner:
    """Chooses accounts that nothing has happened to yet, and months in which something can."""

    def __init__(self, rng: Rng, world: World, accounts: Accounts, months: int, days: list[int]) -> None:
        self.rng, self.world, self.accounts, self.months, self.days = rng, world, accounts, months, days
        self.story = Story()
        self.order = rng.permutation(len(accounts))
        self.used = np.zeros(len(accounts), dtype=bool)
        self.kind = world.kind[accounts.state.holder]
        self.person = world.person[accounts.state.holder]
        odd = np.any([world.traps[k] for k in ("couple", "family", "person_and_sole", "twins")], axis=0)
        self.alone = ~odd[accounts.state.holder]
        self._stranger = 0
        self._had: set[str] = set()
        self._noted = 0  # so many of the pool's phones stand in it

    def on(self, names: tuple[str, ...]) -> Bool:
        """Accounts of these platforms."""
        return np.isin(self.accounts.platform, [PLATFORMS.index(p) for p in names])

    def quota(self, rate: float) -> int:
        """How many accounts a rate means in this world."""
        n = len(self.accounts)
        return max(1, round(rate * n)) if n >= 120 else int(rate * n + 0.2)

    def take(self, n: int, where: Bool, later: int = 1) -> Int:
        """n unused accounts, each with at least ``later`` months after its first."""
        fit = where & ~self.used & (self.accounts.born <= self.months - 1 - later)
        out = self.order[fit[self.order]][:n]
        self.used[out] = True
        return out

    def one_each(self, n: int, where: Bool, later: int = 0) -> Int:
        """n unused accounts of n different people."""
        fit = where & ~self.used & (self.accounts.born <= self.months - 1 - later)
        some = self.order[fit[self.order]]
        first = np.sort(np.unique(self.person[some], return_index=True)[1])
        out = some[first][:n]
        self.used[out] = True
        return out

    def groups(self, n: int, sizes: tuple[int, int], where: Bool) -> Iterator[Int]:
        """Groups of unused accounts of different people, about n accounts in all, each group of ``sizes`` (least, most)."""
        pool, at = self.one_each(n, where), 0
        while len(pool) - at >= sizes[0]:
            size = min(len(pool) - at, int(self.rng.integers(sizes[0], sizes[1] + 1)))
            yield pool[at : at + size]
            at += size
        self.used[pool[at:]] = False

    def when(self, rows: Int, last: int | None = None) -> Int:
        """A month for each account: after its first, up to ``last``."""
        low = np.maximum(self.accounts.born[rows] + 1, 1)
        return self.rng.integers(low, np.maximum(low + 1, self.months if last is None else last + 1))

    def day(self, month: int) -> int:
        """A day in a month, days since 1970."""
        return int(self.days[month] - self.rng.integers(1, 26))

    def strangers(self, n: int) -> Int:
        """People who have nothing to do with anybody's account so far, each handed out once (until they run out)."""
        out = self.world.strangers[(self._stranger + np.arange(n)) % len(self.world.strangers)]
        self._stranger += n
        return out

    def new_phones(self, n: int) -> Int:
        """Phones that nobody has had, as rows of the world's pool."""
        w = self.world
        self._had.update(w.phones[self._noted :].tolist())
        some = [p for p in ids.mobiles(self.rng, n * 2 + 4).tolist() if p not in self._had][:n]
        self._noted = len(w.phones)
        w.phones = np.concatenate([w.phones, np.array(some, dtype=object)])
        return len(w.phones) - n + np.arange(n)

    def set(self, month: int, rows: Int | list[int], target: str = "account", /, **columns: Any) -> None:
        """Plan new values for these rows."""
        for column, values in columns.items():
            self.story.changes[month].append(Change(target, column, np.atleast_1d(np.asarray(rows)), values))

    def by_month(self, rows: Int, months: Int) -> list[tuple[int, Int]]:
        """The rows of each month."""
        return [(int(m), rows[months == m]) for m in np.unique(months)]


def plan(rng: Rng, world: World, accounts: Accounts, months: int, days: list[int], masks: bool = True) -> Story:
    """The whole story of this world. ``masks``: platforms may hide numbers."""
    from . import innocent, transfers, traps

    planner = Planner(rng, world, accounts, months, days)
    innocent.circumstances(planner)
    transfers.plan_groups(planner)
    if months > 1:
        transfers.plan_changes(planner)
        innocent.plan_changes(planner)
    traps.circumstances(planner, masks)
    if months > 1:
        traps.changes(planner)
    return planner.story


def natural(planner: Planner) -> Bool:
    """Accounts of natural persons who have no couple, family or business beside."""
    out: Bool = (planner.kind == NATURAL) & planner.alone
    return out


__all__ = [
    "BENIGN",
    "CIRCUMSTANCES",
    "TRANSFERS",
    "WITH_AGENCY",
    "WITH_STREAMERS",
    "Change",
    "Planner",
    "Story",
    "Transfer",
    "natural",
    "plan",
]
