"""Which platform account a row speaks of.

A platform's own report names its accounts by id. A shared report (令117 art. 48) names them loosely: by id, handle, URL or
shown name. A loose name is matched in that order to an account that the platform itself reports; a name only when a single
account bears it. Without a match it is an account of its own until the platform's report shows it, whichever comes first.
"""

from __future__ import annotations

import duckdb
import pandas as pd
import pyarrow as pa

NAMING = ("record_id", "platform", "account_ref", "loose", "account_handle", "account_url", "account_name")


def match_accounts(records: pd.DataFrame) -> pd.DataFrame:
    """``records`` (Evidence.records) → the account rows with columns ``record_id, account_id, unmatched`` (0/1)."""
    rows = records.loc[(records["record_kind"] == "account") & records["account_ref"].notna(), list(NAMING)]
    out = rows.assign(account_id=rows["account_ref"], unmatched=0)
    loose = rows["loose"] == 1
    if loose.any():
        found = out["record_id"].map(match_loose(rows).set_index("record_id")["account_id"]).astype("str")
        out["account_id"] = out["account_ref"].where(~loose, found.fillna(out["account_ref"]))
        out["unmatched"] = (loose & found.isna()).astype("int64")
    return out[["record_id", "account_id", "unmatched"]]


def match_loose(rows: pd.DataFrame | pa.Table) -> pd.DataFrame:
    """``rows``: NAMING → record_id, account_id of the loose rows that are matched."""
    con = duckdb.connect()
    con.execute("SET enable_progress_bar = false; SET python_enable_replacements = false")
    con.register("rows", rows)
    ways = ("account_ref", "account_handle", "account_url", "account_name")
    con.execute(
        "CREATE TEMP TABLE wanted AS SELECT record_id, platform, {} AS key FROM rows WHERE loose = 1".format(
            _comparable("account_ref")
        )
    )
    con.execute("CREATE TEMP TABLE own AS SELECT * FROM rows WHERE loose = 0 AND platform IN (SELECT platform FROM wanted)")
    known = " UNION ALL ".join(
        f"SELECT {i} AS way, platform, {_comparable(way)} AS key, account_ref FROM own WHERE {way} IS NOT NULL"
        for i, way in enumerate(ways)
    )
    out = con.execute(
        f"""
        WITH single AS (
            SELECT way, platform, key, min(account_ref) AS account_id FROM ({known}) WHERE key IN (SELECT key FROM wanted)
            GROUP BY way, platform, key HAVING count(DISTINCT account_ref) = 1)
        SELECT w.record_id, arg_min(k.account_id, k.way) AS account_id
        FROM wanted w JOIN single k ON k.platform = w.platform AND k.key = w.key GROUP BY w.record_id"""
    ).df()
    con.close()
    return out.astype({"account_id": "str"})


def _comparable(column: str) -> str:
    return rf"regexp_replace(upper({column}), '\s+|^HTTPS?://|/+$', '', 'g')"


def comparable(text: pd.Series[str]) -> pd.Series[str]:
    """Ids, handles, URLs and shown names in one comparison form: upper case, no blanks, no scheme, no trailing slash."""
    return text.str.upper().str.replace(r"\s+|^HTTPS?://|/+$", "", regex=True)
