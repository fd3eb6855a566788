"""Worlds that several tests read back; made once."""

from __future__ import annotations

from pathlib import Path

import pytest
from zp_registry.simulator import CLEAN, generate


@pytest.fixture(scope="session")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dirty")
    generate(out, seed=11, accounts=900, months=4, start="2026-01", old_template=0.04)
    return out


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("clean")
    generate(out, seed=12, accounts=900, months=4, start="2026-01", dirt=CLEAN, old_template=0.04)
    return out
