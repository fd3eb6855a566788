"""What must hold of every clustering, whatever the subjects look like."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zp_registry.resolve import scope
from zp_registry.resolve.clusters import Caps
from zp_registry.resolve.matching import Matched, MatchRules, match
from zp_registry.resolve.model import load_model
from zp_registry.resolve.subjects import ROWS, SHARED, Hubs, masks_fit

NAMES, NUMBERS = ("钱永文", "周春山", "吴国庆"), ("411324199001010011", "411324199001010038", "411324198505050044")
TOKENS = ("phone:1", "phone:2", "payee:1", "address:1", "account:1", "account:2")
_INTEGERS = ("record_id", "subject_id", "live", "was_live", "loose")
_AS = {"phone": "phone_hash", "payee": "payee_hash", "address": "address_key", "account": "account_ref"}
RULES = MatchRules(None)
EASY = Hubs(dict.fromkeys(SHARED, 2))  # two names make a hub, so that small worlds have them


def _mask(number: str) -> str:
    return number[:6] + "********" + number[-4:]


def _rows(people: list[dict[str, Any]], number_of: list[int] | None = None) -> pd.DataFrame:
    """Records of each of ``people``, one for every token (a record has one phone, payee, address and account)."""
    rows: list[dict[str, Any]] = []
    for n, p in enumerate(people, start=1):
        number, shown, business = p.get("number"), p.get("shown", "full"), p.get("business", False)
        own = {
            "subject_id": number_of[n - 1] if number_of else n,
            "subject_kind": "enterprise" if business else "natural_person",
            "subject_key": p["name"],
            "uscc": number if business and shown == "full" else None,
            "id_hash": number if not business and shown == "full" else None,
            "id_mask": _mask(number) if number and not business and shown != "none" else None,
            "platform": "p",
        }
        tokens = [t.split(":") for t in p.get("tokens", ())] or [None]
        for token in tokens:
            value = {} if token is None else {_AS[token[0]]: "addr ess" + token[1] if token[0] == "address" else token[1]}
            rows.append(
                {"live": 1, "was_live": 1, "loose": 0, **own, **value, "record_id": 100 * own["subject_id"] + len(rows)}
            )
    return _typed(pd.DataFrame(rows, columns=list(ROWS)))


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.astype({c: "int64" if c in _INTEGERS else "str" for c in ROWS})


def _none() -> pd.DataFrame:
    frame = pd.DataFrame({"record_id": [], "account_id": [], "was_account_id": []})
    return frame.astype({"record_id": "int64", "account_id": "str", "was_account_id": "str"})


def _order(rows: pd.DataFrame, key: dict[int, int] | None = None) -> pd.DataFrame:
    ids = rows["subject_id"].drop_duplicates()
    return pd.DataFrame({"subject_id": ids, "key": [f"{(key or {}).get(i, i):09d}" for i in ids]}).astype({"key": "str"})


def _edges(pairs: list[tuple[int, int, str]]) -> pd.DataFrame:
    frame = pd.DataFrame(pairs, columns=["left_id", "right_id", "judgement"])
    return frame.astype({"left_id": "int64", "right_id": "int64", "judgement": "str"})


@dataclass
class Judged:
    matched: Matched

    @property
    def groups(self) -> set[frozenset[int]]:
        roots = self.matched.roots
        return {frozenset(int(i) for i in g.index) for _, g in roots.groupby(roots)}

    def root(self, subject: int) -> int:
        return int(self.matched.roots[subject])

    @property
    def doubts(self) -> set[frozenset[int]]:
        """The pairs of clusters between which a rival stands."""
        edges = self.matched.edges
        rivals = edges[(edges["judgement"] == "unsure") & (edges["rule"] == "rival")]
        return {frozenset((self.root(a), self.root(b))) for a, b in zip(rivals["left_id"], rivals["right_id"], strict=True)}


def _judge(
    people: list[dict[str, Any]],
    human: list[tuple[int, int, str]] | None = None,
    rules: MatchRules = RULES,
    key: dict[int, int] | None = None,
) -> Judged:
    rows = _rows(people)
    return Judged(match(rows, _none(), _order(rows, key), _edges(human or []), rules))


def _strong(people: list[dict[str, Any]]) -> pd.Series:
    rows = _rows(people).drop_duplicates("subject_id").set_index("subject_id")
    return ("uscc:" + rows["uscc"]).fillna("id:" + rows["id_hash"])


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
    strong = _strong(people)
    for group in _judge(people, human).groups:
        assert strong[list(group)].dropna().nunique() <= 1, "not even when people say so"


@few
@given(_judged_people())
def test_a_persons_negative_edge_is_never_crossed(case: tuple[list[dict[str, Any]], list[tuple[int, int, str]]]) -> None:
    people, human = case
    clusters = _judge(people, human)
    for left, right, judgement in human:
        if judgement == "negative":
            assert clusters.root(left) != clusters.root(right)


@few
@given(_people, st.randoms(use_true_random=False))
def test_neither_order_nor_numbering_matters(people: list[dict[str, Any]], chance: Any) -> None:
    """Subjects are numbered as they come: files in another order give other numbers, but the same entities."""
    order = list(range(len(people)))
    chance.shuffle(order)
    straight = _judge(people)
    turned = _judge([people[n] for n in order], key={new + 1: old + 1 for new, old in enumerate(order)})
    assert {frozenset(order[i - 1] + 1 for i in group) for group in turned.groups} == straight.groups
    back = {frozenset(straight.root(order[i - 1] + 1) for i in pair) for pair in turned.doubts}
    assert back == straight.doubts
    assert all(min(group) == straight.root(next(iter(group))) for group in straight.groups), "called after the oldest"


@few
@given(_people)
def test_the_same_number_is_the_same_entity_under_any_name(people: list[dict[str, Any]]) -> None:
    clusters, strong = _judge(people), _strong(people).dropna()
    for _, same in strong.groupby(strong):
        assert len({clusters.root(int(s)) for s in same.index}) == 1


@few
@given(_people)
def test_names_alone_and_visible_digits_against_it_link_nothing(people: list[dict[str, Any]]) -> None:
    bare = [p | {"tokens": []} for p in people]
    strong = _strong(bare)
    for group in _judge(bare).groups:
        assert len(group) == 1 or strong[list(group)].nunique(dropna=False) == 1


def test_a_masked_number_and_a_name_do_not_link_but_with_one_more_field_do() -> None:
    full, hidden = {"name": NAMES[0], "number": NUMBERS[0]}, {"name": NAMES[0], "number": NUMBERS[0], "shown": "mask"}
    assert len(_judge([full, hidden]).groups) == 2
    assert len(_judge([full | {"tokens": ["phone:1"]}, hidden | {"tokens": ["phone:1"]}]).groups) == 1
    other = hidden | {"number": NUMBERS[1], "tokens": ["phone:1"]}
    assert len(_judge([full | {"tokens": ["phone:1"]}, other]).groups) == 2, "the visible digits speak against it"


def test_two_candidates_link_none_and_are_a_doubt() -> None:
    twins = [{"name": NAMES[0], "number": n, "tokens": [t]} for n, t in zip(NUMBERS[:2], ("phone:1", "address:1"), strict=True)]
    judged = _judge([*twins, {"name": NAMES[0], "shown": "none", "tokens": ["phone:1", "address:1"]}])
    assert len(judged.groups) == 3
    assert judged.doubts == {frozenset({1, 3}), frozenset({2, 3})}
    same = _judge(
        [
            *[t | {"tokens": [*t["tokens"], "account:1"]} for t in twins[:1]],
            twins[1],
            {"name": NAMES[0], "shown": "none", "tokens": ["account:1", "address:1"]},
        ]
    )
    assert frozenset({1, 3}) in same.groups, "but for the same account, which no namesake shares"


def test_what_many_names_share_says_nothing() -> None:
    pair = [
        {"name": NAMES[0], "number": NUMBERS[0], "tokens": ["phone:1"]},
        {"name": NAMES[0], "shown": "none", "tokens": ["phone:1"]},
    ]
    assert len(_judge(pair).groups) == 1
    crowd = [{"name": f"某{c}", "shown": "none", "tokens": ["phone:1"]} for c in "甲乙丙丁"]
    assert len(_judge([*pair, *crowd]).groups) == 6


def test_a_person_and_a_business_are_never_one_by_partial_evidence() -> None:
    person = {"name": NAMES[0], "number": NUMBERS[0], "tokens": ["phone:1", "account:1", "payee:1"]}
    assert len(_judge([person, person | {"business": True, "number": None}]).groups) == 2


@given(st.sampled_from(NUMBERS), st.integers(0, 12), st.integers(0, 6), st.integers(0, 12), st.integers(0, 6))
def test_masks_of_one_number_always_fit(number: str, a: int, b: int, c: int, d: int) -> None:
    def hide(head: int, tail: int) -> str:
        return number[:head] + "*" * (18 - head - tail) + number[18 - tail :] if head + tail < 18 else number

    left, right = pd.Series([hide(a, b)], dtype="str"), pd.Series([hide(c, d)], dtype="str")
    assert masks_fit(left, right).tolist() == [True]
    wrong = pd.Series(["9" + number[1:]], dtype="str")
    assert masks_fit(wrong, pd.Series([number[:6] + "********" + number[-4:]], dtype="str")).tolist() == [False]


def test_hubs_are_counted_by_names() -> None:
    """Four names on one phone make it a hub; one name on it many times does not."""
    crowd = [{"name": name, "shown": "none", "tokens": ["phone:1"]} for name in "甲甲甲甲甲乙丙"]
    assert frozenset(range(1, 6)) in _judge(crowd).groups
    assert all(len(g) == 1 for g in _judge([*crowd, {"name": "丁", "tokens": ["phone:1"]}]).groups)


def test_a_cluster_grows_no_larger_than_its_cap_and_the_rest_goes_to_review() -> None:
    crowd = [{"name": NAMES[0], "shown": "none", "tokens": ["phone:1"]} for _ in range(9)]
    judged = _judge(crowd, rules=MatchRules(None, caps=Caps(numbered=9, unnumbered=4)))
    assert max(len(g) for g in judged.groups) <= 4
    assert (judged.matched.edges["judgement"] == "unsure").any()


@dataclass
class Standing:
    """A registry in small: what is live now and was at the last resolve, and the machine's edges and clusters."""

    rows: pd.DataFrame
    order: pd.DataFrame
    human: pd.DataFrame
    edges: pd.DataFrame
    root: dict[int, int]
    names: pd.Series  # the account that each loose row was taken for at the last resolve

    def night(self, live: pd.Series, names: pd.Series, human: pd.DataFrame, rules: MatchRules) -> Matched:
        """Resolves what changed, and takes over the result as the registry does."""
        self.human = human
        rows = self.rows.assign(live=live.astype("int64"))
        rows = rows[(rows["live"] == 1) | (rows["was_live"] == 1)]
        done = match(rows, _loose(rows, names, self.names), self.order, human, rules, self.edges[["left_id", "right_id"]])
        outside = ~(self.edges["left_id"].isin(done.scope) | self.edges["right_id"].isin(done.scope))
        self.edges = pd.concat([self.edges[outside], done.edges], ignore_index=True)
        self.root = {s: r for s, r in self.root.items() if s not in set(done.scope)} | done.roots.to_dict()
        self.rows, self.names = self.rows.assign(was_live=live.astype("int64")), names
        return done


