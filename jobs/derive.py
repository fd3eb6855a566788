"""From evidence to knowledge: entities and holdings, then flags; each in one transaction."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any, NamedTuple

import duckdb
import pandas as pd
from sqlalchemy import Connection, text

from zp_registry import __version__
from zp_registry.evidence import Evidence
from zp_registry.flags import Flagged, FlagRules, flag
from zp_registry.flags.pledges import PledgeRules
from zp_registry.flags.sharing import SharingRules
from zp_registry.registry import audit, bulk, matchcache, tables
from zp_registry.registry.birthyears import fill_birth_years
from zp_registry.registry.cases import write_cases
from zp_registry.registry.database import renew_statistics
from zp_registry.registry.flags import write_flags
from zp_registry.registry.inputs import again_inputs, read_match_inputs
from zp_registry.registry.knowledge import Writer, entity_of, recording_moment, unsure_edges, write_matched
from zp_registry.registry.matchmodels import current_model
from zp_registry.registry.standing import StandingParts, read_evidence
from zp_registry.registry.state import read_state, write_state
from zp_registry.resolve import Resolved, TellingRules, entity_ids, resolve
from zp_registry.resolve.clusters import Caps
from zp_registry.resolve.matching import MatchRules, match
from zp_registry.resolve.model import Engine
from zp_registry.resolve.probable import Guards
from zp_registry.resolve.subjects import SHARED, Hubs
from zp_registry.resolve.survivorship import Preferences

from .office import Office

_MARKS = """
    SELECT (SELECT COALESCE(MAX(id), 0) FROM report), (SELECT COUNT(*) FROM report WHERE superseded_by IS NOT NULL),
           (SELECT COUNT(*) FROM sighting), (SELECT COUNT(*) FROM reject WHERE status = 'open'), (SELECT
           COALESCE(MAX(id), 0) FROM edge WHERE tier = 'person'),
           (SELECT COUNT(*) FROM edge WHERE tier = 'person' AND deleted_at IS NOT NULL), (SELECT COALESCE(MAX(id), 0)
           FROM pledge),
           (SELECT COALESCE(MAX(id), 0) FROM notice), (SELECT COALESCE(MAX(id), 0) FROM reviewed_pair),
           (SELECT COUNT(*) FROM reviewed_pair WHERE withdrawn_at IS NOT NULL), (SELECT COALESCE(MAX(id), 0) FROM pledge_match),
           (SELECT COUNT(*) FROM pledge_match WHERE withdrawn_at IS NOT NULL),
           (SELECT COUNT(*) FROM pledge WHERE superseded_by IS NOT NULL), (SELECT COALESCE(MAX(id), 0) FROM decision)"""


def fingerprint(connection: Connection, office: Office) -> str:
    """Changes whenever anything does that knowledge follows from: evidence, people's decisions, settings, this program."""
    marks = connection.execute(text(_MARKS)).one()
    matching = match_rules(connection, office)[1]
    return hashlib.sha256(f"{__version__}|{office.rules_version}|{matching}|{tuple(marks)}".encode()).hexdigest()


def flag_rules(office: Office) -> FlagRules:
    """The settings' rules in the form the flags stage takes."""
    pledges, flags, book = office.settings.pledges, office.settings.flags, office.rulebook.rules
    return FlagRules(
        PledgeRules(
            pledges.validity_years,
            frozenset(pledges.outdated_versions),
            frozenset(pledges.exempt),
            pledges.current_version,
            frozenset(pledges.must_sign),
            pledges.person_covers_shop,
            pledges.shop_covers_person,
            pledges.alike_covers,
        ),
        SharingRules(
            flags.shared_payee_holders or book["SHARED_PAYEE"].least,
            flags.shared_streamer_holders or book["SHARED_STREAMER"].least,
            flags.shared_phone_holders or book["SHARED_PHONE"].least,
            flags.farm_holders,
        ),
        office.rulebook,
    )


def derive(office: Office, *, full: bool = False, engine: Engine = "duckdb") -> dict[str, Any]:
    """Resolves and flags in one transaction; nothing is done when nothing has changed since the last time. ``engine``: where
    pairs are scored; the result is the same."""
    renew_statistics(office.engine)
    with office.engine.begin() as connection:
        return derive_within(connection, office, full=full, engine=engine)


