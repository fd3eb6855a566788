"""People's judgements about who is who, kept as edges between subjects; the one place that writes them.

A judgement stands between the subjects after which the two entities are called, and counts for the whole clusters. People's
judgements always win over the machine's, so what forbids one is looked at here, before it is written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import pandas as pd
from sqlalchemy import Connection, text

from zp_registry.errors import UsageError
from zp_registry.registry import bulk
from zp_registry.registry.guards import (
    ClustersBroken,
    JudgementRefused,
    Standing,
    Unions,
    between,
    edge_ends,
    lead_to,
    members,
    standings,
    verify_clusters,
)

__all__ = [
    "ClustersBroken",
    "JudgementRefused",
    "Standing",
    "judge",
    "say_different",
    "say_same",
    "say_unsure",
    "split_off",
    "take_back",
    "verify_clusters",
    "write",
]


def say_same(connection: Connection, left: str, right: str, who: str, why: str, now: str) -> int:
    """Notes that two entities are one; returns the edge's id. The next resolve joins them under the older id.

    JudgementRefused (a UsageError) for an unknown id, for one entity, for two different valid numbers of one kind, for a person
    and a business (who are two by the law of the registry, however closely they belong together), and across a person's live
    ``different`` or ``unsure`` anywhere between the two clusters, which has to be undone first. The machine's doubts do not
    stand in the way.
    """
    return _say(connection, left, right, "positive", who, why, now)


def say_different(connection: Connection, left: str, right: str, who: str, why: str, now: str) -> int:
    """Notes that two entities are not one; nothing will join them until that is undone. Returns the edge's id.

    JudgementRefused for an unknown id and for one entity."""
    return _say(connection, left, right, "negative", who, why, now)


def say_unsure(connection: Connection, left: str, right: str, who: str, why: str, now: str) -> int:
    """Notes that a person looked and cannot tell: the two stay two, and stay in the queue. Refusals as of the others."""
    return _say(connection, left, right, "unsure", who, why, now)


def _say(connection: Connection, left: str, right: str, judgement: str, who: str, why: str, now: str) -> int:
    row = {"left": left, "right": right, "judgement": judgement, "who": who, "why": why, "created_at": now}
    ids, refused = judge(connection, pd.DataFrame([row], dtype="str"))
    if refused:
        raise refused[0]
    return ids[0]


def judge(
    connection: Connection, said: pd.DataFrame, replaces: Mapping[int, Collection[int]] | None = None
) -> tuple[dict[int, int], dict[int, JudgementRefused]]:
    """Writes many judgements at once; each either stands or is refused, as by the functions for one.

    ``said``: left, right (entity ids, former ones too), judgement (positive | negative | unsure), who, why, created_at; text.
    ``replaces``: by place, the numbers of judgements that give way to that row; they are taken back if it stands. Returns the
    edges' ids and the refusals, both by the row's place in ``said``. Positive ones are tried in the frame's order,
    against all that the frame keeps apart and what was joined before. A pair's last line of one judgement is the one kept.
    """
    now_at = lead_to(connection, [*said["left"], *said["right"]])
    refused: dict[int, JudgementRefused] = {}
    pairs: dict[int, tuple[str, str]] = {}
    for place, (left, right, judgement) in enumerate(_plain(said, ["left", "right", "judgement"])):
        a, b = now_at.get(left), now_at.get(right)
        if a is None or b is None:
            refused[place] = JudgementRefused("unknown", f"there is no entity {left if a is None else right}")
        elif a == b:
            hint = (
                ""
                if judgement == "positive"
                else ": undo the judgement that joined them, or part an account with 'entity split'"
            )
            refused[place] = JudgementRefused("one", f"{left} and {right} are one entity already: {a}{hint}")
        else:
            pairs[place] = (a, b)
    judgements = said["judgement"].tolist()
    involved = {e for pair in pairs.values() for e in pair}
    parted = [pair for place, pair in pairs.items() if judgements[place] != "positive"]
    replaces = replaces or {}
    giving_way = {edge for edges in replaces.values() for edge in edges}
    blocks = [s for s in between(connection, involved) if s.edge_id not in giving_way]
    unions = Unions(members(connection, involved), blocks, parted)
    for place, (a, b) in list(pairs.items()):
        if judgements[place] == "positive":
            try:
                unions.join(a, b)
            except JudgementRefused as error:
                refused[place] = error
                del pairs[place]
    if not pairs:
        return {}, refused
    rows = said.iloc[list(pairs)].reset_index(drop=True)
    take_back(connection, [e for place in pairs for e in replaces.get(place, ())], str(rows["created_at"].max()))
    ends = pd.DataFrame([sorted((_oldest(a), _oldest(b))) for a, b in pairs.values()], columns=["left_id", "right_id"])
    ids = write(connection, pd.concat([ends, rows[["judgement", "who", "why", "created_at"]]], axis=1))
    return dict(zip(pairs, ids, strict=True)), refused


def split_off(connection: Connection, entity: str, platform: str, account_id: str, who: str, why: str, now: str) -> list[int]:
    """Parts from an entity the way in which one account describes its holder; returns the edges' ids.

    JudgementRefused when the account is not described in a way of its own: rows with one number and one name are one subject,
    and a number that was typed wrongly is corrected in the report; and when a person said of the two sides that they are one,
    which has to be undone first.
    """
    current = lead_to(connection, [entity]).get(entity)
    if current is None:
        raise JudgementRefused("unknown", f"there is no entity {entity}")
    # Shared lists name an account by its handle, address or display name.
    rows = bulk.read(
        connection,
        """
        SELECT c.subject_id, MAX(CASE WHEN c.platform = :p AND (c.account_ref = :a OR (c.loose = 1 AND c.account_ref IN (
                   a.account_handle, a.account_url, a.account_name))) THEN 1 ELSE 0 END) AS here,
               MIN(CASE WHEN c.platform = :p AND (c.account_ref = :a OR (c.loose = 1 AND c.account_ref IN (
                   a.account_handle, a.account_url, a.account_name))) THEN 1 ELSE 0 END) AS only_here
        FROM subject s JOIN record c ON c.subject_id = s.id
        LEFT JOIN account a ON a.platform = :p AND a.account_id = :a
        WHERE s.current_id = :e AND c.live = 1 AND c.record_kind = 'account' GROUP BY c.subject_id ORDER BY c.subject_id""",
        {"e": current, "p": platform, "a": account_id},
        integers=["subject_id", "here", "only_here"],
    )
    if not rows["here"].any():
        raise JudgementRefused("split", f"{current} has no account {platform}:{account_id}")
    own = rows.loc[rows["only_here"] == 1, ["subject_id"]]
    rest = rows.loc[rows["only_here"] == 0, ["subject_id"]]
    if own.empty or rest.empty:
        raise JudgementRefused(
            "split", f"{platform}:{account_id} is not described in a way of its own within {current}: nothing to split off"
        )
    _refuse_across(connection, current, set(own["subject_id"]), set(rest["subject_id"]))
    pairs = own.merge(rest, how="cross", suffixes=("_own", "_rest"))
    ends = pd.DataFrame({"left_id": pairs.min(axis=1), "right_id": pairs.max(axis=1)})
    return write(connection, ends.assign(judgement="negative", who=who, why=why, created_at=now))


def _refuse_across(connection: Connection, entity: str, own: set[int], rest: set[int]) -> None:
    rows = bulk.read(
        connection,
        edge_ends(
            "g.id, g.left_id, g.right_id, g.judgement, g.who, g.why, g.created_at",
            "g.tier = 'person' AND g.judgement = 'positive' AND {left} = :e AND {right} = :e ORDER BY g.id",
        ),
        {"e": entity},
        integers=["id", "left_id", "right_id"],
    )
    ends = [{int(a), int(b)} for a, b in _plain(rows, ["left_id", "right_id"])]
    across = [s for s, e in zip(standings(rows), ends, strict=True) if e & own and e & rest]
    if across:
        raise JudgementRefused(
            "judged", f"people said that these are one: {', '.join(map(str, across))}; undo that first", across
        )


def take_back(connection: Connection, edge_ids: Iterable[int], now: str) -> None:
    """Deletes people's judgements; UsageError when there is no live one of a number."""
    ids = sorted(set(edge_ids))
    bulk.stage(connection, "pe_back", pd.DataFrame({"id": ids}, dtype="int64"))
    live = "edge.tier = 'person' AND edge.deleted_at IS NULL AND EXISTS (SELECT 1 FROM pe_back b WHERE b.id = edge.id)"
    found = bulk.read(connection, f"SELECT edge.id FROM edge WHERE {live}", integers=["id"])["id"].tolist()
    missing = [str(i) for i in ids if i not in set(found)]
    if missing:
        raise UsageError(f"there is no live judgement {', '.join(missing)}")
    connection.execute(text(f"UPDATE edge SET deleted_at = :n WHERE {live}"), {"n": now})
    bulk.unstage(connection, "pe_back")


