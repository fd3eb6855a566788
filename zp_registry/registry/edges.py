"""People's judgements about who is who, kept as edges between subjects; the one place that writes them."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import Connection, text

from zp_registry.errors import UsageError
from zp_registry.frames import BUSINESS_KINDS
from zp_registry.registry import bulk
from zp_registry.registry.dossier import current_entity


def say_same(connection: Connection, left: str, right: str, who: str, why: str, now: str) -> int:
    """Notes that two entities are one; returns the edge's id. The next resolve joins them under the older id.

    UsageError for an unknown id, for one entity, for two different valid numbers, and for a person and a business (who are two
    by the law of the registry, however closely they belong together).
    """
    a, b = _two(connection, left, right)
    if a["entity_id"] == b["entity_id"]:
        raise UsageError(f"{left} and {right} are one entity already: {a['entity_id']}")
    if (a["kind"] in BUSINESS_KINDS) != (b["kind"] in BUSINESS_KINDS):
        raise UsageError(f"{left} and {right} are a person and a business: these stay two entities, whoever runs the business")
    for number, name in (("uscc", "credit codes"), ("id_hash", "ID numbers")):
        if a[number] and b[number] and a[number] != b[number]:
            raise UsageError(f"{left} and {right} have two different valid {name}: they are never one")
    return _write(connection, [(_oldest(a["entity_id"]), _oldest(b["entity_id"]))], "positive", who, why, now)[0]


def say_different(connection: Connection, left: str, right: str, who: str, why: str, now: str) -> int:
    """Notes that two entities are not one; nothing will join them until that is undone. Returns the edge's id."""
    a, b = _two(connection, left, right)
    if a["entity_id"] == b["entity_id"]:
        raise UsageError(f"{left} and {right} are one entity: part an account from it with 'entity split'")
    return _write(connection, [(_oldest(a["entity_id"]), _oldest(b["entity_id"]))], "negative", who, why, now)[0]


def split_off(connection: Connection, entity: str, platform: str, account_id: str, who: str, why: str, now: str) -> list[int]:
    """Parts from an entity the way in which one account describes its holder; returns the edges' ids.

    UsageError when the account is not described in a way of its own: rows with one number and one name are one subject, and a
    number that was typed wrongly is corrected in the report.
    """
    current = current_entity(connection, entity)
    if current is None:
        raise UsageError(f"there is no entity {entity}")
    members = bulk.read(connection, "SELECT id FROM subject WHERE current_id = :e", {"e": current}, integers=["id"])[
        "id"
    ].tolist()
    here = bulk.read(
        connection,
        "SELECT DISTINCT s.id FROM subject s JOIN record c ON c.subject_id = s.id "
        "WHERE s.current_id = :e AND c.platform = :p AND c.account_ref = :a",
        {"e": current, "p": platform, "a": account_id},
        integers=["id"],
    )["id"].tolist()
    elsewhere = bulk.read(
        connection,
        "SELECT DISTINCT c.subject_id AS id FROM record c JOIN subject s ON s.id = c.subject_id "
        "WHERE s.current_id = :e AND NOT (c.platform = :p AND c.account_ref = :a)",
        {"e": current, "p": platform, "a": account_id},
        integers=["id"],
    )["id"].tolist()
    own = [s for s in here if s not in set(elsewhere)]
    rest = [s for s in members if s not in set(own)]
    if not own or not rest:
        raise UsageError(f"{platform}:{account_id} is not described in a way of its own within {current}: nothing to split off")
    return _write(connection, [(a, b) for a in own for b in rest], "negative", who, why, now)


def take_back(connection: Connection, edge_id: int, now: str) -> bool:
    """Deletes a person's judgement; False when there is no live one of that id."""
    done = connection.execute(
        text("UPDATE edge SET deleted_at = :n WHERE id = :i AND tier = 'person' AND deleted_at IS NULL"),
        {"n": now, "i": edge_id},
    )
    return done.rowcount > 0


def _two(connection: Connection, left: str, right: str) -> tuple[dict[str, str | None], dict[str, str | None]]:
    found = []
    for asked in (left, right):
        current = current_entity(connection, asked)
        row = connection.execute(
            text("SELECT entity_id, kind, uscc, id_hash FROM entity WHERE entity_id = :e"), {"e": current}
        ).first()
        if row is None:
            raise UsageError(f"there is no entity {asked}")
        found.append(dict(row._mapping))
    return found[0], found[1]


def _oldest(entity: str | None) -> int:
    """The subject that an entity is called after."""
    return int(str(entity)[1:])


def _write(connection: Connection, pairs: list[tuple[int, int]], judgement: str, who: str, why: str, now: str) -> list[int]:
    """One live judgement per pair: a new one takes the place of what a person said before."""
    frame = pd.DataFrame([sorted(p) for p in pairs], columns=["left_id", "right_id"]).astype("int64")
    bulk.stage(connection, "pe_new", frame)
    same = "edge.left_id = n.left_id AND edge.right_id = n.right_id"
    connection.execute(
        text(
            "UPDATE edge SET deleted_at = :n WHERE tier = 'person' AND deleted_at IS NULL "
            f"AND EXISTS (SELECT 1 FROM pe_new n WHERE {same})"
        ),
        {"n": now},
    )
    connection.execute(
        text(
            "INSERT INTO edge (left_id, right_id, judgement, tier, settings_hash, who, why, created_at) "
            "SELECT n.left_id, n.right_id, :j, 'person', '', :w, :y, :n FROM pe_new n"
        ),
        {"j": judgement, "w": who, "y": why, "n": now},
    )
    ids = bulk.read(
        connection,
        f"SELECT edge.id FROM edge JOIN pe_new n ON {same} "
        "WHERE edge.tier = 'person' AND edge.deleted_at IS NULL ORDER BY edge.id",
        integers=["id"],
    )
    bulk.unstage(connection, "pe_new")
    return [int(i) for i in ids["id"]]
