"""Who held which account when.

A holding ends at the first full report of its platform and part in which the account is missing, at a voided row, or at a
stated end of operation; never by silence in a delta report. A rejected row, or a row whose account id cannot be read, is no
absence. Of several holders in one report the one whose stated period covers the date counts, then the latest start; when
none is stated the former holder stays and the account gets a flag.
"""

from __future__ import annotations

import pandas as pd
import pyarrow as pa

from zp_registry.frames import looked_up, rows_among
from zp_registry.resolve.accounts import comparable
from zp_registry.scratch import scratch

ACCOUNT = ["platform", "account_id"]
POINTS = (
    "platform",
    "account_id",
    "as_of",
    "kind",
    "entity_id",
    "record_id",
    "report_id",
    "source",
    "part",
    "sheet",
    "row",
    "file_name",
    "end_reason",
    "unmatched",
)


def observations(records: pd.DataFrame, sightings: pd.DataFrame, reports: pd.DataFrame) -> pd.DataFrame:
    """Every sighting (of ``records`` with entity_id) of an account, but shared reports' once the platform itself has reported
    the account: the platform's own word counts from then on, so that a stale copy cannot undo it."""
    about = ["record_id", "account_id", "unmatched", "entity_id", "platform", "loose", "held_from", "held_to", "info_status"]
    rows = sightings.merge(reports, on="report_id").merge(records.loc[records["account_id"].notna(), about], on="record_id")
    own = rows[rows["loose"] == 0].groupby(ACCOUNT)["as_of"].min().rename("own_from").reset_index()
    rows = rows.merge(own, on=ACCOUNT, how="left")
    return rows[(rows["loose"] == 0) | rows["own_from"].isna() | (rows["as_of"] < rows["own_from"])].drop(columns="own_from")


