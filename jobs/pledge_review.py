"""Ledger rows that fit nobody or several, with candidates; people's word on whose they are; parties without accounts."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sqlalchemy import Connection, text

from zp_registry.errors import UsageError
from zp_registry.flags.pledges import candidates, match_pledges, statuses
from zp_registry.frames import as_records
from zp_registry.logs import redact_text
from zp_registry.normalise.names import business_key
from zp_registry.registry import audit, bulk
from zp_registry.registry.dossier import current_entity
from zp_registry.registry.knowledge import entity_of, unsure_edges
from zp_registry.registry.standing import StandingParts, read_evidence, read_pledges, reference_date
from zp_registry.resolve import resolve

from . import derive
from .office import Office


def unmatched(office: Office) -> list[dict[str, Any]]:
    """Live ledger rows that belong to no entity: pledge_id, subject_name, number (code or mask), signer, signed_on, place, and
    ``candidates`` (entity_id, name, town, why, weight), the best first."""
    with office.engine.connect() as connection:
        evidence, entity = read_evidence(connection), entity_of(connection)
        parts = StandingParts(connection, evidence, entity, office.settings.resolve.part_rows)
        resolved = resolve(evidence, parts, entity, unsure_edges(connection), derive.telling_rules(office))
    matched = match_pledges(evidence, resolved)
    found = candidates(matched, resolved)
    shown = resolved.entities.set_index("entity_id")[["name", "town", "kind"]]
    found = found.join(shown, on="entity_id")
    by_pledge = {int(str(p)): as_records(g.drop(columns="pledge_id")) for p, g in found.groupby("pledge_id")}
    loose = matched[matched["entity_id"].isna() & (matched["how"] != "person")]
    return [
        {
            "pledge_id": int(r["pledge_id"]), "pledge_number": r["pledge_number"], "subject_name": r["subject_name"],
            "number": r["uscc"] or r["id_mask"], "signer": r["signer"], "phone": r["phone_mask"], "signed_on": r["signed_on"],
            "place": f"{r['file_name']} › {r['sheet']} › 第{r['row']}行", "candidates": by_pledge.get(int(r["pledge_id"]), []),
        }
        for r in as_records(loose)
    ]  # fmt: skip


def assign(office: Office, pledge_id: int, entity_id: str | None, why: str, *, who: str | None = None) -> dict[str, Any]:
    """A person says whose a ledger row is (None: nobody's here), and what follows is derived. UsageError for unknown ids."""
    why, who = redact_text(why.strip()), who or audit.who_am_i()
    if not why:
        raise UsageError("a reason is needed: it is kept with the pledge")
    with office.engine.begin() as connection:
        key = _record_key(connection, pledge_id)
        if entity_id is not None and current_entity(connection, entity_id) is None:
            raise UsageError(f"there is no entity {entity_id}")
        connection.execute(
            text("INSERT INTO pledge_match (record_key, entity_id, who, why, created_at) VALUES (:k, :e, :w, :y, :t)"),
            {"k": key, "e": entity_id, "w": who, "y": why, "t": audit.moment()},
        )
        audit.note(connection, "assign pledge", f"{pledge_id} {entity_id or 'nobody'}", why, who)
        counts = derive.derive_within(connection, office)
    return {"pledge_id": pledge_id, "entity_id": entity_id, **counts}


def withdraw(office: Office, pledge_id: int, why: str, *, who: str | None = None) -> dict[str, Any]:
    """Takes back what people said of a ledger row; UsageError when nobody said anything."""
    with office.engine.begin() as connection:
        done = connection.execute(
            text("UPDATE pledge_match SET withdrawn_at = :t WHERE record_key = :k AND withdrawn_at IS NULL"),
            {"t": audit.moment(), "k": _record_key(connection, pledge_id)},
        ).rowcount
        if not done:
            raise UsageError(f"nobody said whose pledge {pledge_id} is")
        audit.note(connection, "pledge assignment withdrawn", str(pledge_id), redact_text(why), who)
        counts = derive.derive_within(connection, office)
    return {"pledge_id": pledge_id, **counts}


def _record_key(connection: Connection, pledge_id: int) -> str:
    key = connection.execute(text("SELECT record_key FROM pledge WHERE id = :i"), {"i": pledge_id}).scalar_one_or_none()
    if key is None:
        raise UsageError(f"there is no ledger row {pledge_id}")
    return str(key)


def parties(office: Office) -> list[dict[str, Any]]:
    """Those who must sign by the settings and hold no account themselves: persons on camera, agencies, platforms. Each with
    kind, name, number (code or mask), accounts (on which they stand) and status (as of entities)."""
    s = office.settings.pledges
    with office.engine.connect() as connection:
        day = reference_date(connection)
        pledges = read_pledges(connection)
        found = [
            _streamers(connection) if s.streamers_sign else None,
            _agencies(connection) if s.agencies_sign else None,
            _platforms(connection, office) if s.platforms_sign else None,
        ]
    rows = pd.concat([f for f in found if f is not None and len(f)] or [pd.DataFrame()], ignore_index=True)
    if rows.empty or not day:
        return []
    rows["entity_id"] = [f"P{n}" for n in range(len(rows))]
    by_number = pledges.merge(rows[["entity_id", "id_hash"]].dropna(), on="id_hash")
    by_code = pledges.merge(rows[["entity_id", "uscc"]].dropna(), on="uscc")
    firms = rows[rows["kind"] != "streamer"][["entity_id", "name_key"]].dropna()
    by_name = pledges.merge(firms, left_on="subject_key", right_on="name_key")
    matched = pd.concat([by_number, by_code, by_name], ignore_index=True).drop_duplicates(["pledge_id", "entity_id"])
    # A person is the number here, not the name; a firm is its code or its name.
    matched["fits"] = True
    rules = derive.flag_rules(office).pledges
    every = rows.assign(kind="other")[["entity_id", "uscc", "kind"]]
    rules = type(rules)(rules.validity_years, rules.outdated, rules.exempt, rules.current)
    rows["status"] = rows["entity_id"].map(statuses(matched, every, day, rules)).astype("str")
    rows["number"] = rows["uscc"].astype("str").fillna(rows["id_mask"].astype("str"))
    return as_records(rows[["kind", "name", "number", "accounts", "status"]])


_COLUMNS = ["kind", "name", "name_key", "uscc", "id_hash", "id_mask", "accounts"]


def _streamers(connection: Connection) -> pd.DataFrame:
    rows = bulk.read(
        connection,
        """
        SELECT 'streamer' AS kind, MAX(p.name) AS name, MAX(p.name_key) AS name_key, p.id_hash, MAX(p.id_mask) AS id_mask,
               COUNT(DISTINCT a.platform || ':' || a.account_id) AS accounts
        FROM account a JOIN record_streamer p ON p.record_id = a.record_id
        WHERE a.gone_on IS NULL AND p.id_hash IS NOT NULL
          AND NOT EXISTS (SELECT 1 FROM entity e JOIN account o ON o.entity_id = e.entity_id AND o.gone_on IS NULL
                          WHERE e.id_hash = p.id_hash)
        GROUP BY p.id_hash ORDER BY name, p.id_hash""",
        integers=["accounts"],
    )
    return rows.reindex(columns=_COLUMNS)


def _agencies(connection: Connection) -> pd.DataFrame:
    rows = bulk.read(
        connection,
        """
        SELECT 'agency' AS kind, MAX(c.agency_name) AS name, c.agency_key AS name_key, MAX(c.agency_uscc) AS uscc,
               COUNT(DISTINCT a.platform || ':' || a.account_id) AS accounts
        FROM account a JOIN record c ON c.id = a.record_id WHERE a.gone_on IS NULL AND c.agency_key IS NOT NULL
        GROUP BY c.agency_key ORDER BY name""",
        integers=["accounts"],
    )
    return rows.reindex(columns=_COLUMNS)


def _platforms(connection: Connection, office: Office) -> pd.DataFrame:
    rows = bulk.read(
        connection,
        "SELECT 'platform' AS kind, platform, COUNT(*) AS accounts FROM account WHERE gone_on IS NULL GROUP BY platform "
        "ORDER BY platform",
        integers=["accounts"],
    )
    titles = {m.id: m.title for m in office.mappings}
    rows["name"] = rows["platform"].map(titles).astype("str").fillna(rows["platform"])
    rows["name_key"] = rows["name"].map(business_key).astype("str")
    return rows.reindex(columns=_COLUMNS)
