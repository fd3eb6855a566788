from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from normalise_cases import text

from zp_registry.dates import parse_dates

MOMENT = dt.datetime.combine(dt.date(1990, 1, 1), dt.time())
SERIAL_DAYS = st.dates(dt.date(1955, 1, 1), dt.date(2064, 1, 1))
STYLES = (
    lambda d: f"{d.year}-{d.month}-{d.day}",
    lambda d: f"{d:%Y/%m/%d}",
    lambda d: f"{d:%Y.%m.%d}",
    lambda d: f"{d:%Y%m%d}",
    lambda d: f"{d.year}年{d.month}月{d.day}日",
    lambda d: f"{d.year} 年 {d.month} 月 {d.day} 日",
    lambda d: f"{d:%Y-%m-%d} 23:59:59",
    lambda d: f"{d:%Y/%m/%d} 8:05",
    lambda d: f"{d:%Y-%m-%d}T00:00:00+08:00",
    lambda d: str((d - dt.date(1899, 12, 30)).days),
    lambda d: f"{(d - dt.date(1899, 12, 30)).days}.75",
    lambda d: f"{d:%Y%m%d}.0",
    lambda d: f"{d:%Y%m%d}101112",
    lambda d: "".join(chr(ord(c) + 0xFEE0) for c in f"{d:%Y-%m-%d}"),
)


@given(st.lists(SERIAL_DAYS, min_size=1, max_size=20))
def test_every_style_reads_as_the_day_it_was_written_from(days: list[dt.date]) -> None:
    for style in STYLES:
        assert parse_dates(text(*(style(d) for d in days))).tolist() == [d.isoformat() for d in days]


@given(st.datetimes(MOMENT, MOMENT.replace(year=2060)), st.integers(-12 * 60, 14 * 60))
def test_a_zone_moves_the_day_to_shanghai(moment: dt.datetime, offset: int) -> None:
    zoned = moment.replace(tzinfo=dt.timezone(dt.timedelta(minutes=offset)), microsecond=0)
    local = zoned.astimezone(dt.timezone(dt.timedelta(hours=8))).date().isoformat()
    assert parse_dates(text(zoned.isoformat(), f"{zoned:%Y-%m-%d %H:%M:%S%z}")).tolist() == [local, local]


@pytest.mark.parametrize(
    "value",
    [
        "2024-02-30",
        "2023-02-29",
        "2024-13-01",
        "2024-00-10",
        "03/01/2024",
        "24-3-1",
        "2024-03",
        "2024",
        "19999",
        "60001",
        "abc",
        "2024-3-1 25:00",
        "99999999",
        "20240230",
        "0000-00-00",
        "2024-3-1至2025-3-1",
        "",
    ],
)
def test_what_is_no_certain_day_is_none(value: str) -> None:
    assert parse_dates(text(value)).isna().all()


@given(st.lists(st.one_of(st.none(), st.text(max_size=12)), max_size=10))
def test_any_text_gives_a_date_or_nothing_and_is_stable(values: list[str | None]) -> None:
    once = parse_dates(text(*values))
    assert once.dropna().str.fullmatch(r"\d{4}-\d{2}-\d{2}").all()
    pd.testing.assert_series_equal(parse_dates(once), once)


def test_index_and_name_are_kept() -> None:
    series = pd.Series(["2024-3-1", None], index=[7, 3], name="opened_on", dtype="str")
    out = parse_dates(series)
    assert out.index.tolist() == [7, 3]
    assert out.name == "opened_on"
    assert len(parse_dates(text())) == 0
