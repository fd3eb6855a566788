"""After a night no ID number, phone or payee account stands in clear anywhere in the home, but on the lists for people."""

from __future__ import annotations

import io
import shutil
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
from worlds import firm, kuaishou, ledger, masked, person, pledge, row, shop, wechat, weipaitang, world
from zp_registry.jobs.nightly import nightly

from zp_registry.home import Home
from zp_registry.logs import set_up_logs


def _contents(path: Path) -> list[bytes]:
    """A file's bytes, and those of its members if it is a zip container (xlsx)."""
    data = path.read_bytes()
    if not data.startswith(b"PK"):
        return [data]
    with zipfile.ZipFile(io.BytesIO(data)) as container:
        return [container.read(n) for n in container.namelist()]


def _secrets() -> dict[str, str]:
    """Every number that stands in the files below, by what it is."""
    found: dict[str, str] = {}
    for n in range(12):
        who = person(n)
        found |= {f"number {n}": who.person_id, f"phone {n}": who.phone, f"card {n}": who.card}
    return found


def test_nothing_stands_in_clear_after_a_night(home: Home, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    inbox = home.inbox / "reports"
    nobody = row(
        "k9", person(9), name=None, person=None, person_id=None, streamers=[]
    )  # a row without holder but with phone and payee: rejected
    rows = [
        row("k1", person(1)),
        row("k2", shop(2)),
        row("k3", firm(3)),
        row("k4", person(4), person_id=masked(person(4).person_id)),
        row("k5", person(5), person_id=person(5).person_id[:-2]),
        row("", person(6)),
        nobody,
    ]
    kuaishou(inbox / "kuaishou_20260131.csv", rows)
    kuaishou(inbox / "kuaishou_20260228.csv", [row("k1", person(7)), *rows[1:]])  # a transfer: reasons and evidence are written
    weipaitang(
        inbox / "weipaitang_20260131.jsonl",
        [row("w1", person(8), streamers=[(person(11).name, person(11).person_id, "employee")])],
        "2026-01-31",
    )
    wechat(inbox / "wechat_channels_20260131.xlsx", [row("c1", person(10)), row("c2", shop(0))], "2026-01-31")
    bad = [row("", person(n)) for n in range(12)]
    kuaishou(inbox / "kuaishou_20260331.csv", bad)  # refused whole
    (inbox / "broken.csv").write_bytes(("没有的表头,电话\n甲," + person(1).phone + "\n").encode())
    ledger(
        home.inbox / "pledges" / "台账_石佛寺镇.xlsx",
        [pledge("P1", person(1), "2026-01-10"), pledge("P2", person(11), "没有日期")],
    )
    set_up_logs("debug", home.logs / "zp.log")
    with world(home.root, tmp_path / "files") as county:
        night = nightly(county.office)
        assert night.exit_code == 3
        assert [s["state"] for s in night.steps] == ["done"] * 5
        assert county.flags("HOLDER_CHANGED")
        assert len(county.sql("SELECT id FROM reject")) >= 3
        snapshot = tmp_path / "snapshot"  # while the log of writes is still there
        shutil.copytree(home.root, snapshot, ignore=shutil.ignore_patterns("lists"))
    shutil.copytree(home.root, tmp_path / "after", ignore=shutil.ignore_patterns("lists"))
    looked = 0
    for path in [*snapshot.rglob("*"), *(tmp_path / "after").rglob("*")]:
        if path.is_file():
            for data in _contents(path):
                looked += len(data)
                clear = [
                    what
                    for what, value in _secrets().items()
                    if any(value.encode(e) in data for e in ("utf-8", "utf-16-le", "utf-16-be"))
                ]
                assert not clear, f"{path.name}: {clear}"
    names = {p.relative_to(snapshot).parts[0] for p in snapshot.rglob("*") if p.is_file()}
    assert {"db", "archive", "refused", "logs", "reports"} <= names
    assert (snapshot / "db" / "registry.sqlite-wal").exists()
    assert looked > 100_000
    said = "".join(capfd.readouterr())
    assert not [what for what, value in _secrets().items() if value in said]


def test_the_markers_would_be_found(home: Home, tmp_path: Path) -> None:
    """The search above can fail: what is sealed opens again to the numbers, and the lists for people show phones by design."""
    kuaishou(home.inbox / "reports" / "kuaishou_20260131.csv", [row("k1", person(1))])
    with world(home.root, tmp_path / "files") as county:
        nightly(county.office)
        lists = [data for p in home.lists.glob("*.xlsx") for data in _contents(p)]
        assert any(person(1).phone.encode() in data for data in lists)
        with county.office.engine.connect() as connection:
            from zp_registry.registry import tables

            opened = tables.unmasked(connection, county.knowledge(), county.office.ring)
        assert opened[["id_number", "phone"]].to_numpy().tolist() == [[person(1).person_id, person(1).phone]]
    with closing(sqlite3.connect(home.db / "registry.sqlite")) as connection:
        dump = "\n".join(connection.iterdump())
    assert person(1).name in dump
    assert person(1).person_id not in dump
