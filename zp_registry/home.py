"""The home folder: everything that changes, and nothing that others may read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from zp_registry.errors import UsageError

INBOX_FOLDERS = ("reports", "pledges", "notices", "followups", "rejects", "review")


@dataclass(frozen=True)
class Home:
    """The layout below ``root``. A file leaves ``inbox`` only after its commit, for ``archive`` or
    ``refused`` (both sealed)."""

    root: Path

    @property
    def inbox(self) -> Path:
        return self.root / "inbox"

    @property
    def archive(self) -> Path:
        return self.root / "archive"

    @property
    def refused(self) -> Path:
        return self.root / "refused"

    @property
    def lists(self) -> Path:
        return self.root / "lists"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def pulls(self) -> Path:
        """What interfaces need between runs: pages under way, tokens, manners; sealed, a folder per platform."""
        return self.root / "pulls"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def db(self) -> Path:
        return self.root / "db"

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    @property
    def backups(self) -> Path:
        """The backups made before upgrades."""
        return self.root / "backups"

    @property
    def watch(self) -> Path:
        """When each job ran last, and of what people have been told."""
        return self.root / "watch"

    @property
    def master_key(self) -> Path:
        return self.keys / "master.key"

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    def folders(self) -> tuple[Path, ...]:
        """Every folder of the layout, parents first."""
        return (self.root, self.inbox, *(self.inbox / name for name in INBOX_FOLDERS), self.archive, self.refused, self.lists,
                self.reports, self.pulls, self.keys, self.logs, self.db, self.cache, self.backups,
                self.watch)

    def create(self) -> None:
        """Makes what is missing (mode 0700) and shuts everybody else out of what is there; safe to repeat.

        Group rights that an operator gave (a shared inbox) stay. The root is shut only if it is ours, that is new, empty or a
        home already: nobody's /tmp shall be closed by a slip. UsageError if a folder cannot be made or written.
        """
        try:
            ours = not self.root.exists() or self.keys.exists() or not any(self.root.iterdir())
            for folder in self.folders():
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                mode = folder.stat().st_mode & 0o7777
                if mode & 0o007 and (ours or folder != self.root):
                    folder.chmod(mode & ~0o007)
        except OSError as error:
            raise UsageError(f"the home folder cannot be used: {error.filename}: {error.strerror}") from None
        if not os.access(self.root, os.W_OK | os.X_OK):
            raise UsageError(f"the home folder cannot be used: {self.root}: no right to write")
