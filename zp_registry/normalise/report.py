"""Rows of identity reports: from canonical text to clean values, keys and masks, by whole columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from zp_registry.dates import parse_dates
from zp_registry.frames import NORMALISED
from zp_registry.normalise.accounts import account_ids, check_followers, check_payees
from zp_registry.normalise.addresses import addresses
from zp_registry.normalise.columns import Bools, Faults, clear, filled, matches
from zp_registry.normalise.documents import check_documents, id_text, id_types
from zp_registry.normalise.identity import check_codes, settle
from zp_registry.normalise.kinds import belongs_to_operator, decide_kinds
from zp_registry.normalise.names import business_keys, name_keys, person_keys
from zp_registry.normalise.people import normalise_streamers
from zp_registry.normalise.phones import check_phones
from zp_registry.normalise.result import Normalised
from zp_registry.normalise.text import clean, clean_code, clean_shown, simplify

DATES: Final = ("opened_on", "closed_on", "held_from", "held_to", "verified_on")
_NAMES: Final = ("subject_name", "legal_representative", "operator_name", "contact_name", "agency_name", "payee_name",
                 "payee_bank", "business_address")
_SHOWN: Final = ("account_name", "account_url")
_PLAIN: Final = ("platform", "account_handle")
# Words for an end that has not come.
_OPEN_END: Final = r"^(?:长期|长期有效|永久|至今|现在|无固定期限|无限期|今)$"


def check_dates(series: pd.Series[str], faults: Faults, field: str, *, code: str = "DATE_INVALID") -> pd.Series[str]:
    """A column of dates as ISO text; ``code`` where a value was given that is none. Words for "no end yet" are simply empty."""
    if not filled(series).any():
        return series
    text = clean(series)
    text = clear(text, matches(text, _OPEN_END))
    out = parse_dates(text)
    faults.add(filled(text) & ~filled(out), field, code)
    return out


def normalise_frame(frame: pd.DataFrame, streamers: pd.DataFrame, faults: pd.DataFrame, *,
                    headers: Mapping[tuple[str, str], str] | None = None, today: str,
                    markets: Sequence[tuple[str, str]] | None = None) -> Normalised:
    """Account and streamer rows (frames.MAPPED) with their ``streamers`` and the ``faults`` so far.

    ``headers``: (sheet, field) → header, for the faults; ``today``: ISO date for a row without as_of;
    ``markets``: (market, town) hints instead of the packaged ones. Dates of birth are judged against the row's as_of.
    """
    found = Faults(frame.index)
    out = frame.copy()
    for name in _PLAIN:
        out[name] = clean(out[name])
    for name in _SHOWN:
        out[name] = clean_shown(out[name])
    out["account_url"] = out["account_url"].where(filled(clean(out["account_url"])))
    for name in _NAMES:
        out[name] = simplify(clean(out[name]))
    out["account_id"] = account_ids(out["account_id"])
    out["followers"] = check_followers(out["followers"], found, "followers")
    for name in DATES:
        out[name] = check_dates(out[name], found, name)
    as_of = parse_dates(out["as_of"]).fillna(today).astype("str")
    _parties(out, as_of, faults, found)
    phones = check_phones(clean(out["contact_phone"]), found, "contact_phone")
    out["contact_phone"], out["phones"], out["phone_mask"] = phones.first, phones.all, phones.mask
    out["payee_account"], out["payee_account_mask"] = check_payees(out["payee_account"], found, "payee_account")
    _keys(out)
    places = addresses(out["business_address"], markets)
    for name in places.columns:
        out[name] = places[name]
    people, remarks = normalise_streamers(streamers, as_of)
    found.extend(remarks)
    _missing(out, people, found)
    return Normalised(out[list(NORMALISED)], people, found.frame(faults, out["sheet"], headers))


def _parties(out: pd.DataFrame, as_of: pd.Series[str], earlier: pd.DataFrame, found: Faults) -> None:
    """Credit code, document numbers, kind of subject, and to whom the document number belongs."""
    uscc, number = settle(id_text(clean_code(out["uscc"])), id_text(clean_code(out["id_number"])), as_of, found)
    out["id_type"] = id_types(out["id_type"])
    given = filled(uscc) | _faulty(out, earlier, "uscc")
    out["uscc"], code_mask = check_codes(uscc, found, "uscc")
    own = check_documents(number, out["id_type"], as_of, found, "id_number")
    out["id_number"], out["id_mask"] = own.number, own.mask
    # The kind of document belongs to the operator's number where that is the only one in the row.
    operator_kind = out["id_type"].mask(filled(number))
    theirs = id_text(clean_code(out["operator_id_number"]))
    operator = check_documents(theirs, operator_kind, as_of, found, "operator_id_number")
    out["operator_id_number"], out["operator_id_mask"] = operator.number, operator.mask
    out["birth_date"] = own.birth_date.fillna(operator.birth_date)
    agency = id_text(clean_code(out["agency_uscc"]))
    out["agency_uscc"], _ = check_codes(agency, found, "agency_uscc")
    has_id = filled(out["id_number"]) | filled(out["id_mask"])
    out["subject_kind"] = decide_kinds(clean(out["subject_kind"]), out["uscc"], given & ~filled(out["uscc"]), has_id,
                                       out["subject_name"], found)
    _give_to_operator(out, has_id)
    # A business's own number is its code, also where it is masked.
    out["id_mask"] = out["id_mask"].mask(belongs_to_operator(out["subject_kind"]) & filled(code_mask), code_mask)


def _give_to_operator(out: pd.DataFrame, has_id: Bools) -> None:
    """A business's document number is its operator's or legal representative's: it moves where that column is free."""
    theirs = belongs_to_operator(out["subject_kind"]) & has_id
    free = ~filled(out["operator_id_number"]) & ~filled(out["operator_id_mask"])
    twice = theirs & (out["id_number"] == out["operator_id_number"]).to_numpy()
    move = theirs & free
    out["operator_id_number"] = out["operator_id_number"].mask(move, out["id_number"])
    out["operator_id_mask"] = out["operator_id_mask"].mask(move, out["id_mask"])
    out["operator_name"] = out["operator_name"].mask(move & ~filled(out["operator_name"]), out["legal_representative"])
    out["id_number"], out["id_mask"] = out["id_number"].mask(move | twice), out["id_mask"].mask(move)


