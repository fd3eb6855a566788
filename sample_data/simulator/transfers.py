"""Accounts that change hands or are used by others (domain: indicators R1-R5, R8), openly or behind the declared holder."""

from __future__ import annotations

from typing import Any

import numpy as np

from .base import NATURAL, PLATFORMS, SOLE, Int
from .state import OTHER, SELF
from .story import TRANSFERS, WITH_STREAMERS, Planner, Transfer, natural


def _new_holder(p: Planner, month: int, account: int, buyer: int, keep_phone: bool = False) -> None:
    w, person, day = p.world, int(p.world.person[buyer]), p.day(month)
    columns: dict[str, Any] = {
        "holder": buyer,
        "payee": person,
        "streamer": person,
        "second": -1,
        "relation": SELF,
        "agency": -1,
        "held_from": day,
        "verified": day,
    }
    if not keep_phone:
        columns["phone"] = int(w.person_phone[person])
    p.set(month, [account], "account", **columns)


def _buyers(p: Planner, rows: Int) -> list[int]:
    """A buyer for each account: a newcomer, or (every other time) a party of the county that shares nothing with the seller."""
    w, out = p.world, []
    sellers = p.person[rows]
    fit = np.flatnonzero(
        np.isin(w.kind[: w.base], (NATURAL, SOLE))
        & ~w.traps["couple"][: w.base]
        & ~w.traps["family"][: w.base]
        & ~w.traps["person_and_sole"][: w.base]
        & ~w.traps["twins"][: w.base]
        & ~np.isin(np.arange(w.base), w.upgrade_of)
    )
    newcomers = list(w.buyers)
    for i, seller in enumerate(sellers.tolist()):
        choice = (
            int(newcomers.pop())
            if newcomers and (i % 2 == 0 or not len(fit))
            else int(p.rng.choice(fit))
            if len(fit)
            else int(w.buyers[0])
        )
        while w.person[choice] == seller or w.name[w.person[choice]] == w.name[seller]:
            choice = int(p.rng.choice(fit)) if len(fit) > 1 else int(w.buyers[0])
        out.append(choice)
    w.buyers = np.array(newcomers, dtype=np.int64) if newcomers else w.buyers
    return out


def plan_changes(p: Planner) -> None:
    """Sales, hidden sales, rents, ping-pong and dormant accounts that wake up under another holder."""
    simple = np.isin(p.kind, (NATURAL, SOLE)) & p.alone
    accounts, story = p.accounts, p.story
    rows = p.take(p.quota(TRANSFERS["sale"]), simple)
    for a, m, buyer in zip(rows.tolist(), p.when(rows).tolist(), _buyers(p, rows), strict=True):
        _new_holder(p, m, a, buyer, keep_phone=p.rng.random() < 0.25)
        story.transfers.append(Transfer(a, "sale", m, ("holder",)))
    if p.months > 2:
        rows = p.take(p.quota(TRANSFERS["pingpong"]), simple, later=2)
        for a, m, buyer in zip(rows.tolist(), p.when(rows, p.months - 2).tolist(), _buyers(p, rows), strict=True):
            back, before = int(p.rng.integers(m + 1, p.months)), accounts.state
            _new_holder(p, m, a, buyer)
            p.set(
                back,
                [a],
                **{c: getattr(before, c)[a] for c in ("holder", "payee", "streamer", "second", "relation", "agency", "phone")},
            )
            p.set(back, [a], held_from=p.day(back))
            story.transfers.append(Transfer(a, "pingpong", m, ("holder",), until=back))
        rows = p.take(p.quota(TRANSFERS["dormant"]), simple & ~p.on(("wechat_channels",)), later=2)
        for a, m, buyer in zip(rows.tolist(), p.when(rows, p.months - 2).tolist(), _buyers(p, rows), strict=True):
            back = int(p.rng.integers(min(m + 2, p.months - 1), p.months))
            accounts.away[a], accounts.back[a] = m, back
            _new_holder(p, back, a, buyer)
            story.transfers.append(Transfer(a, "dormant", back, ("holder",)))
    filmed = p.on(WITH_STREAMERS)
    rows = p.take(p.quota(TRANSFERS["hidden_sale"]), simple)
    for a, m, stranger in zip(rows.tolist(), p.when(rows).tolist(), p.strangers(len(rows)).tolist(), strict=True):
        options = ("phone", "payee", "streamer") if filmed[a] else ("phone", "payee")
        changed = options if p.rng.random() < 0.4 else tuple(sorted(p.rng.choice(options, 2, replace=False).tolist()))
        _behind(p, m, a, stranger, changed)
        story.transfers.append(Transfer(a, "hidden_sale", m, changed, need=2))
    rows = p.take(p.quota(TRANSFERS["rent"]), simple)
    for a, m, stranger in zip(rows.tolist(), p.when(rows).tolist(), p.strangers(len(rows)).tolist(), strict=True):
        changed = ("streamer",) if filmed[a] and p.rng.random() < 0.5 else ("payee",)
        _behind(p, m, a, stranger, changed)
        story.transfers.append(Transfer(a, "rent", m, changed))


def _behind(p: Planner, month: int, account: int, stranger: int, columns: tuple[str, ...]) -> None:
    """The declared holder stays; a stranger's phone, card or face appears."""
    for column in columns:
        value = int(p.world.person_phone[stranger]) if column == "phone" else stranger
        p.set(month, [account], "account", **{column: value})
        if column == "streamer":
            p.set(month, [account], relation=OTHER)


def plan_groups(p: Planner) -> None:
    """Lenders (one stranger on camera or paid, three holders or more) and farms (one phone or card, five holders or more)."""
    group = 0
    for kind, least, most, where in (("film", 3, 6, WITH_STREAMERS), ("lend", 3, 6, PLATFORMS), ("farm", 5, 10, PLATFORMS)):
        wanted = max(p.quota(TRANSFERS[kind]), least) if len(p.accounts) >= 120 else 0
        for rows in p.groups(wanted, (least, most), natural(p) & p.on(where)):
            stranger = int(p.strangers(1)[0])
            column = {"film": "streamer", "lend": "payee"}.get(kind, str(p.rng.choice(["phone", "payee"])))
            start = int(p.rng.integers(0, p.months))
            for a in rows.tolist():
                month = int(max(p.accounts.born[a], min(start + p.rng.integers(0, 3), p.months - 1)))
                _behind(p, month, a, stranger, (column,))
                p.story.transfers.append(
                    Transfer(a, "lend" if kind == "film" else kind, month, (column,), group=group, least=least)
                )
            group += 1
