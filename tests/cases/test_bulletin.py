"""The joint meeting's bulletin: its periods, what it counts, and that a past one is told the same later."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from docx import Document
from hypothesis import given
from hypothesis import strategies as st
from worlds import World, firm, masked, person, pledge, row, shop, world, xiaohongshu
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


def candidates_of(county: World, **when: str) -> list[list[str]]:
    with county.office.engine.connect() as connection:
        told: list[list[str]] = candidates(connection, county.office, **when).astype("str").fillna("").to_numpy().tolist()
    return told


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
        period, later = parse_period("2026-02"), "2099-01-01T00:00:00.000+00:00"
        late = [bulletins.figures(w.office, period, later)[0] for w in (county, other)]
        assert [s for s in late[0] if "未办理" not in s.title] == [s for s in late[1] if "未办理" not in s.title]
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


def test_what_was_known_on_a_past_day_is_told_to_the_digit(county: World, tmp_path: Path) -> None:
    """Late reports and ledgers, corrections, an old ledger that comes again, people's words, merged entities: all of it
    later."""
    _start(county)
    county.load(xiaohongshu(county.file("xiaohongshu_20260131.csv"), [row("r1", firm(5)), row("r2", B)], JAN))
    county.night()
    former = county.sql("SELECT entity_id FROM entity WHERE name = :n", n=A.name)["entity_id"].iloc[0]
    cases.review_pair(county.office, county.holder("w1"), former, "夫妻换人经营", who="甲")
    for table, column in (("report_file", "received_at"), ("pledge", "stood"), ("reviewed_pair", "created_at")):
        county.execute(f"UPDATE {table} SET {column} = '2026-03-02T10:00:00.000+00:00'")
    period = parse_period("2026-02-H2")
    first, _ = bulletins.figures(county.office, period)
    named = candidates_of(county)
    assert len(named) == 2
    # A late report for before, a correction of another, a late ledger, one whose row takes another's place until the old one
    # comes again, a word that is taken back.
    county.wechat("2026-02-20", [row("x1", person(40)), row("x2", replace(A, phone=person(41).phone))])
    county.weipaitang(FEB, [row("w1", C), row("w2", B), row("w3", firm(5)), row("w9", person(90))])
    county.ledger([pledge(n, p, "2026-02-11") for n, p in (("P1", person(40)), ("P7", C), ("P2", person(90)))])
    old = county.ledger([pledge("P1", B, "2026-02-20"), pledge("P3", person(90), "2023-02-01")])
    assert (old.counts.unchanged, old.counts.loaded) == (1, 1), "what was superseded counts again"
    cases.withdraw_pair(county.office, 1, "并非夫妻", who="甲")
    again = bulletins.write(county.office, "2026-02-H2", tmp_path, "2026-03-02")
    assert again["sheets"][:-1] == [vars(s) for s in first]
    assert again["known"] == "2026-03-03 00:00:00"
    page = next(Path(f) for f in again["files"] if f.endswith(".html")).read_text("utf-8")
    assert "按 2026-03-03 00:00:00（北京时间）前收到的" in page
    assert bulletins.figures(county.office, period)[0] != first
    changed = {(r[0], r[1], r[2]): r[3:] for r in again["sheets"][-1]["rows"]}
    assert changed["各平台账号", "合计", "账号数"] == [7, 8], "the late report; the corrected one has an account less"
    assert changed["账号转让、出租、出借线索案件", "合计", "期末未结"] == [None, 1], "there was no case"
    assert candidates_of(county, as_of=FEB, known="2026-03-02T16:00:00.000+00:00") == named
    assert candidates_of(county, as_of=FEB) != named
    with pytest.raises(UsageError):
        bulletins.write(county.office, "2026-02-H2", tmp_path, "2026-01-01")
    with pytest.raises(UsageError):
        bulletins.write(county.office, "2026-02-H2", tmp_path, "2. März")


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
