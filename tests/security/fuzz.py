"""Every parser of what others write, with what hypothesis makes up for it: changed files of each format, and text for each kind
of cell. A parser gives a result or the refusal that is meant for it; anything else is a finding."""

from __future__ import annotations

import io
import itertools
import json
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fuzz_values as values
import openpyxl
import pandas as pd
from hypothesis import strategies as st
from test_read_workbooks import FORMATS

from zp_registry.crypto import Damaged, Keyring, seal_bytes, unseal_chunks
from zp_registry.dates import parse_dates
from zp_registry.errors import FileRefused, KeyProblem, OptionNeeded, Retriable, SourceFailed, UsageError
from zp_registry.flags.rulebook import OWN_FILE, load_rulebook
from zp_registry.lists import duplicates_form, followups_form, rejects
from zp_registry.lists.duplicates_back import read_duplicates
from zp_registry.lists.followups_back import read_followups
from zp_registry.logs import redact_text
from zp_registry.mapping import lint, load_mappings, map_report
from zp_registry.normalise import normalise
from zp_registry.normalise.addresses import addresses, towns
from zp_registry.normalise.names import kinds_by_name, name_keys
from zp_registry.quarantine.codes import severity
from zp_registry.quarantine.judge import Expectations, judge
from zp_registry.settings import load_settings
from zp_registry.sources import ReadLimits, Taken, read_bytes
from zp_registry.sources.api.http import Reply, read_json
from zp_registry.sources.api.paging import read_page
from zp_registry.sources.api.store import FiledPages, PagesBroken, PageStore, Stored
from zp_registry.sources.api.vault import MemoryVault
from zp_registry.sources.api.verdict import judge as judge_answer
from zp_registry.sources.api.verdict import waits
from zp_registry.sources.sandbox import Reader

MAPPINGS = load_mappings()
RING = Keyring.create(bytes(32))[0]
READER = Reader()
LIMITS = ReadLimits(max_rows=5_000, max_columns=60, max_cells=50_000, max_unpacked=8 << 20, max_bytes=4 << 20)
_WORDS = [
    "411324198001010011", "91411324MA9999999X", "13800138000", "4.11E+17", "6222020000000000001", "2026-01-31", "20260131",
    "46053", "2026年1月31日", "411324********0011", "-", "无", "1e999", "NaN", "=1+1", "0", "-1", "9" * 20, "镇平县",
    "石佛寺镇", "玉器店", "有限公司", "张三", "个体工商户", "本人", "正常", "注销", "河南省南阳市", "http://x", "身份证",
]  # fmt: skip
TEXT = st.one_of(
    st.none(), st.text(max_size=12), st.text("0123456789Xx-*./年月日 ,、;()（）", max_size=24), st.sampled_from(_WORDS),
    st.lists(st.sampled_from(_WORDS), min_size=1, max_size=4).map("".join),
)  # fmt: skip
ROWS = st.lists(st.lists(TEXT, min_size=1, max_size=40), min_size=1, max_size=4)
COLUMN = st.lists(TEXT, min_size=1, max_size=8).map(lambda v: pd.Series(v, dtype="str"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=5), max_leaves=20,
)  # fmt: skip
# A change: what, where (a share of the length), how much, and the bytes that come in.
CHANGES = st.lists(
    st.tuples(st.sampled_from(["set", "cut", "drop", "twice", "insert", "max"]), st.floats(0, 1), st.integers(1, 40),
              st.binary(min_size=1, max_size=6)), min_size=1, max_size=6)  # fmt: skip


def changed(data: bytes, changes: list[tuple[str, float, int, bytes]]) -> bytes:
    """The bytes with these changes made one after another."""
    out = bytearray(data)
    for what, share, many, new in changes:
        at = int(share * len(out))
        if what == "set":
            out[at : at + len(new)] = new
        elif what == "cut":
            del out[at:]
        elif what == "drop":
            del out[at : at + many]
        elif what == "twice":
            out[at:at] = out[at : at + many]
        elif what == "insert":
            out[at:at] = new
        else:
            out[at : at + 4] = b"\xff\xff\xff\x7f"
    return bytes(out)


