"""The people on camera that reports list with an account, or in a list of their own (令117 art. 8 and 9)."""

from __future__ import annotations

from typing import Final

import pandas as pd

from zp_registry.frames import STREAMERS_NORMALISED
from zp_registry.normalise.columns import Faults, blank, filled
from zp_registry.normalise.documents import check_documents, id_text
from zp_registry.normalise.names import business_keys, person_keys
from zp_registry.normalise.phones import check_phones
from zp_registry.normalise.text import clean, clean_code, simplify

_NAMES: Final = ("name", "residence", "agency", "licence", "position")


def normalise_streamers(streamers: pd.DataFrame, as_of: pd.Series[str]) -> tuple[pd.DataFrame, Faults]:
    """The people (frames.STREAMERS) as frames.STREAMERS_NORMALISED and the remarks on their fields (``streamer.id_number``).

    ``as_of``: report date by row of the report. Who has neither a name nor a number (nor part of one) is dropped.
    """
    out = streamers.reset_index(drop=True)
    found = Faults(pd.Index(out["idx"]))
    for name in _NAMES:
        out[name] = simplify(clean(out[name]))
    day = out["idx"].map(as_of).astype("str")
    number = id_text(clean_code(out["id_number"]))
    documents = check_documents(number, blank(out.index), day, found, "streamer.id_number")
    out["id_number"], out["id_mask"] = documents.number, documents.mask
    phones = check_phones(clean(out["phone"]), found, "streamer.phone")
    out["phone"], out["phone_mask"] = phones.first, phones.mask
    out["name_key"], out["agency_key"] = person_keys(out["name"]), business_keys(out["agency"])
    known = filled(out["name"]) | filled(out["id_number"]) | filled(out["id_mask"])
    return out.loc[known, list(STREAMERS_NORMALISED)].reset_index(drop=True), found
