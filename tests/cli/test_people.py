"""What people decide and look up; keys; reasons; mapping files of the operator's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from clerk import SAMPLES, Clerk, company, person, report

TENTH = """\
id: kongfuzi
title: 孔夫子旧书网
names: [孔夫子]
scope: full
sheets:
  - {part: main, record: account}
columns:
  - {header: 书店编号, field: account_id, required: true}
  - {header: 书店名称, field: account_name}
  - {header: 店主, field: subject_name, required: true}
  - {header: 店主证件, field: id_number, required: true}
  - {header: 店主电话, field: contact_phone}
  - {header: 所在地, field: business_address}
constants: {account_kind: shop, subject_kind: natural_person}
"""


def books(path: Path, count: int) -> Path:
    lines = ["书店编号,书店名称,店主,店主证件,店主电话,所在地"]
    for n in range(count):
        p = person(n)
        lines.append(f"kfz{n},旧书{n},{p['实名姓名']},{p['实名证件号']},{p['手机号']},{p['地址']}")
    path.write_text("\r\n".join(lines) + "\r\n", "utf-8-sig")
    return path


def changed(clerk: Clerk) -> dict[str, str]:
    """A registry in which one account passed to another person; the flag about it."""
    rest = [person(n) for n in range(2, 9)]
    report(Path("kuaishou_20260831.csv"), [person(1), *rest])
    report(Path("kuaishou_20260930.csv"), [person(20, 快手ID="ks10001"), *rest])
    assert clerk.run("import", "kuaishou_20260831.csv", "kuaishou_20260930.csv").code == 0
    clerk.run("resolve")
    return next(f for f in clerk.table("flags") if f["code"] == "HOLDER_CHANGED")


def status(clerk: Clerk, flag_id: str) -> str:
    return next(f["status"] for f in clerk.table("flags") if f["flag_id"] == flag_id)


def open_flags(clerk: Clerk) -> str:
    return next(r["open_flags"] for r in clerk.table("accounts") if r["account_id"] == "ks10001")


# -- review


def test_a_dismissed_flag_stays_so_and_undo_opens_it(clerk: Clerk) -> None:
    flag = changed(clerk)["flag_id"]
    listed = clerk.ask("review", "list").json["flags"]
    assert flag in {f["flag_id"] for f in listed}
    assert "HOLDER_CHANGED" in open_flags(clerk)
    assert clerk.ask("review", "decide", flag, "dismissed", "--reason", "家庭内部更名").json["decision"] == "dismissed"
    assert status(clerk, flag) == "dismissed"
    assert "HOLDER_CHANGED" not in open_flags(clerk)
    clerk.run("resolve", "--full")
    clerk.run("nightly")
    assert status(clerk, flag) == "dismissed"
    assert flag not in {f["flag_id"] for f in clerk.ask("review", "list").json["flags"]}
    assert flag in {f["flag_id"] for f in clerk.ask("review", "list", "--status", "dismissed").json["flags"]}
    report(Path("kuaishou_20261031.csv"), [person(20, 快手ID="ks10001"), *(person(n) for n in range(2, 9))])
    clerk.run("import", "kuaishou_20261031.csv")
    clerk.run("resolve")
    assert status(clerk, flag) == "dismissed"  # another month without anything new about it
    assert clerk.ask("review", "undo", flag, "--reason", "复核").code == 0
    clerk.run("resolve", "--full")
    assert status(clerk, flag) == "open"
    assert clerk.sql("SELECT action, subject, reason FROM audit WHERE action LIKE 'flag %' ORDER BY id") == [
        ("flag dismissed", flag, "家庭内部更名"),
        ("flag reopened", flag, "复核"),
    ]


def test_a_dismissed_flag_opens_again_when_the_holder_changes_once_more(clerk: Clerk) -> None:
    flag = changed(clerk)["flag_id"]
    clerk.run("review", "decide", flag, "dismissed", "--reason", "更名")
    report(Path("kuaishou_20261031.csv"), [person(30, 快手ID="ks10001"), *(person(n) for n in range(2, 9))])
    clerk.run("import", "kuaishou_20261031.csv")
    clerk.run("resolve")
    assert status(clerk, flag) == "open"


def test_a_confirmed_flag_stays_and_is_told(clerk: Clerk) -> None:
    flag = changed(clerk)["flag_id"]
    clerk.run("review", "decide", flag, "confirmed", "--reason", "已核实")
    clerk.run("resolve", "--full")
    assert status(clerk, flag) == "confirmed"


def test_a_flag_that_never_was_and_a_status_that_is_none_are_2(clerk: Clerk) -> None:
    changed(clerk)
    assert clerk.ask("review", "decide", "F99999999", "dismissed", "--reason", "x").code == 2
    assert clerk.ask("review", "decide", "F00000001", "forgotten", "--reason", "x").code == 2
    assert clerk.ask("review", "list", "--status", "opne").code == 2


# -- show


def test_the_dossier_of_an_account_tells_who_held_it_and_where_that_stands(clerk: Clerk) -> None:
    flag = changed(clerk)
    found = clerk.ask("show", "kuaishou:ks10001").json
    assert [(h["valid_from"], h["valid_to"]) for h in sorted(found["holdings"], key=lambda h: h["valid_from"])] == [
        ("2026-08-31", "2026-09-30"),
        ("2026-09-30", None),
    ]
    assert [(h["as_of"], h["source_file"], h["row"]) for h in found["history"]] == [
        ("2026-08-31", "kuaishou_20260831.csv", 2),
        ("2026-09-30", "kuaishou_20260930.csv", 2),
    ]
    assert flag["flag_id"] in {f["flag_id"] for f in found["flags"]}
    assert all(f["evidence"] for f in found["flags"])
    text = json.dumps(found, ensure_ascii=False)
    assert person(1)["实名证件号"] not in text
    assert person(20)["手机号"] not in text
    past = clerk.ask("show", "kuaishou:ks10001", "--as-of", "2026-08-31").json
    assert len(past["holdings"]) == len(past["history"]) == 1
    assert past["flags"] == []
    people = clerk.run("show", "kuaishou:ks10001")
    assert people.out == b""
    assert "持有历史" in people.err
    assert clerk.sql("SELECT COUNT(*) FROM audit WHERE action = 'show' AND subject = 'kuaishou:ks10001'") == [(3,)]


def test_the_dossier_of_an_entity_and_of_an_id_that_was_merged_into_it(stocked: Clerk) -> None:
    merged = stocked.sql("SELECT entity_id, current_id FROM subject WHERE current_id <> entity_id")
    assert merged
    listed = {e["entity_id"] for e in stocked.table("entities")}
    for old, new in merged:
        assert old not in listed
        found = stocked.ask("show", old).json
        assert (found["asked_for"], found["entity"]["entity_id"]) == (old, new)
        assert found["holdings"] or found["names"]


@pytest.mark.parametrize("what", ["E99999999", "kuaishou:none", "nowhere:1", ":"])
def test_nothing_known_is_2(clerk: Clerk, what: str) -> None:
    changed(clerk)
    assert clerk.ask("show", what).code == 2


# -- evaluate, audit


def test_evaluate_against_the_labels(stocked: Clerk) -> None:
    found = stocked.ask("evaluate", SAMPLES / "truth" / "truth_accounts.csv")
    assert found.code == 0, found.err
    told = found.json["entities"]
    assert (told["accounts"], told["accounts_lost"]) == (300, 0)
    assert told["precision"] >= 0.99
    assert told["recall"] >= 0.95
    assert found.json["pledges"]["right"] >= 0.95
    assert found.json["transfers"]["true"] > 0
    Path("wrong.csv").write_text("platform,account\n", "utf-8")
    assert stocked.ask("evaluate", "wrong.csv").code == 2


def test_evaluate_counts_pairs(clerk: Clerk) -> None:
    rows = [person(1), person(1, 快手ID="ks2"), person(2), person(3)]
    clerk.run("import", report(Path("kuaishou_20260930.csv"), rows))
    clerk.run("resolve")
    truth = [
        "platform,account_id,month,party_id,decidable",
        "kuaishou,ks10001,2026-09,A,1",
        "kuaishou,ks2,2026-09,B,1",
        "kuaishou,ks10002,2026-09,C,1",
        "kuaishou,ks10003,2026-09,C,1",
        "kuaishou,ks9,2026-09,D,0",
    ]
    Path("t.csv").write_text("\n".join(truth) + "\n", "utf-8")
    told = clerk.ask("evaluate", "t.csv").json["entities"]
    assert {
        k: told[k] for k in ("accounts", "accounts_lost", "decidable", "pairs_true", "pairs_found", "pairs_right", "precision")
    } == {
        "accounts": 5,
        "accounts_lost": 1,
        "decidable": 4,
        "pairs_true": 1,
        "pairs_found": 1,
        "pairs_right": 0,
        "precision": 0.0,
    }


@pytest.mark.parametrize(
    "crime",
    [
        "UPDATE audit SET reason = 'anders' WHERE id = 2",
        "DELETE FROM audit WHERE id = 2",
        "UPDATE audit SET who = 'niemand' WHERE id = (SELECT MAX(id) FROM audit)",
    ],
)
def test_a_changed_or_missing_row_of_the_audit_trail_is_found(clerk: Clerk, crime: str) -> None:
    changed(clerk)
    for _ in range(3):
        clerk.run("show", "kuaishou:ks10001")
    assert clerk.ask("audit", "verify").json["broken_at"] is None
    with pytest.raises(Exception, match="audit"):
        clerk.sql(crime)  # the database refuses it
    for trigger in ("audit_no_update", "audit_no_delete"):
        clerk.sql(f"DROP TRIGGER {trigger}")  # as its owner can
    clerk.sql(crime)
    done = clerk.ask("audit", "verify")
    assert done.code == 1
    assert done.json["broken_at"] is not None
    assert clerk.ask("status").json["audit_broken_at"] == done.json["broken_at"]


# -- mappings


def test_faults_of_an_operators_mappings_are_named_with_their_lines(clerk: Clerk) -> None:
    Path("maps").mkdir()
    Path("maps/kongfuzi.yaml").write_text(TENTH.replace("field: account_name", "field: acount_name"), "utf-8")
    Path("maps/other.yaml").write_text("id: other\ntitle: x\nsheets: [\n", "utf-8")
    done = clerk.ask("mappings", "check", "maps")
    assert done.code == 2
    problems = done.json["problems"]
    assert any(p.startswith("kongfuzi.yaml:9:") and "acount_name" in p for p in problems)
    assert any(p.startswith("other.yaml:") for p in problems)
    assert all(p in done.err for p in problems)
    assert clerk.ask("mappings", "check", ZP_MAPPINGS_DIR="maps").code == 2
    loaded = clerk.ask("import", "maps", ZP_MAPPINGS_DIR="maps")
    assert loaded.code == 2
    assert "kongfuzi.yaml:9:" in loaded.json["message"]
    Path("maps/other.yaml").unlink()
    Path("maps/kongfuzi.yaml").write_text(TENTH, "utf-8")
    assert clerk.ask("mappings", "check", "maps").json == {"problems": []}


def test_one_file_in_place_of_the_folder_is_not_passed_unread(clerk: Clerk) -> None:
    Path("wrong.yaml").write_text("id: [\n", "utf-8")
    assert clerk.ask("mappings", "check", "wrong.yaml").code == 2


def test_a_tenth_platform_needs_a_mapping_alone(clerk: Clerk) -> None:
    Path("maps").mkdir()
    Path("maps/kongfuzi.yaml").write_text(TENTH, "utf-8")
    Path("zp-registry.toml").write_text("mappings_dir = 'maps'\n", "utf-8")
    books(Path("kongfuzi_20260930.csv"), 6)
    report(Path("kuaishou_20260930.csv"), [person(n) for n in range(6)])
    done = clerk.ask("import", "kongfuzi_20260930.csv", "kuaishou_20260930.csv")
    assert done.code == 0, done.err
    assert {f["platform"]: f["counts"]["loaded"] for f in done.json["files"]} == {"kongfuzi": 6, "kuaishou": 6}
    assert clerk.ask("nightly").code == 0
    accounts = clerk.table("accounts")
    assert {r["platform"] for r in accounts} == {"kongfuzi", "kuaishou"}
    assert len({r["entity_id"] for r in accounts}) == 6  # one person each, on both platforms
    assert {r["town"] for r in accounts} == {"石佛寺镇"}
    names = {Path(p).name.split("_")[1] for p in clerk.ask("followups", "--by", "platform", "--output", "l").json["lists"]}
    assert "孔夫子旧书网" in names


# -- dry run and accept


def everything(clerk: Clerk) -> dict[str, list[tuple[object, ...]]]:
    names = [
        n for (n,) in clerk.sql("SELECT name FROM sqlite_master WHERE type = 'table'") if n not in ("run", "sqlite_sequence")
    ]
    return {n: clerk.sql(f"SELECT * FROM {n}") for n in names}


def test_a_dry_run_tells_everything_and_keeps_nothing(clerk: Clerk) -> None:
    clerk.run("init")
    before = everything(clerk)
    report(Path("kuaishou_20260930.csv"), [*(person(n) for n in range(6)), person(7, 快手ID="")])
    Path("douyin_20260930.xlsx").write_bytes(b"PK cut")
    dry = clerk.ask("import", "douyin_20260930.xlsx", "kuaishou_20260930.csv", "--dry-run", "--accept", "试一试")
    assert dry.code == 3
    assert dry.json["dry_run"] is True
    assert everything(clerk) == before
    assert sorted(p.name for p in clerk.folder.iterdir() if p.is_file()) == ["douyin_20260930.xlsx", "kuaishou_20260930.csv"]
    real = clerk.ask("import", "douyin_20260930.xlsx", "kuaishou_20260930.csv")
    assert [f["counts"] for f in real.json["files"]] == [f["counts"] for f in dry.json["files"]]
    assert len(clerk.sql("SELECT 1 FROM record")) == 6


def test_a_report_that_shrank_passes_for_a_reason_alone(clerk: Clerk) -> None:
    clerk.run("import", report(Path("kuaishou_20260831.csv"), [company(n) for n in range(40)]))
    small = report(Path("kuaishou_20260930.csv"), [company(n) for n in range(10)])
    refused = clerk.ask("import", small)
    assert (refused.code, refused.json["files"][0]["code"]) == (1, "ROWS_DROPPED")
    assert "40 → 10" in refused.err
    assert clerk.ask("import", small).code == 1
    done = clerk.ask("import", small, "--accept", "平台确认三十户已退出")
    assert done.code == 0, done.err
    assert "ROWS_ACCEPTED" in {w["code"] for w in done.json["files"][0]["warnings"]}
    assert clerk.sql("SELECT subject, reason FROM audit WHERE action = 'accept file'") == [
        ("kuaishou_20260930.csv", "平台确认三十户已退出")
    ]
    clerk.run("resolve")
    assert len([r for r in clerk.table("holdings") if r["valid_to"] == ""]) == 10


def test_an_empty_reason_is_none(clerk: Clerk) -> None:
    path = report(Path("kuaishou_20260831.csv"), [person(1)])
    assert clerk.ask("import", path, "--accept", " ").code == 2
    changed(clerk)
    flag = clerk.table("flags")[0]["flag_id"]
    assert clerk.ask("review", "decide", flag, "dismissed", "--reason", " ").code == 2


# -- keys


def test_a_lost_master_key_is_2_and_nothing_is_written(clerk: Clerk) -> None:
    clerk.run("import", report(Path("kuaishou_20260930.csv"), [person(1)]))
    key = clerk.home / "keys" / "master.key"
    kept = key.read_bytes()
    key.unlink()
    before, runs = everything(clerk), clerk.sql("SELECT * FROM run")
    report(Path("kuaishou_20261031.csv"), [person(1)])
    for words in (
        ("import", "kuaishou_20261031.csv"),
        ("nightly",),
        ("init",),
        ("status",),
        ("export", "accounts", "--output", "x.csv"),
    ):
        done = clerk.ask(*words)
        assert done.code == 2, words
        assert str(key) in done.json["message"]
        assert not key.exists()
        assert not Path("x.csv").exists()
    assert everything(clerk) == before
    assert clerk.sql("SELECT * FROM run") == runs
    key.write_bytes(kept)
    key.chmod(0o600)
    assert clerk.ask("import", "kuaishou_20261031.csv").code == 0


def test_another_master_key_is_2(clerk: Clerk) -> None:
    clerk.run("init")
    key = clerk.home / "keys" / "master.key"
    key.write_text("A" * 43 + "=\n", "ascii")
    assert clerk.ask("nightly").code == 2
    key.write_text("kurz\n", "ascii")
    done = clerk.ask("nightly")
    assert done.code == 2
    assert "44 characters" in done.json["message"]


def test_a_master_key_that_others_can_read_is_2_and_the_cure_is_named(clerk: Clerk) -> None:
    clerk.run("init")
    key = clerk.home / "keys" / "master.key"
    key.chmod(0o644)
    done = clerk.ask("nightly")
    assert done.code == 2
    assert f"chmod 600 {key}" in done.json["message"]
    assert f"chmod 600 {key}" in done.err


def test_the_home_is_shut_to_others(clerk: Clerk) -> None:
    clerk.run("nightly")
    for path in clerk.home.rglob("*"):
        assert path.stat().st_mode & 0o007 == 0, path.relative_to(clerk.home)


def test_a_dossier_on_paper_names_every_date_file_and_row_in_full(stocked: Clerk) -> None:
    account = next(a for a in stocked.table("accounts") if a["platform"] == "douyin")
    what = f"douyin:{account['account_id']}"
    told, shown = stocked.ask("show", what).json["history"], stocked.run("show", what).err
    assert told
    lines = [[cell.strip() for cell in line.split("│")] for line in shown.splitlines()]
    for row in told:
        assert any({row["as_of"], row["source_file"], str(row["row"])} <= set(cells) for cells in lines)
