"""Taking a file that somebody else may still write, move or replace: its bytes once, with their hash, and a name to show."""

from __future__ import annotations

import hashlib
import os
import stat
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from zp_registry.errors import FileRefused

# Control characters and those that turn the direction of writing: a name must not move a terminal's cursor or lie about itself.
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")  # controls, marks that show nothing or turn the line, bytes that are no UTF-8
LONGEST_NAME = 200  # characters


@dataclass(frozen=True)
class Taken:
    """A file's bytes as they were read once: ``data`` is what is hashed, parsed and put away, whatever lies there later."""

    path: Path
    name: str
    data: bytes = field(repr=False)
    sha256: str = field(repr=False)


def without_unseen(name: str, instead: str = "\ufffd") -> str:
    """A name in which every character that shows nothing, or turns the line, is replaced."""
    return "".join(instead if unicodedata.category(c) in _UNSEEN else c for c in name)


def shown_name(path: Path) -> str:
    """The file's name as it may stand in messages, logs, lists and the database."""
    name = without_unseen(path.name)
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME // 2] + "…" + name[1 - LONGEST_NAME // 2 :]


def take(path: Path, max_bytes: int, *, follow: bool = False) -> Taken:
    """Reads a regular file once. ``follow``: also through a symbolic link, where the operator named it.

    FileRefused: FILE_LINK (no regular file), FILE_TOO_LARGE, FILE_CHANGING (written while it was read); OSError.
    """
    name = shown_name(path)
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK  # a pipe must not make the night wait
    try:
        handle = os.open(path, flags | (0 if follow else os.O_NOFOLLOW))
    except OSError:
        if not follow and path.is_symlink():
            raise FileRefused("FILE_LINK", name) from None
        raise
    with os.fdopen(handle, "rb") as file:
        before = os.fstat(handle)
        if not stat.S_ISREG(before.st_mode):
            raise FileRefused("FILE_LINK", name)
        if before.st_size > max_bytes:
            raise FileRefused("FILE_TOO_LARGE", name, detail=f"{before.st_size} 字节")
        data = file.read(max_bytes + 1)
        after = os.fstat(handle)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or len(data) != after.st_size:
        raise FileRefused("FILE_CHANGING", name)
    return Taken(path, name, data, hashlib.sha256(data).hexdigest())
