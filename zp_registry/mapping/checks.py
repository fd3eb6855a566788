"""What a mapping must keep to beyond its form: fields, vocabularies, rules that can work, headers that can be told apart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from zp_registry import frames
from zp_registry.mapping.headers import names_of
from zp_registry.mapping.model import STREAMER_PREFIX, Column, Condition, Mapping, Rule, Sheet, known_field
from zp_registry.mapping.rules import origins

Path = tuple[Any, ...]
Finding = tuple[Path, str]

VOCABULARIES: Final[dict[str, tuple[str, ...]]] = {
    "subject_kind": frames.SUBJECT_KINDS, "account_kind": frames.ACCOUNT_KINDS, "account_status": frames.ACCOUNT_STATUSES,
    "streamer.relation": frames.RELATIONS, "info_status": frames.INFO_STATUSES, "exempt_case": frames.EXEMPT_CASES,
    "over_threshold": ("yes", "no"),
}
_NEEDED: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "account": (("account_id",), ("subject_name", "uscc", "id_number")),
    "streamer": (("streamer.name", "streamer.id_number"),),
    "pledge": (("subject_name", "number"), ("signed_on",)),
    "notice": (("topic",), ("account_id", "subject_name", "number"), ("outcome",)),
}


def check_mapping(mapping: Mapping, stem: str) -> Iterator[Finding]:
    """Faults of one mapping, each with the path of the key that is wrong."""
    if mapping.id != stem:
        yield ("id",), f"id 应与文件名相同（{stem}）"
    if mapping.valid_from and mapping.valid_to and mapping.valid_from > mapping.valid_to:
        yield ("valid_to",), "valid_to 早于 valid_from"
    for key in ("skip_rows", "stop_rows"):
        for i, pattern in enumerate(getattr(mapping, key)):
            yield from _regex((key, i), pattern)
    if mapping.account_id_pattern is not None:
        yield from _regex(("account_id_pattern",), mapping.account_id_pattern, arrow=True)
    for i, rule in enumerate(mapping.from_names):
        yield from _field(("from_names", i, "field"), rule.field, _records(mapping))
        yield from _regex(("from_names", i, "pattern"), rule.pattern)
    for name in mapping.expectations.min_fill:
        yield from _field(("expectations", "min_fill", name), name, _records(mapping))
    records = _records(mapping)
    yield from _columns(("columns",), mapping.columns, mapping, records)
    yield from _rules(("rules",), mapping.rules, mapping, records)
    yield from _constants(("constants",), mapping.constants, records)
    for i, sheet in enumerate(mapping.sheets):
        yield from _sheet(i, sheet, mapping)


def check_together(mappings: list[Mapping]) -> Iterator[tuple[int, int, str]]:
    """Pairs of mappings of different platforms of which a file of one also has all that the other requires, and the reverse."""
    for (i, a), (j, b) in combinations(enumerate(mappings), 2):
        if a.platform_id != b.platform_id and a.kind == b.kind and any(
                _within(a, s, b, t) and _within(b, t, a, s) for s in _read(a) for t in _read(b)):
            yield i, j, f"{a.id} 与 {b.id} 的必需列分不开，请各增加一个对方没有的必需列"


def _within(a: Mapping, sheet: Sheet, b: Mapping, other: Sheet) -> bool:
    required = [set(names_of(c)) for c in a.columns_of(sheet) if c.required]
    theirs = {n for c in b.columns_of(other) for n in names_of(c)}
    return bool(required) and all(names & theirs for names in required)


def _read(mapping: Mapping) -> list[Sheet]:
    return [s for s in mapping.sheets if s.record != "ignore"]


def _records(mapping: Mapping) -> set[str]:
    return {s.record for s in _read(mapping)}


def _sheet(i: int, sheet: Sheet, mapping: Mapping) -> Iterator[Finding]:
    path: Path = ("sheets", i)
    if sheet.record == "ignore":
        return
    if any((sheet.record == other) != (mapping.kind == other) for other in ("pledge", "notice")):
        at = (*path, "record") if "record" in sheet.model_fields_set else path
        yield at, f"kind 为 {mapping.kind} 时 record 不能是 {sheet.record}"
    yield from _columns((*path, "columns"), sheet.columns, mapping, {sheet.record})
    yield from _rules((*path, "rules"), sheet.rules, mapping, {sheet.record})
    yield from _constants((*path, "constants"), sheet.constants, {sheet.record})
    columns = mapping.columns_of(sheet)
    if not any(c.required for c in columns):
        yield path, "没有一个必需列（required: true），认不出版式"
    yield from _repeated(path, sheet, mapping)
    own = [str(c.field) for c in columns if c.field] + [str(i.field) for c in columns for i in c.items]
    fields = set(origins(mapping, sheet, own)) | set(mapping.constants_of(sheet)) | {r.field for r in mapping.from_names}
    fields |= {target for rule in mapping.rules_of(sheet) for target in rule.set_}
    for choices in _NEEDED[sheet.record]:
        if not fields.intersection(choices):
            yield path, f"缺少字段 {' 或 '.join(choices)}"
    for rule in mapping.rules_of(sheet):
        for name in _sources(rule):
            if name.startswith("_") and name not in fields:
                yield _where(rule, sheet, mapping, i), f"规则用到 {name}，但没有列填入它"


def _where(rule: Rule, sheet: Sheet, mapping: Mapping, i: int) -> Path:
    return ("sheets", i, "rules", sheet.rules.index(rule)) if rule in sheet.rules else ("rules", mapping.rules.index(rule))


def _sources(rule: Rule) -> list[str]:
    joins = rule.join.sources if rule.join else []
    return [*rule.when, *rule.move, *rule.copy_, *joins, *([rule.either.source] if rule.either else [])]


def _repeated(path: Path, sheet: Sheet, mapping: Mapping) -> Iterator[Finding]:
    """Headers and fields that two columns of a sheet claim."""
    paths: list[Path] = [(*path, "columns", k) for k in range(len(sheet.columns))]
    paths += [("columns", k) for k in range(len(mapping.columns))]
    headers: dict[str, str] = {}
    fields: dict[str, str] = {}
    for column, at in zip(mapping.columns_of(sheet), paths, strict=True):
        for k, name in enumerate(names_of(column)):
            where = (*at, "header") if k == 0 else (*at, "aliases", k - 1)
            if name in headers:
                yield where, f"表头“{(column.header, *column.aliases)[k]}”与“{headers[name]}”列的写法重复"
            headers.setdefault(name, column.header)
        if column.field is not None and column.field in fields:
            yield (*at, "field"), f"字段 {column.field} 已由“{fields[column.field]}”列填入；请用 _ 开头的中间值加规则"
        if column.field is not None:
            fields.setdefault(column.field, column.header)


def _columns(path: Path, columns: list[Column], mapping: Mapping, records: set[str]) -> Iterator[Finding]:
    for k, column in enumerate(columns):
        at = (*path, k)
        if column.field is not None:
            yield from _field((*at, "field"), column.field, records)
        if column.ignore and (column.field or column.items):
            yield (*at, "ignore"), "ignore 的列不能有 field 或 items"
        if column.split and not str(column.field).startswith(STREAMER_PREFIX):
            yield (*at, "split"), "split 只用于 streamer.x 字段"
        if column.lookup is not None:
            yield from _lookup((*at, "lookup"), column, mapping)
        for j, item in enumerate(column.items):
            if not str(item.field).startswith(STREAMER_PREFIX):
                yield (*at, "items", j), "items 中的字段应为 streamer.x"
            yield from _columns((*at, "items"), [item], mapping, records) if item.field else ()


def _lookup(path: Path, column: Column, mapping: Mapping) -> Iterator[Finding]:
    table = mapping.lookups.get(str(column.lookup))
    if table is None:
        yield path, f"lookups 中没有 {column.lookup}"
        return
    allowed = VOCABULARIES.get(str(column.field))
    for raw, code in table.items():
        if allowed is not None and code not in allowed:
            yield ("lookups", column.lookup, raw), f"{code} 不是 {column.field} 的取值（{'、'.join(allowed)}）"


def _rules(path: Path, rules: list[Rule], mapping: Mapping, records: set[str]) -> Iterator[Finding]:
    for k, rule in enumerate(rules):
        at = (*path, k)
        if rule.join is None and rule.either is None and not (rule.move or rule.copy_ or rule.set_):
            yield at, "规则什么也不做：需要 join、either、move、copy、set 之一"
        named: list[tuple[Path, str]] = [((*at, "when", n), n) for n in rule.when]
        if rule.join is not None:
            named.append(((*at, "join", "into"), rule.join.into))
            named += [((*at, "join", "sources", j), n) for j, n in enumerate(rule.join.sources)]
        if rule.either is not None:
            keys = ("source", "uscc", "id_number", "kind")
            named += [((*at, "either", key), n) for key in keys if (n := getattr(rule.either, key))]
        for key, pairs in (("move", rule.move), ("copy", rule.copy_)):
            named += [((*at, key, a), n) for a, b in pairs.items() for n in (a, b)]
        for where, name in named:
            yield from _field(where, name, records)
        yield from _constants((*at, "set"), rule.set_, records)
        for name, condition in rule.when.items():
            if isinstance(condition, Condition) and condition.matches is not None:
                yield from _regex((*at, "when", name, "matches"), condition.matches, arrow=True)


def _constants(path: Path, values: dict[str, str], records: set[str]) -> Iterator[Finding]:
    for name, value in values.items():
        yield from _field((*path, name), name, records)
        allowed = VOCABULARIES.get(name)
        if allowed is not None and value not in allowed:
            yield (*path, name), f"{value} 不是 {name} 的取值（{'、'.join(allowed)}）"


def _field(path: Path, name: str, records: set[str]) -> Iterator[Finding]:
    if not any(known_field(name, r) for r in records):  # type: ignore[arg-type]
        yield path, f"没有字段 {name}"


def _regex(path: Path, pattern: str, *, arrow: bool = False) -> Iterator[Finding]:
    """``arrow``: the pattern runs over whole columns and must suit RE2 (no look-around, no back-references)."""
    try:
        re.compile(pattern)
        if arrow:
            pc.match_substring_regex(pa.array([""]), pattern)
    except (re.error, pa.ArrowInvalid):
        yield path, f"正则表达式有误：{pattern}"
