"""The tests' own promises: both databases, no network, no silent skips."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from zp_registry.registry.database import open_database, schema_is_current, upgrade

SKIPPING = """
import pytest
def test_kept(): pass
def test_skipped(): pytest.skip("no server")
@pytest.mark.xfail
def test_known(): raise AssertionError
"""


def test_each_database_is_fresh_and_takes_the_schema(database_url: str) -> None:
    engine = open_database(database_url)
    assert not schema_is_current(engine)
    upgrade(engine)
    upgrade(engine)
    assert schema_is_current(engine)
    engine.dispose()


def test_no_test_reaches_beyond_this_machine() -> None:
    for host in ("192.0.2.1", "example.org"):
        with pytest.raises(RuntimeError, match="tests stay on this machine"):
            socket.create_connection((host, 80), timeout=1)
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), timeout=5):
        pass


@pytest.mark.parametrize(("text", "silent"), [
    (SKIPPING, "1 passed, 1 skipped, 1 xfailed"), ("import pytest\npytest.importorskip('no_such')\n", "1 skipped")])
@pytest.mark.parametrize("strict", [True, False])
def test_a_skip_is_a_failure_where_everything_is_installed(tmp_path: Path, text: str, silent: str, strict: bool) -> None:
    (tmp_path / "test_it.py").write_text(text, "utf-8")
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "ZP_TEST_NO_SKIP": "1" if strict else ""}
    done = subprocess.run([sys.executable, "-m", "pytest", "-p", "conftest", "-p", "no:cacheprovider", "-q", str(tmp_path)],
                          cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    if strict:
        assert done.returncode != 0
        assert "was skipped where nothing may be" in done.stdout
    else:
        assert silent in done.stdout