def _loose(rows: pd.DataFrame, names: pd.Series, former: pd.Series) -> pd.DataFrame:
    """Which accounts the loose ``rows`` are taken for now, and were at the last resolve."""
    own = rows[rows["loose"] == 1]
    now, was = names[own.index].where(own["live"] == 1), former[own.index].where(own["was_live"] == 1)
    return pd.DataFrame({"record_id": own["record_id"], "account_id": now, "was_account_id": was}).astype(
        {"account_id": "str", "was_account_id": "str"}
    )


def _as_set(edges: pd.DataFrame) -> set[tuple[Any, ...]]:
    return set(edges[["left_id", "right_id", "judgement", "tier", "rule", "score"]].itertuples(index=False, name=None))


@st.composite
def _nights(draw: st.DrawFn) -> tuple[pd.DataFrame, list[list[bool]], list[list[str]], list[list[tuple[int, int, str]]]]:
    """Records of people, some of them loose; which stand each night (reports come late, are superseded and come back); for
    which account the loose ones are taken that night; and judgements."""
    people = draw(st.lists(_person, min_size=3, max_size=12))
    rows = _rows(people)
    count = len(rows)
    named = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    rows["loose"] = (rows["account_ref"].notna() & pd.Series(named, index=rows.index)).astype("int64")
    # After the first night little changes, so that most of the world lies outside what changed.
    few_rows = st.lists(st.integers(0, count - 1), max_size=2)
    nights = [draw(st.lists(st.booleans(), min_size=count, max_size=count))]
    taken = [draw(st.lists(st.sampled_from("12"), min_size=count, max_size=count))]
    for flips, moves in draw(st.lists(st.tuples(few_rows, few_rows), min_size=1, max_size=3)):
        nights.append([live != (i in flips) for i, live in enumerate(nights[-1])])
        taken.append([{"1": "2", "2": "1"}[a] if i in moves else a for i, a in enumerate(taken[-1])])
    pairs = list(combinations(range(1, len(people) + 1), 2))
    chosen = draw(st.lists(st.tuples(st.sampled_from(pairs), st.sampled_from(("positive", "negative", "unsure"))), max_size=2))
    said = [[(*pair, word) for pair, word in chosen[:n]] for n in range(len(nights))]
    return rows, nights, taken, said


