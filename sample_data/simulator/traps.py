"""People, firms and accounts that are hard to tell apart, or hard to know again; each is labelled by its trap's name.

Planted after the world and its story are made, from random numbers of their own, so that nothing else changes with them.
"""

from __future__ import annotations

import numpy as np

from . import ids, names, places
from .base import ENTERPRISE, NATURAL, PLATFORMS, Bool, Int, Rng, fill, gaps, glue, obj
from .cells import TRADITIONAL
from .story import Planner
from .world import World

MANY_SHOPS = 50
# Shares of the natural persons who are in no other trap.
PEOPLE = {"twins": 0.03, "namesake_market": 0.025, "namesake_digits": 0.025, "middle_dot": 0.02}
# Shares of all accounts.
ACCOUNTS = {"mask_and_name": 0.015, "name_form": 0.015, "traditional": 0.012, "typo_stays": 0.008, "no_name": 0.006}
CHANGES = {"name_change": 0.005, "number_slip": 0.008, "phone_recycled": 0.004}
DOTS = "•．・‧∙"


def plant(rng: Rng, w: World, counts: Int) -> None:
    """Make some people of ``w`` twins, namesakes or bearers of long names, and some firms one person's. ``counts``: accounts
    of each party of the county."""
    for kind in (*PEOPLE, "one_purse", "one_chief", "many_shops"):
        w.traps[kind] = np.zeros(w.parties, dtype=bool)
    taken = np.any([w.traps[k] for k in ("couple", "family", "namesake", "person_and_sole")], axis=0)
    taken[w.upgrade_of] = True
    free = rng.permutation(np.flatnonzero((w.kind[: w.base] == NATURAL) & ~taken[: w.base]))
    start = 0
    for kind, share in PEOPLE.items():
        size = max(round(len(free) * share), 4 if len(free) >= 40 else 0)
        rows, start = free[start : start + size], start + size
        if kind == "middle_dot":
            w.name[w.person[rows]] = names.minority(rng, len(rows))
        else:
            rows = rows[: len(rows) // 2 * 2]
            _pairs(rng, w, kind, rows[::2], rows[1::2])
        w.traps[kind][rows] = True
    couples = np.flatnonzero(w.traps["couple"])
    first = np.minimum(w.person[couples], w.spouse[w.person[couples]])
    w.traps["one_purse"][couples[first % 3 == 0]] = True
    firms = np.flatnonzero((w.kind[: w.base] == ENTERPRISE) & ~w.traps["agency"][: w.base])
    firms = rng.permutation(firms)[: round(len(firms) * 0.15) if len(firms) >= 20 else 0]
    for group in np.array_split(firms, max(len(firms) // 3, 1)):
        if len(group) > 1:
            w.person[group] = w.person[group[0]]
            w.place.copy_to(np.repeat(group[:1], len(group) - 1), group[1:])
            w.traps["one_chief"][group] = True
    w.traps["many_shops"][: w.base] = counts >= MANY_SHOPS
    w.traps["namesake"] |= _namesakes(w)


def _namesakes(w: World) -> Bool:
    """Natural persons of the county of whom another one has the same name in the same town."""
    out = np.zeros(w.parties, dtype=bool)
    rows = np.flatnonzero((w.kind[: w.base] == NATURAL) & (w.place.town[: w.base] != places.OUTSIDE))
    keys = obj(f"{name} {town}" for name, town in zip(w.name[w.person[rows]], w.place.town[rows], strict=True)).astype(str)
    _, code, count = np.unique(keys, return_inverse=True, return_counts=True)
    out[rows] = count[code] > 1
    return out


def _pairs(rng: Rng, w: World, kind: str, a: Int, b: Int) -> None:
    """Make the persons of parties ``b`` like those of ``a``."""
    if kind == "namesake_market":
        hall = obj(rng.choice(places.MARKETS, len(a)))
        for column, value in (("province", "河南省"), ("city", "南阳市"), ("county", "镇平县"), ("town", "石佛寺镇")):
            getattr(w.place, column)[a] = value
        w.place.detail[a] = glue("石佛寺镇", hall)
        w.place.market[a], w.place.lookalike[a] = True, False
    w.place.copy_to(a, b)
    if kind == "namesake_digits":
        town = w.place.town[b]
        local = town != places.OUTSIDE
        w.place.detail[b[local]] = places.villages(rng, town[local])
        w.place.market[b[local]] = False
    known = set(w.number.tolist())
    for one, two in zip(w.person[a].tolist(), w.person[b].tolist(), strict=True):
        if kind == "twins":
            w.name[two] = names.sibling(str(w.name[one]), str(w.name[two]))
            w.number[two], w.birthday[two] = ids.next_in_line(str(w.number[one]), known), w.birthday[one]
            if one % 2:
                w.person_phone[two] = w.person_phone[one]
        else:
            w.name[two] = w.name[one]
        if kind == "namesake_digits":
            w.number[two], w.birthday[two] = ids.same_ends(rng, str(w.number[one]), int(w.birthday[one]), known)
        known.add(str(w.number[two]))
    parties = np.concatenate([a, b])
    w.home[w.person[parties]] = w.place.full(parties)


def circumstances(p: Planner, masks: bool) -> None:
    """How some accounts are shown from their first report on. ``masks``: platforms may hide numbers in this world."""
    w, state, n = p.world, p.accounts.state, len(p.accounts)
    traps = p.story.traps
    for kind in ACCOUNTS:
        traps[kind] = np.zeros(n, dtype=bool)
    if masks:
        _masked(p)
    dotted = np.flatnonzero(w.traps["middle_dot"][state.holder] & ~p.used & (p.rng.random(n) < 0.5))
    some = p.rng.integers(0, len(DOTS), len(dotted))
    state.written[dotted] = obj(str(w.name[q]).replace("·", DOTS[k]) for q, k in zip(p.person[dotted], some, strict=True))
    p.used[dotted] = True
    rows = p.take(p.quota(ACCOUNTS["name_form"]), p.kind != NATURAL, later=0)
    forms = obj(_form(str(name), k) for k, name in enumerate(w.party_name[state.holder[rows]]))
    state.shown_name[rows] = forms
    traps["name_form"][rows[~gaps(forms)]] = True
    spelt = obj(str(x).translate(TRADITIONAL) for x in w.subject_name(state.holder))
    rows = p.take(p.quota(ACCOUNTS["traditional"]), spelt != w.subject_name(state.holder), later=0)
    state.written[rows], traps["traditional"][rows] = spelt[rows], True
    typos = obj(names.typo(str(x)) for x in w.name[p.person])
    rows = p.take(p.quota(ACCOUNTS["typo_stays"]), (p.kind == NATURAL) & ~gaps(typos), later=0)
    state.shown_name[rows], traps["typo_stays"][rows] = typos[rows], True
    rows = p.take(p.quota(ACCOUNTS["no_name"]), np.ones(n, dtype=bool), later=0)
    state.shown_name[rows], traps["no_name"][rows] = "", True


def _form(name: str, turn: int) -> str | None:
    """The name of a licensed party in another form: without its seat, with the province before it, or as a register writes
    it; None where nothing fits."""
    seat = next((s for s in ("镇平县", "南阳市", "南阳", "河南") if name.startswith(s)), "")
    if "个体工商户" in name:
        return name.replace("（个体工商户）", "")
    options = [name[len(seat) :] if seat else None, f"河南省{name}" if seat == "镇平县" else None]
    options.append(name.replace("有限公司", "有限责任公司") if "有限公司" in name else None)
    fit = [o for o in options if o]
    return fit[turn % len(fit)] if fit else None


def _whole_parties(p: Planner, n: int, where: Bool, least: int = 1) -> list[Int]:
    """Accounts of parties none of whose accounts has been used, all of them fit (``where``), at least ``least`` on different
    platforms; about n accounts in all, marked as used."""
    bad = np.zeros(p.world.parties, dtype=bool)
    holder = p.accounts.state.holder
    bad[holder[p.used | ~where]] = True
    rows = p.order[~bad[holder[p.order]]]
    by_party: dict[int, list[int]] = {}
    for a, party in zip(rows.tolist(), holder[rows].tolist(), strict=True):
        by_party.setdefault(party, []).append(a)
    out, left = [], n
    for members in by_party.values():
        if left <= 0:
            break
        if len(set(p.accounts.platform[members].tolist())) >= least and len(members) <= max(least, 4):
            out.append(np.array(sorted(members), dtype=np.int64))
            p.used[members] = True
            left -= len(members)
    return out


def _masked(p: Planner) -> None:
    """People on several platforms that all hide the number, with another phone and payout account on each and an address
    besides: only the name and the visible digits are common."""
    w, state = p.world, p.accounts.state
    groups = _whole_parties(p, p.quota(ACCOUNTS["mask_and_name"]), (p.kind == NATURAL) & p.alone, least=2)
    for members in groups:
        more = members[1:]
        state.hidden[members] = True
        p.story.traps["mask_and_name"][members] = True
        state.phone[more] = p.new_phones(len(more))
        state.payee[more[::2]] = w.persons + state.holder[more[::2]]
        parted = np.isin(p.accounts.platform[more], [PLATFORMS.index(x) for x in ("jd", "xiaohongshu")])
        some = more[~parted]  # the others write an address in parts
        towns = obj(p.rng.choice(list(places.TOWNS), len(some)))
        state.elsewhere[some] = glue("河南省南阳市镇平县", places.villages(p.rng, towns)) if len(some) else fill(0)


def changes(p: Planner) -> None:
    """A person's new name, a number that is wrong in one month, and phone numbers that are given to somebody else."""
    w, state, months = p.world, p.accounts.state, p.months
    steady = (p.accounts.born == 0) & (p.kind == NATURAL) & p.alone
    plain = steady & ~np.any([w.traps[k][state.holder] for k in PEOPLE], axis=0)
    for members in _whole_parties(p, p.quota(CHANGES["name_change"]), plain):
        m, person = int(p.rng.integers(1, months)), int(p.person[members[0]])
        p.set(m, [person], "person", name=names.renamed(p.rng, str(w.name[person])))
        p.story.benign += [(a, "name_change", m) for a in members.tolist()]
    if months < 3:
        return
    rows = p.take(p.quota(CHANGES["number_slip"]), p.kind == NATURAL, later=2)
    for m, some in p.by_month(rows, p.when(rows, months - 2)):
        p.set(m, some, shown_number=obj(ids.wrong_check(str(x)) for x in w.number[p.person[some]]))
        p.set(m + 1, some, shown_number=None)
        p.story.benign += [(a, "number_slip", m) for a in some.tolist()]
    former = _whole_parties(p, p.quota(CHANGES["phone_recycled"]), plain)
    later = _whole_parties(p, p.quota(CHANGES["phone_recycled"]) * 2, plain)
    for before, after in zip(former, later, strict=False):
        one, two = int(p.person[before[0]]), int(p.person[after[0]])
        given_up = int(p.rng.integers(1, months - 1))
        given = int(p.rng.integers(min(given_up + 2, months - 1), months))
        old, fresh = int(w.person_phone[one]), int(p.new_phones(1)[0])
        for month, person, rows, phone, kind in (
            (given_up, one, before, fresh, "phone"),
            (given, two, after, old, "phone_recycled"),
        ):
            p.set(month, rows, phone=phone)
            p.set(month, [person], "person", person_phone=phone)
            p.story.benign += [(a, kind, month) for a in rows.tolist()]
