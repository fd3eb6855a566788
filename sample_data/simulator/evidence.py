"""What the written files really show: the ground for ``decidable`` and for the month in which a transfer can first be seen.

A *pair* is one account with one of its holders. Only usable rows count, and of them only cells that tell the truth.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from .base import NATURAL, Bool, Int, Obj, obj
from .render import LEAST, Table
from .state import Accounts
from .story import Transfer
from .world import World


def _any(table: Table, roles: tuple[str, ...]) -> Bool:
    out = np.zeros(len(table), dtype=bool)
    for header in table.with_role(*roles):
        out |= table.legible[header]
    return out


def _of_holder(table: Table, flags: dict[str, Bool], natural: tuple[str, ...], licensed: tuple[str, ...]) -> Bool:
    """A flag of the cell that holds the holder's own name or number, whichever header that is."""
    yes = table.kind == NATURAL
    out = np.zeros(len(table), dtype=bool)
    for header in table.headers:
        role = table.roles.get(header)
        if role in natural:
            out |= flags[header] & yes
        if role in licensed:
            out |= flags[header] & ~yes
    return out


class Evidence:
    """Collects what tables show, month by month."""

    def __init__(self, world: World, accounts: Accounts, tracked: Int) -> None:
        n = len(accounts)
        self.world = world
        self.party: list[Int] = [accounts.state.holder.copy()]
        self.pairs = n
        self.current = np.arange(n)
        self.known: dict[tuple[int, int], int] = {}
        self.full = np.zeros(n, dtype=bool)
        self.half = np.zeros(n, dtype=bool)
        self.named = np.zeros(n, dtype=bool)
        self.last_phone = np.full(n, -1)
        self.first = np.full(n, np.iinfo(np.int64).max)  # month of the account's first row that can be used
        self.shows: list[pd.DataFrame] = []
        self.tracked = np.zeros(n, dtype=bool)
        self.tracked[tracked] = True
        self.rows: list[pd.DataFrame] = []

    def change_holder(self, rows: Int, before: Int, after: Int) -> None:
        """These accounts' holders change; an account that goes back to a former holder goes back to the old pair."""
        for a, old, new in zip(rows.tolist(), before.tolist(), after.tolist(), strict=True):
            self.known[(a, old)] = int(self.current[a])
            pair = self.known.get((a, new), -1)
            if pair < 0:
                pair = self.pairs
                self.pairs += 1
                self.party.append(np.array([new]))
                self.known[(a, new)] = pair
            self.current[a] = pair
        grow = self.pairs - len(self.full)
        if grow > 0:
            more = np.zeros(grow, dtype=bool)
            self.full, self.half, self.named = (np.append(x, more) for x in (self.full, self.half, self.named))
            self.last_phone = np.append(self.last_phone, np.full(grow, -1))

    def see(self, table: Table, month: int, *, own: bool = True) -> None:
        """Take in one written table (after dirt, before rows are repeated). ``own``: the platform's own report, which names its
        accounts by their ids; a shared one may name them otherwise, and then their ids are not known."""
        view = table.view
        if view is None or not len(table):
            return
        good = table.usable & ~table.spare
        if own:
            np.minimum.at(self.first, view.account[table.usable], month)
        number = _of_holder(table, table.legible, ("id", "number"), ("uscc", "number")) & good
        part = _of_holder(table, table.masked, ("id", "number"), ()) & good
        name = _of_holder(table, table.legible, ("name", "name_natural"), ("name", "name_licensed")) & good
        phone = _any(table, ("phone",)) & good
        pair = self.current[view.account]
        if self.known:
            party = np.concatenate(self.party)
            for k in np.flatnonzero(party[pair] != view.holder).tolist():
                pair[k] = self.known[(int(view.account[k]), int(view.holder[k]))]
        self.full[pair[number]] = True
        self.half[pair[part & name]] = True
        self.named[pair[name]] = True
        fresh = np.flatnonzero(name & phone & (self.last_phone[pair] != view.phone))
        if len(fresh):
            self.last_phone[pair[fresh]] = view.phone[fresh]
            self.shows.append(
                pd.DataFrame(
                    {
                        "pair": pair[fresh],
                        "party": view.holder[fresh],
                        "phone": view.phone[fresh],
                        "name": pd.Series(self.world.subject_name(view.holder[fresh]), dtype="str"),
                    }
                )
            )
        at = np.flatnonzero(self.tracked[view.account] & good)
        if len(at):
            payee, streamer = _any(table, ("payee_name", "payee_account")), _any(table, ("streamer", "streamer_id"))
            self.rows.append(
                pd.DataFrame(
                    {
                        "account": view.account[at],
                        "month": month,
                        "party": view.holder[at],
                        "holder": (name | number)[at],
                        "phone": phone[at],
                        "payee": payee[at],
                        "streamer": streamer[at],
                    }
                )
            )

    def parties(self) -> Int:
        """The party of every pair."""
        return np.concatenate(self.party)

    def decidable(self) -> Bool:
        """By pair: the full number was written once; or masked number with name, or name with phone, that no other party of
        the world (or of the files) shows, and that ties the pair to all the party's other accounts."""
        party, full = np.concatenate(self.party), self.full[: self.pairs]
        out = full.copy()
        w = self.world
        people = pd.DataFrame({"person": w.person[w.kind == NATURAL]}).drop_duplicates()
        people["key"] = (
            [f"{w.name[p]} {w.number[p][: LEAST[0]]}{w.number[p][-LEAST[1] :]}" for p in people["person"].tolist()]
            if self.half.any()
            else ""
        )
        alone = set(people.loc[~people["key"].duplicated(keep=False), "person"].tolist()) if self.half.any() else set()
        weak = np.flatnonzero(self.half[: self.pairs] & ~full)
        weak = weak[np.array([int(w.person[q]) in alone for q in party[weak].tolist()], dtype=bool)] if len(weak) else weak
        out[weak] |= self._tied(
            pd.DataFrame(
                {"pair": np.append(weak, np.flatnonzero(full)), "party": party[np.append(weak, np.flatnonzero(full))]}
            ),
            party,
            "party",
        )[weak]
        if self.shows:
            shows = pd.concat(self.shows, ignore_index=True).drop_duplicates()
            shows["key"] = pd.factorize(shows["name"] + " " + shows["phone"].astype(str))[0]
            shows = shows[shows.groupby("key")["party"].transform("nunique") == 1]
            out |= self._tied(shows, party, "key")
        return out

    def _tied(self, shows: pd.DataFrame, party: Int, key: str) -> Bool:
        """Pairs whose key also stands on a pair with a full number, or on every pair of the party."""
        out = np.zeros(self.pairs, dtype=bool)
        if not len(shows):
            return out
        some = shows[["pair", "party", key]].copy() if key != "party" else shows[["pair", "party"]].copy()
        some["full"] = self.full[some["pair"]]
        group = some.groupby(key)
        every = group["pair"].transform("nunique").to_numpy() == np.bincount(party)[some["party"].to_numpy()]
        out[some["pair"].to_numpy()[group["full"].transform("any").to_numpy() | every]] = True
        return out

    def first_seen(self, transfers: list[Transfer]) -> list[int | None]:
        """For each transfer the first month whose written rows show it; None if none does."""
        rows = pd.concat(self.rows, ignore_index=True) if self.rows else pd.DataFrame()
        by_account: dict[int, list[dict[str, int]]] = {}
        for row in rows.to_dict("records"):
            by_account.setdefault(int(row["account"]), []).append({str(k): int(v) for k, v in row.items()})
        out: list[int | None] = [self._own(t, by_account.get(t.account, [])) for t in transfers]
        groups: dict[int, list[int]] = {}
        for i, t in enumerate(transfers):
            if t.group >= 0:
                groups.setdefault(t.group, []).append(i)
        for members in groups.values():
            shown = sorted(m for i in members if (m := out[i]) is not None)
            least = transfers[members[0]].least
            start = shown[least - 1] if len(shown) >= least else None
            for i in members:
                own = out[i]
                out[i] = None if own is None or start is None else max(own, start)
        return out

    @staticmethod
    def _own(t: Transfer, rows: list[dict[str, int]]) -> int | None:
        before, after = [r for r in rows if r["month"] < t.month], [r for r in rows if t.month <= r["month"] < t.until]
        fields = list(t.fields)
        if t.group < 0:  # a change shows against an earlier row that can be read
            fields = [f for f in fields if any(r[f] for r in before)]
        if t.fields == ("holder",):
            after = [r for r in after if fields and r["party"] != before[-1]["party"]]
        seen = [r["month"] for r in after if sum(r[f] for f in fields) >= t.need]
        return min(seen, default=None)


def trap_texts(n: int, traps: dict[str, Bool]) -> Obj:
    """For each row the names of its traps with ``|`` between."""
    out = obj([""] * n)
    for name, flags in traps.items():
        if flags.any():
            at = np.flatnonzero(flags)
            out[at] = obj(f"{a}|{name}" if a else name for a in out[at])
    return out
