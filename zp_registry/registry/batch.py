"""What is loaded: a file's rows after judgement, what is noted about the file, and the counts that must add up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pandas as pd


@dataclass
class FileFacts:
    """What is noted about a file: the columns of ``report_file`` that do not come from its rows."""

    name: str
    sha256: str
    size: int
    kind: str
    mapping: str | None
    mapping_hash: str | None
    options: str
    run_id: str | None
    warnings: list[dict[str, str]] = field(default_factory=list)
    accepted_reason: str | None = None
    content_sha256: str | None = None


@dataclass
class Counts:
    """rows read = loaded + unchanged + repeated + rejected + skipped, for one file."""

    read: int = 0
    loaded: int = 0
    unchanged: int = 0
    repeated: int = 0
    rejected: int = 0
    skipped: int = 0

    def adds_up(self) -> bool:
        """True when every row read is accounted for."""
        return self.read == self.loaded + self.unchanged + self.repeated + self.rejected + self.skipped


@dataclass
class Batch:
    """A file's rows after judgement. ``raw(idx)`` gives, for rows of the frame, the JSON text of the cells as they stood."""

    facts: FileFacts
    accepted: pd.DataFrame
    rejected: pd.DataFrame
    streamers: pd.DataFrame
    faults: pd.DataFrame
    as_of: str | None
    scope: str
    rows_read: int
    rows_skipped: int
    loose: bool
    raw: Callable[[Sequence[int]], list[str]]
