"""Platforms are asked to check: a workbook for each, and what became of the earlier ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zp_registry.lists.reverification import write_reverification
from zp_registry.registry import audit
from zp_registry.registry.known import today
from zp_registry.registry.reverification import ask, particulars

from .lists import platform_titles
from .office import Office


def reverify(
    office: Office, *, platform: str | None = None, sent_on: str | None = None, output: Path | None = None
) -> dict[str, Any]:
    """Writes the 平台核验清单 and notes what goes out; gives ``files``, ``accounts`` (by platform) and ``overdue``.

    ``sent_on``: the day on which they are sent (default: today; sending is an act of people, not of the reports).
    """
    day = sent_on or today().isoformat()
    with office.engine.begin() as connection:
        found = particulars(connection)
        asked = ask(connection, found, day)
        if platform is not None:
            asked = asked[asked["platform"] == platform]
        audit.note(connection, "write reverification", f"{len(asked)} accounts, numbers masked, sent on {day}")
    county = office.settings.county
    files = write_reverification(
        asked,
        output or office.home.lists,
        sent_on=day,
        county=county.name,
        bureau=county.signer(),
        titles=platform_titles(office),
    )
    counts = {str(p): int(n) for p, n in asked.groupby("platform").size().items()}
    return {"files": [str(f) for f in files], "accounts": counts, "overdue": int((asked["deadline"] < day).sum())}
