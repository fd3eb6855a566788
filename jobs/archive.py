"""Where a file goes when it has been dealt with: sealed, into archive/ or refused/."""

from __future__ import annotations

import hashlib
from pathlib import Path

from zp_registry.crypto import seal_file

from .office import Office


def put_away(office: Office, path: Path, *, refused: bool) -> Path:
    """Seals the file under a name that carries its hash and removes it from the inbox, in this order: a kill in between leaves
    the file in the inbox, where the next run knows it by its hash."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    folder = office.home.refused if refused else office.home.archive
    target = folder / f"{digest}_{path.name}.sealed"
    seal_file(path, target, office.ring)
    path.unlink()
    return target
