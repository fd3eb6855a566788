"""The joint meeting's bulletin: its periods, what it counts, and that a past one is told the same later."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from docx import Document
from hypothesis import given
from hypothesis import strategies as st
from worlds import World, firm, masked, person, pledge, row, shop, world
from zp_registry.jobs import bulletin as bulletins
from zp_registry.jobs import cases
from zp_registry.jobs.extracts import candidates
from zp_registry.jobs.reverify import reverify

from zp_registry.errors import UsageError
from zp_registry.flags.bulletin import parse_period

JAN, FEB, MAR = "2026-01-31", "2026-02-28", "2026-03-31"
A, B, C = person(1), person(2), person(3)


@given(st.dates(min_value=dt.date(2000, 1, 1), max_value=dt.date(2099, 12, 31)))
def test_every_day_is_in_one_half_and_its_month(day: dt.date) -> None:
    halves = [parse_period(f"{day:%Y-%m}-H{h}") for h in (1, 2)]
    month = parse_period(f"{day:%Y-%m}")
    assert sum(p.first <= day.isoformat() <= p.last for p in halves) == 1
    assert (month.first, month.last) == (halves[0].first, halves[1].last)
    assert (dt.date.fromisoformat(halves[0].last) + dt.timedelta(days=1)).isoformat() == halves[1].first
    assert month.duty <= f"{day:%Y-%m}"


@pytest.mark.parametrize("text", ["2024", "2024-13", "2024-03-H3", "2024-3-H1", "03-2024", "", "2024-03-H1x"])
def test_other_periods_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_period(text)


def _rows(done: dict[str, Any], title: str) -> dict[str, dict[str, Any]]:
    (sheet,) = [s for s in done["sheets"] if title in s["title"]]
    return {str(r[0]): dict(zip(sheet["columns"], r, strict=True)) for r in sheet["rows"]}


def _start(county: World) -> None:
    first = [row("w1", A), row("w2", B), row("w3", firm(5)), row("w4", shop(6)), row("w9", person(90))]
    county.weipaitang(JAN, first)
    county.weipaitang(FEB, [row("w1", C), row("w2", B, person_id=masked(B.person_id)), row("w3", firm(5)), row("w5", person(7)),
                            row("w9", person(90))])  # fmt: skip
    county.ledger([pledge("P1", B, "2026-02-20"), pledge("P2", firm(5), "2025-05-01"), pledge("P3", person(90), "2023-02-01")])
    county.night()


def test_what_it_counts(county: World, tmp_path: Path) -> None:
    _start(county)
    done = bulletins.write(county.office, "2026-02-H2", tmp_path)
    town = _rows(done, "主体和账号")["石佛寺镇"]
    assert (town["主体数"], town["企业"], town["自然人"], town["账号数"]) == (5, 1, 4, 5)
    assert (town["本期新增主体"], town["本期退出主体"]) == (2, 2), "C and the 7th came, A and the shop left"
    platform = _rows(done, "各平台账号")["微拍堂"]
    assert (platform["账号数"], platform["本期新增账号"], platform["本期消失账号"]) == (5, 1, 1)
    pledges = _rows(done, "签订率")["合计"]
    assert (pledges["应签主体"], pledges["已签"], pledges["未签"], pledges["过期"]) == (5, 2, 2, 1)
    assert (pledges["签订率（%）"], pledges["上期签订率（%）"], pledges["升降（百分点）"]) == (40.0, 20.0, 20.0)
    suspected = _rows(done, "线索案件")["石佛寺镇"]
    assert (suspected["期末未结"], suspected["其中高级别"], suspected["本期新立"]) == (1, 1, 1)
    numbers = _rows(done, "号码质量")["微拍堂"]
    assert (numbers["入库行数"], numbers["号码脱敏"]) == (5, 1)
    reports = _rows(done, "报送情况")["微拍堂"]
    assert (reports["本期报送（份）"], reports["缺报月数"], reports["2026年一月报送"]) == (1, 0, "已见")
    files = {Path(f).suffix: Path(f) for f in done["files"]}
    text = "\n".join(c.text for t in Document(str(files[".docx"])).tables for r in t.rows for c in r.cells)
    assert "石佛寺镇" in text
    assert "石佛寺镇" in files[".html"].read_text("utf-8")
    assert len(openpyxl.load_workbook(files[".xlsx"]).sheetnames) == 10
    assert len(Document(str(files[".docx"])).inline_shapes) >= 4, "charts"


@pytest.mark.postgres
def test_postgresql_tells_the_same(county: World, tmp_path: Path, postgres_url: str) -> None:
    _start(county)
    here = bulletins.write(county.office, "2026-02", tmp_path / "here")
    with world(tmp_path / "other", tmp_path / "others", postgres_url) as other:
        _start(other)
        there = bulletins.write(other.office, "2026-02", tmp_path / "there")
        assert [s for s in there["sheets"] if "未办理" not in s["title"]] == [
            s for s in here["sheets"] if "未办理" not in s["title"]
        ]
        ours, theirs = (reverify(w.office, sent_on="2026-03-02", output=tmp_path / "asked") for w in (county, other))
        assert ours["accounts"] == theirs["accounts"]
        with other.office.engine.connect() as connection:
            assert len(candidates(connection, other.office)) == 0


def test_a_past_period_is_told_the_same_later(county: World, tmp_path: Path) -> None:
    _start(county)
    first = bulletins.write(county.office, "2026-02-H2", tmp_path)
    county.weipaitang(MAR, [row("w1", C), row("w2", person(8)), row("w9", person(90))])
    county.ledger([pledge("P9", C, "2026-03-20")])
    county.night()
    (case,) = [c for c in cases.list_cases(county.office)["cases"] if c["account_id"] == "w1"]
    cases.act(county.office, case["case_id"], "confirmed", "双方承认", who="甲")  # today, long after that period
    county.night()
    again = bulletins.write(county.office, "2026-02-H2", tmp_path)
    assert again["sheets"] == first["sheets"]
    assert again["figures"] == first["figures"]
    later = bulletins.write(county.office, "2026-03-H2", tmp_path)
    assert later["figures"] != first["figures"]
    noted = county.sql("SELECT subject FROM audit WHERE action = 'write bulletin' ORDER BY id")["subject"].tolist()
    assert noted[0] == noted[1] == f"2026-02-H2, figures {first['figures']}"


def test_the_confirmed_and_the_unregistered(county: World, tmp_path: Path) -> None:
    _start(county)
    (case,) = cases.list_cases(county.office)["cases"]
    cases.act(county.office, case["case_id"], "confirmed", "双方承认", who="甲")
    county.execute("UPDATE case_event SET at = '2026-02-25' || substr(at, 11)")
    county.execute("UPDATE record SET over_threshold = 'yes' WHERE account_ref IN ('w5', 'w3')")
    done = bulletins.write(county.office, "2026-02", tmp_path)
    suspected = _rows(done, "线索案件")["石佛寺镇"]
    assert (suspected["期末未结"], suspected["本期确认"]) == (0, 1)
    people = _rows(done, "未办理")
    assert list(people) == [county.holder("w5")], "a firm is registered"
    assert person(7).name not in str(people)


def test_nothing_was_reported_by_then(county: World, tmp_path: Path) -> None:
    _start(county)
    with pytest.raises(UsageError):
        bulletins.write(county.office, "2025-12", tmp_path)
    first = bulletins.write(county.office, "2026-01", tmp_path)
    assert _rows(first, "签订率")["合计"]["上期签订率（%）"] is None
