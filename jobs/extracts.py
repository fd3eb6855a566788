"""Extracts for the departments that share the work, and candidates of the honest-merchant selection."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pandas as pd
from sqlalchemy import Connection

from zp_registry.errors import UsageError
from zp_registry.flags.cases import OPEN_STATES, live_cases
from zp_registry.frames import BUSINESS_KINDS, EXTRACT_CANDIDATES, EXTRACT_CASES
from zp_registry.lists.safety import file_name
from zp_registry.lists.tables import write_table
from zp_registry.logs import redact_text
from zp_registry.registry import audit, bulk, tables
from zp_registry.registry.cases import read_cases
from zp_registry.registry.flags import decided
from zp_registry.registry.known import local_time, moment_after
from zp_registry.registry.standing import read_pledges, reference_date
from zp_registry.resolve.history import ACCOUNT
from zp_registry.settings import ExtractSettings

from .bulletin import acts_until, sightings_told, verified_on
from .derive import told_again
from .lists import platform_titles
from .office import Office

HEADERS: Final = {
    "platform": "平台", "account_id": "账号标识", "account_name": "账号名称", "entity_id": "主体编号",
    "entity_kind": "主体类型", "subject_name": "主体名称", "town": "乡镇街道", "pledge_status": "承诺书",
    "first_seen": "首次出现", "last_seen": "最近出现",
    "open_flags": "未结线索", "kind": "主体类型", "name": "名称", "uscc": "统一社会信用代码", "id_number": "证件号码",
    "phone": "联系电话", "address": "经营地址", "accounts": "账号数", "linked_entities": "关联主体", "case_id": "案件编号",
    "state": "状态", "level": "级别", "codes": "线索", "opened_on": "立案依据日", "news_on": "最近依据日", "deadline": "期限",
    "assignee": "经办人", "group_id": "同组", "platforms": "平台", "signed_on": "签订日期", "verified_on": "最近核验日期",
}  # fmt: skip
# What speaks against somebody being shown as an example: a case that is not dismissed, or an outside finding that stands.
_AGAINST: Final = ("LICENCE_ENDED", "HOLDER_DENIES", "HOLDER_UNREACHABLE", "RISK_MARK", "BLACKLISTED", "TIP")


def extract(office: Office, name: str, reason: str, output: Path | None = None) -> dict[str, Any]:
    """Writes the extract ``name`` of the settings as xlsx and notes on the audit trail what it held; gives ``file``, ``rows``,
    ``columns``. UsageError for a name that the settings do not have."""
    wanted = office.settings.extracts.get(name)
    if wanted is None:
        known = ", ".join(sorted(office.settings.extracts)) or "none"
        raise UsageError(f"the settings allow no extract {name!r}; there are: {known}")
    with office.engine.begin() as connection:
        day = reference_date(connection)
        frame = _rows(connection, office, wanted)
        if wanted.towns:
            frame = frame[frame["town"].isin(list(wanted.towns))]
        if wanted.of == "cases" and wanted.states:
            frame = frame[frame["state"].isin(list(wanted.states))]
        told = frame[list(wanted.columns)].reset_index(drop=True)
        told.columns = pd.Index([HEADERS[c] for c in wanted.columns])
        path = (output or office.home.lists) / f"{file_name(wanted.title)}_{file_name(name)}_{day.replace('-', '')}.xlsx"
        what = f"{name} for {wanted.title}: {len(told)} {wanted.of}, columns {', '.join(wanted.columns)}"
        if wanted.towns:
            what += f", of {'、'.join(wanted.towns)}"
        audit.note(connection, "extract", what, redact_text(reason))
        write_table(told, list(told.columns), path, "xlsx", sheet=file_name(wanted.title)[:31])
    return {"file": str(path), "rows": len(told), "columns": list(wanted.columns), "as_of": day}


def _rows(connection: Connection, office: Office, wanted: ExtractSettings) -> pd.DataFrame:
    if wanted.of == "cases":
        return _cases(connection)
    if wanted.of == "candidates":
        return candidates(connection, office)
    knowledge = tables.stored(connection)
    return tables.accounts(knowledge) if wanted.of == "accounts" else tables.entities(knowledge)


def _cases(connection: Connection) -> pd.DataFrame:
    """EXTRACT_CASES."""
    return bulk.read(
        connection,
        "SELECT c.case_id, c.state, c.level, c.platform, c.account_id, a.account_name, c.entity_id, e.name AS subject_name, "
        "COALESCE(a.town, e.town) AS town, c.codes, c.opened_on, c.news_on, c.deadline, c.assignee, c.group_id "
        "FROM case_file c LEFT JOIN account a ON a.platform = c.platform AND a.account_id = c.account_id "
        "LEFT JOIN entity e ON e.entity_id = c.entity_id ORDER BY c.score DESC, c.case_id",
    )[list(EXTRACT_CASES)]


def candidates(
    connection: Connection, office: Office, as_of: str | None = None, known: str | None = None
) -> pd.DataFrame:
    """EXTRACT_CANDIDATES: holders of accounts that stand, with a pledge that holds, a whole number, a verification of the last
    six months for every account that reports one (and at least one), and neither a case, a sanction nor an outside finding.
    Told again for a past date ``as_of`` and, with ``known``, from what had come before that moment alone."""
    day = as_of or reference_date(connection, known)
    knowledge, verified, cases = _now(connection, day) if as_of is None and known is None else _then(
        connection, office, day, known
    )
    held = knowledge.accounts[knowledge.accounts["gone_on"].isna()]
    held = held[held["account_status"] != "closed"]
    held = held.merge(verified, on=ACCOUNT, how="left")
    flags = knowledge.flags
    found = flags[flags["code"].isin(_AGAINST) & flags["status"].isin(["open", "confirmed"])]
    cases = cases[cases["state"].isin([*OPEN_STATES, "confirmed", "handed_over"])]
    holders = cases[ACCOUNT].merge(knowledge.accounts, on=ACCOUNT)["entity_id"]
    against = {*cases["entity_id"].dropna(), *holders.dropna(), *found["entity_id"].dropna()}
    against |= set(held.loc[held["account_status"] != "normal", "entity_id"].dropna())
    since = (pd.Timestamp(day or "today") - pd.DateOffset(months=6)).date().isoformat()
    against |= set(held.loc[(held["verified_on"] < since).fillna(False), "entity_id"].dropna())
    titles = platform_titles(office)
    grouped = held.assign(platform=held["platform"].map(lambda p: titles.get(p, p))).groupby("entity_id")
    about = grouped.agg(
        accounts=("account_id", "size"),
        platforms=("platform", lambda p: "、".join(sorted(set(p)))),
        verified_on=("verified_on", "max"),
    )
    e = knowledge.entities
    whole = e["uscc"].notna() | (e["id_hash"].notna() & ~e["kind"].isin(BUSINESS_KINDS))
    out = e[(e["pledge_status"] == "signed") & whole & ~e["entity_id"].isin(against)].merge(
        about.reset_index(), on="entity_id"
    )
    out = out[out["verified_on"].notna()]
    ledger = read_pledges(connection, known)
    numbers = ledger["uscc"].fillna(ledger["id_hash"])
    signed = ledger[ledger["signed_on"] <= day].groupby(numbers)["signed_on"].max()
    out = out.assign(id_number=out["id_mask"], signed_on=out["uscc"].fillna(out["id_hash"]).map(signed).astype("str"))
    return out.sort_values(["town", "entity_id"])[list(EXTRACT_CANDIDATES)].reset_index(drop=True)


def _now(connection: Connection, day: str) -> tuple[tables.Knowledge, pd.DataFrame, pd.DataFrame]:
    """What is stored; each account's newest verification up to ``day``; cases with their states."""
    verified = bulk.read(
        connection,
        "SELECT platform, account_ref AS account_id, MAX(verified_on) AS verified_on FROM record "
        "WHERE live = 1 AND verified_on IS NOT NULL AND verified_on <= :d GROUP BY platform, account_ref",
        {"d": day},
    )
    return tables.stored(connection), verified, read_cases(connection)


