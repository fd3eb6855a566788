"""Loading a judged file: everything of it or nothing, in one transaction.

Order of loading never matters: a report is named by (source, as_of, part), a later file for the same three supersedes the
former, and everything that follows from the records is computed from all live reports.
"""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Row, insert, text

from zp_registry.crypto import Keyring
from zp_registry.frames import among
from zp_registry.registry import bulk
from zp_registry.registry.batch import Batch, Counts, FileFacts
from zp_registry.registry.keep import insert_rejects_and_faults
from zp_registry.registry.models import Report, ReportFile
from zp_registry.registry.sealing import record_keys, seal_records, with_streamers

MAIN_SHARE = 0.2  # a date with a smaller share of a file's rows is a few strays: they say nothing about absent accounts


def known_file(
    connection: Connection, sha256: str, options: str, name: str | None = None, as_of: str | None = None, content: str = ""
) -> Row[Any] | None:
    """The newest file of these bytes, asked for in this way (and, if given, of this name, or with a report for this date), that
    stands in the registry; or one of other bytes with the same ``content``, as long as nothing has taken its place."""
    return connection.execute(
        text("""
            SELECT f.mapping, f.mapping_hash, f.rows_read, f.rows_loaded, f.rows_unchanged, f.rows_repeated, f.rows_rejected,
                   f.rows_skipped, (SELECT MAX(r.as_of) FROM report r WHERE r.file_id = f.id) AS as_of
            FROM report_file f WHERE f.options = :o AND f.state = 'loaded' AND (f.sha256 = :s OR (:c <> '' AND
              f.content_sha256 = :c AND NOT EXISTS (SELECT 1 FROM report r WHERE r.file_id = f.id AND
              r.superseded_by IS NOT NULL)))
              AND (CAST(:n AS TEXT) IS NULL OR f.name = :n) AND (CAST(:d AS TEXT) IS NULL
              OR EXISTS (SELECT 1 FROM report r WHERE r.file_id = f.id AND r.as_of = :d)) ORDER BY f.id DESC LIMIT 1"""),
        {"s": sha256, "o": options, "n": name, "d": as_of, "c": content},
    ).first()


def previous_full_counts(connection: Connection, source: str, as_of: str) -> dict[str, int]:
    """Accounts in the newest live full report before ``as_of``, by report part."""
    frame = bulk.read(
        connection,
        """
        WITH last AS (SELECT part, MAX(as_of) AS as_of FROM report
                      WHERE source = :source AND scope = 'full' AND as_of < :as_of AND superseded_by IS NULL GROUP BY part)
        SELECT r.part, COUNT(DISTINCT c.account_ref) AS n FROM last
        JOIN report r ON r.part = last.part AND r.as_of = last.as_of AND r.source = :source AND r.scope = 'full'
                     AND r.superseded_by IS NULL
        JOIN sighting s ON s.report_id = r.id JOIN record c ON c.id = s.record_id GROUP BY r.part""",
        {"source": source, "as_of": as_of},
        integers=["n"],
    )
    return dict(zip(frame["part"].tolist(), frame["n"].tolist(), strict=True))


def load(connection: Connection, batch: Batch, ring: Keyring, now: str) -> Counts:
    """Writes one file; the caller's transaction makes it all or nothing. Returns the counts, which always add up."""
    source = batch.facts.mapping or ""
    counts = Counts(read=batch.rows_read, rejected=len(batch.rejected), skipped=batch.rows_skipped)
    file_id = insert_file(connection, batch.facts, now)
    rows = with_streamers(batch.accepted, batch.streamers)
    rows = rows.assign(record_key=record_keys(rows, ring, source)) if len(rows) else rows.assign(record_key="")
    rows["as_of"] = rows["as_of"].fillna(batch.as_of or "")
    known = _newest_versions(connection, rows, source)  # before a former report of this date is superseded
    reports = _insert_reports(connection, batch, rows, file_id, source, now)
    first = ~rows.duplicated(["as_of", "part", "record_key"])
    rows = rows[first]
    unchanged = among(rows["record_key"], known)
    counts.repeated = int((~first).sum())
    counts.unchanged = int(unchanged.sum())
    counts.loaded = len(rows) - counts.unchanged
    _insert_records(connection, rows, batch, ring, source, now)
    _insert_sightings(connection, rows, reports)
    insert_rejects_and_faults(connection, batch, file_id, ring, reports)
    note_counts(connection, file_id, counts)
    return counts


def note_counts(connection: Connection, file_id: int, counts: Counts) -> None:
    """Notes with a file what became of its rows."""
    connection.execute(
        text(
            "UPDATE report_file SET rows_read = :read, rows_loaded = :loaded, rows_unchanged = :unchanged, "
            "rows_repeated = :repeated, rows_rejected = :rejected, rows_skipped = :skipped WHERE id = :id"
        ),
        {**vars(counts), "id": file_id},
    )


