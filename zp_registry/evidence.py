"""What the pure stages after loading work on: everything that stands reported, without a single sensitive value."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd


@dataclass
class Evidence:
    """All that stands reported up to a date, as frames.

    ``records``: record_id and the open columns of ``record`` (registry.inputs.RECORD_COLUMNS) · ``sightings``:
    report_id, record_id, sheet, row · ``reports``: report_id, source, as_of, part, scope, unreadable, file_name ·
    ``people``: record_id, ordinal and the columns of ``record_streamer`` · ``present``: report_id, platform,
    account_ref, account_name of rejected rows (never an absence) · ``edges``: left_id, right_id, judgement (people's
    alone) · ``pledges``: the columns of ``pledge`` but ``sealed``, with pledge_id and file_name · ``decisions``:
    flag_id, decision, decided_at, who, why, seen_until (the flag's last_seen when it was decided) · ``notices``: of each matter
    outside the reports the newest line (registry.notices) · ``reviewed``: entity_id, other_entity_id, name_key, expires_on ·
    ``pledge_words``: record_key, entity_id: whose pledge a ledger row is by a person's word.
    """

    records: pd.DataFrame
    sightings: pd.DataFrame
    reports: pd.DataFrame
    people: pd.DataFrame
    present: pd.DataFrame
    edges: pd.DataFrame
    pledges: pd.DataFrame
    decisions: pd.DataFrame
    as_of: str
    notices: pd.DataFrame = field(default_factory=pd.DataFrame)
    reviewed: pd.DataFrame = field(default_factory=pd.DataFrame)
    pledge_words: pd.DataFrame = field(default_factory=pd.DataFrame)