def _then(
    connection: Connection, office: Office, day: str, known: str | None
) -> tuple[tables.Knowledge, pd.DataFrame, pd.DataFrame]:
    """The same told again."""
    again = told_again(office, connection, day, known)
    knowledge = again.knowledge
    decisions = bulk.read(
        connection,
        "SELECT flag_id, decision, seen_until FROM decision "
        "WHERE CAST(:known AS TEXT) IS NULL OR decided_at < :known ORDER BY id",
        {"known": known},
    )
    knowledge.flags["status"] = decided(knowledge.flags, decisions)
    seen = sightings_told(connection, again)
    cases = live_cases(knowledge.flags, acts_until(connection, "9999-12-31", known), office.rulebook)
    return knowledge, verified_on(seen[(seen["verified_on"] <= day).fillna(False)]), cases


def write_candidates(
    office: Office, output: Path | None = None, as_of: str | None = None, known_on: str | None = None
) -> dict[str, Any]:
    """The candidates as a workbook (诚信商户评选候选名单); noted on the audit trail. Gives ``file``, ``rows``, ``as_of``,
    ``known``. ``as_of``, ``known_on``: for a past date, as of what was known on a day (known.moment_after)."""
    known = None if known_on is None else moment_after(known_on)
    with office.engine.begin() as connection:
        day = as_of or reference_date(connection, known)
        until = local_time(known or audit.moment())
        told = candidates(connection, office, as_of, known)
        said = f", as known before {until}" if known else ""
        audit.note(connection, "write candidates", f"{len(told)} entities, numbers masked, as of {day}{said}")
        told.columns = pd.Index([HEADERS[c] for c in told.columns])
        path = (output or office.home.lists) / f"诚信商户评选候选名单_{day.replace('-', '')}.xlsx"
        write_table(told, list(told.columns), path, "xlsx", sheet="候选名单")
    return {"file": str(path), "rows": len(told), "as_of": day, "known": until}
