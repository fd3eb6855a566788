"""The main job: the inbox, the interfaces, the report, the second night."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from clerk import Clerk, citizen, company, ledger, person, pledge, report
from zp_registry.jobs.office import open_office

from zp_registry.crypto import unseal_file
from zp_registry.rehearsal import Fault, serve_records
from zp_registry.settings import load_settings


def red(n: int, day: str = "2026-09-30") -> dict[str, str | None]:
    """A record of 小红书's interface."""
    return {
        "red_id": f"9{n:08d}",
        "nickname": f"玉{n}",
        "subject_name": person(n)["实名姓名"],
        "subject_type": "PERSON",
        "uscc": None,
        "id_no": citizen(n),
        "phone": person(n)["手机号"],
        "status": "ACTIVE",
        "report_date": day,
    }


def interface(address: str, more: str = "") -> None:
    Path("zp-registry.toml").write_text(f"[api.xiaohongshu]\nbase_url = '{address}'\ntoken_env = 'RED_TOKEN'\n{more}", "utf-8")


def unsealed(clerk: Clerk, folder: str) -> dict[str, bytes]:
    """Original name → bytes of what lies in archive/ or refused/."""
    ring = open_office(load_settings(clerk.home, {})).ring
    out = {}
    for path in sorted((clerk.home / folder).iterdir()):
        unseal_file(path, clerk.folder / "plain", ring)
        out[path.name.split("_", 1)[1].removesuffix(".sealed")] = (clerk.folder / "plain").read_bytes()
    return out


def inbox(clerk: Clerk) -> list[str]:
    return sorted(p.name for p in (clerk.home / "inbox").rglob("*") if p.is_file())


def test_files_leave_the_inbox_sealed_and_whole(clerk: Clerk) -> None:
    good = report(Path("kuaishou_20260930.csv"), [person(n) for n in range(6)])
    book = ledger(Path("诚信经营承诺书台账.xlsx"), [pledge(n) for n in range(3)])
    bad = Path("douyin_20260930.xlsx")
    bad.write_bytes(b"PK\x03\x04 cut")
    clerk.put("reports", good, bad)
    clerk.put("pledges", book)
    done = clerk.ask("nightly")
    assert done.code == 3
    assert inbox(clerk) == []
    assert unsealed(clerk, "archive") == {good.name: good.read_bytes(), book.name: book.read_bytes()}
    assert unsealed(clerk, "refused") == {bad.name: bad.read_bytes()}
    for path in (*(clerk.home / "archive").iterdir(), *(clerk.home / "refused").iterdir()):
        assert path.stat().st_mode & 0o077 == 0
        assert b"ks10001" not in path.read_bytes()
    assert sorted(r["pledge_status"] for r in clerk.table("accounts")) == ["missing"] * 3 + ["signed"] * 3


BROKEN = {
    "empty.csv": b"",
    "kuaishou_20260930.csv": "快手ID,用户昵称\n".encode("gb18030"),
    "bild.png": b"\x89PNG\r\n\x1a\n" + b"\0" * 50,
    "brief.txt": "各位同事".encode(),
    "zip.xlsx": b"PK\x05\x06" + b"\0" * 18,
    "ole.xls": bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600,
    "weipaitang_20260930.jsonl": b'{"report_date": "2026-09-30", "shop": {\n[1, 2\n',
    "xiaohongshu_20260930.csv": b"\xff\xfe\x00\x01\x02",
    "liste.json": b"{}",
    "tief.jsonl": b"[" * 5000 + b"\n",
}


def test_broken_files_never_stop_the_others(clerk: Clerk) -> None:
    for name, content in BROKEN.items():
        Path(name).write_bytes(content)
    clerk.put("reports", *map(Path, BROKEN), report(Path("kuaishou_20260831.csv"), [person(n) for n in range(6)]))
    done = clerk.ask("nightly")
    assert done.code == 3, done.err
    states = {f["name"]: f["state"] for f in done.json["files"]}
    assert states == {**dict.fromkeys(BROKEN, "refused"), "kuaishou_20260831.csv": "loaded"}
    assert inbox(clerk) == []
    assert set(unsealed(clerk, "refused")) == set(BROKEN)
    assert len(clerk.table("accounts")) == 6


