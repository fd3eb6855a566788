"""A registry at work in an empty home."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from worlds import World, world

from zp_registry.home import Home


@pytest.fixture
def county(home: Home, tmp_path: Path) -> Iterator[World]:
    """A registry on SQLite, and a folder for its files."""
    with world(home.root, tmp_path / "files") as made:
        yield made


@pytest.fixture
def other(tmp_path: Path) -> Iterator[World]:
    """Another registry."""
    with world(tmp_path / "other", tmp_path / "others") as made:
        yield made
