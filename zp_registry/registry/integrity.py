"""Whether what stands in the database fits together: questions to whole tables, each with one answer that names its rows.

The schema and the code that writes keep all of this by themselves; what is found here was done by another hand, by a disk, or
by a fault of ours. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, inspect, text

from zp_registry.crypto import Keyring
from zp_registry.registry import audit, rotation
from zp_registry.registry.guards import BROKEN_CLUSTERS
from zp_registry.registry.models import Base

SHOWN = 5


@dataclass(frozen=True)
class Finding:
    """Something that is wrong: ``check`` is the group (CHECKS), ``count`` how many rows, ``shown`` ids of the first SHOWN."""

    check: str
    what: str
    count: int
    shown: tuple[str, ...] = ()

    def __str__(self) -> str:
        rest = ", …" if self.count > len(self.shown) else ""
        return f"{self.check}: {self.what}: {self.count}" + (f" ({', '.join(self.shown)}{rest})" if self.shown else "")


# What names a row of another table without the schema knowing: column → column. Ids of entities that were merged live on in
# ``subject``, so that history may name them; what is shown today must stand in ``entity``.
_NAMES = {
    "report.superseded_by": "report.id", "report_file.run_id": "run.run_id", "pledge.superseded_by": "pledge.id",
    **{f"entity.{c}_record": "record.id" for c in ("name", "number", "phone", "address", "contact", "town")},
    "account.record_id": "record.id", "account.entity_id": "entity.entity_id", "entity.entity_id": "subject.current_id",
    "entity_identifier.entity_id": "entity.entity_id", "entity_name.entity_id": "entity.entity_id",
    "link.entity_id": "entity.entity_id", "link.other_entity_id": "entity.entity_id", "holding.entity_id": "subject.entity_id",
    "flag.entity_id": "subject.entity_id", "decision.flag_id": "flag.flag_id", "followup_attempt.flag_id": "flag.flag_id",
    "followup_listing.flag_id": "flag.flag_id", "case_event.case_id": "case_file.case_id",
    "case_file.entity_id": "subject.entity_id", "reviewed_pair.entity_id": "subject.entity_id",
    "reviewed_pair.other_entity_id": "subject.entity_id", "pledge_match.entity_id": "subject.entity_id",
    "pledge_match.record_key": "pledge.record_key", "desk_session.name": "desk_user.name",
}  # fmt: skip
_LIVE = "h.recorded_to IS NULL"
_ACCOUNT = "platform || ':' || account_id"
# (group, what is wrong, query of one column that names each faulty row)
_QUESTIONS = (
    *(("orphans", f"live rows of {table} whose account is not there",
       f"SELECT h.platform || ':' || h.account_id FROM {table} h WHERE {_LIVE} AND NOT EXISTS "
       "(SELECT 1 FROM account a WHERE a.platform = h.platform AND a.account_id = h.account_id)")
      for table in ("holding", "role")),
    ("orphans", "live holdings of an entity that is not there",
     f"SELECT h.entity_id FROM holding h WHERE {_LIVE} AND NOT EXISTS "
     "(SELECT 1 FROM entity e WHERE e.entity_id = h.entity_id)"),
    ("orphans", "records that no report shows",
     "SELECT c.id FROM record c WHERE NOT EXISTS (SELECT 1 FROM sighting s WHERE s.record_id = c.id)"),
    ("orphans", "subjects without a record",
     "SELECT s.id FROM subject s WHERE NOT EXISTS (SELECT 1 FROM record c WHERE c.subject_id = s.id)"),
    ("orphans", "accounts without a live holding",
     f"SELECT {_ACCOUNT} FROM account a WHERE a.entity_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM holding h WHERE {_LIVE} "
     "AND h.platform = a.platform AND h.account_id = a.account_id AND h.entity_id = a.entity_id)"),
    # What PostgreSQL cannot promise of a table in partitions.
    *(("reports" if table == "record" else "holdings", f"rows of {table} that stand twice ({column})",
       f"SELECT {column} FROM {table} GROUP BY {column} HAVING COUNT(*) > 1")
      for table, column in (("record", "record_key"), ("holding", "id"), ("role", "id"))),
    ("holdings", "accounts held by two at once",
     # Sorted by their beginning, two that overlap always have neighbours that do.
     f"SELECT {_ACCOUNT} FROM (SELECT platform, account_id, valid_to, LEAD(valid_from) OVER "
     f"(PARTITION BY platform, account_id ORDER BY valid_from, id) AS next_from FROM holding h WHERE {_LIVE}) v "
     "WHERE next_from < COALESCE(valid_to, '9999-12-31') GROUP BY platform, account_id"),
    ("holdings", "accounts for which two holders were believed at once",
     "SELECT h.platform || ':' || h.account_id FROM holding h JOIN holding o ON o.platform = h.platform "
     "AND o.account_id = h.account_id AND o.id > h.id AND (h.recorded_to IS NOT NULL OR o.recorded_to IS NOT NULL) "
     "WHERE h.valid_from < COALESCE(o.valid_to, '9999-12-31') AND o.valid_from < COALESCE(h.valid_to, '9999-12-31') "
     "AND h.recorded_from < COALESCE(o.recorded_to, '9999-12-31') AND o.recorded_from < COALESCE(h.recorded_to, '9999-12-31') "
     "GROUP BY h.platform, h.account_id"),
    *(("holdings", f"holdings that end before they begin ({time} time)",
       f"SELECT h.id FROM holding h WHERE h.{time}_to {comparison} h.{time}_from")
      for time, comparison in (("valid", "<="), ("recorded", "<"))),
    ("credit codes", "entities with two credit codes",
     "SELECT entity_id FROM entity_identifier WHERE kind = 'uscc' GROUP BY entity_id HAVING MIN(value) <> MAX(value)"),
    ("credit codes", "entities whose records show two credit codes or two ID numbers", BROKEN_CLUSTERS.format(within="")),
    ("credit codes", "entities that show another credit code than their records",
     "SELECT e.entity_id FROM entity e WHERE e.uscc IS NOT NULL AND NOT EXISTS (SELECT 1 FROM entity_identifier i "
     "WHERE i.entity_id = e.entity_id AND i.kind = 'uscc' AND i.value = e.uscc)"),
    ("counts", "files whose rows do not add up",
     "SELECT f.id FROM report_file f WHERE f.state = 'loaded' AND f.rows_read <> f.rows_loaded + f.rows_unchanged + "
     "f.rows_repeated + f.rows_rejected + f.rows_skipped"),
    ("counts", "files that show another number of records than they brought",
     "SELECT f.id FROM report_file f LEFT JOIN (SELECT r.file_id, COUNT(*) AS n FROM sighting s JOIN report r "
     "ON r.id = s.report_id GROUP BY r.file_id) v ON v.file_id = f.id WHERE f.state = 'loaded' AND f.kind = 'report' "
     "AND COALESCE(v.n, 0) <> f.rows_loaded + f.rows_unchanged"),
    ("counts", "files with another number of rejected rows in quarantine",
     "SELECT f.id FROM report_file f LEFT JOIN (SELECT file_id, COUNT(*) AS n FROM reject GROUP BY file_id) v "
     "ON v.file_id = f.id WHERE f.state = 'loaded' AND COALESCE(v.n, 0) <> f.rows_rejected"),
    *(("counts", f"files that brought fewer lines of {table} than stand there",
       f"SELECT f.id FROM report_file f JOIN (SELECT file_id, COUNT(*) AS n FROM {table} GROUP BY file_id) v "
       "ON v.file_id = f.id WHERE v.n > f.rows_loaded") for table in ("pledge", "notice")),
    ("counts", "refused files of which rows were kept",
     "SELECT f.id FROM report_file f WHERE f.state = 'refused' AND (EXISTS (SELECT 1 FROM report r WHERE r.file_id = f.id) "
     "OR EXISTS (SELECT 1 FROM reject j WHERE j.file_id = f.id))"),
    ("reports", "dates of a source for which two reports count",
     "SELECT source || ' ' || as_of || ' ' || part FROM report WHERE superseded_by IS NULL "
     "GROUP BY source, as_of, part HAVING COUNT(*) > 1"),
    ("reports", "reports superseded by one of another source or date",
     "SELECT r.id FROM report r JOIN report n ON n.id = r.superseded_by "
     "WHERE n.source <> r.source OR n.as_of <> r.as_of"),
    ("reports", "records marked as reported (or not) against what the reports show",
     "SELECT c.id FROM record c LEFT JOIN (SELECT DISTINCT s.record_id FROM sighting s JOIN report r ON r.id = s.report_id "
     "WHERE r.superseded_by IS NULL) v ON v.record_id = c.id WHERE (c.live = 1) <> (v.record_id IS NOT NULL)"),
)  # fmt: skip
_TRIGGERS = {"sqlite": ("audit_no_update", "audit_no_delete"), "postgresql": ("audit_no_change", "audit_no_truncate")}
CHECKS = ("storage", "orphans", "holdings", "credit codes", "counts", "reports", "hash chain", "keys")


def findings(connection: Connection, ring: Keyring) -> Iterator[Finding]:
    """Everything that is wrong in the database, group by group. The caller's transaction should see one state of it."""
    there = set(inspect(connection).get_table_names())
    if missing := sorted(set(Base.metadata.tables) - there):
        yield Finding("storage", "tables that are not there", len(missing), tuple(missing[:SHOWN]))
        return  # whoever lost a table needs a backup, and no question can be put to it
    yield from _storage(connection)
    for check, what, query in (*_orphans(), *_QUESTIONS):
        rows = connection.execute(
            text(f"WITH v (who) AS ({query}) SELECT CAST(v.who AS TEXT), COUNT(*) OVER () FROM v ORDER BY v.who LIMIT {SHOWN}")
        ).all()
        if rows:
            yield Finding(check, what, int(rows[0][1]), tuple(str(r[0]) for r in rows))
    yield from _audit(connection)
    yield from _keys(connection, ring)