def note_refusal(connection: Connection, facts: FileFacts, code: str, message: str, now: str) -> None:
    """Notes a refused file by name, hash and reason; none of its rows is kept."""
    insert_file(connection, facts, now, state="refused", refusal=code, message=message)


def insert_file(
    connection: Connection,
    facts: FileFacts,
    now: str,
    *,
    state: str = "loaded",
    refusal: str | None = None,
    message: str | None = None,
) -> int:
    """Notes a file and returns its id."""
    result = connection.execute(
        insert(ReportFile).values(
            name=facts.name,
            sha256=facts.sha256,
            size=facts.size,
            kind=facts.kind,
            mapping=facts.mapping,
            mapping_hash=facts.mapping_hash,
            options=facts.options,
            run_id=facts.run_id,
            warnings=facts.warnings,
            accepted_reason=facts.accepted_reason,
            content_sha256=facts.content_sha256,
            received_at=now,
            state=state,
            refusal=refusal,
            message=message,
        )
    )
    assert result.inserted_primary_key is not None
    return int(result.inserted_primary_key[0])


def _insert_reports(
    connection: Connection, batch: Batch, rows: pd.DataFrame, file_id: int, source: str, now: str
) -> pd.DataFrame:
    """One report for each (as_of, part) of the rows; returns as_of, part, report_id. Former ones are superseded."""
    every = pd.concat(
        [
            rows[["as_of", "part"]],
            batch.rejected.assign(as_of=batch.rejected["as_of"].fillna(batch.as_of or ""))[["as_of", "part"]],
        ]
    )
    groups = every.fillna("").groupby(["as_of", "part"], sort=True).size().rename("n").reset_index()
    groups = groups[groups["as_of"] != ""]
    share = groups["n"] / groups.groupby("part")["n"].transform("sum")
    strays = (share < MAIN_SHARE) & (batch.scope == "full")
    groups["scope"] = [("delta" if stray else batch.scope) for stray in strays]
    groups["stored_part"] = [part + "*" if stray else part for part, stray in zip(groups["part"], strays, strict=True)]
    unreadable = batch.rejected[batch.rejected["account_id"].isna() & (batch.rejected["record_kind"] == "account")]
    lost = (
        unreadable.assign(as_of=unreadable["as_of"].fillna(batch.as_of or ""), part=unreadable["part"].fillna(""))
        .groupby(["as_of", "part"])
        .size()
    )
    ids = []
    for group in groups.itertuples():
        result = connection.execute(
            insert(Report).values(
                file_id=file_id,
                source=source,
                as_of=group.as_of,
                part=group.stored_part,
                scope=group.scope,
                unreadable=int(lost.get((group.as_of, group.part), 0)),
            )
        )
        assert result.inserted_primary_key is not None
        ids.append(int(result.inserted_primary_key[0]))
        _supersede(connection, source, str(group.as_of), str(group.stored_part), ids[-1], now)
    return groups[["as_of", "part"]].assign(report_id=pd.Series(ids, index=groups.index, dtype="int64"))


def _supersede(connection: Connection, source: str, as_of: str, part: str, report_id: int, now: str) -> None:
    # A new file for a date also takes the place of the corrections that were made to the former one.
    where = (
        "source = :source AND as_of = :as_of AND (part = :part OR part LIKE :corrected) AND id <> :id AND superseded_by IS NULL"
    )
    values = {"source": source, "as_of": as_of, "part": part, "corrected": part + "+更正%", "id": report_id, "now": now}
    connection.execute(
        text(
            f"UPDATE reject SET status = 'superseded', closed_at = :now WHERE status = 'open' AND report_id IN "
            f"(SELECT id FROM report WHERE {where})"
        ),
        values,
    )
    former = bulk.read(connection, f"SELECT id FROM report WHERE {where}", values, integers=["id"])["id"].tolist()
    if not former:
        return
    connection.execute(text(f"UPDATE report SET superseded_by = :id, superseded_at = :now WHERE {where}"), values)
    for old in former:
        _note_lives(
            connection,
            0,
            "c.id IN (SELECT record_id FROM sighting WHERE report_id = :old) AND NOT EXISTS (SELECT 1 FROM sighting s "
            "JOIN report r ON r.id = s.report_id WHERE s.record_id = c.id AND r.superseded_by IS NULL)",
            {"old": old},
        )


def _note_lives(connection: Connection, live: int, which: str, values: dict[str, Any]) -> None:
    """Records (``c``) that come to stand in a live report, or cease to: so the next resolve knows what has changed."""
    connection.execute(
        text(
            f"INSERT INTO touched (record_id, was_live) SELECT c.id, c.live FROM record c WHERE c.live <> {live} AND {which} "
            "ON CONFLICT (record_id) DO NOTHING"
        ),
        values,
    )
    connection.execute(text(f"UPDATE record AS c SET live = {live} WHERE c.live <> {live} AND {which}"), values)