def changed_inside(data: bytes, which: float, changes: list[tuple[str, float, int, bytes]]) -> bytes:
    """A zip archive that is whole, with one of its entries changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new:
        entries = old.infolist()
        chosen = entries[min(int(which * len(entries)), len(entries) - 1)].filename
        for entry in entries:
            content = old.read(entry)
            new.writestr(entry.filename, changed(content, changes) if entry.filename == chosen else content)
    return out.getvalue()


_SOME: dict[tuple[int, int], Any] = {
    (r, c): v for r in range(5) for c, v in enumerate(["账号", 411324198001010011.0, 45000.5, "是", f"某{r}"])
}
WORKBOOKS = {form: make(_SOME) for form, make in FORMATS.items()}


def told(function: Callable[[], Any], *refusals: type[Exception]) -> Any:
    """The function's result, None where it refuses in a way that is meant; FileRefused only with a code of files."""
    try:
        return function()
    except FileRefused as refused:
        if severity(refused.code) != "file":
            raise AssertionError(f"a code that is none of files: {refused.code}") from None
    except refusals:
        pass
    return None


def read_workbook(data: bytes) -> None:
    told(lambda: READER.report("名单", data, LIMITS))
    told(lambda: READER.cells("名单", data, LIMITS))


def read_text(data: bytes) -> None:
    told(lambda: read_bytes("名单", data, LIMITS))


def _report(mapping: Any, rows: list[list[str | None]], day: str) -> None:
    """Rows of cells under a mapping's own headers through every stage before the database."""
    sheet = next(s for s in mapping.sheets if s.record != "ignore")
    headers = list(dict.fromkeys(c.header for c in mapping.columns_of(sheet)))
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(headers)
    for row in rows:
        cells = (_ILLEGAL.sub("", v) if v else v for v in row)
        book.active.append(list(itertools.islice(itertools.cycle(cells), len(headers))))
    out = io.BytesIO()
    book.save(out)

    def run() -> None:
        file = read_bytes("名单.xlsx", out.getvalue(), LIMITS)
        mapped = map_report(file, MAPPINGS, platform=mapping.id, as_of=day, kind=mapping.kind)
        mapped.raw(mapped.frame.index.tolist())
        clean = normalise(mapped)
        judge(clean.frame, clean.faults, Expectations(), file="名单", full=False, previous={}, accept="x")

    told(run, OptionNeeded)


_ILLEGAL = openpyxl.cell.cell.ILLEGAL_CHARACTERS_RE
_RETURNED = [*(c.header for c in followups_form.FORM), *(c.header for c in duplicates_form.FORM), rejects.TOKEN, "zp-followups",
             "zp-duplicates", "zp-rejects", "[]", "{", "E00000001", "E00000001-E00000002", "F00000001"]  # fmt: skip
_SHEETS = [followups_form.KEY_SHEET, duplicates_form.KEY_SHEET, rejects.META_SHEET, "清单", "说明"]
RETURNED = st.lists(
    st.tuples(st.sampled_from(_SHEETS), st.lists(
        st.lists(st.one_of(st.sampled_from(_RETURNED), TEXT, st.floats(allow_nan=False, allow_infinity=False), st.dates()),
                 max_size=10), max_size=6)), min_size=1, max_size=3)  # fmt: skip


def _returned(sheets: list[tuple[str, list[list[Any]]]]) -> None:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for number, (title, rows) in enumerate(sheets):
        made = book.create_sheet(f"{title}{number or ''}")
        for row in rows:
            made.append([_ILLEGAL.sub("", v) if isinstance(v, str) else v for v in row])
    out = io.BytesIO()
    book.save(out)
    taken = Taken(Path("交回.xlsx"), "交回.xlsx", out.getvalue(), "")
    for read in (read_followups, read_duplicates, rejects.read_rejects):
        told(lambda read=read: read(taken))  # type: ignore[misc]


def _cells(column: pd.Series[str]) -> None:
    parse_dates(column)
    addresses(column)
    towns(column)
    kinds_by_name(column)
    name_keys(column, column.notna().to_numpy())
    for value in column.dropna():
        told(lambda value=value: redact_text(value))  # type: ignore[misc]


_YAML = [p.read_text("utf-8") for p in sorted((Path(__file__).parents[2] / "mappings").glob("*.yaml"))]
_RULES = (Path(__file__).parents[2] / "zp_registry" / "flags" / "rules.yaml").read_text("utf-8")
_TOML = (
    '[pledges]\nvalidity_years = 2\n[towns."石佛寺镇"]\nresponsible = "所"\n'
    '[api.douyin]\nbase_url = "https://x.example"\n[limits]\nmax_rows = 5\n'
)  # fmt: skip


