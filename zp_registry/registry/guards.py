"""What forbids that two entities become one: their numbers, their kinds, and what people said before. Looked at over whole
clusters, with every subject that belongs to them now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd
from sqlalchemy import Connection

from zp_registry.errors import UsageError, ZpError
from zp_registry.frames import BUSINESS_KINDS
from zp_registry.registry import bulk

Judgement = Literal["positive", "negative", "unsure"]
WORDS: dict[str, Judgement] = {"same": "positive", "different": "negative", "unsure": "unsure"}
SAID: dict[str, str] = {judgement: word for word, judgement in WORDS.items()}

_BUSINESS = ", ".join(f"'{kind}'" for kind in BUSINESS_KINDS)
# An id of an entity that was merged leads on, also where the subject itself is no longer reported and kept its last place.
_NOW = "COALESCE(o{0}.current_id, s{0}.current_id, s{0}.entity_id)"
_ENDS = " ".join(
    f"JOIN subject s{n} ON s{n}.id = g.{end} LEFT JOIN subject o{n} ON o{n}.entity_id = s{n}.current_id"
    for n, end in ((1, "left_id"), (2, "right_id"))
)

# Entities that hold two different valid numbers of one kind; {within} narrows it down.
BROKEN_CLUSTERS = f"""
    SELECT current_id FROM (
        SELECT s.current_id, c.uscc,
               CASE WHEN c.uscc IS NULL AND (c.subject_kind IS NULL OR c.subject_kind NOT IN ({_BUSINESS}))
                    THEN c.id_hash END AS id_hash
        FROM subject s JOIN record c ON s.id = c.subject_id
        WHERE c.live = 1 AND c.record_kind = 'account' AND (c.uscc IS NOT NULL OR c.id_hash IS NOT NULL)
          AND s.current_id IS NOT NULL {{within}}) v
    GROUP BY current_id HAVING MIN(uscc) <> MAX(uscc) OR MIN(id_hash) <> MAX(id_hash)"""


@dataclass(frozen=True)
class Standing:
    """A person's live judgement between two entities (``left``, ``right``: their present ids)."""

    edge_id: int
    left: str
    right: str
    judgement: str
    who: str
    why: str
    created_at: str

    def __str__(self) -> str:
        return f"judgement {self.edge_id} ({SAID[self.judgement]}, by {self.who} on {self.created_at[:10]})"


class JudgementRefused(UsageError):
    """A judgement that cannot stand. ``rule``: unknown | one | numbers | kinds | judged | batch | split; ``standing``: people's
    judgements in its way."""

    def __init__(self, rule: str, message: str, standing: Iterable[Standing] = ()) -> None:
        self.rule, self.standing = rule, tuple(standing)
        super().__init__(message)


class ClustersBroken(ZpError):
    """An entity holds two different valid numbers of one kind: a fault of ours, and the transaction must not stand."""


def edge_ends(columns: str, where: str) -> str:
    """A query over edges ``g`` with the present entities of both ends as ``left_entity`` and ``right_entity``; ``where`` may
    use ``{left}`` and ``{right}`` for them."""
    left, right = _NOW.format(1), _NOW.format(2)
    return (
        f"SELECT {columns}, {left} AS left_entity, {right} AS right_entity FROM edge g {_ENDS} "
        f"WHERE g.deleted_at IS NULL AND {where.format(left=left, right=right)}"
    )


def lead_to(connection: Connection, ids: Iterable[str]) -> dict[str, str]:
    """The entity that each id leads to now; ids that never were, or of which nothing is reported any more, are left out."""
    bulk.stage(connection, "gd_ids", pd.DataFrame({"entity_id": sorted(set(ids))}, dtype="str"))
    found = bulk.read(
        connection,
        f"SELECT i.entity_id AS asked, e.entity_id FROM gd_ids i JOIN subject s1 ON s1.entity_id = i.entity_id "
        f"LEFT JOIN subject o1 ON o1.entity_id = s1.current_id JOIN entity e ON e.entity_id = {_NOW.format(1)}",
    )
    bulk.unstage(connection, "gd_ids")
    return dict(zip(found["asked"], found["entity_id"], strict=True))


def members(connection: Connection, entities: Iterable[str]) -> pd.DataFrame:
    """The subjects of these entities of which something is reported: entity_id, subject_id, business, person, number
    (``uscc:…``, ``id:…`` or NA)."""
    bulk.stage(connection, "gd_entities", pd.DataFrame({"entity_id": sorted(set(entities))}, dtype="str"))
    rows = bulk.read(
        connection,
        f"""
        SELECT s.current_id AS entity_id, s.id AS subject_id,
               MAX(CASE WHEN c.subject_kind IN ({_BUSINESS}) OR c.uscc IS NOT NULL THEN 1 ELSE 0 END) AS business,
               MAX(CASE WHEN c.subject_kind = 'natural_person' AND c.uscc IS NULL THEN 1 ELSE 0 END) AS person,
               MAX(c.uscc) AS uscc, MAX(c.id_hash) AS id_hash
        FROM gd_entities n JOIN subject s ON s.current_id = n.entity_id JOIN record c ON c.subject_id = s.id
        WHERE c.record_kind = 'account' AND c.live = 1 GROUP BY s.current_id, s.id ORDER BY s.id""",
        integers=["subject_id", "business", "person"],
    )
    bulk.unstage(connection, "gd_entities")
    own = ("id:" + rows["id_hash"]).where(rows["business"] == 0)
    rows["number"] = ("uscc:" + rows["uscc"]).fillna(own).astype("str")
    return rows.astype({"business": bool, "person": bool})[["entity_id", "subject_id", "business", "person", "number"]]


