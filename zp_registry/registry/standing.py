"""What stands reported, read from the database in a few queries; no sensitive value is opened for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
from sqlalchemy import Connection, text

from zp_registry.evidence import FACES, FACTS, PEOPLE, RECORD, Evidence, Part
from zp_registry.frames import among
from zp_registry.registry import bulk
from zp_registry.registry.known import stands, stood
from zp_registry.registry.notices import read_notices, read_reviewed
from zp_registry.resolve.accounts import NAMING, match_accounts
from zp_registry.resolve.parts import distinct_facts, divided

_NUMBERS = ("record_id", "subject_id", "loose", "report_id", "row")
# Text as typed; the rest are hashes, codes, dates, masks and comparison forms.
_TYPED = ("account_ref", "account_handle", "account_name", "account_url", "id_type", "subject_name", "legal_representative",
          "operator_name", "contact_name", "business_address", "province", "city", "county", "town", "market", "agency_name",
          "agency_uscc", "payee_name", "name", "agency", "sheet")  # fmt: skip


def reference_date(connection: Connection, known: str | None = None) -> str:
    """The newest as_of that is loaded (or was before the moment ``known``): what expiry and deadlines count from (never the
    clock); empty when nothing is."""
    frame = bulk.read(connection, f"SELECT MAX(r.as_of) AS d FROM report r WHERE {live_reports(known)}", {"known": known})
    value = frame["d"].iloc[0]
    return "" if pd.isna(value) else str(value)


def read_evidence(connection: Connection, as_of: str | None = None, known: str | None = None) -> Evidence:
    """Everything that the reports up to ``as_of`` (default: the newest) say, but what :class:`StandingParts` reads; with
    ``known`` only what had come before that moment. For a date that is told again people's words name entities by the ids that
    they had then. Leaves the temporary tables ``ev_reports`` (report_id) and ``ev_records`` (record_id) of what counts."""
    until = as_of or reference_date(connection)
    at = {"until": until, "known": known}
    again = as_of is not None or known is not None
    live = f"{live_reports(known)} AND r.as_of <= :until"
    open_ = "j.status = 'open'" if known is None else "(j.status = 'open' OR j.closed_at >= :known)"
    reports = bulk.read(
        connection,
        f"""
        SELECT r.id AS report_id, r.source, r.as_of, r.part, r.scope, r.unreadable, f.name AS file_name
        FROM report r JOIN report_file f ON f.id = r.file_id WHERE {live} ORDER BY r.id""",
        at,
        integers=["report_id", "unreadable"],
    )
    bulk.stage(connection, "ev_reports", reports[["report_id"]])
    bulk.unstage(connection, "ev_records")
    connection.execute(
        text(
            "CREATE TEMP TABLE ev_records AS SELECT DISTINCT s.record_id FROM ev_reports n "
            "JOIN sighting s ON s.report_id = n.report_id"
        )
    )
    sightings = _texts(connection, "FROM ev_reports n JOIN sighting s ON s.report_id = n.report_id ORDER BY "
                       "s.report_id, s.record_id",
                       "s", ("report_id", "record_id", "sheet", "row")).fillna({"sheet": ""})  # fmt: skip
    present = bulk.read(
        connection,
        f"""
        SELECT j.report_id, j.platform, j.account_ref, j.account_name FROM reject j JOIN report r ON r.id = j.report_id
        WHERE {open_} AND {live}""",
        at,
        integers=["report_id"],
    )
    edges = bulk.read(
        connection,
        "SELECT left_id, right_id, judgement FROM edge "
        f"WHERE {stands('created_at', 'deleted_at', known)} AND tier = 'person' ORDER BY id",
        at,
        integers=["left_id", "right_id"],
    )
    decisions = bulk.read(
        connection,
        "SELECT flag_id, decision, decided_at, who, why, seen_until FROM decision "
        + ("" if known is None else "WHERE decided_at < :known ")
        + "ORDER BY id",
        at,
    )
    return Evidence(
        _read_accounts(connection),
        _texts(connection, f"FROM ({_FACES}) p", "p", FACES),
        sightings,
        reports,
        present,
        edges,
        read_pledges(connection, known),
        decisions,
        until,
        read_notices(connection, until, all_of_them=until >= reference_date(connection, known), known=known),
        read_reviewed(connection, known, again=again),
        read_pledge_words(connection, known, again=again),
    )


# A list of streamers names nobody who holds an account.
_FACES = """
    SELECT DISTINCT CASE WHEN c.record_kind = 'account' THEN c.subject_id ELSE 0 END AS subject_id, p.name_key, p.id_hash,
           p.relation
    FROM ev_records n JOIN record c ON c.id = n.record_id JOIN record_streamer p ON p.record_id = n.record_id"""
_ACCOUNTS = "FROM ev_records n JOIN record c ON c.id = n.record_id WHERE c.record_kind = 'account'"


def _read_accounts(connection: Connection) -> pd.DataFrame:
    """Evidence.accounts."""
    named = ("record_id", "platform", "account_ref", "loose")
    rows = _texts(connection, f"{_ACCOUNTS} ORDER BY n.record_id", "c", (*named, "subject_id"))
    loose = rows.loc[rows["loose"] == 1, "platform"].drop_duplicates()
    names = rows.reindex(columns=list(NAMING))
    if len(loose):  # what shared reports name loosely is looked for among the accounts of those platforms
        bulk.stage(connection, "ev_loose", loose.to_frame())
        asked = f"{_ACCOUNTS} AND c.platform IN (SELECT platform FROM ev_loose)"
        others = names[~among(names["platform"], loose)]
        names = pd.concat([others, _texts(connection, asked, "c", NAMING)], ignore_index=True)
        bulk.unstage(connection, "ev_loose")
    rows = rows.drop(columns="account_ref").merge(match_accounts(names), on="record_id", how="left")
    return rows.assign(unmatched=rows["unmatched"].fillna(0).astype("int64"))


class StandingParts:
    """The records of :func:`read_evidence` (evidence.Parts) in parts of about ``rows`` sightings, each read when it is first
    asked for; ``entity``: who is who, index subject_id. ``places``: platform, account_id, entity_id, part. Needs the temporary
    tables that it left, on the same connection."""

    def __init__(self, connection: Connection, evidence: Evidence, entity: pd.Series[str], rows: int) -> None:
        self._connection, self._evidence = connection, evidence
        accounts = evidence.accounts
        of = accounts["subject_id"].map(entity).astype("str")
        part = divided(accounts, of, evidence.sightings, rows)
        self.places = accounts[["platform", "account_id"]].assign(entity_id=of, part=part)
        self._part = part.to_numpy()
        self._seen = evidence.sightings["record_id"].map(part.set_axis(accounts["record_id"])).to_numpy()
        self._count = int(part.max()) + 1 if len(part) else 1
        # Records and people of each part as they were read, a tenth of their size: they are asked for three times.
        self._kept: dict[int, tuple[pa.Buffer, pa.Buffer]] = {}
        bulk.stage(connection, "ev_parts", pd.DataFrame({"part": part, "record_id": accounts["record_id"]}))
        connection.execute(text("CREATE INDEX ev_parts_part ON ev_parts (part, record_id)"))

    def reading(self, columns: Sequence[str]) -> Iterator[Part]:
        """Each part with these columns (evidence.RECORD) of its records."""
        for number in range(self._count):
            records = self._records(number, columns)
            yield Part(records, self._sightings(number), _frame(self._kept[number][1], PEOPLE))

    def facts(self) -> pd.DataFrame:
        """What holders may have in common, of all parts."""
        reports = self._evidence.reports
        found = [distinct_facts(self._records(n, FACTS), self._sightings(n), reports) for n in range(self._count)]
        return pd.concat(found).sort_values("record_id", ignore_index=True).drop(columns="record_id")

    def _records(self, number: int, columns: Sequence[str]) -> pd.DataFrame:
        if number not in self._kept:
            cast = _OF_PART.format("record_streamer p ON p.record_id", number) + ", p.ordinal"
            records = _table(self._connection, _OF_PART.format("record c ON c.id", number), "c", RECORD)
            self._kept[number] = _packed(records), _packed(_table(self._connection, cast, "p", PEOPLE))
        own: pd.DataFrame = self._evidence.accounts[self._part == number].reset_index(drop=True)
        return own.join(_frame(self._kept[number][0], tuple(c for c in columns if c not in own)))

    def _sightings(self, number: int) -> pd.DataFrame:
        seen: pd.DataFrame = self._evidence.sightings[self._seen == number].reset_index(drop=True)
        return seen


_OF_PART = "FROM ev_parts n JOIN {0} = n.record_id WHERE n.part = {1} ORDER BY n.record_id"


def _texts(connection: Connection, select: str, table: str, names: Sequence[str]) -> pd.DataFrame:
    """``names`` of ``table`` (its alias in ``select``) as a frame: int64 for numbers, text for the rest."""
    return _pandas(_table(connection, select, table, names), names)


def _table(connection: Connection, select: str, table: str, names: Sequence[str]) -> pa.Table:
    own = {"record_id": "id"} if table == "c" else {}
    columns = [f"{table}.{own.get(n, n)} AS {n}" for n in names]
    numbers = [n for n in names if n in _NUMBERS]
    return bulk.read_table(connection, select, columns, numbers, [n for n in names if n in _TYPED])


def _pandas(table: pa.Table, names: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame({n: _column(table[n]) for n in names})


def _column(values: pa.ChunkedArray) -> pd.Series[Any]:
    if values.type == pa.int64():
        return pd.Series(values.to_numpy(), dtype="int64")
    return pd.Series(values.cast(pa.large_string()).combine_chunks(), dtype="str")


def _packed(table: pa.Table) -> pa.Buffer:
    out = pa.BufferOutputStream()
    with pa.ipc.new_file(out, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    return out.getvalue()


def _frame(packed: pa.Buffer, names: Sequence[str]) -> pd.DataFrame:
    with pa.ipc.open_file(packed) as file:
        fields = [file.schema.get_field_index(n) for n in names]
    with pa.ipc.open_file(packed, options=pa.ipc.IpcReadOptions(included_fields=fields)) as file:
        return _pandas(file.read_all(), names)


def live_reports(known: str | None) -> str:
    """SQL (``r``: report; with ``:known``) that is true for the reports that count, or counted before the moment ``known``."""
    if known is None:
        return "r.superseded_by IS NULL"
    return stands("(SELECT o.received_at FROM report_file o WHERE o.id = r.file_id)", "r.superseded_at", known)


def read_pledge_words(connection: Connection, known: str | None = None, *, again: bool = False) -> pd.DataFrame:
    """record_key, entity_id (of today, or for a date told ``again`` that which was named; NA: nobody here) of what people said
    about ledger rows; the newest word counts."""
    return bulk.read(
        connection,
        f"SELECT m.record_key, {'m.entity_id' if again else 's.current_id'} AS entity_id FROM pledge_match m "
        "LEFT JOIN subject s ON s.entity_id = m.entity_id "
        f"WHERE {stands('m.created_at', 'm.withdrawn_at', known)} ORDER BY m.id",
        {"known": known},
    ).drop_duplicates("record_key", keep="last")


def read_pledges(connection: Connection, known: str | None = None) -> pd.DataFrame:
    """The ledger's live rows, or those that counted before the moment ``known``."""
    rows = bulk.read(
        connection,
        """
        SELECT p.id AS pledge_id, p.record_key, p.sheet, p.row, p.pledge_number, p.subject_name, p.subject_key, p.uscc,
               p.id_hash, p.id_mask, p.signer, p.signer_key, p.phone_hash, p.phone_hashes, p.phone_mask, p.town,
               p.template_version, p.signed_on, p.valid_until, p.scan_number, f.name AS file_name, p.stood
        FROM pledge p JOIN report_file f ON f.id = p.file_id
        WHERE """
        + ("p.superseded_by IS NULL" if known is None else "f.received_at < :known")
        + " ORDER BY p.id",
        {"known": known},
        integers=["pledge_id", "row"],
    )
    if known is not None:
        rows = rows[stood(rows["stood"], known)].reset_index(drop=True)
    return rows.drop(columns="stood")


