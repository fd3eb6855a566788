"""Normalise: from a platform's text to clean values, comparison keys and masks, with a remark for whatever was wrong."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from zp_registry.normalise.notices import normalise_notices
from zp_registry.normalise.pledges import normalise_pledges
from zp_registry.normalise.report import normalise_frame
from zp_registry.normalise.result import Normalised

if TYPE_CHECKING:
    from zp_registry.mapping.report import MappedReport

__all__ = ["Normalised", "normalise", "normalise_frame", "normalise_pledges"]


def normalise(mapped: MappedReport) -> Normalised:
    """A mapped report or pledge ledger with clean values; ``.mapped`` is what it was made from.

    A row without a date of its own is judged by the file's, and a file without one by the current day in Shanghai.
    """
    today = mapped.as_of or dt.datetime.now(ZoneInfo("Asia/Shanghai")).date().isoformat()
    if mapped.mapping.kind == "pledge":
        out = normalise_pledges(mapped.frame, mapped.faults, headers=mapped.headers, today=today)
    elif mapped.mapping.kind == "notice":
        out = normalise_notices(mapped.frame, mapped.faults, headers=mapped.headers, today=today)
    else:
        out = normalise_frame(mapped.frame, mapped.streamers, mapped.faults, headers=mapped.headers, today=today)
    out.mapped = mapped
    return out
