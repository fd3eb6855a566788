"""Parsers of single values (numbers, phones, payees, names of files, what people search) and of what is kept between runs
or written by operators, for :mod:`fuzz`."""

from __future__ import annotations

import datetime as dt
import functools
import json
import mmap
import tempfile
import threading
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from hypothesis import strategies as st
from zp_registry.jobs import watch
from zp_registry.jobs.backup import read_manifest
from zp_registry.jobs.office import open_office
from zp_registry.jobs.review_files import read_judgements

from zp_registry import lock
from zp_registry.cli.look import read_labels
from zp_registry.crypto import Keyring, find_master
from zp_registry.errors import FileRefused, KeyProblem, SourceFailed, UsageError
from zp_registry.flags.bulletin import parse_period
from zp_registry.home import Home
from zp_registry.mapping.filename import date_in_name, labelled_date, named_in
from zp_registry.normalise import accounts, citizen, documents, identity, kinds, masks, phones, report, text, uscc
from zp_registry.normalise.columns import Faults, filled
from zp_registry.registry.search import NameIndex, find
from zp_registry.resolve.model.settings import load_model, read_model
from zp_registry.settings import Settings, load_settings
from zp_registry.sources import ReadLimits, read_bytes
from zp_registry.sources.api.http import address
from zp_registry.sources.api.pace import Clock, Pace
from zp_registry.sources.api.pull import replay
from zp_registry.sources.api.secrets import read_secrets
from zp_registry.sources.api.store import PagesBroken, PageStore, Stored
from zp_registry.sources.api.token import TokenKeeper
from zp_registry.sources.api.vault import MemoryVault
from zp_registry.sources.api.verdict import at
from zp_registry.sources.packed import BROKEN, read_packed, write_packed
from zp_registry.sources.taking import shown_name

_OVER = threading.Event()  # nothing waits
_OVER.set()
RING = Keyring.create(bytes(32))[0]


def told(function: Callable[[], Any], *refusals: type[Exception]) -> Any:
    """The function's result, None where it refuses in a way that is meant."""
    try:
        return function()
    except refusals:
        return None


def numbers(cells: pd.Series[str], others: pd.Series[str], day: str) -> None:
    """Credit codes, ID numbers, documents, phones, payees, followers and kinds, cell by cell and side by side."""
    others = pd.Series((others.tolist() * len(cells))[: len(cells)], dtype="str")
    as_of, faults = pd.Series([day] * len(cells), dtype="str"), Faults(cells.index)
    for column in (cells, text.clean(cells), text.clean_shown(cells), text.clean_code(cells), text.simplify(cells)):
        code, number = identity.settle(column, others, as_of, faults)
        good, _ = identity.check_codes(code, faults, "uscc")
        typed = documents.id_types(others)
        seen = documents.check_documents(number, typed, as_of, faults, "id_number")
        phones.check_phones(column, faults, "contact_phone")
        accounts.check_payees(column, faults, "payee_account")
        accounts.check_followers(column, faults, "followers")
        accounts.account_ids(column)
        report.check_dates(column, faults, "opened_on")
        documents.id_text(column)
        kinds.decide_kinds(others, good, filled(code), filled(seen.number), column, faults)
        uscc.check_usccs(column)
        citizen.check_citizens(column, as_of)
        for spell in (masks.person_mask, masks.phone_mask, masks.account_mask):
            masks.masked_column(column, masks.is_masked(column), spell)
    assert not good.dropna().map(lambda c: len(c) != 18).any()


def names_of_files(name: str, words: list[str]) -> None:
    """What a file's name and the lines above a table tell."""
    shown = shown_name(Path("/in") / (name.replace("/", "") or "x"))
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    date_in_name(name)
    named_in(name, words)
    labelled_date([name, *words], [w for w in words if w])
    told(lambda: parse_period(name), UsageError)
    told(lambda: address(name), SourceFailed)


@functools.cache
def _registry() -> Any:
    home = Path(tempfile.mkdtemp(prefix="zp-fuzz-")) / "home"
    return open_office(Settings(home=home))


def searched(words: str) -> None:
    """What somebody types into the desk's search."""
    office = _registry()
    with office.engine.connect() as connection:
        find(connection, office.ring, NameIndex("", ["E00000001"], [words], [None]), words, None)


# -- what is kept between runs, and what operators write


