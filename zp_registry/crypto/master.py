"""Where the master key comes from: the variable ZP_MASTER_KEY, a command that prints it, or a file only its owner can read."""

from __future__ import annotations

import base64
import binascii
import os
import shlex
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path

from zp_registry.crypto.keyring import MASTER_BYTES
from zp_registry.errors import KeyProblem

KEY_VARIABLE, COMMAND_VARIABLE = "ZP_MASTER_KEY", "ZP_MASTER_KEY_COMMAND"
_SECONDS = 60


def find_master(file: Path, environ: Mapping[str, str] = os.environ) -> bytes | None:
    """The master key (32 bytes), None if there is none anywhere. ``file``: ``keys/master.key`` of the home folder.

    The variable beats the command, which beats the file. KeyProblem if what is there cannot be used, with what to do.
    """
    if text := environ.get(KEY_VARIABLE):
        return _decode(text, f"the variable {KEY_VARIABLE}")
    if command := environ.get(COMMAND_VARIABLE):
        return _decode(_run(command), f"what the command in {COMMAND_VARIABLE} prints")
    try:
        with file.open("rb") as handle:
            mode = stat.S_IMODE(os.fstat(handle.fileno()).st_mode)
            if mode & 0o077:
                raise KeyProblem(f"{file} can be read by others (mode {mode:04o}): run 'chmod 600 {file}', and if others "
                                 "use this machine, treat the key as known to them")
            return _decode(handle.read(4096).decode("ascii", "replace"), str(file))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KeyProblem(f"{file} cannot be read: {error.strerror}") from None


def create_master(file: Path) -> bytes:
    """Makes a new master key in ``file`` (mode 0600). KeyProblem if the file is there: a key is never written over."""
    key = os.urandom(MASTER_BYTES)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise KeyProblem(f"{file} is there already and is not written over") from None
    with os.fdopen(handle, "wb") as out:
        out.write(base64.b64encode(key) + b"\n")
        out.flush()
        os.fsync(out.fileno())
    return key


def _run(command: str) -> str:
    try:
        words = shlex.split(command)
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False)
    except (ValueError, OSError, IndexError) as error:
        raise KeyProblem(f"the command in {COMMAND_VARIABLE} cannot be run: {type(error).__name__}") from None
    except subprocess.TimeoutExpired:
        raise KeyProblem(f"the command in {COMMAND_VARIABLE} gave no key within {_SECONDS} seconds") from None
    if done.returncode:  # its output may hold the key, so it is not shown
        raise KeyProblem(f"the command in {COMMAND_VARIABLE} failed with exit code {done.returncode}")
    return done.stdout.decode("ascii", "replace")


def _decode(text: str, where: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != MASTER_BYTES:
        raise KeyProblem(f"{where} is not a master key: {MASTER_BYTES} bytes in base64 are expected (44 characters)")
    return key
