"""The command line's contract: every command, one JSON object, exit codes."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from clerk import Answered, Clerk, citizen, company, ledger, person, pledge, report

from zp_registry.rehearsal import Fault, serve_records

COMMANDS = [
    ("init",),
    ("status",),
    ("runs",),
    ("resolve",),
    ("resolve", "--full"),
    ("resolve", "--engine", "duckdb"),
    ("flag",),
    ("flag", "--as-of", "2026-09-30"),
    ("nightly",),
    ("pull",),
    ("followups",),
    ("followups", "--by", "platform"),
    ("followups", "--as-of", "2026-09-30", "--output", "lists"),
    ("rejects", "export", "--output", "r.xlsx"),
    ("review", "list"),
    ("export", "accounts", "--output", "a.csv"),
    ("audit", "verify"),
    ("mappings", "check"),
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_answers_with_one_json_object(clerk: Clerk, words: tuple[str, ...]) -> None:
    done = clerk.ask(*words)
    assert done.code == 0, done.err
    assert done.out.count(b"\n") == 1
    assert isinstance(done.json, dict)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_without_json_people_read_standard_error_alone(clerk: Clerk, words: tuple[str, ...]) -> None:
    done = clerk.run(*words)
    assert (done.code, done.out) == (0, b"")


def test_all_commands_of_the_contract_are_listed(clerk: Clerk) -> None:
    text = clerk.run("--help", home=False).out.decode()
    for name in (
        "init",
        "import",
        "pull",
        "pledges",
        "resolve",
        "flag",
        "nightly",
        "followups",
        "rejects",
        "review",
        "show",
        "export",
        "status",
        "runs",
        "evaluate",
    ):
        assert f"\n  {name} " in text
    options = clerk.run("import", "--help", home=False).out.decode()
    for option in ("--platform", "--as-of", "--scope", "--dry-run", "--accept", "--home", "--json"):
        assert option in options


def test_the_desk_is_listed_too(clerk: Clerk) -> None:
    assert "\n  serve " in clerk.run("--help", home=False).out.decode()


def test_the_home_is_var_or_zp_home_or_the_option(clerk: Clerk) -> None:
    assert clerk.run("init", home=False).code == 0
    assert (clerk.folder / "var" / "keys" / "master.key").is_file()
    assert clerk.run("init", home=False, ZP_HOME=str(clerk.folder / "elsewhere")).code == 0
    assert (clerk.folder / "elsewhere" / "db" / "registry.sqlite").is_file()
    assert clerk.run("init", ZP_HOME=str(clerk.folder / "not")).code == 0
    assert clerk.home.is_dir()
    assert not (clerk.folder / "not").exists()


def test_init_twice_keeps_keys_and_data(clerk: Clerk) -> None:
    clerk.run("init")
    key = (clerk.home / "keys" / "master.key").read_bytes()
    report(Path("kuaishou_20260930.csv"), [person(1)])
    clerk.run("import", "kuaishou_20260930.csv")
    assert clerk.run("init").code == 0
    assert (clerk.home / "keys" / "master.key").read_bytes() == key
    assert clerk.sql("SELECT COUNT(*) FROM record") == [(1,)]


# -- exit codes


def test_done_is_0_and_a_repeated_import_changes_nothing(clerk: Clerk) -> None:
    path = report(Path("kuaishou_20260930.csv"), [person(n) for n in range(6)])
    first, second = clerk.ask("import", path), clerk.ask("import", path)
    assert (first.code, second.code) == (0, 0)
    assert first.json["files"][0]["counts"]["loaded"] == 6
    assert second.json["files"][0]["state"] == "unchanged"
    assert second.json["files"][0]["counts"] == {
        "read": 7,
        "loaded": 0,
        "unchanged": 6,
        "repeated": 0,
        "rejected": 0,
        "skipped": 1,
    }
    assert clerk.sql("SELECT COUNT(*) FROM report_file WHERE state = 'loaded'") == [(1,)]


def test_a_missing_option_is_2_and_named(clerk: Clerk) -> None:
    path = report(Path("导出.csv"), [person(1)])
    done = clerk.ask("import", path)
    assert done.code == 2
    assert "--as-of" in done.json["files"][0]["message"]
    assert "--as-of" in done.err
    assert clerk.ask("import", path, "--as-of", "2024-09-30").code == 0
    assert [r["first_seen"] for r in _derived(clerk).table("accounts")] == ["2024-09-30"]


def test_a_file_that_only_needs_an_option_does_not_stop_the_others(clerk: Clerk) -> None:
    report(Path("导出.csv"), [person(1)])
    report(Path("kuaishou_20260930.csv"), [person(2)])
    done = clerk.ask("import", "导出.csv", "kuaishou_20260930.csv")
    assert done.code == 2
    assert [f["state"] for f in done.json["files"]] == ["asked", "loaded"]


@pytest.mark.parametrize(
    "text", ["homme = 'x'\n", "[pledges]\nvalidity_yeers = 3\n", "[pledges]\nvalidity_years = 'drei'\n", "a = [\n"]
)
def test_wrong_settings_are_2_and_nothing_is_made(clerk: Clerk, text: str) -> None:
    Path("zp-registry.toml").write_text(text, "utf-8")
    done = clerk.ask("import", ".")
    assert done.code == 2
    assert done.json["exit_code"] == 2
    assert "zp-registry.toml" in done.err
    assert not clerk.home.exists()


def test_an_unknown_variable_is_a_wrong_setting_too(clerk: Clerk) -> None:
    assert clerk.ask("init", ZP_PLEDGES__VALIDITY_YEERS="3").code == 2


@pytest.mark.parametrize(
    "words",
    [
        ("import",),
        ("import", "nowhere.csv"),
        ("export", "people"),
        ("review", "decide", "F00000001", "confirmed"),
        ("bogus",),
        ("import", ".", "--scope", "half"),
        ("resolve", "--engine", "abacus"),
        ("import", ".", "--no-such"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2_with_one_json_object(clerk: Clerk, words: tuple[str, ...]) -> None:
    done = clerk.ask(*words)
    assert done.code == 2
    assert done.json["exit_code"] == 2
    assert "Usage:" in done.err


@pytest.mark.parametrize(
    "words",
    [
        ("export", "accounts"),
        ("flag",),
        ("followups",),
        ("show", "E00000001"),
        ("import", "kuaishou_20260930.csv"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("day", ["yesterday", "2026-02-30", "30.9.2026"])
def test_a_date_that_is_none_is_wrong_usage(clerk: Clerk, words: tuple[str, ...], day: str) -> None:
    report(Path("kuaishou_20260930.csv"), [person(1)])
    done = clerk.run(*words, "--as-of", day)
    assert done.code == 2
    assert done.out == b""


def test_an_unknown_mapping_is_2_and_the_known_ones_are_named(clerk: Clerk) -> None:
    report(Path("kuaishou_20260930.csv"), [person(1)])
    done = clerk.ask("import", ".", "--platform", "kuaishu")
    assert done.code == 2
    assert "kuaishou" in done.err


def test_nothing_kept_is_1(clerk: Clerk) -> None:
    Path("kuaishou_20260930.csv").write_bytes(b"")
    Path("briefe.docx").write_bytes(b"PK\x03\x04" + b"x" * 100)
    done = clerk.ask("import", "kuaishou_20260930.csv", "briefe.docx")
    assert done.code == 1
    assert [f["state"] for f in done.json["files"]] == ["refused", "refused"]
    assert all(f["message"].startswith(f["name"]) for f in done.json["files"])


def test_a_folder_without_files_is_1_and_says_so(clerk: Clerk) -> None:
    Path("leer").mkdir()
    done = clerk.ask("import", "leer")
    assert done.code == 1
    assert done.json["files"] == []
    assert "leer" in done.err


def test_some_rows_rejected_is_3(clerk: Clerk) -> None:
    rows = [person(n) for n in range(8)] + [person(8, 快手ID="")]
    done = clerk.ask("import", report(Path("kuaishou_20260930.csv"), rows))
    assert done.code == 3
    assert done.json["files"][0]["counts"] == {
        "read": 10,
        "loaded": 8,
        "unchanged": 0,
        "repeated": 0,
        "rejected": 1,
        "skipped": 1,
    }
    assert done.json["files"][0]["adds_up"] is True


def test_some_files_refused_is_3(clerk: Clerk) -> None:
    report(Path("kuaishou_20260930.csv"), [person(1)])
    Path("douyin_20260930.xlsx").write_bytes(b"PK\x03\x04 cut")
    done = clerk.ask("import", ".")
    assert done.code == 3
    assert {f["name"]: f["state"] for f in done.json["files"]} == {
        "douyin_20260930.xlsx": "refused",
        "kuaishou_20260930.csv": "loaded",
    }


def test_a_ledger_follows_the_same_codes(clerk: Clerk) -> None:
    path = ledger(Path("诚信经营承诺书台账_石佛寺镇.xlsx"), [pledge(n) for n in range(6)] + [pledge(7, 签订日期="")])
    assert clerk.ask("pledges", "import", path).code == 3
    assert clerk.ask("pledges", "import", path).code == 0
    assert clerk.ask("pledges", "import", report(Path("kuaishou_20260930.csv"), [person(1)])).code == 1


def test_a_second_process_gets_4_while_the_first_works(clerk: Clerk) -> None:
    clerk.run("init")
    records = [
        {
            "red_id": f"r{n}",
            "subject_name": f"王玉{n}",
            "subject_type": "PERSON",
            "uscc": None,
            "id_no": citizen(n),
            "report_date": "2026-09-30",
        }
        for n in range(3)
    ]
    with serve_records(records, "secret", faults=[Fault(stall=8)]) as address:
        Path("zp-registry.toml").write_text(f"[api.xiaohongshu]\nbase_url = '{address}'\ntoken_env = 'TOKEN'\n", "utf-8")
        first = clerk.start("nightly", "--json", TOKEN="secret")
        try:
            _until_locked(clerk)
            done = clerk.ask("import", report(Path("kuaishou_20260930.csv"), [person(1)]))
            assert done.code == 4
            assert done.json["exit_code"] == 4
            assert "nightly" in done.err
            assert clerk.ask("status").code == 0  # looking needs no lock
        finally:
            out, err = first.communicate(timeout=120)
    assert first.returncode == 0, err.decode()
    assert json.loads(out)["files"][0]["counts"]["loaded"] == 3
    assert clerk.ask("import", "kuaishou_20260930.csv").code == 0


def _until_locked(clerk: Clerk) -> None:
    for _ in range(400):
        if (clerk.home / "lock").is_file() and (clerk.home / "lock").read_text():
            time.sleep(0.2)
            return
        time.sleep(0.05)
    raise AssertionError("the first process never took the lock")


def test_a_killed_run_leaves_no_lock_and_is_told_by_runs(clerk: Clerk) -> None:
    clerk.run("init")
    with serve_records([], "secret", faults=[Fault(stall=20)]) as address:
        Path("zp-registry.toml").write_text(f"[api.xiaohongshu]\nbase_url = '{address}'\ntoken_env = 'TOKEN'\n", "utf-8")
        first = clerk.start("nightly", TOKEN="secret")
        for _ in range(400):
            if clerk.sql("SELECT 1 FROM run WHERE state = 'running' AND command = 'nightly'"):
                break
            time.sleep(0.05)
        first.kill()
        first.communicate(timeout=60)
    assert clerk.ask("import", report(Path("kuaishou_20260930.csv"), [person(1)])).code == 0
    assert [r["state"] for r in clerk.ask("runs").json["runs"]][:2] == ["done", "killed"]


def test_an_unforeseen_error_is_1_with_one_json_object_and_no_values(clerk: Clerk) -> None:
    clerk.run("import", report(Path("kuaishou_20260930.csv"), [company(1)]))
    clerk.sql("ALTER TABLE record RENAME TO recorded")
    done = clerk.ask("resolve", "--full")
    assert done.code == 1
    assert done.json["exit_code"] == 1
    assert citizen_free(done)


def citizen_free(done: Answered) -> bool:
    """Whether neither numbers nor phones of the invented people stand in what was printed."""
    text = done.err + done.out.decode()
    return not any(value in text for value in (person(1)["实名证件号"], person(1)["手机号"], person(1)["收款账号"]))


def test_neither_answers_nor_logs_show_numbers_of_people(clerk: Clerk) -> None:
    rows = [person(n) for n in range(1, 7)] + [person(1, 快手ID="", 实名证件号="41132419800101999X")]
    for words in (
        ("import", report(Path("kuaishou_20260930.csv"), rows)),
        ("nightly",),
        ("status",),
        ("show", "kuaishou:ks10001"),
    ):
        assert citizen_free(clerk.ask(*words)), words


def _derived(clerk: Clerk) -> Clerk:
    assert clerk.run("resolve").code == 0
    return clerk


def test_small_files_are_judged_by_shares_as_the_settings_say(clerk: Clerk) -> None:
    rows = [person(1), *(person(n, 快手ID="") for n in (2, 3))]
    path = report(Path("kuaishou_20260930.csv"), rows)
    refused = clerk.ask("import", path, "--dry-run", ZP_QUARANTINE__MIN_ROWS_FOR_SHARES="3")
    assert (refused.code, refused.json["files"][0]["code"]) == (1, "REJECTED_TOO_MANY")
    assert clerk.ask("import", path).json["files"][0]["counts"]["rejected"] == 2
