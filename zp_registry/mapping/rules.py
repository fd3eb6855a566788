"""The rules of a mapping over whole columns: join, either, move, copy, set. They fill empty cells and never overwrite one."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from zp_registry.mapping.either import choose, kinds
from zp_registry.mapping.model import Condition, Mapping, Rule, Sheet
from zp_registry.mapping.text import Mask, Text, constant, emptied, filled, mask, nulls, where
from zp_registry.texts import row_joined

Columns = dict[str, Text]


def apply_rules(columns: Columns, rules: Iterable[Rule], constants: dict[str, str], n: int) -> Columns:
    """Columns by field after all rules and constants; ``n`` rows. Fields that a rule names and no column fills are empty."""
    out = dict(columns)
    for rule in rules:
        rows = _rows(out, rule, n)
        if rule.join is not None:
            _fill(out, rule.join.into, row_joined([_get(out, s, n) for s in rule.join.sources], rule.join.separator), rows)
        if rule.either is not None:
            source = _get(out, rule.either.source, n)
            is_code, is_id = choose(source)
            _fill(out, rule.either.uscc, source, rows & is_code)
            _fill(out, rule.either.id_number, source, rows & is_id)
            if rule.either.kind is not None:
                _fill(out, rule.either.kind, kinds(source, is_code, is_id), rows)
        for source_name, target in rule.move.items():
            source, free = _get(out, source_name, n), ~filled(_get(out, target, n))
            _fill(out, target, source, rows)
            out[source_name] = emptied(source, rows & free)
        for source_name, target in rule.copy_.items():
            _fill(out, target, _get(out, source_name, n), rows)
        for target, value in rule.set_.items():
            _fill(out, target, constant(value, n), rows)
    for target, value in constants.items():
        _fill(out, target, constant(value, n), np.ones(n, dtype=bool))
    return out


def origins(mapping: Mapping, sheet: Sheet, own: Iterable[str]) -> dict[str, str]:
    """For each field that a rule can fill: the field with a column of its own from which it comes first (or ``own`` itself).

    A fault of a filled field is told with the header of the column that a clerk has to correct.
    """
    out = {name: name for name in own}

    def flow(source: str, target: str) -> None:
        if source in out:
            out.setdefault(target, out[source])

    for rule in mapping.rules_of(sheet):
        if rule.join is not None:
            for source in rule.join.sources:
                flow(source, rule.join.into)
        if rule.either is not None:
            flow(rule.either.source, rule.either.uscc)
            flow(rule.either.source, rule.either.id_number)
        for source, target in (*rule.move.items(), *rule.copy_.items()):
            flow(source, target)
    return out


def _get(columns: Columns, name: str, n: int) -> Text:
    return columns[name] if name in columns else nulls(n)


def _fill(columns: Columns, name: str, value: Text, rows: Mask) -> None:
    old = _get(columns, name, len(rows))
    columns[name] = where(rows & ~filled(old), value, old)


def _rows(columns: Columns, rule: Rule, n: int) -> Mask:
    out = np.ones(n, dtype=bool)
    for name, condition in rule.when.items():
        out &= _holds(_get(columns, name, n), condition)
    return out


def _holds(text: Text, condition: str | Condition) -> Mask:
    if isinstance(condition, str):
        present = filled(text)
        return present if condition == "filled" else ~present
    out = np.ones(len(text), dtype=bool)
    if condition.any_of is not None:
        out &= mask(pc.is_in(text, value_set=pa.array(condition.any_of, type=pa.large_string())))
    if condition.none_of is not None:
        out &= ~mask(pc.is_in(text, value_set=pa.array(condition.none_of, type=pa.large_string())))
    if condition.matches is not None:
        out &= mask(pc.match_substring_regex(text, condition.matches))
    return out
