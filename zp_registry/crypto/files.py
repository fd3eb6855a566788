"""Sealed files for ``archive/`` and ``refused/``: read and written in chunks, so that size does not matter.

``magic (4) | key id (8) | salt (16)``, then chunks of 1 MiB, each with its tag. Every file has a key of its own (HKDF of the
data key and the salt); a chunk's nonce is its index and whether it is the last, so that a cut, swapped or repeated chunk
does not open (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár).
"""

from __future__ import annotations

import fcntl
import io
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag

from zp_registry.crypto.keyring import Damaged, Keyring

_MAGIC = b"ZPF1"
_ID, _SALT, _TAG = 8, 16, 16
_CHUNK = 1 << 20
_UNFINISHED = re.compile(r"\..+\.sealed\.[a-z0-9_]{8}")  # as tempfile calls what _write_whole has begun


def seal_file(src: Path, dst: Path, ring: Keyring) -> None:
    """Writes ``src`` sealed to ``dst`` (mode 0600), whole or not at all and on the disk before this returns; ``src`` stays."""
    with src.open("rb") as source:
        _write_whole(dst, _sealed(source, ring))


def seal_bytes(data: bytes, dst: Path, ring: Keyring) -> None:
    """The same for what never stood in a file, such as the pages of a pull."""
    _write_whole(dst, _sealed(io.BytesIO(data), ring))


def _sealed(source: BinaryIO, ring: Keyring) -> Iterator[bytes]:
    salt = os.urandom(_SALT)
    key_id, cipher = ring.file_key(None, salt)
    head = _MAGIC + key_id + salt
    yield head
    for index, last, chunk in _chunks(source, _CHUNK):
        yield cipher.encrypt(_nonce(index, last), chunk, head)


def unseal_file(src: Path, dst: Path, ring: Keyring) -> None:
    """Writes the plain content of ``src`` to ``dst`` (mode 0600). Damaged if anything of it was changed or is missing, and
    then there is no ``dst``."""
    _write_whole(dst, unseal_chunks(src, ring))


def unseal_chunks(src: Path, ring: Keyring) -> Iterator[bytes]:
    """The plain content piece by piece, each proved before it is given; only the end of the iteration proves the whole."""
    with src.open("rb") as source:
        head = source.read(len(_MAGIC) + _ID + _SALT)
        if head[:len(_MAGIC)] != _MAGIC or len(head) < len(_MAGIC) + _ID + _SALT:
            raise Damaged(f"{src.name} is no sealed file, or its beginning is missing")
        _, cipher = ring.file_key(head[len(_MAGIC):len(_MAGIC) + _ID], head[-_SALT:])
        for index, last, chunk in _chunks(source, _CHUNK + _TAG):
            try:
                yield cipher.decrypt(_nonce(index, last), chunk, head)
            except InvalidTag:
                raise Damaged(f"{src.name} is damaged or cut off in part {index + 1}") from None


def sealed_with(path: Path) -> bytes | None:
    """The id of the data key that seals this file; None if it is no sealed file."""
    with path.open("rb") as source:
        head = source.read(len(_MAGIC) + _ID + _SALT)
    return head[len(_MAGIC):len(_MAGIC) + _ID] if head.startswith(_MAGIC) and len(head) == len(_MAGIC) + _ID + _SALT else None


def _chunks(source: BinaryIO, size: int) -> Iterator[tuple[int, bool, bytes]]:
    """(index, last, chunk); an empty source is one last empty chunk."""
    index, chunk = 0, source.read(size)
    while True:
        following = source.read(size)
        yield index, not following, chunk
        if not following:
            return
        index, chunk = index + 1, following


def clear_unfinished(folder: Path, names: re.Pattern[str] = _UNFINISHED) -> int:
    """Removes the files of ``folder`` that a killed run had only begun, ``*.sealed`` unless other ``names`` are given; returns
    how many. What another process is writing (a rotation of keys may be) stays: it holds a lock on its file."""
    count = 0
    for path in [p for p in folder.glob(".*") if names.fullmatch(p.name)]:
        with suppress(FileNotFoundError, BlockingIOError), path.open("rb") as half:
            fcntl.flock(half, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
            count += 1
    return count


def _nonce(index: int, last: bool) -> bytes:
    return index.to_bytes(11, "big") + bytes([last])


def _write_whole(dst: Path, parts: Iterable[bytes]) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{dst.name}.", dir=dst.parent)  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "wb") as out:
            fcntl.flock(out, fcntl.LOCK_EX)  # while it is held, somebody is at work on this file
            for part in parts:
                out.write(part)
            out.flush()
            os.fsync(out.fileno())
            os.replace(name, dst)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(dst.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the new name itself must survive a power cut, since the plain file is deleted next
    finally:
        os.close(folder)
