"""The model's scores: nothing but the two descriptions and the model counts, and every weight can be explained."""

from __future__ import annotations

import logging
import random
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zp_registry.resolve.model import Bands, MatchModel, explain, features, load_model, score

MODEL = load_model()
EVERY = MODEL.model_copy(update={"bands": Bands(link=14.0, review=-60.0, margin=3.0)})
TYPES = ("phone", "payee", "address")


def described(people: list[dict[str, Any]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Subjects and tokens of people: id, name, number, mask, and phone, payee, address (value or (value, True) for a hub)."""
    subjects, tokens = [], []
    for one in people:
        subjects.append(
            {"subject_id": one["id"], "business": False, "name_key": one["name"], "strong": one.get("number"),
             "id_mask": one.get("mask"), "town": one.get("town")}
        )  # fmt: skip
        for kind in TYPES:
            if kind in one:
                value, hub = one[kind] if isinstance(one[kind], tuple) else (one[kind], False)
                tokens.append({"subject_id": one["id"], "type": kind, "token": value, "hub": hub})
    frame = pd.DataFrame(subjects).astype({"strong": "str", "id_mask": "str", "town": "str", "name_key": "str"})
    return frame, pd.DataFrame(tokens, columns=["subject_id", "type", "token", "hub"])


def weights(people: list[dict[str, Any]], model: MatchModel = EVERY) -> dict[tuple[int, int], float]:
    """The weight of every candidate pair."""
    found = score(features(*described(people)), model)
    return {(int(a), int(b)): round(float(w), 6) for a, b, w in found.itertuples(index=False, name=None)}


PEOPLE = [
    {"id": 1, "name": "赵永春", "phone": "p1", "payee": "k1", "address": "a1", "mask": "411324********1234", "number": "n1"},
    {"id": 2, "name": "赵永春", "phone": "p1", "payee": "k2", "address": "a2", "mask": "411324********1234"},
    {"id": 3, "name": "赵永春", "phone": "p3", "payee": "k1", "address": "a1"},
    {"id": 4, "name": "钱华秋", "phone": "p1", "payee": "k4", "address": "a1"},
    {"id": 5, "name": "赵永秋", "phone": "p5", "payee": "k2", "address": "a5", "mask": "411324********1235"},
    {"id": 6, "name": "孙国建", "phone": "p5", "payee": "k1", "address": "a2"},
]


@given(st.randoms(use_true_random=False), st.lists(st.integers(10, 60), min_size=6, max_size=6, unique=True))
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_pair_scores_the_same_in_whatever_order_and_under_whatever_ids(order: random.Random, ids: list[int]) -> None:
    plain = weights(PEOPLE)
    assert len(plain) > 5
    renamed = dict(zip([p["id"] for p in PEOPLE], ids, strict=True))
    again = [{**p, "id": renamed[p["id"]]} for p in PEOPLE]
    order.shuffle(again)
    expected = {tuple(sorted((renamed[a], renamed[b]))): w for (a, b), w in plain.items()}
    assert weights(again) == expected


def test_an_explanation_sums_to_the_weight_and_names_no_number() -> None:
    table = features(*described(PEOPLE))
    scored = score(table, EVERY)
    told = explain(table, scored[["left_id", "right_id"]], EVERY)
    last = told.groupby(["left_id", "right_id"])["sum"].last()
    expected = scored.set_index(["left_id", "right_id"])["weight"]
    assert len(expected) > 5
    assert (last - expected).abs().max() < 1e-6
    total = told.groupby(["left_id", "right_id"])["weight"].sum()
    assert (total - expected).abs().max() < 1e-6
    shown = set(told["left"]) | set(told["right"])
    assert not shown & {"p1", "k1", "n1", "a1"}


@pytest.mark.parametrize(("column", "rare"), [("name_key", "亓官稀"), ("town", "无名镇")])
def test_what_many_bear_by_itself_weighs_less(column: str, rare: str) -> None:
    known = MODEL.frequencies[column]
    common = max(known.values, key=lambda value: known.values[value])
    assert known.values.get(rare, known.default) < known.values[common] / 5

    def told(value: str) -> float:
        shared = {"name": value} if column == "name_key" else {"name": "赵永春", "town": value}
        return weights([{"id": n, "phone": "p", **shared} for n in (1, 2)])[1, 2]

    assert told(rare) > told(common) + 1


@pytest.mark.parametrize("kind", TYPES)
def test_what_many_share_weighs_less(kind: str) -> None:
    def told(hub: bool) -> float:
        pair = [{"id": n, "name": "赵永春", "mask": "411324********1234", kind: ("x", hub)} for n in (1, 2)]
        return weights(pair)[1, 2]

    assert told(True) < told(False) - 1


def test_a_crowded_address_alone_is_no_reason_to_compare() -> None:
    crowd = [{"id": n, "name": f"{'赵钱孙周'[n]}永春", "address": ("market", True)} for n in range(4)]
    assert weights(crowd) == {}


def test_two_with_different_numbers_are_never_candidates() -> None:
    pair = [{"id": n, "name": "赵永春", "phone": "p", "payee": "k", "number": f"n{n}"} for n in (1, 2)]
    assert weights(pair) == {}


def test_the_engine_says_nothing_of_its_steps_and_its_warnings_are_heard(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    before = logging.getLogger("splink").level
    weights(PEOPLE)
    assert [r.getMessage() for r in caplog.records if r.name.startswith("splink")] == []
    assert logging.getLogger("splink").level == before
    logging.getLogger("splink.internals.linker").warning("heard")
    assert "heard" in caplog.messages
