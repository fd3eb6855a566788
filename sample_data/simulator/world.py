"""The people and parties of an invented county, by columns.

A *person* is a human being; a *party* is a legal subject (contract: a person and that person's sole proprietorship are two).
Persons first: one per party without a person of its own, then employees and strangers. Others refer to rows by number.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from . import ids, names, places
from .base import COOP, ENTERPRISE, NATURAL, SOLE, Bool, Int, Obj, Rng, either, glue

BANKS = (
    "中国农业银行镇平县支行",
    "中国工商银行镇平支行",
    "中国邮政储蓄银行镇平县支行",
    "河南镇平农村商业银行",
    "中国建设银行镇平支行",
)


@dataclass
class World:
    """``phones`` is a pool: row i < persons is person i's own; ``person_phone`` says which one a person uses. A payee is a
    number: person i's card is i, party j's business account is persons + j."""

    name: Obj
    number: Obj
    birthday: Int
    home: Obj
    person_phone: Int
    phones: Obj
    card: Obj
    kind: Int
    person: Int
    party_name: Obj
    uscc: Obj
    place: places.Places
    business_account: Obj
    bank: Obj
    spouse: Int
    employees: Int
    strangers: Int
    agencies: Int
    upgrades: Int
    upgrade_of: Int
    buyers: Int
    base: int
    traps: dict[str, Bool] = field(default_factory=dict)

    @property
    def persons(self) -> int:
        return len(self.name)

    @property
    def parties(self) -> int:
        return len(self.kind)

    def payee_name(self, payee: Int) -> Obj:
        """The name on a payout account."""
        mine = payee < self.persons
        party = np.where(mine, 0, payee - self.persons)
        return either(
            mine,
            self.name[np.where(mine, payee, 0)],
            either(self.kind[party] == NATURAL, self.name[self.person[party]], self.party_name[party]),
        )

    def payee_account(self, payee: Int) -> Obj:
        """The number of a payout account."""
        mine = payee < self.persons
        return either(mine, self.card[np.where(mine, payee, 0)], self.business_account[np.where(mine, 0, payee - self.persons)])

    def subject_name(self, party: Int) -> Obj:
        """The declared name of a party."""
        return either(self.kind[party] == NATURAL, self.name[self.person[party]], self.party_name[party])

    def party_ids(self) -> Obj:
        """``N0000001`` natural person, ``S`` sole proprietor, ``E`` enterprise, ``C`` cooperative."""
        numbers = np.char.zfill((np.arange(self.parties) + 1).astype(str), 7).astype(object)
        return glue(np.array(list("NSEC"), dtype=object)[self.kind], numbers)


def build(rng: Rng, parties: int, accounts: int, last_day: int) -> World:
    """A world of ``parties`` subjects, with some more in reserve that later events need: buyers without accounts of their
    own, and sole proprietorships that natural persons will register. ``last_day``: days since 1970 of the last report."""
    kind = rng.choice([NATURAL, SOLE, ENTERPRISE, COOP], size=parties, p=[0.57, 0.28, 0.12, 0.03])
    kind[: min(4, parties)] = [NATURAL, SOLE, ENTERPRISE, NATURAL][: min(4, parties)]
    natural = np.flatnonzero(kind == NATURAL)
    n_buyers, n_upgrades = accounts // 60 + 3, min(len(natural), accounts // 60 + 1)
    upgrade_of = np.sort(rng.permutation(natural)[:n_upgrades])
    kind = np.concatenate([kind, np.full(n_buyers, NATURAL), np.full(n_upgrades, SOLE)])
    total = len(kind)
    # who stands behind: a third of the sole proprietors are run by a person who also sells in their own name
    shared = np.full(total, -1)
    rest = np.setdiff1d(natural, upgrade_of)
    soles = np.flatnonzero(kind[:parties] == SOLE)
    both = rng.permutation(soles)[: min(len(soles) // 3, len(rest))]
    shared[both] = rng.permutation(rest)[: len(both)]
    shared[parties + n_buyers :] = upgrade_of
    own = shared < 0
    person = np.where(own, np.cumsum(own) - 1, -1)
    person = np.where(own, person, person[np.maximum(shared, 0)])
    owners, n_staff, n_strangers = int(own.sum()), parties // 3 + 6, accounts // 40 + 12
    people = owners + n_staff + n_strangers

    male = rng.random(people) < 0.5
    ages = np.clip(rng.gamma(6.0, 3.6, people) + 18, 18.2, 78)
    birthday = (last_day - ages * 365.2425).astype(np.int64)
    surname, given = names.persons(rng, male)
    place = places.make(rng, total)
    where = places.make(rng, people, market=0.0)
    home = where.full(np.arange(people))
    local = where.town != places.OUTSIDE
    party_of = np.zeros(people, dtype=np.int64)
    party_of[person[own]] = np.flatnonzero(own)
    at = np.flatnonzero((np.arange(people) < owners) & (kind[party_of] == NATURAL))
    home[at], local[at] = place.full(party_of[at]), place.town[party_of[at]] != places.OUTSIDE
    place.copy_to(np.asarray(shared[~own]), np.flatnonzero(~own))
    phone = np.arange(people)
    traps = {
        k: np.zeros(total, dtype=bool) for k in ("couple", "family", "namesake", "person_and_sole", "agency", "bookkeeper")
    }
    traps["person_and_sole"][both] = traps["person_and_sole"][shared[both]] = True

    # couples, families and people of one name: pairs of natural persons, none in two of these traps
    free = rng.permutation(np.setdiff1d(rest, shared[both]))
    couples, families, twins = (free[a:b] for a, b in _cuts(len(free), (0.05, 0.03, 0.03)))
    spouse = np.full(people, -1)
    a, b = couples[: len(couples) // 2], couples[len(couples) // 2 : len(couples) // 2 * 2]
    place.copy_to(a, b)
    phone[person[b]], home[person[b]] = person[a], home[person[a]]
    spouse[person[a]], spouse[person[b]] = person[b], person[a]
    traps["couple"][np.concatenate([a, b])] = True
    heads = families[: len(families) // 3]
    for k in (1, 2):
        kin = families[len(heads) * k : len(heads) * (k + 1)]
        place.copy_to(heads, kin)
        surname[person[kin]], home[person[kin]] = surname[person[heads]], home[person[heads]]
        one_phone = np.arange(len(heads)) % 3 == 0
        phone[person[kin[one_phone]]] = person[heads[one_phone]]
        traps["family"][kin] = True
    traps["family"][heads] = True
    a, b = twins[: len(twins) // 2], twins[len(twins) // 2 : len(twins) // 2 * 2]
    surname[person[b]], given[person[b]] = surname[person[a]], given[person[a]]
    place.copy_to(a, b)
    place.detail[b] = either(
        place.town[b] == places.OUTSIDE,
        place.detail[b],
        places.villages(rng, either(place.town[b] == places.OUTSIDE, "", place.town[b])),
    )
    place.market[b[place.town[b] != places.OUTSIDE]] = False
    traps["namesake"][np.concatenate([a, b])] = True

    name = glue(surname, given)
    number = ids.citizen_numbers(rng, birthday, male, ids.residence_areas(rng, birthday, local))
    licensed = names.businesses(rng, kind, place.town, name[person])
    uscc = either(kind == NATURAL, None, ids.credit_codes(rng, kind, np.where(rng.random(total) < 0.92, 411324, 411300)))
    firms = np.flatnonzero(kind[:parties] == ENTERPRISE)
    agencies = rng.permutation(firms)[: max(1, parties // 250)] if len(firms) else firms
    traps["agency"][agencies] = True
    licensed[agencies] = glue("镇平县", names.brands(rng, len(agencies)), "文化传媒有限公司")
    return World(
        name=name,
        number=number,
        birthday=birthday,
        home=home,
        person_phone=phone,
        phones=ids.mobiles(rng, people),
        card=ids.cards(rng, people),
        kind=kind,
        person=person,
        party_name=licensed,
        uscc=uscc,
        place=place,
        business_account=ids.company_accounts(rng, total),
        bank=np.array(BANKS, dtype=object)[np.arange(people + total) % len(BANKS)],
        spouse=spouse,
        employees=np.arange(owners, owners + n_staff),
        strangers=np.arange(owners + n_staff, people),
        agencies=agencies,
        upgrades=np.arange(total - n_upgrades, total),
        upgrade_of=upgrade_of,
        buyers=np.arange(parties, parties + n_buyers),
        base=parties,
        traps=traps,
    )


def _cuts(n: int, shares: tuple[float, ...]) -> list[tuple[int, int]]:
    """Adjoining slices of n rows, one per share; at least six rows each if there are enough."""
    out, start = [], 0
    for share in shares:
        size = max(int(n * share), 6 if n >= 30 else 0)
        out.append((start, start + size))
        start += size
    return out
