"""The figures of the joint meeting's bulletin, as of the end of a period: a pure function of the history."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass, field
from datetime import date, timedelta

import pandas as pd

from zp_registry.errors import UsageError
from zp_registry.flags.cases import OPEN_STATES, live_cases
from zp_registry.flags.missing import active_entities
from zp_registry.flags.pledges import PledgeRules, statuses
from zp_registry.flags.rulebook import Rulebook
from zp_registry.resolve import Resolved
from zp_registry.resolve.history import ACCOUNT
from zp_registry.resolve.links import OPERATOR

KINDS = {
    "enterprise": "企业",
    "sole_proprietor": "个体工商户",
    "cooperative": "合作社",
    "natural_person": "自然人",
    "other": "其他",
}
NO_TOWN = "未知乡镇"
_PERIOD = re.compile(r"(\d{4})-(\d{2})(?:-H([12]))?")
_DUTY = {1: "一月", 7: "七月"}


@dataclass(frozen=True)
class Period:
    """A month or half a month; ``before``: the day before it begins."""

    name: str
    first: str
    last: str

    @property
    def before(self) -> str:
        return (date.fromisoformat(self.first) - timedelta(days=1)).isoformat()

    @property
    def duty(self) -> str:
        """The newest January or July (``2024-01``) that had begun by the end: platforms report then (令117 art. 9)."""
        end = date.fromisoformat(self.last)
        return f"{end.year}-{7 if end.month >= 7 else 1:02d}"


def parse_period(text: str) -> Period:
    """``2024-03-H1`` (1st to 15th), ``2024-03-H2`` (16th to the end) or ``2024-03``. UsageError for anything else."""
    found = _PERIOD.fullmatch(text.strip())
    if not found or not 1 <= int(found[2]) <= 12 or int(found[1]) < 2000:
        raise UsageError(f"{text!r} is no period such as 2024-03-H1, 2024-03-H2 or 2024-03")
    year, month, half = int(found[1]), int(found[2]), found[3]
    end = calendar.monthrange(year, month)[1]
    first, last = {"1": (1, 15), "2": (16, end), None: (1, end)}[half]
    return Period(text.strip(), date(year, month, first).isoformat(), date(year, month, last).isoformat())


@dataclass
class Sheet:
    """One table of the bulletin: the first column names, the others count. ``note``: what to know; ``total``: the last row is
    one; ``chart``: columns (from 0) to draw as bars, none: no chart."""

    title: str
    columns: list[str]
    rows: list[list[object]]
    note: str = ""
    total: bool = False
    chart: tuple[int, ...] = ()
    unit: str = "户、个"


@dataclass
class Told:
    """What the history says at the end of the period. ``statuses``: platform, account_id, as_of, account_status as reported ·
    ``decided``: case_id, platform, account_id, at (date), action, to_state of people's acts up to then · ``reports``: source,
    as_of, received_on, scope, unreadable, rows, rejected, records, masked, numbered, invalid · ``full``: sources whose
    mapping says full · ``titles``: platform → Chinese name · ``verified``: platform, account_id, verified_on ·
    ``over``: platform, account_id of rows that state a turnover above the threshold."""

    resolved: Resolved
    matched: pd.DataFrame
    flags: pd.DataFrame
    statuses: pd.DataFrame
    decided: pd.DataFrame
    reports: pd.DataFrame
    verified: pd.DataFrame
    over: pd.DataFrame
    full: set[str] = field(default_factory=set)
    titles: dict[str, str] = field(default_factory=dict)


def bulletin(told: Told, period: Period, pledges: PledgeRules, book: Rulebook, late_days: int) -> list[Sheet]:
    """The tables, in their order."""
    now = _active(told, period.last)
    was = _active(told, period.before)
    people = told.resolved.entities.set_index("entity_id")
    town = _towns(told)
    return [
        _by_town(now, was, people, town),
        _by_platform(told, now, was),
        _pledges(told, now, was, people, town, period, pledges),
        _cases(told, town, period, book),
        _case_kinds(told, period, book),
        _discipline(told, period, late_days),
        _numbers(told, period),
        _verified(told, now, period),
        _unregistered(told, now, people, town),
    ]


def _active(told: Told, on: str) -> pd.DataFrame:
    return active_entities(told.resolved.holdings, told.statuses, on).drop_duplicates(ACCOUNT)


def _towns(told: Told) -> pd.Series[str]:
    """Entity → town: its own, else that of an account."""
    accounts = told.resolved.accounts.dropna(subset=["town"]).drop_duplicates("entity_id").set_index("entity_id")["town"]
    own = told.resolved.entities.set_index("entity_id")["town"]
    return own.fillna(own.index.to_series().map(accounts).astype("str")).fillna(NO_TOWN)


def _order(names: set[str]) -> list[str]:
    return sorted(names, key=lambda n: (n in ("外县", NO_TOWN), n))


def _by_town(now: pd.DataFrame, was: pd.DataFrame, people: pd.DataFrame, town: pd.Series[str]) -> Sheet:
    there, before = set(now["entity_id"]), set(was["entity_id"])
    table = pd.DataFrame({"entity": sorted(there | before)})
    table["town"], table["kind"] = table["entity"].map(town).fillna(NO_TOWN), table["entity"].map(people["kind"])
    table["now"], table["was"] = table["entity"].isin(there), table["entity"].isin(before)
    accounts = now.groupby(now["entity_id"].map(town).fillna(NO_TOWN)).size()
    rows: list[list[object]] = []
    for name in _order(set(table["town"])):
        part = table[table["town"] == name]
        held = part[part["now"]]
        rows.append(
            [
                name,
                len(held),
                *(int((held["kind"] == k).sum()) for k in KINDS),
                int(accounts.get(name, 0)),
                int((part["now"] & ~part["was"]).sum()),
                int((part["was"] & ~part["now"]).sum()),
            ]
        )
    columns = ["乡镇街道", "主体数", *KINDS.values(), "账号数", "本期新增主体", "本期退出主体"]
    return Sheet("各乡镇街道电商主体和账号", columns, _summed(rows), total=True, chart=(1,))


def _by_platform(told: Told, now: pd.DataFrame, was: pd.DataFrame) -> Sheet:
    keys = pd.MultiIndex.from_frame(now[ACCOUNT]), pd.MultiIndex.from_frame(was[ACCOUNT])
    fresh, gone = now[~keys[0].isin(keys[1])], was[~keys[1].isin(keys[0])]
    rows: list[list[object]] = []
    for platform in sorted({*now["platform"], *was["platform"]}):
        mine = now[now["platform"] == platform]
        rows.append(
            [
                told.titles.get(platform, platform),
                len(mine),
                mine["entity_id"].nunique(),
                int((fresh["platform"] == platform).sum()),
                int((gone["platform"] == platform).sum()),
            ]
        )
    rows.sort(key=lambda r: -int(str(r[1])))
    out = _summed(rows)
    if out:
        out[-1][2] = int(now["entity_id"].nunique())
    return Sheet(
        "各平台账号",
        ["平台", "账号数", "主体数", "本期新增账号", "本期消失账号"],
        out,
        "一个主体在几个平台有账号的，各平台分别计数；合计行的主体数不重复。",
        total=True,
        chart=(1,),
    )


def _pledges(
    told: Told,
    now: pd.DataFrame,
    was: pd.DataFrame,
    people: pd.DataFrame,
    town: pd.Series[str],
    period: Period,
    rules: PledgeRules,
) -> Sheet:
    operates = told.resolved.links[told.resolved.links["ground"] == OPERATOR]
    tables = []
    for on, active in ((period.last, now), (period.before, was)):
        state = statuses(told.matched, told.resolved.entities, on, rules, operates, told.resolved.alike)
        state = state[state.index.isin(active["entity_id"]) & (state != "exempt")]
        tables.append(pd.crosstab(state.index.to_series().map(town).fillna(NO_TOWN).to_numpy(), state.to_numpy()))
    after, before = tables
    rows: list[list[object]] = []
    words = ("signed", "missing", "expired", "outdated", "mismatch")
    names = _order({*after.index, *before.index})

    def count(table: pd.DataFrame, name: str | None, word: str) -> int:
        if word not in table:
            return 0
        return int(table[word].sum()) if name is None else int(table[word].get(name, 0))

    for name in [*names, None]:
        each = [count(after, name, w) for w in words]
        must, had = sum(each), [count(before, name, w) for w in words]
        rate = each[0] / must if must else None
        former = had[0] / sum(had) if sum(had) else None
        moved = None if rate is None or former is None else round(100 * (rate - former), 1)
        rows.append([name or "合计", must, *each, _percent(rate), _percent(former), moved])
    columns = [
        "乡镇街道",
        "应签主体",
        "已签",
        "未签",
        "过期",
        "版本过旧",
        "签署人不符",
        "签订率（%）",
        "上期签订率（%）",
        "升降（百分点）",
    ]
    return Sheet(
        "承诺书签订率",
        columns,
        rows if names else [],
        f"上期指 {period.before}；免签的不计。",
        total=True,
        chart=(7, 8),
        unit="户、%",
    )


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 1)


def _live(told: Told, book: Rulebook) -> pd.DataFrame:
    """Cases at the end of the period: platform, account_id, entity_id, codes, level, opened_on, state."""
    return live_cases(told.flags, told.decided, book)


def _cases(told: Told, town: pd.Series[str], period: Period, book: Rulebook) -> Sheet:
    live = _live(told, book)
    acts = told.decided[told.decided["at"].between(period.first, period.last)]
    holder = told.resolved.accounts.set_index(ACCOUNT)["entity_id"]
    place = {k: town.get(str(e), NO_TOWN) for k, e in holder.items()}
    live["town"] = [place.get(k, NO_TOWN) for k in zip(live["platform"], live["account_id"], strict=True)]
    acts = acts.assign(town=[place.get(k, NO_TOWN) for k in zip(acts["platform"], acts["account_id"], strict=True)])
    rows: list[list[object]] = []
    for name in _order({*live["town"], *acts["town"]}):
        mine, done = live[live["town"] == name], acts[acts["town"] == name]
        undone = mine[mine["state"].isin(OPEN_STATES)]
        rows.append(
            [
                name,
                len(undone),
                int((undone["level"] == "high").sum()),
                int((undone["deadline"] < period.last).sum()),
                int(mine["opened_on"].between(period.first, period.last).sum()),
                *(done.loc[done["action"] == a, "case_id"].nunique() for a in ("confirmed", "dismissed", "handed_over")),
            ]
        )
    columns = ["乡镇街道", "期末未结", "其中高级别", "其中已超期", "本期新立", "本期确认", "本期排除", "本期移送"]
    return Sheet(
        "账号转让、出租、出借线索案件",
        columns,
        _summed(rows),
        "案件是核查事项，不是认定结论。",
        total=True,
        chart=(1,),
        unit="件",
    )


def _case_kinds(told: Told, period: Period, book: Rulebook) -> Sheet:
    live = _live(told, book)
    undone = live[live["state"].isin(OPEN_STATES)]
    codes = undone["codes"].str.split(";").explode()
    rows: list[list[object]] = [
        [book.rules[c].title, int(n), "、".join(book.rules[c].indicators)]
        for c, n in codes.value_counts().rename_axis("code").reset_index().itertuples(index=False, name=None)
    ]
    rows.sort(key=lambda r: (-int(str(r[1])), str(r[0])))
    return Sheet("期末未结案件的线索类型", ["线索类型", "案件数", "指标"], rows, "一件案件可有几种线索。", unit="件")


def _discipline(told: Told, period: Period, late_days: int) -> Sheet:
    """Whether each source reported in the period, how late, how whole."""
    rows: list[list[object]] = []
    told_until = told.reports[told.reports["as_of"] <= period.last]
    for source, every in told_until.groupby("source"):
        mine = every[every["as_of"] >= period.first]
        days = (pd.to_datetime(mine["received_on"]) - pd.to_datetime(mine["as_of"])).dt.days
        months = {str(m) for m in pd.period_range(every["as_of"].min(), period.last, freq="M")}
        lacking = sorted(months - set(every["as_of"].str.slice(0, 7)))
        partial = mine[(mine["unreadable"] > 0) | ((mine["scope"] != "full") & (source in told.full))]
        read, rejected = int(mine["rows"].sum()), int(mine["rejected"].sum())
        duty = (every["as_of"].str.slice(0, 7) == period.duty).any()
        rows.append(
            [
                told.titles.get(str(source), str(source)),
                len(mine),
                str(every["as_of"].max()),
                int((days > late_days).sum()),
                len(partial),
                read,
                rejected,
                _percent(rejected / read) if read else None,
                len(lacking),
                "、".join(lacking[-6:]),
                "已见" if duty else "未见",
            ]
        )
    year, month = period.duty.split("-")
    columns = [
        "平台",
        "本期报送（份）",
        "最近报送日期",
        "迟报（份）",
        "不完整（份）",
        "行数",
        "退回行",
        "退回率（%）",
        "缺报月数",
        "缺报月份（最近六个）",
        f"{year}年{_DUTY[int(month)]}报送",
    ]
    note = (
        f"迟报：收到日期晚于报送日期 {late_days} 天以上。不完整：有认不出账号的行，或应为全量而只报部分。"
        f"{_DUTY[int(month)]}报送：令117号第9条每年一月、七月的报送；平台依法报其住所地省级部门，“未见”指本县未收到该月数据。"
    )
    return Sheet("各平台报送情况", columns, rows, note, unit="份、行、%")


def _numbers(told: Told, period: Period) -> Sheet:
    mine = told.reports[told.reports["as_of"].between(period.first, period.last)]
    rows: list[list[object]] = []
    for source, part in mine.groupby("source"):
        records, masked, invalid = (int(part[c].sum()) for c in ("records", "masked", "invalid"))
        numbered = int(part["numbered"].sum())
        rows.append(
            [
                told.titles.get(str(source), str(source)),
                records,
                numbered,
                masked,
                invalid,
                _percent(masked / records) if records else None,
                _percent(invalid / records) if records else None,
            ]
        )
    columns = ["平台", "入库行数", "号码完整有效", "号码脱敏", "号码无效", "脱敏占比（%）", "无效占比（%）"]
    return Sheet("各平台号码质量", columns, rows, "号码指统一社会信用代码和身份证件号码。", chart=(5, 6), unit="行、%")


def _verified(told: Told, now: pd.DataFrame, period: Period) -> Sheet:
    old = (pd.Timestamp(period.last) - pd.DateOffset(months=6)).date().isoformat()
    held = now[ACCOUNT].merge(told.verified, on=ACCOUNT, how="left")
    rows: list[list[object]] = []
    for platform, part in held.groupby("platform"):
        day = part["verified_on"].astype("str")
        stale = int((day < old).sum())
        rows.append(
            [
                told.titles.get(str(platform), str(platform)),
                len(part),
                int(day.notna().sum()),
                stale,
                int(day.isna().sum()),
                _percent(stale / day.notna().sum()) if day.notna().any() else None,
            ]
        )
    columns = ["平台", "账号数", "报有核验日期", "超过6个月未核验", "未报核验日期", "超期占比（%）"]
    return Sheet(
        "核验更新情况",
        columns,
        rows,
        f"令117号第8条：至少每六个月核验更新一次；早于 {old} 的计为超期。",
        chart=(3,),
        unit="个、%",
    )


def _unregistered(told: Told, now: pd.DataFrame, people: pd.DataFrame, town: pd.Series[str]) -> Sheet:
    """Natural persons without a shop of their own whose turnover is stated to be above 100,000 CNY."""
    shops = told.resolved.links[told.resolved.links["ground"] == OPERATOR]
    held = now.merge(told.over, on=ACCOUNT)
    found = held[held["entity_id"].map(people["kind"]) == "natural_person"]
    own = set(shops["entity_id"]) | set(shops["other_entity_id"])
    rows: list[list[object]] = []
    for entity, part in found.groupby("entity_id"):
        who = people.loc[entity]
        name = who["name"] if isinstance(who["name"], str) else ""
        rows.append(
            [
                entity,
                name[:1] + "＊" * (len(name) - 1),
                str(who["id_mask"]) if isinstance(who["id_mask"], str) else "",
                town.get(str(entity), NO_TOWN),
                len(part),
                "、".join(sorted({told.titles.get(p, p) for p in part["platform"]})),
                "名下已有个体工商户，请核对" if entity in own else "应当办理登记",
            ]
        )
    rows.sort(key=lambda r: (str(r[3]), str(r[0])))
    columns = ["主体编号", "姓名", "证件号码", "乡镇街道", "超额账号数", "平台", "情况"]
    return Sheet(
        "年交易额超过10万元而未办理市场主体登记的自然人",
        columns,
        rows,
        "按平台报送的“年交易额是否超过10万元”；网络交易监督管理办法第8条。姓名、号码已脱敏。",
        unit="个",
    )


def differences(then: list[Sheet], now: list[Sheet]) -> Sheet:
    """What is told otherwise now than it was known then: of tables with a total their totals, of others every row."""
    rows: list[list[object]] = []
    for old, new in zip(then, now, strict=True):
        before, after = ({str(r[0]): r for r in (s.rows[-1:] if s.total else s.rows)} for s in (old, new))
        for name in sorted({*before, *after}):
            was, is_ = ([*sheet.get(name, [name, *[None] * (len(old.columns) - 1)])] for sheet in (before, after))
            pairs = zip(old.columns[1:], was[1:], is_[1:], strict=True)
            rows += [[old.title, name, column, a, b] for column, a, b in pairs if a != b]
    note = "当时所知：上面各表；现在所知：之后收到的报表、台账和更正也算在内。有合计的表只比合计。"
    columns = ["表", "行", "统计项", "当时所知", "现在所知"]
    return Sheet("与现在所知不同的数字", columns, rows or [["没有差别", "", "", None, None]], note, unit="同各表")


def _summed(rows: list[list[object]]) -> list[list[object]]:
    if not rows:
        return []
    width = len(rows[0])
    return [*rows, ["合计", *(sum(int(str(r[i] or 0)) for r in rows) for i in range(1, width))]]
