"""What kind of subject a row speaks of: a number says more than the word in the kind column, that more than the name.

A credit code tells it by its second character (GB 32100: 92 sole proprietor, 93 cooperative, 91 enterprise; other departments'
bodies count as enterprises unless the report calls them ``other``). A citizen number without a credit code is a natural
person's, unless the name is a business's.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from zp_registry.frames import BUSINESS_KINDS, SUBJECT_KINDS
from zp_registry.normalise.columns import Bools, Faults, filled, to_series
from zp_registry.normalise.names import kinds_by_name

_KINDS: Final = (None, *SUBJECT_KINDS)


def decide_kinds(declared: pd.Series[str], uscc: pd.Series[str], uscc_spoilt: Bools, has_id: Bools, names: pd.Series[str],
                 faults: Faults) -> pd.Series[str]:
    """The kind of each row (frames.SUBJECT_KINDS) or NA; KIND_MISMATCH where a number overrules the declared kind.

    ``uscc``: valid codes; ``uscc_spoilt``: a code was given but is not usable; ``has_id``: a valid or masked document number.
    """
    by_name = kinds_by_name(names)
    business_name = by_name.isin(BUSINESS_KINDS).to_numpy()
    coded = filled(uscc)
    head = uscc.str.slice(0, 2)
    number_says = np.full(len(declared), _KINDS.index(None), dtype=np.int8)
    number_says[coded] = _KINDS.index("enterprise")
    number_says[coded & (head == "92").to_numpy()] = _KINDS.index("sole_proprietor")
    number_says[coded & (head == "93").to_numpy()] = _KINDS.index("cooperative")
    other = coded & (declared == "other").to_numpy() & ~head.isin(["91", "92", "93"]).to_numpy()
    number_says[other] = _KINDS.index("other")
    # A report that gave a credit code, be it a wrong one, did speak of a business: its ID number is then the operator's.
    spoilt_business = uscc_spoilt & filled(names) & declared.isin(BUSINESS_KINDS).to_numpy()
    person = ~coded & has_id & ~business_name & ~spoilt_business & ~(declared == "other").to_numpy()
    number_says[person] = _KINDS.index("natural_person")
    by_number = to_series(pa.array(_KINDS, pa.large_string()).take(pa.array(number_says)), declared.index)
    faults.add(filled(declared) & filled(by_number) & (declared != by_number).to_numpy(), "subject_kind", "KIND_MISMATCH")
    inferred = by_number.fillna(declared).fillna(by_name)
    bare = ~filled(inferred) & has_id
    return inferred.mask(bare, "natural_person") if bare.any() else inferred


def belongs_to_operator(kinds: pd.Series[str]) -> Bools:
    """True where a document number in the row is the operator's or legal representative's, not the subject's."""
    out: Bools = np.asarray(kinds.isin(BUSINESS_KINDS))
    return out
