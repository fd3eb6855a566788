"""Parsers under what nobody writes on purpose: a little in every run, for twenty minutes of processor time in ``make soak``."""

from __future__ import annotations

import os
import resource
import time
from collections import Counter
from pathlib import Path

import pytest
from fuzz import MAPPINGS, PARSERS, READER
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from zp_registry.mapping.streamers import _parse
from zp_registry.resolve.model import settings as model_settings

SECONDS = float(os.environ.get("ZP_TEST_FUZZ_SECONDS", "1200"))  # of processor time, for all parsers together


def run(name: str, number: int, examples: int, tried: Counter[str] | None = None) -> None:
    """A parser with so many examples of one seed."""
    function, strategies = PARSERS[name]
    tried = Counter() if tried is None else tried

    @seed(number)
    @settings(max_examples=examples, database=None, derandomize=False, suppress_health_check=list(HealthCheck), print_blob=True)
    @given(st.tuples(*strategies))
    def holds(made: tuple[object, ...]) -> None:
        tried[name] += 1
        function(*made)

    holds()


def used() -> float:
    """Processor seconds of this process and the reading process."""
    own, gone = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    total = own.ru_utime + own.ru_stime + gone.ru_utime + gone.ru_stime
    if READER._process is not None and READER._process.poll() is None:
        stat = Path(f"/proc/{READER._process.pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()
        total += (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")
    return total


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_gives_a_result_or_its_own_refusal(name: str) -> None:
    run(name, 1, 10)


_DEEP = "[" * 3000 + "]" * 3000


@pytest.mark.parametrize(("name", "text"), [
    ("rules", "规则: 2024-13-45"), ("rules", "a: 0x_"), ("rules", f"a: {_DEEP}"), ("rules", "a: 1" + "0" * 5000),
    ("mapping files", "id: 0x_"), ("mapping files", "? [a]\n: b"), ("mapping files", "? {a: b}\n: c"),
    ("mapping files", "id: &a [*a]"), ("mapping files", "id: " + "9" * 5000), ("mapping files", "a: !!float x"),
    ("mapping files", "id: !!timestamp 2024-99-99"), ("settings", f"a = {_DEEP}"), ("settings", "a = " + "9" * 5000),
    ("settings", "a = {a = " * 500),
], ids=lambda v: v[:20])  # fmt: skip
def test_what_once_ended_in_a_traceback(name: str, text: str) -> None:
    PARSERS[name][0](text.encode())


_DEEPER = "[" * 100_000


def test_what_else_did() -> None:
    """Nesting without end in every JSON, states that a program did not write, a home of nobody's."""
    for environ in ({"ZP_TOWNS": _DEEPER}, {"ZP_HOME": "~nobody-of-that-name"}):
        PARSERS["variables"][0](environ)
    PARSERS["files of operators"][0](_DEEPER.encode())
    PARSERS["files of operators"][0](b'{"keys": [], "backend": "sqlite"}')
    model = (Path(model_settings.__file__).parent / "default.json").read_text("utf-8")
    PARSERS["files of operators"][0](model.replace('"sql_condition": "', '"sql_condition": "' + "[" * 3000, 1).encode())
    assert _parse(_DEEPER) is None
    spec = next(m.api for m in MAPPINGS if m.api is not None and m.api.token is not None)
    for value in (None, "x", 10**400, float("inf"), ["x"], {}):
        PARSERS["states between runs"][0](dict.fromkeys(("until", "life", "forced", "rest_until", "since"), value), spec)
        PARSERS["records of pages"][0]([[]], spec, {"as_of": value, "cut_off": value or "2026-01-31T00:00:00+00:00"})


def test_a_returned_workbook_whose_hidden_sheet_was_changed() -> None:
    for keeps in ("[", "{}", "[1]", "", None):
        hidden, shown = ("_zp", [["zp-rejects"], ["x", keeps], []]), ("更正", [["令牌（勿改）", "a"], ["t", "1"]])
        PARSERS["returned lists"][0]([hidden, shown])


@pytest.mark.soak
@pytest.mark.parametrize("name", PARSERS)
def test_for_its_share_of_twenty_minutes(name: str) -> None:
    began, number, tried = used(), int(time.time()), Counter[str]()  # new seeds every time; a failure says which
    try:
        while used() - began < SECONDS / len(PARSERS):
            number += 1
            run(name, number, 300, tried)
    finally:
        print(f"fuzzed: {name}: {tried[name]} examples, {used() - began:.1f} s")  # seen with -s
