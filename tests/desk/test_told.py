"""What people are told of what they did: no page praises what came to nothing, and none sends anybody the wrong way."""

from __future__ import annotations

import html
import json
import re
import time
from typing import Any

import pytest
from click.testing import CliRunner
from deskworld import Client, Site, filled_list
from openpyxl import Workbook
from worlds import ledger, person, pledge

from zp_registry.cli import main
from zp_registry.lock import only_writer


@pytest.fixture(scope="module")
def ban(site: Site) -> Client:
    """A clerk of the whole county."""
    return site.client("ban")


def _came_of(who: Client, answer: Any) -> tuple[str, str]:
    """good, warn or bad, and the words, of the page that an answer leads to."""
    assert answer.status_code == 302
    until, found = time.monotonic() + 60, None
    while found is None and time.monotonic() < until:
        page = who.page(answer.headers["Location"].removeprefix(who.base)).text
        found = re.search(r'<div class="note (good|warn|bad)" role="status">(.*?)</div>', page, re.DOTALL)
    assert found
    return found[1], html.unescape(re.sub(r"<[^>]+>|\s", "", found[2]))


def _sent(who: Client, kind: str, path: Any) -> Any:
    with path.open("rb") as file:
        return who.post(who.base + "/upload", data={"csrf": who.token(), "kind": kind}, files={"files": file},
                        allow_redirects=False, timeout=60)  # fmt: skip


def test_a_ledger_that_was_taken_for_a_report_becomes_one_without_another_upload(site: Site, ban: Client, files: Any) -> None:
    path = ledger(files / "台账甲.xlsx", [pledge("ZP-9001", person(60), "2026-01-05")])
    _sent(ban, "report", path)
    state = "SELECT token, kind, state FROM desk_upload WHERE name = '台账甲.xlsx'"
    token, kind, was = site.sql(state)[0]
    assert (kind, was) == ("report", "unknown")
    page = ban.page(f"/upload/check?u={token}").text
    assert "诚信经营承诺书台账" in page
    assert "命令" not in page
    form = {"u": token, "token": token}
    assert ban.give("/upload/again", {**form, "kind": "followups"}).status_code == 400
    assert ban.give("/upload/again", {**form, "kind": "pledge"}).status_code == 302
    assert site.sql(state) == [(token, "pledge", "understood")]


def test_a_workbook_that_holds_nothing_is_no_success(site: Site, ban: Client, files: Any) -> None:
    book = Workbook()
    book.active.append(["商家", "电话"])
    book.save(files / "别的.xlsx")
    for kind in ("followups", "rejects"):
        came, said = _came_of(ban, _sent(ban, kind, files / "别的.xlsx"))
        assert came == "bad"
        assert "“”" not in said
        assert "［］" not in said
        assert "第0行" not in said
    assert site.sql("SELECT DISTINCT state FROM desk_upload WHERE name = '别的.xlsx'") == [("refused",)]


def test_a_list_of_which_some_lines_were_taken_is_neither_praised_nor_refused(site: Site, ban: Client, files: Any) -> None:
    said = {"plain22": "无法联系", "plain23": "说不清"}
    book = filled_list(*((site.entity(a), "2026-03-12", "电话", outcome) for a, outcome in said.items()))
    book.save(files / "部分.xlsx")
    came, said = _came_of(ban, _sent(ban, "followups", files / "部分.xlsx"))
    assert came == "warn"
    assert "新登记1条" in said
    assert "没有读入，改好后再交一次" in said
    assert "第3行“办理结果”" in said
    assert site.sql("SELECT state FROM desk_upload WHERE name = '部分.xlsx'") == [("loaded",)]


def test_a_pledge_newer_than_the_newest_report_is_said_to_count_later(site: Site, ban: Client) -> None:
    form = {"number": "ZP-9002", "signer": person(20).name, "signed_on": "2026-03-20", "scan_number": "S-9002"}
    came, said = _came_of(ban, ban.give(f"/followups/{site.flag('plain20')}/pledge", form))
    assert came == "good"
    newest = site.sql("SELECT MAX(as_of) FROM report")[0][0]
    assert ("下一期报表导入以后计为已签" in said) == (newest < "2026-03-20")
    assert site.sql("SELECT COUNT(*) FROM pledge WHERE pledge_number = 'ZP-9002'") == [(1,)]


def test_work_that_waits_for_another_run_says_so_on_both_sides(site: Site, ban: Client) -> None:
    flag = site.flag("plain21")
    form = {"on": "2026-03-11", "method": "电话", "outcome": "其他"}
    with only_writer(site.home / "lock", "nightly"):
        answer = ban.give(f"/followups/{flag}/attempt", form)
        assert "/work/" in answer.headers["Location"]
        assert "正在排队" in ban.page(answer.headers["Location"]).text
        told = json.loads(CliRunner().invoke(main, ["desk", "tasks", "--json"], env=site.env).stdout)["tasks"][0]
        assert (told["kind"], told["who"], told["state"]) == ("attempt", "ban", "running")
        assert site.sql("SELECT COUNT(*) FROM followup_attempt WHERE flag_id = :f", f=flag) == [(0,)]
    assert _came_of(ban, answer) == ("good", "已登记")
    assert site.sql("SELECT COUNT(*) FROM followup_attempt WHERE flag_id = :f", f=flag) == [(1,)]
    runs = json.loads(CliRunner().invoke(main, ["runs", "--json"], env=site.env).stdout)
    assert "desk follow-up" in str(runs)


def test_rejected_rows_are_filtered_by_their_reason(ban: Client) -> None:
    assert "/rejects/" in ban.page("/rejects?code=ACCOUNT_ID_MISSING").text
    other = ban.page("/rejects?code=HOLDER_MISSING").text
    assert "/rejects/" not in other
    assert "没有要更正的行" in other


def test_a_row_that_is_still_bad_says_why_and_nothing_about_shares(site: Site, ban: Client) -> None:
    token, name = site.sql("SELECT j.token, f.name FROM reject j JOIN report_file f ON f.id = j.file_id "
                           "WHERE f.name LIKE 'kuaishou%' AND j.status = 'open'")[0]  # fmt: skip
    fields = re.findall(r'<label[^>]*>([^<]+)<input name="(c\d+)"', ban.page(f"/rejects/{token}").text)
    place = dict(fields)["快手ID"]
    came, said = _came_of(ban, ban.give(f"/rejects/{token}", {place: "6.1E+11"}))
    assert came == "bad"
    assert "仍不合格：账号标识" in said
    assert "比例" not in said
    assert f"{name} 第" in site.sql("SELECT subject FROM task WHERE kind = 'correct' ORDER BY id DESC")[0][0]
    assert site.sql("SELECT status FROM reject WHERE token = :t", t=token) == [("open",)]


def test_the_number_of_cases_is_that_of_the_list_it_leads_to(site: Site) -> None:
    who = site.client("cha")
    found = re.search(r'href="/cases"><b>(\d+)</b>', who.page("/").text)
    assert found
    shown = len(set(re.findall(r"/cases/(C\d+)", who.page("/cases").text)))
    assert int(found[1]) == shown > 0


def test_a_case_is_told_in_one_language_at_the_command_too(site: Site) -> None:
    told = CliRunner().invoke(main, ["case", "show", site.case("lent")], env=site.env | {"COLUMNS": "250"}).output
    assert "待处理" in told
    assert not re.search(r"\bopen\b", told)
