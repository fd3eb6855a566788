"""The label tables of a world (``truth/``)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .base import KIND_WORDS, PLATFORMS, Bool, Int, Obj, fill, obj, text
from .dirt import Spot
from .evidence import Evidence, trap_texts
from .files import write_truth
from .places import OUTSIDE
from .render import Table
from .state import Accounts
from .story import Story
from .traps import CHANGES
from .world import World

# Innocent changes that also stand among an account's traps.
BENIGN_TRAPS = (
    "licence_upgrade",
    "id15_to_18",
    "typo_corrected",
    "agency_joined",
    "new_legal_rep",
    "rename",
    "closed",
    "phone",
)


class Labels:
    """Gathers what is true while the world is written, and writes it at the end."""

    def __init__(self, months: list[str]) -> None:
        self.months = months
        self.held: list[tuple[Int, Int, Obj]] = []
        self.rows: list[tuple[str, str, int, int, int]] = []
        self.spots: list[tuple[str, str, int, str, str]] = []
        self.seconds: set[int] = set()

    def note_table(self, file: str, table: Table, spots: list[Spot], place: Int) -> None:
        """Rows and dirt of one written sheet. ``place``: where each row stands after repetition."""
        self.rows.append((file, table.sheet, len(table) + table.repeated, table.repeated, int((~table.usable).sum())))
        head = max(table.first_row - 1, 1)
        for s in spots:
            row = head if s.place < 0 else table.first_row + int(place[s.place]) + (s.kind == "repeated")
            self.spots.append((file, table.sheet, row, s.header, s.kind))
        if table.view is not None:
            self.seconds |= set(table.view.account[table.spare].tolist())

    def write(
        self, out: Path, world: World, accounts: Accounts, story: Story, evidence: Evidence, early: Bool
    ) -> tuple[Bool, Int]:
        """Write accounts, transfers, innocent changes, rows and dirt; returns ``decidable`` by pair and the pairs' parties."""
        out.mkdir(parents=True, exist_ok=True)
        platform = obj(PLATFORMS)[accounts.platform]
        party = evidence.parties()
        sure, party_id = evidence.decidable(), world.party_ids()
        traps = self._traps(world, accounts, story, early)
        path = out / "truth_accounts.csv"
        write_truth(path, ("platform", "account_id", "month", "party_id", "kind", "decidable", "town", "traps"), [])
        for number, (month, (rows, pairs, town)) in enumerate(zip(self.months, self.held, strict=True)):
            # Nobody can know of an account before a row of it could be used.
            known = evidence.first[rows] <= number
            rows, pairs, town = rows[known], pairs[known], town[known]
            holder = party[pairs]
            write_truth(
                path,
                (),
                [
                    platform[rows],
                    accounts.ids[rows],
                    fill(len(rows), month),
                    party_id[holder],
                    obj(KIND_WORDS)[world.kind[holder]],
                    obj(("0", "1"))[sure[pairs].astype(np.int64)],
                    town,
                    traps[rows],
                ],
                append=True,
            )
        moved = story.transfers
        rows = np.array([t.account for t in moved], dtype=np.int64)
        seen = evidence.first_seen(moved)
        write_truth(
            out / "truth_transfers.csv",
            ("platform", "account_id", "type", "month", "first_visible_month"),
            [
                platform[rows],
                accounts.ids[rows],
                obj(t.kind for t in moved),
                obj(self.months[t.month] for t in moved),
                obj("" if m is None else self.months[m] for m in seen),
            ],
        )
        benign = [b for b in story.benign if b[2] < len(self.months)]
        rows = np.array([b[0] for b in benign], dtype=np.int64)
        write_truth(
            out / "truth_benign.csv",
            ("platform", "account_id", "type", "month"),
            [platform[rows], accounts.ids[rows], obj(b[1] for b in benign), obj(self.months[b[2]] for b in benign)],
        )
        return sure, party

    def write_files(self, out: Path) -> None:
        """Write the tables about rows and dirt."""
        write_truth(out / "truth_rows.csv", ("file", "sheet", "data_rows", "repeated", "unusable"), _transpose(self.rows, 5))
        write_truth(out / "truth_dirt.csv", ("file", "sheet", "row", "field", "kind"), _transpose(self.spots, 5))

    def write_pledges(self, out: Path, world: World, holders: Int, status: Obj, sure: Bool) -> None:
        """Write the parties' pledge status as of the last month."""
        write_truth(
            out / "truth_pledges.csv",
            ("party_id", "status", "decidable"),
            [world.party_ids()[holders], status, text(sure.astype(np.int64))],
        )

    def _traps(self, world: World, accounts: Accounts, story: Story, early: Bool) -> Obj:
        holder, n = accounts.state.holder, len(accounts)
        flags = {name: flags[holder] for name, flags in world.traps.items() if name != "bookkeeper"}
        flags["market"] = world.place.market[holder]
        flags["lookalike_addr"] = world.place.lookalike[holder]
        flags["away"] = (world.place.town[holder] == OUTSIDE) & ~world.place.lookalike[holder]
        flags |= story.traps
        flags["share_first"] = early
        second = np.zeros(n, dtype=bool)
        second[sorted(self.seconds)] = True
        flags["two_holders"] = second
        for kind in (*BENIGN_TRAPS, *CHANGES):
            flags[kind] = np.zeros(n, dtype=bool)
            flags[kind][[b[0] for b in story.benign if b[1] == kind]] = True
        return trap_texts(n, flags)


def _transpose(rows: list[tuple[str, str, int, int, int]] | list[tuple[str, str, int, str, str]], width: int) -> list[Obj]:
    return [obj(r[k] for r in rows) for k in range(width)]
