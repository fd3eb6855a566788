"""The people on camera of each row, as a frame of their own: several in one cell, in JSON lists, or one row each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from zp_registry.bytewise import holding
from zp_registry.frames import STREAMER_FIELDS, empty
from zp_registry.mapping.model import STREAMER_PREFIX, Column
from zp_registry.mapping.sheet import SheetData
from zp_registry.mapping.text import Mask, Text, array, clean, filled, series
from zp_registry.sources.jsonlines import by_key
from zp_registry.texts import long_number

_PARTERS: Final = "[、;；,，/／|｜]+"
_AT_ONCE: Final = 2_000  # cells of JSON: what they hold is still near when it is asked for
_PARTING: Final = "、;；,，/／|｜ \t\n\f\r"  # these, and blanks at the ends


@dataclass
class Streamers:
    """``frame``: idx (row of the sheet, from 0), ordinal (from 0), STREAMER_FIELDS; ``uneven``: field → rows where the number
    of people differs from the number of names, so that nobody can say who has which; ``broken``: field → rows whose list is
    no JSON."""

    frame: pd.DataFrame
    uneven: dict[str, Mask] = field(default_factory=dict)
    broken: dict[str, Mask] = field(default_factory=dict)


def streamers_of(data: SheetData, fields: dict[str, Text], blank_words: frozenset[str]) -> Streamers:
    """All streamers of a sheet. ``fields``: the sheet's columns after its rules, ``streamer.x`` among them."""
    split = {str(c.field) for c in data.fit.columns.values() if c.split}
    out = Streamers(empty(("idx", "ordinal", *STREAMER_FIELDS)))
    parts = []
    columns = {name.removeprefix(STREAMER_PREFIX): text for name, text in fields.items() if name.startswith(STREAMER_PREFIX)}
    if columns:
        parts.append(_from_cells(columns, {s.removeprefix(STREAMER_PREFIX) for s in split}, data.n, blank_words, out))
    for column, text in data.lists:
        parts.append(_from_json(column, text, blank_words, out))
    if parts:
        frame = pd.concat(parts, ignore_index=True).sort_values("idx", kind="stable", ignore_index=True)
        frame["ordinal"] = frame.groupby("idx").cumcount().astype("int64")
        out.frame = frame[["idx", "ordinal", *STREAMER_FIELDS]]
    return out


def _from_cells(columns: dict[str, Text], split: set[str], n: int, blank_words: frozenset[str], out: Streamers) -> pd.DataFrame:
    lists = {name: _parts(text, blank_words) if name in split else _single(text) for name, text in columns.items()}
    counts = {name: np.bincount(part["idx"], minlength=n) for name, part in lists.items()}
    none = np.zeros(n, dtype=np.int64)
    names, ids = counts.get("name", none), counts.get("id_number", none)
    uneven = (names != ids) & (names > 0) & (ids > 0)
    # Who has which number is unknown then: each name and each number stands as a person of its own.
    people = np.where(uneven, names + ids, np.maximum(names, ids))
    people = np.maximum(people, (np.max(list(counts.values()), axis=0) > 0).astype(np.int64))
    frame = pd.DataFrame({"idx": np.repeat(np.arange(n), people)})
    frame["pos"] = frame.groupby("idx").cumcount()
    for name, part in lists.items():
        if name == "id_number":
            part = part.assign(pos=part["pos"] + np.where(uneven, names, 0)[part["idx"]])
        elif name != "name":
            one = (counts[name] == 1) & (people > 1)
            whole = (counts[name] == people) & ~uneven
            if name in split:
                bad = (counts[name] > 0) & ~one & ~whole
                if bad.any():
                    out.uneven[STREAMER_PREFIX + name] = bad
            part = _spread(part, one, whole, people)
        frame = frame.merge(part.rename(columns={"value": name}), on=["idx", "pos"], how="left")
    if uneven.any():
        out.uneven[STREAMER_PREFIX + "name"] = uneven
    return _shaped(frame)


def _parts(text: Text, blank_words: frozenset[str]) -> pd.DataFrame:
    """idx, pos, value of the parts of each cell; separators at the ends part nothing, a blank part keeps its place."""
    several = holding(text, _PARTING)
    whole, at = np.flatnonzero(filled(text) & ~several), np.flatnonzero(several)
    trimmed = pc.replace_substring_regex(text.take(pa.array(at)), f"^(?:{_PARTERS}|\\s)+|(?:{_PARTERS}|\\s)+$", "")
    pieces = pc.split_pattern_regex(trimmed, _PARTERS.removesuffix("+") + r"\s*")
    parent = at[pc.list_parent_indices(pieces).to_numpy(zero_copy_only=False)]
    value = pa.concat_arrays([text.take(pa.array(whole)), pc.cast(pc.list_flatten(pieces), pa.large_string())])
    idx = np.concatenate([whole, parent])
    order = np.argsort(idx, kind="stable")
    first = np.searchsorted(idx[order], idx[order])
    return pd.DataFrame({"idx": idx[order], "value": series(clean(value.take(pa.array(order)), blank_words)),
                         "pos": np.arange(len(idx)) - first})


