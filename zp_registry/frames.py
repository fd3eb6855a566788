"""The frames that move between stages: their columns, in one place.

Text columns are pandas ``str`` (Arrow-backed), empty = NA. Dates are ISO text ``YYYY-MM-DD``, which sorts as dates do
and means the same to SQLite, PostgreSQL, DuckDB and Arrow. A *fault* is one remark about one field of one row; what a
fault does (reject the row, empty the value, note) stands with its code in :mod:`zp_registry.quarantine.codes`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from zp_registry.texts import to_arrow

# Where a row stood. ``idx`` (the frame's index, 0..n-1) joins the frames of one file.
PROVENANCE: Final = ("sheet", "row")

# Fields a mapping may fill, as text (layouts' canonical fields). Order is the order of documents and exports.
ACCOUNT_FIELDS: Final = (
    "platform", "account_id", "account_handle", "account_name", "account_url", "account_kind", "account_status",
    "opened_on", "closed_on", "followers", "held_from", "held_to",
)
HOLDER_FIELDS: Final = (
    "subject_kind", "subject_name", "uscc", "id_type", "id_number", "legal_representative", "operator_name",
    "operator_id_number", "contact_name", "contact_phone", "business_address", "exempt_case", "over_threshold",
)
PARTY_FIELDS: Final = ("agency_name", "agency_uscc", "payee_name", "payee_account", "payee_bank")
REPORT_FIELDS: Final = ("verified_on", "info_status", "as_of")
STREAMER_FIELDS: Final = ("name", "id_number", "phone", "residence", "agency", "relation", "licence", "position")
CANONICAL: Final = ACCOUNT_FIELDS + HOLDER_FIELDS + PARTY_FIELDS + REPORT_FIELDS

# Fields of a pledge ledger row.
PLEDGE_FIELDS: Final = (
    "pledge_number", "subject_name", "number", "signer", "contact_phone", "town", "template_version", "signed_on",
    "valid_until", "method", "scan_number", "remark",
)

# Fields of a line about an account or a subject that comes from elsewhere than a platform's report: the licence register, call
# results, risk marks, blacklists. ``topic`` is a word of NOTICE_TOPICS.
NOTICE_FIELDS: Final = (
    "topic", "platform", "account_id", "subject_name", "number", "contact_phone", "payee_account", "outcome", "happened_on",
    "remark",
)
NOTICE_TOPICS: Final = ("licence", "call", "risk", "blacklist", "tip")

# What the mapping stage hands on. ``part`` is the report part of the row's sheet, ``record_kind`` is ``account`` or
# ``streamer`` (a list of streamers without accounts) or ``pledge``; ``extra`` is JSON text {header: text} of the columns
# that have no canonical field. ``streamers`` is a frame of its own: idx, ordinal, STREAMER_FIELDS.
MAPPED: Final = (*PROVENANCE, "part", "record_kind", *CANONICAL, "extra")
MAPPED_PLEDGE: Final = (*PROVENANCE, "part", "record_kind", *PLEDGE_FIELDS, "extra")
MAPPED_NOTICE: Final = (*PROVENANCE, "part", "record_kind", *NOTICE_FIELDS, "extra")
STREAMERS: Final = ("idx", "ordinal", *STREAMER_FIELDS)

# What the normalise stage adds. ``*_mask`` holds a masked number in one spelling (visible characters and ``*``), and then
# the plain column is empty: a partial value is never a key. ``phones`` holds every valid number of the cell, ``;`` between,
# mobiles first; ``contact_phone`` is the first. ``*_key`` are comparison forms of names (see normalise.names).
NORMALISED_ADDS: Final = (
    "subject_key", "id_mask", "operator_id_mask", "phones", "phone_mask", "payee_account_mask", "payee_key",
    "legal_key", "operator_key", "agency_key", "province", "city", "county", "town", "market", "address_key",
    "birth_date",
)
NORMALISED: Final = MAPPED + NORMALISED_ADDS
STREAMERS_NORMALISED: Final = (*STREAMERS, "name_key", "id_mask", "phone_mask", "agency_key")
PLEDGE_NORMALISED: Final = (*MAPPED_PLEDGE, "subject_key", "signer_key", "uscc", "id_number", "id_mask", "phones", "phone_mask")

NOTICE_NORMALISED: Final = (*MAPPED_NOTICE, "subject_key", "uscc", "id_number", "id_mask", "phones", "phone_mask",
                            "payee_account_mask")

# One remark about one field of one row. ``field`` is canonical (``streamer.id_number`` for the streamers' frame), ``header``
# the column's header as it stands in the file, ``note`` a short detail without any value of the row (or empty).
FAULTS: Final = ("idx", "field", "header", "code", "note")

# One missing-pledge entry of the follow-up list (催签清单): an entity with its flag, what the clerk needs to act, and what
# was done so far. ``reason`` is missing | expired | outdated | mismatch; ``remark`` carries e.g. a missing scan. Numbers and
# the phone stand in clear here, for the list only. ``platforms`` reads like ``抖音2、淘宝1``; ``reminder`` is a word of
# flags.reminders.LEVELS.
FOLLOWUPS: Final = (
    "flag_id", "entity_id", "entity_kind", "subject_name", "town", "responsible", "platforms", "accounts", "reason", "remark",
    "first_listed", "attempts", "last_attempt", "last_method", "deadline", "outcome", "contact_name", "contact_phone",
    "business_address", "platform_ids", "reminder",
)
# One line a clerk filled in on such a list. ``row`` as the spreadsheet program shows it; ``attempted_on`` ISO date.
FOLLOWUP_RESULTS: Final = ("sheet", "row", "flag_id", "entity_id", "attempted_on", "method", "outcome", "note")

# Columns that outside tools read (exports); order is fixed, more may follow behind.
EXPORT_ACCOUNTS: Final = (
    "platform", "account_id", "account_name", "entity_id", "entity_kind", "subject_name", "town", "pledge_status",
    "first_seen", "last_seen", "open_flags",
)
EXPORT_ENTITIES: Final = (
    "entity_id", "kind", "name", "uscc", "id_number", "phone", "address", "town", "accounts", "pledge_status", "first_seen",
    "last_seen", "linked_entities",
)
EXPORT_HOLDINGS: Final = (
    "platform", "account_id", "entity_id", "valid_from", "valid_to", "recorded_from", "recorded_to", "evidence",
)
EXPORT_FLAGS: Final = (
    "flag_id", "family", "code", "level", "status", "platform", "account_id", "entity_id", "other_entity_id", "first_seen",
    "last_seen", "score", "reason",
)
EXPORT_REJECTS: Final = ("source_file", "sheet", "row", "code", "message", "status")
# What departments that share the work may be given (settings: extracts); numbers masked, and no phone, payee or address but
# those of the exports above.
EXTRACT_CASES: Final = (
    "case_id", "state", "level", "platform", "account_id", "account_name", "entity_id", "subject_name", "town", "codes",
    "opened_on", "news_on", "deadline", "assignee", "group_id",
)
EXTRACT_CANDIDATES: Final = (
    "entity_id", "kind", "name", "uscc", "id_number", "town", "accounts", "platforms", "first_seen", "signed_on",
    "verified_on",
)
EXTRACTS: Final = {
    "accounts": EXPORT_ACCOUNTS, "entities": EXPORT_ENTITIES, "cases": EXTRACT_CASES, "candidates": EXTRACT_CANDIDATES,
}
# Evidence of a flag: one line per source row it rests on. ``what`` is a short Chinese phrase (字段：旧值→新值, masked).
EVIDENCE: Final = ("flag_id", "as_of", "source_file", "sheet", "row", "what")

# Values of the closed vocabularies.
SUBJECT_KINDS: Final = ("enterprise", "sole_proprietor", "cooperative", "natural_person", "other")
BUSINESS_KINDS: Final = ("enterprise", "sole_proprietor", "cooperative")  # those with a credit code
ACCOUNT_KINDS: Final = ("shop", "live")
ACCOUNT_STATUSES: Final = ("normal", "limited", "suspended", "closed", "blacklisted")
RELATIONS: Final = ("self", "employee", "signed", "family", "other")
INFO_STATUSES: Final = ("new", "changed", "void", "unchanged")
EXEMPT_CASES: Final = ("own_agriculture", "family_handicraft", "convenience_labour", "small_amount", "other")
PLEDGE_STATUSES: Final = ("signed", "missing", "expired", "outdated", "mismatch", "exempt")


def empty(columns: tuple[str, ...]) -> pd.DataFrame:
    """An empty frame with these text columns (``idx``, ``ordinal`` and ``row`` as integers)."""
    ints = {"idx", "ordinal", "row"}
    return pd.DataFrame({c: pd.Series(dtype="int64" if c in ints else "str") for c in columns})


def looked_up(frame: pd.DataFrame, keys: Sequence[str], table: pd.Series[Any]) -> pd.Series[Any]:
    """For each row of ``frame`` the value of ``table`` (indexed by ``keys``, unique) under the row's keys, NA if
    there is none."""
    right = table.rename("looked_up").reset_index().set_axis([*keys, "looked_up"], axis=1)
    found = frame[list(keys)].merge(right, on=list(keys), how="left")["looked_up"]
    return pd.Series(found.array, index=frame.index)


def among(values: pd.Series[str], known: Collection[str] | pd.Series[str] | pd.Index[str]) -> pd.Series[bool]:
    """True where a text is one of ``known``: as ``isin``, which takes ``known`` one by one through Python."""
    listed = known if isinstance(known, pd.Series | pd.Index) else list(known)
    return _is_in(to_arrow(values), to_arrow(pd.Series(listed, dtype="str")), values.index)


def rows_among(rows: pd.DataFrame, keys: Sequence[str], known: pd.DataFrame) -> pd.Series[bool]:
    """True where a row's values of ``keys`` (texts, none missing) stand together in a row of ``known``."""
    between = pa.scalar("\x1f", pa.large_string())
    asked, there = (pc.binary_join_element_wise(*(to_arrow(f[k]) for k in keys), between) for f in (rows, known))
    return _is_in(asked, there, rows.index)


def _is_in(values: pa.LargeStringArray, known: pa.LargeStringArray, index: pd.Index[Any]) -> pd.Series[bool]:
    found = pc.is_in(values, value_set=known, skip_nulls=True)
    return pd.Series(found.to_numpy(zero_copy_only=False), index=index, dtype=bool)


def as_records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as dictionaries, NA as None."""
    names = [str(c) for c in frame.columns]
    columns = [_plain(frame.iloc[:, n]) for n in range(len(names))]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _plain(column: pd.Series[Any]) -> list[Any]:
    """The values as Python's own, NA as None. Pages of the desk ask for many small tables: no frame of objects is made."""
    values = column.tolist()
    if column.dtype == object:
        values = [v.item() if isinstance(v, np.generic) else v for v in values]
    return [None if gone else v for v, gone in zip(values, column.isna().tolist(), strict=True)] if column.hasnans else values


def both_ways(links: pd.DataFrame) -> pd.DataFrame:
    """Links (entity_id, other_entity_id) seen from either end."""
    ends = ["entity_id", "other_entity_id"]
    return pd.concat([links[ends], links[ends[::-1]].set_axis(ends, axis=1)], ignore_index=True)
