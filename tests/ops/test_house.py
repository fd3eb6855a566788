"""The home folder, the lock, the log, and the published codes."""

from __future__ import annotations

import io
import json
import logging
import os
import pkgutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import click
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from zp_registry import cli
from zp_registry.errors import LockHeld, UsageError
from zp_registry.home import Home
from zp_registry.lock import only_writer
from zp_registry.logs import STRUCK, redact_text, set_up_logs
from zp_registry.quarantine.codes import CODES
from zp_registry.quarantine.reference import codes_reference
from zp_registry.scratch import scratch

ROOT = Path(__file__).resolve().parents[2]


def test_what_is_computed_in_memory_never_goes_to_disk() -> None:
    """DuckDB would spill into the working directory; so there is one place that opens it, and it forbids that."""
    con = scratch()
    assert con.execute("SELECT current_setting('temp_directory')").fetchall() == [("",)]
    con.close()
    code = [p for folder in ("zp_registry", "jobs") for p in (ROOT / folder).rglob("*.py")]
    assert [p.name for p in code if "duckdb.connect(" in p.read_text("utf-8")] == ["scratch.py"]


def test_every_command_of_a_module_is_found() -> None:
    """The program loads a module only when one of its commands is asked for by name."""
    modules = [import_module(f"zp_registry.cli.{m.name}") for m in pkgutil.iter_modules(cli.__path__)]
    theirs = sorted(str(c.name) for m in modules for c in getattr(m, "COMMANDS", ()))
    assert theirs == sorted(cli.main.list_commands(click.Context(cli.main)))


# -- the home folder


def test_the_home_folder_is_its_owners_alone(tmp_path: Path) -> None:
    home = Home(tmp_path / "deep" / "home")
    before = os.umask(0)
    try:
        home.create()
    finally:
        os.umask(before)
    for folder in home.folders():
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {p.name for p in home.inbox.iterdir()} == {"reports", "pledges", "notices", "followups", "rejects", "review"}


def test_a_home_that_stands_open_is_shut_and_group_rights_stay(home: Home) -> None:
    home.root.chmod(0o755)
    (home.inbox / "reports").chmod(0o2775)
    home.create()
    assert stat.S_IMODE(home.root.stat().st_mode) == 0o750
    assert stat.S_IMODE((home.inbox / "reports").stat().st_mode) == 0o2770


