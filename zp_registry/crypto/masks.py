"""What of a number or a name may be shown: ID 6+4, phone 3+4, account last 4, a name's first character.

Masks keep the length. Shorter numbers than the usual ones show less, so that no mask gives half a number away. GB/T 35273
asks for masked display and sets no pattern; these are the usual ones.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

_COMPOUND_NAMES = """
欧阳 上官 司马 诸葛 东方 皇甫 尉迟 公孙 慕容 令狐 司徒 夏侯 轩辕 端木 南宫 长孙
宇文 百里 东郭 申屠 太史 澹台 公冶 宗政 濮阳 淳于 单于 钟离 闾丘 呼延 独孤
"""
_COMPOUND = tuple(_COMPOUND_NAMES.split())


def _id_shown(length: int) -> tuple[int, int]:
    return (6, 4) if length >= 15 else (2, 2) if length >= 8 else (0, 0)


def _phone_shown(length: int) -> tuple[int, int]:
    return (3, 4) if length >= 10 else (0, 3) if length >= 7 else (0, 0)


def _account_shown(length: int) -> tuple[int, int]:
    return (0, 4) if length >= 9 else (0, 2) if length >= 6 else (0, 0)


def _mask(value: str, shown: Callable[[int], tuple[int, int]]) -> str:
    head, tail = shown(len(value))
    return value[:head] + "*" * (len(value) - head - tail) + value[len(value) - tail:]


def _mask_column(values: pd.Series[str], shown: Callable[[int], tuple[int, int]]) -> pd.Series[str]:
    text = pa.array(values, type=pa.large_string(), from_pandas=True)
    if isinstance(text, pa.ChunkedArray):
        text = text.combine_chunks()
    lengths = pc.utf8_length(text)
    out = pa.nulls(len(text), pa.large_string())
    for length in pc.unique(lengths.drop_null()).to_pylist():  # a handful of lengths, each one column operation
        head, tail = shown(length)
        masked = pc.binary_join_element_wise(
            pc.utf8_slice_codeunits(text, 0, head), pa.scalar("*" * (length - head - tail), pa.large_string()),
            pc.utf8_slice_codeunits(text, length - tail, length), pa.scalar("", pa.large_string()))
        out = pc.if_else(pc.fill_null(pc.equal(lengths, length), False), masked, out)
    return pd.Series(pd.array(out, dtype="str"), index=values.index, name=values.name)


def mask_id(value: str) -> str:
    """``411324********1234``; documents of fewer than 15 characters show two at either end."""
    return _mask(value, _id_shown)


def mask_phone(value: str) -> str:
    """``138****1234``; short landline numbers show their last three."""
    return _mask(value, _phone_shown)


def mask_account(value: str) -> str:
    """A payee account's last four characters."""
    return _mask(value, _account_shown)


def mask_name(value: str) -> str:
    """``张*``, ``欧阳**``: the family name stays. For natural persons; a company's name is public."""
    keep = 2 if value.startswith(_COMPOUND) and len(value) > 2 else 1 if len(value) > 1 else 0
    return value[:keep] + "*" * (len(value) - keep)


def mask_id_column(values: pd.Series[str]) -> pd.Series[str]:
    """:func:`mask_id` of a whole column, NA for NA."""
    return _mask_column(values, _id_shown)


def mask_phone_column(values: pd.Series[str]) -> pd.Series[str]:
    """:func:`mask_phone` of a whole column, NA for NA."""
    return _mask_column(values, _phone_shown)


def mask_account_column(values: pd.Series[str]) -> pd.Series[str]:
    """:func:`mask_account` of a whole column, NA for NA."""
    return _mask_column(values, _account_shown)


def mask_name_column(values: pd.Series[str]) -> pd.Series[str]:
    """:func:`mask_name` of a whole column, NA for NA."""
    codes, distinct = pd.factorize(values)
    masked = pd.array([mask_name(v) for v in np.asarray(distinct).tolist()], dtype="str")
    return pd.Series(masked.take(codes, allow_fill=True), index=values.index, name=values.name, dtype="str")
