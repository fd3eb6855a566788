"""Types and small column helpers of the simulator: every column is a NumPy array, text columns hold ``str`` or None."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Obj = npt.NDArray[np.object_]
Int = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]
Rng = np.random.Generator

NATURAL, SOLE, ENTERPRISE, COOP = 0, 1, 2, 3
KIND_WORDS = ("natural_person", "sole_proprietor", "enterprise", "cooperative")
PLATFORMS = ("douyin", "kuaishou", "taobao", "wechat_channels", "xiaohongshu", "pinduoduo", "jd", "weipaitang")
SHARE = "province_share"
LAYOUTS = (*PLATFORMS, SHARE)


def obj(values: Iterable[object]) -> Obj:
    """A text column from any values; never a two-dimensional array, never a NumPy string type."""
    items = list(values)
    out = np.empty(len(items), dtype=object)
    out[:] = items
    return out


def fill(n: int, value: object = None) -> Obj:
    """A column of n equal values."""
    return np.full(n, value, dtype=object)


def pick(rng: Rng, options: Sequence[str], n: int, weights: Sequence[float] | None = None) -> Obj:
    """n random options; weights need not add up to one."""
    p = None if weights is None else np.asarray(weights, dtype=float) / np.sum(weights)
    return obj(options)[rng.choice(len(options), size=n, p=p)]


def text(numbers: Int) -> Obj:
    """Whole numbers as text."""
    return numbers.astype(str).astype(object)


def either(mask: Bool, yes: Any, no: Any) -> Obj:
    """np.where for text columns."""
    out: Obj = np.where(mask, np.asarray(yes, dtype=object), np.asarray(no, dtype=object))
    return out


def gaps(column: Obj) -> Bool:
    """Where a text column has no value."""
    return np.asarray(pd.isna(column), dtype=bool)


def glue(*parts: Obj | str) -> Obj:
    """Texts side by side; None in a column gives None."""
    n = next(len(p) for p in parts if not isinstance(p, str))
    empty = np.zeros(n, dtype=bool)
    out = fill(n, "")
    for part in parts:
        if isinstance(part, str):
            out = out + part
        else:
            gap = gaps(part)
            empty |= gap
            out = out + np.where(gap, "", part)
    return either(empty, None, out)


def dates(days: Int) -> Obj:
    """Days since 1970-01-01 as ``YYYY-MM-DD``; a negative day gives None."""
    shown: Obj = days.astype("datetime64[D]").astype(str).astype(object)
    return either(days < 0, None, shown)


def month_ends(start: str, months: int) -> list[np.datetime64]:
    """The report dates: last day of each month from ``start`` (``YYYY-MM``)."""
    first = np.datetime64(start, "M")
    return [(first + i + 1).astype("datetime64[D]") - 1 for i in range(months)]
