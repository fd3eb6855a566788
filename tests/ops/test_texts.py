"""Lists and JSON by whole columns give what is given row by row."""

from __future__ import annotations

import json

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from zp_registry.texts import joined, json_objects, map_parts, row_joined, to_arrow

_odd = st.sampled_from(['"', "\\", "\n", "\x1f", "\x7f", "a\tb"])
_cell = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | _odd
_rows = st.lists(st.tuples(_cell, _cell, _cell), max_size=6)


def _column(values: list[str | None]) -> pd.Series[str]:
    return pd.Series(values, dtype="str")


@given(_rows)
def test_rows_as_json_are_what_json_gives(rows: list[tuple[str | None, ...]]) -> None:
    names = ('a"b', "名称", "c")
    columns = [(name, to_arrow(_column([r[i] for r in rows]))) for i, name in enumerate(names)]
    told = [{n: v for n, v in zip(names, row, strict=True) if v is not None} for row in rows]
    assert json_objects(columns).to_pylist() == [json.dumps(t, ensure_ascii=False) if t else None for t in told]


@given(_rows)
def test_cells_of_a_row_are_joined(rows: list[tuple[str | None, ...]]) -> None:
    columns = [to_arrow(_column([r[i] for r in rows])) for i in range(3)]
    given_ = [[v for v in row if v is not None] for row in rows]
    assert row_joined(columns, "|").to_pylist() == ["|".join(g) if g else None for g in given_]


@given(st.lists(st.tuples(st.integers(0, 3), st.none() | st.text("ab;", max_size=3))))
def test_values_of_a_label_are_joined_in_their_order(pairs: list[tuple[int, str | None]]) -> None:
    values = pd.Series([v for _, v in pairs], index=[i for i, _ in pairs], dtype="str")
    expected: dict[int, list[str]] = {}
    for label, value in pairs:
        if value is not None:
            expected.setdefault(label, []).append(value)
    assert joined(values, "、").to_dict() == {k: "、".join(v) for k, v in sorted(expected.items())}


@given(st.lists(st.none() | st.text("ab;", max_size=6)))
def test_parts_of_a_list_are_mapped(lists: list[str | None]) -> None:
    out = map_parts(_column(lists), lambda parts: (parts + "!").astype("str"))
    expected = [None if v is None else ";".join(p + "!" for p in v.split(";")) for v in lists]
    assert [None if pd.isna(v) else v for v in out] == expected