def _orphans() -> Iterator[tuple[str, str, str]]:
    declared = {
        f"{table.name}.{key.parent.name}": f"{key.column.table.name}.{key.column.name}"
        for table in Base.metadata.sorted_tables for key in table.foreign_keys
    }  # fmt: skip
    for child, parent in sorted({**declared, **_NAMES}.items()):
        (table, column), (other, key) = child.split("."), parent.split(".")
        yield (
            "orphans",
            f"rows of {table} whose {column} names no {other}",
            f"SELECT t.{column} FROM {table} t WHERE t.{column} IS NOT NULL AND NOT EXISTS "
            f"(SELECT 1 FROM {other} o WHERE o.{key} = t.{column})",
        )


def _storage(connection: Connection) -> Iterator[Finding]:
    """What the database says of its own files and indexes."""
    if connection.dialect.name == "sqlite":
        told = [str(r[0]) for r in connection.exec_driver_sql("PRAGMA integrity_check(100)")]
        if told != ["ok"]:
            yield Finding("storage", "faults that SQLite finds in its file", len(told))
    else:
        rows = connection.execute(
            text("SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n "
                 "ON n.oid = c.relnamespace WHERE NOT i.indisvalid AND n.nspname = current_schema() ORDER BY 1")
        ).scalars().all()  # fmt: skip
        if rows:
            yield Finding("storage", "indexes that are not valid", len(rows), tuple(rows[:SHOWN]))


def _audit(connection: Connection) -> Iterator[Finding]:
    if (broken := audit.first_break(connection)) is not None:
        yield Finding("hash chain", f"audit trail: {broken.what}", 1, (f"row {broken.row}",))
    there = set(
        connection.execute(text(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'" if connection.dialect.name == "sqlite" else
            "SELECT tgname FROM pg_trigger WHERE tgrelid = 'audit'::regclass AND tgenabled <> 'D'"
        )).scalars()
    )  # fmt: skip
    if gone := [t for t in _TRIGGERS[connection.dialect.name] if t not in there]:
        yield Finding("hash chain", "triggers that keep the audit trail and are gone", len(gone), tuple(gone))


def _keys(connection: Connection, ring: Keyring) -> Iterator[Finding]:
    for column, counts in rotation.held(connection).items():
        if unknown := {k: n for k, n in counts.items() if k not in ring.data_keys}:
            what = f"values of {column} sealed by a key that is not there"
            yield Finding("keys", what, sum(unknown.values()), tuple(unknown))
