"""Frames of a few rows for the tests, and numbers with right check digits (python-stdnum's arithmetic is the judge)."""

from __future__ import annotations

import pandas as pd
from stdnum.cn import ric, uscc

from zp_registry.frames import FAULTS, MAPPED, MAPPED_PLEDGE, STREAMER_FIELDS, STREAMERS, empty
from zp_registry.normalise import Normalised, normalise_frame, normalise_pledges

TODAY = "2026-03-31"


def text(*values: str | None) -> pd.Series[str]:
    return pd.Series(list(values), dtype="str")


def citizen(body: str) -> str:
    """17 digits with their check character."""
    return body + ric.calc_check_digit(body + "0")


def code(body: str) -> str:
    """17 characters with their check character."""
    return body + uscc.calc_check_digit(body)


PERSON = citizen("41132419800101001")
OLD_AREA = citizen("41292519651230123")
SHOP = code("92411324MA40ABCD2")
COMPANY = code("91411324MA40ABCE0")
COOP = code("93411324MA40ABCF9")
SCHOOL = code("12411324MA40ABCG7")


def rows(*given: dict[str, str | None], columns: tuple[str, ...] = MAPPED, kind: str = "account") -> pd.DataFrame:
    base = {"sheet": "表", "part": "p", "record_kind": kind, "as_of": TODAY, "platform": "x", "account_id": "1"}
    full = [{**{c: base.get(c) for c in columns}, **row, "row": 4 + i} for i, row in enumerate(given)]
    frame = pd.DataFrame(full, columns=list(columns))
    return frame.astype({c: "int64" if c == "row" else "str" for c in columns})


def streamers(*given: dict[str, object]) -> pd.DataFrame:
    full = [{**dict.fromkeys(STREAMER_FIELDS), "ordinal": i, **row} for i, row in enumerate(given)]
    frame = pd.DataFrame(full, columns=list(STREAMERS))
    return frame.astype({c: "int64" if c in ("idx", "ordinal") else "str" for c in STREAMERS})


def run(*given: dict[str, str | None], people: pd.DataFrame | None = None, kind: str = "account") -> Normalised:
    none = empty(STREAMERS) if people is None else people
    return normalise_frame(rows(*given, kind=kind), none, empty(FAULTS), headers={("表", "uscc"): "信用代码"}, today=TODAY)


def run_pledges(*given: dict[str, str | None]) -> Normalised:
    return normalise_pledges(rows(*given, columns=MAPPED_PLEDGE, kind="pledge"), empty(FAULTS), today=TODAY)


def codes(result: Normalised, idx: int = 0) -> dict[str, str]:
    """Fault code → field of one row."""
    here = result.faults[result.faults["idx"] == idx]
    return dict(zip(here["code"], here["field"], strict=True))


def value(result: Normalised, column: str, idx: int = 0) -> str | None:
    found = result.frame.at[idx, column]
    return None if pd.isna(found) else found
