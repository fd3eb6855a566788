"""From the columns of one sheet to canonical fields: lost digits, lookups, rules, what is left over."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from zp_registry.frames import STREAMER_FIELDS
from zp_registry.mapping.model import STREAMER_PREFIX, Column, FromName, Mapping
from zp_registry.mapping.report import FaultList, Remark
from zp_registry.mapping.rules import Columns, apply_rules, origins
from zp_registry.mapping.sheet import SheetData
from zp_registry.mapping.streamers import streamers_of
from zp_registry.mapping.text import (
    Mask,
    Text,
    array,
    constant,
    emptied,
    filled,
    fold,
    map_distinct,
    mask,
    series,
    where,
)
from zp_registry.texts import json_objects

# Fields whose digits identify somebody or something: with digits lost they are worse than empty.
IDENTIFIERS: Final = frozenset({
    "account_handle", "uscc", "id_number", "operator_id_number", "contact_phone", "payee_account", "agency_uscc", "number",
    "pledge_number", "scan_number", "streamer.id_number", "streamer.phone",
})
_SHOWN: Final = 20  # distinct unknown values that a remark lists


class Lookup:
    """One lookup table for folded words; ``201|居民身份证`` is found by the whole or by either half."""

    def __init__(self, table: dict[str, str]) -> None:
        self._codes = {fold(raw): code for raw, code in table.items()}
        for raw, code in table.items():
            for half in fold(raw).split("|"):
                self._codes.setdefault(half, code)

    def code(self, value: str) -> str | None:
        """The code of a value, None if the table does not know it."""
        whole = fold(value)
        if whole in self._codes:
            return self._codes[whole]
        return next((self._codes[half] for half in whole.split("|") if half in self._codes), None)

    def apply(self, text: Text) -> tuple[Text, Mask]:
        """(codes, where a value is unknown)."""
        out = map_distinct(text, self.code)
        return out, filled(text) & ~filled(out)


def drop_lossy(data: SheetData, mapping: Mapping, faults: FaultList, base: int, *, any_cell: bool) -> None:
    """ACCOUNT_ID_PRECISION and NUMBER_PRECISION; identifiers without all their digits are emptied, an account id stays as text.

    A number cell (``any_cell``: any cell) that breaks ``account_id_pattern`` has lost its leading zeros.
    """
    sheet, came_from = data.table.sheet, origins(mapping, data.fit.sheet, data.fields)
    for name, text in list(data.fields.items()):
        lost = data.lossy[name] & filled(text)
        if name == "account_id":
            if mapping.account_id_pattern:
                odd = filled(text) & ~mask(pc.match_substring_regex(text, f"^(?:{mapping.account_id_pattern})$"))
                lost |= odd & (data.number[name] | any_cell)
            faults.add(lost, base, sheet, name, "ACCOUNT_ID_PRECISION")
            continue
        targets = [t for t, source in came_from.items() if source == name and t in IDENTIFIERS]
        if targets and lost.any():
            field = "id_number" if "id_number" in targets else targets[0]
            faults.add(lost, base, sheet, field, "NUMBER_PRECISION", header=data.labels[name])
            data.fields[name] = emptied(text, lost)


def look_up(data: SheetData, mapping: Mapping, faults: FaultList, base: int) -> list[Remark]:
    """Codes for raw words in every column with a lookup whose cells hold one value; unknown ones are emptied with a fault."""
    remarks = []
    for column in data.fit.columns.values():
        name = str(column.field)
        if column.lookup is None or column.split or name not in data.fields:
            continue
        raw = data.fields[name]
        data.fields[name], unknown = Lookup(mapping.lookups[column.lookup]).apply(raw)
        if unknown.any():
            code = "PLATFORM_UNKNOWN" if name == "platform" else "VALUE_UNKNOWN"
            faults.add(unknown, base, data.table.sheet, name, code)
            remarks.append(_unknown_remark(data.table.sheet, data.labels[name], series(pc.filter(raw, pa.array(unknown)))))
    return remarks


def _unknown_remark(sheet: str, header: str, values: pd.Series[str]) -> Remark:
    """VALUES_UNKNOWN with counts. A value with many digits got into a closed column by a shift and may be a person's number."""
    shown = values.where(values.str.count(r"\d") < 6, "（数字）").str.slice(0, 20)
    counts = shown.value_counts()
    text = "、".join(f"“{value}” {count} 行" for value, count in counts.head(_SHOWN).items())
    return Remark("VALUES_UNKNOWN", sheet, f"{header}：{text}" + ("…" if len(counts) > _SHOWN else ""))


def canonical(data: SheetData, mapping: Mapping, file_stem: str, platform: str | None) -> Columns:
    """All fields of the sheet after rules and constants; ``platform`` fills rows whose platform no column states."""
    sheet = data.fit.sheet
    constants = mapping.constants_of(sheet)
    if platform is not None:
        constants = {"platform": platform, **constants}
    out = apply_rules(data.fields, mapping.rules_of(sheet), constants, data.n)
    for rule in mapping.from_names:
        value = _from_name(rule, data.table.sheet, file_stem)
        if value is not None:
            old = out.get(rule.field)
            out[rule.field] = constant(value, data.n) if old is None else where(~filled(old), constant(value, data.n), old)
    return out


def _from_name(rule: FromName, sheet: str, stem: str) -> str | None:
    for name in (sheet, stem):
        match = re.search(rule.pattern, name)
        if match:
            return match[1] if match.re.groups else match[0]
    return None


def extra_json(extras: list[tuple[str, Text]], n: int) -> Text:
    """JSON text ``{header: text}`` of the columns without a field; null where a row has none of them."""
    if not extras:
        return pa.nulls(n, type=pa.large_string())
    return json_objects(extras)


def map_streamers(data: SheetData, fields: Columns, mapping: Mapping, faults: FaultList,
                  base: int) -> tuple[pd.DataFrame, list[Remark]]:
    """The streamers of a sheet (idx from 0 within the sheet), with codes for looked-up fields, and remarks."""
    blank_words = frozenset(fold(w) for w in mapping.blank_words) | {""}
    found = streamers_of(data, fields, blank_words)
    sheet, remarks = data.table.sheet, []
    for name, rows in found.uneven.items():
        faults.add(rows, base, sheet, name, "STREAMER_COUNT")
    for name, rows in found.broken.items():
        faults.add(rows, base, sheet, name, "STREAMER_COUNT", note="列表格式无法识别")
    frame = found.frame
    for column in _streamer_lookups(data):
        name = str(column.field).removeprefix(STREAMER_PREFIX)
        raw = array(frame[name])
        codes, unknown = Lookup(mapping.lookups[str(column.lookup)]).apply(raw)
        frame[name] = series(codes)
        if unknown.any():
            rows = np.unique(frame["idx"].to_numpy()[unknown])
            faults.add(rows, base, sheet, str(column.field), "VALUE_UNKNOWN")
            label = data.labels.get(str(column.field), "")
            remarks.append(_unknown_remark(sheet, label, series(pc.filter(raw, pa.array(unknown)))))
    known = frame[list(STREAMER_FIELDS)].notna().any(axis=1)
    return frame[known].reset_index(drop=True), remarks


def _streamer_lookups(data: SheetData) -> list[Column]:
    columns = [c for c in data.fit.columns.values() if c.split] + [i for c, _ in data.lists for i in c.items]
    return [c for c in columns if c.lookup is not None]
