"""Dirt at adjustable rates: what clerks and exports do to cells, rows and headers, each spot written down.

Some dirt is harmless (a reader can restore the value for certain), some destroys the value: the table's ``legible`` says which
cells still tell the truth, and the labels are worked out from that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from .base import Bool, Int, Obj, Rng, gaps
from .cells import EMPTY_OK, NAMES, NUMBERS, cell_kinds, scientific
from .render import Table

# Shares of cells that can have the fault, per kind.
CELLS: dict[str, float] = {
    "full_width": 0.006,
    "blank_inside": 0.006,
    "line_break": 0.002,
    "apostrophe": 0.004,
    "placeholder": 0.04,
    "traditional": 0.006,
    "lower_x": 0.2,
    "masked": 0.008,
    "bad_check": 0.005,
    "confusable": 0.006,
    "scientific": 0.002,
    "phone_style": 0.06,
    "phone_bad": 0.004,
    "landline": 0.008,
    "date_style": 0.08,
}
ROWS: dict[str, float] = {
    "repeated": 0.006,
    "two_holders": 0.003,
    "account_missing": 0.003,
    "account_spoilt": 0.003,
    "holder_missing": 0.002,
    "swapped": 0.005,
}
FILES: dict[str, float] = {"alias": 0.1, "moved": 0.12, "added": 0.12, "number_column": 0.35, "file_name": 0.05}

# Other words that platforms have been seen to use for a header.
ALIASES = {
    "联系电话": "手机号码",
    "实际经营地址": "经营地址",
    "昵称": "账号昵称",
    "用户昵称": "昵称",
    "手机号": "联系电话",
    "地址": "经营地址",
    "联系方式": "联系电话",
    "网店名称": "店铺名称",
    "店铺名称": "店铺名",
    "结算账号": "结算账户",
    "收款人": "收款人姓名",
    "phone": "mobile",
}
_ADDED = ("备注", "数据批次", "所属类目")


@dataclass(frozen=True)
class Dirt:
    """Rates by kind; ``platform_masks``: platforms begin to mask people's numbers at some month of the world."""

    cells: Mapping[str, float] = field(default_factory=lambda: dict(CELLS))
    rows: Mapping[str, float] = field(default_factory=lambda: dict(ROWS))
    files: Mapping[str, float] = field(default_factory=lambda: dict(FILES))
    platform_masks: bool = True

    def scaled(self, factor: float) -> Dirt:
        """Every rate times a factor (0 gives clean files); shares stay under 0.9."""
        parts = ({k: min(v * factor, 0.9) for k, v in group.items()} for group in (self.cells, self.rows, self.files))
        cells, rows, files = parts
        return replace(self, cells=cells, rows=rows, files=files, platform_masks=self.platform_masks and factor > 0)


CLEAN = Dirt().scaled(0)


@dataclass
class Spot:
    """One piece of dirt: the row's place in the table (-1: the header), the header and the kind."""

    place: int
    header: str
    kind: str


def _hits(rng: Rng, n: int, rate: float) -> Int:
    """Random row places, each with this probability."""
    count = int(rng.binomial(n, rate)) if rate > 0 and n else 0
    return np.unique(rng.integers(0, n, count)) if count else np.zeros(0, dtype=np.int64)


def soil(rng: Rng, table: Table, dirt: Dirt, form: str, seen: Bool | None) -> list[Spot]:
    """Soil a table in place and return the spots, by places before rows are repeated. ``form``: file extension; ``seen``: rows
    whose account stood in an earlier report (only those may show a second holder; None: the layout does not do that)."""
    spots: list[Spot] = []
    if len(table):
        if seen is not None:
            _second_holders(rng, table, dirt.rows["two_holders"], seen, spots)
        _rows(rng, table, dirt, form, spots)
        _cells(rng, table, dirt, form, spots)
    if form != "jsonl" and len(table):
        _headers(rng, table, dirt, spots)
        if table.sheet == "商家信息" and table.fixed and rng.random() < dirt.files["number_column"]:
            _number_columns(table, spots)
    return spots


def _cells(rng: Rng, table: Table, dirt: Dirt, form: str, spots: list[Spot]) -> None:
    n = len(table)
    for header in table.headers:
        role = table.roles.get(header, "")
        column = table.columns[header]
        touched = np.zeros(n, dtype=bool)
        touched[[s.place for s in spots if s.header == header and s.place >= 0]] = True
        for kind, destroys, change in cell_kinds(role, form):
            for k in _hits(rng, n, dirt.cells[kind]).tolist():
                value = column[k]
                if touched[k] or not isinstance(value, str) or "、" in value or ";" in value or "*" in value:
                    continue
                new = change(value, rng)
                if new is None or new == value:
                    continue
                column[k], touched[k] = new, True
                spots.append(Spot(k, header, kind))
                if destroys:
                    table.legible[header][k] = False
                    table.masked[header][k] |= kind == "masked"
        if role in EMPTY_OK and form != "jsonl":
            holes = np.flatnonzero(gaps(column) & ~touched)
            for k in holes[_hits(rng, len(holes), dirt.cells["placeholder"])].tolist():
                column[k] = str(rng.choice(["无", "-", "/", "N/A", " "]))
                spots.append(Spot(k, header, "placeholder"))


