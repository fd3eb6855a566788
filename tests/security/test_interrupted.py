"""After a kill or a failing write at any moment, the next night ends in the registry of an undisturbed one."""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from faults import Server
from sqlalchemy import create_engine, make_url, text
from worlds import fill_inbox, kuaishou, person, row, shop, wechat, world
from zp_registry.jobs.doctor import examine
from zp_registry.jobs.office import at_work

from zp_registry.errors import LockHeld
from zp_registry.home import Home
from zp_registry.registry import audit, tables
from zp_registry.registry.database import open_database
from zp_registry.settings import Settings

KILLS = ("kill", "kill~")
FAILURES = ("full", "readonly", "locked", "cut", "clock", "full!", "readonly!", "locked!", "cut!")


def contents(home: Home, url: str) -> dict[str, list[tuple[str, ...]]]:
    """The registry but for ids and moments: an entity is called by its accounts and number."""
    with world(home.root, home.root.parent / "files", url) as county:
        known = county.knowledge()
        unsound = [str(f) for f in examine(county.office, raw=False)]
        accounts, flags = tables.accounts(known), tables.flags(known)
        # A night that lost a ledger may have put its people on a list; what stood on a list is remembered as resolved.
        listed = set(county.sql("SELECT flag_id FROM followup_listing")["flag_id"])
        flags = flags[~((flags["status"] == "resolved") & flags["flag_id"].isin(listed))]
        marks = known.entities.set_index("entity_id").apply(
            lambda e: f"{e['kind']} {e['name']} {e['uscc']} {e['id_mask']}", axis=1)  # fmt: skip
        holdings = known.holdings[["platform", "account_id", "entity_id", "valid_from", "valid_to"]]
        frames = {
            "accounts": accounts, "holdings": holdings, "entities": tables.entities(known).drop(columns="linked_entities"),
            "flags": flags[["family", "code", "level", "status", "platform", "account_id", "entity_id", "other_entity_id"]],
            # Which rows of a file are news depends on what was loaded before it.
            "rows": county.sql("SELECT name, rows_read, rows_loaded + rows_unchanged AS kept FROM report_file "
                               "WHERE state = 'loaded'"),
            "sightings": county.sql("SELECT r.source, r.as_of, COUNT(*) AS n FROM sighting g JOIN report r "
                                    "ON r.id = g.report_id WHERE r.superseded_by IS NULL GROUP BY r.source, r.as_of"),
        }  # fmt: skip
    out = {}
    for name, frame in frames.items():
        shown = frame.copy()
        for column in ("entity_id", "other_entity_id"):
            if column in shown:
                shown[column] = shown[column].map(marks)
        out[name] = sorted(tuple("" if pd.isna(v) else str(v) for v in line) for line in shown.to_numpy(dtype=object).tolist())
    out["doctor"] = sorted((f,) for f in unsound)
    out["begun"] = sorted((str(p.relative_to(home.root)),) for p in home.root.rglob("*") if p.name.startswith("."))
    out["inbox"] = sorted((p.name,) for p in home.inbox.rglob("*") if p.is_file())
    for folder in (home.archive, home.refused):
        out[folder.name] = sorted((p.name,) for p in folder.iterdir())
    return out