def between(connection: Connection, entities: Iterable[str]) -> list[Standing]:
    """People's live judgements with one end in one of these entities and the other in another entity."""
    bulk.stage(connection, "gd_asked", pd.DataFrame({"entity_id": sorted(set(entities))}, dtype="str"))
    asked = "(SELECT entity_id FROM gd_asked)"
    rows = bulk.read(
        connection,
        edge_ends(
            "g.id, g.judgement, g.who, g.why, g.created_at",
            f"g.tier = 'person' AND {{left}} <> {{right}} AND ({{left}} IN {asked} OR {{right}} IN {asked}) ORDER BY g.id",
        ),
        integers=["id"],
    )
    bulk.unstage(connection, "gd_asked")
    return standings(rows)


def standings(rows: pd.DataFrame) -> list[Standing]:
    """Rows (id, left_entity, right_entity, judgement, who, why, created_at) as judgements."""
    columns = ["id", "left_entity", "right_entity", "judgement", "who", "why", "created_at"]
    return [Standing(int(row[0]), *map(str, row[1:])) for row in rows[columns].itertuples(index=False, name=None)]


@dataclass
class _Cluster:
    names: set[str]
    numbers: set[str]
    business: bool
    person: bool
    against: list[Standing] = field(default_factory=list)
    parted: set[str] = field(default_factory=set)  # entities that this batch says are others


class Unions:
    """Joins entities on trial, in the order of a batch, and refuses what must not be joined."""

    def __init__(self, facts: pd.DataFrame, said: Iterable[Standing], parted: Iterable[tuple[str, str]] = ()) -> None:
        """``facts``: :func:`members`; ``said``: :func:`between`; ``parted``: pairs that the same batch keeps apart."""
        self._of: dict[str, _Cluster] = {}
        for name, rows in facts.groupby("entity_id"):
            numbers = {str(n) for n in rows["number"].dropna()}
            self._of[str(name)] = _Cluster({str(name)}, numbers, bool(rows["business"].any()), bool(rows["person"].any()))
        for one in said:
            if one.judgement != "positive":
                for end in (one.left, one.right):
                    if end in self._of:
                        self._of[end].against.append(one)
        for left, right in parted:
            for here, there in ((left, right), (right, left)):
                if here in self._of:
                    self._of[here].parted.add(there)

    def join(self, left: str, right: str) -> None:
        """Raises JudgementRefused for what must stay apart."""
        # An entity of which nothing is reported any more stands in the tables until the next resolve.
        a, b = (self._of.setdefault(name, _Cluster({name}, set(), False, False)) for name in (left, right))
        if a is b:
            return
        for kind, name in (("uscc:", "credit codes"), ("id:", "ID numbers")):
            if len({n for n in a.numbers | b.numbers if n.startswith(kind)}) > 1:
                raise JudgementRefused("numbers", f"{left} and {right} have two different valid {name}: they are never one")
        if (a.business and (b.person and not b.business)) or (b.business and (a.person and not a.business)):
            raise JudgementRefused(
                "kinds", f"{left} and {right} are a person and a business: these stay two entities, whoever runs the business"
            )
        blocks = [s for s in a.against if {s.left, s.right} & a.names and {s.left, s.right} & b.names]
        if blocks:
            raise JudgementRefused(
                "judged",
                f"{left} and {right} cannot be joined across what people said: {', '.join(map(str, blocks))}; undo that first",
                blocks,
            )
        if a.parted & b.names or b.parted & a.names:
            raise JudgementRefused("batch", f"{left} and {right}: another line of the same file says that they are not one")
        a.names |= b.names
        a.numbers |= b.numbers
        a.business, a.person = a.business or b.business, a.person or b.person
        a.against += b.against
        a.parted |= b.parted
        for name in b.names:
            self._of[name] = a


def impossible(connection: Connection, left: str, right: str) -> JudgementRefused | None:
    """Why two present entities can never be one, whatever people said: their numbers or their kinds. None when they may be."""
    try:
        Unions(members(connection, (left, right)), ()).join(left, right)
    except JudgementRefused as refused:
        return refused
    return None


def verify_clusters(connection: Connection, scope: str | None = None) -> None:
    """Raises ClustersBroken when an entity holds two different valid numbers of one kind. One grouped query over what is
    reported, or over the entities that the subjects in the table ``scope`` (subject_id) make together: a subject alone has one
    number, by what a subject is. To be called after a resolve, in its transaction."""
    within = (
        ""
        if scope is None
        else f"AND s.current_id IN (SELECT o.current_id FROM {scope} n JOIN subject o ON o.id = n.subject_id "
        "WHERE o.current_id <> o.entity_id)"
    )
    rows: Sequence[Any] = connection.exec_driver_sql(f"{BROKEN_CLUSTERS.format(within=within)} ORDER BY current_id").fetchall()
    if rows:
        shown = ", ".join(str(r[0]) for r in rows[:5])
        raise ClustersBroken(f"{len(rows)} entities would hold two different valid numbers ({shown}): nothing was written")
