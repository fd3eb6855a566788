"""A backup is made while others work, opens with its master key alone, and brings everything back."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from worlds import person, row, world
from zp_registry.jobs import backup as copies

from zp_registry.crypto import Damaged
from zp_registry.errors import KeyProblem, UsageError
from zp_registry.home import Home
from zp_registry.settings import Settings


def fresh(url: str, folder: Path) -> Settings:
    """An empty place of the same kind."""
    Home(folder).create()
    if url.startswith("sqlite"):
        return Settings(home=folder)
    name = f"{make_url(url).database}_back"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"))
    engine.dispose()
    return Settings(home=folder, database_url=make_url(url).set(database=name).render_as_string(hide_password=False))


def test_a_backup_brings_everything_back(database_url: str, tmp_path: Path) -> None:
    with world(tmp_path / "home", tmp_path / "files", database_url) as county:
        county.kuaishou("2026-01-31", [row(f"k{n}", person(n)) for n in range(9)])
        county.night()
        before = county.accounts().to_dict("records")
        with county.office.engine.connect() as reader:  # somebody is reading meanwhile
            reader.execute(text("SELECT COUNT(*) FROM record")).scalar()
            made = copies.backup(county.office.engine, county.office.ring, tmp_path / "backup")
        assert {t: made["counts"][t] for t in ("record", "pledge", "holding")} == {"record": 9, "pledge": 0, "holding": 9}
        with pytest.raises(UsageError, match="already"):
            copies.backup(county.office.engine, county.office.ring, tmp_path / "backup")
        key = county.office.home.master_key
    assert sorted(p.name for p in (tmp_path / "backup").iterdir()) == ["database.sealed", "manifest.json"]
    data = (tmp_path / "backup" / "database.sealed").read_bytes() + (tmp_path / "backup" / "manifest.json").read_bytes()
    assert person(1).name.encode() not in data
    assert not list(tmp_path.glob(".zp-backup-*"))
    settings = fresh(database_url, tmp_path / "new")
    with pytest.raises(KeyProblem, match="no master key"):
        copies.restore(settings, tmp_path / "backup")
    target = Home(settings.home).master_key
    target.write_bytes(b"A" * 43 + b"=")
    target.chmod(0o600)
    with pytest.raises(KeyProblem, match="not the one"):
        copies.restore(settings, tmp_path / "backup")
    shutil.copy(key, target)
    newer = tmp_path / "newer"
    shutil.copytree(tmp_path / "backup", newer)
    manifest = (newer / "manifest.json").read_text("utf-8")
    (newer / "manifest.json").write_text(manifest.replace('"schema": "', '"schema": "9'), "utf-8")
    with pytest.raises(UsageError, match="newer version"):
        copies.restore(settings, newer)
    spoilt = bytearray((newer / "database.sealed").read_bytes())
    spoilt[len(spoilt) // 2] ^= 1
    (newer / "database.sealed").write_bytes(spoilt)
    (newer / "manifest.json").write_text(manifest, "utf-8")
    with pytest.raises(Damaged):
        copies.restore(settings, newer)
    copies.restore(settings, tmp_path / "backup")
    with pytest.raises(UsageError, match="empty"):
        copies.restore(settings, tmp_path / "backup")
    with world(settings.home, tmp_path / "files2", settings.database_url) as county:
        assert county.accounts().to_dict("records") == before
