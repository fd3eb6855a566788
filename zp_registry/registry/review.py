"""The queue of possible duplicates: pairs of entities about which the machine doubts and no person has decided."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import pandas as pd
from sqlalchemy import Connection

from zp_registry.errors import UsageError
from zp_registry.frames import as_records
from zp_registry.registry import bulk
from zp_registry.registry.guards import SAID, Standing, edge_ends, lead_to, standings
from zp_registry.resolve.subjects import ROWS

PAIR: Final = re.compile(r"(E\d{8,18})-(E\d{8,18})", re.IGNORECASE)
SHOWN = 5  # accounts, payees and sources named for one side; the rest is counted
# One line of the queue. ``edge_id``, ``left_id``, ``right_id``: the machine's best edge and its subjects (NA where a person
# alone doubts); ``judged*``: what a person said that leaves the pair in the queue.
QUEUE: Final = (
    "pair",
    "left",
    "right",
    "weight",
    "tier",
    "rule",
    "why",
    "edge_id",
    "left_id",
    "right_id",
    "judged",
    "judgement_id",
    "judged_by",
    "judged_at",
    "judged_why",
)
_INTEGERS = ["edge_id", "left_id", "right_id", "judgement_id"]


def pair_id(left: str, right: str) -> str:
    """The name of a pair: both ids, the older first."""
    older, newer = sorted((left, right), key=lambda e: int(e[1:]))
    return f"{older}-{newer}"


def pair_of(text: str) -> tuple[str, str]:
    """The two ids of a pair's name, in whatever order and case they were typed; UsageError for anything else."""
    found = PAIR.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{text!r} is not a pair such as E00000012-E00000345")
    older, newer = pair_id(found[1].upper(), found[2].upper()).split("-")
    return older, newer


def present_pair(connection: Connection, text: str) -> tuple[str, str]:
    """The present entities that a pair's ids lead to, the older first (one and the same id twice when they are one).

    UsageError for what is no pair and for an id that never was.
    """
    asked = pair_of(text)
    found = lead_to(connection, asked)
    for one in asked:
        if one not in found:
            raise UsageError(f"there is no entity {one}")
    older, newer = pair_id(found[asked[0]], found[asked[1]]).split("-")
    return older, newer


def queue(connection: Connection) -> pd.DataFrame:
    """QUEUE: one line per pair of entities, the best edge of each; undecided ones first, best first.

    A pair stands here when a live machine edge with judgement ``unsure``, or a person's, runs between two present entities. A
    person's ``different`` anywhere between the two takes it out; ``unsure`` leaves it, marked and behind the others, and so
    does a ``same`` that could not be followed.
    """
    rows = bulk.read(
        connection,
        edge_ends(
            "g.id, g.left_id, g.right_id, g.judgement, g.score, g.tier, g.rule, g.why, g.who, g.created_at",
            "(g.judgement = 'unsure' OR g.tier = 'person') AND {left} <> {right}",
        ),
        integers=["id", "left_id", "right_id"],
        floats=["score"],
    )
    if rows.empty:
        return pd.DataFrame({c: pd.Series(dtype="str") for c in QUEUE}).astype(
            {"weight": "float64", **dict.fromkeys(_INTEGERS, "Int64")}
        )
    rows = _older_first(rows)
    machine = rows[rows["tier"] != "person"].sort_values(["score", "id"], ascending=[False, True], na_position="last")
    best = machine.drop_duplicates("pair").set_index("pair")
    people = rows[rows["tier"] == "person"].sort_values("id")
    apart = set(people.loc[people["judgement"] == "negative", "pair"])
    last = people.drop_duplicates("pair", keep="last").set_index("pair")
    out = pd.DataFrame({"pair": [p for p in dict.fromkeys([*best.index, *last.index]) if p not in apart]}, dtype="str")
    for column, source in (
        ("left", "left_entity"),
        ("right", "right_entity"),
        ("weight", "score"),
        ("tier", "tier"),
        ("rule", "rule"),
        ("why", "why"),
        ("edge_id", "id"),
        ("left_id", "left_id"),
        ("right_id", "right_id"),
    ):
        out[column] = out["pair"].map(best[source])
    ends = out["pair"].str.split("-", expand=True) if len(out) else pd.DataFrame({0: out["pair"], 1: out["pair"]})
    out["left"], out["right"] = ends[0].astype("str"), ends[1].astype("str")
    for column, source in (
        ("judged", "judgement"),
        ("judgement_id", "id"),
        ("judged_by", "who"),
        ("judged_at", "created_at"),
        ("judged_why", "why"),
    ):
        out[column] = out["pair"].map(last[source])
    out["judged"] = out["judged"].map(SAID)
    texts = [c for c in QUEUE if c not in (*_INTEGERS, "weight")]
    out = out.astype({**dict.fromkeys(texts, "str"), **dict.fromkeys(_INTEGERS, "Int64"), "weight": "float64"})
    order = out.assign(
        late=out["judged"].notna(),
        first=out["left"].str.slice(1).astype("int64"),
        second=out["right"].str.slice(1).astype("int64"),
    ).sort_values(["late", "weight", "first", "second"], ascending=[True, False, True, True], na_position="last")
    return out.loc[order.index, list(QUEUE)].reset_index(drop=True)


