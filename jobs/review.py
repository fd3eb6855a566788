"""People say who is who: decisions about pairs of the queue, merging, parting and splitting entities, and taking it back.

Each writes the judgement and everything that follows from it in one transaction, and checks that it took effect.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy import Connection

from zp_registry.errors import UsageError
from zp_registry.logs import redact_text
from zp_registry.registry import audit, edges, flags
from zp_registry.registry.cases import write_cases
from zp_registry.registry.guards import SAID, WORDS, JudgementRefused, Standing, between, impossible, lead_to
from zp_registry.registry.review import judgements_on, pair_id, pair_of, present_pair

from . import derive
from .office import Office


class Overtaken(UsageError):
    """Something else was said of a pair than what the person saw who decides now; ``standing``: what it is."""

    def __init__(self, pair: str, standing: Collection[Standing]) -> None:
        self.standing = tuple(standing)
        named = ", ".join(map(str, standing))
        numbers = ",".join(str(s.edge_id) for s in standing)
        super().__init__(
            f"{pair}: {named} stands now; to put yours in its place say --expect {numbers}, or undo it first"
            if standing
            else f"{pair}: what you expected to stand was taken back meanwhile; look again"
        )


@dataclass(frozen=True)
class Decided:
    """A decision about a pair; ``expect``: numbers of people's judgements that stood when the person looked."""

    pair: str
    decision: str
    who: str
    why: str
    expect: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Settled:
    """What became of a decision: the pair's present name, the judgements that say so, whether anything was written; or why
    not."""

    pair: str
    judgements: tuple[int, ...] = ()
    changed: bool = False
    error: UsageError | None = None


def decide(
    office: Office, pair: str, decision: str, why: str, *, who: str | None = None, expect: Collection[int] = ()
) -> dict[str, Any]:
    """Decides about a pair (``same``, ``different`` or ``unsure``) and derives what follows.

    ``expect``: numbers of the people's judgements that stood when the pair was looked at; they give way to the new one.
    Overtaken when others stand, so that two people never undo each other's work unseen; where the same stands already nothing
    is written. JudgementRefused as :mod:`zp_registry.registry.edges` does; UsageError when the decision could not be followed.
    """
    why = redact_text(why)
    with office.engine.begin() as connection:
        one = settle(connection, [Decided(pair, decision, who or audit.who_am_i(), why, frozenset(expect))])[0]
        if one.error is not None:
            raise one.error
        counts: dict[str, Any] = {"changed": False}
        if one.changed:
            audit.note(connection, f"review {decision}", one.pair, why, who)
            counts = derive.derive_within(connection, office)
            if lost := unfollowed(connection, {pair: decision}):
                raise UsageError(f"{lost[0]}: {decision!r} cannot be followed by what is reported now; nothing was written")
    return {"pair": one.pair, "decision": decision, "judgements": list(one.judgements), **counts}


def settle(connection: Connection, lines: Sequence[Decided]) -> list[Settled]:
    """Writes decisions in the caller's transaction, each by itself refused or not; the caller derives. UsageError in a line's
    ``error`` for unknown ids, Overtaken, JudgementRefused; raised only for what is no pair at all."""
    now = lead_to(connection, {e for line in lines for e in pair_of(line.pair)})
    said: dict[str, list[Standing]] = {}
    for standing in between(connection, now.values()):
        said.setdefault(pair_id(standing.left, standing.right), []).append(standing)
    out: dict[int, Settled] = {}
    write: dict[int, list[int]] = {}
    overtaken: dict[int, Overtaken] = {}
    for place, line in enumerate(lines):
        asked = pair_of(line.pair)
        missing = [e for e in asked if e not in now]
        if missing:
            out[place] = Settled(line.pair, error=JudgementRefused("unknown", f"there is no entity {missing[0]}"))
            continue
        left, right = now[asked[0]], now[asked[1]]
        if left == right:
            hint = f"{line.pair} is one entity now, {left}: undo what joined it first, or part an account with 'entity split'"
            error = None if line.decision == "same" else JudgementRefused("one", hint)
            out[place] = Settled(line.pair, error=error)
            continue
        named = pair_id(left, right)
        standing_here = said.get(named, [])
        here = [s.edge_id for s in standing_here]
        if here and line.decision != "same" and {SAID[s.judgement] for s in standing_here} == {line.decision}:
            out[place] = Settled(named, tuple(here))
        elif set(here) != line.expect:
            overtaken[place] = Overtaken(line.pair, standing_here)
        else:
            write[place] = here
    for place, late in overtaken.items():
        left, right = (now[e] for e in pair_of(lines[place].pair))
        # What can never be one is told first: looking again and deciding anew would not help.
        never = impossible(connection, left, right) if lines[place].decision == "same" else None
        out[place] = Settled(pair_id(left, right), error=never or late)
    moment = audit.moment()
    rows = [(*pair_of(lines[p].pair), WORDS[lines[p].decision], lines[p].who, redact_text(lines[p].why), moment) for p in write]
    frame = pd.DataFrame(rows, columns=["left", "right", "judgement", "who", "why", "created_at"], dtype="str")
    ids, refused = edges.judge(connection, frame, dict(enumerate(write.values())))
    for n, place in enumerate(write):
        named = pair_id(*(now[e] for e in pair_of(lines[place].pair)))
        found = refused.get(n)
        out[place] = Settled(named, error=found) if found else Settled(named, (ids[n],), changed=True)
    return [out[place] for place in range(len(lines))]


