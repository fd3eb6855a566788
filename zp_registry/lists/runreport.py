"""The report of one run: a model that the jobs fill, written as JSON for programs and as HTML for people.

The model holds counts, names of files and codes only, never a value of a row.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import IO, Literal

from pydantic import BaseModel, ConfigDict, Field, computed_field

from zp_registry.lists.runreport_html import page_html
from zp_registry.lists.safety import file_name, write_atomically


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Remark(_Part):
    """A code of quarantine.codes with its Chinese text."""

    code: str
    message: str = ""


class Step(_Part):
    """One stage of the run; ``seconds`` is wall time, ``counts`` whatever the stage counts, by Chinese name."""

    name: str
    seconds: float = 0.0
    state: Literal["done", "partial", "failed", "skipped"] = "done"
    counts: dict[str, int] = Field(default_factory=dict)
    message: str = ""


class FileLine(_Part):
    """What became of one input file. ``repeated`` and the other counts are rows; ``skipped`` are titles, totals and notes."""

    name: str
    platform: str = ""
    platform_title: str = ""
    as_of: str = ""
    parts: list[str] = Field(default_factory=list)
    scope: Literal["full", "delta", ""] = ""
    state: Literal["loaded", "unchanged", "refused", "unknown"]
    rows_read: int = 0
    rows_loaded: int = 0
    rows_unchanged: int = 0
    rows_repeated: int = 0
    rows_rejected: int = 0
    rows_skipped: int = 0
    warnings: list[Remark] = Field(default_factory=list)
    refusal_code: str = ""
    refusal_message: str = ""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def sum_ok(self) -> bool:
        """Whether read = loaded + unchanged + repeated + rejected + skipped; a file that was refused whole loads nothing."""
        if self.state in ("refused", "unknown"):
            return self.rows_loaded == 0
        return self.rows_read == self.accounted

    @property
    def accounted(self) -> int:
        """Rows whose fate is known."""
        return self.rows_loaded + self.rows_unchanged + self.rows_repeated + self.rows_rejected + self.rows_skipped


class Pull(_Part):
    """One platform's interface. ``message`` never holds tokens or addresses with parameters."""

    platform: str
    platform_title: str = ""
    state: Literal["done", "failed", "skipped"]
    as_of: str = ""
    requests: int = 0
    records: int = 0
    seconds: float = 0.0
    message: str = ""


class RejectCount(_Part):
    """How many rows earned a code in this run."""

    code: str
    message: str = ""
    rows: int


class Count(_Part):
    """A total of the registry after the run and, if there was one, after the run before."""

    name: str
    value: int
    before: int | None = None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def change(self) -> int | None:
        """``value - before``; None at the first run."""
        return None if self.before is None else self.value - self.before


class PledgeTown(_Part):
    """Entities of one town by pledge status."""

    town: str
    signed: int = 0
    missing: int = 0
    expired: int = 0
    outdated: int = 0
    mismatch: int = 0
    exempt: int = 0

    @computed_field  # type: ignore[prop-decorator]
    @property
    def total(self) -> int:
        """All entities of the town."""
        return self.signed + self.missing + self.expired + self.outdated + self.mismatch + self.exempt


class RunReport(_Part):
    """Everything a run did. ``counts`` are entities, accounts, holdings and flags, in the order to show them."""

    run_id: str
    command: str
    started: datetime
    ended: datetime
    state: Literal["done", "partial", "failed"]
    exit_code: int
    version: str = ""
    county: str = "镇平县"
    reference_date: str = ""
    steps: list[Step] = Field(default_factory=list)
    files: list[FileLine] = Field(default_factory=list)
    pulls: list[Pull] = Field(default_factory=list)
    rejects: list[RejectCount] = Field(default_factory=list)
    counts: list[Count] = Field(default_factory=list)
    pledges: list[PledgeTown] = Field(default_factory=list)
    lists: list[str] = Field(default_factory=list)
    failures: list[str] = Field(default_factory=list)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def sums_ok(self) -> bool:
        """Whether every row of every file is accounted for."""
        return all(f.sum_ok for f in self.files)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def seconds(self) -> float:
        """Wall time of the run."""
        return round((self.ended - self.started).total_seconds(), 3)


def write_run_report(report: RunReport, folder: Path) -> tuple[Path, Path]:
    """Writes ``run_<id>.html`` and ``run_<id>.json`` into the folder, atomically and privately; gives both paths."""
    stem = f"run_{file_name(report.run_id)}"
    page = page_html(report.model_dump(mode="json")).encode("utf-8", "replace")
    text = report.model_dump_json(indent=1, ensure_ascii=False).encode()
    return (
        write_atomically(folder / f"{stem}.html", lambda stream: _put(stream, page)),
        write_atomically(folder / f"{stem}.json", lambda stream: _put(stream, text)),
    )


def _put(stream: IO[bytes], data: bytes) -> None:
    stream.write(data)
