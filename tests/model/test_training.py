"""Training is a command; its result is kept and shown, and nothing uses it until somebody says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from worlds import World, citizen, masked, person, phone, row, world

from zp_registry.cli import main
from zp_registry.home import Home
from zp_registry.resolve.model import load_model

JAN, FEB = "2026-01-31", "2026-02-28"


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a registry in which 140 people sell on two platforms, and some show no number on a third."""
    folder = tmp_path_factory.mktemp("trained")
    home = Home(folder / "home")
    home.create()
    with world(home.root, folder / "files") as made:
        made.kuaishou(JAN, [row(f"k{n}", person(n)) for n in range(140)])
        made.weipaitang(JAN, [row(f"w{n}", person(n), address=person(n + 1).address) for n in range(140)])
        weak = {"payee": None, "payee_name": None, "streamers": []}
        shown = [row(f"v{n}", person(n), person_id=masked(citizen(n)), **weak) for n in range(0, 140, 7)]
        # Every other one with a phone and an address of its own: near somebody, but not surely one.
        for n, one in enumerate(shown[::2]):
            one |= {"phone": phone(200 + n), "address": person(200 + n).address}
        made.wechat(JAN, shown)
        made.night()
    return home.root


def ask(home: Path, *words: str) -> dict[str, Any]:
    """A command's answer; what it logs must tell nothing of how long the scorer took."""
    done = CliRunner().invoke(main, [*words, "--json", "--home", str(home)])
    assert done.exit_code == 0, done.stderr
    assert "Predict time" not in done.stderr
    assert "Blocking time" not in done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_training_in_one_command_keeps_its_result_and_shows_it(county: Path, tmp_path: Path) -> None:
    shown = CliRunner().invoke(main, ["resolve", "train", "--home", str(county)])
    assert shown.exit_code == 0, shown.stderr
    for words in ("what agreement is worth", "with numbers hidden", "bands: link from", "kept, not in use"):
        assert words in shown.stderr
    told = ask(county, "resolve", "train", "--output", str(tmp_path / "model.json"))
    assert told["in_use"] is False
    assert told["counts"]["same"] >= 100
    assert told["counts"]["different"] >= 2000
    assert {r["source"] for r in told["levels"]} >= {"numbers", "kept"}
    same_phone = next(r for r in told["levels"] if (r["comparison"], r["level"]) == ("电话", "相同"))
    assert same_phone["weight"] > 5
    assert same_phone["source"] == "numbers"
    thresholds = told["thresholds"]
    assert [t["threshold"] for t in thresholds] == sorted(t["threshold"] for t in thresholds)
    assert all(0 <= t["recall"] <= 1 and 0 <= t["precision"] <= 1 for t in thresholds)
    # The same seed, the same model; the file can be read and holds nobody's number.
    assert load_model(tmp_path / "model.json").hash() == told["settings_hash"]
    listed = ask(county, "resolve", "models")["models"]
    assert [(m["version"], m["in_use"]) for m in listed] == [(2, False), (1, False), ("default", True)]
    assert listed[0]["settings_hash"] == listed[1]["settings_hash"] == told["settings_hash"]
    text = (tmp_path / "model.json").read_text("utf-8")
    assert not any(secret in text for n in range(140) for secret in (citizen(n), phone(n), masked(citizen(n))))


def test_a_run_never_trains_and_scores_by_what_was_chosen(county: Path) -> None:
    before = {m["version"]: m["settings_hash"] for m in ask(county, "resolve", "models")["models"]}
    ask(county, "resolve", "train", "--seed", "2", "--use")
    models = ask(county, "resolve", "models")["models"]
    used = [m for m in models if m["in_use"]]
    assert len(used) == 1
    assert ask(county, "resolve")["changed"] is True
    assert ask(county, "resolve")["changed"] is False
    ask(county, "resolve", "--full")
    ask(county, "nightly")
    after = ask(county, "resolve", "models")["models"]
    assert after == models
    assert len(after) == len(before) + 1
    back = ask(county, "resolve", "use", "default")
    assert back["settings_hash"] == load_model().hash()
    assert [m["version"] for m in ask(county, "resolve", "models")["models"] if m["in_use"]] == ["default"]


@pytest.mark.parametrize(("version", "said"), [("99", "there is no model 99"), ("newest", "neither the number of a model")])
def test_a_model_that_is_not_kept_is_told(county: Path, version: str, said: str) -> None:
    done = CliRunner().invoke(main, ["resolve", "use", version, "--home", str(county)])
    assert done.exit_code == 2
    assert said in done.stderr.replace("\n", " ")


def test_too_little_to_train_on_is_told(home: Home, tmp_path: Path) -> None:
    made: World
    with world(home.root, tmp_path / "files") as made:
        made.kuaishou(JAN, [row("k1", person(1)), row("k2", person(2))])
        made.night()
    done = CliRunner().invoke(main, ["resolve", "train", "--home", str(home.root)])
    assert done.exit_code == 2
    assert "too little to train on" in done.stderr
