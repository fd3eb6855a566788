"""What the stage hands on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd


@dataclass
class Normalised:
    """``frame``: frames.NORMALISED or PLEDGE_NORMALISED, same rows and index as it came; ``streamers``:
    frames.STREAMERS_NORMALISED, nameless entries dropped; ``faults``: frames.FAULTS, the earlier ones first; ``mapped``: the
    MappedReport it was made from (None when made from frames)."""

    frame: pd.DataFrame
    streamers: pd.DataFrame
    faults: pd.DataFrame
    mapped: Any = None
