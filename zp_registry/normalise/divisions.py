"""China's divisions down to the township, and the county's own 22 townships, as look-up tables for addresses."""

from __future__ import annotations

import functools
import gzip
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

COUNTY: Final = "411324"
_ETHNIC: Final = (
    "蒙古|回|藏|维吾尔|苗|彝|壮|布依|朝鲜|满|侗|瑶|白|土家|哈尼|哈萨克|傣|黎|傈僳|佤|畲|高山|拉祜|水|东乡|纳西|景颇|柯尔克孜|土|达斡尔|仫佬|羌|布朗|撒拉|毛南"
    "|仡佬|锡伯|阿昌|普米|塔吉克|怒|乌孜别克|俄罗斯|鄂温克|德昂|保安|裕固|京|塔塔尔|独龙|鄂伦春|赫哲|门巴|珞巴|基诺|各"
)
_ETHNIC_TAIL: Final = re.compile(rf"(?:(?:{_ETHNIC})族)+(?=自治|区$|乡$)")
_MUNICIPALITIES: Final = frozenset({"11", "12", "31", "50"})
_NO_CITY: Final = ("市辖区", "县", "直辖县级行政区划")


@dataclass(frozen=True)
class Division:
    """One province, city or county: its code (2, 4 or 6 digits) and full name."""

    code: str
    name: str


@dataclass(frozen=True)
class Town:
    """One of the county's townships. ``names``: full and former names; ``bare``: its stem is enough without the county."""

    name: str
    stem: str
    names: tuple[str, ...]
    bare: bool


@dataclass(frozen=True)
class Divisions:
    """``full`` and ``short``: what an address may call a division → those it may mean, by level (2, 4, 6 digits of code);
    ``by_code``; ``townships``: full names of townships anywhere; ``towns``: the county's own; ``full_lengths`` and
    ``short_lengths``: by the two characters with which names begin, how long these names are, the longest first."""

    full: dict[str, tuple[Division, ...]]
    short: dict[str, tuple[Division, ...]]
    by_code: dict[str, Division]
    townships: frozenset[str]
    towns: tuple[Town, ...]
    full_lengths: dict[str, tuple[int, ...]]
    short_lengths: dict[str, tuple[int, ...]]

    def city_of(self, code: str) -> str | None:
        """The full name of the city that a county's or city's code lies in; None for counties directly under a province."""
        if code[:2] in _MUNICIPALITIES:
            return self.by_code[code[:2]].name
        city = self.by_code.get(code[:4]) if len(code) >= 4 else None
        return city.name if city else None


def _read(name: str) -> pd.DataFrame:
    with resources.as_file(resources.files("zp_registry.normalise.reference") / name) as path:
        return pd.read_csv(path, dtype="str", keep_default_na=False)


def _short_names(division: Division) -> set[str]:
    """What people write for a division: without its last word, without the peoples' names, under a former level."""
    name = division.name
    plain = _ETHNIC_TAIL.sub("", name) if "族" in name else name
    if len(division.code) == 2:
        return {re.sub(r"(?:省|市|壮族自治区|回族自治区|维吾尔自治区|自治区|特别行政区)$", "", name)}
    stem = re.sub(r"(?:自治州|自治县|自治旗|地区|林区|特区|市|县|区|旗|州|盟)$", "", plain)
    if len(stem) < 2:
        return {plain}
    if len(division.code) == 4:
        return {stem, stem + "市", stem + "地区", *([stem + "州"] if name.endswith("自治州") else [])}
    return {plain, stem, stem + "县", stem + "市", stem + "区", *([stem + "旗"] if "旗" in name else [])}


def _index(pairs: Iterable[tuple[str, Division]]) -> dict[str, tuple[Division, ...]]:
    out: dict[str, list[Division]] = {}
    for name, division in pairs:
        if division not in out.setdefault(name, []):
            out[name].append(division)
    return {name: tuple(found) for name, found in out.items()}


def _lengths(names: Iterable[str]) -> dict[str, tuple[int, ...]]:
    out: dict[str, set[int]] = {}
    for name in names:
        out.setdefault(name[:2], set()).add(len(name))
    return {head: tuple(sorted(found, reverse=True)) for head, found in out.items()}


@functools.cache
def divisions() -> Divisions:
    """The packaged tables, read once."""
    packed = (resources.files("zp_registry.normalise.reference") / "divisions.csv.gz").read_bytes()
    # By columns, since every process that reads addresses waits for it.
    types = csv.ConvertOptions(column_types={"code": pa.string(), "name": pa.string()})
    table = csv.read_csv(pa.BufferReader(gzip.decompress(packed)), convert_options=types)
    lower = pc.equal(pc.binary_length(table["code"]), 9)
    upper = list(map(Division, *(c.to_pylist() for c in table.filter(pc.invert(lower)).select(["code", "name"]).columns)))
    named = [d for d in upper if not (len(d.code) == 4 and d.name.endswith(_NO_CITY))]
    full = _index((d.name, d) for d in named)
    short = _index((s, d) for d in named for s in sorted(_short_names(d)) if s != d.name)
    own = _read("towns.csv")
    towns = tuple(
        Town(name, stem, (name, *filter(None, former.split(";"))), bare == "stem")
        for name, stem, former, bare in zip(own["name"], own["stem"], own["former"], own["bare"], strict=True)
    )
    lowest = table["name"].filter(lower)
    townships = frozenset(lowest.filter(pc.match_substring_regex(lowest, "(?:镇|乡|街道)$")).to_pylist())
    return Divisions(full, short, {d.code: d for d in named}, townships, towns, _lengths(full), _lengths(short))


@functools.cache
def default_markets() -> tuple[tuple[str, str], ...]:
    """(market, town): places whose name in an address hints at a township."""
    table = _read("markets.csv")
    return tuple(zip(table["market"], table["town"], strict=True))
