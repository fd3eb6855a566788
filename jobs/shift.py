"""Working in an office that is open already: the lock is waited for, since the night's run or another clerk may hold it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from zp_registry.errors import LockHeld
from zp_registry.lock import only_writer
from zp_registry.registry.audit import moment
from zp_registry.registry.onewriter import only_writer_of
from zp_registry.registry.runs import finish_run, start_run

from .office import Office

PAUSE = 0.2  # seconds between two tries


@contextmanager
def on_shift(
    office: Office, command: str, *, patience: float = 3600, waiting: Callable[[], None] = lambda: None
) -> Iterator[Office]:
    """The office with the lock held and a run record of its own. ``waiting`` is called once when the lock is held by another
    run; LockHeld when it still is after ``patience`` seconds."""
    with ExitStack() as held:
        until, told = time.monotonic() + patience, False
        while True:
            try:
                with ExitStack() as both:
                    both.enter_context(only_writer(office.home.lock, command))
                    both.enter_context(only_writer_of(office.engine, office.home.root, command))
                    held.push(both.pop_all())
                break
            except LockHeld:
                if time.monotonic() > until:
                    raise
                if not told:
                    waiting()
                    told = True
                time.sleep(PAUSE)
        own = dataclasses.replace(office, run_id=start_run(office.engine, command), state="done", exit_code=0, summary={})
        try:
            yield own
        except BaseException as error:
            finish_run(own.engine, own.run_id or "", "failed", 1, {**own.summary, "error": type(error).__name__})
            raise
        finish_run(own.engine, own.run_id or "", own.state, own.exit_code, {**own.summary, "at": moment()})