def _older_first(rows: pd.DataFrame) -> pd.DataFrame:
    """Edges with their entities, and with them their subjects, the older entity on the left; and the pair's name."""
    swap = rows["left_entity"].str.slice(1).astype("int64") > rows["right_entity"].str.slice(1).astype("int64")
    out = rows.copy()
    for one, other in (("left_id", "right_id"), ("left_entity", "right_entity")):
        out[one], out[other] = rows[one].where(~swap, rows[other]), rows[other].where(~swap, rows[one])
    out["pair"] = (out["left_entity"] + "-" + out["right_entity"]).astype("str")
    return out


def judgements_on(connection: Connection, left: str, right: str) -> list[Standing]:
    """People's live judgements that bear on two ids: those between the two present entities; or, when both are one, those on
    the way from one to the other."""
    now = lead_to(connection, (left, right))
    a, b = now.get(left), now.get(right)
    if a != b:
        where = "g.tier = 'person' AND {left} <> {right} AND {left} IN (:a, :b) AND {right} IN (:a, :b)"
    else:
        inside = "SELECT id FROM subject WHERE current_id IN (SELECT entity_id FROM subject WHERE current_id = :a)"
        where = f"g.judgement = 'positive' AND g.left_id IN ({inside}) AND {{left}} = :a AND {{right}} = :a"
    rows = bulk.read(
        connection,
        edge_ends("g.id, g.left_id, g.right_id, g.tier, g.judgement, g.who, g.why, g.created_at", f"{where} ORDER BY g.id"),
        {"a": a, "b": b},
        integers=["id", "left_id", "right_id"],
    )
    if a != b:
        return standings(rows)
    return standings(rows.iloc[_joining(rows, int(left[1:]), int(right[1:]))])


def _joining(edges: pd.DataFrame, start: int, goal: int) -> list[int]:
    """Places of the person's edges on a shortest way from ``start`` to ``goal``, counting only people's edges as steps."""
    ways: dict[int, list[tuple[int, int, bool]]] = {}
    for place, (a, b, tier) in enumerate(zip(edges["left_id"], edges["right_id"], edges["tier"], strict=True)):
        ways.setdefault(int(a), []).append((int(b), place, tier == "person"))
        ways.setdefault(int(b), []).append((int(a), place, tier == "person"))
    reached: dict[int, list[int]] = {start: []}
    level = [start]
    while level and goal not in reached:
        after: list[int] = []
        while level:  # the machine's edges cost nothing: all that hangs together by them is one level
            at = level.pop()
            for there, place, persons in ways.get(at, ()):
                if there not in reached:
                    reached[there] = [*reached[at], place] if persons else reached[at]
                    (after if persons else level).append(there)
        level = after
    return reached.get(goal, [])


