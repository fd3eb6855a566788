"""Whole pulls in every dialect over real sockets: what arrives, whatever goes wrong on the way."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from rehearsed import FAULTS, PLATFORMS, Platform, ids_of, interface, people

from zp_registry.errors import Fatal, Retriable, SourceFailed
from zp_registry.rehearsal import Fault
from zp_registry.sources.api.paging import stretches
from zp_registry.sources.api.pull import replay

Playing = Callable[..., Platform]


def expected_order(one: Platform) -> list[str]:
    """Ids in the order in which pages are asked: a list that is read backwards comes page by page from its end."""
    paging = interface(one.name).paging
    if not paging.backwards:
        return one.ids()
    rows, size = one.ids(), paging.size
    starts = range((len(rows) - 1) // size * size, -1, -size)
    return [i for start in starts for i in rows[start : start + size]]


@pytest.mark.parametrize("name", PLATFORMS)
def test_every_record_arrives_once_and_in_order(playing: Playing, name: str) -> None:
    one = playing(name, 450)
    got = one.pull()
    assert (got.complete, got.records, got.remarks, got.retries) == (True, 450, [], 0)
    assert ids_of(got) == expected_order(one)
    assert one.gateway.refusals == {}, "every signature and token was right at once"
    assert len(one.gateway.cut_offs) <= 1 * max(len(interface(name).lists), 1), "the cut-off is frozen before the first page"


@pytest.mark.parametrize("name", PLATFORMS)
def test_nothing_is_lost_or_doubled_whatever_goes_wrong(playing: Playing, name: str) -> None:
    """Fifty pages and more, and every kind of fault on the way once."""
    faults = [f for kind in FAULTS.values() for f in (Fault(), kind)]
    one = playing(name, 1000, faults=faults, change={"paging": {"size": 20}})
    got = one.pull()
    assert got.complete, got.remarks
    assert sorted(ids_of(got)) == sorted(one.ids())
    assert len(one.gateway.script.played) >= 12
    assert got.retries >= 12


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("name", ["kuaishou", "xiaohongshu", "jd"])
def test_each_fault_passes_by_itself(playing: Playing, name: str, kind: str) -> None:
    one = playing(name, 450, faults=[Fault(), FAULTS[kind]])
    got = one.pull()
    assert got.complete, got.remarks
    assert sorted(ids_of(got)) == sorted(one.ids())


@pytest.mark.parametrize("name", PLATFORMS)
def test_never_more_requests_than_the_stated_rate(playing: Playing, name: str) -> None:
    faults = [Fault(), Fault(status=500), Fault(drop=True), Fault(), Fault(stall=0.2), Fault(redirect=None), Fault(busy=True)]
    one = playing(name, 2500, faults=faults, change={"pace": {"per_second": 25}})
    assert one.pull().complete
    assert len(one.gateway.arrivals) > 12
    assert one.gateway.most_in(1.0) <= 25


@pytest.mark.parametrize("name", ["douyin", "weipaitang"])
def test_a_token_that_is_revoked_in_the_middle_is_replaced_once(playing: Playing, name: str) -> None:
    one = playing(name, 900, faults=[Fault(), Fault(revoke=True)])
    got = one.pull()
    assert got.complete
    assert one.gateway.refusals == {"token": 1}


def test_a_token_that_is_refused_again_and_again_stops_the_pull(playing: Playing) -> None:
    one = playing("douyin", 900, rules=[{"share": 1.0, "revoke": True}])
    with pytest.raises(Fatal, match="令牌") as caught:
        one.pull()
    assert caught.value.kind == "token"
    assert one.gateway.refusals["token"] == 2, "one new token, one repetition"


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_token_is_renewed_before_it_ends(playing: Playing, name: str) -> None:
    one = playing(name, 900, life=2.0, change={"pace": {"per_second": 8}})
    assert one.pull().complete
    assert "token" not in one.gateway.refusals


@pytest.mark.parametrize("name", PLATFORMS)
@pytest.mark.parametrize("secret", ["wrong"])
def test_a_wrong_secret_is_final_and_asked_for_once(playing: Playing, name: str, secret: str) -> None:
    one = playing(name, 50)
    for role in one.gateway.secrets:
        before = len(one.gateway.arrivals)
        with pytest.raises(Fatal) as caught:
            one.pull(secrets={**one.gateway.secrets, role: secret})
        assert len(one.gateway.arrivals) - before <= 2
        assert caught.value.kind in ("signature", "token", "secret", "rights"), (role, str(caught.value))
        assert all(value not in str(caught.value) for value in one.gateway.secrets.values())


@pytest.mark.parametrize("name", ["taobao", "pinduoduo", "jd", "douyin", "kuaishou"])
@pytest.mark.parametrize("ahead", [3600.0, -3600.0])
def test_a_clock_that_differs_is_corrected_once_by_the_platforms(playing: Playing, name: str, ahead: float) -> None:
    one = playing(name, 300, ahead=ahead)
    assert one.pull().complete
    assert one.gateway.refusals == {"clock": 1}


def test_a_ban_of_so_many_seconds_is_waited_out(playing: Playing) -> None:
    one = playing("taobao", 300, faults=[Fault(limited=True, seconds=1)])
    start = time.monotonic()
    assert one.pull().complete
    assert time.monotonic() - start >= 2, "a second more than the platform says"


@pytest.mark.parametrize("header", [{"retry_after": "1"}, {"ratelimit": 1}])
def test_waits_that_headers_ask_for_are_kept(playing: Playing, header: dict[str, Any]) -> None:
    one = playing("xiaohongshu", 300, faults=[Fault(status=429, **header)])
    start = time.monotonic()
    assert one.pull().complete
    assert time.monotonic() - start >= 1


def test_a_page_after_which_nothing_remains_makes_the_next_one_wait(playing: Playing) -> None:
    one = playing("xiaohongshu", 300, faults=[Fault(ratelimit=1)])
    one.pull()
    first, second = one.gateway.arrivals
    assert second - first >= 1


def test_the_days_limit_of_the_platform_ends_the_day(playing: Playing) -> None:
    one = playing("wechat_channels", 300)
    one.gateway._dialect.codes = {"busy": 45009}  # type: ignore[attr-defined]
    one.gateway.script._list = [Fault(busy=True)]
    with pytest.raises(Fatal, match="明天"):
        one.pull()
    with pytest.raises(SourceFailed, match="不再请求"):
        one.pull()
    assert one.pull(named=True).complete, "an operator may try"


def test_a_quota_of_the_day_is_kept_over_runs(playing: Playing) -> None:
    one = playing("xiaohongshu", 1000, change={"pace": {"per_day": 3}})
    with pytest.raises(SourceFailed, match="3 次"):
        one.pull()
    with pytest.raises(SourceFailed, match="3 次"):
        one.pull()
    assert len(one.gateway.arrivals) == 3


def test_outside_the_platforms_hours_nothing_is_asked(playing: Playing) -> None:
    import datetime as dt

    now = dt.datetime.now(dt.timezone(dt.timedelta(hours=8)))
    span = f"{now + dt.timedelta(hours=2):%H:%M}-{now + dt.timedelta(hours=3):%H:%M}"
    one = playing("xiaohongshu", 10, change={"pace": {"hours": span}})
    with pytest.raises(SourceFailed, match="允许的时间"):
        one.pull()
    assert one.gateway.arrivals == []


def test_a_circuit_breaks_and_is_tried_again_by_name(playing: Playing) -> None:
    one = playing(
        "xiaohongshu", 10, rules=[{"at": list(range(1, 5)), "status": 500}], change={"limits": {"breaker_failures": 4}}
    )
    with pytest.raises(SourceFailed, match="暂停请求"):
        one.pull()
    assert len(one.gateway.arrivals) == 4
    with pytest.raises(SourceFailed, match="不再请求"):
        one.pull()
    assert len(one.gateway.arrivals) == 4, "nothing was asked while it rests"
    assert one.pull(named=True).complete
    assert one.pull().complete, "one good answer closes it"


def test_an_answer_beyond_the_cap_is_refused(playing: Playing) -> None:
    one = playing("xiaohongshu", 10, faults=[Fault(oversize=100_000)], change={"limits": {"answer_bytes": 50_000}})
    with pytest.raises(Fatal, match="50000"):
        one.pull()


def test_a_next_link_to_another_host_is_not_followed(playing: Playing) -> None:
    elsewhere = playing("weipaitang", 300)
    one = playing("weipaitang", 300)
    page = one.gateway._dialect.page

    def lured(asked: Any, fault: Fault) -> Any:
        answered = page(asked, fault)
        answered.value["next"] = elsewhere.spec.base_url + "/v1/identity-reports?after=0&limit=10"
        return answered

    one.gateway._dialect.page = lured  # type: ignore[method-assign]
    with pytest.raises(Fatal, match="另一个地址"):
        one.pull()
    assert elsewhere.gateway.arrivals == [], "the token went nowhere else"


def test_a_redirect_elsewhere_is_refused(playing: Playing) -> None:
    elsewhere = playing("xiaohongshu", 10)
    for name in ("xiaohongshu", "jd"):
        one = playing(name, 10, faults=[Fault(redirect=elsewhere.spec.base_url + "/reports/identity")])
        with pytest.raises(Fatal, match="另一个地址"):
            one.pull()
    assert elsewhere.gateway.arrivals == []


def test_a_total_that_never_fits_makes_the_report_incomplete(playing: Playing) -> None:
    for name in ("xiaohongshu", "kuaishou", "pinduoduo"):
        got = playing(name, 250, rules=[{"share": 1.0, "wrong_total": 2}]).pull()
        assert not got.complete
        assert any("252" in r and "250" in r for r in got.remarks), (name, got.remarks)


def test_a_cursor_that_turns_in_a_circle_ends(playing: Playing) -> None:
    one = playing("kuaishou", 250)
    page = one.gateway._dialect.page

    def circle(asked: Any, fault: Fault) -> Any:
        answered = page(asked, fault)
        answered.value["data"]["cursor"] = "YXQ6MTAw"
        return answered

    one.gateway._dialect.page = circle  # type: ignore[method-assign]
    got = one.pull()
    assert not got.complete
    assert len(one.gateway.arrivals) < 20


def test_a_list_that_moves_meanwhile_is_read_once_more(playing: Playing) -> None:
    """A shop opens while page 1 is read: page 2 repeats the last record of page 1."""
    one = playing("xiaohongshu", 450)
    rows = one.gateway.records[""]
    page = one.gateway._dialect.page

    def move(asked: Any, fault: Fault) -> Any:
        answered = page(asked, fault)
        if len(rows) == 450:
            rows.insert(0, {"id": "new"})  # type: ignore[attr-defined]
        return answered

    one.gateway._dialect.page = move  # type: ignore[method-assign]
    got = one.pull()
    assert (got.complete, got.records) == (True, 451)
    assert any("重新拉取" in r for r in got.remarks)


def test_doubles_that_the_platform_itself_holds_do_not_make_the_report_incomplete(playing: Playing) -> None:
    far = [*people(300), people(300)[2]]
    got = playing("xiaohongshu", {"": far}).pull()
    assert (got.complete, got.records, got.total) == (True, 300, 301)
    assert any("原有" in r for r in got.remarks)


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_pull_can_be_replayed_from_its_pages(playing: Playing, name: str) -> None:
    one = playing(name, 450, faults=[Fault(), Fault(status=500), Fault(repeat_page=True)])
    got = one.pull()
    again = replay(got.pages, one.spec)
    assert (again.file.sha256, again.complete, again.records, again.requests) == (got.file.sha256, got.complete, 450, 0)
    assert ids_of(again) == ids_of(got)
    assert hashlib.sha256(got.pages).digest() == hashlib.sha256(again.pages).digest()


def test_the_hash_does_not_depend_on_the_size_of_pages(playing: Playing) -> None:
    one = playing("xiaohongshu", 250)
    hashes = {one.pull(change={"paging": {"size": size}}).file.sha256 for size in (1000, 7, 100)}
    assert len(hashes) == 1


def test_windows_of_time_are_asked_one_after_the_other(playing: Playing) -> None:
    import datetime as dt

    spec = interface("pinduoduo").model_copy(update={"window": None})
    data = spec.model_dump(by_alias=True, exclude_defaults=True)
    data["request"]["form"]["start"] = "{from:s}"
    data["request"]["form"]["end"] = "{to:s}"
    data["window"] = {"days": 2.5, "hours": 24}
    from zp_registry.sources.api.spec import ApiSpec

    now = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)
    spans = [(s.start, s.end) for s in stretches(ApiSpec.model_validate(data), now)]
    assert len(spans) == 3
    assert spans[0][0] == now - dt.timedelta(days=2.5)
    assert spans[-1][1] == now
    assert all(a[1] == b[0] for a, b in pairwise(spans))


def test_attempts_end_with_a_plain_error(playing: Playing) -> None:
    one = playing("jd", 10, rules=[{"share": 1.0, "html": True}], change={"limits": {"attempts": 3}})
    with pytest.raises(Retriable, match=r"网页.*已试 3 次"):
        one.pull()
