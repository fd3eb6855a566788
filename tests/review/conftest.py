"""A registry with pairs about which the machine doubts, resolved once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from desks import JAN, ROWS, Desk
from worlds import world

from zp_registry.home import Home


@pytest.fixture
def desk(home: Home, tmp_path: Path, database_url: str) -> Iterator[Desk]:
    """The registry, resolved once, on either database."""
    with world(home.root, tmp_path / "files", database_url) as made:
        made.kuaishou(JAN, list(ROWS))
        made.night()
        yield Desk(made)


@pytest.fixture
def small_desk(home: Home, tmp_path: Path) -> Iterator[Desk]:
    """The same on SQLite alone."""
    with world(home.root, tmp_path / "files") as made:
        made.kuaishou(JAN, list(ROWS))
        made.night()
        yield Desk(made)