def _keys(out: pd.DataFrame) -> None:
    """Comparison forms of the names."""
    out["subject_key"] = name_keys(out["subject_name"], (out["subject_kind"] == "natural_person").to_numpy())
    out["payee_key"] = business_keys(out["payee_name"])
    out["agency_key"] = business_keys(out["agency_name"])
    out["legal_key"] = person_keys(out["legal_representative"])
    out["operator_key"] = person_keys(out["operator_name"])


def _missing(out: pd.DataFrame, people: pd.DataFrame, found: Faults) -> None:
    """Rows that speak of no account, of no holder, or of no person."""
    account = (out["record_kind"] == "account").to_numpy()
    found.add(account & ~filled(out["account_id"]), "account_id", "ACCOUNT_ID_MISSING")
    nobody = np.logical_and.reduce([~filled(out[c]) for c in ("subject_name", "uscc", "id_number", "id_mask")])
    found.add(account & nobody, "subject_name", "HOLDER_MISSING")
    listed = (out["record_kind"] == "streamer").to_numpy()
    found.add(listed & ~out.index.isin(people["idx"]), "streamer.name", "PERSON_MISSING")


def _faulty(out: pd.DataFrame, earlier: pd.DataFrame, field: str) -> Bools:
    """Rows that an earlier stage emptied ``field`` of."""
    spoilt: Bools = out.index.isin(earlier.loc[earlier["field"] == field, "idx"])
    return spoilt