def _single(text: Text) -> pd.DataFrame:
    frame = pd.DataFrame({"idx": np.arange(len(text)), "value": series(text), "pos": np.zeros(len(text), dtype=np.int64)})
    return frame[frame["value"].notna()]


def _spread(part: pd.DataFrame, one: Mask, whole: Mask, people: Any) -> pd.DataFrame:
    """One value for several people holds for all; as many values as people go one by one; anything else is dropped."""
    single = part[one[part["idx"]]]
    times = people[single["idx"]]
    spread = single.loc[single.index.repeat(times)]
    spread = spread.assign(pos=spread.groupby("idx").cumcount())
    return pd.concat([part[whole[part["idx"]]], spread], ignore_index=True)


def _from_json(column: Column, text: Text, blank_words: frozenset[str], out: Streamers) -> pd.DataFrame:
    bad, many, found = np.zeros(len(text), dtype=bool), np.zeros(len(text), dtype=np.int64), []
    for start in range(0, len(text), _AT_ONCE):
        read = _parsed(text.slice(start, _AT_ONCE))
        rows = slice(start, start + len(read))
        bad[rows] = [p is None for p in read]
        many[rows] = [len(p or ()) for p in read]
        found.append(_said(list(chain.from_iterable(p or () for p in read)), column.items))
    if bad.any():
        out.broken[str(column.items[0].field)] = bad
    frame = pd.DataFrame({"idx": np.repeat(np.arange(len(text)), many)})
    for item, pieces in zip(column.items, zip(*found, strict=True), strict=False):  # no cells: no pieces
        frame[str(item.field).removeprefix(STREAMER_PREFIX)] = series(clean(pa.concat_arrays(pieces), blank_words))
    return _shaped(frame)


def _said(people: list[dict[str, Any]], items: Sequence[Column]) -> list[Text]:
    """What these people's objects hold for each item, as text."""
    said, nothing, out = dict(by_key(people)), [None] * len(people), []
    for item in items:
        values = said.get(item.header, nothing)
        if item.aliases:
            values = [v if v is not None else next((p[k] for k in item.aliases if p.get(k) is not None), None)
                      for v, p in zip(values, people, strict=True)]
        try:
            out.append(array(values))
        except (pa.ArrowTypeError, pa.ArrowInvalid, UnicodeEncodeError):
            out.append(array([_text(v) for v in values]))
    return out


def _parsed(text: Text) -> list[list[dict[str, Any]] | None]:
    """The objects of each cell (:func:`_parse`); all cells in one go where all are lists of objects, as is usual."""
    cells = pc.fill_null(text, "[]").to_numpy(zero_copy_only=False).tolist()
    try:
        found = _quickly("[" + ",0,".join(cells) + "]")  # the zeros prove that no cell ends where another should
    except ValueError:
        found = []
    lists, between = found[::2], found[1::2]
    as_lists = len(lists) == len(cells) and not any(between) and set(map(type, lists)) <= {list}
    if as_lists and set(map(type, chain.from_iterable(lists))) <= {dict}:
        return list(lists)
    return [_parse(t) for t in text.to_pylist()]


def _quickly(text: str) -> Any:
    """ValueError also where a whole number may be beyond 64 bits: its digits would be lost."""
    if long_number(text.encode()):
        raise ValueError("a long number")
    return orjson.loads(text)


def _parse(text: str | None) -> list[dict[str, Any]] | None:
    """The objects of a JSON list; [] for an empty cell, None for what is no list of objects."""
    if text is None:
        return []
    try:
        found = _quickly(text)
    except ValueError:
        try:
            found = json.loads(text)  # halves of characters
        except (ValueError, RecursionError):
            return None
    found = [found] if isinstance(found, dict) else found
    return found if isinstance(found, list) and all(isinstance(p, dict) for p in found) else None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _shaped(frame: pd.DataFrame) -> pd.DataFrame:
    """All streamer fields as text, without people of whom nothing is known."""
    for name in STREAMER_FIELDS:
        if name not in frame.columns:
            frame[name] = pd.Series(np.nan, index=frame.index, dtype="str")
    known = frame[list(STREAMER_FIELDS)].notna().any(axis=1)
    return frame.loc[known, ["idx", *STREAMER_FIELDS]].reset_index(drop=True)
