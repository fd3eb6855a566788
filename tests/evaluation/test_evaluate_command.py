"""``evaluate`` on a real registry: what it tells, lists and draws."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from openpyxl import load_workbook
from worlds import World, masked, person, row, world

from zp_registry.cli import main
from zp_registry.home import Home

NOW = "2026-03-31T00:00:00.000+00:00"


@pytest.fixture
def county(home: Home, tmp_path: Path) -> Iterator[World]:
    """Two people with whole numbers, and a third who on one of two accounts shows visible digits and nothing else in common."""
    one, two, three = person(1), person(2), person(3)
    with world(home.root, tmp_path / "files") as made:
        made.kuaishou(
            "2026-03-31",
            [
                row("1", one),
                row("2", one),
                row("3", two),
                row("4", three),
                row("5", three, person_id=masked(three.person_id), phone=one.phone, payee=one.card),
            ],
        )
        made.night()
        yield made


def labels(folder: Path, parties: dict[str, str]) -> Path:
    """Labels of the accounts of one report; all are decidable, and the first two are in a trap."""
    path = folder / "labels.csv"
    lines = [f"kuaishou,{a},2026-03,{p},1,{'market|couple' if a in '12' else ''}" for a, p in parties.items()]
    path.write_text("\n".join(["platform,account_id,month,party_id,decidable,traps", *lines]) + "\n", "utf-8")
    return path


def evaluate(county: World, truth: Path, *words: str) -> dict[str, Any]:
    done = CliRunner().invoke(main, ["evaluate", str(truth), "--json", "--home", str(county.office.home.root), *words])
    assert done.exit_code == 0, done.stderr
    return dict(json.loads(done.stdout))


def subject(county: World, account: str) -> int:
    found = county.sql("SELECT subject_id FROM record WHERE account_ref = :a", a=account)
    return int(found["subject_id"].iloc[0])


def edge(county: World, left: str, right: str, judgement: str, score: float) -> None:
    """An edge of the model between the holders of two accounts, in place of the machine's former one."""
    a, b = sorted((subject(county, left), subject(county, right)))
    county.execute("DELETE FROM edge WHERE left_id = :a AND right_id = :b", a=a, b=b)
    county.execute(
        "INSERT INTO edge (left_id, right_id, judgement, score, tier, rule, settings_hash, who, why, created_at) "
        "VALUES (:a, :b, :j, :s, 'model', 'weight', 'h', 'resolve', '名称相近', :n)",
        a=a,
        b=b,
        j=judgement,
        s=score,
        n=NOW,
    )


TRUE = {"1": "A", "2": "A", "3": "B", "4": "C", "5": "C"}


def test_wrong_merges_are_told_by_trap_and_listed_with_the_edges_that_made_them(county: World, tmp_path: Path) -> None:
    holder = county.holder("1")
    county.execute("UPDATE subject SET current_id = :e WHERE id = :s", e=holder, s=subject(county, "3"))
    county.execute("UPDATE account SET entity_id = :e WHERE account_id = '3'", e=holder)
    edge(county, "1", "3", "positive", 8.5)
    listing = tmp_path / "errors.csv"
    told = evaluate(county, labels(tmp_path, TRUE), "--errors", str(listing))
    assert told["entities"]["entities_mixed"] == 1
    assert {t["word"]: t["wrong"] for t in told["traps"]} == {"couple": 2, "market": 2}
    assert [t["wrong"] for t in told["tiers"] if t["tier"] == "model"] == [2]
    rows = list(csv.DictReader(listing.open(encoding="utf-8-sig")))
    merge = [r for r in rows if r["kind"] == "wrong merge"]
    assert [(r["account_id"], r["party_id"]) for r in merge if r["row"] == "account"] == [("1", "A"), ("2", "A"), ("3", "B")]
    made = [r for r in merge if r["row"] == "edge" and r["tier"] == "model"]
    assert [(r["score"], r["rule"], r["why"], r["judgement"]) for r in made] == [("8.5", "weight", "名称相近", "positive")]
    assert {made[0]["name"], made[0]["other_name"]} == {person(1).name, person(2).name}
    assert made[0]["place"].startswith("kuaishou_20260331.csv")
    text = listing.read_text("utf-8-sig")
    for n in (1, 2, 3):
        assert person(n).person_id not in text
        assert person(n).phone not in text


def test_a_true_pair_that_is_apart_is_owed_to_the_queue(county: World, tmp_path: Path) -> None:
    assert county.holder("4") != county.holder("1")
    county.execute("UPDATE edge SET deleted_at = :n WHERE deleted_at IS NULL", n=NOW)
    own = "E" + str(max(subject(county, "5"), subject(county, "4"))).zfill(8)
    county.execute("UPDATE account SET entity_id = :e WHERE account_id = '5'", e=own)
    county.execute("UPDATE subject SET current_id = :e WHERE id = :s", e=own, s=subject(county, "5"))
    truth = labels(tmp_path, TRUE)
    told = evaluate(county, truth)["review"]
    assert (told["pairs"], told["owed"], told["owed_queued"], told["missing"]) == (0, 1, 0, 1)
    assert told["missing_list"][0]["party_id"] == "C"
    assert {"name", "number"} <= set(told["missing_list"][0]["fields"].split(","))
    edge(county, "4", "5", "unsure", 2.5)
    edge(county, "1", "3", "unsure", 1.0)
    out = evaluate(county, truth, "--errors", str(tmp_path / "e.xlsx"), "--picture", str(tmp_path / "p.png"))
    told = out["review"]
    assert (told["pairs"], told["true"], told["false"], told["owed_queued"], told["missing"]) == (2, 1, 1, 1, 0)
    assert out["thresholds"][-1]["edges"] == 2
    assert out["thresholds"][-1]["recall"] > out["thresholds"][0]["recall"]
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    sheet = load_workbook(tmp_path / "e.xlsx")["errors"]
    header, *rows = sheet.iter_rows(values_only=True)
    doubts = [dict(zip(header, r, strict=True)) for r in rows if r[header.index("row")] == "edge"]
    assert [(d["kind"], d["judgement"], d["score"]) for d in doubts] == [("split", "unsure", 2.5)]
    assert next(n for n in out["numbers"] if (n["left"], n["right"]) == ("whole", "masked"))["recall"] == 0.0


def test_files_with_other_endings_are_refused_before_anything_is_read(county: World, tmp_path: Path) -> None:
    truth = labels(tmp_path, TRUE)
    for words in (["--errors", str(tmp_path / "e.txt")], ["--picture", str(tmp_path / "p.jpg")]):
        done = CliRunner().invoke(main, ["evaluate", str(truth), "--home", str(county.office.home.root), *words])
        assert done.exit_code == 2, done.stderr
    assert not list(tmp_path.glob("e.*")) + list(tmp_path.glob("p.*"))


def test_people_see_the_tables_that_the_figures_are_in(county: World, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["evaluate", str(labels(tmp_path, TRUE)), "--home", str(county.office.home.root)])
    assert done.exit_code == 0
    for title in ("by tier", "by numbers of the two accounts", "by trap", "review queue", "B-cubed precision"):
        assert title in done.stderr