class Ground:
    """Places for nights, each with the same full inbox (``stocked``) and an empty database. ``quick``: nights by the server
    that is ready for them (``faults.py``); else by one that has imported the program and no more."""

    def __init__(self, folder: Path, stocked: Home, backend: str, *, quick: bool) -> None:
        self.folder, self.stocked, self.backend, self.made = folder, stocked, backend, 0
        folder.mkdir()
        self.server = Server(folder, *([shutil.copytree(stocked.root, folder / "spent")] if quick else []))
        home, url = self.place()
        done, said = self.server.ask(home.root, url)
        assert done["code"] == 3, said[-3000:]
        self.writes: int = done["writes"]
        self.expected = contents(home, url)
        assert self.expected["inbox"] == self.expected["doctor"] == self.expected["begun"] == []
        assert len(self.expected["accounts"]) == 7
        self.leave(home, url)

    def place(self) -> tuple[Home, str]:
        self.made += 1
        root = self.folder / f"night{self.made}"
        shutil.copytree(self.stocked.root, root)
        if self.backend == "sqlite":
            return Home(root), f"sqlite:///{root}/db/registry.sqlite"
        server = os.environ.get("ZP_TEST_DATABASE_URL")
        if not server:
            pytest.skip("no PostgreSQL server: give ZP_TEST_DATABASE_URL, or run .ci/run")
        name = f"zp_test_fault_{os.getpid()}_{self.made}"
        on_server(server, f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        return Home(root), make_url(server).set(database=name).render_as_string(hide_password=False)

    def close(self) -> None:
        self.server.close()

    def leave(self, home: Home, url: str) -> None:
        shutil.rmtree(home.root)
        if self.backend != "sqlite":
            name = make_url(url).database
            on_server(os.environ["ZP_TEST_DATABASE_URL"], f"DROP DATABASE {name} WITH (FORCE)")

    def disturb(self, kind: str, at: int) -> dict[str, Any]:
        """A night with a fault and one without; how the first ended. AssertionError if the registry is another then."""
        home, url = self.place()
        first, _ = self.server.ask(home.root, url, kind, at)
        second, said = self.server.ask(home.root, url)
        assert second["code"] in (0, 3), f"{kind} at {at}: {said[-3000:]}"
        now = contents(home, url)
        for name, rows in self.expected.items():
            assert now[name] == rows, f"{kind} at write {at} of {self.writes} ({first['hit']}): {name}"
        self.leave(home, url)
        return first


def on_server(server: str, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def _points(seed: int, writes: int, count: int) -> Iterator[tuple[str, int]]:
    """A kill at every second point, at the others each failure in turn; no write comes again before each has had its point."""
    chance, deck = random.Random(seed), list[int]()
    for n in range(count):
        if not deck:
            deck = chance.sample(range(1, writes + 1), writes)
        yield FAILURES[n // 2 % len(FAILURES)] if n % 2 else KILLS[n // 2 % 2], deck.pop()


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """An inbox of several kinds of files."""
    home = Home(tmp_path_factory.mktemp("stocked"))
    fill_inbox(home)
    rows = [row("c1", shop(2)), row("c2", person(9))]
    wechat(home.inbox / "reports" / "wechat_channels_20260131.xlsx", rows, "2026-01-31")
    return home


def test_a_disturbed_night_is_made_good_by_the_next_one(stocked: Home, tmp_path: Path) -> None:
    with closing(Ground(tmp_path / "ground", stocked, "sqlite", quick=True)) as ground:
        for kind, at in _points(11, ground.writes, 3):
            ground.disturb(kind, at)


@pytest.mark.postgres
def test_on_postgresql_too(stocked: Home, tmp_path: Path) -> None:
    with closing(Ground(tmp_path / "ground", stocked, "postgresql", quick=False)) as ground:
        for kind, at in [("cut", ground.writes // 2), *_points(12, ground.writes, 1)]:
            ground.disturb(kind, at)


@pytest.mark.soak
@pytest.mark.parametrize("backend", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_at_five_hundred_points_and_by_every_kind(stocked: Home, tmp_path: Path, backend: str) -> None:
    """``ZP_TEST_FAULT_POINTS`` of ``ZP_TEST_FAULT_SEED``, from the point ``ZP_TEST_FAULT_FROM`` on; ``ZP_TEST_FAULT_LOG``: a
    file that gets a JSON line for each point."""
    asked = (("POINTS", "500"), ("SEED", "13"), ("FROM", "1"))
    count, seed, first = (int(os.environ.get(f"ZP_TEST_FAULT_{name}", given)) for name, given in asked)
    log, wrong = os.environ.get("ZP_TEST_FAULT_LOG"), []
    with ExitStack() as both:
        quick, fresh = (both.enter_context(closing(Ground(tmp_path / name, stocked, backend, quick=name == "quick")))
                        for name in ("quick", "fresh"))  # fmt: skip
        assert fresh.expected == quick.expected
        for number, (kind, at) in itertools.islice(enumerate(_points(seed, quick.writes, count), 1), first - 1, None):
            told: dict[str, Any] = {"backend": backend, "number": number, "kind": kind, "at": at, "of": quick.writes}
            try:
                told |= (quick if number % 20 else fresh).disturb(kind, at)
            except AssertionError as error:
                wrong.append(f"{kind} at {at}: {error}")
                told["wrong"] = wrong[-1]
                print(wrong[-1], file=sys.stderr)
            if log:
                with Path(log).open("a", encoding="utf-8") as out:
                    out.write(json.dumps(told, ensure_ascii=False) + "\n")
    assert wrong == []


def test_a_clock_that_was_set_back_ends_nothing_before_it_began(home: Home, tmp_path: Path) -> None:
    with world(home.root, tmp_path / "files") as county:
        county.kuaishou("2026-01-31", [row("k1", person(1)), row("k2", person(2))])
        county.night()
        county.kuaishou("2026-01-31", [row("k1", person(3)), row("k2", person(2))])  # in the place of the former
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(audit, "moment", lambda: "2020-01-01T00:00:00.000+00:00")
            county.night()
        assert [name for name, _, _ in county.holdings("k1")] == [person(3).name]
        assert len(county.holdings("k1", all_versions=True)) == 2
        assert [str(f) for f in examine(county.office)] == []


def test_a_commit_outlives_a_power_cut(tmp_path: Path) -> None:
    """The report's file is archived and synced right after its commit: that must not be in the system's memory alone."""
    with open_database(f"sqlite:///{tmp_path / 'registry.sqlite'}").connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


# -- one run at a time


@pytest.mark.postgres
def test_a_second_run_from_another_home_or_host_leaves_with_4(postgres_url: str, tmp_path: Path) -> None:
    one, other = (Settings(home=tmp_path / name, database_url=postgres_url) for name in ("one", "other"))
    with at_work(one, "nightly"):
        shutil.copy(one.home / "keys" / "master.key", tmp_path / "key")
        Home(other.home).create()
        shutil.copy(tmp_path / "key", other.home / "keys" / "master.key")
        with pytest.raises(LockHeld, match="zp-registry") as held, at_work(other, "nightly"):
            pass
        assert held.value.exit_code == 4
    with at_work(other, "nightly"):
        pass


@pytest.mark.postgres
def test_the_lock_of_a_run_that_was_killed_is_free_at_once(postgres_url: str, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", database_url=postgres_url)
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom zp_registry.jobs.office import at_work\n"
        "from zp_registry.settings import Settings\n"
        "with at_work(Settings(home=Path(sys.argv[1]), database_url=sys.argv[2]), 'nightly'):\n"
        "    print('ready', flush=True)\n    time.sleep(100)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, settings.home, postgres_url], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    with pytest.raises(LockHeld), at_work(settings, "import"):
        pass
    process.kill()
    process.wait()
    with at_work(settings, "import") as office, office.engine.connect() as connection:
        assert connection.execute(text("SELECT state FROM run ORDER BY started_at")).scalars().all() == ["killed", "running"]


def test_two_homes_over_one_sqlite_file_are_one_writer_too(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.sqlite'}"
    with at_work(Settings(home=tmp_path / "one", database_url=url), "nightly"):
        (tmp_path / "other" / "keys").mkdir(parents=True)
        shutil.copy(tmp_path / "one" / "keys" / "master.key", tmp_path / "other" / "keys" / "master.key")
        with pytest.raises(LockHeld), at_work(Settings(home=tmp_path / "other", database_url=url), "import"):
            pass


# -- files in motion


def test_a_file_that_is_replaced_after_it_was_read_stays_and_is_read_the_next_night(home: Home, tmp_path: Path) -> None:
    from zp_registry.jobs import nightly as job
    from zp_registry.jobs.archive import put_away, put_back

    path = kuaishou(home.inbox / "reports" / "kuaishou_20260131.csv", [row("k1", person(1))])
    replaced = threading.Event()

    def replace_first(office: object, file: Path, taken: object, *, refused: bool) -> str | None:
        if not replaced.is_set():
            replaced.set()
            kuaishou(path, [row("k1", person(1)), row("k2", person(2))])
        return put_away(office, file, taken, refused=refused)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch, world(home.root, tmp_path / "files") as county:
        patch.setattr(job, "put_away", replace_first)
        first = job.nightly(county.office)
        assert [p.name for p in (home.inbox / "reports").iterdir()] == [path.name]
        assert any("仍在原处" in p for p in first.problems)
        assert len(county.accounts()) == 1
        job.nightly(county.office)
        assert len(county.accounts()) == 2
        assert list((home.inbox / "reports").iterdir()) == []
        assert len(list(home.archive.iterdir())) == 2
        aside = home.inbox / "reports" / ".zp-taking" / "abcd"
        aside.mkdir(parents=True)
        (aside / "left.csv").write_bytes(b"x")
        assert put_back(home.inbox) == 1
        assert (home.inbox / "reports" / "left.csv").read_bytes() == b"x"


def test_a_file_that_is_written_to_while_it_is_read_waits_for_the_next_night(home: Home, tmp_path: Path) -> None:
    from zp_registry.jobs.nightly import nightly

    path = kuaishou(home.inbox / "reports" / "kuaishou_20260131.csv", [row("k1", person(1))])
    looked, real = [], os.fstat

    def written_to(handle: int) -> os.stat_result:
        """Somebody's copy goes on between the first look at the file and the second."""
        if os.readlink(f"/proc/self/fd/{handle}") == str(path):
            looked.append(handle)
            if len(looked) == 2:
                with path.open("ab") as file:
                    file.write(b"\n")
        return real(handle)

    with world(home.root, tmp_path / "files") as county, pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fstat", written_to)
        first = nightly(county.office)
        assert [(o.state, o.code) for o in first.outcomes] == [("waiting", "FILE_CHANGING")]
        assert "下次运行再读" in first.outcomes[0].message
        assert first.exit_code == 3
        assert path.exists()
        assert [o.state for o in nightly(county.office).outcomes] == ["loaded"]
        assert not path.exists()


def test_links_pipes_and_strange_names_in_the_inbox(home: Home, tmp_path: Path) -> None:
    from zp_registry.jobs.nightly import nightly

    inbox, secret = home.inbox / "reports", tmp_path / "secret.csv"
    kuaishou(secret, [row("k7", person(7))])
    (inbox / "kuaishou_20260131.csv").symlink_to(secret)
    (inbox / "folder").symlink_to(tmp_path)
    os.mkfifo(inbox / "pipe.csv")
    (inbox / "..\\..\\evil.xlsx").write_bytes(b"PK\3\4 broken")
    (inbox / ".upload.xlsx.part").write_bytes(b"half of a file that still comes")
    kuaishou(inbox / "kuaishou_20260228_\x1b[2J\u202e\n.csv", [row("k1", person(1))])
    kuaishou(inbox / ("x" * 200 + "_kuaishou_20260331.csv"), [row("k2", person(2))])
    kuaishou(Path(os.fsdecode(os.fsencode(inbox) + b"/kuaishou_20260430_\xff.csv")), [row("k3", person(3))])
    begun = [home.lists / ".zp-killed_1.tmp", home.root / "desk" / "lists" / ".zp-killed_2.tmp"]
    for file in begun:  # lists that a killed run was writing, with phones in clear
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("half")
    with world(home.root, tmp_path / "files") as county:
        done = nightly(county.office)
        assert not any(file.exists() for file in begun)
        states = sorted((o.code, o.state) for o in done.outcomes if o.state == "refused")
        assert [c for c, _ in states if c != "FILE_LINK"] == ["FILE_BROKEN"]
        assert len(states) == 4
        assert all(ch.isprintable() for o in done.outcomes for ch in o.name)
        assert secret.exists()
        assert person(7).name not in str(county.sql("SELECT subject_name FROM record"))
        assert sorted(p.name for p in inbox.iterdir()) == [".upload.xlsx.part", "pipe.csv"]
        assert {"k1", "k3"} <= set(county.accounts()["account_id"])