def states(value: Any, spec: Any) -> None:
    """A token, the manners towards a platform, a pull under way, a job's run, the lock: what cannot be used is made anew."""
    vault, clock = MemoryVault(), Clock(_OVER)
    for name in ("token", "manners", "start"):
        vault.write(name, json.dumps(value).encode())
    if spec.token is not None:
        seeds = dict.fromkeys((f"secret:{name}" for name in spec.secrets), "s")
        keeper = TokenKeeper(spec.token, vault, clock, seeds, "p", lambda _request, _values: value)
        keeper._state = {**(value if isinstance(value, dict) else {}), "seed": keeper._seed}
        told(keeper.get, SourceFailed)
        told(keeper.refused, SourceFailed)
    told(Pace(spec, vault, clock, named=True).begin, SourceFailed)
    PageStore(vault).fits({}, dt.datetime.now(dt.UTC), 5)
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        home.create()
        for file in (home.watch / "nightly.json", home.watch / "since.json", home.lock):
            file.write_text(json.dumps(value), "utf-8")
        watch.job_states(home)
        watch.watched_since(home, dt.datetime.now(dt.UTC))
        lock._holder(home.lock)


def pages(values: list[Any], spec: Any, about: Any) -> None:
    """A pull's archived pages, told again; each page has its records where the platform's mapping looks for them."""
    store = PageStore(MemoryVault())
    for number, value in enumerate(values):
        body = json.dumps(_placed(spec.answer.records, value), ensure_ascii=False).encode("utf-8", "surrogatepass")
        store.keep(0, number, Stored(number + 1, False, body, "application/json"))
    told(lambda: at(values, spec.answer.total), SourceFailed)
    head = {"platform": "p", "cut_off": "2026-01-31T00:00:00+00:00", **(about if isinstance(about, dict) else {})}
    told(lambda: replay(store.file(head), spec), PagesBroken, FileRefused, SourceFailed)


def _placed(path: str, value: Any) -> Any:
    for step in reversed([s for s in path.split(".") if s]):
        value = {step: value}
    return value


def from_the_reading_process(data: bytes, change: Callable[[bytes], bytes]) -> None:
    """The reading process is not trusted: a hostile file may have taken it over."""
    with tempfile.TemporaryFile() as out:
        write_packed(read_bytes("x.csv", data), out, ReadLimits())
        out.seek(0)
        written = change(out.read())
    if written:
        memory = mmap.mmap(-1, len(written))  # not closed here: what was read lies in it
        memory[:] = written
        told(lambda: read_packed(memory), *BROKEN)


def files(data: bytes) -> None:
    """What operators write or bring: judgements, labels, models, a master key, a secret, a backup's manifest."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "manifest.json"
        file.write_bytes(data)
        file.chmod(0o600)
        told(lambda: read_judgements(file), UsageError)
        told(lambda: read_labels(file), UsageError)
        told(lambda: load_model(file), UsageError)
        told(lambda: read_model(data.decode("utf-8", "replace"), "x"), UsageError)
        told(lambda: find_master(file, {}), KeyProblem)
        told(lambda: read_secrets(["a"], {"a": f"file:{file}"}, {}), UsageError)
        manifest = told(lambda: read_manifest(Path(folder)), UsageError)
        if manifest is not None:
            told(lambda: Keyring.open(bytes(32), manifest[1]), KeyProblem)


_NAMES = ["ZP_HOME", "ZP_DATABASE_URL", "ZP_LIMITS__MAX_ROWS", "ZP_PLEDGES__VALIDITY_YEARS", "ZP_PLEDGES__EXEMPT",
          "ZP_TOWNS", "ZP_API__DOUYIN__BASE_URL", "ZP_API", "ZP_CRYPTO__CIPHER", "ZP_RETENTION__LOG_MONTHS", "ZP_NO__SUCH",
          "ZP_ALERTS__URLS", "ZP_FRESHNESS__PLATFORMS", "ZP_DESK__PORT", "ZP_"]  # fmt: skip
VARIABLES = st.dictionaries(st.sampled_from(_NAMES), st.text(max_size=30) | st.sampled_from(
    ["1", "-1", "[", "{}", '{"a": 1}', "[1, 2]", "9" * 5000, "true", "a,b", "1e999", "[" * 3000, '{"a": {"b": []}}']),
    max_size=4)  # fmt: skip


def variables(environ: dict[str, str]) -> None:
    """Settings that variables give."""
    told(lambda: load_settings(environ=environ), UsageError)
