"""What the pure stages after loading work on: everything that stands reported, without a single sensitive value.

What concerns everybody is held whole and narrow (:class:`Evidence`). What is wide comes in parts (:class:`Parts`), each with
all that was ever told of some accounts and of whoever held them, so that memory does not grow with the county.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pandas as pd

# What one holder may have in common with another, as records tell it.
FACTS = (
    "subject_id", "subject_kind", "subject_key", "uscc", "id_hash", "phone_hash", "phone_hashes", "payee_hash", "payee_key",
    "payee_name", "address_key", "legal_key", "operator_key", "operator_hash", "operator_mask", "agency_key",
)  # fmt: skip
# All that any stage asks for of a record.
RECORD = (
    *FACTS, "source", "account_handle", "account_name", "account_url", "account_kind", "account_status", "held_from", "held_to",
    "info_status", "subject_name", "id_mask", "birth_year", "phone_mask", "payee_mask", "legal_representative", "operator_name",
    "contact_name", "business_address", "province", "city", "county", "town", "market", "agency_name", "agency_uscc",
)  # fmt: skip
PEOPLE = ("record_id", "name", "name_key", "id_hash", "id_mask", "relation")  # on camera
FACES = ("subject_id", "name_key", "id_hash", "relation")


@dataclass
class Part:
    """All that stands reported of some accounts and of everybody who ever held one of them.

    ``records``: Evidence.accounts and what a stage asks for of ``record``, in order of record_id · ``sightings``: report_id,
    record_id, sheet, row · ``people``: PEOPLE.
    """

    records: pd.DataFrame
    sightings: pd.DataFrame
    people: pd.DataFrame


class Parts(Protocol):
    """All records that name a holder, in parts that do not need each other."""

    def reading(self, columns: Sequence[str]) -> Iterator[Part]:
        """Each part with these columns (of RECORD) of its records, always in the same order."""

    def facts(self) -> pd.DataFrame:
        """FACTS, each once, with first_seen and last_seen (report dates), in the order of their last records."""


@dataclass
class Evidence:
    """All that stands reported up to a date, but what is read in parts.

    ``accounts``: record_id, subject_id, platform, account_id, unmatched (0/1; resolve.accounts), loose of the records that name
    a holder, in order of record_id · ``faces``: FACES of everybody on camera, each once (subject_id 0: in a list that names no
    holder) · ``sightings``: report_id, record_id, sheet, row ·
    ``reports``: report_id, source, as_of, part, scope, unreadable, file_name · ``present``: report_id, platform,
    account_ref, account_name of rejected rows (never an absence) · ``edges``: left_id, right_id, judgement (people's
    alone) · ``pledges``: the columns of ``pledge`` but ``sealed``, with pledge_id and file_name · ``decisions``:
    flag_id, decision, decided_at, who, why, seen_until (the flag's last_seen when it was decided) · ``notices``: of each matter
    outside the reports the newest line (registry.notices) · ``reviewed``: entity_id, other_entity_id, name_key, expires_on ·
    ``pledge_words``: record_key, entity_id: whose pledge a ledger row is by a person's word.
    """

    accounts: pd.DataFrame
    faces: pd.DataFrame
    sightings: pd.DataFrame
    reports: pd.DataFrame
    present: pd.DataFrame
    edges: pd.DataFrame
    pledges: pd.DataFrame
    decisions: pd.DataFrame
    as_of: str
    notices: pd.DataFrame = field(default_factory=pd.DataFrame)
    reviewed: pd.DataFrame = field(default_factory=pd.DataFrame)
    pledge_words: pd.DataFrame = field(default_factory=pd.DataFrame)
