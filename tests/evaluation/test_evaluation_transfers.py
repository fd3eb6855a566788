"""Leads of transfers against labels."""

from __future__ import annotations

import pandas as pd

from zp_registry.evaluation.transfers import evaluate_transfers

TRANSFERS = ["platform", "account_id", "type", "first_visible_month"]
BENIGN = ["platform", "account_id", "type", "month"]
FLAGS = ["platform", "account_id", "family", "level", "status", "first_seen"]


def frame(columns: list[str], *rows: list[str]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=columns, dtype="str")


def test_a_county_in_which_nothing_happened_has_figures_too() -> None:
    told = evaluate_transfers(frame(TRANSFERS), frame(BENIGN), frame(FLAGS))
    assert (told["true"], told["flagged"], told["precision"], told["recall"]) == (0, 0, 1.0, 1.0)
    assert (told["innocent_events"], told["innocent_flagged"], told["recall_by_type"]) == (0, 0, {})


def test_found_missed_and_blamed_are_counted() -> None:
    transfers = frame(TRANSFERS, ["p", "1", "sale", "2026-02"], ["p", "2", "sale", "2026-02"], ["p", "3", "rent", ""])
    benign = frame(BENIGN, ["p", "1", "rename", "2026-01"], ["p", "4", "phone", "2026-02"], ["p", "5", "phone", "2026-03"])
    flags = frame(
        FLAGS,
        ["p", "1", "TRANSFER", "high", "open", "2026-02-28"],
        ["p", "3", "TRANSFER", "high", "open", "2026-02-28"],
        ["p", "4", "TRANSFER", "medium", "open", "2026-02-28"],
        ["p", "5", "TRANSFER", "medium", "open", "2026-02-28"],
        ["p", "2", "TRANSFER", "low", "open", "2026-02-28"],
    )
    told = evaluate_transfers(transfers, benign, flags)
    assert (told["true"], told["flagged"]) == (2, 3), "what no report shows is neither true nor false"
    assert (told["precision"], told["recall"]) == (0.3333, 0.5)
    assert told["recall_by_type"] == {"sale": 0.5}
    assert told["innocent_flagged_by_type"] == {"phone": 1}, "a flag of a month before the change is not about it"