def _rows(rng: Rng, table: Table, dirt: Dirt, form: str, spots: list[Spot]) -> None:
    account = table.with_role("account_id")
    n = len(table)
    # A row with a second holder's row below it stays: alone, the second one would be the true holder.
    fixed = table.spare | np.append(table.spare[1:], False)
    if account:
        ids = table.columns[account[0]]
        for kind in ("account_missing", "account_spoilt"):
            for k in _hits(rng, n, dirt.rows[kind]).tolist():
                if not table.usable[k] or fixed[k]:
                    continue
                value = (
                    None if kind == "account_missing" else scientific(str(ids[k]), form != "csv") if form != "jsonl" else None
                )
                if kind == "account_spoilt" and value is None:
                    continue
                ids[k], table.usable[k] = value, False
                spots.append(Spot(k, account[0], kind))
    who = table.with_role(
        "name", "name_natural", "name_licensed", "uscc", "id", "number", "person_name", "person_id", "operator"
    )
    for k in _hits(rng, n, dirt.rows["holder_missing"]).tolist():
        if table.usable[k] and not fixed[k]:
            for h in who:
                table.columns[h][k] = None
                table.legible[h][k] = table.masked[h][k] = False
            table.usable[k] = False
            spots.append(Spot(k, who[0], "holder_missing"))
    code, person = table.with_role("uscc"), table.with_role("id")
    if code and person:
        a, b = table.columns[code[0]], table.columns[person[0]]
        for k in _hits(rng, n, dirt.rows["swapped"] * 3).tolist():
            if a[k] and b[k] and table.usable[k] and "*" not in b[k] and len(b[k]) == 18 and not table.spare[k]:
                a[k], b[k] = b[k], a[k]
                spots += [Spot(k, code[0], "swapped"), Spot(k, person[0], "swapped")]


def _second_holders(rng: Rng, table: Table, rate: float, seen: Bool, spots: list[Spot]) -> None:
    """An account listed twice, the second time with another row's holder: the former holder stays the true one."""
    at = _hits(rng, len(table), rate)
    at = at[seen[at]]
    donors = rng.integers(0, len(table), len(at)) if len(at) else at
    good = (
        (table.kind[at] == table.kind[donors]) & (table.view.holder[at] != table.view.holder[donors])
        if table.view is not None
        else at < 0
    )
    at, donors = at[good], donors[good]
    if not len(at) or table.view is None:
        return
    order = np.argsort(np.concatenate([np.arange(len(table)) * 2, at * 2 + 1]), kind="stable")
    rows, source = np.concatenate([np.arange(len(table)), at])[order], np.concatenate([np.arange(len(table)), donors])[order]
    spare = np.concatenate([np.zeros(len(table), dtype=bool), np.ones(len(at), dtype=bool)])[order]
    lent = set(table.with_role(*NUMBERS, *NAMES, "phone", "payee_account"))
    for h in table.headers:
        take = source if h in lent else rows
        table.columns[h] = table.columns[h][take]
        table.legible[h], table.masked[h] = table.legible[h][take], table.masked[h][take]
    table.view, table.kind, table.usable, table.spare = table.view.take(rows), table.kind[rows], table.usable[rows], spare
    spots += [Spot(int(k), table.with_role("account_id")[0], "two_holders") for k in np.flatnonzero(spare)]


def repeat_rows(rng: Rng, table: Table, rate: float, spots: list[Spot]) -> Int:
    """Repeat some rows right below themselves; returns each old row's place after that."""
    n = len(table)
    again = np.zeros(n, dtype=np.int64)
    again[_hits(rng, n, rate)] = 1
    again[~table.usable | table.spare] = 0
    place: Int = np.arange(n) + np.cumsum(again) - again
    if again.any():
        rows = np.repeat(np.arange(n), again + 1)
        for h in table.headers:
            table.columns[h] = table.columns[h][rows]
        table.repeated = int(again.sum())
        spots += [Spot(int(k), "", "repeated") for k in np.flatnonzero(again)]
    return place


def _headers(rng: Rng, table: Table, dirt: Dirt, spots: list[Spot]) -> None:
    known = [h for h in table.headers if h in ALIASES and ALIASES[h] not in table.headers]
    if known and not table.fixed and rng.random() < dirt.files["alias"]:
        header = known[int(rng.integers(len(known)))]
        table.shown[header] = ALIASES[header]
        spots.append(Spot(-1, header, "alias"))
    if not table.fixed and rng.random() < dirt.files["moved"]:
        k, to = int(rng.integers(1, len(table.headers))), int(rng.integers(1, len(table.headers)))
        header = table.headers.pop(k)
        table.headers.insert(to, header)
        spots.append(Spot(-1, header, "moved"))
    if not table.fixed and rng.random() < dirt.files["added"]:
        header = str(rng.choice(_ADDED))
        table.headers.append(header)
        table.roles[header] = ""
        column: Obj = np.full(len(table), "第一批", dtype=object)
        table.columns[header] = column
        spots.append(Spot(-1, header, "added"))


def _number_columns(table: Table, spots: list[Spot]) -> None:
    """Ids and bank accounts stored as numbers, as in some months' exports: ids survive, long accounts lose digits."""
    for header in table.with_role("account_id", "payee_account"):
        column = table.columns[header]
        whole = [k for k in range(len(column)) if isinstance(column[k], str) and str(column[k]).isdigit()]
        for k in whole:
            value = str(column[k])
            lost = len(value) > 15
            column[k] = float(value) if lost else int(value)
            if lost:
                table.legible[header][k] = False
        spots.append(Spot(-1, header, "number_column"))
