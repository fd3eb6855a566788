"""The database of the former release, as it was stored then, is upgraded and goes on; on SQLite and on PostgreSQL."""

from __future__ import annotations

import csv
import io
import shutil
import sqlite3
from pathlib import Path

from click.testing import CliRunner
from sqlalchemy import MetaData, create_engine, text
from worldfiles import kuaishou
from worlds import person, row
from zp_registry.jobs.doctor import examine
from zp_registry.jobs.office import open_office

from zp_registry.cli import main
from zp_registry.home import Home
from zp_registry.registry.database import alembic_config, open_database, schema_of
from zp_registry.settings import Settings

FORMER = Path(__file__).with_name("former")
FIRST = "0001"


def stored(home: Home, url: str) -> None:
    """The home folder and the database as they were."""
    shutil.copyfile(FORMER / "master.key", home.master_key)
    home.master_key.chmod(0o600)
    shutil.copytree(FORMER / "archive", home.archive, dirs_exist_ok=True)
    file = home.root / "former.sqlite" if url.startswith("postgresql") else Path(url.removeprefix("sqlite:///"))
    file.parent.mkdir(exist_ok=True)
    old = sqlite3.connect(file)
    old.executescript((FORMER / "registry.sql").read_text("utf-8"))
    old.close()
    if url.startswith("postgresql"):
        _over(file, url)


def _over(file: Path, url: str) -> None:
    """The same rows in the tables that the first schema made on PostgreSQL."""
    from alembic import command

    engine, old = open_database(url), create_engine(f"sqlite:///{file}")
    command.upgrade(alembic_config(engine), FIRST)
    here, there = MetaData(), MetaData()
    here.reflect(engine)
    there.reflect(old)
    with engine.begin() as target, old.connect() as source:
        for table in here.sorted_tables:
            if table.name == "alembic_version":
                continue
            if rows := [dict(r) for r in source.execute(there.tables[table.name].select()).mappings()]:
                target.execute(table.insert(), rows)
                if "id" in table.columns and table.columns["id"].autoincrement is True:
                    counter = f"pg_get_serial_sequence('{table.name}', 'id')"
                    target.execute(text(f"SELECT setval({counter}, MAX(id)) FROM {table.name}"))
    engine.dispose()
    old.dispose()


def told(home: Home, url: str, what: str, *words: str) -> list[dict[str, str]]:
    """An export's rows."""
    done = CliRunner().invoke(main, ["export", what, *words, "--home", str(home.root)], env={"ZP_DATABASE_URL": url})
    assert done.exit_code == 0, done.output
    return list(csv.DictReader(io.StringIO(done.stdout_bytes.decode("utf-8-sig"))))


def test_the_former_releases_database_goes_on(home: Home, database_url: str) -> None:
    stored(home, database_url)
    office = open_office(Settings(home=home.root, database_url=database_url))
    assert schema_of(office.engine) != FIRST
    assert [str(f) for f in examine(office)] == []
    office.engine.dispose()
    assert [b.name.split("-")[1] for b in home.backups.iterdir()] == [FIRST]
    for what in ("accounts", "holdings", "flags"):
        before = list(csv.DictReader(io.StringIO((FORMER / f"{what}.csv").read_text("utf-8-sig"))))
        now = told(home, database_url, what)
        assert [{k: r[k] for k in before[0]} for r in now] == before

    kuaishou(home.inbox / "reports" / "kuaishou_20260228.csv", [row("ks10002", person(30)), row("neu", person(31))])
    done = CliRunner().invoke(main, ["nightly", "--home", str(home.root)], env={"ZP_DATABASE_URL": database_url})
    assert done.exit_code in (0, 3), done.output
    accounts = {r["account_id"]: r for r in told(home, database_url, "accounts")}
    assert accounts["neu"]["subject_name"] == person(31).name
    flags = {r["flag_id"]: r for r in told(home, database_url, "flags")}
    assert flags["F00000010"]["status"] == "dismissed", "what a person decided stays decided"
    changed = {f["account_id"] for f in flags.values() if f["code"] == "HOLDER_CHANGED"}
    assert changed >= {"ks10001", "ks10002"}
    office = open_office(Settings(home=home.root, database_url=database_url))
    assert [str(f) for f in examine(office)] == []
    office.engine.dispose()
