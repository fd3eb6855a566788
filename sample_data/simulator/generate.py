"""Make a world: plan it, tell its months, write the reports, the ledger and the labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import files, pledges, share
from . import story as stories
from .base import LAYOUTS, PLATFORMS, SHARE, Bool, Int, Rng, fill, month_ends
from .dirt import Dirt, repeat_rows, soil
from .evidence import Evidence
from .labels import Labels
from .layouts import EXTENSIONS
from .layouts import LAYOUTS as RENDER
from .layouts_text import Report
from .render import Table, Text
from .state import CLOSED, View, account_counts, open_accounts
from .traps import plant
from .world import World, build

MAX_ACCOUNTS, MAX_MONTHS = 2_000_000, 24
MANY_SHOPS, MANY_FROM = 55, 400  # a county of more parties has a firm with so many accounts


def generate(
    out: Path,
    *,
    seed: int,
    parties: int = 1500,
    accounts: int | None = None,
    months: int = 6,
    start: str = "2026-01",
    dirt: Dirt | None = None,
    layouts: Sequence[str] = LAYOUTS,
    ledger: bool = True,
    flat: bool = False,
    old_template: float = 0.0,
) -> dict[str, int]:
    """Write a world under ``out`` (``reports/``, ``pledges/``, ``truth/``).

    ``accounts``: exactly so many accounts (10 to 2,000,000) instead of ``parties`` subjects; ``months``: 1 to 24 monthly
    reports from ``start`` (``YYYY-MM``), each dated on the month's last day; ``dirt``: rates (default :class:`Dirt`);
    ``layouts``: which of the nine report layouts to write, the accounts live on the platforms among them; ``flat``: report
    files side by side in ``reports/`` instead of in a folder per month. Same arguments, same bytes. Returns counts of
    ``parties``, ``accounts``, ``files`` and ``rows``. ValueError: a size out of range, an unknown layout.
    """
    unknown = set(layouts) - set(LAYOUTS)
    platforms = tuple(p for p in PLATFORMS if p in layouts)
    if unknown or not platforms:
        raise ValueError(f"unknown layouts {sorted(unknown)}" if unknown else "name at least one platform's layout")
    if not 1 <= months <= MAX_MONTHS or parties < 1 or (accounts is not None and not 10 <= accounts <= MAX_ACCOUNTS):
        raise ValueError(f"1 to {MAX_MONTHS} months, at least one party, 10 to {MAX_ACCOUNTS} accounts")
    return _Run(
        out, seed, parties, accounts, months, start, dirt or Dirt(), platforms, SHARE in layouts, ledger, flat, old_template
    ).run()


class _Run:
    def __init__(
        self,
        out: Path,
        seed: int,
        parties: int,
        accounts: int | None,
        months: int,
        start: str,
        dirt: Dirt,
        platforms: tuple[str, ...],
        with_share: bool,
        ledger: bool,
        flat: bool,
        old_template: float,
    ) -> None:
        self.out, self.seed, self.dirt, self.platforms = out, seed, dirt, platforms
        self.with_share, self.ledger, self.flat, self.old_template = with_share, ledger, flat, old_template
        self.days = month_ends(start, months)
        self.numbers = [int(d.astype(np.int64)) for d in self.days]
        rng = self.rng(0)
        counts = account_counts(rng, accounts or parties)
        if accounts is not None:
            total = np.cumsum(counts)
            counts = counts[: int(np.searchsorted(total, accounts)) + 1]
            counts[-1] -= int(counts.sum()) - accounts
        if len(counts) > MANY_FROM:  # the third party is always a firm
            counts[2] = max(counts[2], MANY_SHOPS)
            if accounts is not None:  # others give way
                k = len(counts) - 1
                while counts.sum() > accounts:
                    counts[k] -= min(counts[k] - 1, counts.sum() - accounts)
                    k -= 1
        self.world: World = build(rng, len(counts), int(counts.sum()), self.numbers[-1])
        plant(self.rng(7), self.world, counts)
        owners = np.repeat(np.arange(len(counts)), counts)
        self.accounts = open_accounts(rng, self.world, owners, platforms, months, self.numbers[0])
        self.story = stories.plan(self.rng(1), self.world, self.accounts, months, self.numbers, self.dirt.platform_masks)
        self.state = self.accounts.state
        self.mask_from = self._masks(self.rng(2), months)
        inside, self.share_from = share.covered(self.rng(3), self.world, self.accounts, months)
        if not with_share:
            self.share_from[:] = 10**6
        self.share_from[self.state.hidden] = 10**6  # the share gives whole numbers
        self.early: Bool = inside & (self.share_from < self.accounts.born) & with_share
        self.evidence = Evidence(self.world, self.accounts, np.array([t.account for t in self.story.transfers], dtype=np.int64))
        self.labels = Labels([str(d)[:7] for d in self.days])
        self.counts = {"parties": len(counts), "accounts": len(owners), "files": 0, "rows": 0}

    def rng(self, *purpose: int) -> Rng:
        """An own stream of random numbers per purpose, so that one part can change without the others."""
        return np.random.default_rng([self.seed, *purpose])

    def run(self) -> dict[str, int]:
        for month in range(len(self.days)):
            self._month(month)
        truth = self.out / "truth"
        sure, party = self.labels.write(truth, self.world, self.accounts, self.story, self.evidence, self.early)
        if self.ledger:
            self._pledges(truth, sure, party)
        self.labels.write_files(truth)
        return self.counts

    def _masks(self, rng: Rng, months: int) -> dict[str, int]:
        """Which platforms mask people's numbers, and from which month on: 快手, and others in longer worlds."""
        if not self.dirt.platform_masks or months < 2:
            return {}
        out = {"kuaishou": int(rng.integers(1, months))}
        if months >= 4:
            out["xiaohongshu"] = int(rng.integers(2, months))
        if months >= 6:
            out["pinduoduo"] = int(rng.integers(3, months))
        out = {p: m for p, m in out.items() if p in self.platforms}
        for platform, m in out.items():
            rows = np.flatnonzero(
                (self.accounts.platform == PLATFORMS.index(platform)) & self.accounts.listed(m) & (self.accounts.born < m)
            )
            self.story.benign += [(a, "masking", m) for a in rows.tolist()]
        return out

    def _apply(self, month: int) -> tuple[Bool, View]:
        """Put this month's changes into the state: which accounts changed, and the former state of those whose holder did."""
        w, changed = self.world, np.zeros(len(self.accounts), dtype=bool)
        plan = self.story.changes.get(month, [])
        moved = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *(c.rows for c in plan if c.column == "holder")]))
        before = self.state.take(moved)
        for c in plan:
            if c.target == "account":
                getattr(self.state, c.column)[c.rows] = c.values
                changed[c.rows] = True
                continue
            if c.target == "person":
                getattr(w, c.column)[c.rows] = c.values
                changed |= np.isin(w.person[self.state.holder], c.rows)
                continue
            target: Any = w.place if c.column in ("province", "city", "county", "town", "detail") else w
            getattr(target, c.column)[c.rows] = c.values
            if c.column == "town":
                w.place.market[c.rows] = w.place.lookalike[c.rows] = False
            changed |= np.isin(self.state.holder, c.rows)
        if len(moved):
            self.evidence.change_holder(moved, before.holder, self.state.holder[moved])
        return changed, before

    def _month(self, month: int) -> None:
        changed, before = self._apply(month)
        listed = self.accounts.listed(month)
        for k, platform in enumerate(PLATFORMS):
            if platform not in self.platforms:
                continue
            mine = self.accounts.platform == k
            masked = month >= self.mask_from.get(platform, 10**6)
            if platform == "wechat_channels":
                view = self._delta(month, mine, changed, before)
            else:
                view = self.state.take(np.flatnonzero(mine & listed))
            if not len(view) and month and platform == "wechat_channels":
                continue
            tables = RENDER[platform](Text(self.world, self.accounts, view, masked), Report(self.days[month]))
            self._finish(month, k, platform, tables, masked)
        if self.with_share:
            self._share(month, changed, listed)
        rows = np.flatnonzero(
            listed | (self.early & (month >= self.share_from) & (month < self.accounts.gone) & (self.accounts.born > month))
        )
        self.labels.held.append((rows, self.evidence.current[rows].copy(), self.world.place.town[self.state.holder[rows]]))

    def _delta(self, month: int, mine: Bool, changed: Bool, before: View) -> View:
        """Rows of a delta report: new accounts, changed ones, ended ones, and the old holder beside the new one."""
        a = self.accounts
        new = mine & (a.born == month)
        gone = mine & (a.gone == month)
        view = self.state.take(np.flatnonzero(new | gone | (mine & a.listed(month) & changed)))
        fresh = new[view.account]
        void = np.isin(view.account, sorted(self.story.voided)) & gone[view.account]
        swapped = np.isin(view.account, before.account) & ~fresh
        view.info = fill(len(view), "变更")
        view.info[fresh | swapped] = "新增"
        view.info[void] = "作废"
        old = before.take(mine[before.account])
        if len(old):
            at = np.searchsorted(view.account, old.account)
            voided = old.account % 3 == 0  # a third of the changes comes as a voided row instead of a period that ends
            old.held_to = np.where(voided, -1, view.held_from[at] - 1)
            old.info = fill(len(old), "变更")
            old.info[voided] = "作废"
            both = View.join([old, view])
            view = both.take(np.argsort(both.account, kind="stable"))
        return view

    def _share(self, month: int, changed: Bool, listed: Bool) -> None:
        """The provincial share: all covered accounts in their first month, later the changed ones."""
        shown = (self.share_from == month) | ((self.share_from < month) & listed & changed)
        shown &= (listed | (self.accounts.born > month)) & (self.state.status != CLOSED) & (month < self.accounts.gone)
        view = self.state.take(np.flatnonzero(shown))
        if not len(view):
            return
        rng = self.rng(4, month)
        tables = share.tables(Text(self.world, self.accounts, view), rng, listed[view.account])
        self._finish(month, len(PLATFORMS), SHARE, [t for t in tables if len(t)] or tables, False)

    def _finish(self, month: int, k: int, platform: str, tables: list[Table], masked: bool) -> None:
        """Soil, write and note one report."""
        rng = self.rng(5, month, k)
        suffix = EXTENSIONS.get(platform, "xlsx")
        if suffix == "xls" and len(tables[0]) > files.XLS_ROWS:
            suffix = "xlsx"
        stem = f"{platform}_{str(self.days[month]).replace('-', '')}"
        if rng.random() < self.dirt.files["file_name"]:
            stem += str(rng.choice([" (1)", "-副本"]))
        path = self.out / "reports" / ("" if self.flat else str(self.days[month])[:7]) / f"{stem}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        name = path.relative_to(self.out).as_posix()
        for table in tables:
            table.start(masked)
            view = table.view
            full = platform not in (SHARE, "wechat_channels")
            seen = (self.accounts.born < month)[view.account] if view is not None and full else None
            spots = soil(rng, table, self.dirt, suffix, seen)
            self.evidence.see(table, month, own=platform != SHARE)
            place = repeat_rows(rng, table, self.dirt.rows["repeated"], spots)
            for header in table.with_role("serial"):
                table.columns[header] = np.arange(1, len(table.columns[header]) + 1).astype(object)
            self.labels.note_table(name, table, spots, place)
            self.counts["rows"] += len(table) + table.repeated
        files.write(path, platform, tables)
        self.counts["files"] += 1

    def _pledges(self, truth: Path, sure: Bool, party: Int) -> None:
        last = len(self.days) - 1
        rows, pairs, _ = self.labels.held[last]
        open_rows = self.state.status[rows] != CLOSED
        holders = np.unique(party[pairs[open_rows]])
        former = np.setdiff1d(party, holders)
        certain, named = np.zeros(self.world.parties, dtype=bool), np.zeros(self.world.parties, dtype=bool)
        certain[party[pairs[open_rows & sure[pairs]]]] = True
        named[party[np.flatnonzero(self.evidence.named[: len(party)])]] = True  # else the ledger's name looks like another's
        certain &= named
        status, tied, written = pledges.write(
            self.out / "pledges", self.rng(6), self.world, holders, former, self.numbers[last], self.dirt, self.old_template
        )
        for name, table, spots in written:
            self.labels.note_table(f"pledges/{name}", table, spots, np.arange(len(table)))
        self.counts["files"] += len({name for name, _, _ in written})
        self.labels.write_pledges(truth, self.world, holders, status, tied & certain[holders])
