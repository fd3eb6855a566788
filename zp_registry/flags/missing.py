"""The PLEDGE family: one row per entity that has an account and no pledge that holds."""

from __future__ import annotations

import pandas as pd

from zp_registry.flags.evidence import COLUMNS, evidence_items
from zp_registry.flags.pledges import PledgeRules, statuses
from zp_registry.frames import among
from zp_registry.resolve import Resolved
from zp_registry.resolve.history import ACCOUNT
from zp_registry.resolve.links import OPERATOR

CODES = {
    "missing": ("PLEDGE_MISSING", 0.6),
    "expired": ("PLEDGE_EXPIRED", 0.6),
    "mismatch": ("PLEDGE_MISMATCH", 0.55),
    "outdated": ("PLEDGE_OUTDATED", 0.4),
}
_TEXT = {
    "missing": "未见诚信经营承诺书",
    "expired": "诚信经营承诺书已过有效期",
    "mismatch": "承诺书上的名称和签署人与主体不符",
    "outdated": "承诺书版本过旧，需重新签订",
}


def pledge_flags(
    matched: pd.DataFrame, resolved: Resolved, statuses_of_accounts: pd.DataFrame, dates: list[str], rules: PledgeRules
) -> tuple[pd.DataFrame, pd.Series[str]]:
    """Flags (transfers.COLUMNS) and the pledge status of every entity on the last date (index entity_id).

    ``statuses_of_accounts``: of :func:`status_changes`.
    """
    links = resolved.links
    operates = links[links["ground"] == OPERATOR]
    states = []
    latest = pd.Series(dtype="str")
    for on in dates:
        latest = statuses(matched, resolved.entities, on, rules, operates, resolved.alike)
        active = active_entities(resolved.holdings, statuses_of_accounts, on)
        lacking = latest[latest.isin(list(CODES))]
        state = lacking[among(lacking.index.to_series(), active["entity_id"])]
        states.append(pd.DataFrame({"entity_id": state.index, "status": state.to_numpy(), "on": on}))
    rows = pd.concat(states, ignore_index=True) if states else pd.DataFrame(columns=["entity_id", "status", "on"])
    if rows.empty:
        return pd.DataFrame(columns=list(COLUMNS)), latest
    order = {d: i for i, d in enumerate(dates)}
    rows["n"] = rows["on"].map(order)
    rows = rows.sort_values(["entity_id", "n"])
    # One flag per entity: a pledge that is missing today and outdated tomorrow is one matter with one first date.
    rows["spell"] = rows["n"] - rows.groupby("entity_id").cumcount()
    rows["first_seen"] = rows.groupby(["entity_id", "spell"])["on"].transform("min")
    out = rows.drop_duplicates("entity_id", keep="last").merge(
        resolved.entities[["entity_id", "name", "uscc", "id_mask"]], on="entity_id"
    )
    out["code"] = out["status"].map({k: v[0] for k, v in CODES.items()})
    out["score"] = out["status"].map({k: v[1] for k, v in CODES.items()})
    accounts = resolved.holdings[["entity_id", *ACCOUNT]].drop_duplicates().groupby("entity_id").size()
    signed = (
        matched[matched["entity_id"].notna()]
        .sort_values("signed_on")
        .drop_duplicates("entity_id", keep="last")
        .set_index("entity_id")
    )
    when = out["entity_id"].map(signed["signed_on"]).astype("str")
    place = (
        out["entity_id"]
        .map(signed["file_name"] + " › " + signed["sheet"] + " › 第" + signed["row"].astype("str") + "行")
        .astype("str")
    )
    out["reason"] = (
        "主体“"
        + out["name"].fillna("（未报名称）")
        + "”名下有 "
        + out["entity_id"].map(accounts).fillna(0).astype("int64").astype("str")
        + " 个账号，自 "
        + out["first_seen"]
        + " 起"
        + out["status"].map(_TEXT)
        + ("（最近签订日期 " + when + "，" + place + "）").fillna("")
        + "。"
    )
    first = resolved.holdings.drop_duplicates("entity_id").set_index("entity_id").reindex(out["entity_id"])
    held_from = first[["valid_from", "evidence"]].set_axis(["as_of", "source_file"], axis=1).fillna("")
    told = evidence_items(held_from.assign(sheet="", row=0, what="主体持有账号").reset_index(drop=True))
    out["evidence"] = ("[" + told + "]").to_numpy()
    level = out["code"].map({"PLEDGE_OUTDATED": "low"}).fillna("medium")
    empty = pd.Series(pd.NA, index=out.index, dtype="str")
    out = out.assign(
        family="PLEDGE",
        level=level,
        status=pd.Series("open", index=out.index).where(out["on"] == dates[-1], "resolved"),
        platform=empty,
        account_id=empty,
        other_entity_id=empty,
        explained=empty,
        last_seen=out["on"],
    )
    return out[list(COLUMNS)], latest


def status_changes(steps: pd.DataFrame) -> pd.DataFrame:
    """platform, account_id, as_of, account_status of the steps (in order) that show another status than the one before; one
    that shows none is normal, and so is an account until it shows another."""
    status = steps["account_status"].fillna("normal")
    before = status.groupby([steps[c] for c in ACCOUNT]).shift(1).fillna("normal")
    return steps.assign(account_status=status).loc[status != before, [*ACCOUNT, "as_of", "account_status"]]


def active_entities(holdings: pd.DataFrame, account_statuses: pd.DataFrame, on: str) -> pd.DataFrame:
    """Entities (with their accounts) that hold on ``on`` an account that is not closed."""
    held = holdings[(holdings["valid_from"] <= on) & (holdings["valid_to"].isna() | (holdings["valid_to"] > on))]
    last = account_statuses[account_statuses["as_of"] <= on].drop_duplicates(ACCOUNT, keep="last")
    out = held.merge(last[[*ACCOUNT, "account_status"]], on=ACCOUNT, how="left")
    return out[out["account_status"].fillna("normal") != "closed"]
