"""What every test may lean on: a clean home, both databases, no network, and no silent skips where everything is installed.

``ZP_TEST_DATABASE_URL``: a PostgreSQL server on which databases may be made (``postgresql+psycopg://…``).
``ZP_TEST_NO_SKIP=1``: a skipped test is a failed one; ``.ci/run`` sets it, since there everything is installed.
"""

from __future__ import annotations

import os
import shutil
import sys
import uuid
from collections.abc import Generator, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from zp_registry.home import Home

_SLOW = [HealthCheck.too_slow]
settings.register_profile("tests", deadline=None, max_examples=60, derandomize=True, suppress_health_check=_SLOW)
settings.register_profile("search", deadline=None, max_examples=2000, suppress_health_check=_SLOW)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "tests"))


@pytest.fixture(autouse=True)
def _own_settings_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of whoever runs the tests do not reach them."""
    for name in list(os.environ):
        if name.startswith("ZP_") and not name.startswith("ZP_TEST_"):
            monkeypatch.delenv(name)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home folder with its whole layout."""
    made = Home(tmp_path / "home")
    made.create()
    return made


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database: every test that asks for it runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'registry.sqlite'}"
    else:
        yield from _postgres()


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    yield from _postgres()


def _postgres() -> Iterator[str]:
    from sqlalchemy import create_engine, make_url, text

    server = os.environ.get("ZP_TEST_DATABASE_URL")
    if not server:
        pytest.skip("no PostgreSQL server: give ZP_TEST_DATABASE_URL, or run .ci/run")
    name = f"zp_test_{uuid.uuid4().hex}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"))
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        engine.dispose()


@pytest.fixture
def soffice() -> str:
    """LibreOffice's program; mark the test with ``office``."""
    return _program("LibreOffice", "soffice", "libreoffice")


@pytest.fixture
def chromium() -> str:
    """A Chromium browser's program; mark the test with ``browser``."""
    return _program("Chromium", "chromium", "chromium-browser", "google-chrome")


def _program(title: str, *names: str) -> str:
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"{title} is not installed")
    return found


# -- no network but the machine's own


def _stay_home(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        _only_loopback(arguments[1][0])
    elif event == "socket.getaddrinfo" and arguments[0] is not None:
        _only_loopback(arguments[0])


def _only_loopback(host: str | bytes) -> None:
    text = host.decode() if isinstance(host, bytes) else host
    try:
        inside = ip_address(text).is_loopback
    except ValueError:
        inside = text in ("localhost", "")
    if not inside:
        raise RuntimeError(f"a test tried to reach {text}: tests stay on this machine")


sys.addaudithook(_stay_home)


# -- no silent skips


def _failed_instead(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get("ZP_TEST_NO_SKIP") == "1" and report.skipped and not hasattr(report, "wasxfail"):
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} was skipped where nothing may be (ZP_TEST_NO_SKIP=1): {why}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _failed_instead(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _failed_instead(report)
    return report
