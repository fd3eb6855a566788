"""Decisions as CSV into another registry, and the queue as a workbook that comes back."""

from __future__ import annotations

import csv
from pathlib import Path

import openpyxl
import pytest
from desks import JAN, ROWS, Desk
from worlds import citizen, person, phone, world
from zp_registry.jobs import review
from zp_registry.jobs.review_files import export_judgements, import_forms, import_judgements, write_form

from zp_registry.errors import UsageError
from zp_registry.home import Home
from zp_registry.lists.duplicates_form import CONCLUSION, PAIR, PERSON, REASON


def sheet(path: Path) -> tuple[openpyxl.Workbook, dict[str, int], dict[str, int]]:
    """The workbook, its columns by header, and the first row of each pair."""
    book = openpyxl.load_workbook(path)
    rows = list(book.worksheets[0].iter_rows(values_only=True))
    top = next(i for i, r in enumerate(rows) if PAIR in r)
    at = {str(h): i + 1 for i, h in enumerate(rows[top]) if h}
    return book, at, {str(r[at[PAIR] - 1]): i + 1 for i, r in enumerate(rows) if i > top and r[at[PAIR] - 1]}


def fill(path: Path, filled: dict[str, tuple[str | None, str | None, str | None]]) -> dict[str, int]:
    """Fills conclusion, reason and person in by pair; gives the pairs' rows."""
    book, at, rows = sheet(path)
    for pair, values in filled.items():
        for header, value in zip((CONCLUSION, REASON, PERSON), values, strict=True):
            if value is not None:
                book.worksheets[0].cell(rows[pair], at[header]).value = value
    book.save(path)
    return rows


def take_in(desk: Desk, path: Path) -> tuple[int, int, list[str]]:
    [(_, _, told)] = import_forms(desk.world.office, [path])
    assert not told.refused
    assert not told.failed
    return told.added, told.known, told.problems


def test_the_queue_goes_out_and_comes_back(desk: Desk, tmp_path: Path) -> None:
    path, count = write_form(desk.world.office, output=tmp_path / "核对表.xlsx")
    assert path is not None
    assert count == 3
    assert write_form(desk.world.office)[0] == desk.world.office.home.lists / "疑似重复主体核对表_20260131.xlsx"
    near, rival = desk.pair("near1", "near2"), desk.pair("rival", "one")
    text = "\n".join(str(c) for ws in openpyxl.load_workbook(path) for r in ws.iter_rows(values_only=True) for c in r if c)
    assert person(1).name in text
    assert "权重" in text
    for n in (1, 7, 8):
        assert not any(secret in text for secret in (citizen(n), phone(n), person(n).card))
    fill(path, {near: ("同一主体", "本人持身份证到场", "王芳"), rival: ("不是同一主体", "两人同名", None)})
    assert take_in(desk, path) == (2, 0, [])
    assert desk.id("near1") == desk.id("near2")
    assert {near, rival}.isdisjoint(desk.pairs())
    assert sorted(desk.judgements()) == [("negative", "两人同名"), ("positive", "本人持身份证到场")]
    named = desk.world.sql("SELECT who FROM edge WHERE judgement = 'positive' AND tier = 'person'")
    assert named["who"].tolist() == ["王芳"]
    # The same file once more changes nothing.
    assert take_in(desk, path) == (0, 2, [])
    assert len(desk.judgements()) == 2


def test_wrong_cells_are_named_and_the_rest_is_taken(small_desk: Desk, tmp_path: Path) -> None:
    path, _ = write_form(small_desk.world.office, output=tmp_path / "核对表.xlsx")
    assert path is not None
    near, one, two = (small_desk.pair(a, b) for a, b in (("near1", "near2"), ("rival", "one"), ("rival", "two")))
    rows = fill(path, {near: ("同一主体", "到场核实", None), one: ("也许", "不清楚", None), two: ("不是同一主体", None, None)})
    added, _, problems = take_in(small_desk, path)
    assert added == 1
    assert sorted(problems) == sorted([
        f"核对表.xlsx［疑似重复主体］第{rows[one]}行“结论”：“也许”不在可选项中。请选择：同一主体、不是同一主体、暂不能确定。",
        f"核对表.xlsx［疑似重复主体］第{rows[two]}行“理由”：填写了结论，但没有理由。请写明依据，如“本人持身份证到场核实”。",
    ])  # fmt: skip


