"""When a file is believed: expectations, and what a person's reason can and cannot lift."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import World, kuaishou, person, row, wechat

from zp_registry.errors import FileRefused
from zp_registry.frames import FAULTS
from zp_registry.quarantine.codes import CODES
from zp_registry.quarantine.judge import Expectations, Judged, judge

JAN, FEB, MAR = "2026-01-31", "2026-02-28", "2026-03-31"
NOBODY: dict[str, Any] = {"name": None, "person": None, "person_id": None, "streamers": []}


def _frame(n: int, **columns: list[str | None]) -> pd.DataFrame:
    base: dict[str, list[str | None]] = {
        "part": ["main"] * n,
        "account_id": [f"a{k}" for k in range(n)],
        "contact_phone": ["1"] * n,
    }
    return pd.DataFrame({k: pd.Series(v, dtype="str") for k, v in (base | columns).items()})


def _faults(*items: tuple[int, str]) -> pd.DataFrame:
    rows = [{"idx": i, "field": "x", "header": "x", "code": c, "note": ""} for i, c in items]
    return pd.DataFrame(rows, columns=list(FAULTS)).astype({"idx": "int64", "code": "str"})


def _judge(
    frame: pd.DataFrame,
    faults: pd.DataFrame | None = None,
    accept: str | None = None,
    *,
    full: bool = True,
    previous: dict[str, int] | None = None,
    **expected: Any,
) -> Judged:
    return judge(
        frame,
        _faults() if faults is None else faults,
        Expectations(**expected),
        file="f.csv",
        full=full,
        previous=previous,
        accept=accept,
    )


def _refusal(*args: Any, **options: Any) -> str:
    with pytest.raises(FileRefused) as error:
        _judge(*args, **options)
    assert error.value.code in CODES
    return error.value.code


@given(
    st.lists(
        st.tuples(
            st.integers(0, 19),
            st.sampled_from(sorted(c for c, v in CODES.items() if v.severity in ("reject", "empty", "note"))),
        ),
        max_size=12,
    )
)
def test_a_row_is_rejected_by_reject_codes_alone(items: list[tuple[int, str]]) -> None:
    out = _judge(_frame(20), _faults(*items), max_rejected_share=1.0) if items else _judge(_frame(20))
    bad = {i for i, c in items if CODES[c].severity == "reject"}
    assert set(out.rejected.index) == bad
    assert set(out.accepted.index) == set(range(20)) - bad
    assert len(out.faults) == len(items)


def test_too_few_rows() -> None:
    assert _refusal(_frame(9), min_rows=10) == "ROWS_TOO_FEW"
    assert _judge(_frame(10), min_rows=10).remarks == []
    assert [c for c, _ in _judge(_frame(9), accept="市场关闭", min_rows=10).remarks] == ["ROWS_ACCEPTED"]


def test_a_drop_against_the_last_full_report() -> None:
    before = {"main": 40}
    assert _refusal(_frame(19), previous=before) == "ROWS_DROPPED"
    assert _judge(_frame(20), previous=before).remarks == []
    assert _judge(_frame(19), previous=before, accept="确已注销").remarks[0][0] == "ROWS_ACCEPTED"
    assert _judge(_frame(5), previous=before, full=False).remarks == [], "a delta may be as short as it likes"
    assert _judge(_frame(3), previous={"main": 19}).remarks == [], "of few accounts half may go"
    assert _judge(_frame(5), previous={"other": 400}).remarks == [], "another list is not compared"


def test_a_rejected_row_counts_as_present_for_the_drop() -> None:
    faults = _faults(*[(i, "HOLDER_MISSING") for i in range(9)])
    out = _judge(_frame(20), faults, previous={"main": 40})
    assert len(out.rejected) == 9


def test_too_many_rejects_are_refused_even_with_a_reason() -> None:
    faults = _faults(*[(i, "HOLDER_MISSING") for i in range(11)])
    assert _refusal(_frame(20), faults) == "REJECTED_TOO_MANY"
    assert _refusal(_frame(20), faults, accept="我要") == "REJECTED_TOO_MANY"
    ten = _judge(_frame(20), _faults(*[(i, "HOLDER_MISSING") for i in range(10)]))
    assert "SHARE_REJECTED" in [c for c, _ in ten.remarks]
    assert len(_judge(_frame(4), _faults((0, "HOLDER_MISSING"), (1, "HOLDER_MISSING"), (2, "HOLDER_MISSING"))).accepted) == 1
    assert _refusal(_frame(1), _faults((0, "HOLDER_MISSING"))) == "REJECTED_TOO_MANY", "nothing at all is left"


def test_fill_rates_count_the_rows_that_are_kept() -> None:
    half: list[str | None] = ["1", None] * 5
    assert _refusal(_frame(10, contact_phone=half), min_fill={"contact_phone": 0.6}) == "FILL_TOO_LOW"
    assert _judge(_frame(10, contact_phone=half), min_fill={"contact_phone": 0.5}).remarks == []
    assert (
        _judge(_frame(10, contact_phone=half), accept="平台不再提供", min_fill={"contact_phone": 0.6}).remarks[0][0]
        == "ROWS_ACCEPTED"
    )


def test_shares_of_invalid_and_masked_rows_are_remarked_upon() -> None:
    invalid = _judge(_frame(10), _faults((0, "ID_CHECK"), (0, "PHONE_INVALID"), (1, "ID_CHECK"), (2, "USCC_CHECK")))
    assert dict(invalid.remarks) == {"SHARE_INVALID": "30%"}, "rows are counted, not values"
    masked = _judge(_frame(10), _faults(*[(i, "ID_MASKED") for i in range(6)]))
    assert [c for c, _ in masked.remarks] == ["SHARE_MASKED"]


# -- the same through the whole import


def test_a_shrunken_report_needs_a_reason_and_the_reason_is_kept(county: World) -> None:
    everyone = [row(f"k{n}", person(n)) for n in range(30)]
    county.kuaishou(JAN, everyone)
    path = kuaishou(county.file("kuaishou_20260228.csv"), everyone[:12])
    refused = county.try_load(path)
    assert (refused.state, refused.code) == ("refused", "ROWS_DROPPED")
    assert "30 → 12" in refused.message
    assert "--accept" in refused.message
    assert len(county.sql("SELECT id FROM report WHERE as_of = :d", d=FEB)) == 0
    noted = county.sql("SELECT state, refusal FROM report_file ORDER BY id DESC LIMIT 1")
    assert noted.to_dict("records") == [{"state": "refused", "refusal": "ROWS_DROPPED"}]

    accepted = county.load(path, accept="市场已关闭一半")
    assert "ROWS_ACCEPTED" in [w["code"] for w in accepted.warnings]
    kept = county.sql(
        "SELECT f.accepted_reason, a.reason FROM report_file f, audit a WHERE f.state = 'loaded' AND a.action = 'accept file' "
        "AND f.accepted_reason IS NOT NULL"
    )
    assert kept.to_numpy().tolist() == [["市场已关闭一半"] * 2]
    county.night()
    assert county.holdings("k20") == [(person(20).name, JAN, FEB)]
    assert county.kuaishou(MAR, everyone[:12]).state in ("loaded", "unchanged"), "the next is compared with the accepted one"


def test_a_late_report_is_compared_with_the_one_before_it_alone(county: World) -> None:
    everyone = [row(f"k{n}", person(n)) for n in range(30)]
    county.kuaishou(JAN, everyone[:10])
    county.kuaishou(MAR, everyone)
    assert county.kuaishou(FEB, everyone[:11]).state != "refused"


def test_a_file_of_bad_rows_is_refused_and_keeps_nothing(county: World) -> None:
    rows = [row(f"k{n}", person(n), **(NOBODY if n < 4 else {})) for n in range(6)]
    refused = county.try_load(kuaishou(county.file("kuaishou_20260131.csv"), rows))
    assert (refused.state, refused.code) == ("refused", "REJECTED_TOO_MANY")
    assert all(len(county.sql(f"SELECT * FROM {t}")) == 0 for t in ("report", "record", "reject"))


def test_a_short_delta_is_believed(county: World) -> None:
    everyone = [row(f"c{n}", person(n)) for n in range(30)]
    county.wechat(JAN, everyone)
    short = county.load(wechat(county.file("wechat_channels_20260228.xlsx"), [row("c1", person(1), info="变更")], FEB))
    assert short.state == "loaded"
