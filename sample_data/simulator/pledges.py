"""The pledge ledger by town sheets and town files, and what is true about each party's pledge."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from . import files
from .base import NATURAL, Bool, Int, Obj, Rng, dates, either, obj, text
from .dirt import Dirt, Spot, soil
from .places import OUTSIDE, TOWNS
from .render import LEAST, Table, table
from .world import World

LEDGER = (
    "序号=serial|承诺书编号=|主体名称=name|统一社会信用代码/身份证号=number|经营者/负责人=person_name|联系电话=phone|所属乡镇街道=|承诺书版本=|签订日期=date|"
    "有效期至=date|签订方式(纸质/电子)=|扫描件编号=|备注="
)
CURRENT, FORMER = "2024版", "2023版"
STATUSES = ("signed", "missing", "expired", "outdated")


def write(
    out: Path, rng: Rng, world: World, holders: Int, former: Int, day: int, dirt: Dirt, old_template: float = 0.0
) -> tuple[Obj, Bool, list[tuple[str, Table, list[Spot]]]]:
    """Write the ledgers into ``out``. ``holders``: parties with open accounts; ``former``: parties that had one; ``day``: the
    last report's day (since 1970); ``old_template``: share of holders whose pledge is on a former template (a registry calls it
    outdated only if its settings name the current one). Returns the holders' statuses, whether the ledger's row can
    be tied to the party for
    certain, and the written tables with file name and dirt."""
    status = rng.choice(4, size=len(holders), p=[0.6 - old_template, 0.29, 0.11, old_template])
    party = np.concatenate([holders[status != 1], former[rng.random(len(former)) < 0.3]])
    state = np.concatenate([status[status != 1], np.zeros(len(party) - int((status != 1).sum()), dtype=np.int64)])
    again = np.flatnonzero((state == 0) & (rng.random(len(party)) < 0.12))  # an old, expired pledge beside the new one
    party, state = np.concatenate([party, party[again]]), np.concatenate([state, np.full(len(again), 2)])
    n, w = len(party), world
    signed = day - np.where(state == 2, rng.integers(745, 1000, n), rng.integers(3, 640, n))
    until = dates(signed + 730)
    until[rng.random(n) < 0.2] = None
    name, number = w.subject_name(party), either(w.kind[party] == NATURAL, w.number[w.person[party]], w.uscc[party])
    phone = w.phones[w.person_phone[w.person[party]]]
    # Ledgers are typed by hand: short names, numbers left out. Without a number the label is not certain.
    scale = min(dirt.cells["bad_check"] / 0.005, 3.0)
    short = rng.random(n) < 0.06 * scale
    name[short] = obj(str(v).replace("镇平县", "").replace("（个体工商户）", "") for v in name[short])
    number[rng.random(n) < 0.05 * scale] = None
    scan = "SM" + text(rng.integers(10**7, 10**8, n))
    scan[rng.random(n) < 0.05 * scale] = None
    place = w.place.town[party]
    town = either(place == OUTSIDE, "石佛寺镇", place)
    code = obj(f"ZPCN-{str(d)[:4]}-{i:06}" for i, d in enumerate(dates(signed), 1))
    version = either((state == 3) | (state == 2), FORMER, CURRENT)
    columns = [
        code,
        name,
        number,
        w.name[w.person[party]],
        phone,
        town,
        version,
        dates(signed),
        until,
        pick_method(rng, n),
        scan,
        np.full(n, None, dtype=object),
    ]

    out.mkdir(parents=True, exist_ok=True)
    unsure = np.zeros(w.parties, dtype=bool)
    written: list[tuple[str, Table, list[Spot]]] = []
    sheets: list[Table] = []
    for k, here in enumerate(TOWNS):
        at = np.flatnonzero(town == here)
        if not len(at):
            continue
        page = table(
            here,
            LEDGER,
            [np.arange(1, len(at) + 1).astype(object), *(c[at] for c in columns)],
            None,
            w.kind[party[at]],
            fixed=True,
        ).start()
        by_sheet = k % 2 == 0
        if by_sheet:
            page.titles, page.first_row, page.merges = [[f"镇平县{here}诚信经营承诺书台账"]], 3, ["A1:M1"]
        spots = soil(rng, page, dirt_of_ledger(dirt), "xlsx", None)
        unsure[party[at[~page.legible[page.with_role("number")[0]]]]] = True
        file = "诚信经营承诺书台账_各乡镇.xlsx" if by_sheet else f"诚信经营承诺书台账_{here}.xlsx"
        written.append((file, page, spots))
        if by_sheet:
            sheets.append(page)
        else:
            files.write_xlsx(out / file, [page])
    if sheets:
        files.write_xlsx(out / "诚信经营承诺书台账_各乡镇.xlsx", sheets)
    _spread(unsure, w)
    return obj(STATUSES)[status], ~unsure[holders], written


def _spread(unsure: Bool, w: World) -> None:
    """A row whose number cannot be read may as well belong to another party of that name with the same visible digits."""
    rows = np.flatnonzero(w.kind == NATURAL)
    person = w.person[rows]
    keys = obj(f"{w.name[p]} {w.number[p][: LEAST[0]]}{w.number[p][-LEAST[1] :]}" for p in person.tolist()).astype(str)
    _, code = np.unique(keys, return_inverse=True)
    doubtful = np.zeros(code.max() + 1, dtype=bool)
    doubtful[code[unsure[rows]]] = True
    unsure[rows] |= doubtful[code]


def dirt_of_ledger(dirt: Dirt) -> Dirt:
    """A ledger has no renamed headers and no rows that must be thrown away: its rows are few and typed by hand."""
    quiet = dict.fromkeys(dirt.files, 0.0)
    rows = dict.fromkeys(dirt.rows, 0.0)
    return Dirt(cells=dirt.cells, rows=rows, files=quiet, platform_masks=False)


def pick_method(rng: Rng, n: int) -> Obj:
    """How a pledge was signed."""
    return either(rng.random(n) < 0.8, "纸质", "电子")
