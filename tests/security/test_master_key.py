"""The master key is changed: killed or failing at any write, the old key or the new one opens everything."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from faults import Server
from sqlalchemy import make_url
from test_interrupted import on_server
from worlds import person, row, world
from zp_registry.jobs import backup as copies
from zp_registry.jobs.masterkey import change_master, former_keys
from zp_registry.jobs.office import at_work, open_office
from zp_registry.jobs.privacy import retention

from zp_registry.cli import main
from zp_registry.crypto import find_master, master_mark, seal_bytes
from zp_registry.errors import KeyProblem, UsageError
from zp_registry.home import Home
from zp_registry.registry import audit, rotation
from zp_registry.registry.database import open_database
from zp_registry.registry.keys import stored_keys
from zp_registry.settings import Settings


def fill(home: Path, files: Path, url: str | None = None) -> None:
    with world(home, files, url) as county:
        county.office.home.create()
        county.kuaishou("2026-01-31", [row(f"k{n}", person(n)) for n in range(3)])
        for n in range(2):
            seal_bytes(f"a report {n}".encode(), county.office.home.archive / f"{n}.csv.sealed", county.office.ring)


def opens(settings: Settings) -> None:
    """The registry opens as it lies there, every value of it, and its audit trail holds."""
    office = open_office(settings)
    with office.engine.connect() as connection:
        assert rotation.damaged_values(connection, office.ring) == []
        assert sum(rotation.held(connection)["record.sealed"].values()) == 3
        assert audit.broken_link(connection) is None
    office.engine.dispose()


class Copies:
    """Copies of a small registry, on SQLite or PostgreSQL."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url, self.made = folder, url, 0
        self.sqlite = url.startswith("sqlite")
        fill(folder / "home", folder / "files", None if self.sqlite else url)
        if not self.sqlite:  # a database with guests cannot be copied
            on_server(os.environ["ZP_TEST_DATABASE_URL"], "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                      f"datname = '{make_url(url).database}'")  # fmt: skip

    def new(self) -> Settings:
        self.made += 1
        root = shutil.copytree(self.folder / "home", self.folder / f"copy{self.made}")
        if self.sqlite:
            return Settings(home=root)
        name = f"{make_url(self.url).database}_{self.made}"
        on_server(os.environ["ZP_TEST_DATABASE_URL"], f"CREATE DATABASE {name} TEMPLATE {make_url(self.url).database}")
        return Settings(home=root, database_url=make_url(self.url).set(database=name).render_as_string(hide_password=False))

    def away(self, settings: Settings) -> None:
        shutil.rmtree(settings.home)
        if not self.sqlite:
            name = make_url(settings.database_url).database
            on_server(os.environ["ZP_TEST_DATABASE_URL"], f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("served"))
    yield server
    server.close()


@pytest.mark.parametrize("kinds", [("kill",), pytest.param(("kill", "kill~", "full", "cut"), marks=pytest.mark.soak)], ids=len)
def test_killed_or_failing_at_any_write_one_of_the_two_keys_opens_everything(
    kinds: tuple[str, ...], database_url: str, tmp_path: Path, served: Server
) -> None:
    places = Copies(tmp_path / "ground", database_url)
    settings = places.new()
    before = Home(settings.home).master_key.read_bytes()
    done, said = served.ask(settings.home, settings.database_url, job="keys master")
    assert done["code"] == 0, said
    assert Home(settings.home).master_key.read_bytes() != before
    places.away(settings)
    ended: set[bool] = set()
    every = 1 if len(kinds) > 1 else 2 if places.sqlite else 6
    for kind, at in [(k, n) for k in kinds for n in range(1, done["writes"] + 1, every)]:
        settings = places.new()
        keys, file = Home(settings.home).keys, Home(settings.home).master_key
        served.ask(settings.home, settings.database_url, kind, at, "keys master")
        assert before in [p.read_bytes() for p in keys.iterdir()], f"the old key is gone: {kind} at {at}"
        opens(settings)  # for looking, while the change is not ended yet
        with at_work(settings, "test") as office, office.engine.connect() as connection:  # what works ends it
            master = find_master(file)
            assert master is not None
            assert {k.wrapped[1:9].hex() for k in stored_keys(connection)} == {master_mark(master)}
        ended.add(file.read_bytes() != before)
        with at_work(settings, "keys master") as office:
            change_master(office, "again")
        opens(settings)
        assert sorted(p.name for p in keys.glob("*.next")) == sorted(p.name for p in keys.glob(".*")) == []
        places.away(settings)
    assert ended == {True, False}, "points on both sides of the commit"


@pytest.mark.parametrize("kinds", [("kill",), pytest.param(("kill", "kill~", "full", "cut"), marks=pytest.mark.soak)], ids=len)
def test_a_rotation_that_is_killed_or_fails_at_any_write_goes_on(
    kinds: tuple[str, ...], database_url: str, tmp_path: Path, served: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = Copies(tmp_path / "ground", database_url)
    settings = places.new()
    done, said = served.ask(settings.home, settings.database_url, job="keys rotate")
    assert done["code"] == 0, said
    places.away(settings)
    every = 1 if len(kinds) > 1 else 7 if places.sqlite else 14
    for kind, at in [(k, n) for k in kinds for n in range(every // 2 + 1, done["writes"] + 1, every)]:
        settings = places.new()
        served.ask(settings.home, settings.database_url, kind, at, "keys rotate")
        opens(settings)  # some under the older key, some under the new one
        monkeypatch.setenv("ZP_DATABASE_URL", settings.database_url)
        again = CliRunner().invoke(main, ["keys", "rotate", "--home", str(settings.home)])
        assert again.exit_code == 0, f"{kind} at {at}: {again.output}"
        opens(settings)
        office = open_office(settings)
        with office.engine.connect() as connection:
            under = {key for counts in rotation.held(connection).values() for key in counts}
        under |= {key.hex() for _, key in rotation.sealed_files(settings.home)}
        assert under == {office.ring.current.hex()}, f"{kind} at {at}"
        assert rotation.damaged_files(settings.home, office.ring) == []
        office.engine.dispose()
        places.away(settings)


def test_a_former_key_is_kept_as_long_as_backups_need_it(home: Home, tmp_path: Path) -> None:
    fill(home.root, tmp_path / "files")
    settings, old = Settings(home=home.root), home.master_key.read_bytes()
    with at_work(settings, "test") as office:
        copies.backup_before_upgrade(office.engine, office.ring, home)
        changed = change_master(office, "yearly")
        assert changed.former is not None
        assert changed.former.read_bytes() == old
        assert changed.former.stat().st_mode & 0o777 == 0o600
        assert former_keys(office) == {changed.former: 1}
        fresh = Home(tmp_path / "fresh")
        fresh.create()
        made = next(home.backups.iterdir())
        shutil.copy(home.master_key, fresh.master_key)
        with pytest.raises(KeyProblem, match="not the one"):
            copies.restore(Settings(home=fresh.root), made)
        shutil.copy(changed.former, fresh.master_key)
        copies.restore(Settings(home=fresh.root), made)
        opens(Settings(home=fresh.root))
        assert [r["count"] for r in retention(office) if r["what"] == "backups made before upgrades"] == [0]
        manifest = made / "manifest.json"
        manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "made_at": "2020-01-31T00:00:00Z"}), "utf-8")
        assert [r["count"] for r in retention(office, dry_run=True) if r["what"] == "backups made before upgrades"] == [1]
        assert made.exists()
        retention(office)
        assert not made.exists()
        assert former_keys(office) == {changed.former: 0}


def test_a_rotation_under_the_former_key_is_refused(database_url: str, tmp_path: Path) -> None:
    fill(tmp_path / "home", tmp_path / "files", database_url)
    settings = Settings(home=tmp_path / "home", database_url=database_url)
    former = find_master(Home(settings.home).master_key)
    assert former is not None
    with at_work(settings, "test") as office:
        change_master(office, "yearly")
        with pytest.raises(KeyProblem), office.engine.begin() as connection:
            rotation.add_key(connection, former, "aes-256-gcm")
        office.engine.dispose()
    opens(settings)


def test_a_key_that_a_variable_gives(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = (base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))
    monkeypatch.setenv("ZP_MASTER_KEY", one)
    fill(home.root, tmp_path / "files")
    settings = Settings(home=home.root)
    with at_work(settings, "test") as office, pytest.raises(UsageError, match="--new"):
        change_master(office, "yearly")
    monkeypatch.setenv("THE_NEW_ONE", two)
    words = ["keys", "master", "--home", str(home.root), "--reason", "yearly", "--new", "env:THE_NEW_ONE"]
    said = CliRunner().invoke(main, words)
    assert said.exit_code == 0, said.output
    assert two not in said.output
    with pytest.raises(KeyProblem, match="not the one"):
        open_office(settings)
    monkeypatch.setenv("ZP_MASTER_KEY", two)
    opens(settings)
    assert list(home.keys.iterdir()) == []
    engine = open_database(settings.database_url)
    with engine.connect() as connection:
        noted = audit.entries(connection, action="change master key")
    engine.dispose()
    assert [n["reason"] for n in noted] == ["yearly"]
    assert CliRunner().invoke(main, words).exit_code == 2, "the present one is no new one"


def test_what_a_killed_backup_left_in_clear_is_deleted_by_the_next(home: Home, tmp_path: Path) -> None:
    fill(home.root, tmp_path / "files")
    left = tmp_path / ".zp-backup-killed"
    left.mkdir()
    (left / "database").write_bytes(b"names in clear")
    office = open_office(Settings(home=home.root))
    copies.backup(office.engine, office.ring, tmp_path / "backup")
    assert sorted(p.name for p in tmp_path.glob(".*")) == []
    office.engine.dispose()
