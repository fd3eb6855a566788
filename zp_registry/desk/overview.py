"""总览: what last night did, which platform is late, how far the pledges are, what waits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, render_template, request
from sqlalchemy import Connection, text

from zp_registry.desk.access import me, needs
from zp_registry.desk.state import desk
from zp_registry.frames import as_records
from zp_registry.jobs.cases import RUNNING, STATE_NAMES, STATES
from zp_registry.registry import bulk, progress
from zp_registry.registry.standing import reference_date

page = Blueprint("overview", __name__)
_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 640, 220, 44, 12, 34


@page.get("/")
@needs("clerk")
def overview() -> Any:
    """The first page."""
    towns, kept = me().towns, desk()
    with kept.office.engine.connect() as connection:
        key = "|".join(towns) if towns is not None else "*"
        day = reference_date(connection)
        by_town = kept.once(connection, f"towns {key}", lambda: progress.pledges_by_town(connection, towns))
        town = next((r["town"] for r in by_town if r["town"] and r["town"] == request.args.get("town")), None)
        of = towns if town is None else [town]
        curve = kept.once(connection, f"curve {key} {town}", lambda: progress.pledge_curve(connection, of))
        platforms = kept.once(connection, "platforms", lambda: progress.platforms(connection, day))
        waits = progress.waiting(connection)
        night = last_night(connection)
        states = connection.execute(text("SELECT state, COUNT(*) FROM case_file GROUP BY state")).all() if towns is None else []
        files = progress.files_of(connection, night["run_id"]) if night and towns is None else []
    return render_template(
        "overview.html", day=day, by_town=by_town, curve=curve, drawn=drawn(curve), platforms=platforms, waits=waits,
        night=night, files=files, whole=towns is None, running=sum(n for s, n in states if s in RUNNING),
        town=town, case_states=[(STATE_NAMES.get(s, s), n) for s, n in sorted(states, key=lambda r: STATES.index(r[0]))],
        total={k: sum(r[k] for r in by_town) for k in ("subjects", "signed", "exempt")},
    )  # fmt: skip


def last_night(connection: Connection) -> dict[str, Any] | None:
    """The newest run of the main job, with its steps."""
    rows = as_records(bulk.read(
        connection,
        "SELECT run_id, state, started_at, ended_at, exit_code, CAST(summary AS TEXT) AS summary FROM run "
        "WHERE command IN ('nightly', 'demo') ORDER BY started_at DESC LIMIT 1", integers=["exit_code"],
    ))  # fmt: skip
    if not rows:
        return None
    summary = json.loads(rows[0]["summary"]) if rows[0]["summary"] else {}
    return {**rows[0], "summary": summary if isinstance(summary, dict) else {}}


def drawn(curve: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Where the points, lines and marks of the curve lie in its picture."""
    width, height = _WIDTH - _LEFT - 16, _HEIGHT - _TOP - _BOTTOM
    n = max(1, len(curve) - 1)
    points = [
        {"x": round(_LEFT + (width * i / n if len(curve) > 1 else width / 2), 1),
         "y": round(_TOP + height * (1 - r["rate"]), 1), **r}
        for i, r in enumerate(curve)
    ]  # fmt: skip
    every = max(1, -(-len(points) // 6))
    for i, point in enumerate(points):
        point["named"] = i % every == 0 or i == len(points) - 1
    marks = [{"y": round(_TOP + height * (1 - share), 1), "text": f"{share:.0%}"} for share in (0, 0.25, 0.5, 0.75, 1)]
    line = " ".join(f"{p['x']},{p['y']}" for p in points)
    return {"width": _WIDTH, "height": _HEIGHT, "left": _LEFT, "right": _WIDTH - 16, "base": _HEIGHT - 12, "points": points,
            "marks": marks, "line": line}  # fmt: skip
