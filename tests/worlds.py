"""Small invented worlds: parties with valid numbers, report files of several layouts, and a registry to load them into.

A row is a dictionary of plain words (see :func:`row`); each writer puts it into the headers and codes of its layout, so that
tests speak of people and accounts, and the product reads real files.
"""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import text
from worldfiles import douyin, kuaishou, ledger, share, taobao, wechat, weipaitang, xiaohongshu
from zp_registry.jobs.derive import derive, told_again
from zp_registry.jobs.imports import Options, Outcome, import_file
from zp_registry.jobs.office import Office, at_work, open_office
from zp_registry.simulator import ids

from zp_registry.frames import as_records
from zp_registry.home import Home
from zp_registry.registry import bulk, tables
from zp_registry.registry.cases import read_cases
from zp_registry.registry.flags import decide
from zp_registry.settings import PledgeSettings, Settings

__all__ = [
    "Party", "World", "card", "citizen", "comparable", "douyin", "fill_inbox", "firm", "kuaishou", "ledger", "masked", "name",
    "person", "phone", "pledge", "row", "share", "shop", "taobao", "wechat", "weipaitang", "world", "xiaohongshu",
]

_N = 400
_rng = np.random.default_rng(20260331)
_CITIZENS = ids.citizen_numbers(
    _rng, _rng.integers(0, 9000, _N), _rng.random(_N) < 0.5, np.full(_N, 411324)
).tolist()
_CODES = {kind: ids.credit_codes(_rng, np.full(_N, k), np.full(_N, 411324)).tolist()
          for kind, k in (("sole_proprietor", 1), ("enterprise", 2), ("cooperative", 3))}
_PHONES = ids.mobiles(_rng, _N).tolist()
_CARDS = ids.cards(_rng, _N).tolist()
_FAMILY, _GIVEN = "赵钱孙周吴郑冯陈褚卫蒋沈韩杨朱秦尤许何吕", "永春华秋国建志文德明金玉海天云山庆兴福长"
_TRADE = "雅俊泽瑞恒昌盛隆宝鼎聚源鸿运广益丰茂诚信"


@dataclass(frozen=True)
class Party:
    """A legal subject with the phone, address and payee account that are its own. ``person``: legal representative, operator,
    or the natural person; ``person_id``: that one's ID number."""

    kind: str
    name: str
    uscc: str | None
    person: str
    person_id: str
    phone: str
    card: str
    address: str