def _mapping(text: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "x.yaml").write_bytes(text)
        told(lambda: lint(Path(folder)), UnicodeDecodeError)


def _rules(text: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / OWN_FILE).write_bytes(text)
        told(lambda: load_rulebook(Path(folder)), UsageError)


def _settings(text: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "s.toml").write_bytes(text)
        told(lambda: load_settings(environ={"ZP_CONFIG": f"{folder}/s.toml"}), UsageError)


_SPECS = [m.api for m in MAPPINGS if m.api is not None]


def _answer(status: int, headers: dict[str, str], value: Any, noise: list[tuple[str, float, int, bytes]], which: int) -> None:
    spec = _SPECS[which % len(_SPECS)]
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    body = changed(body, noise) if noise else body
    waits(headers)
    told(lambda: read_json(body, headers.get("content-type", "")), Retriable)
    got = told(lambda: judge_answer(Reply(status, headers, body, None), spec, spec.answer), SourceFailed)
    if got is not None:
        told(lambda: read_page(got[0], spec), SourceFailed)
    told(lambda: read_page(value, spec), SourceFailed)


def _sealed(data: bytes, changes: list[tuple[str, float, int, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.sealed"
        seal_bytes(data, path, RING)
        path.write_bytes(changed(path.read_bytes(), changes))
        told(lambda: b"".join(unseal_chunks(path, RING)), Damaged, KeyProblem)
    value = RING.seal(data, column="a.b", record_key="1")
    told(lambda: RING.unseal(changed(value, changes), column="a.b", record_key="1"), Damaged, KeyProblem)


_WORDS_OF_SETTINGS = ["0x_", "2024-13-45", "[" * 1500, "{a: " * 500, "9" * 5000, "!!int x", "&a [*a]", "? [b]\n: c\n", "*a",
                      "<<: 1\n", "1e999", "'", '"', "\t", "\0", "a = 1\n", "[x]\n", "- "]  # fmt: skip


def _some(texts: list[str]) -> st.SearchStrategy[bytes]:
    """These texts, changed, or with a word put in behind a line's beginning or a colon."""

    def put_in(text: str, word: str, which: int) -> bytes:
        places = [at for at, c in enumerate(text) if c in ":=\n"]
        at = places[which % len(places)] + 1
        return f"{text[:at]} {word} {text[at:]}".encode()

    whole = st.sampled_from(texts)
    noise = st.text(max_size=80).map(lambda t: t.encode("utf-8", "replace"))
    return (st.builds(changed, whole.map(str.encode), CHANGES) | noise
            | st.builds(put_in, whole, st.sampled_from(_WORDS_OF_SETTINGS), st.integers(0, 9999)))  # fmt: skip


_CSV = ["编号,名称,电话\n1,甲,13800138000\n2,\"乙\n丙\",x\n", "a\tb\n1\t2\n", "编号;名称\n1;2"]
_ENCODED = [t.encode(e) for t in _CSV for e in ("utf-8-sig", "gb18030", "utf-16", "utf-8")]
_JSONL = [
    b'{"a": {"b": 1}, "c": [1, {"d": null}]}\n{"a": 2}\n', b'[{"a": "1"}, {"a": true}]', '{"编号": "甲"}'.encode("gb18030"),
]  # fmt: skip
_HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "ratelimit", "ratelimit-remaining", "x-ratelimit-remaining", "ratelimit-reset",
                     "x-ratelimit-reset", "content-type"]),
    st.one_of(st.text(max_size=20), st.sampled_from(["5", "Wed, 21 Oct 2026 07:28:00 GMT", "limit=9, remaining=0, reset=5", "0",
                                                     '"x";r=0;t=99999999999999', "text/plain; charset=gbk"])))  # fmt: skip


def _pages() -> bytes:
    """The archived pages of a pull, two of them."""
    store = PageStore(MemoryVault())
    for number in range(2):
        store.keep(0, number, Stored({"page": number}, False, b'{"items": [{"id": "1"}]}', "application/json"))
    return store.file({"platform": "douyin", "cut_off": "2026-01-31T00:00:00+00:00"})


_PAGED = _pages()

_NAMED = ["20260131", "2026年13月32日", "2026-1-1", "202602", "_", "v2", "douyin", "报送", "日期：", "https://", "[",
          "a@b:99999999/", ".xlsx", "2026-03-H1", "20269999"]  # fmt: skip
