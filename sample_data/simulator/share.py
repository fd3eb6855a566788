"""The provincial share (令117 art. 48): registered operators, unregistered operators and streamers of many platforms.

A delta: the first month lists all covered accounts, later months the changed and the new ones. Some new accounts stand in it a
month before their platform's own report shows them.
"""

from __future__ import annotations

import numpy as np

from .base import NATURAL, PLATFORMS, Bool, Int, Obj, Rng, either, gaps, obj
from .places import OUTSIDE
from .render import Table, Text, blank, table
from .state import Accounts
from .words import PLATFORM_NAMES, SHARE_A, SHARE_B, SHARE_C
from .world import World

JOBS = ("运营者兼主播", "主播", "主播", "主播", "主播")


def covered(rng: Rng, world: World, accounts: Accounts, months: int) -> tuple[Bool, Int]:
    """Accounts that the share lists, and the month in which each stands there first."""
    live = np.isin(
        accounts.platform, [PLATFORMS.index(p) for p in ("douyin", "kuaishou", "wechat_channels", "xiaohongshu", "weipaitang")]
    )
    home = world.place.town[accounts.state.holder] != OUTSIDE
    inside = live & home & (rng.random(len(accounts)) < 0.3)
    early = inside & (accounts.born > 0) & (accounts.born < months) & (rng.random(len(accounts)) < 0.4)
    return inside, np.where(inside, accounts.born - early, 10**6)


def tables(t: Text, rng: Rng, cite: Bool) -> list[Table]:
    """The three sheets. ``cite``: rows whose account may be cited by handle or link instead of its id."""
    n, v = len(t.view), t.view
    words = obj(PLATFORM_NAMES[p][k] for p in PLATFORMS for k in range(3)).reshape(len(PLATFORMS), 3)
    platform = words[t.accounts.platform[v.account], rng.integers(0, 3, n)]
    handle = t.accounts.handle[v.account]
    draw = rng.random(n)
    account: Obj = either(cite & (draw < 0.1) & ~gaps(handle), handle, either(cite & (draw > 0.95), t.url, t.account_id))
    a, b = np.flatnonzero(~t.natural), np.flatnonzero(t.natural)
    rows = [
        [platform[x], t.name[x], number[x], t.address[x], t.phone[x], account[x]]
        for x, number in ((a, t.uscc), (b, t.person_number))
    ]
    person, first = np.unique(np.concatenate([v.streamer, v.second[v.second >= 0]]), return_index=True)
    agency = np.concatenate([t.agency, blank(int((v.second >= 0).sum()))])[first]
    job = obj(JOBS)[np.concatenate([v.relation, np.ones(int((v.second >= 0).sum()), dtype=np.int64)])[first]]
    streamers: list[Obj] = [t.people(person, what) for what in ("name", "number", "home", "phone")]
    licence = either(rng.random(len(person)) < 0.1, "互联网营销师", None)
    return [
        table("A已登记运营者", SHARE_A, rows[0], v.take(a), t.kind[a]),
        table("B未登记运营者", SHARE_B, rows[1], v.take(b), t.kind[b]),
        table("C直播营销人员", SHARE_C, [*streamers, agency, licence, job], None, np.full(len(person), NATURAL)),
    ]
