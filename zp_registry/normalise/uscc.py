"""Unified social credit codes on whole columns (GB 32100—2015).

18 characters of an alphabet of 31 (no I O S V Z): registering department, kind of body, six digits of the area, nine of the
organisation code (GB 11714, with a check character of its own), check character. The area is that of registration and says
nothing about where the body is now.

About one mistyped citizen number of Henan (41…) in thirty ends in the right check character of a credit code. What shows a
date of birth where a citizen number does, and does not begin as a business's code does (9), is therefore none: read as one, it
would make an enterprise of a person and stand in clear.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from zp_registry.bytewise import lengths, matches_within, odd, table
from zp_registry.normalise.columns import Bools, byte_matrix, to_bools
from zp_registry.texts import to_arrow

_NO_CODE: Final = table(allowed="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_NOT_ALLOWED: Final = table(allowed=ALPHABET)
CONFUSABLE: Final = "IOSZ"  # typed or scanned for 1 0 5 2
_WEIGHTS: Final = np.array([pow(3, i, 31) for i in range(17)], dtype=np.int64)
_BORN: Final = r"^[1-8][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9X]$"
_ORG_WEIGHTS: Final = np.array([3, 7, 9, 10, 5, 8, 4, 2], dtype=np.int64)
_VALUE: Final = np.full(256, -1, dtype=np.int64)
_VALUE[np.frombuffer(ALPHABET.encode(), dtype=np.uint8)] = np.arange(31)
# GB 11714 counts A=10 … Z=35 with no letter left out.
_ORG_VALUE: Final = np.full(256, 0, dtype=np.int64)
_ORG_VALUE[48:58] = np.arange(10)
_ORG_VALUE[65:91] = np.arange(10, 36)


@dataclass
class UsccCheck:
    """One mask per finding, over the rows of the column; ``valid`` and the three faults exclude each other. ``notes`` goes
    with the rows ``confusable``, in order: the positions of the letters in doubt."""

    valid: Bools
    shape: Bools
    check: Bools
    confusable: Bools
    org: Bools
    notes: list[str]


def check_characters(body: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The 18th character (as a byte) of each row of 17 bytes, all of them in the alphabet."""
    total = _VALUE[body] @ _WEIGHTS
    out: npt.NDArray[np.uint8] = np.frombuffer(ALPHABET.encode(), dtype=np.uint8)[(31 - total % 31) % 31]
    return out


def check_usccs(series: pd.Series[str]) -> UsccCheck:
    """Judges each value of a column of upper-case codes without blanks; NA earns nothing.

    ``shape``: not 18 characters or a character that is not allowed; ``confusable``: 18 characters of which only I, O, S, Z are
    not allowed; ``check``: wrong check character, or a
    citizen's number by its date of birth; ``org``: valid, but the organisation code's own check character is not.
    """
    text = to_arrow(series)
    n = len(text)
    present = to_bools(pc.is_valid(text))
    sized = (lengths(text) == 18) & ~odd(text, _NO_CODE)
    matrix = byte_matrix(text.filter(pa.array(sized)), 18)
    allowed = ~odd(text, _NOT_ALLOWED)[sized]
    wrong = matrix[~allowed]
    doubtful = np.isin(wrong, np.frombuffer(CONFUSABLE.encode(), dtype=np.uint8))
    confusable = ~allowed
    confusable[~allowed] = np.all((_VALUE[wrong] >= 0) | doubtful, axis=1)
    right = allowed.copy()
    right[allowed] = check_characters(matrix[allowed, :17]) == matrix[allowed, 17]
    # Only the codes that do not begin with 9 need to be looked at.
    right &= ~matches_within(text.filter(pa.array(sized)), right & (matrix[:, 0] != ord("9")), _BORN)
    org_total = 11 - (_ORG_VALUE[matrix[right, 8:16]] @ _ORG_WEIGHTS) % 11
    org = right.copy()
    org[right] = np.where(org_total == 11, ord("0"), np.where(org_total == 10, ord("X"), org_total + 48)) != matrix[right, 16]

    def spread(part: Bools) -> Bools:
        out = np.zeros(n, dtype=np.bool_)
        out[sized] = part
        return out

    notes = ["第" + "、".join(str(i + 1) for i in np.flatnonzero(row)) + "位" for row in doubtful[confusable[~allowed]]]
    return UsccCheck(valid=spread(right), shape=present & ~spread(allowed | confusable), check=spread(allowed & ~right),
                     confusable=spread(confusable), org=spread(org), notes=notes)