_STATES = st.dictionaries(
    st.sampled_from(["token", "until", "life", "refresh_token", "seed", "day", "forced", "rest_until", "running", "in_a_row",
                     "count", "cut_off", "platform", "as_of", "dated", "started", "ended", "code", "pid", "boot", "since",
                     "question"]),
    JSON | st.sampled_from(["1e999", "2026-01-31T00:00:00+00:00", "nan", [1, "x"], 10**400, 1e308]), max_size=6)  # fmt: skip
_RECORDS = st.lists(
    st.dictionaries(st.text(max_size=6) | st.sampled_from(["shop", "id", "name", "anchors"]), JSON, max_size=5), max_size=5)
_MODEL = (Path(__file__).parents[2] / "zp_registry" / "resolve" / "model" / "default.json").read_text("utf-8")
_FILES = [
    _MODEL, "platform,account_id,month,party_id,decidable\nkuaishou,k1,2026-01,P1,1\n", "A" * 43 + "=\n",
    "left_id,right_id,judgement,who,why,created_at\n1,2,same,a,b,2026-03-31T08:00:00.000+00:00\n",
    json.dumps({"made_at": "2026", "backend": "sqlite", "schema": "0001", "counts": {}, "keys": [
        {"key_id": "00", "purpose": "data", "wrapped": "AQ==", "created_at": "2026", "retired_at": None}]}),
]  # fmt: skip

PARSERS: dict[str, tuple[Callable[..., None], tuple[st.SearchStrategy[Any], ...]]] = {
    **{f"a changed {form}": (lambda data, changes: read_workbook(changed(data, changes)), (st.just(data), CHANGES))
       for form, data in WORKBOOKS.items()},
    **{f"a changed part of {form}": (lambda data, which, changes: read_workbook(changed_inside(data, which, changes)),
                                     (st.just(WORKBOOKS[form]), st.floats(0, 1), CHANGES)) for form in ("xlsx", "xlsb", "ods")},
    "delimited text": (lambda data, changes: read_text(changed(data, changes)), (st.sampled_from(_ENCODED), CHANGES)),
    "any bytes": (read_text, (st.binary(max_size=200),)),
    "json lines": (lambda data, changes: read_text(changed(data, changes)), (st.sampled_from(_JSONL), CHANGES)),
    "json values": (lambda values: read_text("\n".join(json.dumps(v) for v in values).encode()), (st.lists(JSON, max_size=4),)),
    "a report's cells": (_report, (st.sampled_from(list(MAPPINGS)), ROWS, st.sampled_from(["2026-01-31", "2026-02-28"]))),
    "cells": (_cells, (COLUMN,)),
    "returned lists": (_returned, (RETURNED,)),
    "mapping files": (_mapping, (_some(_YAML),)),
    "rules": (_rules, (_some([_RULES, "规则: {}\n"]),)),
    "settings": (_settings, (_some([_TOML]),)),
    "answers of platforms": (_answer, (st.integers(100, 599), _HEADERS, JSON, st.just([]) | CHANGES, st.integers(0, 99))),
    "pages of a pull": (lambda data, changes: told(lambda: FiledPages(changed(data, changes)), PagesBroken),
                        (st.just(_PAGED) | st.binary(max_size=300), CHANGES)),
    "sealed values and files": (_sealed, (st.binary(max_size=200), CHANGES)),
    "numbers": (values.numbers, (COLUMN, COLUMN, st.sampled_from(["2026-01-31", "1999-12-31"]))),
    "names of files": (values.names_of_files, (st.text(max_size=40) | st.lists(st.sampled_from(_NAMED)).map("".join),
                                               st.lists(st.sampled_from(_WORDS) | st.text(max_size=12), max_size=4))),
    "words of a search": (values.searched, (st.text(min_size=1, max_size=30) | st.sampled_from(_WORDS),)),
    "states between runs": (values.states, (JSON | _STATES, st.sampled_from(_SPECS))),
    "records of pages": (values.pages, (st.lists(_RECORDS | JSON, max_size=3), st.sampled_from(_SPECS), JSON | _STATES)),
    "the reading process's answer": (lambda data, changes: values.from_the_reading_process(data, lambda b: changed(b, changes)),
                                     (st.sampled_from(_ENCODED), CHANGES)),
    "files of operators": (values.files, (_some(_FILES) | JSON.map(lambda v: json.dumps(v).encode()),)),
    "variables": (values.variables, (values.VARIABLES,)),
}  # fmt: skip