def test_overtaken_undone_and_impossible_lines_are_told(small_desk: Desk, tmp_path: Path) -> None:
    office = small_desk.world.office
    path, _ = write_form(office, output=tmp_path / "核对表.xlsx")
    assert path is not None
    near, one, two = (small_desk.pair(a, b) for a, b in (("near1", "near2"), ("rival", "one"), ("rival", "two")))
    # After the list went out somebody else decided about the first pair.
    small_desk.decide("near1", "near2", "different", "电话核实为两人", who="李强")
    fill(path, {near: ("同一主体", "像是同一人", None), one: ("同一主体", "同一人", None), two: ("同一主体", "同一人", None)})
    added, _, problems = take_in(small_desk, path)
    assert added == 1
    assert any("李强" in p and "电话核实为两人" in p and "未覆盖" in p for p in problems)
    assert any("两个不同的有效证照号码" in p for p in problems)
    assert small_desk.id("near1") != small_desk.id("near2")
    # The line that stands first in the file is taken, the other would join two numbers.
    joined, other = ("one", "two") if small_desk.id("rival") == small_desk.id("one") else ("two", "one")
    assert small_desk.id("rival") == small_desk.id(joined) != small_desk.id(other)
    # What was taken back does not come to life by the same file.
    review.undo(office, {"one": one, "two": two}[joined], "认错人")
    _, _, problems = take_in(small_desk, path)
    assert any("后来被撤销" in p for p in problems)
    assert small_desk.id("rival") != small_desk.id(joined)


def test_a_stranger_file_is_refused_and_the_next_is_taken(small_desk: Desk, tmp_path: Path) -> None:
    bad = tmp_path / "a.xlsx"
    bad.write_bytes(b"no workbook")
    path, _ = write_form(small_desk.world.office, output=tmp_path / "b.xlsx")
    assert path is not None
    fill(path, {small_desk.pair("near1", "near2"): ("暂不能确定", "电话打不通", "王芳")})
    [(_, _, first), (_, taken, second)] = import_forms(small_desk.world.office, [bad, path])
    assert first.refused
    assert first.problems
    assert taken is not None
    assert (second.added, second.problems) == (1, [])


def test_decisions_go_as_csv_into_another_registry_of_the_same_data(home: Home, tmp_path: Path, database_url: str) -> None:
    """The other registry has keys and ids of its own: its files came in another order."""
    path = tmp_path / "judgements.csv"
    with world(home.root, tmp_path / "files") as made:
        made.kuaishou(JAN, list(ROWS))
        made.night()
        desk = Desk(made)
        desk.decide("near1", "near2", "same", "本人到场", who="王芳")
        desk.decide("rival", "one", "different", "身份证不同", who="李强")
        assert export_judgements(made.office, path) == 2
        assert import_judgements(made.office, path).known == 2
        said = desk.judgements()
    text = path.read_text("utf-8-sig")
    for n in (1, 7, 8):
        assert not any(secret in text for secret in (citizen(n), phone(n), person(n).card))
    other = Home(tmp_path / "other")
    other.create()
    with world(other.root, tmp_path / "files2", database_url) as made:
        made.kuaishou(JAN, list(reversed(ROWS)))
        made.night()
        desk = Desk(made)
        done = import_judgements(made.office, path)
        assert (done.added, done.known, done.problems) == (2, 0, [])
        assert desk.id("near1") == desk.id("near2")
        assert desk.id("rival") != desk.id("one")
        assert desk.pair("rival", "one") not in desk.pairs()
        assert desk.judgements() == said
        assert made.sql("SELECT who FROM edge WHERE tier = 'person' ORDER BY id")["who"].tolist() == ["王芳", "李强"]
        again = import_judgements(made.office, path)
        assert (again.added, again.known, again.problems) == (0, 2, [])


def test_lines_that_cannot_be_placed_or_cannot_stand_are_named(small_desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "judgements.csv"
    small_desk.decide("near1", "near2", "same")
    small_desk.decide("rival", "one", "different")
    export_judgements(small_desk.world.office, path)
    with path.open(encoding="utf-8-sig", newline="") as source:
        rows = list(csv.DictReader(source))
    strange = {**rows[0], "left_signature": "0" * 64, "left_account_id": "nobody"}
    crossing = {**rows[1], "judgement": "same"}
    with path.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows([strange, crossing, rows[0]])
    done = import_judgements(small_desk.world.office, path)
    assert (done.added, done.known) == (0, 1)
    assert [p.split(": ")[0] for p in done.problems] == ["judgements.csv line 2", "judgements.csv line 3"]
    assert "no holder here" in done.problems[0]
    assert "stands here; undo it first" in done.problems[1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"judgement": "maybe"}, "line 2: judgement is none of same, different, unsure"),
        ({"why": " "}, "line 2: why is empty"),
        ({"created_at": "yesterday"}, "line 2: created_at is no moment"),
    ],
)
def test_a_malformed_line_takes_nothing_in(small_desk: Desk, tmp_path: Path, change: dict[str, str], said: str) -> None:
    path = tmp_path / "judgements.csv"
    done = small_desk.decide("near1", "near2", "same")
    export_judgements(small_desk.world.office, path)
    review.take_back(small_desk.world.office, done["judgements"], "x")
    with path.open(encoding="utf-8-sig", newline="") as source:
        rows = list(csv.DictReader(source))
    with path.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows([{**rows[0], **change}, rows[0]])
    with pytest.raises(UsageError, match=said):
        import_judgements(small_desk.world.office, path)
    assert small_desk.judgements() == []