def _newest_versions(connection: Connection, rows: pd.DataFrame, source: str) -> set[str]:
    """Record keys that are their account's newest live version in this source (or, without account, stand in a live report)."""
    if rows.empty:
        return set()
    accounts = rows[["platform", "account_id"]].drop_duplicates().fillna("")
    bulk.stage(connection, "load_accounts", accounts.rename(columns={"account_id": "account_ref"}))
    frame = bulk.read(
        connection,
        """
        SELECT record_key FROM (
            SELECT c.record_key, RANK() OVER (PARTITION BY c.platform, c.account_ref ORDER BY r.as_of DESC, r.id DESC) AS place
            FROM load_accounts a JOIN record c ON c.platform = a.platform AND c.account_ref = a.account_ref AND
            c.source = :source
            JOIN sighting s ON s.record_id = c.id JOIN report r ON r.id = s.report_id
            WHERE r.source = :source AND r.superseded_by IS NULL) v
        WHERE place = 1
        UNION ALL
        SELECT c.record_key FROM record c WHERE c.source = :source AND c.record_kind = 'streamer'
            AND EXISTS (SELECT 1 FROM sighting s JOIN report r ON r.id = s.report_id
                        WHERE s.record_id = c.id AND r.superseded_by IS NULL)""",
        {"source": source},
    )
    bulk.unstage(connection, "load_accounts")
    return set(frame["record_key"])


def _insert_records(connection: Connection, rows: pd.DataFrame, batch: Batch, ring: Keyring, source: str, now: str) -> None:
    """Adds the versions that are new; sealing happens for these alone."""
    distinct = rows.drop_duplicates("record_key")
    bulk.stage(connection, "load_keys", distinct[["record_key"]].astype("str"))
    there = bulk.read(connection, "SELECT k.record_key FROM load_keys k JOIN record c ON c.record_key = k.record_key")
    bulk.unstage(connection, "load_keys")
    fresh = distinct[~among(distinct["record_key"], there["record_key"])]
    if fresh.empty:
        return
    bulk.stage(connection, "load_fresh", fresh[["record_key"]])
    records, people = seal_records(fresh, batch.streamers, ring, source=source, loose=batch.loose)
    subjects = _subjects(connection, records["signature"], now)
    bulk.append(connection, "record", records.drop(columns="signature").assign(subject_id=subjects, live=1))
    connection.exec_driver_sql(
        "INSERT INTO touched (record_id, was_live) "
        "SELECT c.id, 0 FROM load_fresh n JOIN record c ON c.record_key = n.record_key"
    )
    bulk.unstage(connection, "load_fresh")
    if len(people):
        bulk.stage(connection, "load_people", people)
        columns = [c for c in people.columns if c != "record_key"]
        theirs = ", ".join("n." + c for c in columns)
        connection.exec_driver_sql(
            f"INSERT INTO record_streamer (record_id, {', '.join(columns)}) SELECT c.id, {theirs} "
            "FROM load_people n JOIN record c ON c.record_key = n.record_key"
        )
        bulk.unstage(connection, "load_people")


def _subjects(connection: Connection, signatures: pd.Series[str], now: str) -> pd.Series[int]:
    """The subject of each signature; those that nobody described so before are added."""
    bulk.stage(connection, "load_signatures", pd.DataFrame({"signature": signatures.drop_duplicates().sort_values()}))
    connection.execute(
        text(
            "INSERT INTO subject (signature, created_at) SELECT signature, :now FROM load_signatures n "
            "WHERE NOT EXISTS (SELECT 1 FROM subject s WHERE s.signature = n.signature) ORDER BY signature"
        ),
        {"now": now},
    )
    known = bulk.read_table(
        connection,
        "FROM load_signatures n JOIN subject s ON s.signature = n.signature",
        ["s.id AS id", "s.signature AS signature"],
        ["id"],
    ).to_pandas()
    bulk.unstage(connection, "load_signatures")
    return signatures.map(known.set_index("signature")["id"]).astype("int64")


def _insert_sightings(connection: Connection, rows: pd.DataFrame, reports: pd.DataFrame) -> None:
    placed = rows.assign(part=rows["part"].fillna("")).merge(reports, on=["as_of", "part"])
    bulk.stage(connection, "load_sightings", placed[["record_key", "report_id", "sheet", "row"]].fillna({"sheet": ""}))
    connection.exec_driver_sql(
        "INSERT INTO sighting (report_id, record_id, sheet, row) SELECT n.report_id, c.id, n.sheet, n.row "
        "FROM load_sightings n JOIN record c ON c.record_key = n.record_key "
        "WHERE NOT EXISTS (SELECT 1 FROM sighting s WHERE s.report_id = n.report_id AND s.record_id = c.id)"
    )
    _note_lives(
        connection, 1, "c.id IN (SELECT k.id FROM load_sightings n JOIN record k ON k.record_key = n.record_key)", {}
    )
    bulk.unstage(connection, "load_sightings")


def raw_text(cells: dict[str, str]) -> str:
    """The JSON text in which a rejected row is kept."""
    return json.dumps(cells, ensure_ascii=False)
