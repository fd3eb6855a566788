"""What must hold of every clustering, whatever the subjects look like."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from zp_registry.resolve.edges import Judged, link
from zp_registry.resolve.subjects import masks_fit, tokens

NAMES, NUMBERS = ("钱永文", "周春山", "吴国庆"), ("411324199001010011", "411324199001010038", "411324198505050044")
COLUMNS = (
    "subject_id",
    "business",
    "kind",
    "name_key",
    "uscc",
    "id_hash",
    "id_mask",
    "operator_hash",
    "operator_mask",
    "operator_key",
    "legal_key",
    "strong",
)
TOKENS = ("phone:1", "phone:2", "payee:1", "address:1", "account:1", "account:2")


def _mask(number: str) -> str:
    return number[:6] + "********" + number[-4:]


def _frames(people: list[dict[str, Any]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows, found = [], []
    for n, p in enumerate(people, start=1):
        number, shown, business = p.get("number"), p.get("shown", "full"), p.get("business", False)
        rows.append(
            {
                "subject_id": n,
                "business": business,
                "kind": "enterprise" if business else "natural_person",
                "name_key": p["name"],
                "uscc": number if business and shown == "full" else None,
                "id_hash": number if not business and shown == "full" else None,
                "id_mask": _mask(number) if number and not business and shown != "none" else None,
                "strong": f"{'uscc' if business else 'id'}:{number}" if number and shown == "full" else None,
            }
        )
        found += [{"subject_id": n, "type": t.split(":")[0], "token": t} for t in p.get("tokens", ())]
    subjects = pd.DataFrame(rows, columns=list(COLUMNS)).astype(
        {c: "str" for c in COLUMNS if c not in ("subject_id", "business")}
    )
    things = pd.DataFrame(found, columns=["subject_id", "type", "token"]).astype(
        {"subject_id": "int64", "type": "str", "token": "str"}
    )
    names = things.merge(subjects[["subject_id", "name_key"]], on="subject_id")
    used = names.groupby(["type", "token"])["name_key"].nunique()
    things["hub"] = [
        used[(t, k)] >= 4 and t in ("phone", "payee", "address") for t, k in zip(things["type"], things["token"], strict=True)
    ]
    return subjects, things.astype({"hub": bool})


def _edges(pairs: list[tuple[int, int, str]]) -> pd.DataFrame:
    return pd.DataFrame(pairs, columns=["left_id", "right_id", "judgement"])


def _judge(people: list[dict[str, Any]], human: list[tuple[int, int, str]] | None = None) -> Judged:
    subjects, things = _frames(people)
    return link(subjects, things, _edges(human or []))


def _groups(judged: Judged) -> set[frozenset[int]]:
    roots = judged.clusters.roots()
    return {frozenset(int(i) for i in g.index) for _, g in roots.groupby(roots)}


_person = st.fixed_dictionaries(
    {
        "name": st.sampled_from(NAMES),
        "number": st.sampled_from((*NUMBERS, None)),
        "shown": st.sampled_from(("full", "mask", "none")),
        "business": st.booleans(),
        "tokens": st.lists(st.sampled_from(TOKENS), max_size=3, unique=True),
    }
)
few = settings(max_examples=max(settings().max_examples // 2, 10))
_people = st.lists(_person, min_size=2, max_size=9)


@st.composite
def _judged_people(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[tuple[int, int, str]]]:
    people = draw(_people)
    pairs = list(combinations(range(1, len(people) + 1), 2))
    chosen = draw(st.lists(st.sampled_from(pairs), max_size=4, unique=True))
    return people, [(a, b, draw(st.sampled_from(("positive", "negative")))) for a, b in chosen]


@few
@given(_judged_people())
def test_two_valid_numbers_of_one_kind_are_never_one_entity(
    case: tuple[list[dict[str, Any]], list[tuple[int, int, str]]],
) -> None:
    people, human = case
    subjects, _ = _frames(people)
    strong = subjects.set_index("subject_id")["strong"]
    for group in _groups(_judge(people, human)):
        assert strong[list(group)].dropna().nunique() <= 1, "not even when people say so"


@few
@given(_judged_people())
def test_a_persons_negative_edge_is_never_crossed(case: tuple[list[dict[str, Any]], list[tuple[int, int, str]]]) -> None:
    people, human = case
    clusters = _judge(people, human).clusters
    for left, right, judgement in human:
        if judgement == "negative":
            assert clusters.root(left) != clusters.root(right)


@few
@given(_people, st.randoms(use_true_random=False))
def test_neither_order_nor_numbering_matters(people: list[dict[str, Any]], chance: Any) -> None:
    """Subjects are numbered as they come: files in another order give other numbers, but the same entities."""
    order = list(range(len(people)))
    chance.shuffle(order)
    straight, turned = _judge(people), _judge([people[k] for k in order])
    assert {frozenset(order[i - 1] + 1 for i in group) for group in _groups(turned)} == _groups(straight)
    roots = straight.clusters.root
    assert {roots(order[d[0] - 1] + 1) for d in turned.doubts} == {roots(d[0]) for d in straight.doubts}
    assert all(min(group) == straight.clusters.root(next(iter(group))) for group in _groups(straight)), (
        "called after the oldest"
    )


@few
@given(_people)
def test_the_same_number_is_the_same_entity_under_any_name(people: list[dict[str, Any]]) -> None:
    subjects, _ = _frames(people)
    clusters = _judge(people).clusters
    for _, same in subjects.dropna(subset=["strong"]).groupby("strong")["subject_id"]:
        assert len({clusters.root(int(s)) for s in same}) == 1


@few
@given(_people)
def test_names_alone_and_visible_digits_against_it_link_nothing(people: list[dict[str, Any]]) -> None:
    bare = [p | {"tokens": []} for p in people]
    subjects, _ = _frames(bare)
    for group in _groups(_judge(bare)):
        assert len(group) == 1 or subjects.set_index("subject_id")["strong"][list(group)].nunique(dropna=False) == 1


def test_a_masked_number_and_a_name_do_not_link_but_with_one_more_field_do() -> None:
    full, hidden = {"name": NAMES[0], "number": NUMBERS[0]}, {"name": NAMES[0], "number": NUMBERS[0], "shown": "mask"}
    assert len(_groups(_judge([full, hidden]))) == 2
    assert len(_groups(_judge([full | {"tokens": ["phone:1"]}, hidden | {"tokens": ["phone:1"]}]))) == 1
    other = hidden | {"number": NUMBERS[1], "tokens": ["phone:1"]}
    assert len(_groups(_judge([full | {"tokens": ["phone:1"]}, other]))) == 2, "the visible digits speak against it"


def test_two_candidates_link_none_and_are_a_doubt() -> None:
    twins = [{"name": NAMES[0], "number": n, "tokens": [t]} for n, t in zip(NUMBERS[:2], ("phone:1", "address:1"), strict=True)]
    judged = _judge([*twins, {"name": NAMES[0], "shown": "none", "tokens": ["phone:1", "address:1"]}])
    assert len(_groups(judged)) == 3
    assert {d[0] for d in judged.doubts} == {3}
    same = _judge(
        [
            *[t | {"tokens": [*t["tokens"], "account:1"]} for t in twins[:1]],
            twins[1],
            {"name": NAMES[0], "shown": "none", "tokens": ["account:1", "address:1"]},
        ]
    )
    assert frozenset({1, 3}) in _groups(same), "but for the same account, which no namesake shares"


def test_what_many_names_share_says_nothing() -> None:
    pair = [
        {"name": NAMES[0], "number": NUMBERS[0], "tokens": ["phone:1"]},
        {"name": NAMES[0], "shown": "none", "tokens": ["phone:1"]},
    ]
    assert len(_groups(_judge(pair))) == 1
    crowd = [{"name": f"某{c}", "shown": "none", "tokens": ["phone:1"]} for c in "甲乙丙丁"]
    assert len(_groups(_judge([*pair, *crowd]))) == 6


def test_a_person_and_a_business_are_never_one_by_partial_evidence() -> None:
    person = {"name": NAMES[0], "number": NUMBERS[0], "tokens": ["phone:1", "account:1", "payee:1"]}
    assert len(_groups(_judge([person, person | {"business": True, "number": None}]))) == 2


@given(st.sampled_from(NUMBERS), st.integers(0, 12), st.integers(0, 6), st.integers(0, 12), st.integers(0, 6))
def test_masks_of_one_number_always_fit(number: str, a: int, b: int, c: int, d: int) -> None:
    def hide(head: int, tail: int) -> str:
        return number[:head] + "*" * (18 - head - tail) + number[18 - tail :] if head + tail < 18 else number

    left, right = pd.Series([hide(a, b)], dtype="str"), pd.Series([hide(c, d)], dtype="str")
    assert masks_fit(left, right).tolist() == [True]
    wrong = pd.Series(["9" + number[1:]], dtype="str")
    assert masks_fit(wrong, pd.Series([number[:6] + "********" + number[-4:]], dtype="str")).tolist() == [False]


def test_hubs_are_counted_by_names() -> None:
    """The real count: four names on one phone make it a hub; one name on it many times does not."""
    columns = [
        "record_id",
        "subject_id",
        "subject_key",
        "phone_hash",
        "phone_hashes",
        "payee_hash",
        "address_key",
        "platform",
        "operator_key",
        "legal_key",
    ]
    rows = [
        {"record_id": n, "subject_id": n, "subject_key": key, "phone_hash": phone}
        for n, (key, phone) in enumerate([("甲", "p"), ("乙", "p"), ("丙", "p"), ("丁", "p"), *[("甲", "q")] * 5], start=1)
    ]
    records = pd.DataFrame(rows, columns=columns)
    records = records.astype({c: "str" for c in columns if c not in ("record_id", "subject_id")})
    accounts = pd.DataFrame(
        {"record_id": [r["record_id"] for r in rows], "account_id": pd.Series([None] * len(rows), dtype="str")}
    )
    found = tokens(records, accounts)
    assert found.groupby("token")["hub"].all().to_dict() == {"p": True, "q": False}