def sides(connection: Connection, entities: Sequence[str], subjects: Sequence[int] = ()) -> dict[str, dict[str, Any]]:
    """What is shown of each entity, numbers masked: entity_id, name, kind, number, phone, payees, address, town, first_seen,
    last_seen, accounts, sources, and ``more`` (how many payees, accounts and sources are not named).

    ``subjects``: where the doubt lies; their rows are named as sources before others of the entity.
    """
    bulk.stage(connection, "rv_entities", pd.DataFrame({"entity_id": sorted(set(entities))}, dtype="str"))
    bulk.stage(connection, "rv_subjects", pd.DataFrame({"id": sorted(set(subjects))}, dtype="int64"))
    shown = bulk.read(
        connection,
        """
        SELECT e.entity_id, e.name, e.kind, COALESCE(e.uscc, e.id_mask) AS number, e.phone_mask AS phone, e.address, e.town,
               e.first_seen, e.last_seen
        FROM rv_entities n JOIN entity e ON e.entity_id = n.entity_id""",
    )
    accounts = bulk.read(
        connection,
        """
        SELECT a.entity_id, a.platform || ':' || a.account_id AS text
        FROM rv_entities n JOIN account a ON a.entity_id = n.entity_id
        ORDER BY a.gone_on IS NOT NULL, a.last_seen DESC, a.platform, a.account_id""",
    )
    # In this order: few entities, then their rows.
    members = "FROM rv_entities n CROSS JOIN subject s CROSS JOIN record c"
    own = "s.current_id = n.entity_id AND c.subject_id = s.id AND c.live = 1"
    payees = bulk.read(
        connection,
        f"SELECT s.current_id AS entity_id, c.payee_mask AS text {members} WHERE {own} AND c.payee_mask IS NOT NULL "
        "GROUP BY s.current_id, c.payee_mask ORDER BY MAX(c.id) DESC",
    )
    sources = bulk.read(
        connection,
        f"""
        SELECT s.current_id AS entity_id,
               f.name || CASE WHEN t.sheet = '' THEN '' ELSE ' › ' || t.sheet END || ' › ' || t.row AS text
        {members} CROSS JOIN sighting t JOIN report r ON r.id = t.report_id AND r.superseded_by IS NULL
        JOIN report_file f ON f.id = r.file_id LEFT JOIN rv_subjects q ON q.id = s.id
        WHERE {own} AND t.record_id = c.id
        ORDER BY q.id IS NULL, r.as_of DESC, f.name, t.sheet, t.row""",
    )
    bulk.unstage(connection, "rv_entities")
    bulk.unstage(connection, "rv_subjects")
    out: dict[str, dict[str, Any]] = {r["entity_id"]: {**r, "more": {}} for r in as_records(shown)}
    for name, frame in (("payees", payees), ("accounts", accounts), ("sources", sources)):
        lists = frame.drop_duplicates().groupby("entity_id")["text"].agg(list)
        for entity, side in out.items():
            found = lists.get(entity, [])
            side[name], side["more"][name] = found[:SHOWN], max(0, len(found) - SHOWN)
    return out


def lines(
    connection: Connection, limit: int | None = None, pair: tuple[str, str] | None = None, every: pd.DataFrame | None = None
) -> list[dict[str, Any]]:
    """The queue's first ``limit`` lines (or the one of ``pair``, two present ids) as dictionaries: rank, pair, weight, tier,
    rule, why, subjects (the two that were compared), ``left`` and ``right`` (as :func:`sides`), and ``judged`` (None, or what a
    person said: decision, judgement, who, at, why). ``every``: the queue, where it is at hand."""
    every = queue(connection) if every is None else every
    every = every.assign(rank=range(1, len(every) + 1))
    part = every.head(limit) if limit is not None else every
    if pair is not None:
        part = every[every["pair"] == pair_id(*pair)]
    ends = part[["left_id", "right_id"]].dropna().astype("int64").to_numpy().ravel().tolist()
    shown = sides(connection, [*part["left"], *part["right"]], ends)
    out = []
    for row in as_records(part):
        judged = None
        if row["judged"] is not None:
            judged = {"decision": row["judged"], "judgement": int(row["judgement_id"]), "who": row["judged_by"]}
            judged |= {"at": row["judged_at"], "why": row["judged_why"]}
        compared = None if row["edge_id"] is None else [int(row["left_id"]), int(row["right_id"])]
        weight = None if row["weight"] is None else round(float(row["weight"]), 2)
        out.append(
            {
                "rank": row["rank"], "pair": row["pair"], "weight": weight, "tier": row["tier"], "rule": row["rule"],
                "why": row["why"], "subjects": compared,
                "left": shown[row["left"]], "right": shown[row["right"]], "judged": judged,
            }
        )  # fmt: skip
    return out


