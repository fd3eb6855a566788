"""Whose number stands where: credit code and document number of a row, put right where the columns were mixed up.

A value goes to the other column only when it passes that column's test; nothing is repaired. About one citizen number in
thirty also passes the credit code's test, and hardly a credit code passes the citizen's (check digit and a date of birth in
the past), so a valid citizen number is one unless it begins as a business's code does (9).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from zp_registry.normalise.citizen import check_citizens
from zp_registry.normalise.columns import Bools, Faults, blank, clear, filled, matches
from zp_registry.normalise.documents import check_documents, id_text
from zp_registry.normalise.masks import code_mask, is_masked, looks_like_person, masked_column
from zp_registry.normalise.text import clean_code
from zp_registry.normalise.uscc import check_usccs

_BUSINESS_HEAD = r"^9[123]"


def choose(text: pd.Series[str], as_of: pd.Series[str]) -> tuple[Bools, Bools]:
    """(is a valid credit code, is a valid citizen number) of each value; never both."""
    code, citizen = check_usccs(text), check_citizens(text, as_of, values=False)
    nine = matches(text, "^9", code.valid & citizen.valid)
    person = citizen.valid & ~citizen.old & ~(code.valid & nine)
    return code.valid & ~person, person


def code_shaped(text: pd.Series[str], rows: Bools) -> Bools:
    """True where a value (of ``rows``) that is neither can only have been meant as a credit code."""
    found = matches(text, _BUSINESS_HEAD, rows)
    return found | matches(text, r"[A-WYZ]|X.", matches(text, r"^[0-9A-Z]{17,19}$", rows & ~found))


def settle(uscc: pd.Series[str], number: pd.Series[str], as_of: pd.Series[str],
           faults: Faults) -> tuple[pd.Series[str], pd.Series[str]]:
    """Both columns (cleaned, upper case) with mixed-up values changed over; notes USCC_ID_SWAPPED on ``uscc``.

    Where one cell was handed on as both, the column it is not meant for is emptied without a note.
    """
    code_u, person_u = choose(uscc, as_of)
    code_n, person_n = choose(number, as_of)
    same = filled(uscc) & (uscc == number).to_numpy()
    wanted = code_u | (code_shaped(uscc, ~person_u & ~code_u) & ~looks_like_person(uscc))
    uscc, number = clear(uscc, same & ~wanted), clear(number, same & wanted)
    masked_u, masked_n = is_masked(uscc), is_masked(number)
    hidden_person = looks_like_person(uscc) & masked_u & ~filled(number)
    hidden_code = matches(number, _BUSINESS_HEAD, masked_n) & ~filled(uscc)
    swap = ~same & ((person_u & ~person_n) | (code_n & ~code_u) | hidden_person | hidden_code)
    faults.add(swap, "uscc", "USCC_ID_SWAPPED")
    return (uscc.mask(swap, number), number.mask(swap, uscc)) if swap.any() else (uscc, number)


def check_codes(series: pd.Series[str], faults: Faults, field: str) -> tuple[pd.Series[str], pd.Series[str]]:
    """Valid credit codes of a cleaned upper-case column, else NA, and what is visible of masked ones, with the remarks on
    ``field``.

    USCC_SHAPE, USCC_CHECK and USCC_CONFUSABLE empty the value; USCC_ORG_CHECK and ID_MASKED are notes.
    """
    if not filled(series).any():
        return series, series
    # X is a letter of codes, and in one code of a hundred stands twice in a row: no mask where the code is right.
    masked = is_masked(series)
    if masked.any():
        masked &= ~(check_usccs(series.where(masked)).valid & ~matches(series, "X{4}", masked))
    found = check_usccs(clear(series, masked))
    faults.add(masked, field, "ID_MASKED")
    faults.add(found.shape, field, "USCC_SHAPE")
    faults.add(found.check, field, "USCC_CHECK")
    faults.add(found.confusable, field, "USCC_CONFUSABLE", np.array(found.notes, dtype=object))
    faults.add(found.org, field, "USCC_ORG_CHECK")
    return series.where(found.valid), masked_column(series, masked, code_mask)


def read_numbers(frame: pd.DataFrame, as_of: pd.Series[str], faults: Faults) -> None:
    """The one column ``number`` of ``frame`` read into ``uscc`` or ``id_number`` and ``id_mask``, by check digit, then by
    shape; ``number`` itself stays only where it is valid. Remarks on ``number``."""
    text = id_text(clean_code(frame["number"]))
    code, person = choose(text, as_of)
    code |= code_shaped(text, ~person & ~code)
    frame["uscc"], _ = check_codes(text.where(code), faults, "number")
    documents = check_documents(text.mask(code), blank(frame.index), as_of, faults, "number")
    frame["id_number"], frame["id_mask"] = documents.number, documents.mask
    frame["number"] = frame["uscc"].fillna(frame["id_number"])
