"""One desk on each database for the whole folder, and one browser."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from deskworld import PASSWORD, Site, build, serving
from sqlalchemy import create_engine, make_url, text

# What of test_guard.py can differ between the databases; the rest of it is about the server alone, and so is what test_told.py
# is about and how pages look.
ON_BOTH = ("test_words_are_words", "test_a_wrong_town", "test_the_trail", "test_guessing", "test_what_no_database")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    def wanted(item: pytest.Item) -> bool:
        about_server = "test_guard.py" in item.nodeid or "test_told.py" in item.nodeid
        on_server = about_server and not item.name.startswith(ON_BOTH)
        return not ("postgresql" in item.nodeid and (on_server or item.name.startswith("test_pages")))

    left = [i for i in items if not wanted(i)]
    config.hook.pytest_deselected(items=left)
    items[:] = [i for i in items if wanted(i)]


@pytest.fixture(scope="session", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A desk that serves; tests share it, and each uses accounts of its own."""
    folder = tmp_path_factory.mktemp(f"desk_{request.param}")
    files = folder / "files"
    files.mkdir()
    with _database(request.param) as url:
        build(folder / "home", files, url)
        with serving(folder / "home", files, url) as made:
            yield made


class _database:
    """An empty database for the session; none for SQLite, which lies in the home folder."""

    def __init__(self, kind: str) -> None:
        self.server = os.environ.get("ZP_TEST_DATABASE_URL")
        self.name = f"zp_desk_{uuid.uuid4().hex}" if kind == "postgresql" else ""
        if self.name and not self.server:
            pytest.skip("no PostgreSQL server: give ZP_TEST_DATABASE_URL, or run .ci/run")

    def _run(self, statement: str) -> None:
        engine = create_engine(self.server or "", isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()

    def __enter__(self) -> str | None:
        if not self.name:
            return None
        self._run(f"CREATE DATABASE {self.name} TEMPLATE template0 ENCODING 'UTF8'")
        return make_url(self.server or "").set(database=self.name).render_as_string(hide_password=False)

    def __exit__(self, *_error: object) -> None:
        if self.name:
            self._run(f"DROP DATABASE {self.name} WITH (FORCE)")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's Chromium."""
    import shutil

    from playwright.sync_api import sync_playwright

    program = next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)
    if program is None:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as play:
        made = play.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield made
        made.close()


class Desk:
    """Somebody at the browser."""

    def __init__(self, page: Any, base: str) -> None:
        self.page, self.base = page, base

    def open(self, path: str) -> Any:
        """Goes to a page."""
        return self.page.goto(self.base + path)

    def sign_in(self, who: str, password: str = PASSWORD) -> None:
        """Signs in."""
        self.open("/sign-in")
        self.page.fill("input[name=name]", who)
        self.page.fill("input[name=password]", password)
        self.press("登录")

    def close(self) -> None:
        """Closes the page and opens another."""
        context = self.page.context
        self.page.close()
        self.page = context.new_page()

    def press(self, title: str) -> None:
        """Presses a button and waits for what comes."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=title, exact=True).click()

    def main(self) -> str:
        """What stands on the page."""
        return str(self.page.inner_text("main"))

    def work_done(self) -> None:
        """Waits until work in the background has ended."""
        self.page.wait_for_selector("main .note.good, main .note.bad, main > .note.warn", timeout=60_000)


@pytest.fixture
def signed_in(site: Site, browser: Any) -> Iterator[Any]:
    """A function that signs somebody in, in a browser of their own; whatever a page complains about fails the test."""
    contexts, complaints = [], []

    def sign_in(who: str, password: str = PASSWORD, **given: Any) -> Desk:
        context = browser.new_context(**{"locale": "zh-CN", "viewport": {"width": 1280, "height": 900}, **given})
        contexts.append(context)
        context.set_default_timeout(60_000)  # two browsers share a small machine
        page = context.new_page()
        context.on("weberror", lambda e: complaints.append(str(e.error)))
        context.on("dialog", lambda d: (complaints.append(f"dialog {d.message}"), d.dismiss()))
        context.on("console", lambda m: complaints.append(m.text) if "Content Security" in m.text else None)
        desk = Desk(page, site.base)
        desk.sign_in(who, password)
        return desk

    yield sign_in
    for context in contexts:
        context.close()
    assert not complaints, complaints


@pytest.fixture
def files(site: Site) -> Path:
    """A folder for files to upload."""
    folder = site.files / uuid.uuid4().hex
    folder.mkdir()
    return folder
