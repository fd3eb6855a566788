"""Counts over the follow-up lists: by platform for a town, by town × platform and by reason for the county, with charts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Final

import pandas as pd
from openpyxl.utils import get_column_letter

from zp_registry.lists.charts import bar_chart
from zp_registry.lists.followups_form import NO_PLATFORM, NO_TOWN, REASONS
from zp_registry.lists.workbook import Book, Col, explain, grid, heading, page

_SHARE = re.compile(r"(.+?)[×x*:：]?(\d+)个?$")


def split_platforms(rows: pd.DataFrame, names: Mapping[str, str] | None = None) -> pd.DataFrame:
    """One line per entity and platform: ``at`` (the row's index label), ``platform`` (Chinese name), ``accounts`` (number).

    Reads the column ``platforms`` (``抖音2、淘宝1``); a row without any stands under 未知平台 with its ``accounts``.
    """
    known = sorted((names or {}).values(), key=len, reverse=True)
    cells = rows["platforms"].astype("str").fillna("").str.split("、").explode().str.strip()
    cache: dict[str, tuple[str, int]] = {}
    for text in cells.unique():
        name = next((k for k in known if text.startswith(k) and text[len(k) :].isdigit()), None)
        found = _SHARE.fullmatch(text)
        if name is not None:
            cache[text] = (name, int(text[len(name) :]))
        elif found is not None:
            cache[text] = (found[1], int(found[2]))
        else:
            cache[text] = (text or NO_PLATFORM, 1)
    shares = pd.DataFrame(
        {"at": cells.index, "platform": [cache[t][0] for t in cells], "accounts": [cache[t][1] for t in cells]}
    )
    unknown = shares["platform"] == NO_PLATFORM
    counts = pd.to_numeric(rows["accounts"], errors="coerce").fillna(0).astype("int64")
    shares.loc[unknown, "accounts"] = counts.reindex(shares.loc[unknown, "at"]).to_numpy()
    return shares


def town_names(rows: pd.DataFrame) -> pd.Series:
    """The towns as the lists name them, under the name ``town``; a missing one is 未知乡镇."""
    towns = rows["town"].astype("str").str.strip()
    return towns.mask(towns.isna() | (towns == ""), NO_TOWN).rename("town")


def platform_table(part: pd.DataFrame, shares: pd.DataFrame, day: date) -> pd.DataFrame:
    """Per platform: entities, accounts, never reminded, reminded, past the deadline; the last line counts each entity once."""
    state = _state(part, day)
    joined = shares[shares["at"].isin(part.index)].join(state, on="at")
    table = joined.groupby("platform").agg(
        主体数=("at", "nunique"),
        账号数=("accounts", "sum"),
        尚未催签=("fresh", "sum"),
        已催未签=("urged", "sum"),
        已超期限=("late", "sum"),
    )
    table = table.sort_values(["主体数", "账号数"], ascending=False, kind="stable").reset_index(names="平台")
    total = [
        ("合计（不重复）", len(part), int(joined["accounts"].sum()), *(int(state[c].sum()) for c in ("fresh", "urged", "late")))
    ]
    return pd.concat([table, pd.DataFrame(total, columns=table.columns)], ignore_index=True)


def _state(part: pd.DataFrame, day: date) -> pd.DataFrame:
    tried = pd.to_numeric(part["attempts"], errors="coerce").fillna(0) > 0
    late = part["deadline"].astype("str").fillna("9999") < day.isoformat()
    return pd.DataFrame({"fresh": ~tried, "urged": tried, "late": late}, index=part.index).astype("int64")


def summary_sheet(
    book: Book,
    table: pd.DataFrame,
    title: str,
    day: date,
    *,
    name: str = "汇总",
    note: str = "",
    chart: tuple[int, int] = (2, 2),
    chart_title: str = "各平台未签主体数",
    stacked: bool = False,
    unit: str = "户、个",
    first_width: float = 24,
    colours: tuple[str, ...] = (),
    lying: bool = False,
) -> None:
    """A table (names, then counts; the last row is the total) with a bar chart of its columns ``chart``, on one A4 page."""
    ws = book.sheet(name)
    columns = [
        Col(str(c), "text" if i == 0 else "int", 16 if i == 0 else 9, first_width if i == 0 else 12)
        for i, c in enumerate(table.columns)
    ]
    wide = len(columns)
    notes = [f"数据截止：{day}　　单位：{unit}" + (f"　　{note}" if note else "")]
    top = heading(book, ws, title, notes, wide)
    last = grid(book, ws, columns, [list(r) for r in table.itertuples(index=False)], top=top, total=True)
    # The chart follows the table's width, so that neither leaves the page half empty.
    width = max(15.0, min(26.0, sum(ws.column_dimensions[get_column_letter(i)].width for i in range(1, wide + 1)) * 0.195))
    end = last
    if last - 1 > top:
        end = bar_chart(
            ws,
            title=chart_title,
            header_row=top,
            last_row=last - 1,
            columns=chart,
            at_row=last + 2,
            width_cm=width,
            stacked=stacked,
            colours=colours,
            lying=lying,
        )
    page(ws, last_column=max(wide, 6), last_row=end, header_row=top, as_of=day, name=name, portrait=wide <= 14, one_page=True)


def write_county_summary(rows: pd.DataFrame, shares: pd.DataFrame, path: Path, *, as_of: date, county: str) -> Path:
    """催签汇总: town × platform, town × reason and platform sheets with charts. Gives the path."""
    book = Book(county)
    towns = town_names(rows)
    crossed = shares.join(towns, on="at")
    unique = towns.value_counts()
    order = sorted(unique.index, key=lambda t: (t in ("外县", NO_TOWN), -int(unique[t]), t))
    by_platform = pd.crosstab(crossed["town"], crossed["platform"]).reindex(order)
    by_platform = (
        by_platform[by_platform.sum().sort_values(ascending=False, kind="stable").index] if len(order) else by_platform
    )
    reasons = rows["reason"].map(REASONS).fillna(rows["reason"]).fillna("未注明")
    by_reason = pd.crosstab(towns, reasons).reindex(order)
    by_reason = by_reason[sorted(by_reason.columns, key=lambda c: ([*REASONS.values(), c].index(c), c))]
    state = _state(rows, as_of).groupby(towns).sum().reindex(order)
    state.columns = pd.Index(["尚未催签", "已催未签", "已超期限"])
    title = f"{county}诚信经营承诺书催签情况汇总"
    summary_sheet(
        book,
        _with_total(by_platform, unique, "未签主体数"),
        f"{title}（乡镇×平台）",
        as_of,
        name="乡镇×平台",
        chart=(2, 2),
        chart_title="各乡镇街道未签主体数（户）",
        note="一户在几个平台有账号的，各平台分别计数；未签主体数不重复",
    )
    both = by_reason.join(state) if len(order) else by_reason
    summary_sheet(
        book,
        _with_total(both, unique, "未签主体数"),
        f"{title}（乡镇×原因）",
        as_of,
        name="乡镇×原因",
        chart=(3, 2 + max(1, by_reason.shape[1])),
        chart_title="各乡镇街道未签原因（户）",
        stacked=True,
    )
    summary_sheet(book, platform_table(rows, shares, as_of), f"{title}（按平台）", as_of, name="按平台")
    explain(book, "说明", "说明", _NOTES, as_of=as_of)
    return book.save(path)


def _with_total(counts: pd.DataFrame, unique: pd.Series, label: str) -> pd.DataFrame:
    table = counts.astype("int64")
    table.insert(0, label, unique.reindex(table.index).astype("int64"))
    table.loc["合计"] = table.sum()
    return table.reset_index(names="乡镇街道")


_NOTES: Final = (
    "本表统计有在营账号、尚未签订有效诚信经营承诺书的电商主体，不含个人信息。",
    "主体按统一社会信用代码或个人身份计算；个人与其名下的个体工商户是两个主体。",
    "未签：台账中没有承诺书；过期：已过有效期；版本过旧：签订的是旧版；签署人与主体不符：号码一致而名称和签署人都不一致。",
    "已超期限：催签期限早于数据截止日期。外县：经营地址不在本县；未知乡镇：地址不足以判断乡镇。",
)
