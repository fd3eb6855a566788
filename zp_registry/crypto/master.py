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
        return decode_master(text, f"the variable {KEY_VARIABLE}")
    if command := environ.get(COMMAND_VARIABLE):
        return decode_master(_run(command), f"what the command in {COMMAND_VARIABLE} prints")
    try:
        with file.open("rb") as handle:
            mode = stat.S_IMODE(os.fstat(handle.fileno()).st_mode)
            if mode & 0o077:
                raise KeyProblem(f"{file} can be read by others (mode {mode:04o}): run 'chmod 600 {file}', and if others "
                                 "use this machine, treat the key as known to them")
            return decode_master(handle.read(4096).decode("ascii", "replace"), str(file))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KeyProblem(f"{file} cannot be read: {error.strerror}") from None


def create_master(file: Path) -> bytes:
    """Makes a new master key in ``file`` (mode 0600). KeyProblem if the file is there: a key is never written over."""
    key = os.urandom(MASTER_BYTES)
    try:
        _write(file, key)
    except FileExistsError:
        raise KeyProblem(f"{file} is there already and is not written over") from None
    return key


# A change of the master key: the coming one lies beside the present one until the registry stands under it; the former one is
# kept, since older backups open with it alone.


def from_file(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the master key is the file's: neither the variable nor the command is there."""
    return not environ.get(KEY_VARIABLE) and not environ.get(COMMAND_VARIABLE)


def find_coming(file: Path, environ: Mapping[str, str] = os.environ) -> bytes | None:
    """The key that is to take the place of the one in ``file``, None if there is none (or the key is no file's). KeyProblem."""
    return find_master(_coming(file), {}) if from_file(environ) else None


def put_coming(file: Path, key: bytes) -> None:
    """Lays ``key`` beside ``file``, whole or not at all, and on the disk when this returns."""
    for left in file.parent.glob(f".{file.name}.*"):
        left.unlink()
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    _write(unfinished, key)
    unfinished.replace(_coming(file))
    _settle_folder(file.parent)


def take_over(file: Path, mark: str) -> Path | None:
    """The coming key becomes the present one; at no moment is there none. The former one stays as ``master.key.former-MARK``
    (None if there was none)."""
    former: Path | None = file.with_name(f"{file.name}.former-{mark}")
    try:
        os.link(file, former)  # type: ignore[arg-type]
    except FileExistsError:
        pass
    except FileNotFoundError:
        former = None
    _coming(file).replace(file)
    _settle_folder(file.parent)
    return former


def former_masters(file: Path) -> dict[str, Path]:
    """Mark → file of each master key that was in force before."""
    return {p.name.rpartition("-")[2]: p for p in sorted(file.parent.glob(f"{file.name}.former-*"))}


def _coming(file: Path) -> Path:
    return file.with_name(f"{file.name}.next")


def _write(file: Path, key: bytes) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(base64.b64encode(key) + b"\n")
        out.flush()
        os.fsync(out.fileno())


def _settle_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)  # a name is on the disk only when its folder is
    finally:
        os.close(handle)


def _run(command: str) -> str:
    try:
        words = shlex.split(command)
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False)
    except (ValueError, OSError, IndexError) as error:
        why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else type(error).__name__
        raise KeyProblem(f"the command in {COMMAND_VARIABLE} cannot be run: {why}") from None
    except subprocess.TimeoutExpired:
        raise KeyProblem(f"the command in {COMMAND_VARIABLE} gave no key within {_SECONDS} seconds") from None
    if done.returncode:  # its output may hold the key, so it is not shown
        raise KeyProblem(f"the command in {COMMAND_VARIABLE} failed with exit code {done.returncode}")
    return done.stdout.decode("ascii", "replace")


def decode_master(text: str, where: str) -> bytes:
    """A master key as it is written. KeyProblem, which names ``where`` it stands and shows nothing of it."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != MASTER_BYTES:
        raise KeyProblem(f"{where} is not a master key: {MASTER_BYTES} bytes in base64 are expected (44 characters)")
    return key
