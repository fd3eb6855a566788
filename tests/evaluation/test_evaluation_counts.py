"""Counting from group sizes gives what counting every single pair gives."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zp_registry.evaluation.bcubed import bcubed
from zp_registry.evaluation.labels import joined, known
from zp_registry.evaluation.pairs import by_class, by_word, entities, pairwise
from zp_registry.evaluation.review import apart, queue, review
from zp_registry.evaluation.thresholds import thresholds
from zp_registry.evaluation.tiers import by_tier, components

ACCOUNT = st.tuples(
    st.integers(0, 4), st.integers(0, 4), st.sampled_from(["", "a", "b", "a|b"]), st.sampled_from(["whole", "masked", "none"])
)
WORLDS = st.lists(ACCOUNT, max_size=14)


def frame(rows: list[tuple[int, int, str, str]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "platform": pd.Series(["p"] * len(rows), dtype="str"),
            "account_id": pd.Series([str(k) for k in range(len(rows))], dtype="str"),
            "party_id": pd.Series([f"P{r[0]}" for r in rows], dtype="str"),
            "entity_id": pd.Series([f"E{r[1]}" for r in rows], dtype="str"),
            "traps": pd.Series([r[2] for r in rows], dtype="str"),
            "numbers": pd.Series([r[3] for r in rows], dtype="str"),
        }
    )


def counted(rows: list[tuple[int, int, str, str]], counts: object = None) -> tuple[int, int, int]:
    """True, found and right pairs one by one, of those that ``counts`` lets through."""
    true = found = right = 0
    for a, b in combinations(rows, 2):
        if callable(counts) and not counts(a, b):
            continue
        true += a[0] == b[0]
        found += a[1] == b[1]
        right += a[0] == b[0] and a[1] == b[1]
    return true, found, right


@given(WORLDS)
def test_pairs_are_those_counted_one_by_one(rows: list[tuple[int, int, str, str]]) -> None:
    told = pairwise(frame(rows))
    true, found, right = counted(rows)
    assert (told["pairs_true"], told["pairs_found"], told["pairs_right"]) == (true, found, right)
    assert told["precision"] == pytest.approx(right / found if found else 1.0, abs=1e-6)
    assert told["recall"] == pytest.approx(right / true if true else 1.0, abs=1e-6)


@given(WORLDS)
def test_bcubed_is_the_mean_over_accounts(rows: list[tuple[int, int, str, str]]) -> None:
    precision, recall = [], []
    for a in rows:
        both = sum(b[:2] == a[:2] for b in rows)
        precision.append(both / sum(b[1] == a[1] for b in rows))
        recall.append(both / sum(b[0] == a[0] for b in rows))
    told = bcubed(frame(rows))
    assert told["precision"] == pytest.approx(np.mean(precision) if rows else 1.0, abs=1e-6)
    assert told["recall"] == pytest.approx(np.mean(recall) if rows else 1.0, abs=1e-6)


@given(WORLDS)
def test_a_pair_counts_for_a_trap_when_either_account_is_in_it(rows: list[tuple[int, int, str, str]]) -> None:
    told = {r["word"]: r for r in by_word(frame(rows), "traps")}
    for word in ("a", "b"):
        if not any(word in r[2] for r in rows):
            assert word not in told
            continue
        true, found, right = counted(rows, lambda a, b, w=word: w in a[2] or w in b[2])
        got = told[word]
        assert (got["pairs_true"], got["pairs_found"], got["wrong"]) == (true, found, found - right)
        assert got["accounts"] == sum(word in r[2] for r in rows)


@given(WORLDS)
def test_pairs_by_the_two_accounts_numbers(rows: list[tuple[int, int, str, str]]) -> None:
    told = {(r["left"], r["right"]): r for r in by_class(frame(rows), "numbers", ("whole", "masked", "none"))}
    assert sum(r["pairs_found"] for r in told.values()) == counted(rows)[1]
    for (left, right), got in told.items():
        true, found, good = counted(rows, lambda a, b, k={left, right}: {a[3], b[3]} == k)
        assert (got["pairs_true"], got["pairs_found"], got["pairs_right"]) == (true, found, good)


EDGES = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11), st.integers(-3, 9), st.sampled_from("uep")), max_size=16)


@given(st.integers(12, 15), EDGES)
def test_components_are_what_walking_along_the_edges_reaches(size: int, edges: list[tuple[int, int, int, str]]) -> None:
    got = components(size, np.array([e[0] for e in edges], dtype=np.int64), np.array([e[1] for e in edges], dtype=np.int64))
    label = list(range(size))
    for _ in range(size):
        for a, b, *_ in edges:
            label[a] = label[b] = min(label[a], label[b])
    assert got.tolist() == label


def as_edges(edges: list[tuple[int, int, int, str]]) -> pd.DataFrame:
    """u: the model's doubts, p: the model's links, e: exact links."""
    return pd.DataFrame(
        {
            "left_id": pd.Series([e[0] for e in edges], dtype="int64"),
            "right_id": pd.Series([e[1] for e in edges], dtype="int64"),
            "judgement": pd.Series(["unsure" if e[3] == "u" else "positive" for e in edges], dtype="str"),
            "score": pd.Series([float(e[2]) for e in edges], dtype="float64"),
            "tier": pd.Series(["exact" if e[3] == "e" else "model" for e in edges], dtype="str"),
        }
    )


@given(st.lists(st.integers(0, 3), min_size=12, max_size=12), EDGES)
def test_the_threshold_table_is_clustering_anew_at_every_threshold(
    parties: list[int], edges: list[tuple[int, int, int, str]]
) -> None:
    rows = frame([(p, 0, "", "none") for p in parties]).assign(subject_id=pd.Series(range(12), dtype="Int64"))
    nobody = pd.DataFrame({"subject_id": pd.Series([], dtype="int64"), "strong": pd.Series([], dtype="str")})
    lines = thresholds(rows, as_edges(edges), nobody, {"link": 4.0, "review": 1.5})
    assert bool(lines) == any(e[3] in "up" for e in edges)
    levels = [r["threshold"] for r in lines]
    assert levels == sorted(levels, reverse=True)
    for line in lines:
        taken = [e for e in edges if e[3] == "e" or e[2] >= line["threshold"]]
        left, right = (np.array([e[k] for e in taken], dtype=np.int64) for k in (0, 1))
        want = pairwise(rows.assign(entity_id=components(12, left, right)))
        assert {k: line[k] for k in want} == want
        assert line["edges"] == sum(e[3] in "up" and e[2] >= line["threshold"] for e in edges)
    if lines:
        assert {r["band"]: r["threshold"] for r in lines if r["band"]} == {"link": 4.0, "review": 1.5}
        assert lines[0]["edges"] == 0 or max(levels) <= 4.0
        assert lines[-1]["edges"] == sum(e[3] in "up" for e in edges) or levels[-1] >= 1.5


def test_two_valid_numbers_are_not_joined_at_any_threshold() -> None:
    rows = frame([(0, 0, "", "whole"), (1, 1, "", "whole"), (1, 2, "", "none")]).assign(
        subject_id=pd.Series([0, 1, 2], dtype="Int64")
    )
    edges = as_edges([(0, 2, 9, "u"), (1, 2, 5, "u"), (0, 1, 3, "u")])
    strong = pd.DataFrame({"subject_id": [0, 1], "strong": ["id:x", "id:y"]})
    lines = {r["threshold"]: r for r in thresholds(rows, edges, strong)}
    assert lines[9.0]["pairs_found"] == lines[3.0]["pairs_found"] == 1
    assert thresholds(rows, edges, strong.iloc[:1])[-1]["pairs_found"] == 3


def test_tiers_add_up_to_the_clusters_of_all_edges() -> None:
    rows = frame([(0, 0, "", ""), (0, 0, "", ""), (0, 0, "", ""), (1, 0, "", ""), (1, 1, "", "")])
    rows["subject_id"] = pd.Series([1, 1, 2, 3, pd.NA], dtype="Int64")
    edges = pd.DataFrame(
        {
            "left_id": [1, 2, 3],
            "right_id": [2, 3, 9],
            "judgement": ["positive", "positive", "unsure"],
            "score": [1.0, 7.0, 2.0],
            "tier": ["partial", "model", "model"],
        }
    )
    told = {r["tier"]: r for r in by_tier(rows, edges)}
    assert [told[t]["joined"] for t in ("none", "exact", "partial", "model", "person")] == [1, 0, 2, 3, 0]
    assert [told[t]["wrong"] for t in ("none", "partial", "model")] == [0, 0, 3]
    assert (told["partial"]["recall"], told["person"]["precision"]) == (0.75, 0.5)


def test_accounts_that_are_lost_are_entities_of_their_own() -> None:
    truth = pd.DataFrame(
        {
            "platform": ["p"] * 4,
            "account_id": ["1", "2", "3", "1"],
            "month": ["2026-02", "2026-02", "2026-02", "2026-01"],
            "party_id": ["A", "A", "A", "B"],
            "decidable": ["1", "1", "0", "1"],
        }
    ).astype("str")
    accounts = pd.DataFrame({"platform": ["p"], "account_id": ["1"], "entity_id": ["E1"]}).astype("str")
    labelled = joined(truth, accounts)
    told = entities(labelled, known(labelled))
    assert (told["accounts"], told["accounts_lost"], told["decidable"], told["parties_split"]) == (3, 2, 2, 1)
    assert (told["pairs_true"], told["pairs_found"], told["recall"]) == (1, 0, 0.0)


def test_the_queue_must_hold_every_true_pair_with_two_fields_in_common() -> None:
    rows = frame([(0, 0, "", ""), (0, 1, "", ""), (0, 2, "", ""), (1, 3, "", ""), (1, 4, "", "")])
    values = [
        ("0", "name", "王五"),
        ("1", "name", "王五"),
        ("2", "name", "李四"),
        ("0", "number", "411324********1234"),
        ("1", "number", "4113***********234"),
        ("2", "number", "411324********9999"),
        ("0", "phone", "h1"),
        ("2", "phone", "h1"),
        ("3", "payee", "h2"),
        ("4", "payee", "h2"),
        ("3", "phone", "h3"),
        ("4", "phone", "h3"),
    ]
    fields = pd.DataFrame([("p", *v) for v in values], columns=["platform", "account_id", "type", "token"]).astype("str")
    subjects = pd.DataFrame({"subject_id": [10, 11, 12], "entity_id": ["E0", "E1", "E3"]})
    edges = pd.DataFrame(
        {
            "left_id": [10, 11, 10],
            "right_id": [11, 12, 12],
            "judgement": ["unsure", "unsure", "negative"],
            "score": [3.0, 2.0, float("nan")],
            "tier": ["model", "model", "person"],
        }
    )
    doubts = queue(edges, subjects, pd.Series({10: "P0", 11: "P0", 12: "P1"}))
    pairs = apart(rows, fields, doubts)
    assert pairs[["left", "right", "fields", "queued"]].to_numpy().tolist() == [
        ["E0", "E1", "name,number", True],
        ["E3", "E4", "payee,phone", False],
        ["E0", "E2", "phone", False],
        ["E1", "E2", "", False],
    ]
    told = review(doubts, pairs)
    assert (told["pairs"], told["true"], told["false"], told["precision"]) == (2, 1, 1, 0.5)  # E0 and E3 were judged two
    assert (told["apart"], told["owed"], told["owed_queued"], told["missing"]) == (4, 2, 1, 1)
    assert told["missing_list"][0]["right"] == "E4"
