"""Changing the master key: the data keys are wrapped anew, what they seal stays as it is.

The order makes it safe to be killed at any moment: the new key is laid beside the old one; the data keys are wrapped by it in
one transaction; it is read from the disk and proved; then it takes the place of the old one, which is kept. Up to the commit
the old key is the one that fits, from then on the new one, and whoever opens the registry takes the one that fits.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from zp_registry.crypto import WrappedKey, find_coming, former_masters, from_file, mark_of, master_mark, put_coming, take_over
from zp_registry.errors import KeyProblem, UsageError
from zp_registry.registry import audit
from zp_registry.registry.keys import find_fitting, open_keyring, stored_keys, wrap_keys_anew

from .backup import read_manifest
from .office import Office


@dataclass
class Changed:
    """``mark``: which key is in force now; ``keys``: how many were wrapped anew; ``former``: the file of the one before (None:
    it was no file)."""

    mark: str
    keys: int
    former: Path | None = None


def change_master(office: Office, reason: str, new: bytes | None = None) -> Changed:
    """Puts the registry under a new master key: ``new``, or a fresh one where the key is a file's. The caller holds the lock.

    UsageError where a new one must be given, or is the present one; KeyProblem, after which the old one is in force.
    """
    file = office.home.master_key
    old = find_fitting(office.engine, file)
    if old is None:
        raise KeyProblem("there is no master key")
    if new is None and not from_file():
        raise UsageError("the master key comes from a variable or a command: make a new one there, and name it by --new")
    if new is None:
        new = os.urandom(len(old))
    if new == old:
        raise UsageError("the new master key is the present one")
    if from_file():
        put_coming(file, new)
        if find_coming(file) != new:
            raise KeyProblem(f"the new master key could not be read back from {file.parent}; nothing was changed")
    with office.engine.begin() as connection:
        ring = wrap_keys_anew(connection, old, new)
        keys = len(stored_keys(connection))
        audit.note(connection, "change master key", f"{keys} keys under master key {master_mark(new)}", reason)
    on_disk = find_fitting(office.engine, file) if from_file() else new
    if on_disk != new or not open_keyring(office.engine, new).holds_the_keys_of(ring):
        raise KeyProblem("the registry does not open under the new master key: keep all files in keys/")
    return Changed(master_mark(new), keys, take_over(file, master_mark(old)) if from_file() else None)


def former_keys(office: Office) -> dict[Path, int]:
    """Each former master key's file → how many backups, here and in the folder of the settings, open with it alone."""
    folders = {office.home.backups, office.settings.jobs.backup_folder or office.home.backups}
    found = Counter(mark for f in folders for b in f.glob("*/manifest.json") for mark in {mark_of(k) for k in _keys(b.parent)})
    return {file: found[mark] for mark, file in former_masters(office.home.master_key).items()}


def _keys(folder: Path) -> list[WrappedKey]:
    try:
        return read_manifest(folder)[1]
    except UsageError:
        return []
