"""Interfaces and the registry: side by side, killed at any moment, replayed, checked, and a platform that is YAML alone."""

from __future__ import annotations

import json
import multiprocessing as mp
import os
import random
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rehearsed import GATEWAYS, MAPPINGS, PLATFORMS
from zp_registry.jobs.office import at_work
from zp_registry.jobs.pulls import check_platforms, pull_platforms, replay_pages
from zp_registry.simulator import Dirt, generate

from zp_registry.registry import bulk
from zp_registry.rehearsal import Fault, Gateway, Rehearsal, Script, report_records, serve
from zp_registry.settings import ApiSettings, Settings

FORK = mp.get_context("forkserver")
FORK.set_forkserver_preload(["zp_registry.jobs.pulls", "zp_registry.jobs.derive"])
AS_OF = "2026-01-31"


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """One month of every platform's report, as its interface gives it."""
    out = tmp_path_factory.mktemp("world")
    generate(out, seed=21, parties=420, months=1, dirt=Dirt().scaled(0), ledger=False, flat=True, layouts=tuple(PLATFORMS))
    found = {name: next(out.glob(f"reports/{name}_*")) for name in PLATFORMS}
    return {name: report_records(path, MAPPINGS, name) for name, path in found.items()}


@contextmanager
def county(
    reports: dict[str, Any], names: list[str], faults: dict[str, Script] | None = None, **options: Any
) -> Iterator[tuple[Rehearsal, Callable[[Path], Settings]]]:
    """These platforms at work, and settings for a client's home."""
    gateways = {n: Gateway(GATEWAYS[n], reports[n], (faults or {}).get(n), **options) for n in names}
    with serve(gateways) as rehearsal:
        apis = {}
        for name, gateway in gateways.items():
            for secret, value in gateway.secrets.items():
                os.environ[f"REHEARSED_{name}_{secret}"] = value
            apis[name] = ApiSettings(
                base_url=rehearsal.base(name), secrets={s: f"env:REHEARSED_{name}_{s}" for s in gateway.secrets}
            )
        yield rehearsal, lambda home: Settings(home=home, api=apis)


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
    stalls = {n: Script([Fault(stall=1.0)]) for n in ("douyin", "kuaishou", "xiaohongshu")} | {
        "jd": Script(rules=[{"share": 1.0, "status": 403}])
    }
    with county(reports, ["jd", *stalls], stalls) as (_, settings), at_work(settings(tmp_path), "pull") as office:
        start = time.monotonic()
        outcomes = {o.platform: o for o in pull_platforms(office)}
        assert time.monotonic() - start < 3 + 2.5
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
        pages[0].write_bytes(pages[0].read_bytes()[:-1])
        assert [o.state for o in replay_pages(office, pages[:1])] == ["refused"]
    assert {o.state for o in first} == {"loaded"}


# -- kills


def _pull(settings: Settings, variables: dict[str, str]) -> None:
    os.environ.update(variables)
    with at_work(settings, "pull") as office:
        outcomes = pull_platforms(office, as_of=AS_OF)
    os._exit(0 if all(o.state in ("loaded", "unchanged") for o in outcomes) else 9)


def killed_pulls(reports: dict[str, Any], names: list[str], tmp_path: Path, kills: int, seed: int) -> None:
    """``kills`` times: a pull is killed at a random moment until one ends by itself; then the registry is that of an
    undisturbed pull, and no platform saw more requests than the rate allows."""
    chance, done, round_ = random.Random(seed), 0, 0
    with county(reports, names) as (_, settings):
        start = time.monotonic()
        _run(settings(tmp_path / "straight"))
        lasts = time.monotonic() - start
        expected = snapshot(settings(tmp_path / "straight"))
    while done < kills:
        round_ += 1
        home = tmp_path / f"killed{round_}"
        with county(reports, names) as (rehearsal, settings):
            with at_work(settings(home), "init"):
                pass
            for _ in range(min(10, kills - done)):
                process = FORK.Process(target=_pull, args=(settings(home), _variables()))
                process.start()
                process.join(chance.uniform(0.02, lasts))
                process.kill()
                process.join()
                done += 1
            _run(settings(home))
            assert snapshot(settings(home)) == expected, f"round {round_}"
            for gateway in rehearsal.gateways.values():
                assert gateway.refusals.get("refresh", 0) == 0, "no refresh token was lost"
                assert gateway.most_in(1.0) <= 5


def _variables() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if k.startswith("REHEARSED_")}


def _run(settings: Settings) -> None:
    process = FORK.Process(target=_pull, args=(settings, _variables()))
    process.start()
    process.join(120)
    assert process.exitcode == 0


def snapshot(settings: Settings) -> list[list[str]]:
    """The accounts' present holders, resolved: equal but for ids and moments."""
    from zp_registry.jobs.derive import derive

    from zp_registry.registry import tables

    with at_work(settings, "resolve") as office:
        derive(office)
        with office.engine.connect() as connection:
            known = tables.stored(connection)
            rejects = len(tables.rejects(connection))
    frame = tables.accounts(known).drop(columns=["entity_id"]).astype("str").fillna("")
    held = tables.holdings(known)
    shared = held.groupby("entity_id")["account_id"].agg(lambda ids: "|".join(sorted(ids))).sort_values().to_list()
    return [*frame.sort_values(list(frame.columns)).to_numpy().tolist(), shared, [str(rejects)]]


def test_killed_pulls_end_in_the_same_registry(reports: dict[str, Any], tmp_path: Path) -> None:
    names = ["kuaishou", "wechat_channels"]
    killed_pulls(_paged(reports, names), names, tmp_path, 10, 4)


def _paged(reports: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """Enough records for several pages."""
    column = {"kuaishou": "快手ID", "wechat_channels": "店铺（用户）唯一标识码", "weipaitang": "id"}
    out = {}
    for name in names:
        rows = reports[name][""]
        key = next(k for k in rows[0] if k.endswith(column[name]))
        out[name] = {
            "": [dict(rows[i % len(rows)], **{key: f"{rows[i % len(rows)][key]}x{i // len(rows)}"}) for i in range(550)]
        }
    return out


@pytest.mark.soak
def test_two_hundred_kills(reports: dict[str, Any], tmp_path: Path) -> None:
    names = ["kuaishou", "wechat_channels"]
    killed_pulls(_paged(reports, names), names, tmp_path, 200, 5)


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


def test_a_kill_between_a_new_refresh_token_and_its_use_locks_nobody_out(reports: dict[str, Any], tmp_path: Path) -> None:
    """The platform takes the new refresh token for the only one as soon as it is used: it must be on the disk before that."""
    rows = {"kuaishou": {"": reports["kuaishou"][""][:50]}}
    with county(rows, ["kuaishou"], life=1.0) as (rehearsal, settings):
        gateway = rehearsal.gateways["kuaishou"]
        with at_work(settings(tmp_path), "init"):
            pass
        for pause in (0.02, 0.1):
            process = FORK.Process(target=_pull, args=(settings(tmp_path), _variables()))
            process.start()
            before = len(gateway.refresh_tokens)
            until = time.monotonic() + 20
            while len(gateway.refresh_tokens) == before and time.monotonic() < until:
                time.sleep(0.001)
            time.sleep(pause / 20)
            process.kill()
            process.join()
            assert len(gateway.refresh_tokens) > before
        _run(settings(tmp_path))
        assert gateway.refusals.get("refresh", 0) == 0
