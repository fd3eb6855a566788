"""Which platform account a row speaks of.

A platform's own report names its accounts by id. A shared report (令117 art. 48) names them loosely: by id, handle, URL or
shown name. A loose name is matched in that order to an account that the platform itself reports; a name only when a single
account bears it. Without a match it is an account of its own until the platform's report shows it, whichever comes first.
"""

from __future__ import annotations

import pandas as pd


def match_accounts(records: pd.DataFrame) -> pd.DataFrame:
    """``records`` (Evidence.records) → the account rows with columns ``record_id, account_id, unmatched`` (0/1)."""
    rows = records.loc[
        (records["record_kind"] == "account") & records["account_ref"].notna(),
        ["record_id", "platform", "account_ref", "loose", "account_handle", "account_url", "account_name"],
    ]
    exact, loose = rows[rows["loose"] == 0], rows[rows["loose"] == 1]
    out = rows.assign(account_id=rows["account_ref"], unmatched=0)
    if loose.empty:
        return out[["record_id", "account_id", "unmatched"]]
    found = pd.Series(pd.NA, index=loose.index, dtype="str")
    wanted = loose["platform"] + "\x1f" + comparable(loose["account_ref"])
    for column in ("account_ref", "account_handle", "account_url", "account_name"):
        known = exact[exact[column].notna()]
        keys = known["platform"] + "\x1f" + comparable(known[column])
        table = pd.DataFrame({"key": keys, "account_id": known["account_ref"]}).drop_duplicates()
        single = table[~table.duplicated("key", keep=False)].set_index("key")["account_id"]
        found = found.fillna(wanted.map(single).astype("str"))
    out.loc[loose.index, "account_id"] = found.fillna(loose["account_ref"])
    out.loc[loose.index, "unmatched"] = found.isna().astype("int64")
    return out[["record_id", "account_id", "unmatched"]]


def comparable(text: pd.Series[str]) -> pd.Series[str]:
    """Ids, handles, URLs and shown names in one comparison form: upper case, no blanks, no scheme, no trailing slash."""
    return text.str.upper().str.replace(r"\s+|^HTTPS?://|/+$", "", regex=True)
