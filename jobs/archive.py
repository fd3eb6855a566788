"""Where a file goes when it has been dealt with: sealed, into archive/ or refused/, under a name that carries its hash.

What is sealed are the bytes that were read. A file that was replaced or written to since then is another file: it stays in the
inbox for the next run. To tell the two apart without a gap, the file is first moved into a hidden folder beside it, where
nobody looks; a run that is killed in between leaves it there, and the next one puts it back (:func:`put_back`).
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from pathlib import Path

import structlog

from zp_registry.crypto import seal_bytes, seal_file
from zp_registry.errors import FileRefused
from zp_registry.sources import Taken, shown_name, take

from .office import Office

log = structlog.get_logger(__name__)
ASIDE = ".zp-taking"
STAYS = "{name}：已处理，但无法移出收件箱（{why}）；下次运行会认出它，不会重复载入"


def put_away(office: Office, path: Path, taken: Taken | None, *, refused: bool) -> str | None:
    """Seals what was read and removes the file from the inbox, in this order. ``taken``: None where it was not read whole.

    Returns None, or what there is to say when the file could not leave, in Chinese.
    """
    folder = office.home.refused if refused else office.home.archive
    try:
        return _put_away(office, path, taken, folder)
    except OSError as error:
        log.warning("file stays in the inbox", file=shown_name(path), why=error.strerror)
        return STAYS.format(name=shown_name(path), why=error.strerror)


def _put_away(office: Office, path: Path, taken: Taken | None, folder: Path) -> str | None:
    name = shown_name(path)
    if path.is_symlink():
        target = b"symbolic link to " + os.fsencode(os.readlink(path)) + b"\n"
        seal_bytes(target, sealed_path(folder, hashlib.sha256(target).hexdigest(), name + ".link"), office.ring)
        path.unlink()
        return None
    if not stat.S_ISREG(path.lstat().st_mode):  # a pipe or device that somebody has made on purpose
        return None
    if taken is not None:
        seal_bytes(taken.data, sealed_path(folder, taken.sha256, name), office.ring)
    aside = path.parent / ASIDE / secrets.token_hex(4)
    aside.mkdir(parents=True, mode=0o700)
    held = aside / path.name
    path.rename(held)
    if taken is None:  # too large to be read at once
        with held.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        seal_file(held, sealed_path(folder, digest, name), office.ring)
        held.unlink()
    else:
        try:
            same = take(held, len(taken.data)).sha256 == taken.sha256
        except FileRefused:
            same = False
        if same:
            held.unlink()
        else:
            _give_back(held, path)
    _tidy(aside)
    return None if taken is None or same else f"{name}：载入后又有新的内容，仍在原处，下次运行再读"


def sealed_path(folder: Path, digest: str, name: str) -> Path:
    """Where a file of this hash and name lies; a name too long for a folder is shortened, its beginning and ending kept."""
    room = 255 - 40
    data = name.replace("/", "_").encode()
    if len(data) > room:
        data = data[: room // 2] + data[-room // 2 :]
    return folder / f"{digest[:16]}_{data.decode(errors='ignore')}.sealed"


def _give_back(held: Path, path: Path) -> None:
    """Moves the file to its old place; beside it where something else has come to stand there meanwhile."""
    target, number = path, 1
    while True:
        try:
            os.link(held, target)  # fails where something stands, unlike a rename
        except FileExistsError:
            number += 1
            target = path.with_name(f"{path.stem}-{number}{path.suffix}")
            continue
        held.unlink()
        return


def _tidy(aside: Path) -> None:
    for folder in (aside, aside.parent):
        try:
            folder.rmdir()
        except OSError:  # another file is being put away there
            return


def put_back(inbox: Path) -> int:
    """Puts files that a killed run has set aside back into their folders; returns how many."""
    count = 0
    for folder in [p for p in inbox.rglob(ASIDE) if p.is_dir() and not p.is_symlink()]:
        for held in [p for p in folder.glob("*/*") if p.is_file() and not p.is_symlink()]:
            _give_back(held, folder.parent / held.name)
            count += 1
        for empty in folder.glob("*"):
            _tidy(empty)
    return count
