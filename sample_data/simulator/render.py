"""From numbers to text: the columns that layouts are made of, worked out only when a layout asks for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from .base import NATURAL, PLATFORMS, Bool, Int, Obj, dates, either, fill, gaps, glue, obj
from .ids import fifteen
from .state import Accounts, View
from .world import World

# How many characters of an identity number a platform leaves before and behind what it hides, if not 6 and 4.
WIDTHS = {"xiaohongshu": (3, 4), "pinduoduo": (6, 2), "jd": (4, 4)}
LEAST = tuple(min(6 if k == 0 else 4, *(w[k] for w in WIDTHS.values())) for k in (0, 1))  # what every mask shows


def mask_number(number: str, width: tuple[int, int] = (6, 4)) -> str:
    """An identity number as platforms mask it: the first and the last characters stay."""
    return number[: width[0]] + "*" * (len(number) - sum(width)) + number[-width[1] :]


def mask_column(column: Obj, width: tuple[int, int] = (6, 4)) -> Obj:
    """A whole column masked; gaps stay gaps."""
    return obj(None if v is None else mask_number(v, width) for v in column)


class Text:
    """Text columns of one view. ``masked``: identity numbers of people come masked; else only those of hidden accounts."""

    def __init__(self, world: World, accounts: Accounts, view: View, masked: bool = False) -> None:
        self.world, self.accounts, self.view = world, accounts, view
        self.masked: Bool = view.hidden | masked
        platform = PLATFORMS[int(accounts.platform[view.account[0]])] if len(view) else ""
        self.width = WIDTHS.get(platform, (6, 4))
        self.kind: Int = world.kind[view.holder]
        self.natural: Bool = self.kind == NATURAL
        self.person: Int = world.person[view.holder]

    def _hide(self, numbers: Obj) -> Obj:
        return either(self.masked, mask_column(numbers, self.width), numbers) if self.masked.any() else numbers

    @cached_property
    def account_id(self) -> Obj:
        return self.accounts.ids[self.view.account]

    @cached_property
    def url(self) -> Obj:
        hosts = obj(f"https://{p.replace('_', '-')}.example/u/" for p in PLATFORMS)
        return glue(hosts[self.accounts.platform[self.view.account]], self.account_id)

    @cached_property
    def name(self) -> Obj:
        """The declared subject's name, typing errors and other spellings included."""
        right = either(gaps(self.view.written), self.world.subject_name(self.view.holder), self.view.written)
        shown = either(gaps(self.view.shown_name), right, self.view.shown_name)
        return either(shown == "", None, shown)

    @cached_property
    def uscc(self) -> Obj:
        return self.world.uscc[self.view.holder]

    @cached_property
    def person_name(self) -> Obj:
        """The natural person, the operator or the legal representative."""
        return either(self.natural, self.name, self.world.name[self.person])

    @cached_property
    def person_number(self) -> Obj:
        own = self.world.number[self.person]
        at = np.flatnonzero(self.view.old_form)
        if len(at):
            own[at] = obj(fifteen(x) for x in own[at])
        shown = either(gaps(self.view.shown_number), own, self.view.shown_number)
        return self._hide(shown)

    @cached_property
    def number(self) -> Obj:
        """Credit code, or a natural person's number."""
        return either(self.natural, self.person_number, self.uscc)

    @cached_property
    def phone(self) -> Obj:
        return self.world.phones[self.view.phone]

    @cached_property
    def address(self) -> Obj:
        """One of three ways to write it: whole, from the city, from the county (outside the county always whole)."""
        place, at = self.world.place, self.view.holder
        style = np.where(place.county[at] == "镇平县", self.accounts.address_style[self.view.account], 0)
        own = glue(
            either(style == 0, place.province[at], ""),
            either(style <= 1, place.city[at], ""),
            place.county[at],
            place.detail[at],
        )
        return either(gaps(self.view.elsewhere), own, self.view.elsewhere)

    @cached_property
    def payee_name(self) -> Obj:
        return self.world.payee_name(self.view.payee)

    @cached_property
    def payee_account(self) -> Obj:
        return self.world.payee_account(self.view.payee)

    @cached_property
    def bank(self) -> Obj:
        return self.world.bank[self.view.payee]

    @cached_property
    def agency(self) -> Obj:
        return either(self.view.agency < 0, None, self.world.party_name[np.maximum(self.view.agency, 0)])

    @cached_property
    def agency_uscc(self) -> Obj:
        return either(self.view.agency < 0, None, self.world.uscc[np.maximum(self.view.agency, 0)])

    def people(self, who: Int, what: str) -> Obj:
        """``name``, ``number``, ``phone`` or ``home`` of persons; None for -1."""
        at = np.maximum(who, 0)
        column: Obj = self.world.phones[self.world.person_phone[at]] if what == "phone" else getattr(self.world, what)[at]
        if what == "number":
            column = self._hide(column)
        return either(who < 0, None, column)

    def streamers(self, what: str) -> Obj:
        """Both streamers in one cell, parted by 、 or ; in the same way in every cell of the row."""
        first, second = self.people(self.view.streamer, what), self.people(self.view.second, what)
        return self.join(first, second)

    def join(self, first: Obj, second: Obj) -> Obj:
        separator = either(self.view.account % 4 == 0, ";", "、")
        return either(gaps(second), first, glue(first, separator, second))

    def relations(self, words: tuple[str, ...]) -> Obj:
        """The streamers' relation to the holder, as the platform writes it; the second streamer is an employee."""
        return obj(words)[self.view.relation]

    def date(self, column: str) -> Obj:
        return dates(getattr(self.view, column))


