"""One column that holds credit codes and ID numbers: which is which, by shape and check digits.

GB 32100 (credit code: 17 characters of a 31-character alphabet, weights 3^i mod 31) and GB 11643 (resident ID: weights
2^(17-i) mod 11). The values are handed on as they stand; only the decision is made on a folded copy.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from zp_registry.mapping.text import Mask, Text, filled, mask, nulls, where

_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS: Final = np.array([pow(3, i, 31) for i in range(17)], dtype=np.int64)
_ID_WEIGHTS: Final = np.array([pow(2, 17 - i, 11) for i in range(17)], dtype=np.int64)
_VALUES: Final = np.full(256, -1, dtype=np.int64)
for _i, _c in enumerate(_ALPHABET):
    _VALUES[ord(_c)] = _i
_DATE: Final = r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_KINDS: Final = {"91": "enterprise", "92": "sole_proprietor", "93": "cooperative"}


def choose(text: Text) -> tuple[Mask, Mask]:
    """(is a credit code, is an ID number) for each filled cell; exactly one of them is True.

    Valid check digits decide; where both or neither are valid: 18 or more characters that begin with 91, 92 or 93 or hold
    a letter (the last X aside) are a credit code, everything else (15 digits with a date, masked numbers, permits) is an
    ID number.
    """
    folded = pc.ascii_upper(pc.replace_substring_regex(pc.utf8_normalize(text, form="NFKC"), r"[\s'\-]+", ""))
    size = pc.fill_null(pc.utf8_length(folded), 0).to_numpy(zero_copy_only=False)
    head = mask(pc.match_substring_regex(folded, "^9[123]"))
    masked = mask(pc.match_substring(folded, "*"))
    letters = mask(pc.match_substring_regex(folded, "[A-WYZ]|X."))
    code_ok, id_ok = _check(folded)
    dated = mask(pc.match_substring_regex(folded, rf"^\d{{6}}{_DATE}\d{{3}}[\dX]$"))
    code = code_ok & ~(id_ok & ~head)
    rest = ~code_ok & ~id_ok
    code |= rest & (size == 18) & (head | letters) & ~(dated & ~head)
    code |= rest & (size > 18)
    old_id = mask(pc.match_substring_regex(folded, r"^\d{8}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}$"))
    code |= rest & (size == 15) & ~old_id & ~masked & ~letters
    code |= rest & masked & head & (size >= 15)
    present = filled(text)
    return code & present, ~code & present


def kinds(text: Text, is_code: Mask, is_id: Mask) -> Text:
    """The subject kind that the number itself tells: an ID number is a natural person, 91/92/93 the three registered kinds."""
    head = pc.utf8_slice_codeunits(pc.utf8_normalize(text, form="NFKC"), 0, 2)
    out = where(is_id, pa.scalar("natural_person", pa.large_string()), nulls(len(text)))
    for prefix, kind in _KINDS.items():
        out = where(is_code & mask(pc.equal(head, prefix)), pa.scalar(kind, pa.large_string()), out)
    return out


def _check(folded: Any) -> tuple[Mask, Mask]:
    """(valid credit code, valid ID number) by length, alphabet, date and check digit."""
    shaped = mask(pc.match_substring_regex(folded, f"^[{_ALPHABET}]{{18}}$"))
    code = np.zeros(len(shaped), dtype=bool)
    ident = np.zeros(len(shaped), dtype=bool)
    if not shaped.any():
        return code, ident
    plain = pc.filter(folded, pa.array(shaped))
    letters = np.frombuffer("".join(plain.to_pylist()).encode("ascii"), dtype=np.uint8).reshape(-1, 18)
    digits = _VALUES[letters]
    code[shaped] = (31 - digits[:, :17] @ _USCC_WEIGHTS % 31) % 31 == digits[:, 17]
    number = mask(pc.match_substring_regex(plain, rf"^\d{{6}}{_DATE}\d{{3}}[\dX]$"))
    last = np.where(letters[:, 17] == ord("X"), 10, digits[:, 17])
    ident[shaped] = number & _id_check(digits, last)
    return code, ident


def _id_check(digits: npt.NDArray[np.int64], last: npt.NDArray[np.int64]) -> Mask:
    out: Mask = (12 - digits[:, :17] @ _ID_WEIGHTS % 11) % 11 == last
    return out
