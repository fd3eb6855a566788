"""Rows of the pledge ledger 诚信经营承诺书台账."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from zp_registry.frames import PLEDGE_NORMALISED, STREAMERS_NORMALISED, empty
from zp_registry.normalise.addresses import towns
from zp_registry.normalise.columns import Faults, blank, filled
from zp_registry.normalise.identity import read_numbers
from zp_registry.normalise.names import kinds_by_name, name_keys, person_keys
from zp_registry.normalise.phones import check_phones
from zp_registry.normalise.report import check_dates
from zp_registry.normalise.result import Normalised
from zp_registry.normalise.text import clean, clean_code, simplify

_NAMES: Final = ("subject_name", "signer")
_PLAIN: Final = ("template_version", "method", "scan_number", "remark")


def normalise_pledges(frame: pd.DataFrame, faults: pd.DataFrame, *, headers: Mapping[tuple[str, str], str] | None = None,
                      today: str) -> Normalised:
    """Ledger rows (frames.MAPPED_PLEDGE) as frames.PLEDGE_NORMALISED, without streamers.

    The one number column becomes ``uscc`` or ``id_number`` by check digit, then by shape; ``number`` itself stays only where it
    is valid. A date of birth must not be after ``today``. Reject: PLEDGE_EMPTY, SIGNED_ON_MISSING (also if it is no date).
    """
    found = Faults(frame.index)
    out = frame.copy()
    for name in _NAMES:
        out[name] = simplify(clean(out[name]))
    for name in _PLAIN:
        out[name] = clean(out[name])
    out["pledge_number"] = clean_code(out["pledge_number"])
    read_numbers(out, blank(out.index).fillna(today).astype("str"), found)
    town = simplify(clean(out["town"]))
    out["town"] = towns(town)
    found.add(filled(town) & ~filled(out["town"]), "town", "VALUE_UNKNOWN")
    out["signed_on"] = check_dates(out["signed_on"], found, "signed_on", code="SIGNED_ON_MISSING")
    found.add(~filled(out["signed_on"]), "signed_on", "SIGNED_ON_MISSING")
    out["valid_until"] = check_dates(out["valid_until"], found, "valid_until")
    phones = check_phones(clean(out["contact_phone"]), found, "contact_phone")
    out["contact_phone"], out["phones"], out["phone_mask"] = phones.first, phones.all, phones.mask
    person = ~filled(out["uscc"]) & kinds_by_name(out["subject_name"]).isin(["natural_person"]).to_numpy()
    out["subject_key"], out["signer_key"] = name_keys(out["subject_name"], person), person_keys(out["signer"])
    nothing = np.logical_and.reduce([~filled(out[c]) for c in ("subject_name", "uscc", "id_number", "id_mask")])
    found.add(nothing, "subject_name", "PLEDGE_EMPTY")
    return Normalised(out[list(PLEDGE_NORMALISED)], empty(STREAMERS_NORMALISED), found.frame(faults, out["sheet"], headers))
