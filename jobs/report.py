"""The run report: what the night did, with counts that add up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from zp_registry.lists.runreport import FileLine, RunReport, StepLine, write_run_report
from zp_registry.quarantine.codes import CODES
from zp_registry.registry import audit, bulk

from .office import Office

if TYPE_CHECKING:
    from .nightly import Night


def write_report(office: Office, night: Night) -> list[Path]:
    """Writes the report as HTML and JSON into the home folder's ``reports``."""
    with office.engine.connect() as connection:
        totals = {name: int(bulk.read(connection, f"SELECT COUNT(*) AS n FROM {table}", integers=["n"])["n"].iloc[0]) for name, table in (
            ("entities", "entity"), ("accounts", "account"), ("holdings", "holding WHERE recorded_to IS NULL"), ("flags", "flag WHERE status = 'open'"),
            ("rejects", "reject WHERE status = 'open'"))}
        codes = bulk.read(connection, "SELECT u.code, COUNT(*) AS n FROM fault u JOIN reject j ON j.id = u.reject_id WHERE j.status = 'open' GROUP BY u.code ORDER BY n DESC", integers=["n"])
        pledges = bulk.read(connection, "SELECT town, pledge_status, COUNT(*) AS n FROM entity GROUP BY town, pledge_status ORDER BY town", integers=["n"])
    report = RunReport(
        run_id=office.run_id or "", command="nightly", state={0: "done", 3: "partial"}.get(night.exit_code, "failed"), exit_code=night.exit_code,
        started_at=night.started_at, ended_at=audit.moment(),
        steps=[StepLine(name=s["name"], seconds=s["seconds"], state=s["state"]) for s in night.steps],
        files=[FileLine(name=o.name, platform=o.platform, as_of=o.as_of, parts=list(o.parts), scope=o.scope, state=o.state, **vars(o.counts),
                        warnings=[w["message"] for w in o.warnings], code=o.code, message=o.message) for o in night.outcomes],
        reject_codes=[(str(c), CODES[str(c)].text, int(n)) for c, n in zip(codes["code"], codes["n"], strict=True)],
        totals=totals, pledges=[(t if isinstance(t, str) else "", s if isinstance(s, str) else "", int(n)) for t, s, n in pledges.itertuples(index=False, name=None)],
        lists=[p.name for p in night.lists], failures=night.problems)
    return list(write_run_report(report, office.home.reports))
