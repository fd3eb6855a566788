"""Platforms rehearsed over real sockets, and clients made of the packaged mappings."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from rehearsed import Platform, platform


@pytest.fixture
def playing() -> Iterator[Callable[..., Platform]]:
    """Starts platforms that end with the test: ``playing("id", records, …)``."""
    with ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(platform(*args, **options))
