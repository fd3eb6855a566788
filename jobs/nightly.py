"""The main job: pull, inbox, resolve and flag, lists, report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from zp_registry.crypto import clear_unfinished
from zp_registry.lists.safety import UNFINISHED
from zp_registry.registry import audit
from zp_registry.sources import Taken

from .archive import put_away, put_back
from .corrections import import_rejects
from .derive import derive
from .imports import Options, Outcome, import_files
from .lists import import_followups, write_followup_lists, write_transfer_list
from .office import Office
from .pulls import configured, pull_platforms
from .report import totals, write_report
from .review_files import import_forms, write_form

log = structlog.get_logger(__name__)


@dataclass
class Night:
    """What a night did, step by step."""

    outcomes: list[Outcome] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    attempts: int = 0  # follow-ups that came back: the next lists show them
    decided: int = 0  # pairs of the review list about which people concluded
    knowledge: dict[str, Any] = field(default_factory=dict)
    lists: list[Path] = field(default_factory=list)
    reports: list[Path] = field(default_factory=list)
    started_at: str = ""
    before: dict[str, int] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """3 when rows were rejected, a file was refused or a platform failed; 1 when a step failed; else 0."""
        if any(step["state"] == "failed" for step in self.steps):
            return 1
        trouble = any(
            o.state not in ("loaded", "unchanged") or (o.state == "loaded" and o.counts.rejected) for o in self.outcomes
        )
        return 3 if trouble or self.problems else 0


def nightly(office: Office, progress: Callable[[str], None] = lambda _text: None) -> Night:
    """Runs every step in order; a platform or a file that fails does not stop the others, a step that fails does not
    stop the report."""
    night = Night(started_at=audit.moment())
    with office.engine.connect() as connection:
        night.before = totals(connection)
    with _step(night, "pull", progress):
        night.outcomes += pull_platforms(office) if configured(office) else []
    with _step(night, "inbox", progress):
        _inbox(office, night, progress)
    with _step(night, "resolve and flag", progress):
        night.knowledge = derive(office)
    with _step(night, "lists", progress):
        if night.knowledge.get("changed", True) or night.attempts or night.decided or not any(office.home.lists.glob("*.xlsx")):
            night.lists = [*write_followup_lists(office), *filter(None, [write_transfer_list(office), write_form(office)[0]])]
    with _step(night, "report", progress):
        night.reports = write_report(office, night)
    office.exit_code = night.exit_code
    office.state = {0: "done", 3: "partial"}.get(night.exit_code, "failed")
    pulled = {o.platform: o.kind for o in night.outcomes if o.pulled}
    office.summary = {"pulls": pulled, "steps": night.steps, "files": len(night.outcomes)}
    office.summary["lists"] = [p.name for p in night.lists]
    return night


@contextmanager
def _step(night: Night, name: str, progress: Callable[[str], None]) -> Iterator[None]:
    """One structured log line a step; an exception is logged (without values) and ends this step alone."""
    progress(name)
    began = time.monotonic()
    step: dict[str, Any] = {"name": name, "state": "done"}
    try:
        yield
    except Exception as error:
        step["state"] = "failed"
        step["error"] = type(error).__name__
        log.exception("step failed", step=name)
    step["seconds"] = round(time.monotonic() - began, 2)
    night.steps.append(step)
    log.info("step", **step)


def _inbox(office: Office, night: Night, progress: Callable[[str], None]) -> None:
    """The inbox's folders; a file leaves its folder only after its commit."""
    inbox = office.home.inbox
    if count := put_back(inbox):
        log.warning("files of a killed run put back into the inbox", count=count)
    if count := sum(clear_unfinished(folder) for folder in (office.home.archive, office.home.refused)):
        log.info("half-sealed files of a killed run removed", count=count)
    written = (office.home.lists, office.home.reports, office.home.root / "desk" / "lists")  # in clear, so not to lie about
    if count := sum(clear_unfinished(folder, UNFINISHED) for folder in written):
        log.info("half-written lists of a killed run removed", count=count)
    for folder, kind in (("reports", "report"), ("pledges", "pledge"), ("notices", "notice")):
        for arrival, outcome in import_files(office, [inbox / folder], Options(kind=kind)):
            progress(arrival.name)
            night.outcomes.append(outcome)
            if outcome.state in ("loaded", "unchanged", "refused"):
                _away(office, night, arrival.path, arrival.taken, outcome.state == "refused")
    for path, taken, corrected in import_rejects(office, [inbox / "rejects"]):
        night.outcomes += corrected.outcomes
        night.problems += corrected.problems
        if not corrected.failed:
            _away(office, night, path, taken, not corrected.closed and bool(corrected.problems))
    for path, taken, returned in import_followups(office, [inbox / "followups"]):
        night.problems += returned.problems
        night.attempts += returned.added
        if not returned.failed:
            _away(office, night, path, taken, returned.refused)
    for path, taken, reviewed in import_forms(office, [inbox / "review"]):
        night.problems += reviewed.problems
        night.decided += reviewed.added
        if not reviewed.failed:
            _away(office, night, path, taken, reviewed.refused)


def _away(office: Office, night: Night, path: Path, taken: Taken | None, refused: bool) -> None:
    if said := put_away(office, path, taken, refused=refused):
        night.problems.append(said)