@dataclass
class Table:
    """A sheet of a report before it is written. ``roles``: what each header holds (``""``: nothing that dirt may touch);
    ``titles``: rows above; ``below``: rows under the data; ``groups``: header rows above the leaf headers; ``merges``: ranges.

    ``legible`` and ``masked``, by header: whether the true value can still be read from the cell, wholly or in part."""

    sheet: str
    headers: list[str]
    roles: dict[str, str]
    columns: dict[str, Obj]
    view: View | None
    kind: Int
    first_row: int = 2
    titles: list[list[object]] = field(default_factory=list)
    groups: list[list[object]] = field(default_factory=list)
    below: list[list[object]] = field(default_factory=list)
    merges: list[str] = field(default_factory=list)
    hidden: bool = False
    fixed: bool = False
    shown: dict[str, str] = field(default_factory=dict)
    legible: dict[str, Bool] = field(default_factory=dict)
    masked: dict[str, Bool] = field(default_factory=dict)
    usable: Bool = field(default_factory=lambda: np.zeros(0, dtype=bool))
    spare: Bool = field(default_factory=lambda: np.zeros(0, dtype=bool))
    repeated: int = 0
    total: str = ""

    def __len__(self) -> int:
        return len(self.kind)

    def with_role(self, *roles: str) -> list[str]:
        """Headers that hold one of these."""
        return [h for h in self.headers if self.roles.get(h) in roles]

    def start(self, platform_masks: bool = False) -> Table:
        """Everything that stands in a cell is legible so far, but for people's numbers of a platform that masks."""
        n = len(self)
        for h in self.headers:
            filled = ~gaps(self.columns[h])
            mine = np.zeros(n, dtype=bool) if self.view is None else self.view.hidden
            hides = (mine | platform_masks) & (self.roles.get(h) in ("id", "person_id", "streamer_id", "number"))
            people = (self.kind == NATURAL) | (self.roles.get(h) != "number")
            self.legible[h] = filled & ~(people & hides)
            self.masked[h] = filled & people & hides
            # Typing errors of the platform, not of the file: the true value is not there to be read.
            if self.view is not None and self.roles.get(h) in ("name", "name_natural", "id", "number"):
                wrong = self.view.shown_name if self.roles[h].startswith("name") else self.view.shown_number
                right = gaps(wrong)
                self.legible[h] &= right
                self.masked[h] &= right
        self.usable, self.spare = np.ones(n, dtype=bool), np.zeros(n, dtype=bool)
        return self


def serials(n: int) -> Obj:
    """Row numbers as the first column of many layouts."""
    return np.arange(1, n + 1).astype(object)


def table(sheet: str, spec: str, columns: list[Obj], view: View | None, kind: Int, **more: object) -> Table:
    """A table from a spec ``header=role|header=role|…`` and its columns in order."""
    pairs = [part.split("=") for part in spec.split("|")]
    headers = [p[0].strip() for p in pairs]
    roles = {p[0].strip(): p[1].strip() for p in pairs}
    if len(headers) != len(columns):
        raise ValueError(f"{sheet}: {len(headers)} headers, {len(columns)} columns")
    out = Table(sheet, headers, roles, dict(zip(headers, columns, strict=True)), view, kind)
    for key, value in more.items():
        setattr(out, key, value)
    return out


def blank(n: int) -> Obj:
    """A column without values."""
    return fill(n)
