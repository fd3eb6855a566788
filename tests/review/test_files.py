"""Decisions as files: the workbook that goes out and comes back, also through the night, and the CSV that moves them."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Any

import pytest
from desks import FEB, JAN, ROWS, Desk
from openpyxl import load_workbook
from worlds import citizen, person, phone, row, world
from zp_registry.jobs import review
from zp_registry.jobs.nightly import nightly
from zp_registry.jobs.review_files import export_judgements, import_forms, import_judgements, write_form

from zp_registry.errors import UsageError

SHEET = "疑似重复主体"


def form(desk: Desk, path: Path) -> Path:
    """The queue as a workbook."""
    written, count = write_form(desk.world.office, output=path)
    assert written == path
    assert count == len(desk.queue())
    return path


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


def take_in(desk: Desk, path: Path) -> Any:
    """Reads a workbook back."""
    return import_forms(desk.world.office, [path])[0][2]


def test_the_workbook_goes_out_and_comes_back(desk: Desk, tmp_path: Path) -> None:
    path = form(desk, tmp_path / "out.xlsx")
    shown = "\n".join(str(c.value) for s in load_workbook(path) for r in s for c in r if c.value is not None)
    assert not [n for n in (1, 7, 8) for secret in (citizen(n), phone(n), person(n).card) if secret in shown]
    near, rival = desk.pair("near1", "near2"), desk.pair("rival", "one")
    fill(path, {near: ("同一主体", "本人到场核实", "王芳"), rival: ("不是同一主体", "两人", "")})
    back = take_in(desk, path)
    assert (back.added, back.known, back.problems) == (2, 0, [])
    assert desk.id("near1") == desk.id("near2")
    assert desk.judgements() == [("positive", "本人到场核实"), ("negative", "两人")]
    assert {near, rival}.isdisjoint(desk.pairs())
    who = desk.world.sql("SELECT who FROM edge WHERE why = '本人到场核实'")["who"].tolist()
    assert who == ["王芳"]
    again = take_in(desk, path)
    assert (again.added, again.known, again.problems) == (0, 2, [])


def test_wrong_cells_are_named_by_sheet_row_and_column_and_the_rest_is_taken(small_desk: Desk, tmp_path: Path) -> None:
    desk, path = small_desk, form(small_desk, tmp_path / "out.xlsx")
    near, rival, two = desk.pair("near1", "near2"), desk.pair("rival", "one"), desk.pair("rival", "two")
    rows = fill(path, {near: ("大概是", "x", ""), rival: ("不是同一主体", "", ""), two: ("不是同一主体", "两人", "")})
    back = take_in(desk, path)
    assert back.added == 1
    assert len(back.problems) == 2
    told = "\n".join(back.problems)
    assert f"［{SHEET}］第{rows[near]}行“结论”" in told
    assert f"［{SHEET}］第{rows[rival]}行“理由”" in told
    assert desk.judgements() == [("negative", "两人")]


def test_lines_that_contradict_each_other_across_a_third_are_told(small_desk: Desk, tmp_path: Path) -> None:
    # One and two have two numbers: rival cannot be both.
    desk, path = small_desk, form(small_desk, tmp_path / "out.xlsx")
    rows = fill(path, {desk.pair("rival", a): ("同一主体", "像", "") for a in ("one", "two")})
    back = take_in(desk, path)
    assert back.added == 1
    assert len(back.problems) == 1
    assert any(f"第{row_}行“结论”" in back.problems[0] for row_ in rows.values())
    assert "两个不同的有效证照号码" in back.problems[0]
    assert desk.id("one") != desk.id("two")


def test_a_line_that_was_overtaken_is_told_and_covers_nothing(small_desk: Desk, tmp_path: Path) -> None:
    desk, path = small_desk, form(small_desk, tmp_path / "out.xlsx")
    fill(path, {desk.pair("near1", "near2"): ("同一主体", "像", "李强")})
    desk.decide("near1", "near2", "unsure", "电话打不通", who="王芳")
    back = take_in(desk, path)
    assert back.added == 0
    assert "王芳已于" in back.problems[0]
    assert "未覆盖" in back.problems[0]
    assert desk.judgements() == [("unsure", "电话打不通")]
    # The list of today shows it, and so its line may change it.
    path = form(desk, tmp_path / "new.xlsx")
    fill(path, {desk.pair("near1", "near2"): ("同一主体", "到场核实", "李强")})
    assert take_in(desk, path).problems == []
    assert desk.id("near1") == desk.id("near2")


def test_a_list_that_comes_twice_does_not_revive_what_was_undone(small_desk: Desk, tmp_path: Path) -> None:
    desk, path = small_desk, form(small_desk, tmp_path / "out.xlsx")
    pair = desk.pair("near1", "near2")
    fill(path, {pair: ("同一主体", "像", "")})
    take_in(desk, path)
    review.undo(desk.world.office, pair, "认错人")
    back = take_in(desk, path)
    assert (back.added, len(back.problems)) == (0, 1)
    assert "后来被撤销" in back.problems[0]
    assert desk.judgements() == []


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


def test_decisions_move_to_another_registry_of_the_same_reports(small_desk: Desk, tmp_path: Path) -> None:
    desk = small_desk
    desk.decide("near1", "near2", "same", "到场核实", who="王芳")
    desk.decide("rival", "one", "different", "两人", who="李强")
    desk.decide("rival", "two", "unsure", "待核")
    path = tmp_path / "decisions.csv"
    assert export_judgements(desk.world.office, path) == 3
    text = path.read_text("utf-8-sig")
    assert not [n for n in (1, 7, 8) for secret in (citizen(n), phone(n), person(n).card) if secret in text]
    home = tmp_path / "second" / "home"
    home.parent.mkdir()
    with world(home, tmp_path / "files2") as made:
        # Loaded in another order and with others before them: ids differ.
        made.kuaishou(JAN, [row("first", person(50))])
        made.night()
        made.weipaitang(JAN, [row("w9", person(51))])
        made.kuaishou(FEB, list(reversed(ROWS)))
        made.night()
        other = Desk(made)
        assert other.id("near1") != desk.id("near1")
        done = import_judgements(made.office, path)
        assert (done.added, done.known, done.problems) == (3, 0, [])
        assert other.id("near1") == other.id("near2")
        assert other.pair("rival", "one") not in other.pairs()
        assert sorted(other.judgements()) == sorted(desk.judgements())
        whys = "SELECT who, why, created_at FROM edge WHERE tier = 'person' ORDER BY why"
        assert made.sql(whys).equals(desk.world.sql(whys))
        again = import_judgements(made.office, path)
        assert (again.added, again.known) == (0, 3)


def test_a_decision_that_cannot_be_placed_or_cannot_stand_is_named_with_its_line(small_desk: Desk, tmp_path: Path) -> None:
    desk = small_desk
    desk.decide("near1", "near2", "same", "到场核实")
    path = tmp_path / "d.csv"
    export_judgements(desk.world.office, path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    strange = {**rows[0], "left_signature": "0" * 32, "left_account_id": "nobody"}
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows([*rows, strange])
    done = import_judgements(desk.world.office, path)
    assert (done.added, done.known) == (0, 1)
    assert done.problems == ["d.csv line 3: no holder here is described as the left side is"]


@pytest.mark.parametrize(("column", "value"), [("judgement", "vielleicht"), ("why", ""), ("created_at", "gestern")])
def test_a_malformed_file_changes_nothing(small_desk: Desk, tmp_path: Path, column: str, value: str) -> None:
    desk = small_desk
    desk.decide("near1", "near2", "different", "两人")
    path = tmp_path / "d.csv"
    export_judgements(desk.world.office, path)
    review.undo(desk.world.office, desk.pair("near1", "near2"), "x")
    with path.open(encoding="utf-8-sig", newline="") as file:
        line = next(csv.DictReader(file))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(line))
        writer.writeheader()
        writer.writerows([line, {**line, column: value}])
    with pytest.raises(UsageError, match=r"line 3.*" + column):
        import_judgements(desk.world.office, path)
    assert desk.judgements() == []
