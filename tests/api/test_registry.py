"""Interfaces and the registry: side by side, replayed, checked, and a platform that is YAML alone."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from rehearsed import GATEWAYS, PLATFORMS, county
from sqlalchemy import text
from zp_registry.jobs.doctor import examine
from zp_registry.jobs.office import at_work
from zp_registry.jobs.pulls import check_platforms, pull_platforms, replay_pages

from zp_registry.registry import bulk
from zp_registry.rehearsal import Fault, Gateway, Script, serve
from zp_registry.settings import ApiSettings, Settings

AS_OF = "2026-01-31"


def test_every_platforms_records_reach_the_registry(reports: dict[str, Any], tmp_path: Path) -> None:
    with county(reports, PLATFORMS) as (rehearsal, settings), at_work(settings(tmp_path), "pull") as office:
        outcomes = pull_platforms(office, as_of=AS_OF)
        again = pull_platforms(office, as_of=AS_OF)
        assert not list((tmp_path / "pulls").rglob("page-*")), "pages leave once the report is safe"
    for outcome in outcomes:
        n = sum(len(rows) for rows in reports[outcome.platform].values())
        assert (outcome.state, outcome.counts.read, outcome.counts.rejected) == ("loaded", n, 0), outcome
        assert outcome.pulled
    assert {o.state for o in again} == {"unchanged"}
    assert all(g.refusals == {} for g in rehearsal.gateways.values())


def test_one_failure_stops_no_other_and_all_go_side_by_side(reports: dict[str, Any], tmp_path: Path) -> None:
    stalls = {n: Script([Fault(stall=2.0)]) for n in ("douyin", "kuaishou", "xiaohongshu")} | {
        "jd": Script(rules=[{"share": 1.0, "status": 403}])
    }
    with county(reports, ["jd", *stalls], stalls) as (rehearsal, settings), at_work(settings(tmp_path), "pull") as office:
        outcomes = {o.platform: o for o in pull_platforms(office)}
    asked = [rehearsal.gateways[n].arrivals[0] for n in ("douyin", "kuaishou", "xiaohongshu")]
    assert max(asked) < min(asked) + 2.0, "each was asked before any other had answered"
    assert outcomes["jd"].state == "refused"
    assert "没有权限" in outcomes["jd"].message
    assert {outcomes[n].state for n in ("douyin", "kuaishou", "xiaohongshu")} == {"loaded"}


def test_a_list_that_is_not_whole_ends_no_holding(reports: dict[str, Any], tmp_path: Path) -> None:
    faults = {"xiaohongshu": Script(rules=[{"share": 1.0, "wrong_total": 1}])}
    with county(reports, ["xiaohongshu"], faults) as (_, settings), at_work(settings(tmp_path), "pull") as office:
        [outcome] = pull_platforms(office)
    assert (outcome.state, outcome.scope) == ("loaded", "delta")
    assert any("不完整" in w["message"] for w in outcome.warnings)


def test_what_failed_in_the_middle_goes_on_next_time_and_nothing_of_it_is_loaded(
    reports: dict[str, Any], tmp_path: Path
) -> None:
    rows = {"": [dict(reports["weipaitang"][""][i % 20], n=i) for i in range(900)]}
    faults = {"weipaitang": Script(rules=[{"at": list(range(3, 5)), "status": 403}])}
    with (
        county({"weipaitang": rows}, ["weipaitang"], faults) as (rehearsal, settings),
        at_work(settings(tmp_path), "pull") as office,
    ):
        [first] = pull_platforms(office)
        with office.engine.connect() as connection:
            assert bulk.read(connection, "SELECT 1 FROM report").empty
        asked = len(rehearsal.gateways["weipaitang"].arrivals)
        rehearsal.gateways["weipaitang"].script.asked = 99
        [second] = pull_platforms(office)
    assert (first.state, "已取得的 2 页留存" in first.message) == ("refused", True)
    assert second.state == "loaded"
    assert any("接着上次" in w["message"] for w in second.warnings)
    assert len(rehearsal.gateways["weipaitang"].arrivals) - asked == 3, "five pages, two of them kept"


def test_what_is_kept_between_runs_is_sealed_and_closed_to_others(reports: dict[str, Any], tmp_path: Path) -> None:
    faults = {"kuaishou": Script([Fault(), *[Fault(status=403)] * 9])}
    rows = {"": [dict(reports["kuaishou"][""][i % 20], 快手ID=f"kuaishou-account-{i}") for i in range(300)]}
    with (
        county({"kuaishou": rows}, ["kuaishou"], faults) as (rehearsal, settings),
        at_work(settings(tmp_path), "pull") as office,
    ):
        pull_platforms(office)
    files = [p for p in (tmp_path / "pulls").rglob("*") if p.is_file()]
    assert {p.name.split("-")[0].split(".")[0] for p in files} == {"manners", "page", "start", "token"}
    gateway = rehearsal.gateways["kuaishou"]
    hidden = [
        *gateway.secrets.values(),
        *gateway.tokens,
        *gateway.refresh_tokens,
        rows[""][0]["快手ID"],
        rows[""][0]["实名姓名"],
    ]
    for file in files:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert not [h for h in hidden if h.encode() in file.read_bytes()]
    assert stat.S_IMODE((tmp_path / "pulls").stat().st_mode) == 0o700


def test_a_pull_is_replayed_from_the_archive(reports: dict[str, Any], tmp_path: Path) -> None:
    with county(reports, ["taobao", "xiaohongshu"]) as (_, settings), at_work(settings(tmp_path / "one"), "pull") as office:
        first = pull_platforms(office, as_of=AS_OF)
        pages = sorted((tmp_path / "one" / "archive").glob("*.pages.sealed"))
        assert len(pages) == 2
        assert {o.state for o in replay_pages(office, pages, AS_OF)} == {"unchanged"}
        assert [str(f) for f in examine(office)] == []
        with office.engine.begin() as connection:
            connection.execute(text("UPDATE report_file SET rows_read = rows_read + 1, rows_skipped = 1 WHERE id = 1"))
        assert [f.what for f in examine(office)] == ["archived files with another number of rows than the registry counts"]
        pages[0].write_bytes(pages[0].read_bytes()[:-1])
        assert [o.state for o in replay_pages(office, pages[:1])] == ["refused"]
    assert {o.state for o in first} == {"loaded"}


# -- a platform that is YAML alone

SEVENTH = """\
id: yuchuan
title: 玉传
names: [玉传]
columns:
  - {header: uid, field: account_id, required: true}
  - {header: nick, field: account_name}
  - {header: owner, field: subject_name, required: true}
  - {header: papers, field: id_number, required: true}
