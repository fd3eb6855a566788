"""What interfaces need between runs, sealed in the home folder."""

from __future__ import annotations

from pathlib import Path

import structlog

from zp_registry.crypto import Damaged, Keyring, seal_bytes, unseal_chunks

log = structlog.get_logger(__name__)
_SUFFIX = ".sealed"


class SealedFolder:
    """One platform's folder under ``pulls/``: a sealed file for each piece. A damaged one counts as missing."""

    def __init__(self, folder: Path, ring: Keyring) -> None:
        self._folder, self._ring = folder, ring
        folder.mkdir(mode=0o700, exist_ok=True)

    def read(self, name: str) -> bytes | None:
        """The bytes; None if there is no such piece."""
        try:
            return b"".join(unseal_chunks(self._path(name), self._ring))
        except FileNotFoundError:
            return None
        except Damaged:
            log.warning("a damaged piece of a pull is left aside", file=name)
            return None

    def write(self, name: str, data: bytes) -> None:
        """Replaces the piece, whole or not at all; it is on the disk when this returns."""
        seal_bytes(data, self._path(name), self._ring)

    def remove(self, name: str) -> None:
        """Takes it away."""
        self._path(name).unlink(missing_ok=True)

    def names(self) -> list[str]:
        """All names, in order; what a killed write left behind is no piece."""
        found = (p.name for p in self._folder.iterdir())
        return sorted(n.removesuffix(_SUFFIX) for n in found if n.endswith(_SUFFIX) and not n.startswith("."))

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}{_SUFFIX}"
