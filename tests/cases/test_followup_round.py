"""The follow-up round: levels that rise, lists that keep towns apart, notices from a template."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from docx import Document
from worlds import World, person, row
from zp_registry.jobs import lists
from zp_registry.jobs.office import at_work
from zp_registry.jobs.pledging import add_attempt

from zp_registry.errors import UsageError
from zp_registry.flags.reminders import LEVELS, ReminderRules, reminder_levels
from zp_registry.home import Home
from zp_registry.lists.followups_form import OUTCOMES
from zp_registry.lists.notices import OWN_TEMPLATE, PLACEHOLDERS
from zp_registry.settings import CountySettings, Settings, TownSettings

JAN, FEB, APR = "2026-01-31", "2026-02-28", "2026-04-30"
TOWNS = ("石佛寺镇", "晁陂镇", "贾宋镇")


def _at(n: int, town: str, place: str = "玉源路") -> Any:
    return replace(person(n), address=f"河南省南阳市镇平县{town}{place}{n + 1}号")


def test_levels_rise_with_attempts_and_time_and_never_with_one_alone() -> None:
    rules = ReminderRules((1, 2, 3), (15, 30, 45))
    table = pd.DataFrame([(0, 100), (1, 14), (1, 15), (2, 29), (2, 30), (3, 44), (3, 45), (9, 0)], columns=["tried", "days"])
    since = (pd.Timestamp(APR) - pd.to_timedelta(table["days"], unit="D")).dt.strftime("%Y-%m-%d")
    told = reminder_levels(table["tried"], since, APR, rules).tolist()
    assert told == ["first", "first", "second", "second", "visit", "visit", "hand_over", "first"]
    assert [LEVELS.index(t) for t in told[:-1]] == sorted(LEVELS.index(t) for t in told[:-1])


@pytest.fixture
def towns(home: Home, tmp_path: Path) -> Iterator[World]:
    """Three towns; two grid officers in the first."""
    settings = Settings(
        home=home.root,
        county=CountySettings(bureau="镇平县市场监督管理局网监股"),
        towns={
            "石佛寺镇": TownSettings(
                responsible="石佛寺所", officers={"玉源": "王网格", "玉源路东段": "李网格"}, signing_place="石佛寺所一楼"
            ),
            "晁陂镇": TownSettings(responsible="晁陂所"),
        },
    )
    with at_work(settings, "test") as office:
        county = World(office, tmp_path / "files")
        people = [_at(n, TOWNS[n % 3]) for n in range(9)] + [_at(20, "石佛寺镇", "玉源路东段"), _at(21, "石佛寺镇", "国际玉城")]
        county.weipaitang(JAN, [row(f"w{n}", p) for n, p in enumerate(people)])
        county.night()
        yield county
        office.engine.pool.dispose()


def _cells(path: Path) -> set[str]:
    book = openpyxl.load_workbook(path)
    return {str(c.value) for ws in book for line in ws.iter_rows() for c in line if c.value is not None}


def _people(county: World) -> dict[str, set[str]]:
    frame = county.entities()
    return {town: set(part["entity_id"]) | set(part["name"]) for town, part in frame.groupby("town")}


def test_a_towns_files_never_show_another_towns_people(towns: World, tmp_path: Path) -> None:
    people = _people(towns)
    written = lists.write_followup_lists(towns.office, output=tmp_path / "out")
    notices = lists.write_pledge_notices(towns.office, output=tmp_path / "out")
    for town, own in people.items():
        (book,) = [p for p in written if town in p.name]
        (letters,) = [p for p in notices if town in p.name]
        text = "\n".join([*_cells(book), *(p.text for p in Document(str(letters)).paragraphs)])
        assert all(o in text for o in own), town
        for other in people.keys() - {town}:
            assert [o for o in people[other] if o in text] == [], f"{town} shows people of {other}"


def test_lists_by_grid_officer(towns: World, tmp_path: Path) -> None:
    written = lists.write_followup_lists(towns.office, by="officer", output=tmp_path / "out")
    names = {p.name.split("_")[1] for p in written if p.name.startswith("催签清单")}
    assert names == {"王网格", "李网格", "石佛寺所", "晁陂所", "未定责任人"}
    (east,) = [p for p in written if "李网格" in p.name]
    assert person(20).name in _cells(east)
    assert person(0).name not in _cells(east)


def test_the_level_stands_on_the_list_and_the_notice(towns: World, tmp_path: Path) -> None:
    (flag,) = [f for f in towns.flags("PLEDGE_MISSING") if f["entity_id"] == towns.holder("w0")]
    for day in ("2026-02-10", "2026-02-20", "2025-12-30"):
        add_attempt(towns.office, flag["flag_id"], on=day, method="电话", outcome=OUTCOMES[1], note="")
    towns.weipaitang("2026-03-15", [row(f"w{n}", _at(n, TOWNS[n % 3])) for n in range(9)])
    towns.night()
    written = lists.write_followup_lists(towns.office, output=tmp_path / "out")
    (book,) = [p for p in written if "石佛寺镇" in p.name]
    rows = list(openpyxl.load_workbook(book)["催签清单"].iter_rows(values_only=True))
    head = next(r for r in rows if "催办阶段" in r)
    stage = {r[2]: r[head.index("催办阶段")] for r in rows if r[1] and str(r[1]).startswith("E")}
    assert stage[person(0).name] == "上门催办", "two attempts since it was listed, 43 days"
    assert stage[person(3).name] == "首次通知"
    (letter,) = lists.write_pledge_notices(towns.office, town="石佛寺镇", level="visit", output=tmp_path / "letters")
    text = [p.text for p in Document(str(letter)).paragraphs]
    assert "关于签订《诚信经营承诺书》的催办通知" in text
    assert any("石佛寺所一楼" in t for t in text)
    assert not any("{{" in t for t in text)
    assert person(3).name not in "".join(text)
    assert towns.sql("SELECT subject FROM audit WHERE action = 'write pledge notices'")["subject"].tolist()[0].startswith("1 ")


def test_the_bureaus_own_template(towns: World, tmp_path: Path) -> None:
    own = towns.office.home.root / OWN_TEMPLATE
    document = Document()
    line = document.add_paragraph("致 {{主")
    line.add_run("体}}（")  # as Word parts it
    line.add_run("{{编号}}）").bold = True
    document.add_table(rows=1, cols=1).rows[0].cells[0].text = "期限 {{ 期限 }}"
    document.save(str(own))
    (letter,) = lists.write_pledge_notices(towns.office, town="晁陂镇", output=tmp_path / "out")
    told = Document(str(letter))
    assert len(told.tables) == 3
    assert {p.text for p in told.paragraphs if p.text} == {
        f"致 {person(n).name}（{towns.holder(f'w{n}')}）" for n in (1, 4, 7)
    }
    for text in ("{{没有}}{{编号}}", "没有编号的通知"):
        document = Document()
        document.add_paragraph(text)
        document.save(str(own))
        with pytest.raises(UsageError, match="编号" if "没有编号" in text else "没有"):
            lists.write_pledge_notices(towns.office, output=tmp_path / "out")
    own.write_bytes(b"no document")
    with pytest.raises(UsageError, match=OWN_TEMPLATE):
        lists.write_pledge_notices(towns.office, output=tmp_path / "out")
    assert "编号" in PLACEHOLDERS
