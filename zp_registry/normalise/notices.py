"""Lines about accounts and subjects that come from elsewhere than a platform's report."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from zp_registry.frames import NOTICE_NORMALISED, STREAMERS_NORMALISED, empty
from zp_registry.normalise.accounts import account_ids, check_payees
from zp_registry.normalise.columns import Faults, blank, filled
from zp_registry.normalise.identity import read_numbers
from zp_registry.normalise.names import kinds_by_name, name_keys
from zp_registry.normalise.phones import check_phones
from zp_registry.normalise.report import check_dates
from zp_registry.normalise.result import Normalised
from zp_registry.normalise.text import clean, simplify


def normalise_notices(
    frame: pd.DataFrame, faults: pd.DataFrame, *, headers: Mapping[tuple[str, str], str] | None = None, today: str
) -> Normalised:
    """Lines (frames.MAPPED_NOTICE) as frames.NOTICE_NORMALISED, without streamers.

    The one number column becomes ``uscc`` or ``id_number`` by check digit, then by shape. Reject: NOTICE_EMPTY,
    NOTICE_OUTCOME_MISSING, NOTICE_DATE_MISSING (also if it is no date).
    """
    found = Faults(frame.index)
    out = frame.copy()
    out["subject_name"] = simplify(clean(out["subject_name"]))
    out["remark"] = clean(out["remark"])
    out["account_id"] = account_ids(out["account_id"])
    day = blank(out.index).fillna(today).astype("str")
    read_numbers(out, day, found)
    phones = check_phones(clean(out["contact_phone"]), found, "contact_phone")
    out["contact_phone"], out["phones"], out["phone_mask"] = phones.first, phones.all, phones.mask
    out["payee_account"], out["payee_account_mask"] = check_payees(out["payee_account"], found, "payee_account")
    out["happened_on"] = check_dates(out["happened_on"], found, "happened_on", code="NOTICE_DATE_MISSING")
    found.add(~filled(out["happened_on"]), "happened_on", "NOTICE_DATE_MISSING")
    found.add(~filled(out["outcome"]), "outcome", "NOTICE_OUTCOME_MISSING")
    alone = ~filled(out["uscc"]) & kinds_by_name(out["subject_name"]).isin(["natural_person"]).to_numpy()
    out["subject_key"] = name_keys(out["subject_name"], alone)
    names = ("subject_name", "uscc", "id_number", "id_mask")
    nothing = np.logical_and.reduce([~filled(out[c]) for c in names])
    nothing &= ~(filled(out["platform"]) & filled(out["account_id"]))
    found.add(nothing, "subject_name", "NOTICE_EMPTY")
    return Normalised(out[list(NOTICE_NORMALISED)], empty(STREAMERS_NORMALISED), found.frame(faults, out["sheet"], headers))
