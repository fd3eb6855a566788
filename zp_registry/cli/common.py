"""What every command shares: the home folder, one machine-readable answer, errors as exit codes."""

from __future__ import annotations

import datetime as dt
import functools
import gc
import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
import pyarrow as pa
import structlog
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from zp_registry.errors import ZpError
from zp_registry.logs import set_up_logs
from zp_registry.settings import Settings, load_settings
from zp_registry.watch.freshness import Fresh

people = Console(stderr=True, highlight=False, soft_wrap=True)
if not people.is_terminal:
    people.width = 250  # a file or a mail has no window to fit into
log = structlog.get_logger(__name__)


_SHORT = 12  # as wide as a date, a count or an entity's id


class Answer:
    """Collects what a command found out: one JSON object on standard output with ``--json``; text for people goes to
    standard error."""

    def __init__(self, settings: Settings, as_json: bool) -> None:
        self.settings, self.as_json = settings, as_json

    def say(self, text: str) -> None:
        """A line for people."""
        people.print(text, markup=False)

    def table(self, title: str, columns: list[str], rows: list[list[Any]]) -> None:
        """A table for people; nothing when there are no rows."""
        if not rows or self.as_json:
            return
        texts = [["" if v is None else str(v) for v in row] for row in rows]
        table = Table(title=title, title_justify="left")
        for column, values in zip(columns, zip(*texts, strict=True), strict=True):
            # Where a table is too wide its long columns are folded, never a date, a count or an id.
            table.add_column(column, overflow="fold", no_wrap=max(map(cell_len, values)) <= _SHORT)
        for row in texts:
            table.add_row(*row)
        people.print(table, markup=False)

    def give(self, data: dict[str, Any]) -> None:
        """The machine-readable answer, printed only with ``--json``."""
        if self.as_json:
            click.echo(json.dumps(data, ensure_ascii=False, default=str))


def tell_freshness(answer: Answer, fresh: Sequence[Fresh]) -> None:
    """The freshness of each platform with the two newest duties of January and July."""
    columns = ["platform", "newest report", "days old", "may be", "late", "month of duty", "duty", "month before", "duty then"]
    answer.table("freshness", columns, [list(f.row().values()) for f in fresh])


class Day(click.ParamType[str]):
    """A date of an option, ``YYYY-MM-DD``: a slip in it must not give a table of nothing."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return dt.datetime.strptime(str(value), "%Y-%m-%d").date().isoformat()
        except ValueError:
            self.fail(f"{value!r} is not a date such as 2026-03-31", param, ctx)


class Moment(click.ParamType[str]):
    """A date or a moment of an option, as the audit trail writes them: UTC, as exact as it was given."""

    name = "moment"
    _FORM = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(Z|[+-]\d\d:\d\d)?)?")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            found = self._FORM.fullmatch(str(value))
            day, clock, zone = found.groups() if found else (None, None, None)
            at = dt.datetime.fromisoformat(f"{day}T{clock or '00:00'}{zone or 'Z'}").astimezone(dt.UTC)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is neither a date such as 2026-03-31 nor a moment such as 2026-03-31T08:00", param, ctx)
        return at.strftime({0: "%Y-%m-%d", 5: "%Y-%m-%dT%H:%M"}.get(len(clock or ""), "%Y-%m-%dT%H:%M:%S"))


class Reason(click.ParamType[str]):
    """A reason of an option, which is kept: blanks are none."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return str(value).strip() or self.fail("a reason is needed", param, ctx)


class Main(click.Group):
    """The program: wrong usage, too, is told to programs as one object where they asked for it."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **options: Any) -> Any:
        words = sys.argv[1:] if args is None else list(args)
        if "--json" not in words or not options.get("standalone_mode", True):
            return super().main(words, *rest, **options)
        try:
            return super().main(words, *rest, **{**options, "standalone_mode": False})
        except click.ClickException as error:
            error.show()
            _give_error("UsageError", error.format_message(), error.exit_code)
            sys.exit(error.exit_code)
        except click.Abort:
            sys.exit(1)


def _give_error(kind: str, text: str, code: int) -> None:
    click.echo(json.dumps({"error": kind, "message": text, "exit_code": code}, ensure_ascii=False))


def suit_columns() -> None:
    """Sets the process up for whole columns that come and go."""
    gc.set_threshold(100_000, 50, 100)  # to look for cycles among their cells each time takes a tenth
    # Arrow's own way gives memory back at once and asks for it again: of a pull's processor time up to a fifth went to that.
    pa.set_memory_pool(pa.system_memory_pool())


def command(function: Callable[..., int | None]) -> Callable[..., None]:
    """A command with ``--home`` and ``--json``; its integer result is the exit code, a ZpError becomes a line and a code."""

    @click.option(
        "--home",
        type=click.Path(file_okay=False, path_type=Path),
        help="Folder that holds everything that changes (default: $ZP_HOME or ./var).",
    )
    @click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
    @functools.wraps(function)
    def run(*args: Any, home: Path | None, as_json: bool, **kwargs: Any) -> None:
        try:
            os.umask(os.umask(0o077) | 0o007)  # what we write is for nobody else, also where a library makes the file
            suit_columns()
            settings = load_settings(home)
            set_up_logs(settings.logs.level, settings.logs.file)
            code = function(Answer(settings, as_json), *args, **kwargs) or 0
        except ZpError as error:
            people.print(f"error: {error}", markup=False)
            code = error.exit_code
            if as_json:
                _give_error(type(error).__name__, str(error), code)
        except (click.exceptions.Exit, click.ClickException, click.Abort):
            raise
        except Exception as error:  # the log has the place, never the values
            log.exception("command failed")
            people.print(f"error: {type(error).__name__}; the log names the place", markup=False)
            code = 1
            if as_json:
                _give_error(type(error).__name__, "an unforeseen error: the log names the place", code)
        sys.exit(code)

    return run