def _live_nights(case: Any, rules: MatchRules) -> None:
    rows, nights, taken_for, said = case
    rows = rows.assign(live=0, was_live=0)
    edges = pd.DataFrame(columns=["left_id", "right_id", "judgement", "tier", "rule", "score", "why"])
    edges = edges.astype({"left_id": "int64", "right_id": "int64", "score": "float64"})
    standing = Standing(rows, _order(rows), _edges([]), edges, {}, pd.Series("1", index=rows.index))
    for live, taken, human in zip(nights, taken_for, said, strict=True):
        judged = _edges(human).drop_duplicates(["left_id", "right_id"], keep="last").assign(live=True)
        names = pd.Series(taken, index=rows.index)
        standing.night(pd.Series(live, index=rows.index), names, judged, rules)
        now = rows[live].assign(live=1, was_live=1)
        whole = match(now, _loose(now, names, names), standing.order, judged, rules)
        assert standing.root == {int(k): int(v) for k, v in whole.roots.items()}
        assert _as_set(standing.edges) == _as_set(whole.edges)


@settings(max_examples=max(settings().max_examples // 3, 10), deadline=None)  # each is several nights: the many are for soak
@given(_nights())
def test_night_by_night_gives_what_resolving_everything_gives(case: Any) -> None:
    _live_nights(case, MatchRules(None, EASY))


@pytest.mark.soak
@settings(max_examples=max(settings().max_examples, 200), deadline=None)
@given(_nights())
def test_many_worlds_night_by_night(case: Any) -> None:
    _live_nights(case, MatchRules(None, EASY))


@settings(max_examples=6, deadline=None)
@given(_nights())
def test_night_by_night_with_the_model_too(case: Any) -> None:
    _live_nights(case, MatchRules(load_model(), EASY))


MASKED = {"name": NAMES[0], "number": NUMBERS[0], "shown": "mask"}
WHOLE = {"name": NAMES[0], "number": NUMBERS[0], "shown": "full"}
OTHER = {"name": NAMES[1], "shown": "none"}


def test_a_shared_row_taken_for_another_account_is_resolved_anew() -> None:
    rows = _rows([{**MASKED, "tokens": ["account:1"]}, {**WHOLE, "tokens": ["account:2"]}])
    rows["loose"] = [1, 0]
    taken = [["1", "1"], ["2", "1"]]
    whole = [match(rows, _loose(rows, pd.Series(t), pd.Series(t)), _order(rows), _edges([]), RULES) for t in taken]
    assert [w.roots.nunique() for w in whole] == [2, 1]
    _live_nights((rows, [[True, True]] * 2, taken, [[], []]), RULES)


def test_a_phone_that_becomes_a_hub_parts_those_it_joined() -> None:
    rows = _rows([{**p, "tokens": ["phone:1"]} for p in ({"name": NAMES[0], "shown": "none"}, WHOLE, OTHER)])
    nights = [[True, True, False], [True, True, True]]
    whole = [match(rows[live], _none(), _order(rows), _edges([]), MatchRules(None, EASY)) for live in nights]
    assert [w.roots[1] == w.roots[2] for w in whole] == [True, False]
    _live_nights((rows, nights, [["1"] * 3] * 2, [[], []]), MatchRules(None, EASY))


def _p(name: int, number: int | None = None, shown: str = "full", *tokens: str, business: bool = False) -> dict[str, Any]:
    known = None if number is None else NUMBERS[number]
    return {"name": NAMES[name], "number": known, "shown": shown, "tokens": tokens, "business": business}


# Subject 1 goes or comes; who is resolved anew. The last of each world has nothing to do with it.
@pytest.mark.parametrize(("people", "standing", "reached"), [
    ([_p(0), _p(1)], [], [1]),
    ([_p(0), _p(1), _p(2)], [(1, 2)], [1, 2]),
    ([_p(0, None, "none", "phone:1"), _p(0, None, "none", "phone:1"), _p(0, None, "none", "phone:2")], [], [1, 2]),
    ([_p(0, 0, business=True), _p(1, 0, business=True), _p(2, 1, business=True)], [], [1, 2]),
    ([_p(0, 0), _p(1, 0), _p(2, 1)], [], [1, 2]),
    ([_p(0, 0, "mask", "account:1"), _p(1, 0, "mask", "account:1"), _p(2, 0, "mask", "account:2")], [], [1, 2]),
    ([_p(0, 0), _p(1, 0, "full", "phone:1"), _p(1, None, "none", "phone:1"), _p(2)], [], [1, 2, 3]),
    ([_p(0, None, "none", "phone:1"), _p(1, None, "none", "phone:1"), _p(1, None, "none", "phone:2")], [], [1, 2]),
], ids=["alone", "edge", "name and phone", "credit code", "number", "digits on one account", "two steps", "hub"])  # fmt: skip
@pytest.mark.parametrize("column", ["live", "was_live"])
def test_a_change_reaches_all_that_it_may_concern_and_nobody_else(
    people: list[dict[str, Any]], standing: list[tuple[int, int]], reached: list[int], column: str
) -> None:
    rows = _rows(people)
    rows.loc[rows["subject_id"] == 1, column] = 0
    edges = _edges([(*pair, "positive") for pair in standing])[["left_id", "right_id"]]
    done = match(rows, _none(), _order(rows), _edges([]), MatchRules(None, EASY), edges)
    assert done.scope.tolist() == reached


def test_whom_people_have_judged_is_resolved_every_night() -> None:
    rows = _rows([_p(0), _p(1), _p(2)])
    done = match(rows, _none(), _order(rows), _edges([(1, 2, "negative")]), RULES, _edges([])[["left_id", "right_id"]])
    assert done.scope.tolist() == [1, 2]


def test_the_other_end_of_a_models_pair_brings_all_that_concerns_it() -> None:
    with duckdb.connect() as con:
        con.execute("CREATE TEMP TABLE scope AS SELECT 1::BIGINT AS subject_id")
        con.execute("CREATE TEMP TABLE bond AS FROM (VALUES (2::BIGINT, 'a'), (3, 'a'), (4, 'b')) b(subject_id, key)")
        pairs = _edges([(1, 2, "unsure")])
        assert scope.widen(con, pairs)
        assert sorted(con.execute("FROM scope").fetchall()) == [(1,), (2,), (3,)]
        assert not scope.widen(con, pairs)


def test_a_night_resolves_no_more_than_it_must() -> None:
    people = [{"name": f"某{n}", "shown": "none", "tokens": [f"phone:{n}"]} for n in range(50)]
    rows = _rows(people)
    order = _order(rows)
    first = match(rows.assign(was_live=0), _none(), order, _edges([]), RULES)
    changed = rows.assign(live=(rows["subject_id"] != 7).astype("int64"))
    done = match(changed, _none(), order, _edges([]), RULES, first.edges[["left_id", "right_id"]])
    assert done.scope.tolist() == [7]
