"""One writer per home folder.

The lock is the kernel's (flock) and ends with the process, also when it is killed; the file's text only says who holds it.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from zp_registry.errors import LockHeld


@contextmanager
def only_writer(file: Path, command: str) -> Iterator[None]:
    """Holds the lock ``file`` (``Home.lock``) while the block runs. LockHeld says who has it; nothing waits.

    ``command`` is told to others: give the command's name, not its arguments.
    """
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockHeld(f"another run holds the lock: {_holder(file)}; try again when it has ended") from None
        os.ftruncate(handle, 0)
        started = datetime.now(UTC).isoformat(timespec="seconds")
        os.pwrite(handle, json.dumps({"pid": os.getpid(), "command": command, "started": started}).encode(), 0)
        try:
            yield
        finally:
            os.ftruncate(handle, 0)
            # Unlocked by name, since a child process that is just being born holds a copy of the handle for a moment.
            fcntl.flock(handle, fcntl.LOCK_UN)
    finally:
        os.close(handle)  # the file itself stays: deleting it would let two runs lock two files of one name


def _holder(file: Path) -> str:
    try:
        who = json.loads(file.read_text("utf-8"))
        return f"'{who['command']}', process {who['pid']}, since {who['started']}"
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "it has only just started"
