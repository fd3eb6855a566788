"""What is shown for an entity, chosen field by field in an order of preference, each value with the record it came from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zp_registry.frames import BUSINESS_KINDS

Ints: TypeAlias = NDArray[np.int64]
Mask: TypeAlias = NDArray[np.bool_]

# Who somebody is stands surest with a valid number; where somebody can be reached, in what was reported last.
_IDENTITY = ("valid", "registered", "newest", "often", "source")
_REACH = ("valid", "newest", "registered", "often", "source")
_PLACE = ("newest", "registered", "often", "source")


@dataclass(frozen=True)
class Preferences:
    """For each field the words of preference, the first first:

    ``valid``: a whole number over a masked one; for fields that are no numbers, from a row with a whole valid number over one
    with a masked number over one with none · ``registered``: a platform's own report over a shared copy · ``newest``: the later
    report date · ``often``: what more report rows say · ``source``: the order of ``sources`` (mapping ids; the others behind).
    """

    name: tuple[str, ...] = _IDENTITY
    number: tuple[str, ...] = _IDENTITY
    kind: tuple[str, ...] = _IDENTITY
    phone: tuple[str, ...] = _REACH
    contact: tuple[str, ...] = _PLACE
    address: tuple[str, ...] = _PLACE
    town: tuple[str, ...] = _PLACE
    sources: tuple[str, ...] = ()


# What decides where preferences leave several: dates and places in reports, which are the same in whatever order these were
# loaded, and at last the value itself; never an id of the database.
_TIES = ("newest", "registered", "origin", "part", "sheet", "row", "value")


def survive(seen: pd.DataFrame, preferences: Preferences | None = None) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """``seen``: one row per sighting of a record with its entity (columns of Evidence.records, entity_id, as_of,
    part, sheet, row) → entities (columns of table ``entity`` but accounts and pledges), identifiers, names.

    Raises ValueError for an unknown word of preference.
    """
    rules = preferences or Preferences()
    pool = _Pool(seen.reset_index(drop=True), rules.sources)
    column = pool.frame.__getitem__
    out = pd.DataFrame({"entity_id": pool.ids})
    out["first_seen"], out["last_seen"] = pool.span()

    name = pool.choose(rules.name, column("subject_name"), pool.certainty)
    out["name"], out["name_key"] = pool.take(name, "subject_name"), pool.take(name, "subject_key")
    out["name_record"] = pool.records(name)

    code = pool.choose(rules.number, column("uscc"), pool.certainty)
    shown = column("id_hash").fillna(column("id_mask"))
    person = pool.choose(rules.number, shown, _whole(column("id_hash")))
    out["uscc"] = pool.take(code, "uscc")
    out["id_hash"], out["id_mask"] = pool.take(person, "id_hash"), pool.take(person, "id_mask")

    called = column("phone_hash").fillna(column("phone_mask"))
    phone = pool.choose(rules.phone, called, _whole(column("phone_hash")))
    out["phone_hash"], out["phone_mask"] = pool.take(phone, "phone_hash"), pool.take(phone, "phone_mask")
    out["phone_record"] = pool.records(phone)

    # Whom to call: the named contact, else who runs the business.
    contact = column("contact_name").fillna(column("operator_name")).fillna(column("legal_representative"))
    parts = (
        ("contact_name", "contact_record", contact, rules.contact),
        ("address", "address_record", column("business_address"), rules.address),
        ("town", "town_record", column("town"), rules.town),
    )
    for target, record, values, words in parts:
        chosen = pool.choose(words, values, pool.certainty)
        out[target], out[record] = pool.take(chosen, values), pool.records(chosen)

    kind = pool.choose(rules.kind, column("subject_kind"), pool.certainty)
    out["kind"] = pool.take(kind, "subject_kind").fillna("other")
    business = out["kind"].isin(BUSINESS_KINDS)
    out.loc[business, ["id_hash", "id_mask"]] = pd.NA
    number = pool.records(code)
    out["number_record"] = number.fillna(pool.records(person).mask(business))
    return out, _identifiers(pool), _names(pool)


def _whole(number: pd.Series[str]) -> Ints:
    return np.where(number.notna(), 2, 1)


class _Pool:
    """The sightings as arrays, in order of their entities, so that each choice is a few passes and no sort of everything."""

    def __init__(self, frame: pd.DataFrame, sources: Sequence[str]) -> None:
        self.frame, self.sources = frame, list(sources)
        self.codes, self.ids = _coded(frame["entity_id"])
        self.days, self.day_names = _coded(frame["as_of"])
        self.order = np.argsort(self.codes, kind="stable")
        sure = frame["uscc"].notna() | frame["id_hash"].notna()
        self.certainty: Ints = np.where(sure, 2, np.where(frame["id_mask"].notna(), 1, 0))

    def span(self) -> tuple[pd.Series[str], pd.Series[str]]:
        """Each entity's first and last date."""
        starts = _starts(self.codes[self.order])
        days = self.days[self.order]
        if not len(starts):
            return pd.Series(dtype="str"), pd.Series(dtype="str")
        ends = np.minimum.reduceat(days, starts), np.maximum.reduceat(days, starts)
        first, last = (pd.Series(self.day_names[e], dtype="str") for e in ends)
        return first, last

    def choose(self, words: Sequence[str], values: pd.Series[str], valid: Ints) -> Ints:
        """For each entity the place of the row whose value is to be shown; -1 where none has a value."""
        given = values.notna().to_numpy(dtype=bool)
        left = self.order[given[self.order]]
        for word in (*words, *_TIES):
            starts = _starts(self.codes[left])
            if len(starts) == len(left):
                break
            rank = self._rank(word, left, given, values, valid)
            best = np.repeat(np.maximum.reduceat(rank, starts), np.diff(np.append(starts, len(left))))
            left = left[rank == best]
        left = left[_starts(self.codes[left])]  # rows that are alike in everything
        out = np.full(len(self.ids), -1, dtype=np.int64)
        out[self.codes[left]] = left
        return out

    def _rank(self, word: str, left: Ints, given: Mask, values: pd.Series[str], valid: Ints) -> NDArray[np.integer[Any]]:
        """A number for each row of ``left``: the greater, the better."""
        plain: dict[str, Callable[[], NDArray[np.integer[Any]]]] = {
            "valid": lambda: valid[left],
            "registered": lambda: 1 - _numbers(self._cells("loose", left)),
            "newest": lambda: self.days[left],
            "often": lambda: self._often(left, given, values),
            "source": lambda: self._listed(left),
            "origin": lambda: _coded(self._cells("source", left))[0],
            "part": lambda: _coded(self._cells("part", left))[0],
            "sheet": lambda: _coded(self._cells("sheet", left))[0],
            "row": lambda: _numbers(self._cells("row", left)),
            "value": lambda: _coded(values.iloc[left])[0],
        }
        if word not in plain:
            raise ValueError(f"unknown word of preference: {word}")
        return plain[word]()

    def _cells(self, column: str, rows: Ints) -> pd.Series[Any]:
        return self.frame[column].iloc[rows]

    def _often(self, left: Ints, given: Mask, values: pd.Series[str]) -> Ints:
        """How many of its entity's rows say the same; counted only for entities that still have a choice."""
        wanted = np.bincount(self.codes[left], minlength=len(self.ids)) > 1
        rows = np.flatnonzero(given & wanted[self.codes])
        said, names = pd.factorize(values.iloc[rows])
        _, inverse, count = np.unique(self.codes[rows] * len(names) + said, return_inverse=True, return_counts=True)
        out = np.zeros(len(self.frame), dtype=np.int64)
        out[rows] = count[inverse]
        return out[left]

    def _listed(self, left: Ints) -> Ints:
        place = {source: len(self.sources) - n for n, source in enumerate(self.sources)}
        codes, names = _coded(self._cells("source", left))
        return np.array([place.get(str(name), 0) for name in names] + [0], dtype=np.int64)[codes]

    def take(self, chosen: Ints, values: str | pd.Series[str]) -> pd.Series[str]:
        """The values at the chosen rows, NA where there is none."""
        column = self.frame[values] if isinstance(values, str) else values
        return pd.Series(column.array.take(chosen, allow_fill=True), dtype="str")

    def records(self, chosen: Ints) -> pd.Series[int]:
        """The chosen rows' records."""
        ids = self.frame["record_id"].astype("Int64").array
        return pd.Series(ids.take(chosen, allow_fill=True), dtype="Int64")

    def spans(self, values: pd.Series[str], where: Mask) -> pd.DataFrame:
        """entity_id, value, first_seen, last_seen of each value at the rows of ``where`` that have one."""
        rows = np.flatnonzero(where & values.notna().to_numpy(dtype=bool))
        said, names = pd.factorize(values.iloc[rows], sort=True)
        keys = self.codes[rows] * max(len(names), 1) + said
        order = np.argsort(keys, kind="stable")
        keys, days = keys[order], self.days[rows[order]]
        starts = _starts(keys)
        if not len(starts):
            return pd.DataFrame({c: pd.Series(dtype="str") for c in ("entity_id", "value", "first_seen", "last_seen")})
        return pd.DataFrame(
            {
                "entity_id": pd.Series(self.ids[keys[starts] // len(names)], dtype="str"),
                "value": pd.Series(names.take(keys[starts] % len(names)), dtype="str"),
                "first_seen": pd.Series(self.day_names[np.minimum.reduceat(days, starts)], dtype="str"),
                "last_seen": pd.Series(self.day_names[np.maximum.reduceat(days, starts)], dtype="str"),
            }
        )


def _numbers(values: pd.Series[Any]) -> Ints:
    return np.asarray(values.astype("int64"), dtype=np.int64)


def _coded(values: pd.Series[Any]) -> tuple[Ints, NDArray[np.object_]]:
    """Codes in the order of the values (-1: none), and the values."""
    codes, names = pd.factorize(values, sort=True)
    return codes.astype(np.int64), np.asarray(names, dtype=object)


def _starts(sorted_keys: Ints) -> Ints:
    """Where each run of equal keys begins."""
    if not len(sorted_keys):
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(np.append(True, sorted_keys[1:] != sorted_keys[:-1])).astype(np.int64)


def _identifiers(pool: _Pool) -> pd.DataFrame:
    frame = pool.frame
    everyone = np.ones(len(frame), dtype=bool)
    person = ~frame["subject_kind"].isin(BUSINESS_KINDS).to_numpy(dtype=bool)
    parts = [
        pool.spans(frame[column], where).assign(kind=kind)
        for kind, column, where in (("uscc", "uscc", everyone), ("id", "id_hash", person), ("mask", "id_mask", person))
    ]
    out = pd.concat(parts, ignore_index=True)
    return out[["entity_id", "kind", "value", "first_seen", "last_seen"]].astype({"kind": "str"})


def _names(pool: _Pool) -> pd.DataFrame:
    shown = pool.frame["subject_name"].str.slice(0, 500)
    return pool.spans(shown, np.ones(len(shown), dtype=bool)).rename(columns={"value": "name"})
