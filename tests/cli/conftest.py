"""An empty working folder for every test, and one registry with the whole sample in it that tests copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from clerk import SAMPLES, Clerk


@pytest.fixture
def clerk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clerk:
    """A clerk in an empty folder."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return Clerk(folder)


@pytest.fixture(scope="session")
def county(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the samples and a home in which ``demo`` has run once. Copy it, never change it."""
    folder = tmp_path_factory.mktemp("county")
    shutil.copytree(SAMPLES, folder / "sample_data", ignore=shutil.ignore_patterns("simulator", "truth", "__pycache__"))
    process = Clerk(folder).start("demo", "--json")
    out, err = process.communicate(timeout=300)
    assert process.returncode == 3, err.decode()
    (folder / "demo.json").write_bytes(out)
    (folder / "demo.err").write_bytes(err)
    return folder


@pytest.fixture
def stocked(clerk: Clerk, county: Path) -> Clerk:
    """A clerk whose home holds the sample county."""
    shutil.copytree(county, clerk.folder, dirs_exist_ok=True)
    return clerk