def choose_holders(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One point per account and date from observations with ``entity_id``; and the undecided ones (account, as_of).

    ``kind`` of a point: ``hold`` (this entity held it), ``present`` (there, but who held it is not decided), ``end``.
    """
    rows = rows.assign(
        void=rows["info_status"].eq("void").fillna(False),
        stated=rows["held_from"].notna() | rows["held_to"].notna(),
        over=(rows["held_to"] < rows["as_of"]).fillna(False),
        future=(rows["held_from"] > rows["as_of"]).fillna(False),
    )
    rows["live"] = ~rows["void"] & ~rows["over"]
    group = [*ACCOUNT, "as_of"]
    # A period that covers the date beats none stated, and either beats one that has still to begin.
    begun = ~rows["future"].astype(bool)
    rows["rank"] = (begun.astype("int64") + 2 * (begun & rows["stated"])).where(rows["live"], -1)
    rows["candidate"] = rows["live"] & (rows["rank"] == rows.groupby(group)["rank"].transform("max"))
    live = rows[rows["candidate"]].sort_values(
        [*group, "held_from", "loose", "source", "part", "sheet", "row", "report_id"],  # never by the order of loading first
        ascending=[True, True, True, False, *[True] * 6],
        na_position="last",
    )
    holders = live.groupby(group)["entity_id"].transform("nunique")
    undecided = live[(holders > 1) & ~live["stated"]]
    starts = rows.groupby(ACCOUNT)["as_of"].min()
    first = live.drop_duplicates(group)
    doubtful = first.merge(undecided[group].drop_duplicates(), on=group)
    began = looked_up(doubtful, ACCOUNT, starts)
    former = doubtful[doubtful["as_of"].to_numpy() > began.to_numpy()] if len(doubtful) else doubtful
    points = first.assign(kind="hold", end_reason=pd.Series(pd.NA, index=first.index, dtype="str"))
    points.loc[rows_among(points, group, former), "kind"] = "present"
    gone = rows[~rows["live"]].sort_values([*group, "source", "part", "sheet", "row", "report_id"]).drop_duplicates(group)
    gone = gone[~rows_among(gone, group, points)]
    gone = gone.assign(kind="end", end_reason=gone["void"].map({True: "void", False: "stated"}).astype("str"))
    return pd.concat([points, gone], ignore_index=True)[list(POINTS)], doubtful[group]


def absences(points: pd.DataFrame, reports: pd.DataFrame, present: pd.DataFrame, names: pd.DataFrame) -> pd.DataFrame:
    """``end`` points for accounts that a full report leaves out.

    ``present``: rejected rows (report_id, platform, account_ref, account_name); one without a readable id shields the accounts
    that bear its shown name (``names``: platform, account_id, account_name), and without a name it makes its report useless as
    proof of absence.
    """
    full = reports[reports["scope"] == "full"]
    shielded = present[present["account_ref"].notna()].rename(columns={"account_ref": "account_id"})[["report_id", *ACCOUNT]]
    unread = present[present["account_ref"].isna()]
    by_name = unread[unread["account_name"].notna()].assign(key=lambda f: comparable(f["account_name"]))
    by_name = by_name.merge(names.dropna().assign(key=lambda f: comparable(f["account_name"])), on=["platform", "key"])
    shielded = pd.concat([shielded, by_name[["report_id", *ACCOUNT]]]).merge(reports[["report_id", "as_of"]], on="report_id")
    named = unread[unread["account_name"].notna()].groupby("report_id").size()
    unnamed = full["unreadable"] - full["report_id"].map(named).fillna(0).astype("int64")
    dates = full.loc[unnamed <= 0, ["source", "part", "as_of", "report_id", "file_name"]].drop_duplicates(
        ["source", "part", "as_of"]
    )
    there = pd.concat([points[[*ACCOUNT, "as_of"]], shielded[[*ACCOUNT, "as_of"]]]).drop_duplicates()
    known = points[points["kind"] != "end"][[*ACCOUNT, "as_of", "source", "part"]]
    known = known.assign(
        part=known["part"].str.replace(r"(\+更正.*|\*)$", "", regex=True)
    )  # a corrected row belongs to its list
    # The part in which an account stood last is where its absence shows.
    there = there.merge(known, on=[*ACCOUNT, "as_of"], how="left").sort_values([*ACCOUNT, "as_of"])
    there[["source", "part"]] = there.groupby(ACCOUNT)[["source", "part"]].ffill()
    there["until"] = there.groupby(ACCOUNT)["as_of"].shift(-1)
    there = there[there["source"].notna()]
    if dates.empty or there.empty:
        return pd.DataFrame(columns=list(POINTS)).astype("str")
    days = {c: pd.to_datetime(f["as_of"]) for c, f in (("there", there), ("dates", dates))}
    missing = pd.merge_asof(
        there.assign(day=days["there"]).sort_values("day"),
        dates.rename(columns={"as_of": "missed_on"}).assign(day=days["dates"]).sort_values("day"),
        on="day",
        by=["source", "part"],
        direction="forward",
        allow_exact_matches=False,
    )
    missing = missing[missing["missed_on"].notna() & (missing["until"].isna() | (missing["missed_on"] < missing["until"]))]
    out = missing.assign(
        as_of=missing["missed_on"],
        kind="end",
        end_reason="absent",
        sheet="",
        row=0,
        unmatched=0,
        entity_id=pd.Series(pd.NA, index=missing.index, dtype="str"),
        record_id=pd.Series(pd.NA, index=missing.index, dtype="Int64"),
    )
    return out[list(POINTS)]


def holdings(points: pd.DataFrame) -> pd.DataFrame:
    """Points (hold and end) → platform, account_id, entity_id, valid_from, valid_to, end_reason, evidence."""
    rows = points[points["kind"] != "present"].sort_values([*ACCOUNT, "as_of", "kind"])
    account = rows["platform"] + "\x1f" + rows["account_id"]
    same = (
        (account == account.shift()) & (rows["entity_id"] == rows["entity_id"].shift()) & (rows["kind"] == rows["kind"].shift())
    )
    starts = rows[~same.fillna(False).to_numpy(dtype=bool)]
    following = starts.groupby(ACCOUNT)[["as_of", "kind", "end_reason"]].shift(-1)
    out = starts.assign(
        valid_from=starts["as_of"],
        valid_to=following["as_of"],
        end_reason=following["end_reason"].where(following["kind"] != "hold", "changed"),
        evidence=place(starts),
    )
    out.loc[out["valid_to"].isna(), "end_reason"] = pd.NA
    out = out[out["kind"] == "hold"]
    return out[[*ACCOUNT, "entity_id", "valid_from", "valid_to", "end_reason", "evidence"]].reset_index(drop=True)


def place(rows: pd.DataFrame) -> pd.Series[str]:
    """``file › sheet › row n``: where an official finds the row."""
    sheet = rows["sheet"].fillna("").mask(rows["sheet"].fillna("") != "", " › " + rows["sheet"].fillna(""))
    return (rows["file_name"] + sheet + " › 第" + rows["row"].astype("Int64").astype("str") + "行").astype("str")


def spells(seen: pd.DataFrame, dates: pd.DataFrame) -> pd.DataFrame:
    """``seen``: account, as_of, role, party_key and details; ``dates``: account, as_of of every time the account was seen.
    A party's spell lasts over consecutive dates of its account and ends at the first date without it."""
    con = scratch()
    con.register("seen", pa.Table.from_pandas(seen.assign(pos=range(len(seen))), preserve_index=False))
    con.register("dates", pa.Table.from_pandas(dates, preserve_index=False))
    out = con.sql(_SPELLS).to_arrow_table().to_pandas()
    con.close()
    told: pd.DataFrame = out.astype(dict.fromkeys(out.columns, "str"))
    return told


_SPELLS = """
WITH days AS (
    SELECT *, row_number() OVER w AS n, lead(as_of) OVER w AS next_as_of FROM (SELECT DISTINCT * FROM dates)
    WINDOW w AS (PARTITION BY platform, account_id ORDER BY as_of)),
once AS (
    SELECT platform, account_id, as_of, role, party_key, arg_min_null(name, pos) AS name, arg_min_null(mask, pos) AS mask,
           arg_min_null(relation, pos) AS relation
    FROM seen GROUP BY ALL),
islands AS (
    SELECT once.*, n, next_as_of, n - row_number() OVER (PARTITION BY platform, account_id, role, party_key ORDER BY n) AS spell
    FROM once JOIN days USING (platform, account_id, as_of))
SELECT platform, account_id, role, party_key, arg_max(name, n) AS name, arg_max(mask, n) AS mask,
       arg_max(relation, n) AS relation, min(as_of) AS valid_from, arg_max_null(next_as_of, n) AS valid_to
FROM islands GROUP BY platform, account_id, role, party_key, spell
ORDER BY platform, account_id, role, party_key, spell
"""
