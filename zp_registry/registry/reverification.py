"""Holders whose particulars are wrong, masked, missing or unreachable: they go back to the platform (令117 art. 22)."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd
from sqlalchemy import Connection, text

from zp_registry.quarantine.judge import INVALID_NUMBERS
from zp_registry.registry import bulk
from zp_registry.workdays import deadlines

WORKDAYS = 5  # 令117 art. 22: the platform reminds the operator within five working days
KEY = ["platform", "account_id"]
_TOLD = ("account_name", "subject_name", "subject_kind", "uscc", "id_mask", "phone_mask", "business_address", "problems")
COLUMNS = (*KEY, *_TOLD, "asked_on", "deadline", "provisional", "entity_id")
_SIGNS = {
    "HOLDER_UNREACHABLE": "按登记方式联系不上", "HOLDER_DENIES": "登记主体否认经营",
    "LICENCE_DIFFERS": "名称与营业执照登记不一致",
}  # fmt: skip
_OUTCOMES = {"无法联系": "按登记方式联系不上", "主体信息有误": "主体信息有误"}


def particulars(connection: Connection) -> pd.DataFrame:
    """Accounts that stand, whose holder has something to check (``problems``, ``；`` between): what the registry does not know
    from elsewhere, and what is known to be wrong. The other columns: what the newest report says, numbers masked."""
    rows = bulk.read(
        connection,
        """
        SELECT a.platform, a.account_id, a.account_name, a.entity_id, c.id AS record_id, c.subject_name, c.subject_kind, c.uscc,
               COALESCE(c.id_mask, c.operator_mask) AS id_mask, c.phone_mask, c.business_address, c.phone_hash,
               e.uscc AS known_code, e.id_hash AS known_id, e.phone_hash AS known_phone
        FROM account a JOIN record c ON c.id = a.record_id LEFT JOIN entity e ON e.entity_id = a.entity_id
        WHERE a.gone_on IS NULL AND a.account_status <> 'closed' ORDER BY a.platform, a.account_id""",
        integers=["record_id"],
    )
    if rows.empty:
        return pd.DataFrame(columns=[*COLUMNS[:10], "entity_id"])
    faults = bulk.read(
        connection,
        """
        SELECT DISTINCT a.platform, a.account_id, u.code FROM account a JOIN sighting s ON s.record_id = a.record_id
        JOIN report r ON r.id = s.report_id AND r.superseded_by IS NULL
        JOIN fault u ON u.file_id = r.file_id AND u.sheet = s.sheet AND u.row = s.row AND u.reject_id IS NULL
        WHERE a.gone_on IS NULL""",
    )
    signs = bulk.read(
        connection,
        "SELECT DISTINCT platform, account_id, entity_id, code FROM flag WHERE status IN ('open', 'confirmed') "
        "AND code IN ('HOLDER_UNREACHABLE', 'HOLDER_DENIES', 'LICENCE_DIFFERS')",
    )
    tried = bulk.read(
        connection,
        "SELECT t.entity_id, t.outcome FROM followup_attempt t WHERE t.id = (SELECT MAX(o.id) FROM followup_attempt o "
        "WHERE o.flag_id = t.flag_id) AND t.outcome IN ('无法联系', '主体信息有误')",
    )
    key = pd.MultiIndex.from_frame(rows[KEY])

    def faulty(codes: Collection[str]) -> pd.Series[bool]:
        wrong = pd.MultiIndex.from_frame(faults.loc[faults["code"].isin(codes), KEY])
        return pd.Series(key.isin(wrong), index=rows.index)

    unnumbered = rows["known_code"].isna() & rows["known_id"].isna()
    wrong_number, wrong_phone = faulty(INVALID_NUMBERS), faulty(("PHONE_INVALID",))
    phoneless = rows["phone_hash"].isna() & rows["known_phone"].isna()
    found = {
        "证照号码有误": unnumbered & wrong_number,
        "证件号码已脱敏": unnumbered & ~wrong_number & rows["id_mask"].notna(),
        "证照号码缺失": unnumbered & ~wrong_number & rows["id_mask"].isna(),
        "联系电话有误": phoneless & wrong_phone,
        "联系电话已脱敏": phoneless & ~wrong_phone & rows["phone_mask"].notna(),
        "联系电话缺失": phoneless & ~wrong_phone & rows["phone_mask"].isna(),
        "经营地址缺失": rows["business_address"].isna(),
    }
    for code, words in _SIGNS.items():
        mine = signs[signs["code"] == code]
        of_account = pd.Series(key.isin(pd.MultiIndex.from_frame(mine.dropna(subset=["account_id"])[KEY])), index=rows.index)
        of_holder = rows["entity_id"].isin(mine.loc[mine["account_id"].isna(), "entity_id"].dropna())
        found[words] = found.get(words, False) | of_account | of_holder
    for outcome, words in _OUTCOMES.items():
        found[words] = found.get(words, False) | rows["entity_id"].isin(tried.loc[tried["outcome"] == outcome, "entity_id"])
    told = pd.Series("", index=rows.index, dtype="str")
    for words, holds in found.items():
        told = told + holds.map({True: f"；{words}", False: ""}).astype("str")
    rows["problems"] = told.str.slice(1)
    return rows.loc[rows["problems"] != "", [*COLUMNS[:10], "entity_id"]].reset_index(drop=True)


def ask(connection: Connection, found: pd.DataFrame, sent_on: str) -> pd.DataFrame:
    """Notes that these accounts go back to their platforms on ``sent_on``, and gives them (COLUMNS). One that was asked about
    before and is not settled keeps its first date and deadline; what is settled is closed."""
    standing = bulk.read(connection, "SELECT platform, account_id, asked_on FROM reverification WHERE closed_on IS NULL")
    out = found.merge(standing, on=KEY, how="left")
    fresh = out["asked_on"].isna()
    out["asked_on"] = out["asked_on"].fillna(sent_on).astype("str")
    out["deadline"], guessed = deadlines(out["asked_on"], WORKDAYS)
    out["provisional"] = guessed.astype("int64")
    settled = standing[~standing.set_index(KEY).index.isin(found.set_index(KEY).index)]
    bulk.stage(connection, "rv_done", settled[KEY].astype("str"))
    connection.execute(
        text("UPDATE reverification SET closed_on = :d WHERE closed_on IS NULL AND EXISTS (SELECT 1 FROM rv_done n WHERE "
             "n.platform = reverification.platform AND n.account_id = reverification.account_id)"),
        {"d": sent_on},
    )  # fmt: skip
    bulk.unstage(connection, "rv_done")
    news = out.loc[fresh, [*KEY, "asked_on", "deadline", "problems"]]
    bulk.stage(connection, "rv_new", news.astype("str"))
    connection.exec_driver_sql(
        "INSERT INTO reverification (platform, account_id, asked_on, deadline, problems) "
        "SELECT platform, account_id, asked_on, deadline, problems FROM rv_new"
    )
    bulk.unstage(connection, "rv_new")
    return out[list(COLUMNS)]
