"""Lists that go out to people and come back filled in: follow-ups and rejected rows."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import pytest
from clerk import Clerk, citizen, company, fill, ledger, person, phone, pledge, report, rows_of
from openpyxl import load_workbook

DATE, METHOD, OUTCOME, NOTE = "本次催签日期", "催签方式", "办理结果", "备注"
TOKEN, SOURCE_ROW = "令牌（勿改）", "原文件行号"


# -- follow-ups


@pytest.fixture
def listed(clerk: Clerk) -> Clerk:
    """Six people without a pledge, two with one; lists are written."""
    clerk.run("import", report(Path("kuaishou_20260930.csv"), [person(n) for n in range(1, 9)]))
    clerk.run("pledges", "import", ledger(Path("台账.xlsx"), [pledge(1), pledge(2)]))
    clerk.run("resolve")
    assert clerk.run("followups", "--output", "lists").code == 0
    return clerk


def the_list(folder: str = "lists") -> Path:
    return next(p for p in Path(folder).glob("催签清单_*石佛寺镇*.xlsx"))


def entity_of(clerk: Clerk, n: int) -> str:
    return next(r["entity_id"] for r in clerk.table("accounts") if r["account_id"] == f"ks{10000 + n}")


def listing(path: Path) -> dict[str, dict[str, Any]]:
    """Rows of a list by 主体编号."""
    _, _, header, rows = rows_of(path, DATE)
    found = (dict(zip(header, r, strict=False)) for r in rows)
    return {str(r["主体编号"]): r for r in found if r["主体编号"]}


def test_lists_by_town_and_by_platform(stocked: Clerk) -> None:
    missing = {f["entity_id"] for f in stocked.table("flags") if f["family"] == "PLEDGE" and f["status"] == "open"}
    for by in ("town", "platform"):
        done = stocked.ask("followups", "--by", by, "--output", by)
        assert done.code == 0
        paths = [Path(p) for p in done.json["lists"]]
        assert {p.parent for p in paths} == {Path(by)}
        lists = {p.name.split("_")[1]: listing(p) for p in paths if p.name.startswith("催签清单")}
        assert {e for rows in lists.values() for e in rows} == missing
        if by == "town":
            assert sum(map(len, lists.values())) == len(missing)
            assert {r["town"] for r in stocked.table("entities") if r["entity_id"] in missing and r["town"]} <= set(lists)
        else:
            assert {"抖音", "快手", "淘宝"} <= set(lists)
        assert any(p.name.startswith("催签汇总") for p in paths)
    assert stocked.sql("SELECT COUNT(*) FROM audit WHERE action = 'write follow-up lists'")[0][0] >= 2


def test_a_list_holds_what_a_clerk_needs_and_leaves_out_who_signed(listed: Clerk) -> None:
    rows = listing(the_list())
    assert set(rows) == {entity_of(listed, n) for n in range(3, 9)}
    row = rows[entity_of(listed, 3)]
    assert (row["主体名称"], row["联系电话"], row["未签原因"], row["已催次数"]) == (person(3)["实名姓名"], phone(3), "未签", 0)
    assert row["首次列入日期"].date() == dt.date(2026, 9, 30)
    assert row["期限"].date() == dt.date(2026, 10, 15)


def test_filled_in_lists_count_and_the_next_list_shows_it(listed: Clerk) -> None:
    a, b = entity_of(listed, 3), entity_of(listed, 4)
    fill(
        the_list(),
        DATE,
        "主体编号",
        {
            a: {DATE: dt.date(2026, 10, 8), METHOD: "电话", OUTCOME: "承诺近期签订"},
            b: {DATE: "2026年10月9日", METHOD: "上门", OUTCOME: "无法联系", NOTE: "门锁"},
        },
    )
    done = listed.ask("followups", "import", the_list())
    assert done.code == 0, done.err
    assert (done.json["files"][0]["added"], done.json["files"][0]["problems"]) == (2, [])
    again = listed.ask("followups", "import", the_list())
    assert (again.code, again.json["files"][0]["added"], again.json["files"][0]["known"]) == (0, 0, 2)
    assert listed.sql("SELECT COUNT(*) FROM followup_attempt") == [(2,)]
    listed.run("followups", "--output", "next")
    rows = listing(the_list("next"))
    assert (rows[a]["已催次数"], rows[a]["上次情况"], rows[a]["最近催签日期"].date()) == (
        1,
        "电话：承诺近期签订",
        dt.date(2026, 10, 8),
    )
    assert rows[b]["上次情况"] == "上门：无法联系"
    assert rows[entity_of(listed, 5)]["已催次数"] == 0
    fill(the_list("next"), DATE, "主体编号", {a: {DATE: "2026-10-20", METHOD: "微信", OUTCOME: "拒绝签订"}})
    listed.run("followups", "import", the_list("next"))
    listed.run("followups", "--output", "third")
    assert (listing(the_list("third"))[a]["已催次数"], listing(the_list("third"))[a]["上次情况"]) == (2, "微信：拒绝签订")


def test_wrong_cells_are_named_by_sheet_row_and_column_and_the_rest_is_taken(listed: Clerk) -> None:
    a, b, c, d = (entity_of(listed, n) for n in (3, 4, 5, 6))
    fill(
        the_list(),
        DATE,
        "主体编号",
        {
            a: {DATE: "2026-10-08", METHOD: "电话", OUTCOME: "已签订"},
            b: {DATE: "10月8日", METHOD: "电话", OUTCOME: "已签订"},
            c: {DATE: "2026-10-08", METHOD: "鸽子", OUTCOME: "已签订"},
            d: {METHOD: "电话"},
        },
    )
    done = listed.ask("followups", "import", the_list())
    assert done.code == 3
    assert done.json["files"][0]["added"] == 1
    sheet, top, _, rows = rows_of(the_list(), DATE)
    place = {str(r[1]): top + i for i, r in enumerate(rows, start=1)}
    problems = "\n".join(done.json["files"][0]["problems"])
    for entity, column in ((b, DATE), (c, METHOD), (d, DATE)):
        assert f"［{sheet}］第{place[entity]}行“{column}”：" in problems
        assert f"第{place[entity]}行“{column}”" in done.err
    assert len(done.json["files"][0]["problems"]) == 3


def test_a_file_that_is_no_list_is_1(listed: Clerk) -> None:
    Path("x.xlsx").write_bytes(b"PK cut")
    assert listed.ask("followups", "import", "x.xlsx").code == 1


def test_options_before_import_count_too(listed: Clerk) -> None:
    fill(the_list(), DATE, "主体编号", {entity_of(listed, 3): {DATE: "2026-10-08", METHOD: "电话", OUTCOME: "已签订"}})
    assert listed.run("followups", "--home", listed.home, "import", the_list(), home=False).code == 0
    assert not Path("var").exists()
    assert listed.sql("SELECT COUNT(*) FROM followup_attempt") == [(1,)]


def test_a_returned_list_in_the_inbox_renews_the_lists(listed: Clerk) -> None:
    listed.run("nightly")
    entity, path = entity_of(listed, 3), the_list(str(listed.home / "lists"))
    listed.put(
        "followups",
        fill(path, DATE, "主体编号", {entity: {DATE: "2026-10-08", METHOD: "电话", OUTCOME: "拒绝签订"}}, Path("回收.xlsx")),
    )
    done = listed.ask("nightly")
    assert done.code == 0, done.err
    assert not any((listed.home / "inbox").rglob("*.xlsx"))
    assert listing(the_list(str(listed.home / "lists")))[entity]["已催次数"] == 1


def test_an_attempt_is_never_dropped_in_silence_when_the_pledge_was_signed_in_between(listed: Clerk) -> None:
    entity = entity_of(listed, 3)
    fill(the_list(), DATE, "主体编号", {entity: {DATE: "2026-10-08", METHOD: "集中签订", OUTCOME: "已签订"}})
    listed.run("pledges", "import", ledger(Path("台账2.xlsx"), [pledge(3)]))
    listed.run("resolve")
    done = listed.ask("followups", "import", the_list())
    if done.code == 0:
        assert done.json["files"][0]["added"] == 1
    else:  # the pledge is older than the first report, so nothing was ever missing: the row is named, not dropped
        sheet, top, _, rows = rows_of(the_list(), DATE)
        row = top + 1 + [str(r[1]) for r in rows].index(entity)
        assert (done.code, len(done.json["files"][0]["problems"])) == (3, 1)
        assert f"［{sheet}］第{row}行" in done.err


def test_signed_ones_leave_the_list(listed: Clerk) -> None:
    listed.run("pledges", "import", ledger(Path("台账2.xlsx"), [pledge(3)]))
    listed.run("resolve")
    listed.run("followups", "--output", "next")
    assert set(listing(the_list("next"))) == {entity_of(listed, n) for n in range(4, 9)}
    listed.run("followups", "--output", "past", "--as-of", "2026-09-30")
    assert set(listing(the_list("past"))) == set(listing(the_list("next")))


# -- rejected rows


@pytest.fixture
def rejected(clerk: Clerk) -> Clerk:
    """A full report of 2026-08-31 with three rows turned back, and one of 2026-09-30 without them."""
    clerk.run("import", report(Path("kuaishou_20260831.csv"), DIRTY))
    clerk.run("import", report(Path("kuaishou_20260930.csv"), [person(n) for n in range(6)]))
    clerk.run("resolve")
    assert clerk.ask("rejects", "export", "--output", "r.xlsx").json["rows"] == 3
    return clerk


DIRTY = [
    *(person(n) for n in range(6)),
    person(6, 快手ID=""),
    person(7, 快手ID="", 手机号="12"),
    person(8, 实名姓名="", 实名证件号="", 开播人="", 开播人证件号=""),
]


def by_row(path: Path) -> dict[int, dict[str, Any]]:
    _, _, header, rows = rows_of(path, TOKEN)
    found = (dict(zip(header, r, strict=False)) for r in rows)
    return {int(r[SOURCE_ROW]): r for r in found if r[TOKEN]}


def correct(path: str, changes: dict[int, dict[str, str]], save_as: str | None = None) -> Path:
    return fill(Path(path), TOKEN, SOURCE_ROW, {str(k): dict(v) for k, v in changes.items()}, Path(save_as or path))


def state(clerk: Clerk) -> set[tuple[str, str, str]]:
    return {(r["row"], r["code"], r["status"]) for r in clerk.table("rejects")}


def test_only_bad_cells_stand_in_clear_and_that_is_audited(rejected: Clerk) -> None:
    rows = by_row(Path("r.xlsx"))
    assert set(rows) == {8, 9, 10}
    assert rows[9]["手机号"] == "12"
    for row, n in ((8, 6), (9, 7), (10, 8)):
        line = rows[row]
        for key in ("实名证件号", "开播人证件号", "收款账号"):
            assert line[key] is None or "*" in line[key], key
        assert not {citizen(n), f"62284800{n:011d}"} & set(map(str, line.values()))
        assert line["地址"] == person(n)["地址"]
    assert "*" in rows[8]["手机号"]
    notes = [c.comment.text for s in load_workbook("r.xlsx") for r in s.iter_rows() for c in r if c.comment]
    assert any("ACCOUNT_ID_MISSING" in n for n in notes)
    assert rejected.sql("SELECT COUNT(*) FROM audit WHERE action = 'export rejects'") == [(1,)]


def test_corrected_rows_load_under_their_old_date_with_their_real_numbers(rejected: Clerk) -> None:
    assert "ks10006" not in {r["account_id"] for r in rejected.table("holdings")}
    done = rejected.ask("rejects", "import", correct("r.xlsx", {8: {"快手ID": "ks10006"}}))
    assert done.code == 0, done.err
    assert (done.json["files"][0]["closed"], done.json["files"][0]["untouched"]) == (1, 2)
    rejected.run("resolve")
    held = next(r for r in rejected.table("holdings") if r["account_id"] == "ks10006")
    assert (held["valid_from"], held["valid_to"]) == ("2026-08-31", "2026-09-30")  # missing in the full report after it
    assert {s for r, _, s in state(rejected) if r == "8"} == {"corrected"}
    assert {s for r, _, s in state(rejected) if r != "8"} == {"open"}
    clear = rejected.table("entities", "--unmask", "--reason", "核对")
    mine = next(e for e in clear if e["entity_id"] == held["entity_id"])
    assert (mine["id_number"], mine["phone"]) == (citizen(6), phone(6))


def test_an_untouched_workbook_changes_nothing(rejected: Clerk) -> None:
    before = state(rejected)
    book = load_workbook("r.xlsx")
    book.save("r.xlsx")
    done = rejected.ask("rejects", "import", "r.xlsx")
    assert (done.code, done.json["files"][0]["closed"], done.json["files"][0]["untouched"]) == (0, 0, 3)
    assert state(rejected) == before


@pytest.mark.parametrize("alone", [True, False])
def test_a_row_that_is_still_bad_stays_open(rejected: Clerk, alone: bool) -> None:
    changes = {9: {"手机号": phone(7)}}
    if not alone:
        changes[8] = {"快手ID": "ks10006"}
    done = rejected.ask("rejects", "import", correct("r.xlsx", changes))
    assert done.code == (1 if alone else 3)
    rejected.run("resolve")
    assert ("9", "ACCOUNT_ID_MISSING", "open") in state(rejected)
    assert ("ks10006" in {r["account_id"] for r in rejected.table("accounts")}) is not alone
    assert rejected.ask("rejects", "export", "--output", "r2.xlsx").json["rows"] == (3 if alone else 2)
    if not alone:  # the second round knows what the first one mended
        assert rejected.ask("rejects", "import", correct("r2.xlsx", {9: {"快手ID": "ks10007"}})).code == 0
        rejected.run("resolve")
        clear = {e["id_number"]: e["phone"] for e in rejected.table("entities", "--unmask", "--reason", "核对")}
        assert clear[citizen(7)] == phone(7)


def test_two_rounds_of_corrections_stand_beside_each_other_until_the_whole_file_comes(rejected: Clerk) -> None:
    rejected.run("rejects", "import", correct("r.xlsx", {8: {"快手ID": "ks10006"}}, "one.xlsx"))
    rejected.run("rejects", "export", "--output", "r2.xlsx")
    assert set(by_row(Path("r2.xlsx"))) == {9, 10}
    two = correct("r2.xlsx", {9: {"快手ID": "ks10007", "手机号": phone(7)}}, "two.xlsx")
    assert rejected.ask("rejects", "import", two).code == 0
    rejected.run("resolve")

    def held() -> dict[str, str]:
        return {r["account_id"]: r["valid_from"] for r in rejected.table("holdings")}

    assert held()["ks10006"] == held()["ks10007"] == "2026-08-31"
    # Now the platform sends the whole report again, corrected: the 6th has another id there, the 7th is none of ours.
    whole = [*DIRTY[:6], person(6, 快手ID="ks99"), person(8)]
    assert rejected.ask("import", report(Path("kuaishou_20260831.csv"), whole)).code == 0
    rejected.run("resolve")
    assert "ks10006" not in held()
    assert "ks10007" not in held()
    assert held()["ks99"] == held()["ks10008"] == "2026-08-31"
    assert "open" not in {s for _, _, s in state(rejected)}
    # A workbook of the first report that comes in late must not bring its rows back.
    late = rejected.ask("rejects", "import", "one.xlsx")
    rejected.run("resolve")
    assert "ks10006" not in held(), late.json


def test_the_same_corrections_twice_add_nothing(rejected: Clerk) -> None:
    path = correct("r.xlsx", {8: {"快手ID": "ks10006"}, 9: {"快手ID": "ks10007", "手机号": phone(7)}})
    assert rejected.ask("rejects", "import", path).code == 0
    rejected.run("resolve")
    tables = {n: rejected.table(n) for n in ("accounts", "holdings", "rejects")}
    assert rejected.ask("rejects", "import", path).code in (0, 3)
    rejected.run("resolve")
    assert {n: rejected.table(n) for n in tables} == tables


def test_a_masked_cell_that_was_typed_over_by_stars_keeps_its_number(rejected: Clerk) -> None:
    path = correct("r.xlsx", {8: {"快手ID": "ks10006", "实名证件号": "4113**********0000", "收款账号": "****"}})
    assert rejected.ask("rejects", "import", path).code == 0
    rejected.run("resolve")
    assert citizen(6) in {e["id_number"] for e in rejected.table("entities", "--unmask", "--reason", "核对")}


def test_unknown_tokens_and_other_files_are_problems(rejected: Clerk) -> None:
    fill(Path("r.xlsx"), TOKEN, SOURCE_ROW, {"8": {TOKEN: "0123456789abcdef", "快手ID": "ks10006"}})
    done = rejected.ask("rejects", "import", "r.xlsx")
    assert (done.code, len(done.json["files"][0]["problems"])) == (1, 1)
    assert rejected.ask("rejects", "import", report(Path("kuaishou_20261031.csv"), [person(1)])).code == 1


def test_corrections_in_the_inbox_are_part_of_the_night(rejected: Clerk) -> None:
    rejected.put("rejects", correct("r.xlsx", {8: {"快手ID": "ks10006"}}))
    assert rejected.ask("nightly").code == 0
    assert "ks10006" in {r["account_id"] for r in rejected.table("accounts")}
    assert not any((rejected.home / "inbox").rglob("*.xlsx"))
    assert any(p.name.endswith("_r.xlsx.sealed") for p in (rejected.home / "archive").iterdir())


def test_every_layout_of_the_sample_takes_its_corrections(stocked: Clerk) -> None:
    """Rejected rows of csv, xlsx with several sheets, and shared lists; each missing cell is filled in."""
    assert stocked.ask("rejects", "export", "--output", "r.xlsx").json["rows"] == 5
    book = load_workbook("r.xlsx")
    fixes = {
        "快手ID": "ks777",
        "店铺ID": "777001",
        "直播账号": "7770002",
        "subject_name": "王玉石",
        "名称（姓名）": "镇平县玉石商行",
    }
    mended = 0
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.comment and any(
                    f"（{c}）" in cell.comment.text for c in ("ACCOUNT_ID_MISSING", "ACCOUNT_ID_PRECISION", "HOLDER_MISSING")
                ):
                    header = next(
                        str(r[int(cell.column or 0) - 1].value) for r in sheet.iter_rows() if TOKEN in [c.value for c in r]
                    )
                    cell.value, mended = fixes[header], mended + 1
    book.save("r.xlsx")
    assert mended == 5
    done = stocked.ask("rejects", "import", "r.xlsx")
    assert (done.code, done.json["files"][0]["closed"]) == (0, 5), done.err
    stocked.run("resolve")
    accounts = {r["account_id"] for r in stocked.table("accounts")}
    assert {"ks777", "777001"} <= accounts
    assert {r["status"] for r in stocked.table("rejects")} == {"corrected"}


def test_a_ledgers_rows_are_corrected_the_same_way(clerk: Clerk) -> None:
    clerk.run("import", report(Path("kuaishou_20260930.csv"), [person(n) for n in range(8)]))
    rows = [*(pledge(n) for n in range(6)), pledge(6, 签订日期=""), pledge(7, 签订日期="不详")]
    assert clerk.ask("pledges", "import", ledger(Path("台账_石佛寺镇.xlsx"), rows)).code == 3
    clerk.run("resolve")

    def status() -> dict[str, str]:
        return {r["account_id"]: r["pledge_status"] for r in clerk.table("accounts")}

    assert status() == {f"ks{10000 + n}": "signed" if n < 6 else "missing" for n in range(8)}
    clerk.run("rejects", "export", "--output", "r.xlsx")
    shown = by_row(Path("r.xlsx"))
    assert shown[9]["签订日期"] == "不详"
    assert citizen(7) not in map(str, shown[9].values())
    assert clerk.ask("rejects", "import", correct("r.xlsx", {8: {"签订日期": "2026-05-01"}})).code == 0
    clerk.run("resolve")
    assert (status()["ks10006"], status()["ks10007"]) == ("signed", "missing")
    assert {(r["row"], r["status"]) for r in clerk.table("rejects")} == {("8", "corrected"), ("9", "open")}
    # Then the whole ledger comes again, corrected.
    whole = ledger(Path("台账_石佛寺镇.xlsx"), [*rows[:6], pledge(6, 签订日期="2026-05-01"), pledge(7, 签订日期="2026-05-02")])
    assert clerk.ask("pledges", "import", whole).code == 0
    clerk.run("resolve")
    assert set(status().values()) == {"signed"}
    assert clerk.sql("SELECT COUNT(*) FROM pledge WHERE superseded_by IS NULL") == [(8,)]


def test_an_export_without_rejects_is_a_workbook_all_the_same(clerk: Clerk) -> None:
    clerk.run("import", report(Path("kuaishou_20260930.csv"), [company(n) for n in range(3)]))
    assert clerk.ask("rejects", "export", "--output", "r.xlsx").json["rows"] == 0
    assert load_workbook("r.xlsx").sheetnames
    shutil.copyfile("r.xlsx", "copy.xlsx")


def test_a_list_that_breaks_the_program_stays_and_the_others_are_taken_in(
    listed: Clerk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fault is put into our own code, since no file is known that finds one."""
    from zp_registry.jobs import lists

    ours = lists._take_in

    def breaks_over_one(office: Any, path: Path, known: Any, returned: Any) -> None:
        if path.name.startswith("坏"):
            raise RuntimeError("a fault of ours")
        ours(office, path, known, returned)

    monkeypatch.setattr(lists, "_take_in", breaks_over_one)
    entity = entity_of(listed, 3)
    change = {entity: {DATE: "2026-10-08", METHOD: "电话", OUTCOME: "拒绝签订"}}
    for name in ("坏.xlsx", "好.xlsx"):
        listed.put("followups", fill(the_list(), DATE, "主体编号", change, Path(name)))
    assert listed.run("nightly").code == 3
    assert [f.name for f in (listed.home / "inbox" / "followups").iterdir()] == ["坏.xlsx"]
    assert listed.sql("SELECT COUNT(*) FROM followup_attempt") == [(1,)]