constants: {account_kind: live, subject_kind: natural_person}
"""


@pytest.mark.parametrize("like", ["jd", "douyin", "kuaishou", "weipaitang", "wechat_channels", "xiaohongshu"])
def test_a_further_platform_is_a_file_alone(tmp_path: Path, like: str) -> None:
    """A platform that nobody knew, in each dialect: one mapping file for the client, one entry for the rehearsal."""
    import yaml

    folder = tmp_path / "mappings"
    folder.mkdir()
    api = yaml.safe_load((Path(__file__).parents[2] / "mappings" / f"{like}.yaml").read_text("utf-8"))["api"]
    (folder / "yuchuan.yaml").write_text(SEVENTH + yaml.safe_dump({"api": api}, allow_unicode=True), "utf-8")
    records = {"": [{"uid": f"u{i}", "nick": f"玉{i}", "owner": f"王某{i}", "papers": None} for i in range(320)]}
    gateway = Gateway(GATEWAYS[like], records)
    secrets = {}
    for name, value in gateway.secrets.items():
        os.environ[f"YUCHUAN_{name}"] = value
        secrets[name] = f"env:YUCHUAN_{name}"
    with serve({"yuchuan": gateway}) as rehearsal:
        settings = Settings(
            home=tmp_path / "home",
            mappings_dir=folder,
            api={"yuchuan": ApiSettings(base_url=rehearsal.base("yuchuan"), secrets=secrets)},
        )
        with at_work(settings, "pull") as office:
            [outcome] = pull_platforms(office)
    assert (outcome.state, outcome.counts.loaded, outcome.scope) == ("loaded", 320, "full"), outcome.message


# -- the check


def test_the_check_finds_everything_right_and_loads_nothing(reports: dict[str, Any], tmp_path: Path) -> None:
    with county(reports, PLATFORMS) as (_, settings), at_work(settings(tmp_path), "pull --check") as office:
        found = check_platforms(office, [])
    for name, findings in found.items():
        assert [f.what for f in findings] == ["secret", "address", "clock", "rights", "mapping"], name
        assert all(f.right for f in findings), (name, findings)
    assert not list((tmp_path / "archive").iterdir())


@pytest.mark.parametrize(
    ("spoil", "what", "says"),
    [
        ("secret", "secret", "set the variable"),
        ("address", "address", "nothing answers"),
        ("clock", "clock", "by -7"),
        ("signature", "rights", "signing secret"),
        ("token", "rights", "secrets"),
        ("records", "mapping", "do not fit"),
    ],
)
def test_the_check_says_what_is_wrong(
    reports: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: str, what: str, says: str
) -> None:
    given = {"pinduoduo": {"": [{"strange": 1}]}} if spoil == "records" else reports
    with county(given, ["pinduoduo"], ahead=-7200.0 if spoil == "clock" else 0.0) as (_, settings):
        made = settings(tmp_path)
        if spoil == "secret":
            monkeypatch.delenv("REHEARSED_pinduoduo_client_secret")
        elif spoil == "signature":
            monkeypatch.setenv("REHEARSED_pinduoduo_client_secret", "wrong")
        elif spoil == "token":
            monkeypatch.setenv("REHEARSED_pinduoduo_access_token", "wrong")
        elif spoil == "address":
            api = made.api["pinduoduo"].model_copy(update={"base_url": "http://127.0.0.1:9"})
            made = made.model_copy(update={"api": {"pinduoduo": api}})
        with at_work(made, "pull --check") as office:
            findings = check_platforms(office, ["pinduoduo"])["pinduoduo"]
    wrong = {f.what: f.text for f in findings if f.right is False}
    assert what in wrong, findings
    assert says in wrong[what]
    assert "wrong" not in json.dumps(wrong) or spoil not in ("signature", "token")
