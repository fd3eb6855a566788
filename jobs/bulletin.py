"""The joint meeting's bulletin, told again from the history for any past period."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import Connection

from zp_registry.errors import UsageError
from zp_registry.flags.bulletin import Period, Sheet, Told, bulletin, differences, parse_period
from zp_registry.lists.bulletin import write_bulletin
from zp_registry.quarantine.judge import INVALID_NUMBERS
from zp_registry.registry import audit, bulk
from zp_registry.registry.known import local_time, moment_after
from zp_registry.registry.standing import live_reports
from zp_registry.resolve.history import ACCOUNT

from .derive import ToldAgain, flag_rules, told_again
from .lists import platform_titles
from .office import Office


def write(office: Office, name: str, output: Path | None = None, known_on: str | None = None) -> dict[str, Any]:
    """Writes the bulletin of a period (``2024-03-H1``, ``2024-03``) as docx, html and xlsx and notes it, with a hash of its
    figures, on the audit trail. Gives ``files``, ``figures`` (a hash), ``known`` (the moment before which everything counts),
    ``sheets``. ``known_on`` (a date or time, known.moment_after): as it was known then, and what is told otherwise now.
    UsageError when nothing was reported by then."""
    period = parse_period(name)
    known = None if known_on is None else moment_after(known_on)
    sheets, newest = figures(office, period, known)
    mark = hashlib.sha256(json.dumps([vars(s) for s in sheets], ensure_ascii=False, default=str).encode()).hexdigest()[:16]
    told = sheets if known is None else [*sheets, differences(sheets, figures(office, period)[0])]
    county, until = office.settings.county, local_time(known or audit.moment())
    files = write_bulletin(
        told,
        period,
        output or office.home.lists,
        county=county.name,
        newest=newest,
        bureau=county.signer(),
        known=until,
        rules=f"{office.rulebook.version}-{office.rulebook.hash()}",
    )
    with office.engine.begin() as connection:
        said = f", as known before {until}" if known else ""
        audit.note(connection, "write bulletin", f"{period.name}, figures {mark}{said}")
    return {
        "period": period.name,
        "as_of": period.last,
        "known": until,
        "figures": mark,
        "files": [str(f) for f in files],
        "sheets": [vars(s) for s in told],
    }


def figures(office: Office, period: Period, known: str | None = None) -> tuple[list[Sheet], str]:
    """The tables, and the newest report date that counts. From reports up to the period's end and people's acts up to that day:
    what happened later changes nothing, but for reports and ledgers that come late for dates before. ``known``: without what
    came at this moment or later, so that the figures of a past day are told again to the digit."""
    with office.engine.connect() as connection:
        until = {"d": period.last, "known": known}
        newest = bulk.read(
            connection, f"SELECT MAX(r.as_of) AS d FROM report r WHERE {live_reports(known)} AND r.as_of <= :d", until
        )
        if pd.isna(newest["d"].iloc[0]):
            raise UsageError(f"nothing was reported by {period.last}" + (" that was known then" if known else ""))
        again = told_again(office, connection, period.last, known)
        seen = sightings_told(connection, again)
        latest = seen.drop_duplicates(ACCOUNT, keep="last")
        verified = verified_on(seen)
        told = Told(
            again.resolved,
            again.flagged.matched,
            again.flagged.flags,
            seen[[*ACCOUNT, "as_of", "account_status"]],
            acts_until(connection, period.last, known),
            _reports(connection, period.last, known),
            verified[verified["verified_on"] <= period.last],
            latest.loc[latest["over_threshold"] == "yes", ACCOUNT],
            {m.id for m in office.mappings if m.scope == "full"},
            dict(platform_titles(office)),
        )
    late = office.settings.bulletin.late_days
    return bulletin(told, period, flag_rules(office).pledges, office.rulebook, late), str(newest["d"].iloc[0])


def sightings_told(connection: Connection, again: ToldAgain) -> pd.DataFrame:
    """platform, account_id, as_of, record_id, account_status, verified_on, over_threshold of every report that shows an
    account's holder, in order."""
    status = bulk.read(
        connection, "SELECT id AS record_id, account_status, verified_on, over_threshold FROM record", integers=["record_id"]
    )
    points = pd.concat([told.points for told in again.resolved.parts], ignore_index=True)
    points = points.merge(again.evidence.accounts[["record_id", *ACCOUNT]], on="record_id")
    points = points.merge(again.evidence.reports[["report_id", "as_of"]], on="report_id")
    return points[[*ACCOUNT, "as_of", "record_id"]].merge(status, on="record_id").sort_values([*ACCOUNT, "as_of"])


