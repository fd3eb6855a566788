"""核查: possible duplicates side by side, why the machine doubts, and what people decide."""

from __future__ import annotations

from typing import Any

import pandas as pd
from flask import Blueprint, abort, redirect, render_template, request, url_for
from sqlalchemy import Connection

from zp_registry.desk.access import me, needs, noted
from zp_registry.desk.look import seen
from zp_registry.desk.state import desk
from zp_registry.desk.work import hand_in
from zp_registry.errors import UsageError
from zp_registry.frames import as_records
from zp_registry.registry import review as queue
from zp_registry.registry import search

page = Blueprint("review", __name__)
PER_PAGE, AHEAD = 30, 10


def _waiting(connection: Connection) -> pd.DataFrame:
    """The queue as far as whoever asks may see it: both sides are of their towns."""
    towns = me().towns
    frame: pd.DataFrame = desk().once(connection, "queue", lambda: queue.queue(connection))
    if towns is None or frame.empty:
        return frame
    both = sorted({*frame["left"], *frame["right"]})
    mine = {r["entity_id"] for i in range(0, len(both), 500) for r in search.described(connection, both[i:i + 500], towns)}
    return frame[frame["left"].isin(mine) & frame["right"].isin(mine)]


@page.get("/review")
@needs("investigator")
def review() -> Any:
    """The queue, the strongest first."""
    start = request.args.get("start", "")
    with desk().office.engine.connect() as connection:
        frame = _waiting(connection)
        at = min(int(start), len(frame)) if start.isdigit() and len(start) < 8 else 0
        part = frame.iloc[at:at + PER_PAGE]
        ends = [*part["left"], *part["right"]]
        shown = {e["entity_id"]: e for e in search.described(connection, list(dict.fromkeys(ends)), None)}
    rows = [
        {"pair": r["pair"], "weight": None if r["weight"] is None else round(float(r["weight"]), 1),
         "left": shown.get(r["left"], {}), "right": shown.get(r["right"], {}), "judged": r["judged"], "who": r["judged_by"]}
        for r in as_records(part)
    ]  # fmt: skip
    return render_template("review.html", rows=rows, n=len(frame), at=at, step=PER_PAGE)


@page.get("/review/<pair>")
@needs("investigator")
def pair(pair: str) -> Any:
    """One pair: both sides, how the weight came about, what people said."""
    try:
        queue.pair_of(pair)
    except UsageError:
        abort(404)
    with desk().office.engine.connect() as connection:
        for entity in queue.pair_of(pair):
            seen(connection, entity)
        left, right = queue.present_pair(connection, pair)
        waiting = _waiting(connection)
        said = queue.judgements_on(connection, *queue.pair_of(pair))
        line: dict[str, Any] = {}
        why: list[dict[str, Any]] = []
        if left != right:
            found = queue.lines(connection, pair=(left, right), every=waiting)
            line = found[0] if found else _unlisted(connection, left, right)
            if line["subjects"]:
                ends = (int(line["subjects"][0]), int(line["subjects"][1]))
                why = desk().explained.of(connection, ends, _coming(waiting, pair))
        else:
            line = {"left": queue.sides(connection, [left])[left], "right": None}
        following = _following(waiting, pair)
    for side in filter(None, (line["left"], line["right"])):
        parted = [a.partition(":") for a in side["accounts"]]
        side["accounts"] = [f"{desk().titles.get(p, p)} {a}" for p, _, a in parted]
    noted("show pair", pair)
    expect = ",".join(str(s.edge_id) for s in said)
    most = max((abs(float(w["weight"] or 0)) for w in why), default=1) or 1
    return render_template("pair.html", pair=queue.pair_id(left, right) if left != right else pair, line=line, said=said,
                           why=why, expect=expect, most=most, following=following,
                           one=left if left == right else None)  # fmt: skip


def _unlisted(connection: Connection, left: str, right: str) -> dict[str, Any]:
    """A pair that the queue does not hold, like a line of it."""
    shown = queue.sides(connection, [left, right])
    ends = [int(left[1:]), int(right[1:])]
    return {"weight": None, "why": None, "left": shown[left], "right": shown[right], "subjects": ends}


def _coming(frame: pd.DataFrame, pair: str) -> list[tuple[int, int]]:
    """The compared subjects of the pairs behind this one."""
    pairs = frame["pair"].tolist()
    at = pairs.index(pair) + 1 if pair in pairs else 0
    ends = frame.iloc[at : at + AHEAD][["left_id", "right_id"]].dropna().astype("int64")
    return list(ends.itertuples(index=False, name=None))


def _following(frame: pd.DataFrame, pair: str) -> str | None:
    """The pair that comes behind this one."""
    pairs = frame["pair"].tolist()
    at = pairs.index(pair) + 1 if pair in pairs else 0
    return str(pairs[at]) if at < len(pairs) and pairs[at] != pair else None


@page.post("/review/<pair>/decide")
@needs("investigator")
def decide(pair: str) -> Any:
    """Writes what a person decided, unless somebody else said something meanwhile."""
    try:
        ends = queue.pair_of(pair)
    except UsageError:
        abort(404)
    decision, why = request.form.get("decision", ""), request.form.get("why", "").strip()[:1000]
    with desk().office.engine.connect() as connection:
        for entity in ends:
            seen(connection, entity)
    if decision not in ("same", "different", "unsure", "undo") or len(why) < 2:
        return redirect(url_for("review.pair", pair=pair))
    expect = [int(n) for n in request.form.get("expect", "").split(",") if n.isdigit()]
    given = {"pair": pair, "decision": decision, "why": why, "expect": expect}
    return hand_in("decide", pair, given, url_for("review.pair", pair=pair))
