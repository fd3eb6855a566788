"""Accounts and their state, which the story changes from month to month."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from . import ids, names
from .base import COOP, ENTERPRISE, NATURAL, PLATFORMS, SOLE, Bool, Int, Obj, Rng, either, fill, obj
from .world import World

SHARES = {
    "douyin": 0.30,
    "kuaishou": 0.16,
    "taobao": 0.14,
    "wechat_channels": 0.12,
    "xiaohongshu": 0.10,
    "pinduoduo": 0.07,
    "jd": 0.04,
    "weipaitang": 0.07,
}
# What a layout shows besides holder and phone; the story puts events where they can be seen.
WITH_STREAMERS = ("douyin", "kuaishou", "xiaohongshu", "weipaitang")
WITH_AGENCY = ("douyin", "kuaishou", "weipaitang")
SELF, EMPLOYEE, SIGNED, FAMILY, OTHER = range(5)
NORMAL, LIMITED, CLOSED = range(3)


@dataclass
class View:
    """Rows about accounts: some accounts' state at one moment, references as numbers (-1: none). ``held_from``, ``held_to``,
    ``opened``, ``verified``: days since 1970 (-1: none). ``shown_name`` and ``shown_number`` stand where a platform shows
    another text than the world's: typing errors, other forms of a name, or no name (an empty text); ``written`` is another
    spelling of the right name and ``elsewhere`` another address. ``hidden``: the platform masks this account's numbers.
    ``info``: 新增/变更/作废 where the layout has such a column."""

    account: Int
    holder: Int
    nick: Obj
    phone: Int
    payee: Int
    streamer: Int
    second: Int
    relation: Int
    agency: Int
    status: Int
    opened: Int
    verified: Int
    held_from: Int
    held_to: Int
    old_form: Bool
    shown_name: Obj
    shown_number: Obj
    info: Obj
    written: Obj
    elsewhere: Obj
    hidden: Bool

    def __len__(self) -> int:
        return len(self.account)

    def take(self, at: Int | Bool) -> View:
        """These rows, as a copy."""
        return View(*(getattr(self, f.name)[at] for f in fields(self)))

    @staticmethod
    def join(parts: list[View]) -> View:
        """Rows of several views under each other."""
        return View(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(View)))


@dataclass
class Accounts:
    """What never changes about accounts, and when they are listed: months ``born`` to ``gone`` but for ``[away, back)``."""

    platform: Int
    ids: Obj
    handle: Obj
    followers: Int
    exempt: Int
    landline: Obj
    address_style: Int
    born: Int
    gone: Int
    away: Int
    back: Int
    state: View

    def __len__(self) -> int:
        return len(self.platform)

    def listed(self, month: int) -> Bool:
        """Accounts that stand in the platforms' reports of this month."""
        return (self.born <= month) & (month < self.gone) & ~((self.away <= month) & (month < self.back))


def account_counts(rng: Rng, n: int) -> Int:
    """How many accounts each party has: mostly one, with a heavy tail up to sixty."""
    return np.minimum(np.floor(rng.pareto(2.2, n) * 1.35 + 1), 60).astype(np.int64)


def open_accounts(rng: Rng, world: World, owners: Int, platforms: tuple[str, ...], months: int, first_day: int) -> Accounts:
    """One account per entry of ``owners`` (parties). ``first_day``: days since 1970 of the first report."""
    n, w = len(owners), world
    weights = np.array([SHARES[p] for p in platforms])
    platform = np.array([PLATFORMS.index(p) for p in platforms])[rng.choice(len(platforms), size=n, p=weights / weights.sum())]
    account_ids, handle = fill(n), fill(n)
    for i, name in enumerate(PLATFORMS):
        at = np.flatnonzero(platform == i)
        account_ids[at] = ids.account_ids(rng, name, len(at))
        if name == "douyin":
            handle[at] = obj("dy" + str(a)[-7:] for a in account_ids[at])
    born = np.where(rng.random(n) < 0.12, rng.integers(0, max(months, 1), n), 0)
    person, kind = w.person[owners], w.kind[owners]
    opened = np.where(born == 0, first_day - rng.integers(5, 1800, n), first_day + born * 30 - rng.integers(0, 20, n))
    on_camera = person.copy()
    hired = np.where(kind == NATURAL, rng.random(n) < 0.04, np.where(kind == SOLE, rng.random(n) < 0.3, rng.random(n) < 0.9))
    staff = w.employees[rng.integers(0, len(w.employees), n)]
    on_camera = np.where(hired, staff, on_camera)
    relation = np.where(hired, np.where(rng.random(n) < 0.6, EMPLOYEE, SIGNED), SELF)
    relation = np.where(~hired & np.isin(kind, (ENTERPRISE, COOP)), EMPLOYEE, relation)
    wed = (w.spouse[person] >= 0) & (kind == NATURAL) & (rng.random(n) < 0.3)
    on_camera, relation = np.where(wed, w.spouse[person], on_camera), np.where(wed, FAMILY, relation)
    second = np.where((kind == ENTERPRISE) & (rng.random(n) < 0.3), w.employees[rng.integers(0, len(w.employees), n)], -1)
    second = np.where(second == on_camera, -1, second)
    business = w.persons + owners
    payee = np.where((kind == NATURAL) | ((kind == SOLE) & (rng.random(n) < 0.6)), person, business)
    payee = np.where(wed & (rng.random(n) < 0.5), w.spouse[person], payee)
    payee = np.where(w.traps["one_purse"][owners], np.minimum(person, w.spouse[person]), payee)
    state = View(
        account=np.arange(n),
        holder=owners.copy(),
        nick=names.nicknames(rng, w.name[person]),
        phone=w.person_phone[person],
        payee=payee,
        streamer=on_camera,
        second=second,
        relation=relation,
        agency=np.full(n, -1),
        status=np.where(rng.random(n) < 0.02, LIMITED, NORMAL),
        opened=opened,
        verified=opened + rng.integers(0, 5, n),
        held_from=opened.copy(),
        held_to=np.full(n, -1),
        old_form=np.zeros(n, dtype=bool),
        shown_name=fill(n),
        shown_number=fill(n),
        info=fill(n),
        written=fill(n),
        elsewhere=fill(n),
        hidden=np.zeros(n, dtype=bool),
    )
    far = np.full(n, 10**6)
    return Accounts(
        platform=platform,
        ids=account_ids,
        handle=handle,
        followers=np.floor(rng.lognormal(7.5, 1.8, n)).astype(np.int64),
        exempt=rng.choice(4, size=n, p=[0.1, 0.15, 0.05, 0.7]),
        landline=either(rng.random(n) < 0.08, ids.landlines(rng, n), None),
        address_style=rng.choice(3, size=n, p=[0.8, 0.12, 0.08]),
        born=born,
        gone=far.copy(),
        away=far.copy(),
        back=far.copy(),
        state=state,
    )
