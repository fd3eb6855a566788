"""A flag's life over the nights: its id and first date stay, states resolve and come again, people's decisions hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from worlds import World, kuaishou, ledger, person, pledge, row, shop, weipaitang, world

from zp_registry.frames import EXPORT_FLAGS
from zp_registry.registry import tables

JAN, FEB, MAR, APR = "2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"
A, B, C = person(1), person(2), person(3)


def test_ids_and_first_dates_stay_over_nights(county: World) -> None:
    county.kuaishou(JAN, [row("k1", A), row("k2", B)])
    county.kuaishou(FEB, [row("k1", C), row("k2", B)])
    county.night()
    before = {f["flag_id"]: (f["code"], f["first_seen"]) for f in county.flags()}
    assert ("HOLDER_CHANGED", FEB) in before.values()
    for day in (MAR, APR):
        county.kuaishou(day, [row("k1", C), row("k2", B), row("k3", person(9))])
        county.night()
        now = {f["flag_id"]: (f["code"], f["first_seen"]) for f in county.flags()}
        assert before.items() <= now.items()
    assert ("k1", "HOLDER_CHANGED") in county.codes(), "a change stays open until a person decides"


def test_a_state_flag_resolves_and_opens_again_under_its_id(county: World) -> None:
    people = [person(100 + n) for n in range(6)]
    plain = [row(f"w{n}", p) for n, p in enumerate(people)]
    shared = [r | {"phone": "13803770003"} for r in plain]
    seen = []
    for day, rows in ((JAN, shared), (FEB, plain), (MAR, shared)):
        county.weipaitang(day, rows)
        county.night()
        (flag,) = [f for f in county.flags("SHARED_PHONE") if f["account_id"] == "w0"]
        seen.append((flag["flag_id"], flag["status"], flag["first_seen"], flag["last_seen"]))
    number = seen[0][0]
    assert seen == [(number, "open", JAN, JAN), (number, "resolved", JAN, JAN), (number, "open", MAR, MAR)]


def test_a_dismissed_flag_stays_so_until_something_new_happens(county: World) -> None:
    county.kuaishou(JAN, [row("k1", A), row("k2", A)])
    county.kuaishou(FEB, [row("k1", B), row("k2", C)])
    county.night()
    one, two = sorted((f for f in county.flags("HOLDER_CHANGED")), key=lambda f: str(f["account_id"]))
    county.decide(one["flag_id"], "dismissed")
    county.decide(two["flag_id"], "confirmed")
    county.kuaishou(MAR, [row("k1", B), row("k2", C)])
    county.night()
    assert {f["account_id"]: f["status"] for f in county.flags("HOLDER_CHANGED")} == {"k1": "dismissed", "k2": "confirmed"}
    county.kuaishou(APR, [row("k1", C), row("k2", C)])
    county.night()
    after = {f["account_id"]: f for f in county.flags("HOLDER_CHANGED")}
    assert (after["k1"]["status"], after["k1"]["flag_id"]) == ("open", one["flag_id"])
    assert (after["k2"]["status"], after["k2"]["flag_id"]) == ("confirmed", two["flag_id"])
    county.decide(two["flag_id"], "reopened")
    county.night()
    assert {f["account_id"]: f["status"] for f in county.flags("HOLDER_CHANGED")} == {"k1": "open", "k2": "open"}


def test_a_flag_whose_ground_is_corrected_goes_unless_somebody_worked_on_it(county: World) -> None:
    county.kuaishou(JAN, [row("k1", A), row("k2", A)])
    county.kuaishou(FEB, [row("k1", B), row("k2", C)])
    county.night()
    flags = {f["account_id"]: f["flag_id"] for f in county.flags("HOLDER_CHANGED")}
    county.decide(flags["k1"], "confirmed")
    county.decide(flags["k1"], "reopened")
    county.kuaishou(FEB, [row("k1", A), row("k2", A)])  # the corrected report: nothing was sold
    county.night()
    assert [(f["flag_id"], f["status"]) for f in county.flags("HOLDER_CHANGED")] == [(flags["k1"], "resolved")]
    assert set(flags.values()).isdisjoint(county.codes())
    county.kuaishou(MAR, [row("k1", A), row("k2", B)])
    county.night()
    new = [f["flag_id"] for f in county.flags("HOLDER_CHANGED") if f["account_id"] == "k2"]
    assert new != [flags["k2"]], "an id is never used again"
    assert max(flags.values()) < new[0]


def _story(folder: Path) -> list[tuple[str, Path, str]]:
    """(date, file, kind): three months with a sale, a takeover, sharing, pledges that end, a voided account."""
    folder.mkdir()
    six = [person(100 + n) for n in range(6)]
    months: list[tuple[str, list[dict[str, Any]], list[dict[str, Any]]]] = [
        (JAN, [row("k1", A), row("k2", B), row("k3", shop(4))], [row(f"w{n}", p) for n, p in enumerate(six)]),
        (
            FEB,
            [row("k1", B), row("k2", B), row("k3", replace(shop(4), name="镇平县改名玉器店"))],
            [row(f"w{n}", p, phone="13803770004") for n, p in enumerate(six)],
        ),
        (
            MAR,
            [row("k1", A), row("k3", shop(4))],
            [row("w0", six[0], phone=C.phone, payee_name=C.name, payee=C.card)]
            + [row(f"w{n}", p) for n, p in enumerate(six) if n],
        ),
    ]
    out = [
        (
            JAN,
            ledger(
                folder / "台账.xlsx",
                [
                    pledge("P1", B, "2026-01-10", 有效期至="2026-02-15"),
                    pledge("P2", A, "2026-02-10"),
                    pledge("P3", person(80), "2026-01-02"),
                ],
            ),
            "pledge",
        )
    ]
    for day, ks, wp in months:
        out.append((day, kuaishou(folder / f"kuaishou_{day.replace('-', '')}.csv", ks), "report"))
        out.append((day, weipaitang(folder / f"weipaitang_{day.replace('-', '')}.jsonl", wp, day), "report"))
    return out


@pytest.mark.parametrize("day", [JAN, FEB])
def test_a_past_night_is_told_as_it_was(tmp_path: Path, day: str) -> None:
    """What is told for a past date equals the registry that has the files up to then alone; telling writes nothing."""
    story = _story(tmp_path / "story")
    with world(tmp_path / "whole", tmp_path / "a") as whole, world(tmp_path / "part", tmp_path / "b") as part:
        for when, path, kind in story:
            whole.load(path, kind=kind)
            if when <= day:
                part.load(path, kind=kind)
        whole.night()
        part.night()
        stored_before = tables.flags(whole.knowledge())
        told, then = whole.knowledge(as_of=day), part.knowledge()
        columns = [c for c in EXPORT_FLAGS if c != "flag_id"]
        keys = ["code", "platform", "account_id", "entity_id", "reason"]

        def ordered(k: tables.Knowledge) -> list[dict[str, Any]]:
            names = k.entities.set_index("entity_id")["name"]
            frame = k.flags[columns].copy()
            for column in ("entity_id", "other_entity_id"):
                frame[column] = frame[column].map(names).astype("str")
            return frame.astype("str").fillna("").sort_values(keys).to_dict("records")  # type: ignore[return-value]

        assert ordered(told) == ordered(then)
        assert len(told.flags) > 3
        held = ["platform", "account_id", "valid_from", "valid_to", "evidence"]
        assert told.holdings[held].fillna("").to_numpy().tolist() == then.holdings[held].fillna("").to_numpy().tolist()
        assert tables.flags(whole.knowledge()).equals(stored_before)