def write(connection: Connection, judged: pd.DataFrame) -> list[int]:
    """Writes people's judgements between subjects (left_id < right_id, judgement, who, why, created_at) and gives their edges'
    ids in the frame's order. One live judgement per pair: a new one takes the place of what a person said before, which ends at
    the new one's ``created_at``."""
    if judged.empty:
        return []
    frame = judged.astype({"left_id": "int64", "right_id": "int64"})
    bulk.stage(connection, "pe_new", frame.drop_duplicates(["left_id", "right_id"], keep="last"))
    same = "edge.left_id = n.left_id AND edge.right_id = n.right_id AND edge.tier = 'person' AND edge.deleted_at IS NULL"
    connection.exec_driver_sql(f"UPDATE edge SET deleted_at = n.created_at FROM pe_new n WHERE {same}")
    connection.exec_driver_sql(
        "INSERT INTO edge (left_id, right_id, judgement, tier, settings_hash, who, why, created_at) "
        "SELECT n.left_id, n.right_id, n.judgement, 'person', '', n.who, n.why, n.created_at FROM pe_new n "
        "ORDER BY n.created_at, n.left_id, n.right_id"
    )
    ids = bulk.read(
        connection,
        f"SELECT edge.id, n.left_id, n.right_id FROM edge JOIN pe_new n ON {same}",
        integers=["id", "left_id", "right_id"],
    )
    bulk.unstage(connection, "pe_new")
    found = frame[["left_id", "right_id"]].merge(ids, on=["left_id", "right_id"], how="left")
    return [int(i) for i in found["id"]]


def _oldest(entity: str) -> int:
    """The subject that an entity is called after."""
    return int(entity[1:])


def _plain(frame: pd.DataFrame, columns: list[str]) -> list[tuple[str, ...]]:
    return list(frame[columns].itertuples(index=False, name=None))
