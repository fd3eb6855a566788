"""Platforms rehearsed over real sockets, and clients made of the packaged mappings."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from rehearsed import MAPPINGS, PLATFORMS, Platform, platform
from zp_registry.simulator import Dirt, generate

from zp_registry.rehearsal import report_records


@pytest.fixture
def playing() -> Iterator[Callable[..., Platform]]:
    """Starts platforms that end with the test: ``playing("id", records, …)``."""
    with ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(platform(*args, **options))


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """One month of every platform's report, as its interface gives it."""
    out = tmp_path_factory.mktemp("world")
    generate(out, seed=21, parties=420, months=1, dirt=Dirt().scaled(0), ledger=False, flat=True, layouts=tuple(PLATFORMS))
    found = {name: next(out.glob(f"reports/{name}_*")) for name in PLATFORMS}
    return {name: report_records(path, MAPPINGS, name) for name, path in found.items()}
