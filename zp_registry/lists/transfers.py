"""疑似转让出租出借线索表: the leads on accounts that may have been transferred, rented out or lent, with their evidence.

A lead is never a finding: the workbook says so on every sheet that people print.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Final

import pandas as pd

from zp_registry.frames import EVIDENCE, EXPORT_ACCOUNTS, EXPORT_FLAGS
from zp_registry.lists.followups_summary import summary_sheet
from zp_registry.lists.safety import iso_date
from zp_registry.lists.workbook import Book, Col, explain, grid, heading, page, rows_of

LEVELS: Final = {"high": "高", "medium": "中", "low": "低"}
LEVEL_FILLS: Final = {"high": "F4A6A0", "medium": "FBD38D", "low": "CFE3F5"}
STATUSES: Final = {"open": "待核查", "confirmed": "已确认", "dismissed": "已排除", "resolved": "已解除"}
_CAUTION: Final = (
    "本表所列均为系统比对得出的线索，不是认定结论；须经人工核查，未经核实不得作为处罚或者公示的依据。含个人信息，注意保密。"
)

_LEADS: Final = (
    Col("序号", "int", 4, 5),
    Col("级别", least=5, most=6, centred=True),
    Col("线索类型", least=12, most=20),
    Col("平台", least=7, most=9),
    Col("账号标识", least=12, most=16),
    Col("账号名称", least=10, most=16),
    Col("现主体（编号）", least=13, most=22),
    Col("原主体或关联人（编号）", least=13, most=22),
    Col("线索说明", least=24, most=36),
    Col("得分", "number", 6, 6),
    Col("首次发现", "date", 10.5, 10.5),
    Col("最近出现", "date", 10.5, 10.5),
    Col("乡镇街道", least=8, most=9, centred=True),
    Col("状态", least=7, most=7, centred=True),
    Col("线索编号", least=9, most=13),
    Col("核查情况", least=14, most=14, editable=True),
)
_SOURCES: Final = (
    Col("线索编号", least=9, most=13),
    Col("级别", least=5, most=6, centred=True),
    Col("线索类型", least=12, most=20),
    Col("平台", least=7, most=9),
    Col("账号标识", least=12, most=18),
    Col("报送日期", "date", 10.5, 10.5),
    Col("源文件", least=16, most=28),
    Col("工作表", least=8, most=18),
    Col("行号", "int", 6, 7),
    Col("内容", least=24, most=44),
)


def write_transfers(
    flags: pd.DataFrame,
    evidence: pd.DataFrame,
    accounts: pd.DataFrame,
    folder: Path,
    *,
    as_of: str | date,
    county: str = "镇平县",
    code_names: Mapping[str, str] | None = None,
    platform_names: Mapping[str, str] | None = None,
    entity_names: Mapping[str, str] | None = None,
) -> Path:
    """Writes the leads of an EXPORT_FLAGS frame: open and confirmed TRANSFER flags, one row per account and code.

    ``evidence`` has the EVIDENCE columns, ``accounts`` those of EXPORT_ACCOUNTS (names of accounts and present holders).
    Names of codes, platforms and former holders come from the mappings; without them the codes and ids stand alone.
    """
    day = iso_date(as_of)
    leads = _leads(flags, accounts, code_names or {}, platform_names or {}, entity_names or {})
    book = Book(county)
    title = f"{county}电商账号疑似转让、出租、出借线索表"
    _lead_sheet(book, leads, title, day)
    _evidence_sheet(book, leads, evidence, title, day)
    table = pd.crosstab(leads["kind"], leads["level_zh"]).reindex(columns=list(LEVELS.values()), fill_value=0)
    table.insert(0, "线索数", table.sum(axis=1))
    table = table.sort_values("线索数", ascending=False, kind="stable").astype("int64")
    table.loc["合计"] = table.sum()
    summary_sheet(
        book,
        table.reset_index(names="线索类型"),
        f"{title}（汇总）",
        day,
        chart=(3, 5),
        chart_title="各类线索数（按级别）",
        stacked=True,
        unit="条",
        first_width=36,
        colours=tuple(LEVEL_FILLS.values()),
        lying=True,
    )
    explain(book, "说明", "使用说明", _GUIDE, as_of=day)
    return book.save(folder / f"疑似转让出租出借线索表_{day:%Y%m%d}.xlsx")


def _leads(
    flags: pd.DataFrame,
    accounts: pd.DataFrame,
    code_names: Mapping[str, str],
    platform_names: Mapping[str, str],
    entity_names: Mapping[str, str],
) -> pd.DataFrame:
    """The flags to show, with everything that the sheets need in Chinese; high levels and scores first."""
    kept = flags.reindex(columns=list(EXPORT_FLAGS))
    kept = kept[(kept["family"] == "TRANSFER") & kept["status"].isin(["open", "confirmed"])]
    known = accounts.reindex(columns=list(EXPORT_ACCOUNTS)).astype({"platform": "str", "account_id": "str"})
    columns = ["platform", "account_id", "account_name", "entity_id", "subject_name", "town"]
    about = known[columns].drop_duplicates(["platform", "account_id"]).rename(columns={"entity_id": "account_holder"})
    leads = kept.astype({"platform": "str", "account_id": "str"}).merge(about, on=["platform", "account_id"], how="left")
    holders = known.dropna(subset=["entity_id", "subject_name"]).drop_duplicates("entity_id")
    names = {**dict(zip(holders["entity_id"], holders["subject_name"], strict=True)), **entity_names}
    # The account's row knows its present holder; a flag's own entity may be looked up only if it is another one.
    own = leads["subject_name"].where(leads["account_holder"] == leads["entity_id"], _named(leads["entity_id"], names))
    leads["holder"] = _name_and_id(own, leads["entity_id"])
    leads["other"] = _name_and_id(_named(leads["other_entity_id"], names), leads["other_entity_id"])
    named = _named(leads["code"], code_names)
    leads["kind"] = (named + "\n" + leads["code"].astype("str")).fillna(leads["code"].astype("str"))
    leads["platform_zh"] = _named(leads["platform"], platform_names).fillna(leads["platform"])
    leads["level_zh"] = leads["level"].map(LEVELS).fillna(leads["level"])
    leads["status_zh"] = leads["status"].map(STATUSES)
    leads["score"] = pd.to_numeric(leads["score"], errors="coerce")
    leads["rank"] = leads["level"].map({"high": 0, "medium": 1, "low": 2}).fillna(3)
    order = ["rank", "score", "first_seen", "platform", "account_id", "code"]
    return leads.sort_values(order, ascending=[True, False, False, True, True, True], kind="stable").reset_index(drop=True)


def _named(ids: pd.Series, names: Mapping[str, str]) -> pd.Series:
    """Names of ids as text, NA where none is known."""
    return ids.astype("object").map(dict(names)).astype("str")


def _name_and_id(names: pd.Series, ids: pd.Series) -> pd.Series:
    names, ids = names.astype("str"), ids.astype("str")
    return (names + "\n（" + ids + "）").fillna(ids)


def _lead_sheet(book: Book, leads: pd.DataFrame, title: str, day: date) -> None:
    ws = book.sheet("线索")
    counts = leads["level_zh"].value_counts()
    shares = "、".join(f"{level} {int(counts.get(level, 0))} 条" for level in LEVELS.values())
    top = heading(book, ws, title, (f"数据截止：{day}　　共 {len(leads)} 条线索（{shares}）", _CAUTION), len(_LEADS))
    fields = (
        "level_zh",
        "kind",
        "platform_zh",
        "account_id",
        "account_name",
        "holder",
        "other",
        "reason",
        "score",
        "first_seen",
    )
    values = rows_of(leads, (*fields, "last_seen", "town", "status_zh", "flag_id"))
    rows = [[n, *row, None] for n, row in enumerate(values, start=1)]
    fills = leads["level"].map(LEVEL_FILLS).fillna("").tolist()
    last = grid(book, ws, _LEADS, rows, top=top, fills=fills, fill_column=1)
    page(
        ws, last_column=len(_LEADS), last_row=last, header_row=top, as_of=day, name="线索（非认定结论）", autofilter=len(_LEADS)
    )


def _evidence_sheet(book: Book, leads: pd.DataFrame, evidence: pd.DataFrame, title: str, day: date) -> None:
    ws = book.sheet("证据")
    about = leads[["flag_id", "level", "level_zh", "kind", "platform_zh", "account_id"]].reset_index(names="place")
    rows = evidence.reindex(columns=list(EVIDENCE)).merge(about, on="flag_id", how="inner")
    rows = rows.sort_values(["place", "as_of", "source_file", "row"], kind="stable")
    bare = len(leads) - int(leads["flag_id"].isin(rows["flag_id"]).sum())
    note = "每行是线索所依据的一行报送数据；行号与原文件中显示的行号一致，号码已脱敏。"
    top = heading(
        book, ws, f"{title}（证据）", (note + (f"另有 {bare} 条线索没有逐行证据。" if bare else ""), _CAUTION), len(_SOURCES)
    )
    fields = ("flag_id", "level_zh", "kind", "platform_zh", "account_id", "as_of", "source_file", "sheet", "row", "what")
    fills = rows["level"].map(LEVEL_FILLS).fillna("").tolist()
    last = grid(book, ws, _SOURCES, rows_of(rows, fields), top=top, fills=fills, fill_column=1)
    page(
        ws,
        last_column=len(_SOURCES),
        last_row=last,
        header_row=top,
        as_of=day,
        name="证据（非认定结论）",
        autofilter=len(_SOURCES),
    )


_GUIDE: Final = (
    "# 一、线索不是结论",
    "本表由系统比对各平台历次报送的身份信息得出，只说明“需要核查”，不说明账号已被转让、出租或者出借。"
    "每条线索都可能有正当原因，例如：平台批准的主体变更、个体工商户转为企业、更正登记、家庭成员或者员工出镜、机构代收款、市场统一电话。",
    "请先核对“证据”表中的原始报送行，再联系主体或者平台；核查结论由承办人员在系统中登记（确认或者排除），本表不作为认定依据。",
    "# 二、级别",
    "高：同一账号的主体、收款人等关键信息直接不一致，或者多项线索同时出现，应优先核查。",
    "中：单项线索，或者存在常见的正当原因，应结合其他情况核查。",
    "低：仅供参考，可在日常检查中一并了解。",
    "得分用于排序，得分高只表示相互印证的线索较多。首次发现、最近出现均为报送日期，不是系统运行日期。",
    "# 三、核查和救济",
    "对线索的处理应当由人工作出。核查时应当听取主体的说明；主体能够证明变更经平台批准、关系真实的，应当排除线索并记明理由。",
    "# 四、依据",
    "镇政办〔2023〕40号：要求账号实名登记，不得将登记的账号转让、出租、出借他人使用。",
    "《中华人民共和国反电信网络诈骗法》第三十一条：任何单位和个人不得非法买卖、出租、出借互联网账号等，不得提供实名核验帮助。",
    "《直播电商监督管理办法》（令第117号）第八条：平台应当对直播间运营者、直播营销人员的身份信息进行登记、核验并动态管理。"
    "该办法没有直接规定账号不得转让、出租、出借，引用时请注意。",
    "# 五、个人信息保护",
    "本表含个人信息，仅限履行法定职责使用（《个人信息保护法》第十三条第一款第三项、第三十四条），不得外传；办结后按规定销毁。",
)
