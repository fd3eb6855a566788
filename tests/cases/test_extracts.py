"""What departments are given: columns and towns that the settings allow, nothing else; who may be shown as an example."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
from worlds import World, firm, person, pledge, row
from zp_registry.jobs import cases, extracts
from zp_registry.jobs.office import at_work

from zp_registry.errors import UsageError
from zp_registry.home import Home
from zp_registry.settings import ExtractSettings, Settings, load_settings

JAN, FEB = "2026-01-31", "2026-02-28"
A, B, C, D = person(1), person(2), person(3), person(4)
FAR = replace(person(5), address="河南省南阳市镇平县晁陂镇街道1号")


@pytest.fixture
def shared(home: Home, tmp_path: Path) -> Iterator[World]:
    """A bureau that gives the police cases and a town its own entities."""
    settings = Settings(
        home=home.root,
        extracts={
            "police": ExtractSettings(
                title="县公安局", of="cases", columns=("case_id", "platform", "account_id", "level", "town")
            ),
            "town": ExtractSettings(
                title="石佛寺镇", of="entities", columns=("entity_id", "name", "id_number"), towns=("石佛寺镇",)
            ),
            "association": ExtractSettings(title="电商协会", of="candidates", columns=("name", "town")),
        },
    )  # fmt: skip
    with at_work(settings, "test") as office:
        county = World(office, tmp_path / "files")
        county.kuaishou(JAN, [row("k1", A), row("k2", B), row("k5", FAR)])
        county.kuaishou(FEB, [row("k1", C), row("k2", B), row("k5", FAR)])
        county.night()
        yield county
        office.engine.pool.dispose()


def _read(path: str) -> list[tuple[object, ...]]:
    (ws,) = openpyxl.load_workbook(path).worksheets
    return list(ws.iter_rows(values_only=True))


def test_only_the_columns_and_rows_that_are_allowed(shared: World, tmp_path: Path) -> None:
    done = extracts.extract(shared.office, "police", "联席会议", tmp_path)
    (head, line) = _read(done["file"])
    assert head == ("案件编号", "平台", "账号标识", "级别", "乡镇街道")
    assert line[2:] == ("k1", "high", "石佛寺镇")
    done = extracts.extract(shared.office, "town", "每月核对", tmp_path)
    names = {str(r[1]) for r in _read(done["file"])[1:]}
    assert names == {A.name, B.name, C.name}
    text = str(_read(done["file"]))
    assert FAR.name not in text, "of another town"
    assert A.person_id not in text
    noted = shared.sql("SELECT subject, reason FROM audit WHERE action = 'extract' ORDER BY id")
    assert noted["reason"].tolist() == ["联席会议", "每月核对"]
    assert "columns entity_id, name, id_number, of 石佛寺镇" in noted["subject"].iloc[1]


def test_what_the_settings_do_not_name_does_not_go_out(shared: World, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="police"):
        extracts.extract(shared.office, "commerce", "试试", tmp_path)
    assert list(tmp_path.glob("*.xlsx")) == []


def test_a_column_that_there_is_not_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "zp-registry.toml"
    file.write_text('[extracts.x]\ntitle = "某局"\nof = "cases"\ncolumns = ["case_id", "phone"]\n', "utf-8")
    monkeypatch.setenv("ZP_CONFIG", str(file))
    with pytest.raises(UsageError, match="phone"):
        load_settings(tmp_path / "home")


def test_the_honest_are_signed_verified_and_without_a_case(county: World, tmp_path: Path) -> None:
    limited = row("d6", person(6), status="frozen")
    everyone = [row("d1", A), row("d2", B), row("d3", C), row("d4", D), row("d5", firm(5)), limited, row("d9", person(90))]
    county.weipaitang(JAN, everyone)
    county.weipaitang(FEB, [row("d1", A), row("d2", person(8)), *everyone[2:]])
    holders = [A, person(8), D, firm(5), person(6)]
    county.ledger([pledge(f"P{n}", p, "2025-09-01") for n, p in enumerate(holders)])
    county.night()
    county.execute("UPDATE record SET verified_on = '2026-01-15' WHERE account_ref <> 'd4'")
    county.execute("UPDATE record SET verified_on = '2025-07-01' WHERE account_ref = 'd4'")
    with county.office.engine.connect() as connection:
        found = extracts.candidates(connection, county.office)
    assert set(found["name"]) == {A.name, firm(5).name}, "one has a case, one is unsigned, one unverified, one sanctioned"
    (case,) = cases.list_cases(county.office)["cases"]
    cases.act(county.office, case["case_id"], "dismissed", "平台批准的变更", who="甲")
    done = extracts.write_candidates(county.office, tmp_path)
    assert done["rows"] == 3
    assert person(8).person_id not in str(_read(done["file"]))
