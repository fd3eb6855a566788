"""The tables that outside tools read, byte for byte as the contract says."""

from __future__ import annotations

import csv
import io
import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
from clerk import Clerk, company, person, report
from openpyxl import load_workbook

HEADERS = {
    "accounts": "platform,account_id,account_name,entity_id,entity_kind,subject_name,town,pledge_status,first_seen,last_seen,"
    "open_flags",
    "entities": "entity_id,kind,name,uscc,id_number,phone,address,town,accounts,pledge_status,first_seen,last_seen,"
    "linked_entities",
    "holdings": "platform,account_id,entity_id,valid_from,valid_to,recorded_from,recorded_to,evidence",
    "flags": "flag_id,family,code,level,status,platform,account_id,entity_id,other_entity_id,first_seen,last_seen,score,reason",
    "rejects": "source_file,sheet,row,code,message,status",
}
TOWNS = set(
    re.findall(
        r"\S+",
        """
    玉都街道 涅阳街道 雪枫街道 石佛寺镇 晁陂镇 贾宋镇 侯集镇 老庄镇 卢医镇 遮山镇 高丘镇 曲屯镇 枣园镇 杨营镇 安字营镇 张林镇
    柳泉铺镇 彭营镇 二龙乡 王岗乡 马庄乡 郭庄回族乡
""",
    )
)
KINDS = {"enterprise", "sole_proprietor", "cooperative", "natural_person", "other"}
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@pytest.mark.parametrize("name", HEADERS)
def test_csv_has_bom_crlf_and_the_header(stocked: Clerk, name: str) -> None:
    done = stocked.run("export", name)
    assert done.code == 0
    assert done.out.startswith(b"\xef\xbb\xbf" + HEADERS[name].encode() + b"\r\n")
    text = done.out.decode("utf-8-sig")
    assert text.endswith("\r\n")
    assert len(list(csv.reader(io.StringIO(text, newline="")))) > 1
    written = stocked.ask("export", name, "--output", "out.csv")
    assert Path("out.csv").read_bytes() == done.out
    assert written.json["rows"] == len(list(csv.DictReader(io.StringIO(text))))
    assert Path("out.csv").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", HEADERS)
def test_jsonl_and_xlsx_hold_the_same(stocked: Clerk, name: str) -> None:
    rows = stocked.table(name)
    lines = [json.loads(line) for line in stocked.run("export", name, "--format", "jsonl").out.decode().splitlines()]
    assert [list(line) for line in lines] == [HEADERS[name].split(",")] * len(rows)
    assert [{k: "" if v is None else str(v) for k, v in line.items()} for line in lines] == rows
    assert stocked.run("export", name, "--format", "xlsx", "--output", "out.xlsx").code == 0
    sheet = load_workbook("out.xlsx").worksheets[0]
    cells = [["" if v is None else str(v) for v in row] for row in sheet.iter_rows(values_only=True)]
    assert cells[0] == HEADERS[name].split(",")
    numbers = {"score", "row", "accounts"}
    for row, line in zip(rows, cells[1:], strict=True):
        for (key, value), cell in zip(row.items(), line, strict=True):
            assert (float(cell) == float(value)) if key in numbers and value else cell == value


def test_xlsx_cannot_go_to_standard_output(stocked: Clerk) -> None:
    assert stocked.run("export", "accounts", "--format", "xlsx").code == 2
    assert stocked.ask("export", "accounts").code == 2


def test_accounts(stocked: Clerk) -> None:
    rows = stocked.table("accounts")
    assert len({(r["platform"], r["account_id"]) for r in rows}) == len(rows)
    assert {r["town"] for r in rows} <= TOWNS | {"外县", ""}
    assert len({r["town"] for r in rows}) > 10
    assert {r["entity_kind"] for r in rows} <= KINDS | {""}
    assert {"enterprise", "sole_proprietor", "natural_person"} <= {r["entity_kind"] for r in rows}
    assert {r["pledge_status"] for r in rows} <= {"signed", "missing", "expired", "outdated", "mismatch", "exempt", ""}
    assert all(DAY.fullmatch(r["first_seen"]) and r["first_seen"] <= r["last_seen"] <= "2026-09-30" for r in rows)
    assert "province_share" not in {r["platform"] for r in rows}


def test_open_flags_are_the_codes_of_open_flags(stocked: Clerk) -> None:
    flags = [f for f in stocked.table("flags") if f["status"] == "open"]
    assert {f["family"] for f in flags} == {"PLEDGE", "TRANSFER", "DATA"}
    for row in stocked.table("accounts"):
        own = {f["code"] for f in flags if (f["platform"], f["account_id"]) == (row["platform"], row["account_id"])}
        own |= {f["code"] for f in flags if f["family"] == "PLEDGE" and f["entity_id"] == row["entity_id"]}
        got = row["open_flags"].split(";") if row["open_flags"] else []
        assert len(got) == len(set(got))
        assert own <= set(got)
        assert {c for c in got if c.startswith("PLEDGE") and c != "PLEDGE_UNMATCHED"} <= own


