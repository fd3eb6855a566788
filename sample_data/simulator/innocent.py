"""Changes and circumstances that look like transfers and are none."""

from __future__ import annotations

import numpy as np

from . import ids, names, places
from .base import COOP, ENTERPRISE, NATURAL, SOLE, Int, either, gaps, obj
from .state import CLOSED, EMPLOYEE, SIGNED
from .story import BENIGN, CIRCUMSTANCES, WITH_AGENCY, Planner


def circumstances(p: Planner) -> None:
    """Standing from the first report: agencies whose phone stands on clients' accounts, bookkeepers' phones and accounts."""
    w, state, n = p.world, p.accounts.state, len(p.accounts)
    more = np.flatnonzero(p.rng.random(n) < 0.07)  # people with a second number on some account
    state.phone[more] = len(w.phones) + np.arange(len(more))
    w.phones = np.concatenate([w.phones, _fresh_phones(p, len(more))])
    p.story.traps |= {
        k: np.zeros(n, dtype=bool)
        for k in ("agency_client", "agency_phone", "bookkeeper", "bookkeeper_payee", "spouse_payee", "hired_streamer")
    }
    traps = p.story.traps
    person = w.person[state.holder]
    traps["spouse_payee"] = (state.payee < w.persons) & (state.payee != person) & (w.spouse[person] == state.payee)
    traps["hired_streamer"] = np.isin(state.relation, (EMPLOYEE, SIGNED))
    if len(w.agencies):
        rows = p.take(p.quota(CIRCUMSTANCES["agency"]), p.on(WITH_AGENCY) & np.isin(p.kind, (NATURAL, SOLE)), later=0)
        which = p.rng.integers(0, len(w.agencies), len(rows))
        agency = w.agencies[which]
        state.agency[rows] = agency
        traps["agency_client"][rows] = True
        phone = which % 2 == 0
        state.phone[rows[phone]] = w.person_phone[w.person[agency[phone]]]
        traps["agency_phone"][rows[phone]] = True
        collects = (p.rng.random(len(rows)) < 0.3) & ~phone
        state.payee[rows[collects]] = w.persons + agency[collects]
    wanted = p.quota(CIRCUMSTANCES["bookkeeper"]) if n >= 120 else 0
    for turn, rows in enumerate(p.groups(wanted, (6, max(6, min(25, wanted // 2))), np.isin(p.kind, (ENTERPRISE, COOP, SOLE)))):
        bookkeeper = int(p.strangers(1)[0])
        if turn % 2:
            state.payee[rows] = bookkeeper
            traps["bookkeeper_payee"][rows] = True
        else:
            state.phone[rows] = w.person_phone[bookkeeper]
        traps["bookkeeper"][rows] = True


def plan_changes(p: Planner) -> None:
    """New nicknames, numbers, payout accounts, licences, streamers and agencies; corrections; accounts that close."""
    w, accounts, state = p.world, p.accounts, p.accounts.state
    any_kind = np.ones(len(accounts), dtype=bool)
    nat, sole = p.kind == NATURAL, p.kind == SOLE
    _licences(p)
    _parties(p)

    rows = p.take(p.quota(BENIGN["id15_to_18"]), nat & (w.birthday[p.person] < 10957))  # born before 2000
    state.old_form[rows] = True
    for m, some in _noted(p, "id15_to_18", rows):
        p.set(m, some, old_form=False)
    rows = p.take(p.quota(BENIGN["typo_corrected"]), nat)
    typos = obj(names.typo(str(x)) for x in w.name[p.person[rows]])
    state.shown_name[rows] = typos
    wrong = gaps(typos)
    state.shown_number[rows[wrong]] = obj(ids.wrong_check(str(x)) for x in w.number[p.person[rows[wrong]]])
    for m, some in _noted(p, "typo_corrected", rows):
        p.set(m, some, shown_name=None, shown_number=None)
    rows = p.take(p.quota(BENIGN["spouse_payee"]), nat & (w.spouse[p.person] >= 0) & (state.payee == p.person))
    for m, some in _noted(p, "spouse_payee", rows):
        p.set(m, some, payee=w.spouse[p.person[some]])
    rows = p.take(p.quota(BENIGN["own_payee"]), sole & (state.payee == p.person))
    for m, some in _noted(p, "own_payee", rows):
        p.set(m, some, payee=w.persons + state.holder[some])
    rows = p.take(p.quota(BENIGN["hired_streamer"]), ~nat & p.on(("douyin", "kuaishou", "xiaohongshu", "weipaitang")))
    for m, some in _noted(p, "hired_streamer", rows):
        p.set(m, some, streamer=w.employees[p.rng.integers(0, len(w.employees), len(some))], second=-1, relation=EMPLOYEE)
    if len(w.agencies):
        rows = p.take(p.quota(BENIGN["agency_joined"]), (nat | sole) & p.on(WITH_AGENCY))
        for m, some in _noted(p, "agency_joined", rows):
            agency = w.agencies[p.rng.integers(0, len(w.agencies), len(some))]
            p.set(m, some, agency=agency)
            gives = p.rng.random(len(some)) < 0.4
            p.set(m, some[gives], phone=w.person_phone[w.person[agency[gives]]])
    rows = p.take(p.quota(BENIGN["phone"]), any_kind)
    fresh = len(w.phones) + np.arange(len(rows))
    w.phones = np.concatenate([w.phones, _fresh_phones(p, len(rows))])
    new = dict(zip(rows.tolist(), fresh.tolist(), strict=True))
    for m, some in _noted(p, "phone", rows):
        p.set(m, some, phone=np.array([new[a] for a in some.tolist()], dtype=np.int64))
    rows = p.take(p.quota(BENIGN["nickname"]), any_kind)
    for m, some in _noted(p, "nickname", rows):
        p.set(m, some, nick=names.nicknames(p.rng, w.name[p.person[some]]))
    _closures(p)


def _noted(p: Planner, kind: str, rows: Int) -> list[tuple[int, Int]]:
    """A month for each account, the events written down, and the rows by month."""
    months = p.when(rows)
    p.story.benign += [(a, kind, m) for a, m in zip(rows.tolist(), months.tolist(), strict=True)]
    return p.by_month(rows, months)


def _fresh_phones(p: Planner, n: int) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    """New numbers that nobody has."""
    some = ids.mobiles(p.rng, n * 2 + 4)
    return some[~np.isin(some.astype(str), p.world.phones.astype(str))][:n]


def _licences(p: Planner) -> None:
    """A natural person registers as a sole proprietor: the account's holder becomes another party, the person stays."""
    w, state = p.world, p.accounts.state
    wanted = p.quota(BENIGN["licence_upgrade"])
    upgrade = dict(zip(w.upgrade_of.tolist(), w.upgrades.tolist(), strict=True))
    rows = p.one_each(wanted, np.isin(state.holder, w.upgrade_of), later=1)
    for m, some in _noted(p, "licence_upgrade", rows):
        for a in some.tolist():
            p.set(m, [a], holder=upgrade[int(state.holder[a])], held_from=p.day(m))


def _parties(p: Planner) -> None:
    """A company renames or gets another legal representative; a party moves. All accounts of the party show it."""
    w, state = p.world, p.accounts.state
    for kind in ("rename", "new_legal_rep", "address"):
        touched = np.zeros(w.parties, dtype=bool)
        touched[state.holder[p.used]] = True
        touched[w.agencies] = True
        late = np.zeros(w.parties, dtype=bool)
        late[state.holder[p.accounts.born > p.months - 2]] = True
        fit = ~touched & ~late & np.isin(np.arange(w.parties), state.holder)
        fit &= ~np.any(
            [w.traps[k] for k in ("couple", "family", "person_and_sole", "twins", "namesake_market", "one_chief")], axis=0
        )
        if kind != "address":
            fit &= w.kind == ENTERPRISE
        chosen = p.rng.permutation(np.flatnonzero(fit))[: p.quota(BENIGN[kind])]
        rows = np.flatnonzero(np.isin(state.holder, chosen))
        p.used[rows] = True
        if not len(chosen):
            continue
        month_of = dict(zip(chosen.tolist(), p.rng.integers(1, p.months, len(chosen)).tolist(), strict=True))
        for m in sorted(set(month_of.values())):
            some = np.array([c for c in chosen.tolist() if month_of[c] == m], dtype=np.int64)
            if kind == "rename":
                p.set(m, some, "party", party_name="镇平县" + names.brands(p.rng, len(some)) + "珠宝有限公司")
            elif kind == "new_legal_rep":
                p.set(m, some, "party", person=p.strangers(len(some)))
            else:
                old = w.place.town[some]
                town = either(old == places.OUTSIDE, "石佛寺镇", old)
                p.set(
                    m,
                    some,
                    "party",
                    province="河南省",
                    city="南阳市",
                    county="镇平县",
                    town=town,
                    detail=places.villages(p.rng, town),
                )
        for a in rows.tolist():
            m = month_of[int(state.holder[a])]
            if m > p.accounts.born[a]:
                p.story.benign.append((a, kind, m))


def _closures(p: Planner) -> None:
    """Accounts that close: shown as closed once and then gone; in a delta report an end of operation, or a voided row."""
    accounts = p.accounts
    rows = p.take(p.quota(BENIGN["closed"]), np.ones(len(accounts), dtype=bool))
    delta = p.on(("wechat_channels",))
    for m, some in _noted(p, "closed", rows):
        shown = some[~delta[some]]
        p.set(m, shown, status=CLOSED)
        accounts.gone[shown] = m + 1
        ended = some[delta[some]]
        accounts.gone[ended] = m
        void = p.rng.random(len(ended)) < 0.4
        p.story.voided |= set(ended[void].tolist())
        p.set(m, ended[~void], held_to=p.day(m))