def derive_within(connection: Connection, office: Office, *, full: bool = False, engine: Engine = "duckdb") -> dict[str, Any]:
    """The same in the caller's transaction, so that a judgement and what follows from it stand or fall together."""
    mark = fingerprint(connection, office)
    if read_state(connection, "derived_from") == mark and not full:
        return {"changed": False}
    now = recording_moment(connection, audit.moment())
    fill_birth_years(connection, office.ring)
    counts: dict[str, Any] = {"subject": resolve_within(connection, office, now, full=full, engine=engine)}
    evidence, entity = read_evidence(connection), entity_of(connection)
    parts = StandingParts(connection, evidence, entity, office.settings.resolve.part_rows)
    writer = Writer(connection, parts.places, now)
    resolved = resolve(evidence, parts, entity, unsure_edges(connection), telling_rules(office), writer.write)
    counts |= writer.finish(resolved.links)
    flagged = flag(evidence, parts, resolved, flag_rules(office))
    del parts, resolved, writer  # what they hold is needed no more, and what comes is large too
    counts["flag"] = write_flags(connection, flagged, evidence.decisions)
    counts["case_file"] = write_cases(connection, office.rulebook, now)
    write_state(connection, "derived_from", mark)
    return {"changed": True, **counts}


def resolve_within(
    connection: Connection, office: Office, now: str, *, full: bool = False, engine: Engine = "duckdb"
) -> dict[str, int]:
    """Who is who: the subjects that changed since the last time and all that this may concern, or with ``full`` (or when the
    rules have changed) every one; in the caller's transaction."""
    rules, version = match_rules(connection, office, engine)
    former = read_state(connection, "matched_by")
    anew = full or former != version
    kept = None if anew else matchcache.recall(connection, office.home.cache)
    inputs = read_match_inputs(connection, kept)
    matched = match(inputs.rows, inputs.accounts, inputs.order, inputs.people, rules, None if anew else inputs.standing)
    counts = write_matched(connection, matched, version, now, everything=anew)
    matchcache.keep(connection, office.home.cache, inputs.changed, inputs.new_order, kept)
    write_state(connection, "matched_by", version)
    return counts


def telling_rules(office: Office) -> TellingRules:
    """The settings by which an entity's shown values and links are chosen."""
    s = office.settings.resolve
    return TellingRules(Preferences(**s.survivorship.model_dump()), s.hub_names)


def match_rules(connection: Connection, office: Office, engine: Engine = "duckdb") -> tuple[MatchRules, str]:
    """The settings and the model by which subjects are matched, and a short hash of them."""
    s = office.settings.resolve
    model = current_model(connection, s.model) if s.use_model else None
    rules = MatchRules(
        model,
        Hubs(dict.fromkeys(SHARED, s.hub_names)),
        Caps(s.largest_cluster, s.largest_unnumbered),
        Guards(s.bridge_size, s.queue_per_subject),
        office.home.cache if engine == "spark" else None,
    )
    # Hashes of DuckDB's are kept from night to night.
    settings = s.model_dump_json(exclude={"model", "survivorship", "part_rows"})
    mark = f"{__version__}|{duckdb.__version__}|{settings}|{model.hash() if model else ''}"
    return rules, hashlib.sha256(mark.encode()).hexdigest()[:12]


class ToldAgain(NamedTuple):
    """What :func:`told_again` tells, and from what."""

    resolved: Resolved
    flagged: Flagged
    knowledge: tables.Knowledge
    evidence: Evidence


def told_again(office: Office, connection: Connection, as_of: str, known: str | None = None) -> ToldAgain:
    """The registry as it would have been told on a past date, from the reports up to then; nothing is written. ``known``: from
    what had come before that moment alone (rules and settings are today's)."""
    evidence = read_evidence(connection, as_of, known)
    inputs = again_inputs(connection, evidence)
    matched = match(inputs.rows, inputs.accounts, inputs.order, inputs.people, match_rules(connection, office)[0])
    then = entity_ids(matched.roots)
    evidence = replace(evidence, reviewed=_then(evidence.reviewed, then), pledge_words=_then(evidence.pledge_words, then))
    unsure = matched.edges[matched.edges["judgement"] == "unsure"]
    parts = StandingParts(connection, evidence, then, office.settings.resolve.part_rows)
    resolved = resolve(evidence, parts, then, unsure, telling_rules(office))
    flagged = flag(evidence, parts, resolved, flag_rules(office))
    ids = bulk.read(connection, "SELECT anchor, flag_id FROM flag")
    return ToldAgain(resolved, flagged, tables.told_again(resolved, flagged, ids), evidence)


def _then(words: pd.DataFrame, then: pd.Series[str]) -> pd.DataFrame:
    """What people said, under the ids that the entities had ``then`` (index subject_id); of nobody who was not known then."""
    named = then.set_axis(entity_ids(then.index.to_series()))
    out = words.copy()
    for column in out.columns.intersection(["entity_id", "other_entity_id"]):
        given = out[column].notna()
        out[column] = out[column].map(named).astype("str")
        out = out[out[column].notna() | ~given]
    return out
