"""Where an address lies: province, city, county, and the county's township or ``外县``.

The address's own county decides; towns of the county's names exist elsewhere, and 镇平 also stands across the seam of
平乐镇|平乐村. So names are read from the front, level by level, and only where nothing is found there further inside. What
no name speaks for stays NA. The place of operation counts, not the seat (令117 art. 47): callers pass that address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from zp_registry.bytewise import matches_within, odd, put
from zp_registry.bytewise import table as byte_table
from zp_registry.normalise.columns import Bools, map_distinct, to_series
from zp_registry.normalise.divisions import COUNTY, Division, Divisions, Town, default_markets, divisions
from zp_registry.texts import to_arrow

ELSEWHERE: Final = "外县"
PARTS: Final = ("province", "city", "county", "town", "market", "address_key")
_NOISE: Final = re.compile(r"[^0-9A-Za-z\u3400-\u9fff\uf900-\ufaff]")
_LEAD: Final = re.compile(
    r"^(?:(?:实际)?(?:经营|办公|联系|注册|通讯|居住|收货|发货)?(?:地址|住所|场所)为?|中华人民共和国|中国)"
)
_NOT_PLAIN: Final = byte_table(allowed="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", han=True)
# A name before one of these is a road's or a house's, not a place's.
_ROAD: Final = re.compile(r"^(?:[东西南北中]?(?:路|街(?!道)|大道|大街|巷|桥)|道(?!口)|宾馆|酒店|饭店|大厦|大酒店|小区|花园)")
_OFFICE: Final = r"(?:街道办事处|街道办|街道|街办|办事处|镇人民政府|乡人民政府|回族乡|镇|乡|公社)"
_UNKNOWN_COUNTY: Final = re.compile(
    r"^[\u3400-\u9fff]{2,5}?(?:自治县|县|旗)(?![城道医里前政委路街])|^[\u3400-\u9fff]{2,4}?市(?![场集民政里区])"
)
# Districts of the prefecture's seat under names that the tables do not have.
_SEAT: Final = re.compile(r"^(?:高新|高新技术产业开发|城乡一体化示范|示范|官庄工|鸭河工|经济技术开发|经开)区")
# After a province's short name: 河南村, 山西会馆, 海南岛.
_NO_PROVINCE: Final = re.compile(r"^(?:[村庄岛人籍菜面馆屯沟坡]|会馆|烩面|饭庄)")
# Names of old that several townships of the county, and hundreds elsewhere, share.
_COMMON: Final = ("城关镇", "城郊乡", "城关乡", "城郊镇")
_TOWNSHIP: Final = re.compile(r"^[\u3400-\u9fff]{1,8}?(?:街道|镇|乡)")


@dataclass(frozen=True)
class Place:
    """Parts of one address; ``rest`` is what follows the county, ``code`` the deepest division found (2, 4, 6 digits)."""

    code: str = ""
    county: str | None = None
    rest: str = ""


def addresses(series: pd.Series[str], markets: Sequence[tuple[str, str]] | None = None) -> pd.DataFrame:
    """A column of cleaned, simplified addresses in its parts (PARTS, all text): full names, or NA.

    ``town``: one of the county's township names, ``外县`` when the address is clearly elsewhere, or NA. ``market``: a market of
    ``markets`` ((market, town), default: the packaged list) named in an address that is not elsewhere. ``address_key``: the
    comparison form without blanks, punctuation, province, city and the own county's name; NA when no detail is left.
    """
    reader = Reader(divisions(), default_markets() if markets is None else markets)
    text = to_arrow(series)
    usual, found = reader.usual(text)
    coded = text.filter(pa.array(~usual)).dictionary_encode()
    parsed = list(zip(*map(reader.read, coded.dictionary.to_pylist()), strict=True)) or [()] * len(PARTS)
    out = {}
    for name, values, known in zip(PARTS, parsed, found, strict=True):
        rest = pa.array(values, pa.large_string()).take(coded.indices)
        out[name] = to_series(put(known, np.flatnonzero(~usual), rest), series.index)
    return pd.DataFrame(out, index=series.index)


def towns(series: pd.Series[str]) -> pd.Series[str]:
    """A column of township names as people write them in a ledger of the county (涅阳, 石佛寺乡) under their full names.

    ``外县`` for words that say so and for other counties; NA for what is not known.
    """
    return map_distinct(series, Reader(divisions(), default_markets()).town)


class Reader:
    """Reads single addresses against the tables it is given."""

    def __init__(self, tables: Divisions, markets: Sequence[tuple[str, str]]) -> None:
        self._tables = tables
        self._markets = markets
        self._own = {name: town for town in tables.towns for name in town.names}
        self._in_county = _pattern((t.stem for t in tables.towns), f"(?:{_OFFICE})")
        self._stems = {t.stem: t for t in tables.towns}
        self._bare_names = _pattern((*self._own, *(t.stem + o for t in tables.towns if t.name.endswith("街道")
                                                   for o in ("街道", "办事处", "街办"))), "")
        self._bare_stems = _pattern((t.stem for t in tables.towns if t.bare), "")
        self._county = tables.by_code[COUNTY]
        self._beginnings: dict[str, set[str]] = {}
        # The county's own addresses are most of them, so their usual beginnings are read in one step.
        self._usual = re.compile(rf"^(?:河南省?)?(?:南阳市?)?{self._county.name}")

    def usual(self, text: pa.LargeStringArray) -> tuple[Bools, list[pa.LargeStringArray]]:
        """Which addresses are of the county's usual form, and their PARTS (null for the others): the county, then a township
        with its level, then a detail that begins with no township. :meth:`read` gives the same, one by one."""
        stems = sorted(self._stems, key=len, reverse=True)
        if any(a != b and a.startswith(b) for a in stems for b in stems):
            raise ValueError("a township's stem begins another's")
        one = "|".join(stems)
        read = pc.extract_regex(
            pc.if_else(pa.array(odd(text, _NOT_PLAIN)), pa.scalar(None, text.type), text),
            rf"^(?:河南省?)?(?:南阳市?)?{self._county.name}(?P<rest>(?P<stem>{one}){_OFFICE}(?P<detail>.*))$",
        )
        stem, detail = pc.struct_field(read, "stem"), pc.struct_field(read, "detail")
        usual = pc.is_valid(read).to_numpy(zero_copy_only=False)
        usual &= ~matches_within(detail, usual, f"^(?:{one})")
        names = pa.array([self._stems[s].name for s in stems], text.type)
        town = names.take(pc.index_in(stem, pa.array(stems, text.type)))
        nothing = pa.scalar(None, text.type)
        key = pc.if_else(pc.equal(detail, ""), nothing, pc.binary_join_element_wise(town, detail, pa.scalar("", text.type)))
        province, city = self._upper(COUNTY)
        here = [pa.scalar(value, text.type) for value in (province, city, self._county.name)]
        rest, market = pc.struct_field(read, "rest"), pa.nulls(len(text), text.type)
        for name, _ in reversed(self._markets):  # the first of them counts
            market = pc.if_else(pc.match_substring(rest, name), pa.scalar(name, text.type), market)
        mask = pa.array(usual)
        found = [pc.if_else(mask, value, nothing) for value in (*here, town, market, pc.utf8_upper(key))]
        return usual, found

    def town(self, value: str) -> str | None:
        """The township that a ledger cell names."""
        text = _NOISE.sub("", value)
        if re.search(r"^(?:外县|外地|县外|外省|外市)", text):
            return ELSEWHERE
        place = self._prefix(text)
        if place.county and place.county != self._county.name:
            return ELSEWHERE
        found = self._inside(place.rest)
        return found[0].name if found else None

    def read(self, value: str) -> tuple[str | None, ...]:
        """One address in its PARTS."""
        text = _NOISE.sub("", value)
        while (shorter := _LEAD.sub("", text)) != text and shorter:
            text = shorter
        place = self._prefix(text)
        if place.county == self._county.name:
            return self._ours(place.rest)
        if place.county or (place.code and not COUNTY.startswith(place.code)):
            return self._foreign(place)
        return self._without_county(place, text)

    def _without_county(self, place: Place, text: str) -> tuple[str | None, ...]:
        """An address that names no county and nothing that excludes this one."""
        rest = place.rest
        found = self._bare(rest, city_known=len(place.code) == 4)
        if found:
            return self._ours(rest)
        if self._market(rest) and not self._search(rest):
            return self._ours(rest)
        inside = self._search(rest)
        if inside is not None:
            return self._ours(inside.rest) if inside.county == self._county.name else self._foreign(inside)
        anywhere = self._bare_names.search(rest)
        if anywhere and self._own[_full(anywhere.group(), self._own, self._stems)].bare:
            return self._ours(rest[anywhere.start():])
        if _UNKNOWN_COUNTY.match(rest) and not rest.startswith(self._county.name):
            return self._foreign(replace(place, rest=rest))
        township = _TOWNSHIP.match(rest)
        if township and township.group() in self._tables.townships and township.group() not in _COMMON:
            return self._foreign(place)
        if not place.code:
            return (None, None, None, None, None, _key(rest))
        if _SEAT.match(rest):
            return self._foreign(place)
        province, city = self._upper(place.code)
        return (province, city, None, None, None, _key(rest))

    def _ours(self, rest: str) -> tuple[str | None, ...]:
        """An address in the county; ``rest`` follows the county's name."""
        found = self._inside(rest)
        market = self._market(rest)
        town, detail = found if found else (None, rest)
        name = town.name if town else market[1] if market else None
        key = _key((name or "") + detail) if detail else None
        province, city = self._upper(COUNTY)
        return (province, city, self._county.name, name, market[0] if market else None, key)

    def _foreign(self, place: Place) -> tuple[str | None, ...]:
        """An address elsewhere. Its county stays in the key: 人民路1号 is in every county."""
        province, city = self._upper(place.code)
        key = _key((place.county or city or "") + place.rest) if place.rest else None
        return (province, city, place.county, ELSEWHERE, None, key)

    def _upper(self, code: str) -> tuple[str | None, str | None]:
        if not code:
            return None, None
        return self._tables.by_code[code[:2]].name, self._tables.city_of(code)

    def _market(self, text: str) -> tuple[str, str] | None:
        return next(((m, t) for m, t in self._markets if m in text), None)

    def _inside(self, rest: str) -> tuple[Town, str] | None:
        """The township in what follows the county's name, and what else there is."""
        for found in self._in_county.finditer(rest):
            town, after = self._stems[found.group(1)], rest[found.end():]
            if not found.group(2) and not (found.start() == 0 and _stands_alone(town, after)):
                continue
            while (again := self._in_county.match(after)) and again.group(1) == town.stem and again.group(2):
                after = after[again.end():]
            return town, rest[: found.start()] + after
        return None

    def _bare(self, rest: str, *, city_known: bool) -> bool:
        """Whether an address without a county begins with a township name that counts as the county's."""
        if self._bare_names.match(rest):
            return True
        stem = self._bare_stems.match(rest)
        if stem is None:
            return False
        after = rest[stem.end():]
        other_level = after.startswith("街道") and not self._stems[stem.group(1)].name.endswith("街道")
        return not _ROAD.match(after) and (city_known or not other_level)

    def _prefix(self, text: str) -> Place:
        """Province, city and county that stand in front, each of them optional, full names before short ones."""
        place = Place(rest=text)
        common = self._usual.match(text)
        if common:
            place = Place(COUNTY, self._county.name, text[common.end():])
        while place.county is None:
            step = self._next(place)
            if step is None:
                break
            place = step
        if place.county and place.code and place.rest[:2] in self._starts(place.code):
            again = self._prefix(place.rest)  # the cell of the details held the whole address once more
            if again.code and place.code.startswith(again.code):
                place = replace(place, rest=again.rest)
        return place

    def _starts(self, code: str) -> set[str]:
        if code not in self._beginnings:
            known = self._tables.by_code
            self._beginnings[code] = {known[c].name[:2] for c in (code[:2], code[:4], code) if c in known}
        return self._beginnings[code]

    def _next(self, place: Place) -> Place | None:
        """One level further down, or None if the rest begins with no division inside ``place``."""
        known = self._tables
        for table, lengths, short in ((known.full, known.full_lengths, False), (known.short, known.short_lengths, True)):
            for length in lengths.get(place.rest[:2], ()):
                found = table.get(place.rest[:length]) if length <= len(place.rest) else None
                if found:
                    fitting = [d for d in found if len(d.code) > len(place.code) and d.code.startswith(place.code)]
                    step = self._accept(place, fitting, length, short=short) if fitting else None
                    if step is not None:
                        return step
        return None

    def _accept(self, place: Place, fitting: list[Division], length: int, *, short: bool) -> Place | None:
        """The place that a name means here: one division, or a county somewhere if several bear the name."""
        name, rest = place.rest[:length], place.rest[length:]
        level = min(len(d.code) for d in fitting)
        here = [d for d in fitting if len(d.code) == level]
        own = next((d for d in here if d.code == COUNTY), None)
        if short and name[-1] not in "市区县旗州" and not (rest and self._goes_on(here, rest)):
            if _ROAD.match(rest) or rest[:1] in ("镇", "乡", "村"):
                return None
            if level == 2 and _NO_PROVINCE.match(rest):
                return None
            # A city's or county's bare stem in front (朝阳, 新城) is a place only if something around it says so.
            if level > 2 and not (place.code or own or not rest):
                return None
        if len(here) == 1 or own:
            division = own or here[0]
            if level == 2:  # joined columns write 北京市北京市朝阳区 and 河南省省直辖县级行政区划济源市
                rest = re.sub(rf"^(?:{division.name}|市辖区|(?:省|自治区)直辖县级行政区划)+", "", rest)
            return Place(division.code, division.name if level == 6 else None, rest)
        if level < 6 or short:
            return None
        common = next((here[0].code[:n] for n in (4, 2) if len({d.code[:n] for d in here}) == 1), "")
        return Place(common, here[0].name, rest)

    def _goes_on(self, here: list[Division], rest: str) -> bool:
        """Whether a division inside one of ``here`` follows."""
        known = self._tables
        for table, lengths in ((known.full, known.full_lengths), (known.short, known.short_lengths)):
            for length in lengths.get(rest[:2], ()):
                for d in table.get(rest[:length], ()):
                    if any(len(d.code) > len(h.code) and d.code.startswith(h.code) for h in here):
                        return True
        return False

    def _search(self, text: str) -> Place | None:
        """The first full name of a county or city (three characters or more, only one of that name) inside the text."""
        for start in range(len(text) - 2):
            for length in self._tables.full_lengths.get(text[start : start + 2], ()):
                name = text[start : start + length]
                if len(name) < max(length, 3):
                    continue
                found = [d for d in self._tables.full.get(name, ()) if len(d.code) > 2 and name[-1] in "市县"]
                if len(found) == 1 and not text[start + length :].startswith(("场", "城", "路", "街")):
                    return self._prefix(text[start:])
        return None


def _stands_alone(town: Town, after: str) -> bool:
    """Whether a township's stem without its level, at the front of a place in the county, is the township: a village, a road or
    a house may bear the same name."""
    if _ROAD.match(after):
        return False
    if town.name.endswith("街道"):
        return not after or "社区" in after
    return town.bare or not re.match(r"[东西南北中前后大小]?[村庄组屯]", after)


def _pattern(names: Iterable[str], tail: str) -> re.Pattern[str]:
    options = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    return re.compile(f"({options})" + (f"({tail})?" if tail else ""))


def _full(name: str, own: dict[str, Town], stems: dict[str, Town]) -> str:
    return name if name in own else next(t.name for s, t in stems.items() if name.startswith(s))


def _key(text: str) -> str | None:
    return text.upper() or None
