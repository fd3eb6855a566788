"""Looking people and accounts up: by name (part, pinyin, initials), credit code, document number, phone, account or address.

Numbers are compared by their keyed hashes, so that nothing is searched in clear. ``towns``: what the person who asks may see.
"""

from __future__ import annotations

import bisect
import functools
import heapq
import itertools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd
import pypinyin
from sqlalchemy import Connection, text

from zp_registry.crypto import Keyring
from zp_registry.frames import as_records
from zp_registry.normalise.columns import Faults
from zp_registry.normalise.phones import check_phones
from zp_registry.registry import bulk

LIMIT: Final = 50
READINGS, STARTS = 2, 6  # readings of one character, and characters of a name from which on it is spelled
# The town of an entity: its own, or else that of an account it holds.
TOWN: Final = (
    "COALESCE(e.town, (SELECT MAX(t.town) FROM account t WHERE t.entity_id = e.entity_id AND t.gone_on IS NULL))"
)
_CODE = re.compile(r"[0-9A-HJ-NP-RTUW-Y]{18}")
_ENTITY = re.compile(r"E\d{8,18}", re.IGNORECASE)
_LATIN = re.compile(r"[a-z]+")
_PAUSES = re.compile(r"[\s'’·-]+")
# 镇平县, 石佛寺镇 …: nearly every name begins so, and what tells it apart comes behind.
_PLACE = re.compile(r".{1,6}?(?:省|市(?!场)|县|镇|乡|街道)")


def only(towns: Sequence[str] | None, column: str = TOWN) -> tuple[str, dict[str, str]]:
    """A condition that lets through these towns alone (None: all), with its parameters."""
    if towns is None:
        return "1 = 1", {}
    names = {f"town{i}": t for i, t in enumerate(towns)}
    return (f"{column} IN ({', '.join(':' + n for n in names)})" if names else "1 = 0"), names


