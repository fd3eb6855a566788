"""An upgrade is backed up first and is whole or nothing: after one that fails the former version goes on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, inspect, text
from test_backup import fresh
from worlds import person, row, world
from zp_registry.jobs import backup as copies
from zp_registry.jobs.doctor import examine
from zp_registry.jobs.office import open_office

from zp_registry.errors import UpgradeFailed, UsageError, ZpError
from zp_registry.home import Home
from zp_registry.registry import database
from zp_registry.registry.database import alembic_config, open_database, schema_of
from zp_registry.settings import Settings

MIGRATION = '''
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "{number}", "{before}", None, None
def upgrade() -> None:
{body}
'''
GOOD = """
    op.create_table("extra", sa.Column("id", sa.Integer(), primary_key=True))
    with op.batch_alter_table("record") as batch:  # on SQLite the table is made anew
        batch.alter_column("source", type_=sa.String(80))
    op.execute("UPDATE entity SET name = 'x'")
"""
BAD = GOOD.replace("extra", "more").replace('"source", type_=sa.String(80)', '"part_of", nullable=False')
SCRIPTS = database.ScriptDirectory.from_config(alembic_config(open_database("sqlite://")))


def version(folder: Path, *bodies: str) -> Callable[[Engine], Any]:
    """The program's configuration in a later version, which has these migrations besides."""
    shutil.copytree(Path(database.__file__).parent / "migrations", folder)
    before = SCRIPTS.get_current_head()
    for n, body in enumerate(bodies):
        script = MIGRATION.format(number=f"later{n}", before=f"later{n - 1}" if n else before, body=body)
        (folder / "versions" / f"later{n}.py").write_text(script, "utf-8")

    def config(engine: Engine) -> Any:
        made = alembic_config(engine)
        made.set_main_option("script_location", str(folder))
        return made

    return config


def everything(url: str) -> dict[str, Any]:
    """Every table's columns and rows, but for the trail and what is noted with it: the backup is noted there."""
    engine = open_database(url)
    tables = sorted(set(inspect(engine).get_table_names()) - {"audit", "state"})
    with engine.connect() as connection:
        rows = {t: sorted(map(str, connection.execute(text(f"SELECT * FROM {t}")).all())) for t in tables}
    columns = {t: [(c["name"], str(c["type"])) for c in inspect(engine).get_columns(t)] for t in tables}
    engine.dispose()
    return {t: (columns[t], rows[t]) for t in tables}


def test_an_upgrade_that_fails_and_one_that_does_not(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "home")
    settings = Settings(home=home.root, database_url=database_url)
    with world(home.root, tmp_path / "files", database_url) as county:
        county.kuaishou("2026-01-31", [row("k1", person(1)), row("k2", person(2))])
        county.night()
        former = schema_of(county.office.engine)
    before = everything(database_url)
    assert not list(home.backups.iterdir())  # a new registry needs none

    for _ in range(2):  # the second of its migrations fails halfway, every night
        monkeypatch.setattr(database, "alembic_config", version(tmp_path / f"bad{_}", GOOD, BAD))
        with pytest.raises(UpgradeFailed, match="it is as it was") as failed:
            open_office(settings)
        assert person(1).name not in str(failed.value)
        assert failed.value.__cause__ is None
        assert everything(database_url) == before
        monkeypatch.undo()
    [backup] = home.backups.iterdir()
    assert backup.name.startswith(f"schema-{former}-")

    with world(home.root, tmp_path / "more", database_url) as county:  # the former version
        county.kuaishou("2026-02-28", [row("k1", person(3))])
        county.night()
        assert len(county.accounts()) == 2
        assert [str(f) for f in examine(county.office)] == []

    monkeypatch.setattr(database, "alembic_config", version(tmp_path / "good", GOOD))
    office = open_office(settings)
    assert schema_of(office.engine) == "later0"
    with office.engine.connect() as connection:
        assert set(connection.execute(text("SELECT name FROM entity")).scalars()) == {"x"}
    office.engine.dispose()
    [backup] = home.backups.iterdir()
    monkeypatch.undo()
    with pytest.raises(UsageError, match="newer version"):
        open_office(settings)

    back = fresh(database_url, tmp_path / "back")  # with the former version, from the backup of the upgrade
    shutil.copy(home.master_key, Home(back.home).master_key)
    copies.restore(back, backup)
    with world(back.home, tmp_path / "files2", back.database_url) as county:
        assert schema_of(county.office.engine) == former
        assert len(county.accounts()) == 2


def test_without_a_backup_nothing_is_upgraded_unless_asked_for(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from zp_registry.jobs import office

    settings = Settings(home=home.root)
    office.open_office(settings).engine.dispose()
    former = everything(settings.database_url)
    monkeypatch.setattr(database, "alembic_config", version(tmp_path / "good", GOOD))

    def fails(*_args: object) -> Path:
        raise copies.BackupFailed("no room")

    monkeypatch.setattr(office, "backup_before_upgrade", fails)
    with pytest.raises(ZpError, match="no room"):
        office.open_office(settings)
    assert everything(settings.database_url) == former
    with office.at_work(settings, "init", backup=False) as opened:
        assert schema_of(opened.engine) == "later0"


@pytest.mark.parametrize("older", sorted(r.revision for r in SCRIPTS.walk_revisions())[:-1])
def test_every_older_schema_is_upgraded(home: Home, older: str) -> None:
    from alembic import command

    settings = Settings(home=home.root)
    engine = open_database(settings.database_url)
    command.upgrade(alembic_config(engine), older)
    office = open_office(settings)
    assert office.ring.data_keys
    assert [str(f) for f in examine(office)] == []
    engine.dispose()


def test_a_rotation_leaves_backups_their_keys(home: Home, tmp_path: Path) -> None:
    from click.testing import CliRunner

    from zp_registry.cli import main

    with world(home.root, tmp_path / "files") as county:
        county.kuaishou("2026-01-31", [row("k1", person(1))])
        copies.backup(county.office.engine, county.office.ring, home.backups / "mine")
    for _ in range(2):
        done = CliRunner().invoke(main, ["keys", "rotate", "--reason", "yearly", "--home", str(home.root)])
        assert done.exit_code == 0, done.output
    back = fresh("sqlite://", tmp_path / "back")
    shutil.copy(home.master_key, Home(back.home).master_key)
    copies.restore(back, home.backups / "mine")
