"""Platforms are asked to check what is wrong, masked or unreachable; their answer comes in as a report."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import openpyxl
from openpyxl.worksheet.worksheet import Worksheet
from worlds import World, citizen, firm, masked, person, phone, row
from zp_registry.jobs.reverify import reverify

JAN = "2026-01-31"
A, B, C, D = person(1), person(2), person(3), person(4)
WRONG = B.person_id[:-1] + ("0" if B.person_id[-1] != "0" else "1")


def _start(county: World) -> None:
    wrong = [row("w2", B, person_id=WRONG), row("w3", C, phone="12"), row("w4", D, address=None)]
    county.weipaitang(
        JAN, [row("w1", A, person_id=masked(A.person_id)), *wrong, row("w5", firm(5)), row("w9", person(90))]
    )
    county.kuaishou(JAN, [row("k1", person(7)), row("k2", person(8))])
    path = county.file("核查结果.csv")
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([("平台", "账号标识", "核查结果", "核查日期"), ("快手", "k1", "空号", "2026-01-20")])
    county.load(path, kind="notice")
    county.night()


def _sheet(path: Path) -> tuple[openpyxl.Workbook, Worksheet, int, dict[str, int]]:
    book = openpyxl.load_workbook(path)
    ws = book["核验清单"]
    top = next(r for r in range(1, 12) if ws.cell(r, 1).value == "序号")
    return book, ws, top, {str(c.value): int(c.column) for c in ws[top]}


def test_each_platform_gets_its_own(county: World, tmp_path: Path) -> None:
    _start(county)
    done = reverify(county.office, sent_on="2026-02-09", output=tmp_path)
    assert done["accounts"] == {"weipaitang": 4, "kuaishou": 1}
    files = {p.name.split("_")[1]: p for p in map(Path, done["files"])}
    _, ws, top, at = _sheet(files["微拍堂"])
    told = {ws.cell(r, at["账号标识"]).value: ws.cell(r, at["需核验的问题"]).value for r in range(top + 1, ws.max_row + 1)}
    assert told == {"w1": "证件号码已脱敏", "w2": "证照号码有误", "w3": "联系电话有误", "w4": "经营地址缺失"}
    text = str([c.value for line in ws.iter_rows() for c in line])
    assert citizen(4) not in text, "no whole number goes out"
    assert phone(4) not in text
    assert "k1" not in text, "nothing of another platform"
    # Five working days over the Spring Festival of 2026: 15 to 23 February are free, Saturday the 14th is worked.
    assert ws.cell(top + 1, at["答复期限"]).value .isoformat()[:10] == "2026-02-14"


def test_the_answer_comes_in_as_a_report_and_settles_it(county: World, tmp_path: Path) -> None:
    _start(county)
    holder = county.holder("w1")
    done = reverify(county.office, platform="weipaitang", sent_on="2026-02-09", output=tmp_path)
    book, ws, top, at = _sheet(Path(done["files"][0]))
    ws.cell(top - 1, 3).value = dt.date(2026, 2, 13)
    full = {"w1": ("证件号码", A.person_id), "w2": ("证件号码", B.person_id), "w3": ("联系电话", C.phone)}
    for r in range(top + 1, ws.max_row + 1):
        account = str(ws.cell(r, at["账号标识"]).value)
        if account in full:
            ws.cell(r, at[full[account][0]]).value = full[account][1]
            ws.cell(r, at["核验日期"]).value = dt.date(2026, 2, 12)
            ws.cell(r, at["核验结果"]).value = "已更正"
    answer = county.file("平台核验清单_微拍堂.xlsx")
    book.save(answer)
    outcome = county.load(answer)
    assert outcome.counts.rejected == 0
    county.night()
    assert county.codes() == {("k1", "HOLDER_UNREACHABLE")}, "the same holders, and nothing suspected"
    assert county.holder("w1") == holder
    assert {a for a, _, _ in _standing(county)} == {"w1", "w2", "w3", "w4", "k1"}
    again = reverify(county.office, sent_on="2026-03-02", output=tmp_path / "again")
    assert again["accounts"] == {"weipaitang": 1, "kuaishou": 1}
    assert again["overdue"] == 2, "asked on the first date, whose deadline has passed"
    assert {a: closed for a, _, closed in _standing(county)} == {
        "w1": "2026-03-02", "w2": "2026-03-02", "w3": "2026-03-02", "w4": None, "k1": None
    }  # fmt: skip


def _standing(county: World) -> list[tuple[str, str, str | None]]:
    rows = county.sql("SELECT account_id, asked_on, closed_on FROM reverification")
    return [(a, b, c if isinstance(c, str) else None) for a, b, c in rows.itertuples(index=False, name=None)]


def test_an_answer_without_its_date_asks_for_it(county: World, tmp_path: Path) -> None:
    _start(county)
    done = reverify(county.office, platform="weipaitang", sent_on="2026-02-09", output=tmp_path)
    answer = county.file("答复.xlsx")
    answer.write_bytes(Path(done["files"][0]).read_bytes())
    outcome = county.try_load(answer)
    assert outcome.state == "asked"
    assert "--as-of" in outcome.message
