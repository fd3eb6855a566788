"""Cells as text: what a clerk sees in the cell, and where digits are gone for good."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zp_registry.sources import text_column


def one(cell: Any) -> tuple[Any, bool, bool]:
    got = text_column([cell])
    return (got.text[0] if isinstance(got.text[0], str) else None), bool(got.lossy[0]), bool(got.number[0])


@pytest.mark.parametrize(("cell", "text"), [
    (None, None), ("", None), (" ", " "), ("0012", "0012"), (True, "TRUE"), (False, "FALSE"),
    (10012345.0, "10012345"), (7, "7"), (0.0, "0"), (-3.0, "-3"), (0.5, "0.5"), (0.1 + 0.2, "0.3"), (1e-7, "0.0000001"),
    (float("nan"), None), (float("inf"), None),
    (dt.date(2024, 3, 1), "2024-03-01"), (dt.datetime.fromisoformat("2024-03-01 00:00:00"), "2024-03-01"),
    (dt.datetime.fromisoformat("2024-03-01 12:29:59.999995"), "2024-03-01 12:30:00"), (dt.time(9, 5, 7), "09:05:07"),
    (dt.timedelta(days=1, minutes=2), "24:02:00")])
def test_a_cell_reads_as_it_is_shown(cell: Any, text: str | None) -> None:
    assert one(cell)[0] == text
    assert one(cell)[1] is False


@pytest.mark.parametrize("cell", [1e15, 10012345678901234.0, 10**15, -1e16, 10**400, 4.11324e17])
def test_a_number_of_sixteen_digits_has_lost_some(cell: float) -> None:
    text, lossy, number = one(cell)
    assert (lossy, number) == (True, True)
    assert text.lstrip("-").isdigit(), "never in scientific notation"


@pytest.mark.parametrize("text", ["4.11324E+17", "4.11324e+17", " 4.11324E+17 ", "'4.11324E+17", "4E+17", "1.5E+100",
                                  "4.11324E17"])
def test_text_in_scientific_notation_has_lost_digits(text: str) -> None:
    for column in ([text], pa.array([text])):
        got = text_column(column)
        assert (got.text[0], bool(got.lossy[0]), bool(got.number[0])) == (text, True, False)


@pytest.mark.parametrize("text", ["5E88", "1e10", "9E12345", "E+17", "4.11324E+1", "411324199001011234", "4.11324E+17户",
                                  "1.5E-10"])
def test_identifiers_that_look_a_little_like_it_have_not(text: str) -> None:
    assert one(text) == (text, False, False)


@given(st.integers(-(10**15) + 1, 10**15 - 1))
def test_whole_numbers_read_the_same_as_number_and_as_text(number: int) -> None:
    assert one(number) == one(float(number)) == (str(number), False, True)


@given(st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: x == 0 or 1e-300 < abs(x) < 1e15))
def test_fractions_keep_the_fifteen_digits_that_are_shown(number: float) -> None:
    text = one(number)[0]
    assert "e" not in text.lower()
    assert abs(Fraction(text) - Fraction(number)) <= abs(Fraction(number)) / 10**14


CELLS = st.one_of(st.none(), st.text(max_size=5), st.integers(), st.floats(), st.booleans(), st.dates(), st.times())


@given(st.lists(CELLS, max_size=12), st.integers(0, 12), st.none() | st.integers(0, 14))
def test_a_mixed_column_reads_cell_by_cell(cells: list[Any], start: int, stop: int | None) -> None:
    got = text_column(cells, start, stop)
    assert got.text.dtype == "str"
    assert got.text.index.tolist() == list(range(len(cells[start:stop])))
    together = zip(got.text, got.lossy, got.number, strict=True)
    assert [(t if isinstance(t, str) else None, bool(a), bool(b)) for t, a, b in together] == list(map(one, cells[start:stop]))


@given(st.lists(st.none() | st.text(max_size=5), max_size=8), st.integers(0, 8), st.none() | st.integers(0, 9))
def test_arrow_columns_and_lists_read_alike(cells: list[str | None], start: int, stop: int | None) -> None:
    expected = text_column(cells, start, stop)
    for column in (pa.array(cells, pa.string()), pa.chunked_array([cells, []], pa.large_string())):
        got = text_column(column, start, stop)
        pd.testing.assert_series_equal(got.text, expected.text)
        assert np.array_equal(got.lossy, expected.lossy)