def test_flags(stocked: Clerk) -> None:
    rows = stocked.table("flags")
    assert len({r["flag_id"] for r in rows}) == len(rows)
    assert {r["level"] for r in rows} <= {"high", "medium", "low"}
    assert {r["status"] for r in rows} <= {"open", "confirmed", "dismissed", "resolved"}
    for r in rows:
        assert re.search(r"[\u4e00-\u9fff]", r["reason"])
        if r["family"] == "PLEDGE":
            assert (r["platform"], r["account_id"]) == ("", "")
            assert r["entity_id"]
        if r["family"] == "TRANSFER":
            assert r["platform"]
            assert r["account_id"]
    transfers = [(r["platform"], r["account_id"], r["code"]) for r in rows if r["family"] == "TRANSFER"]
    assert len(set(transfers)) == len(transfers)
    pledges = [r["entity_id"] for r in rows if r["family"] == "PLEDGE" and r["status"] == "open"]
    assert len(set(pledges)) == len(pledges)


def test_holdings_are_half_open_and_never_overlap(stocked: Clerk) -> None:
    rows = stocked.table("holdings")
    assert all(r["recorded_to"] == "" and r["recorded_from"] for r in rows)
    spans: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for r in rows:
        assert r["valid_to"] == "" or r["valid_from"] < r["valid_to"]
        spans.setdefault((r["platform"], r["account_id"]), []).append((r["valid_from"], r["valid_to"] or "9999"))
    for found in spans.values():
        found.sort()
        assert all(a[1] <= b[0] for a, b in pairwise(found))
    current = {(r["platform"], r["account_id"]): r["entity_id"] for r in rows if r["valid_to"] == ""}
    held = {(r["platform"], r["account_id"]): r["entity_id"] for r in stocked.table("accounts")}
    assert current.items() <= held.items()


def test_a_change_of_holder_ends_one_holding_where_the_next_begins(clerk: Clerk) -> None:
    rest = [person(n) for n in range(2, 8)]
    report(Path("kuaishou_20260731.csv"), [person(1), *rest])
    report(Path("kuaishou_20260831.csv"), [company(9, 快手ID="ks10001"), *rest])
    report(Path("kuaishou_20260930.csv"), rest)
    assert clerk.run("import", "kuaishou_20260731.csv", "kuaishou_20260831.csv", "kuaishou_20260930.csv").code == 0
    clerk.run("resolve")
    mine = [r for r in clerk.table("holdings") if r["account_id"] == "ks10001"]
    assert [(r["valid_from"], r["valid_to"]) for r in mine] == [("2026-07-31", "2026-08-31"), ("2026-08-31", "2026-09-30")]
    account = next(r for r in clerk.table("accounts") if r["account_id"] == "ks10001")
    assert (account["entity_id"], account["entity_kind"], account["last_seen"]) == (
        mine[1]["entity_id"],
        "enterprise",
        "2026-08-31",
    )
    before = next(r for r in clerk.table("accounts", "--as-of", "2026-07-31") if r["account_id"] == "ks10001")
    assert (before["entity_id"], before["entity_kind"], before["last_seen"]) == (
        mine[0]["entity_id"],
        "natural_person",
        "2026-07-31",
    )
    flags = [f for f in clerk.table("flags") if f["code"] == "HOLDER_CHANGED"]
    assert [(f["account_id"], f["entity_id"], f["other_entity_id"]) for f in flags] == [
        ("ks10001", mine[1]["entity_id"], mine[0]["entity_id"])
    ]


def test_all_versions_tells_what_was_once_believed(clerk: Clerk) -> None:
    rest = [person(n) for n in range(2, 8)]
    report(Path("kuaishou_20260731.csv"), [person(1), *rest])
    report(Path("kuaishou_20260930.csv"), [person(1), *rest])
    clerk.run("import", "kuaishou_20260731.csv", "kuaishou_20260930.csv")
    clerk.run("resolve")
    report(Path("kuaishou_20260831.csv"), rest)  # comes late: the account was gone in between
    clerk.run("import", "kuaishou_20260831.csv")
    clerk.run("resolve")

    def spans(*words: str) -> list[tuple[str, str, bool]]:
        rows = [r for r in clerk.table("holdings", *words) if r["account_id"] == "ks10001"]
        return sorted((r["valid_from"], r["valid_to"], r["recorded_to"] == "") for r in rows)

    now = [("2026-07-31", "2026-08-31", True), ("2026-09-30", "", True)]
    assert spans() == now
    assert spans("--all-versions") == sorted([("2026-07-31", "", False), *now])