class _Lines:
    """Texts in one string, so that a search through all of them is one call."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.text = "\n".join(texts)
        self.starts = [0, *itertools.accumulate(len(t) + 1 for t in texts)]

    def holding(self, words: str) -> Iterator[int]:
        """Places of the texts that hold these words, in order."""
        at = self.text.find(words)
        while at >= 0:
            place = bisect.bisect_right(self.starts, at) - 1
            yield place
            at = self.text.find(words, self.starts[place + 1])


class NameIndex:
    """Every name that an entity bears or bore, and how it is spelled in pinyin. ``mark``: of what it was made."""

    def __init__(
        self, mark: str, entities: list[str], names: list[str], towns: list[str | None], former: NameIndex | None = None
    ) -> None:
        """``former``: an earlier index, whose spellings are taken over."""
        self.mark, self.entities, self.towns = mark, entities, towns
        known = former.spelled if former is not None else {}
        self.spelled: dict[str, str] = {n: known.get(n) or _spelled(n) for n in names}
        self._names = _Lines([n.lower().replace("\n", " ") for n in names])
        self._spelled = _Lines([self.spelled[n] for n in names])

    @classmethod
    def of(cls, connection: Connection, mark: str, former: NameIndex | None = None) -> NameIndex:
        """Reads all names."""
        rows = connection.execute(
            text(f"SELECT n.entity_id, n.name, {TOWN} FROM entity_name n JOIN entity e ON e.entity_id = n.entity_id "
                 "WHERE n.name IS NOT NULL ORDER BY n.entity_id")
        ).all()  # fmt: skip
        return cls(mark, [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows], former)

    def containing(self, words: str, limit: int, towns: Sequence[str] | None = None) -> list[str]:
        """Entities (of these towns) with a name that holds these characters, or whose pinyin or initials begin with these
        letters."""
        plain = words.lower()
        places = self._names.holding(plain)
        if _LATIN.fullmatch(letters := _PAUSES.sub("", plain)):
            places = heapq.merge(places, self._spelled.holding(" " + letters))
        seen = (p for p in places if towns is None or self.towns[p] in towns)
        return list(dict.fromkeys(self.entities[p] for p in itertools.islice(seen, 2 * limit)))[:limit]


@functools.lru_cache(maxsize=30_000)
def _readings(character: str) -> tuple[str, ...]:
    if not "\u4e00" <= character <= "\u9fff":
        return (character.lower(),) if character.isalnum() else ()
    found = pypinyin.pinyin(character, style=pypinyin.Style.NORMAL, heteronym=True)[0]
    return tuple(dict.fromkeys(found))[:READINGS]


def _spelled(name: str) -> str:
    """`` zhangsanfeng zsf sanfeng sf …``: the name from each of its first characters on, in pinyin and in initials, each behind
    a blank; the first two characters of each in all their readings. Of the places that it begins with only their own first
    characters count."""
    places, behind = list[int](), 0
    while place := _PLACE.match(name, behind):
        places.append(behind)
        behind = place.end()
    if behind == len(name):
        places, behind = [], 0
    read = [_readings(c) for c in name]
    spoken = [i for i, r in enumerate(read) if r]
    firsts = [i for i in spoken if i in places] + [i for i in spoken if i >= behind][:STARTS]
    readings = [read[i] for i in spoken]
    out: dict[str, None] = {}
    for start in (spoken.index(i) for i in firsts):
        rest = [r[0] for r in readings[start + 2 :]]
        for first in itertools.product(*readings[start : start + 2]):
            out["".join((*first, *rest))] = None
            out["".join(s[0] for s in (*first, *rest))] = None
    return "".join(" " + s for s in out)


@dataclass
class Found:
    """``how``: as what the words were understood; ``entities`` and ``accounts``: dictionaries, at most LIMIT of each."""

    how: list[str]
    entities: list[dict[str, Any]]
    accounts: list[dict[str, Any]]
    more: bool = False


def phones_in(words: str) -> list[str]:
    """The phones that stand in these words, in their canonical form."""
    cells = pd.Series([words], dtype="str")
    every = check_phones(cells, Faults(cells.index), "phone").all
    return [] if every.isna().iloc[0] else str(every.iloc[0]).split(";")


def find(connection: Connection, ring: Keyring, index: NameIndex, words: str, towns: Sequence[str] | None) -> Found:
    """What these words may mean; see the module."""
    plain = unicodedata.normalize("NFKC", words)
    words = " ".join("".join(c if c.isprintable() else " " for c in plain).split())[:400]
    if not words:
        return Found([], [], [])
    code = re.sub(r"[\s-]", "", words).upper()
    how: list[str] = []
    ids: dict[str, None] = {}

    def add(name: str, found: Sequence[str]) -> None:
        if found:
            how.append(name)
            ids.update(dict.fromkeys(found))

    if _ENTITY.fullmatch(code):
        rows = connection.execute(text("SELECT COALESCE(current_id, entity_id) FROM subject WHERE entity_id = :e"), {"e": code})
        add("主体编号", [r[0] for r in rows])
    if _CODE.fullmatch(code):
        add("统一社会信用代码", _identified(connection, "uscc", code, towns))
    if code.isalnum() and any(c.isdigit() for c in code) and 6 <= len(code) <= 20 and code.isascii():
        add("证件号码", _identified(connection, "id", ring.match(code, "id"), towns))
    if sum(c.isdigit() for c in words) >= 7 and (phones := phones_in(words)):
        add("电话", [e for p in phones for e in _called(connection, ring.match(p, "phone"), towns)])
    if (len(words) > 1 or not words.isascii()) and not code.isdigit():
        add("名称", index.containing(words, LIMIT + 1, towns))
    accounts = _accounts(connection, words, towns)
    entities = described(connection, list(ids)[: LIMIT + 1], towns)
    if accounts:
        how.append("账号")
    return Found(how, entities[:LIMIT], accounts[:LIMIT], len(ids) > LIMIT or len(accounts) > LIMIT)


def _identified(connection: Connection, kind: str, value: str, towns: Sequence[str] | None) -> list[str]:
    column = "uscc" if kind == "uscc" else "id_hash"
    return _holders(connection, f"SELECT entity_id FROM entity WHERE {column} = :v UNION SELECT entity_id FROM "
                    "entity_identifier WHERE kind = :k AND value = :v", {"v": value, "k": kind}, towns)  # fmt: skip


def _called(connection: Connection, phone: str, towns: Sequence[str] | None) -> list[str]:
    return _holders(connection, "SELECT entity_id FROM entity WHERE phone_hash = :h UNION SELECT s.current_id FROM record c "
                    "JOIN subject s ON s.id = c.subject_id WHERE c.phone_hash = :h", {"h": phone}, towns)  # fmt: skip


def _holders(connection: Connection, ids: str, given: dict[str, str], towns: Sequence[str] | None) -> list[str]:
    """Those of these ids that may be seen."""
    seen, names = only(towns)
    rows = connection.execute(
        text(f"SELECT e.entity_id FROM entity e WHERE e.entity_id IN ({ids}) AND {seen} ORDER BY 1 LIMIT {LIMIT + 1}"),
        {**given, **names},
    )
    return [r[0] for r in rows]


def _accounts(connection: Connection, words: str, towns: Sequence[str] | None) -> list[dict[str, Any]]:
    seen, names = only(towns)
    address = words.partition("?")[0].rstrip("/")  # as it is copied from a browser, or typed without its beginning
    urls = {f"u{i}": u for i, u in enumerate((words, address, f"https://{address}", f"http://{address}"))}
    part = "%" + words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    rows = bulk.read(
        connection,
        f"""
        SELECT a.platform, a.account_id, a.account_name, a.account_handle, a.entity_id, e.name, a.town, a.first_seen,
               a.last_seen, a.gone_on
        FROM account a LEFT JOIN entity e ON e.entity_id = a.entity_id
        WHERE (a.account_id = :q OR a.account_handle = :q OR a.account_url IN (:u0, :u1, :u2, :u3) OR
               (CAST(:n AS INTEGER) > 1 AND a.account_name LIKE :part ESCAPE '\\')) AND {seen}
        ORDER BY a.account_id <> :q, a.platform, a.account_id LIMIT {LIMIT + 1}""",
        {"q": words, "n": len(words), "part": part, **urls, **names},
    )
    return as_records(rows)


def described(connection: Connection, entities: Sequence[str], towns: Sequence[str] | None) -> list[dict[str, Any]]:
    """entity_id, kind, name, town, number and phone (masked), pledge_status, accounts; those that may be seen, as ordered."""
    if not entities:
        return []
    seen, names = only(towns)
    wanted = {f"e{i}": e for i, e in enumerate(entities)}
    rows = as_records(bulk.read(
        connection,
        f"""
        SELECT e.entity_id, e.kind, e.name, {TOWN} AS town, COALESCE(e.uscc, e.id_mask) AS number, e.phone_mask AS phone,
               e.pledge_status,
               (SELECT COUNT(*) FROM account a WHERE a.entity_id = e.entity_id AND a.gone_on IS NULL) AS accounts
        FROM entity e WHERE e.entity_id IN ({', '.join(':' + n for n in wanted)}) AND {seen}""",
        {**wanted, **names}, integers=["accounts"],
    ))  # fmt: skip
    order = {e: i for i, e in enumerate(entities)}
    return sorted(rows, key=lambda r: order[r["entity_id"]])


def town_of(connection: Connection, entity_id: str) -> str | None:
    """The town of an entity (present id), None where none is known or there is no such entity."""
    row = connection.execute(text(f"SELECT {TOWN} FROM entity e WHERE e.entity_id = :e"), {"e": entity_id}).first()
    return None if row is None else row[0]
