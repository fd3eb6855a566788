"""Account ids, payee accounts and follower counts."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

import pandas as pd

from zp_registry.bytewise import holding, lengths, matches_within, odd, table
from zp_registry.normalise.columns import Faults, empty_to_na, filled, map_where, matches, replace
from zp_registry.normalise.masks import account_mask, is_masked, masked_column
from zp_registry.normalise.text import clean, clean_code
from zp_registry.texts import to_arrow

_PAYEE: Final = r"^[0-9A-Za-z_.+-]{5,40}$|^[0-9A-Za-z._%+-]{1,64}@[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)+$"
_NOT_PLAIN: Final = table(allowed="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.+-")
_FOLLOWERS: Final = re.compile(r"^(\d+(?:\.\d+)?)([万亿千百wWkKmM]?)\+?(?:人|个|粉丝)?$")
_UNIT: Final = {"": 1, "百": 100, "千": 1000, "k": 1000, "万": 10_000, "w": 10_000, "m": 1_000_000, "亿": 100_000_000}


def account_ids(series: pd.Series[str]) -> pd.Series[str]:
    """Platforms' account ids as text: NFKC, no blanks, no ``.0`` of a number cell. Case and leading zeros stay."""
    return replace(clean_code(series), r"^(\d+)\.0+$", r"\1", ".")


def check_payees(series: pd.Series[str], faults: Faults, field: str) -> tuple[pd.Series[str], pd.Series[str]]:
    """Valid payee accounts (bank cards, Alipay: phone or e-mail, wallet ids) and masked ones.

    PAYEE_MASKED is a note; PAYEE_ACCOUNT_SHAPE empties what has other than 5 to 40 letters and digits and is no e-mail address.
    """
    text = clean_code(series)
    mail = holding(to_arrow(text), "@")
    plain = replace(text, r"-", "", "-")
    text = text.str.lower().where(mail, plain) if mail.any() else plain
    text = replace(text, r"^(?:\+|00)?86(1[3-9]\d{9})$", r"\1")
    text = empty_to_na(replace(text, r"^(\d+)\.0+$", r"\1", "."))
    masked = is_masked(text)
    faults.add(masked, field, "PAYEE_MASKED")
    given = to_arrow(text)
    special, length = odd(given, _NOT_PLAIN), lengths(given)
    fits = (~special & (length >= 5) & (length <= 40)) | matches_within(given, special, _PAYEE)
    faults.add(filled(text) & ~masked & ~fits, field, "PAYEE_ACCOUNT_SHAPE")
    return text.where(fits & ~masked), masked_column(text, masked, account_mask)


def check_followers(series: pd.Series[str], faults: Faults, field: str) -> pd.Series[str]:
    """Follower counts as whole-number text (``1.2万`` → ``12000``); VALUE_UNKNOWN empties what is no count."""
    text = replace(clean(series), r"[, ]", "", ", ")
    out = map_where(text, ~matches(text, r"^\d+$"), _count)
    faults.add(filled(text) & ~filled(out), field, "VALUE_UNKNOWN")
    return out


def _count(value: str) -> str | None:
    found = _FOLLOWERS.match(value)
    return str(int(Decimal(found.group(1)) * _UNIT[found.group(2).lower()])) if found else None