def name(n: int) -> str:
    """The n-th invented personal name; no one is part of another."""
    return _FAMILY[n % 20] + _GIVEN[n // 20 % 20] + _GIVEN[(n * 7 + n // 20) % 20]


def phone(n: int) -> str:
    """The n-th invented mobile number."""
    return str(_PHONES[n])


def card(n: int) -> str:
    """The n-th invented bank card number."""
    return str(_CARDS[n])


def citizen(n: int) -> str:
    """The n-th invented ID number."""
    return str(_CITIZENS[n])


def masked(number: str) -> str:
    """An ID number as platforms mask it."""
    return number[:6] + "*" * 8 + number[-4:]


def person(n: int) -> Party:
    """The n-th natural person."""
    return Party("natural_person", name(n), None, name(n), citizen(n), phone(n), card(n), _address(n))


def shop(n: int, operator: Party | None = None) -> Party:
    """The n-th sole proprietorship, run by ``operator`` (default: a person of its own) with that one's phone and card."""
    who = operator or person(n)
    title = f"镇平县{_TRADE[n % 20]}{_TRADE[n // 20 % 20]}{_TRADE[(n * 7 + 3) % 20]}玉器店"
    return replace(who, kind="sole_proprietor", name=title, uscc=str(_CODES["sole_proprietor"][n]))


def firm(n: int, chief: Party | None = None) -> Party:
    """The n-th enterprise, led by ``chief`` (default: a person that is nothing else)."""
    who = chief or person(n)
    title = f"镇平县{_TRADE[n % 20]}{_TRADE[n // 20 % 20]}{_TRADE[(n * 7 + 3) % 20]}珠宝有限公司"
    return replace(who, kind="enterprise", name=title, uscc=str(_CODES["enterprise"][n]))


def _address(n: int) -> str:
    return f"河南省南阳市镇平县石佛寺镇玉源路{n + 1}号"


def row(account: str, holder: Party, **changed: Any) -> dict[str, Any]:
    """A row of a report: ``holder`` with the account ``account``, itself on camera and paid. ``changed`` by plain word;
    ``streamers``: a list of (name, number, relation)."""
    alone = holder.kind == "natural_person"
    plain: dict[str, Any] = {
        "account_id": account, "account_name": f"昵称{account}", "handle": f"h_{account}",
        "url": f"https://example.test/u/{account}", "kind": holder.kind, "name": holder.name, "uscc": holder.uscc,
        "person": holder.person, "person_id": holder.person_id, "phone": holder.phone, "address": holder.address,
        "streamers": [(holder.person, holder.person_id, "self")], "payee_name": holder.name if not alone else holder.person,
        "payee": holder.card, "agency": None, "status": "normal", "held_from": None, "held_to": None, "info": "新增",
        "as_of": None,
    }
    unknown = set(changed) - set(plain)
    assert not unknown, unknown
    return plain | changed


def pledge(number: str, holder: Party, signed: str, **changed: Any) -> dict[str, Any]:
    """A ledger row: ``holder`` signed on ``signed``; ``changed`` by header."""
    return {
        "承诺书编号": number, "主体名称": holder.name, "统一社会信用代码/身份证号": holder.uscc or holder.person_id,
        "经营者/负责人": holder.person, "联系电话": holder.phone, "所属乡镇街道": "石佛寺镇", "承诺书版本": "2024版",
        "签订日期": signed, "签订方式(纸质/电子)": "纸质", "扫描件编号": f"S{number}",
    } | changed


def fill_inbox(home: Home) -> list[dict[str, Any]]:
    """Two months of a platform in which k1 changes hands, a rejected row, another platform, a ledger and a broken file; the
    first report's rows."""
    home.create()
    inbox = home.inbox / "reports"
    first = [row("k1", person(1)), row("k2", shop(2)), row("k3", firm(3)), row("", person(4))]
    kuaishou(inbox / "kuaishou_20260131.csv", first)
    kuaishou(inbox / "kuaishou_20260228.csv", [row("k1", person(5)), *first[1:3]])
    weipaitang(inbox / "weipaitang_20260131.jsonl", [row("w1", person(1)), row("w2", person(8))], "2026-01-31")
    (inbox / "broken.xlsx").write_bytes(b"PK\x03\x04 cut")
    ledger(home.inbox / "pledges" / "台账_石佛寺镇.xlsx", [pledge("P1", person(1), "2026-01-10")])
    return first


@dataclass
class World:
    """A registry at work, and the folder in which its reports are written."""

    office: Office
    folder: Path
    nights: int = field(default=0)

    def load(self, path: Path, **options: Any) -> Outcome:
        """Imports one file; anything but loading it (or finding it loaded) fails, unless told by :meth:`try_load`."""
        outcome = self.try_load(path, **options)
        assert outcome.state in ("loaded", "unchanged"), outcome.message
        return outcome

    def try_load(self, path: Path, **options: Any) -> Outcome:
        """Imports one file, whatever becomes of it; the counts always add up."""
        outcome = import_file(self.office, path, Options(**options))
        assert outcome.counts.adds_up(), vars(outcome.counts)
        return outcome

    def file(self, base: str) -> Path:
        """A path for a report, in a folder of its own, so that another version of it can have the same name."""
        self.nights += 1
        place = self.folder / f"{self.nights:03d}"
        place.mkdir(parents=True)
        return place / base

    def kuaishou(self, as_of: str, rows: Sequence[dict[str, Any]]) -> Outcome:
        """Writes and imports a 快手 report."""
        return self.load(kuaishou(self.file(f"kuaishou_{as_of.replace('-', '')}.csv"), rows))

    def weipaitang(self, as_of: str, rows: Sequence[dict[str, Any]]) -> Outcome:
        """Writes and imports a 微拍堂 report."""
        return self.load(weipaitang(self.file(f"weipaitang_{as_of.replace('-', '')}.jsonl"), rows, as_of))

    def wechat(self, as_of: str, rows: Sequence[dict[str, Any]]) -> Outcome:
        """Writes and imports a 视频号 report."""
        return self.load(wechat(self.file(f"wechat_channels_{as_of.replace('-', '')}.xlsx"), rows, as_of))

    def ledger(self, rows: Sequence[dict[str, Any]]) -> Outcome:
        """Writes and imports a ledger."""
        return self.load(ledger(self.file("台账_石佛寺镇.xlsx"), rows), kind="pledge")

    def night(self) -> dict[str, Any]:
        """Resolves and flags."""
        counts: dict[str, Any] = derive(self.office)
        return counts

    def knowledge(self, *, all_versions: bool = False, as_of: str | None = None) -> tables.Knowledge:
        """What the registry knows now, or would have told on a past date."""
        with self.office.engine.connect() as connection:
            if as_of:
                past: tables.Knowledge = told_again(self.office, connection, as_of).knowledge
                return past
            return tables.stored(connection, all_versions=all_versions)

    def accounts(self) -> pd.DataFrame:
        """The export."""
        return tables.accounts(self.knowledge())

    def entities(self) -> pd.DataFrame:
        """The export."""
        return tables.entities(self.knowledge())

    def flags(self, code: str | None = None) -> list[dict[str, Any]]:
        """The export of flags (of one code) as dictionaries."""
        frame = tables.flags(self.knowledge())
        return as_records(frame[frame["code"] == code if code else frame["code"].notna()])

    def codes(self, family: str = "TRANSFER", status: str = "open") -> set[tuple[str, str]]:
        """(account, code) of the flags of a family that have a status."""
        return {(str(f["account_id"]), f["code"]) for f in self.flags() if f["family"] == family and f["status"] == status}

    def holdings(self, account: str, *, all_versions: bool = False) -> list[tuple[str, str, str | None]]:
        """(entity's name, valid_from, valid_to) of an account, in order of time."""
        known = self.knowledge(all_versions=all_versions)
        named = known.entities.set_index("entity_id")["name"]
        rows = known.holdings[known.holdings["account_id"] == account]
        return [(named.get(e, e), a, b if isinstance(b, str) else None)
                for e, a, b in zip(rows["entity_id"], rows["valid_from"], rows["valid_to"], strict=True)]

    def holder(self, account: str) -> str:
        """Id of the entity that holds the account."""
        frame = self.accounts()
        return str(frame.loc[frame["account_id"] == account, "entity_id"].iloc[0])

    def decide(self, flag_id: str, decision: str) -> None:
        """A person's decision about a flag."""
        with self.office.engine.begin() as connection:
            assert decide(connection, flag_id, decision, "tester", "for the test", "2026-01-01T00:00:00.000+00:00")

    def sql(self, query: str, **values: Any) -> pd.DataFrame:
        """A query's rows, every column as text."""
        with self.office.engine.connect() as connection:
            return bulk.read(connection, query, values)

    def execute(self, statement: str, **values: Any) -> None:
        """Changes the database, as a tool beside the product does."""
        with self.office.engine.begin() as connection:
            connection.execute(text(statement), values)


@functools.cache
def _made() -> Path:
    """A home that was set up, and nothing more; made once in a process."""
    folder = tempfile.TemporaryDirectory()
    _MADE.append(folder)  # gone when the process ends
    open_office(Settings(home=Path(folder.name))).engine.dispose()
    return Path(folder.name)


_MADE: list[tempfile.TemporaryDirectory[str]] = []


@contextmanager
def world(home: Path, files: Path, database_url: str | None = None, **pledges: Any) -> Iterator[World]:
    """A registry in ``home``, its lock held; ``pledges``: settings of that section."""
    given: dict[str, Any] = {"database_url": database_url} if database_url else {}
    empty = not any(path.is_file() for part in ("db", "keys") for path in (home / part).glob("*"))
    if empty and not database_url and not any(name.startswith("ZP_MASTER_KEY") for name in os.environ):
        for part in ("db", "keys"):  # as `init` would make them, only sooner
            shutil.copytree(_made() / part, home / part, dirs_exist_ok=True)
    settings = Settings(home=home, pledges=PledgeSettings(**pledges), **given)
    with at_work(settings, "test") as office:
        try:
            yield World(office, files)
        finally:
            office.engine.pool.dispose()


def comparable(office: Office) -> dict[str, list[Any]]:
    """The exports in a form in which two registries that are the same are equal: entities known by what they held and when, no
    ids of flags, no recorded times."""
    with office.engine.connect() as connection:
        known = tables.stored(connection)
        rejects = tables.rejects(connection)
        cases = read_cases(connection).drop(columns=["case_id", "group_id", "worked", "version"])
    held = known.holdings.sort_values(["platform", "account_id", "valid_from"])
    own = (held["platform"] + ":" + held["account_id"] + "@" + held["valid_from"]).groupby(held["entity_id"]).agg("|".join)
    called = own.to_dict()

    def rename(ids: object) -> str:
        return ";".join(sorted(called.get(i, f"?{i}") for i in ids.split(";"))) if isinstance(ids, str) and ids else ""

    frames: dict[str, pd.DataFrame] = {
        "accounts": tables.accounts(known), "entities": tables.entities(known), "holdings": tables.holdings(known),
        "flags": tables.flags(known), "rejects": rejects, "cases": cases,
    }  # fmt: skip
    out: dict[str, list[Any]] = {}
    for name, frame in frames.items():
        table = frame.drop(columns=[c for c in ("flag_id", "recorded_from", "recorded_to") if c in frame.columns])
        for column in ("entity_id", "other_entity_id", "linked_entities"):
            if column in table.columns:
                table[column] = table[column].map(rename)
        table = table.astype("str").fillna("")
        out[name] = table.sort_values(list(table.columns)).to_numpy().tolist()
    return out