def test_a_folder_in_use_for_other_things_is_not_closed_to_others(tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    tmp_path.chmod(0o755)
    Home(tmp_path).create()
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


def test_a_home_that_cannot_be_made_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be used"):
        Home(tmp_path / "file").create()


# -- the lock

HOLD = """
import sys, time
from pathlib import Path
from zp_registry.lock import only_writer
with only_writer(Path(sys.argv[1]), "nightly"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(home: Home) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(home.lock)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_a_second_writer_is_told_who_holds_the_lock(home: Home, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(LockHeld) as error, only_writer(home.lock, "import"):
        pass
    assert error.value.exit_code == 4
    assert f"'nightly', process {holder.pid}, since 20" in str(error.value)


def test_the_lock_ends_with_its_process_even_when_killed(home: Home, holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with only_writer(home.lock, "import"):
        assert json.loads(home.lock.read_text())["command"] == "import"


def test_the_lock_is_free_again_after_an_error(home: Home) -> None:
    with pytest.raises(ZeroDivisionError), only_writer(home.lock, "one"):
        raise ZeroDivisionError
    with only_writer(home.lock, "two"), pytest.raises(LockHeld, match="'two'"), only_writer(home.lock, "three"):
        pass


def test_a_child_process_does_not_keep_the_lock(home: Home) -> None:
    with only_writer(home.lock, "one"):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"], close_fds=False)
    try:
        with only_writer(home.lock, "two"):
            pass
    finally:
        child.kill()
        child.wait()


# -- the log

NUMBERS = ["411324199001011234", "41132419900101123X", "41132419900101123x", "411324900101123", "13800001234", "+8613800001234",
           "138 0000 1234", "138-0000-1234", "6222020000001234567", "622202000000", "6222 0200 0000 1234 567",
           "411324 19900101 1234", "４１１３２４１９９００１０１１２３４", "41132419900101123400"]


@contextmanager
def logging_of_our_own() -> Iterator[None]:
    """The process's logging as it was before, afterwards; pytest's own handlers stay out of the way meanwhile."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers[:] = []
    try:
        yield
    finally:
        for handler in root.handlers:
            handler.close()
        structlog.reset_defaults()
        root.handlers[:] = handlers
        root.setLevel(level)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    with logging_of_our_own():
        set_up_logs("info", stream=stream)
        yield stream


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("around", ["{}", "证件{}有误", "ID{}", "a {} b", "x={},", "'{}'", "/inbox/{}.xlsx", "{}。"])
def test_numbers_of_people_are_struck_out_wherever_they_stand(number: str, around: str) -> None:
    assert number not in redact_text(around.format(number))
    assert STRUCK in redact_text(around.format(number))


@given(st.text("甲a ,:X-", max_size=5), st.from_regex(r"[1-9]\d{16}[\dX]", fullmatch=True), st.text("甲a ,:-", max_size=5))
def test_no_citizen_number_passes(before: str, number: str, after: str) -> None:
    assert number not in redact_text(before + number + after)


@pytest.mark.parametrize("text", ["douyin_20240331.xlsx", "2024-03-31T02:00:00+08:00", "91411324MA9ABCDE1X", "rows 1234567890",
                                  "0123456789abcdef" * 4, "v1.2.3", "E000123"])
def test_what_an_operator_needs_stays(text: str) -> None:
    assert redact_text(text) == text


def test_every_way_into_the_log_is_redacted(log: io.StringIO) -> None:
    logger = structlog.get_logger("test")
    logger.info("row 13800001234", phone="1", id_number="x", contact_phone=["x"], token="t", password="p", rows=5,
                nested={"a": ["411324199001011234"]}, number=411324199001011234,
                url="https://x/?access_token=t0k3n&b=1", db="postgresql://u:pw@h/d")
    logging.getLogger("other").warning("standard %s", "13800001234")
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert len(lines) == 2
    for secret in ("1380000", "411324199", "t0k3n", ":pw@", '"x"', '"t"', '"p"'):
        assert secret not in log.getvalue()
    assert lines[0]["rows"] == 5
    assert lines[0]["level"] == "info"
    assert lines[0]["timestamp"].endswith("Z")
    assert lines[1]["event"] == f"standard {STRUCK}"


def test_a_log_that_was_rotated_away_is_opened_anew(tmp_path: Path) -> None:
    file = tmp_path / "nightly.log"
    with logging_of_our_own():
        set_up_logs("info", file)
        structlog.get_logger("test").info("before")
        file.rename(tmp_path / "nightly.log.1")
        structlog.get_logger("test").info("after")
    assert [json.loads(f.read_text())["event"] for f in (tmp_path / "nightly.log.1", file)] == ["before", "after"]


def test_tracebacks_hold_no_local_variables(log: io.StringIO) -> None:
    def fail() -> None:
        phone_book = "local-value"
        raise ValueError(f"41132419900101123X {len(phone_book)}")

    for logger in (structlog.get_logger("test"), logging.getLogger("other")):
        try:
            fail()
        except ValueError:
            logger.exception("failed")
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert len(lines) == 2
    for line in lines:
        assert "ValueError" in line["exception"]
        assert "in fail" in line["exception"]
        assert "41132419900101123X" not in str(line)
        assert "= 'local-value'" not in str(line)


def test_a_terminal_gets_plain_text_that_is_redacted_too() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    with logging_of_our_own():
        set_up_logs("warning", stream=stream)
        structlog.get_logger("t").info("hidden")
        structlog.get_logger("t").warning("shown 13800001234", rows=2)
    assert "hidden" not in stream.getvalue()
    assert "shown" in stream.getvalue()
    assert "1380000" not in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_a_log_file_is_appended_to_and_its_owners_alone(tmp_path: Path) -> None:
    for word in ("one", "two"):
        with logging_of_our_own():
            set_up_logs("info", tmp_path / "zp.log")
            structlog.get_logger("t").info(word)
    lines = (tmp_path / "zp.log").read_text("utf-8").splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["one", "two"]
    assert stat.S_IMODE((tmp_path / "zp.log").stat().st_mode) == 0o600


# -- the published codes


def test_every_code_is_published_once() -> None:
    text = codes_reference()
    for code in CODES:
        assert text.count(f"| `{code}` |") == 1