def test_a_file_that_needs_an_option_waits_in_the_inbox(clerk: Clerk) -> None:
    clerk.put("reports", report(Path("导出.csv"), [person(1)]))
    done = clerk.ask("nightly")
    assert done.code == 3
    assert inbox(clerk) == ["导出.csv"]
    assert "--as-of" in done.err


def test_an_error_of_ours_over_one_file_stops_neither_the_others_nor_loses_the_file(
    clerk: Clerk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from zp_registry.jobs import imports

    real = imports.load_mapped

    def fails(office: object, mapped: object, *rest: object) -> object:
        if mapped.file.name.startswith("kuaishou_20260731"):  # type: ignore[attr-defined]
            raise RuntimeError("unforeseen")
        return real(office, mapped, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(imports, "load_mapped", fails)
    rows = [person(n) for n in range(6)]
    clerk.put("reports", report(Path("kuaishou_20260731.csv"), rows), report(Path("kuaishou_20260831.csv"), rows))
    done = clerk.ask("nightly")
    assert done.code in (1, 3)
    assert inbox(clerk) == ["kuaishou_20260731.csv"]
    assert len(clerk.table("accounts")) == 6
    monkeypatch.undo()
    monkeypatch.chdir(clerk.folder)
    assert clerk.ask("nightly").code == 0
    assert inbox(clerk) == []
    assert {r["first_seen"] for r in clerk.table("accounts")} == {"2026-07-31"}


def test_the_second_night_finds_nothing_new(stocked: Clerk, county: Path) -> None:
    lists = {p: p.stat().st_mtime_ns for p in (stocked.home / "lists").iterdir()}
    tables = {n: stocked.table(n) for n in ("accounts", "entities", "holdings", "flags", "rejects")}
    process = stocked.start("demo", "--json")
    out, err = process.communicate(timeout=200)
    answer = json.loads(out)
    assert process.returncode == answer["exit_code"] == 3  # the two spoilt files are still there
    assert "nothing has changed" in err.decode()
    assert {f["state"] for f in answer["files"]} == {"unchanged", "refused"}
    assert answer["knowledge"] == {"changed": False}
    assert {p: p.stat().st_mtime_ns for p in (stocked.home / "lists").iterdir()} == lists
    assert {n: stocked.table(n) for n in tables} == tables
    first = json.loads((county / "demo.json").read_bytes())
    assert sum(s["seconds"] for s in answer["steps"]) < 0.4 * sum(s["seconds"] for s in first["steps"])


def test_a_night_without_input_says_nothing_has_changed(stocked: Clerk) -> None:
    done = stocked.ask("nightly")
    assert done.code == 0
    assert "nothing has changed" in done.err
    assert done.json["files"] == []


def test_the_demo_needs_its_samples(clerk: Clerk) -> None:
    done = clerk.ask("demo")
    assert done.code == 2
    assert "sample_data" in done.err


def test_log_lines_per_step_and_no_progress_without_a_terminal(county: Path) -> None:
    err = (county / "demo.err").read_bytes()
    assert b"\x1b" not in err
    assert b"\r" not in err
    steps = [e for e in map(json.loads, (x for x in err.decode().splitlines() if x.startswith("{"))) if e["event"] == "step"]
    assert [e["name"] for e in steps] == ["pull", "inbox", "resolve and flag", "lists", "report"]
    assert all(e["state"] == "done" and e["seconds"] >= 0 and e["timestamp"] and e["level"] == "info" for e in steps)


def test_the_report_adds_up_and_matches_the_answer(county: Path) -> None:
    answer = json.loads((county / "demo.json").read_bytes())
    html, data = (Path(p) for p in sorted(answer["reports"]))
    told = json.loads(data.read_text("utf-8"))
    page = html.read_text("utf-8")
    assert told["exit_code"] == 3
    assert told["reference_date"] == "2026-09-30"
    files = {f["name"]: f for f in told["files"]}
    assert len(files) + len(told["pulls"]) == len(answer["files"])
    for f in files.values():
        assert f["sum_ok"] is True
        if f["state"] == "loaded":
            assert f["rows_read"] == sum(f[f"rows_{k}"] for k in ("loaded", "unchanged", "repeated", "rejected", "skipped"))
        assert f["name"] in page
    assert [(p["platform"], p["state"], p["records"]) for p in told["pulls"]] == [
        ("weipaitang", "done", 20), ("xiaohongshu", "done", 33)]
    assert sum(f["rows_rejected"] for f in files.values()) == 5
    totals = {c["name"]: c["value"] for c in told["counts"]}
    assert totals["账号"] == 302
    assert sum(
        t["signed"] + t["missing"] + t["expired"] + t["outdated"] + t["mismatch"] + t["exempt"] for t in told["pledges"]
    ) == sum(t["total"] for t in told["pledges"])
    assert {s["state"] for s in told["steps"]} == {"done"}
    assert set(told["lists"]) == {Path(p).name for p in answer["lists"]}
    assert "<html" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_the_run_is_kept(stocked: Clerk) -> None:
    run = stocked.ask("runs").json["runs"][0]
    assert (run["command"], run["state"], run["exit_code"]) == ("demo", "partial", 3)
    assert run["started_at"] < run["ended_at"]
    assert len(stocked.ask("runs", "--limit", "1").json["runs"]) == 1


def test_status_tells_freshness_and_what_waits(stocked: Clerk) -> None:
    stocked.put("reports", report(Path("kuaishou_20261031.csv"), [person(1)]))
    status = stocked.ask("status").json
    assert status["reference_date"] == "2026-09-30"
    assert status["inbox"]["reports"] == 1
    assert status["pending"]["rejected rows open"] == 5
    assert {p["source"] for p in status["platforms"]} == {
        "douyin",
        "jd",
        "kuaishou",
        "pinduoduo",
        "province_share",
        "taobao",
        "wechat_channels",
        "weipaitang",
        "xiaohongshu",
    }
    assert status["audit_broken_at"] is None
    fresh = {f["platform"]: f for f in status["freshness"]}
    assert fresh["kuaishou"]["newest"] == "2026-09-30"
    assert {f["duty"] for f in fresh.values()} <= {"met", "open", "missed"}
    assert all(f["former_month"][-2:] != f["duty_month"][-2:] for f in fresh.values())


# -- interfaces


def test_an_interface_is_pulled_page_by_page_and_loads_like_a_file(clerk: Clerk) -> None:
    with serve_records([red(n) for n in range(25)], "geheim", largest_page=10) as address:
        interface(address)
        done = clerk.ask("nightly", RED_TOKEN="geheim")
        assert done.code == 0, done.err
        assert done.json["files"][0]["counts"]["loaded"] == 25
        again = clerk.ask("nightly", RED_TOKEN="geheim")
    assert again.code == 0
    assert again.json["files"][0]["state"] == "unchanged"
    assert len(clerk.table("accounts")) == 25
    assert "geheim" not in done.err + again.err
    assert b"geheim" not in b"".join(p.read_bytes() for p in clerk.home.rglob("*") if p.is_file())


@pytest.mark.parametrize("how", ["wrong token", "no token", "http 500", "html", "gone"])
def test_a_failing_platform_is_3_and_the_others_are_done(clerk: Clerk, how: str) -> None:
    faults = {"http 500": [Fault(status=500)] * 40, "html": [Fault(html=True)] * 40}.get(how, [])
    Path("maps").mkdir()
    text = Path(__file__).parents[2].joinpath("mappings", "xiaohongshu.yaml").read_text("utf-8")
    assert "\n  paging:" in text
    Path("maps/xiaohongshu.yaml").write_text(
        text.replace("\n  paging:", "\n  limits: {attempts: 2, backoff: 0}\n  paging:"), "utf-8"
    )
    env = {
        "ZP_MAPPINGS_DIR": "maps",
        **({} if how == "no token" else {"RED_TOKEN": "falsch" if how == "wrong token" else "geheim"}),
    }
    clerk.put("reports", report(Path("kuaishou_20260930.csv"), [person(n) for n in range(6)]))
    with (
        serve_records([red(n) for n in range(3)], "geheim", faults=faults) as address,
        serve_records([{**red(n), "red_id": f"8{n:08d}"} for n in range(3)], "andere"),
    ):
        interface("http://127.0.0.1:9" if how == "gone" else address)
        done = clerk.ask("nightly", **env)
    assert done.code == 3, done.err
    states = {f["platform"]: f["state"] for f in done.json["files"]}
    assert states == {"xiaohongshu": "refused", "kuaishou": "loaded"}
    assert "xiaohongshu" in done.err
    assert len(clerk.table("accounts")) == 6
    report_json = next(Path(p) for p in done.json["reports"] if p.endswith(".json"))
    assert [p["state"] for p in json.loads(report_json.read_text("utf-8"))["pulls"]] == ["failed"]
    assert "falsch" not in done.err


def test_pull_of_a_platform_that_is_not_configured_is_2(clerk: Clerk) -> None:
    done = clerk.ask("pull", "xiaohongshu")
    assert done.code == 2
    assert "[api.xiaohongshu]" in done.err


def test_pull_loads_by_itself(clerk: Clerk) -> None:
    with serve_records([red(n) for n in range(6)], "geheim") as address:
        interface(address)
        assert clerk.ask("pull", RED_TOKEN="geheim").json["files"][0]["counts"]["loaded"] == 6
        assert clerk.ask("pull", "xiaohongshu", RED_TOKEN="geheim").code == 0
        assert clerk.ask("pull", RED_TOKEN="falsch").code == 1


def test_the_same_records_for_another_date_are_another_report(clerk: Clerk) -> None:
    with serve_records([red(n) for n in range(6)], "geheim") as address:
        interface(address)
        clerk.run("pull", "--as-of", "2026-09-30", RED_TOKEN="geheim")
        done = clerk.ask("pull", "--as-of", "2026-10-31", RED_TOKEN="geheim")
        again = clerk.ask("pull", "--as-of", "2026-10-31", RED_TOKEN="geheim")
    assert (done.json["files"][0]["as_of"], done.json["files"][0]["counts"]["unchanged"]) == ("2026-10-31", 6)
    assert (again.json["files"][0]["state"], again.json["files"][0]["counts"]["read"]) == ("unchanged", 6)
    clerk.run("resolve")
    assert {r["last_seen"] for r in clerk.table("accounts")} == {"2026-10-31"}


def test_a_list_that_shrank_on_the_way_ends_no_holding(clerk: Clerk) -> None:
    with serve_records([red(n, "2026-08-31") for n in range(6)], "geheim") as address:
        interface(address)
        clerk.run("nightly", RED_TOKEN="geheim")
    with serve_records([red(n) for n in range(5)], "geheim", faults=[Fault(wrong_total=3)] * 9) as address:
        interface(address)
        done = clerk.ask("nightly", RED_TOKEN="geheim")
    assert done.json["files"][0]["scope"] == "delta"
    assert {r["valid_to"] for r in clerk.table("holdings")} == {""}


def test_a_step_that_fails_does_not_cost_the_report(clerk: Clerk, monkeypatch: pytest.MonkeyPatch) -> None:
    clerk.put("reports", report(Path("kuaishou_20260930.csv"), [company(n) for n in range(6)]))
    shutil.rmtree(clerk.home / "lists", ignore_errors=True)
    (clerk.home / "inbox").mkdir(exist_ok=True)
    from zp_registry.jobs import nightly

    def fails(*_: object) -> list[Path]:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr(nightly, "write_followup_lists", fails)
    done = clerk.ask("nightly")
    assert done.code == 1
    told = json.loads(next(Path(p) for p in done.json["reports"] if p.endswith(".json")).read_text("utf-8"))
    assert {s["name"]: s["state"] for s in told["steps"]}["生成清单"] == "failed"
    assert clerk.ask("runs").json["runs"][0]["state"] == "failed"
    assert len(clerk.table("accounts")) == 6
