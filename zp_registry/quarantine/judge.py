"""Which rows of a file are kept, which wait in quarantine, and whether the file as a whole can be trusted.

A truncated full report would end a thousand holdings in one night, so a file must meet its mapping's expectations: below
the least it is refused unless a person accepts it with a reason, above the most it is remarked upon.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from zp_registry.errors import FileRefused
from zp_registry.quarantine.codes import CODES

# Credit codes and document numbers that are none.
INVALID_NUMBERS = frozenset(
    {"USCC_SHAPE", "USCC_CHECK", "USCC_CONFUSABLE", "ID_SHAPE", "ID_CHECK", "ID_BIRTH_DATE", "NUMBER_PRECISION"}
)
INVALID_CODES = INVALID_NUMBERS | {"PHONE_INVALID", "PAYEE_ACCOUNT_SHAPE"}
MASKED_CODES = frozenset({"ID_MASKED", "PHONE_MASKED", "PAYEE_MASKED"})


@dataclass
class Expectations:
    """What a report must look like to be believed; shares from 0 to 1. ``previous`` holds, for each report part, the number
    of accounts in the last full report before it (none: nothing to compare with)."""

    min_rows: int = 0
    max_drop_share: float = 0.5
    max_rejected_share: float = 0.5
    warn_rejected_share: float = 0.1
    max_invalid_share: float = 0.2
    max_masked_share: float = 0.5
    min_fill: MappingType[str, float] = field(default_factory=dict)
    min_rows_for_shares: int = 5
    min_accounts_for_drop: int = 20


@dataclass
class Judged:
    """``accepted``: rows to load; ``rejected``: rows to keep in quarantine (both with the columns of the input);
    ``faults``: every fault with its ``severity``; ``remarks``: (code, detail) on the whole file."""

    accepted: pd.DataFrame
    rejected: pd.DataFrame
    faults: pd.DataFrame
    remarks: list[tuple[str, str]]


def judge(
    frame: pd.DataFrame,
    faults: pd.DataFrame,
    expectations: Expectations,
    *,
    file: str,
    full: bool,
    previous: MappingType[str, int] | None = None,
    accept: str | None = None,
) -> Judged:
    """Splits ``frame`` (NORMALISED, or PLEDGE_NORMALISED) by its ``faults`` (FAULTS) and checks the whole.

    Raises FileRefused: REJECTED_TOO_MANY always, ROWS_TOO_FEW, ROWS_DROPPED and FILL_TOO_LOW unless ``accept`` gives a reason.
    """
    faults = faults.assign(severity=faults["code"].map({c: v.severity for c, v in CODES.items()}).astype("str"))
    bad = frame.index.isin(faults.loc[faults["severity"] == "reject", "idx"].unique())
    accepted, rejected = frame[~bad], frame[bad]
    remarks: list[tuple[str, str]] = []
    n = len(frame)
    if n >= expectations.min_rows_for_shares and len(rejected) > expectations.max_rejected_share * n:
        raise FileRefused("REJECTED_TOO_MANY", file, detail=f"{len(rejected)}/{n}，其中 {_top_codes(faults)}")
    if n and len(accepted) == 0:
        raise FileRefused("REJECTED_TOO_MANY", file, detail=f"{len(rejected)}/{n}，其中 {_top_codes(faults)}")
    for code, detail in _shortfalls(frame, accepted, expectations, full, previous or {}):
        if accept is None:
            raise FileRefused(code, file, detail=detail)
        remarks.append(("ROWS_ACCEPTED", f"{CODES[code].text}（{detail}）"))
    remarks += _excesses(n, rejected, faults, expectations)
    return Judged(accepted, rejected, faults, remarks)


def _top_codes(faults: pd.DataFrame) -> str:
    counts = faults.loc[faults["severity"] == "reject", "code"].value_counts()
    return "、".join(f"{CODES[str(code)].text} {count} 行" for code, count in counts.head(3).items())


def _shortfalls(
    frame: pd.DataFrame, accepted: pd.DataFrame, expectations: Expectations, full: bool, previous: MappingType[str, int]
) -> list[tuple[str, str]]:
    out = []
    if len(frame) < expectations.min_rows:
        out.append(("ROWS_TOO_FEW", f"{len(frame)} < {expectations.min_rows}"))
    if full and "part" in frame.columns:
        # A rejected row is not an absence, so it counts as present here.
        now: dict[Any, int] = frame.groupby("part")["account_id"].nunique().to_dict()
        for part, before in previous.items():
            if (
                part in now
                and before >= expectations.min_accounts_for_drop
                and now[part] < (1 - expectations.max_drop_share) * before
            ):
                out.append(("ROWS_DROPPED", f"{part + '：' if part else ''}{before} → {now[part]}"))
    for column, least in expectations.min_fill.items():
        if column in accepted.columns and len(accepted) >= expectations.min_rows_for_shares:
            share = float(accepted[column].notna().mean())
            if share < least:
                out.append(("FILL_TOO_LOW", f"{column} {share:.0%} < {least:.0%}"))
    return out


def _excesses(n: int, rejected: pd.DataFrame, faults: pd.DataFrame, expectations: Expectations) -> list[tuple[str, str]]:
    if n < expectations.min_rows_for_shares:
        return []
    out = []
    for code, share, most in (
        ("SHARE_REJECTED", len(rejected) / n, expectations.warn_rejected_share),
        ("SHARE_INVALID", _rows_with(faults, INVALID_CODES) / n, expectations.max_invalid_share),
        ("SHARE_MASKED", _rows_with(faults, MASKED_CODES) / n, expectations.max_masked_share),
    ):
        if share > most:
            out.append((code, f"{share:.0%}"))
    return out


def _rows_with(faults: pd.DataFrame, codes: frozenset[str]) -> int:
    return int(np.unique(faults.loc[faults["code"].isin(codes), "idx"].to_numpy()).size)
