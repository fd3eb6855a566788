"""What the probabilistic tier says of a pair: by the two and the model alone, explained to the last bit of weight."""

from __future__ import annotations

import logging

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zp_registry.errors import UsageError
from zp_registry.resolve.model import Bands, compare, explain, features, load_model, score

MODEL = load_model().model_copy(update={"bands": Bands(link=14.0, review=-50.0, margin=3.0)})
COMMON, RARE = "李勇刚", "欧阳碧落"
# Ten people who show no number: names, visible digits, phone, payee account and address by turns alike.
PEOPLE = [
    {"name_key": COMMON if n < 5 else RARE, "id_mask": f"411324********00{n % 2}X" if n % 3 else None, "phone": f"p{n % 4}",
     "payee": f"c{n % 5}", "address": f"a{n % 2}"}
    for n in range(10)
]  # fmt: skip


def table(people: list[dict[str, str | None]], hubs: frozenset[str] = frozenset()) -> pa.Table:
    """Features of people; whatever is in ``hubs`` is shared by many."""
    subjects = pd.DataFrame(
        [{"subject_id": n, "business": False, "strong": p.get("strong"), "name_key": p["name_key"], "id_mask": p.get("id_mask"),
          "town": "石佛寺镇", "market": None} for n, p in enumerate(people, start=1)]
    )  # fmt: skip
    tokens = pd.DataFrame(
        [{"subject_id": n, "type": kind, "token": p[kind], "hub": p[kind] in hubs}
         for n, p in enumerate(people, start=1) for kind in ("phone", "payee", "address") if p.get(kind)],
        columns=["subject_id", "type", "token", "hub"],
    )  # fmt: skip
    return features(subjects, tokens)


def weight(one: dict[str, str | None], other: dict[str, str | None], hubs: frozenset[str] = frozenset()) -> float:
    found = compare(table([one, other], hubs), pd.DataFrame({"left_id": [1], "right_id": [2]}), MODEL)
    return float(found["weight"].iloc[0])


@settings(max_examples=6)
@given(order=st.permutations(range(10)), drop=st.sets(st.integers(8, 10)))
def test_a_score_depends_on_the_two_alone_in_whatever_order_rows_come(order: list[int], drop: set[int]) -> None:
    every = score(table(PEOPLE), MODEL)
    assert len(every) > 5
    mixed = table(PEOPLE).take(order)
    kept = mixed.filter(pa.array([i not in drop for i in mixed["subject_id"].to_pylist()]))
    again = score(kept, MODEL)
    wanted = every[~every["left_id"].isin(drop) & ~every["right_id"].isin(drop)].reset_index(drop=True)
    pd.testing.assert_frame_equal(again, wanted, rtol=0, atol=1e-9)


def test_explanations_add_up_to_the_score_and_show_no_hash() -> None:
    scored = score(table(PEOPLE), MODEL)
    told = explain(table(PEOPLE), scored[["left_id", "right_id"]], MODEL)
    assert set(told["field"]) == {"先验", *MODEL.labels.values()}
    by_pair = told.groupby(["left_id", "right_id"])
    wanted = scored.set_index(["left_id", "right_id"])["weight"]
    for total in (by_pair["weight"].sum(), by_pair["sum"].last()):
        assert (total - wanted).abs().max() < 1e-6
    shown = {*told["left"], *told["right"]}
    assert shown <= {"", "相同", "不同", "未报", COMMON, RARE, "石佛寺镇", "411324********000X", "411324********001X"}


def test_a_common_name_weighs_less_than_a_rare_one() -> None:
    common = {"name_key": COMMON, "phone": "p"}
    rare = {"name_key": RARE, "phone": "p"}
    assert weight(common, common) < weight(rare, rare) - 3
    # Nobody is one because both are called so.
    assert weight({"name_key": COMMON}, {"name_key": COMMON}) < load_model().bands.link


def test_a_crowded_address_phone_or_account_weighs_less_than_a_rare_one() -> None:
    for kind in ("address", "phone", "payee"):
        alike = {"name_key": RARE, kind: "x"}
        assert weight(alike, alike, hubs=frozenset({"x"})) < weight(alike, alike) - 3, kind


def test_two_with_a_number_are_no_pair_nor_a_person_and_a_business() -> None:
    people = [{"name_key": RARE, "phone": "p", "strong": "id:1"}, {"name_key": RARE, "phone": "p", "strong": "id:2"},
              {"name_key": RARE, "phone": "p"}]  # fmt: skip
    found = score(table(people), MODEL)
    assert list(zip(found["left_id"], found["right_id"], strict=True)) == [(1, 3), (2, 3)]
    rows = table([{"name_key": RARE, "phone": "p"}] * 2).to_pandas().assign(business=[True, False])
    assert score(rows, MODEL).empty


def test_only_pairs_with_one_in_focus_are_scored() -> None:
    found = score(table(PEOPLE), MODEL, focus=[3])
    assert len(found)
    assert ((found["left_id"] == 3) | (found["right_id"] == 3)).all()
    every = score(table(PEOPLE), MODEL)
    near = every[(every["left_id"] == 3) | (every["right_id"] == 3)].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, near)


def test_a_column_that_is_missing_is_named() -> None:
    with pytest.raises(UsageError, match="lack the columns id_mask"):
        score(table(PEOPLE).drop_columns(["id_mask"]), MODEL)


def test_the_scorer_tells_no_times_but_its_warnings_come_through(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    score(table(PEOPLE), MODEL)
    compare(table(PEOPLE), pd.DataFrame({"left_id": [1], "right_id": [2]}), MODEL)
    assert [r for r in caplog.records if r.name.startswith("splink")] == []
    bare = MODEL.model_dump(mode="json")
    address = next(c for c in bare["splink"]["comparisons"] if c["output_column_name"] == "account")
    address["comparison_levels"] = [x for x in address["comparison_levels"] if not x.get("is_null_level")]
    score(table(PEOPLE), type(MODEL).model_validate(bare))
    assert any("No null level" in r.message for r in caplog.records)
    assert logging.getLogger("splink").level == logging.NOTSET
