"""From evidence to knowledge: entities and holdings, then flags; each in one transaction."""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import Connection, text

from zp_registry import __version__
from zp_registry.flags import Flagged, FlagRules, flag
from zp_registry.flags.pledges import PledgeRules
from zp_registry.flags.sharing import SharingRules
from zp_registry.registry import audit, bulk, tables
from zp_registry.registry.flags import write_flags
from zp_registry.registry.inputs import read_evidence
from zp_registry.registry.knowledge import write_resolved
from zp_registry.resolve import Resolved, resolve

from .office import Office

_MARKS = """
    SELECT (SELECT COALESCE(MAX(id), 0) FROM report), (SELECT COUNT(*) FROM report WHERE superseded_by IS NOT NULL),
           (SELECT COUNT(*) FROM sighting), (SELECT COUNT(*) FROM reject WHERE status = 'open'), (SELECT
           COALESCE(MAX(id), 0) FROM edge WHERE tier = 'person'),
           (SELECT COUNT(*) FROM edge WHERE tier = 'person' AND deleted_at IS NOT NULL), (SELECT COALESCE(MAX(id), 0)
           FROM pledge),
           (SELECT COUNT(*) FROM pledge WHERE superseded_by IS NOT NULL), (SELECT COALESCE(MAX(id), 0) FROM decision)"""


def fingerprint(connection: Connection, office: Office) -> str:
    """Changes whenever anything does that knowledge follows from: evidence, people's decisions, settings, this program."""
    marks = connection.execute(text(_MARKS)).one()
    return hashlib.sha256(f"{__version__}|{office.rules_version}|{tuple(marks)}".encode()).hexdigest()


def flag_rules(office: Office) -> FlagRules:
    """The settings' rules in the form the flags stage takes."""
    pledges, flags = office.settings.pledges, office.settings.flags
    return FlagRules(
        PledgeRules(
            pledges.validity_years, frozenset(pledges.outdated_versions), frozenset(pledges.exempt), pledges.current_version
        ),
        SharingRules(flags.shared_payee_holders, flags.shared_streamer_holders, flags.shared_phone_holders, flags.farm_holders),
    )


def derive(office: Office, *, full: bool = False) -> dict[str, Any]:
    """Resolves and flags in one transaction; nothing is done when nothing has changed since the last time."""
    with office.engine.begin() as connection:
        return derive_within(connection, office, full=full)


def derive_within(connection: Connection, office: Office, *, full: bool = False) -> dict[str, Any]:
    """The same in the caller's transaction, so that a judgement and what follows from it stand or fall together."""
    mark = fingerprint(connection, office)
    row = connection.execute(text("SELECT value FROM state WHERE name = 'derived_from'")).first()
    if row is not None and row[0] == mark and not full:
        return {"changed": False}
    evidence = read_evidence(connection)
    resolved = resolve(evidence)
    counts: dict[str, Any] = write_resolved(connection, resolved, office.rules_version, audit.moment())
    flagged = flag(evidence, resolved, flag_rules(office))
    counts["flag"] = write_flags(connection, flagged, evidence.decisions)
    verb = (
        "UPDATE state SET value = :v WHERE name = 'derived_from'"
        if row is not None
        else "INSERT INTO state (name, value) VALUES ('derived_from', :v)"
    )
    connection.execute(text(verb), {"v": mark})
    return {"changed": True, **counts}


def told_again(office: Office, connection: Connection, as_of: str) -> tuple[Resolved, Flagged, tables.Knowledge]:
    """The registry as it would have been told on a past date, from the reports up to then; nothing is written."""
    evidence = read_evidence(connection, as_of)
    resolved = resolve(evidence)
    flagged = flag(evidence, resolved, flag_rules(office))
    ids = bulk.read(connection, "SELECT anchor, flag_id FROM flag")
    return resolved, flagged, tables.told_again(resolved, flagged, ids)
