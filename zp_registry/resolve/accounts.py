"""Which platform account a row speaks of.

A platform's own report names its accounts by id. A shared report (令117 art. 48) names them loosely: by id, handle, URL or
shown name. A loose name is matched in that order to an account that the platform itself reports; a name only when a single
account bears it. Without a match it is an account of its own until the platform's report shows it, whichever comes first.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pyarrow as pa

from zp_registry.scratch import scratch

NAMING = ("record_id", "platform", "account_ref", "loose", "account_handle", "account_url", "account_name")
# What names an account, the surest first; compared in one form (``ref_key`` and so on: hashes of it).
_WAYS = {"ref_key": "account_ref", "handle_key": "account_handle", "url_key": "account_url", "name_key": "account_name"}
NAMED = ("record_id", "platform", "account_ref", "loose", *_WAYS)


def match_accounts(records: pd.DataFrame) -> pd.DataFrame:
    """``records`` (NAMING, of account records) → those that name an account: ``record_id, account_id, unmatched`` (0/1)."""
    rows = records.loc[records["account_ref"].notna(), list(NAMING)]
    out = rows.assign(account_id=rows["account_ref"], unmatched=0)
    loose = rows["loose"] == 1
    if loose.any():
        matched = match_loose(name_keys(pa.Table.from_pandas(rows, preserve_index=False)))
        found = out["record_id"].map(matched.set_index("record_id")["account_id"]).astype("str")
        out["account_id"] = out["account_ref"].where(~loose, found.fillna(out["account_ref"]))
        out["unmatched"] = (loose & found.isna()).astype("int64")
    return out[["record_id", "account_id", "unmatched"]]


def name_keys(rows: pa.Table) -> pa.Table:
    """``rows`` (NAMING and any other columns) with hashes of the comparison forms (NAMED) in place of handle, URL and name."""
    keys = ", ".join(_hashed(column, name) for name, column in _WAYS.items())
    con = scratch()
    con.register("rows", rows.select(list(_WAYS.values())))
    hashed = con.execute(f"SELECT {keys} FROM rows").df()
    con.close()
    for name, column in _WAYS.items():
        values = pa.chunked_array([hashed[name].to_numpy(dtype="int64")])
        rows = rows.append_column(name, values)
        if column != "account_ref":
            rows = rows.drop_columns([column])
    return rows


def match_loose(rows: pa.Table, marks: Sequence[str] = ()) -> pd.DataFrame:
    """``rows``: NAMED and columns ``marks`` of 0 and 1 → record_id of the loose rows, and the account_id that each is matched
    to, NA if none. With ``marks`` a column for each of them, called after it: by the rows that it marks alone."""
    con = scratch()
    con.register("rows", rows)
    every = marks or ("account_id",)
    con.execute(
        f"""
        CREATE TEMP VIEW marked AS SELECT *{"" if marks else ", 1 AS account_id"} FROM rows WHERE account_ref IS NOT NULL;
        CREATE TEMP TABLE wanted AS SELECT record_id, platform, ref_key AS key, {", ".join(every)} FROM marked WHERE loose = 1;
        CREATE TEMP TABLE wanted_keys AS SELECT DISTINCT platform, key FROM wanted"""
    )
    known = " UNION ALL ".join(
        f"SELECT {i} AS way, o.* EXCLUDE ({', '.join(_WAYS)}), {way} AS key FROM own o "
        f"JOIN wanted_keys w ON w.platform = o.platform AND w.key = o.{way} WHERE {way} <> 0"
        for i, way in enumerate(_WAYS)
    )
    one = ", ".join(
        f"CASE WHEN min(account_ref) FILTER ({m} = 1) = max(account_ref) FILTER ({m} = 1) "
        f"THEN min(account_ref) FILTER ({m} = 1) END AS {m}"
        for m in every
    )
    best = ", ".join(f"arg_min(k.{m}, k.way) FILTER (w.{m} = 1 AND k.{m} IS NOT NULL) AS {m}" for m in every)
    out = con.execute(
        f"""
        WITH own AS (
            SELECT platform, account_ref, {", ".join((*_WAYS, *every))} FROM marked
            WHERE loose = 0 AND platform IN (SELECT platform FROM wanted_keys)),
        single AS (SELECT way, platform, key, {one} FROM ({known}) GROUP BY way, platform, key)
        SELECT w.record_id, {best} FROM wanted w LEFT JOIN single k USING (platform, key) GROUP BY w.record_id"""
    ).df()
    con.close()
    return out.astype(dict.fromkeys(every, "str"))


def _hashed(column: str, name: str) -> str:
    # 0 for none: a column of integers with gaps would come back as floats, which cannot hold them.
    form = rf"regexp_replace(upper({column}), '\s+|^HTTPS?://|/+$', '', 'g')"
    return f"CASE WHEN {column} IS NULL THEN 0 ELSE (hash({form}) >> 1)::BIGINT END AS {name}"


def comparable(text: pd.Series[str]) -> pd.Series[str]:
    """Ids, handles, URLs and shown names in one comparison form: upper case, no blanks, no scheme, no trailing slash."""
    return text.str.upper().str.replace(r"\s+|^HTTPS?://|/+$", "", regex=True)