def undo(office: Office, pair: str, why: str, *, who: str | None = None) -> dict[str, Any]:
    """Takes back what people said of a pair; ids come back with it. UsageError when nobody said anything, and when the two hang
    together by several judgements of which one has to be chosen."""
    with office.engine.begin() as connection:
        left, right = present_pair(connection, pair)
        standing = judgements_on(connection, *pair_of(pair))
        if not standing:
            raise UsageError(f"no person's judgement stands about {pair}")
        if left == right and len(standing) > 1:
            named = ", ".join(map(str, standing))
            raise UsageError(f"{pair} hangs together by {named}: say which to take back, with 'entity undo NUMBER'")
        ids = [s.edge_id for s in standing]
        edges.take_back(connection, ids, audit.moment())
        audit.note(connection, "review undo", pair, redact_text(why), who)
        counts = derive.derive_within(connection, office)
    return {"pair": pair, "decision": "undone", "judgements": ids, **counts}


def merge(office: Office, left: str, right: str, why: str, *, who: str | None = None) -> dict[str, Any]:
    """Two entities are one."""
    return judged(
        office, "entity merge", f"{left} {right}", why,
        lambda c, w, now: [edges.say_same(c, left, right, w, redact_text(why), now)], who, {f"{left}-{right}": "same"},
    )  # fmt: skip


def part(office: Office, left: str, right: str, why: str, *, who: str | None = None) -> dict[str, Any]:
    """Two entities are two."""
    return judged(
        office, "entity part", f"{left} {right}", why,
        lambda c, w, now: [edges.say_different(c, left, right, w, redact_text(why), now)], who,
        {f"{left}-{right}": "different"},
    )  # fmt: skip


def split(office: Office, entity: str, platform: str, account_id: str, why: str, *, who: str | None = None) -> dict[str, Any]:
    """What one account says of its holder is parted from an entity."""
    return judged(
        office, "entity split", f"{entity} {platform}:{account_id}", why,
        lambda c, w, now: edges.split_off(c, entity, platform, account_id, w, redact_text(why), now), who,
    )  # fmt: skip


def take_back(office: Office, edge_ids: Collection[int], why: str, *, who: str | None = None) -> dict[str, Any]:
    """Judgements are taken back by their numbers."""

    def write(connection: Connection, _who: str, now: str) -> list[int]:
        edges.take_back(connection, edge_ids, now)
        return list(edge_ids)

    return judged(office, "entity undo", " ".join(map(str, edge_ids)), why, write, who)


def judged(
    office: Office,
    action: str,
    subject: str,
    why: str,
    write: Callable[[Connection, str, str], list[int]],
    who: str | None = None,
    effects: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Writes judgements (``write`` gets the connection, who and when, and gives the edges' ids) and all that follows from them
    in one transaction; ``effects``: pairs and decisions to be checked afterwards."""
    with office.engine.begin() as connection:
        ids = write(connection, who or audit.who_am_i(), audit.moment())
        audit.note(connection, action, subject, redact_text(why), who)
        counts = derive.derive_within(connection, office)
        if lost := unfollowed(connection, effects or {}):
            raise UsageError(f"{lost[0]}: this cannot be followed by what is reported now; nothing was written")
    return {"action": action, "judgements": ids, **counts}


def unfollowed(connection: Connection, decisions: dict[str, str]) -> list[str]:
    """The pairs whose decision does not show after resolving: the evidence has changed since it was last resolved, and a guard
    of the resolver stands against it."""
    now = lead_to(connection, {e for pair in decisions for e in pair_of(pair)})
    out = []
    for pair, decision in decisions.items():
        left, right = pair_of(pair)
        if left in now and right in now and (now[left] == now[right]) != (decision == "same"):
            out.append(pair)
    return out


def decide_flag(office: Office, flag_id: str, decision: str, why: str, *, who: str | None = None) -> dict[str, Any]:
    """A decision about a flag: confirmed, dismissed or reopened; UsageError for a flag that is not there."""
    why = redact_text(why)
    with office.engine.begin() as connection:
        if not flags.decide(connection, flag_id, decision, who or audit.who_am_i(), why, audit.moment()):
            raise UsageError(f"there is no flag {flag_id}")
        write_cases(connection, office.rulebook, audit.moment())
        audit.note(connection, f"flag {decision}", flag_id, why, who)
    return {"flag_id": flag_id, "decision": decision}