def test_a_past_date_is_told_as_it_was_told_then(clerk: Clerk, county: Path) -> None:
    """Two nights, then --as-of of the first: the same tables but for ids of flags and recorded times."""
    inbox = county / "sample_data" / "inbox"
    first = [p for p in (inbox / "reports").iterdir() if "202607" in p.name]
    clerk.run("import", *first)
    clerk.run("pledges", "import", inbox / "pledges")
    clerk.run("resolve")
    then = {n: clerk.table(n) for n in ("accounts", "entities", "holdings", "flags")}
    assert then["accounts"]
    clerk.run("import", *(p for p in (inbox / "reports").iterdir() if "202608" in p.name))
    clerk.run("resolve")
    hidden = {"flag_id", "recorded_from", "recorded_to"}
    renamed = {r["entity_id"]: (r["platform"], r["account_id"]) for r in then["accounts"]}
    again = clerk.table("accounts", "--as-of", "2026-07-31")
    others = {r["entity_id"]: (r["platform"], r["account_id"]) for r in again}

    def plain(rows: list[dict[str, str]], names: dict[str, tuple[str, str]]) -> list[str]:
        return sorted(
            str(
                {
                    k: names.get(v, v) if k.endswith("entity_id") else v
                    for k, v in r.items()
                    if k not in hidden and k != "linked_entities"
                }
            )
            for r in rows
        )

    assert plain(again, others) == plain(then["accounts"], renamed)
    for name in ("holdings", "flags"):
        assert plain(clerk.table(name, "--as-of", "2026-07-31"), others) == plain(then[name], renamed), name


def test_rejects_of_a_past_date_leave_later_reports_out(stocked: Clerk) -> None:
    every, past = stocked.table("rejects"), stocked.table("rejects", "--as-of", "2026-08-31")
    assert "kuaishou_20260930.csv" in {r["source_file"] for r in every}
    assert past == [r for r in every if "20260930" not in r["source_file"]]
    assert past


def test_rejects_name_the_row_as_a_spreadsheet_shows_it(clerk: Clerk) -> None:
    rows = [person(n) for n in range(8)]
    rows[4] = person(4, 快手ID="", 手机号="123")
    clerk.run("import", report(Path("kuaishou_20260930.csv"), rows))
    found = clerk.table("rejects")
    assert {(r["source_file"], r["sheet"], r["row"], r["code"], r["status"]) for r in found} == {
        ("kuaishou_20260930.csv", "", "6", "ACCOUNT_ID_MISSING", "open"),
        ("kuaishou_20260930.csv", "", "6", "PHONE_INVALID", "open"),
    }


def test_values_are_masked_unless_a_reason_is_given_and_noted(clerk: Clerk) -> None:
    clerk.run("import", report(Path("kuaishou_20260930.csv"), [person(n) for n in range(6)]))
    clerk.run("resolve")
    number, mobile = person(3)["实名证件号"], person(3)["手机号"]
    for name in HEADERS:
        out = clerk.run("export", name).out.decode()
        assert number not in out
        assert mobile not in out
    masked = clerk.table("entities")
    assert all("*" in r["id_number"] and "*" in r["phone"] for r in masked)
    for words in (("--unmask",), ("--unmask", "--reason", " ")):
        refused = clerk.run("export", "entities", *words)
        assert (refused.code, refused.out) == (2, b"")
        assert "--reason" in refused.err
    assert clerk.sql("SELECT COUNT(*) FROM audit WHERE action = 'export unmasked'") == [(0,)]
    clear = clerk.table("entities", "--unmask", "--reason", "协助执法 2026-15 号")
    assert {(r["id_number"], r["phone"]) for r in clear} == {(person(n)["实名证件号"], person(n)["手机号"]) for n in range(6)}
    assert clerk.sql("SELECT subject, reason FROM audit WHERE action = 'export unmasked'") == [
        ("entities", "协助执法 2026-15 号")
    ]
    past = clerk.table("entities", "--unmask", "--reason", "复核", "--as-of", "2026-09-30")
    assert {r["id_number"] for r in past} == {r["id_number"] for r in clear}


def test_the_database_holds_no_number_in_clear(clerk: Clerk) -> None:
    clerk.run("import", report(Path("kuaishou_20260930.csv"), [person(n) for n in range(6)] + [person(7, 快手ID="")]))
    clerk.run("resolve")
    clerk.sql("PRAGMA wal_checkpoint(TRUNCATE)")
    bytes_ = (clerk.home / "db" / "registry.sqlite").read_bytes()
    for n in (*range(6), 7):
        for key in ("实名证件号", "手机号", "收款账号"):
            assert person(n)[key].encode() not in bytes_