def rows_around(connection: Connection, subjects: Sequence[int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What the subjects are compared by: their live rows and those of others with the same phone, payee account or address
    (whether a thing is shared by too many names is told from them), as ``rows`` and ``accounts`` of
    resolve.subjects.open_tables."""
    bulk.stage(connection, "rv_compared", pd.DataFrame({"id": sorted(set(subjects))}, dtype="int64"))
    own = [c for c in ROWS if c not in ("record_id", "was_live")]
    select = f"SELECT c.id AS record_id, {', '.join(f'c.{c}' for c in own)}, c.live AS was_live FROM record c"
    live = "c.record_kind = 'account' AND c.subject_id IS NOT NULL AND c.live = 1"
    integers = ["record_id", "subject_id", "live", "was_live", "loose"]
    mine = bulk.read(connection, f"{select} JOIN rv_compared n ON n.id = c.subject_id WHERE {live}", integers=integers)
    loose = bulk.read(
        connection,
        """
        SELECT c.id AS record_id, MIN(a.account_id) AS account_id, COUNT(DISTINCT a.account_id) AS n
        FROM rv_compared q CROSS JOIN record c CROSS JOIN account a
        WHERE c.subject_id = q.id AND c.loose = 1 AND c.live = 1 AND a.platform = c.platform
              AND c.account_ref IN (a.account_id, a.account_handle, a.account_url, a.account_name)
        GROUP BY c.id""",  # in this order: few rows of ours, then their accounts
        integers=["record_id", "n"],
    )
    phones = mine["phone_hashes"].fillna(mine["phone_hash"]).dropna().str.split(";").explode()
    values = [("phone", phones), ("payee", mine["payee_hash"]), ("address", mine["address_key"])]
    shared = pd.concat([pd.DataFrame({"type": t, "value": v.dropna().unique()}) for t, v in values]).astype("str")
    bulk.stage(connection, "rv_shared", shared)
    theirs = bulk.read(
        connection,
        f"""
        {select} WHERE {live} AND c.id IN (
            SELECT p.id FROM rv_shared v JOIN record p ON p.phone_hash = v.value WHERE v.type = 'phone'
            UNION SELECT p.id FROM rv_shared v JOIN record p ON p.payee_hash = v.value WHERE v.type = 'payee'
            UNION SELECT p.id FROM rv_shared v JOIN record p ON p.address_key = v.value WHERE v.type = 'address'
            UNION SELECT p.id FROM rv_shared v JOIN record p ON p.phone_hashes LIKE '%' || v.value || '%'
                  WHERE v.type = 'phone' AND p.phone_hashes LIKE '%;%')""",
        integers=integers,
    )
    bulk.unstage(connection, "rv_compared")
    bulk.unstage(connection, "rv_shared")
    rows = pd.concat([mine, theirs], ignore_index=True).drop_duplicates("record_id", ignore_index=True)
    found = loose[loose["n"] == 1].set_index("record_id")["account_id"]
    of_loose = rows.loc[rows["loose"] == 1, ["record_id", "account_ref"]]
    account = of_loose["record_id"].map(found).astype("str").fillna(of_loose["account_ref"])
    accounts = of_loose[["record_id"]].assign(account_id=account, was_account_id=account).reset_index(drop=True)
    return rows[list(ROWS)], accounts
