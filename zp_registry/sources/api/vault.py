"""Where a pull keeps what must outlive its process. The caller gives a store that seals: nothing here writes a file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Protocol


class Vault(Protocol):
    """Named pieces of bytes of one platform. ``write`` is whole or not at all, sealed, and on the disk when it returns."""

    def read(self, name: str) -> bytes | None:
        """The bytes; None if there is no such piece."""

    def write(self, name: str, data: bytes) -> None:
        """Replaces the piece."""

    def remove(self, name: str) -> None:
        """Takes it away; nothing happens if it is not there."""

    def names(self) -> list[str]:
        """All names, in order."""


class MemoryVault:
    """One that is gone with the process: for trying an interface out."""

    def __init__(self) -> None:
        self._pieces: dict[str, bytes] = {}

    def read(self, name: str) -> bytes | None:
        """The bytes."""
        return self._pieces.get(name)

    def write(self, name: str, data: bytes) -> None:
        """Replaces the piece."""
        self._pieces[name] = data

    def remove(self, name: str) -> None:
        """Takes it away."""
        self._pieces.pop(name, None)

    def names(self) -> list[str]:
        """All names, in order."""
        return sorted(self._pieces)


def read_state(vault: Vault, name: str) -> dict[str, Any]:
    """A small piece of state; empty if it is missing or of another form (then it is made anew)."""
    data = vault.read(name)
    try:
        value = json.loads(data) if data is not None else {}
    except (ValueError, RecursionError):
        value = {}
    return value if isinstance(value, dict) else {}


def number_of(state: Mapping[str, Any], name: str) -> float:
    """A number of a state; 0 where none stands there."""
    value = state.get(name)
    try:
        return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0
    except OverflowError:
        return 0.0


def write_state(vault: Vault, name: str, value: dict[str, Any]) -> None:
    """Replaces it."""
    vault.write(name, json.dumps(value, ensure_ascii=False).encode("utf-8"))
