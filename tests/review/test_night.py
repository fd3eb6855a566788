"""The night writes the review list while pairs wait, and reads filled-in ones from the inbox."""

from __future__ import annotations

import shutil
from pathlib import Path

from desks import Desk
from openpyxl import load_workbook
from zp_registry.jobs.nightly import nightly

SHEET = "疑似重复主体"


def fill(path: Path, filled: dict[str, tuple[str, str, str]]) -> dict[str, int]:
    """Writes (conclusion, reason, person) into the lines of pairs; gives each pair's row in the sheet."""
    book = load_workbook(path)
    sheet = book[SHEET]
    top = next(r for r in range(1, 20) if "核对编号" in [c.value for c in sheet[r]])
    at = {c.value: c.column for c in sheet[top]}
    rows = {str(sheet.cell(r, at["核对编号"]).value): r for r in range(top + 1, sheet.max_row + 1)}
    for pair, values in filled.items():
        for header, value in zip(("结论", "理由", "核对人"), values, strict=True):
            sheet.cell(rows[pair], at[header]).value = value
    book.save(path)
    return rows


def test_the_night_writes_the_list_and_reads_it_back(small_desk: Desk) -> None:
    desk, home = small_desk, small_desk.world.office.home
    first = nightly(desk.world.office)
    lists = [p for p in home.lists.iterdir() if p.name.startswith("疑似重复主体核对表")]
    assert len(lists) == 1
    assert lists[0].name in {p.name for p in first.lists}
    pair = desk.pair("near1", "near2")
    returned = home.inbox / "review" / "交回.xlsx"
    shutil.copy(lists[0], returned)
    rows = fill(returned, {pair: ("同一主体", "本人到场核实", "王芳"), desk.pair("rival", "one"): ("不知道", "x", "")})
    night = nightly(desk.world.office)
    assert night.exit_code == 3
    assert [p for p in night.problems if f"第{rows[desk.pair('rival', 'one')]}行“结论”" in p]
    assert desk.id("near1") == desk.id("near2")
    assert not returned.exists()
    assert list(home.archive.glob("*交回.xlsx*"))
    # The list of the next morning no longer asks.
    sheet = load_workbook(lists[0])[SHEET]
    assert pair not in {str(c.value) for r in sheet for c in r}
    report = (max(home.reports.glob("*.json"), key=lambda p: p.stat().st_mtime)).read_text("utf-8")
    assert "现行人工认定" in report
    assert "待核实的疑似重复" in report