def verified_on(seen: pd.DataFrame) -> pd.DataFrame:
    """platform, account_id, verified_on: the newest that sightings_told gives of each account."""
    return seen.dropna(subset=["verified_on"]).groupby(ACCOUNT)["verified_on"].max().reset_index()


def acts_until(connection: Connection, until: str, known: str | None = None) -> pd.DataFrame:
    """case_id, platform, account_id, at (date), action, to_state of what people did with cases up to a day (and before the
    moment ``known``), in order; what the program did by itself is told anew."""
    return bulk.read(
        connection,
        "SELECT v.case_id, c.platform, c.account_id, substr(v.at, 1, 10) AS at, v.action, v.to_state FROM case_event v "
        "JOIN case_file c ON c.case_id = v.case_id WHERE substr(v.at, 1, 10) <= :d AND v.action <> 'news' "
        "AND (CAST(:known AS TEXT) IS NULL OR v.at < :known) ORDER BY v.id",
        {"d": until, "known": known},
    )


def _reports(connection: Connection, until: str, known: str | None) -> pd.DataFrame:
    """Every report up to a date with its file's counts and the quality of its numbers; superseded ones were sent too, and count
    for lateness. A file of several reports counts its rows with the first of them."""
    at = {"d": until, "known": known}
    came = "(CAST(:known AS TEXT) IS NULL OR f.received_at < :known)"
    rows = bulk.read(
        connection,
        f"""
        SELECT r.id, r.source, r.as_of, r.scope, r.unreadable, substr(f.received_at, 1, 10) AS received_on,
               CASE WHEN r.id = (SELECT MIN(o.id) FROM report o WHERE o.file_id = f.id)
                    THEN f.rows_read - f.rows_skipped ELSE 0 END AS rows,
               CASE WHEN r.id = (SELECT MIN(o.id) FROM report o WHERE o.file_id = f.id) THEN f.rows_rejected ELSE 0 END
                    AS rejected
        FROM report r JOIN report_file f ON f.id = r.file_id WHERE f.kind = 'report' AND r.as_of <= :d AND {came}
        ORDER BY r.id""",
        at,
        integers=["id", "unreadable", "rows", "rejected"],
    )
    quality = bulk.read(
        connection,
        """
        SELECT s.report_id AS id, COUNT(*) AS records,
               SUM(CASE WHEN c.uscc IS NULL AND c.id_hash IS NULL AND (c.id_mask IS NOT NULL OR c.operator_mask LIKE '%*%')
                        AND c.operator_hash IS NULL THEN 1 ELSE 0 END) AS masked,
               SUM(CASE WHEN c.uscc IS NOT NULL OR c.id_hash IS NOT NULL THEN 1 ELSE 0 END) AS numbered
        FROM sighting s JOIN record c ON c.id = s.record_id JOIN report r ON r.id = s.report_id
        WHERE c.record_kind = 'account' AND r.as_of <= :d GROUP BY s.report_id""",
        at,
        integers=["id", "records", "masked", "numbered"],
    )
    wrong = bulk.read(
        connection,
        f"""
        SELECT r.id, COUNT(DISTINCT s.record_id) AS invalid FROM fault u JOIN report r ON r.file_id = u.file_id
        JOIN sighting s ON s.report_id = r.id AND s.sheet = u.sheet AND s.row = u.row
        WHERE u.reject_id IS NULL AND r.as_of <= :d
          AND u.code IN ({", ".join(f"'{code}'" for code in sorted(INVALID_NUMBERS))}) GROUP BY r.id""",
        at,
        integers=["id", "invalid"],
    )
    out = rows.merge(quality, on="id", how="left").merge(wrong, on="id", how="left")
    counts = ["records", "masked", "numbered", "invalid"]
    return out.assign(**{c: out[c].fillna(0).astype("int64") for c in counts})
