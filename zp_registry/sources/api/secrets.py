"""Secrets of an interface, from variables or from files that nobody else can reach. No message ever shows one."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from zp_registry.errors import UsageError
from zp_registry.sources.api.token import plain

_LONGEST = 65536


def read_secrets(names: list[str], places: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """The secrets ``names``; ``places`` says for each ``env:VARIABLE`` or ``file:PATH`` (a name ``*`` serves a single one).
    UsageError says everything that is missing or unfit."""
    out, faults = {}, []
    for name in names:
        place = places.get(name) or (places.get("*") if len(names) == 1 else None)
        try:
            out[name] = _read(name, place, environ)
        except UsageError as error:
            faults.append(str(error))
    if faults:
        raise UsageError("; ".join(faults))
    return out


def _read(name: str, place: str | None, environ: Mapping[str, str]) -> str:
    if not place:
        raise UsageError(
            f"the secret {name} is not configured: set {name} in [api.<platform>.secrets] to env:VARIABLE or file:PATH"
        )
    kind, _, where = place.partition(":")
    if kind == "env":
        value = environ.get(where, "").strip()
        if not value:
            raise UsageError(f"the secret {name} is missing: set the variable {where}")
        shown = f"the variable {where}"
    else:
        value, shown = _of_file(Path(where)), where
    if not value:
        raise UsageError(f"the secret {name} is empty: put it into {shown}")
    if not plain(value):
        raise UsageError(f"the secret {name} in {shown} holds blanks, line breaks or other characters that no token has")
    return value


def _of_file(file: Path) -> str:
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK)  # a pipe must not make the night wait
        try:
            about = os.fstat(handle)
            if not stat.S_ISREG(about.st_mode):
                raise UsageError(f"{file} is not a file")
            if about.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise UsageError(f"others can read the secret file {file}: chmod 600 it")
            data = os.read(handle, _LONGEST)
        finally:
            os.close(handle)
    except OSError as error:
        raise UsageError(f"the secret file {file} cannot be read: {error.strerror}") from None
    return data.decode("utf-8-sig", "replace").strip()
