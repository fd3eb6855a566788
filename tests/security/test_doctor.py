"""``doctor`` finds every fault that is planted, names it in one line, and finds nothing in a registry that is whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import Connection, text
from worlds import World, fill_inbox, firm, kuaishou, person, row, world
from zp_registry.jobs.doctor import RAW, examine
from zp_registry.jobs.nightly import nightly

from zp_registry.cli import main
from zp_registry.crypto import seal_bytes
from zp_registry.home import Home
from zp_registry.registry import audit
from zp_registry.registry.integrity import Finding, findings


@pytest.fixture
def county(database_url: str, tmp_path: Path) -> Iterator[World]:
    """Two months: an account that changes hands, a rejected row, a report that came twice, a ledger, a refused file."""
    home = Home(tmp_path / "home")
    first = fill_inbox(home)
    with world(home.root, tmp_path / "files", database_url) as made:
        assert nightly(made.office).exit_code == 3
        kuaishou(home.inbox / "reports" / "kuaishou_20260228.csv", [row("k1", person(6)), *first[1:3]])
        assert nightly(made.office).exit_code == 0
        yield made


# What is planted, the group of the finding, a part of its line, and the ids that it names (None: whatever they are).
PLANTED: list[tuple[str, str, str, tuple[str, ...] | None]] = [
    ("DELETE FROM entity WHERE name = '{firm}'", "orphans", "rows of account whose entity_id names no entity", None),
    ("DELETE FROM account WHERE account_id = 'k2'", "orphans", "live rows of holding", ("kuaishou:k2",)),
    ("DELETE FROM report WHERE source = 'weipaitang'", "orphans", "rows of sighting whose report_id", None),
    ("DELETE FROM sighting WHERE record_id IN (SELECT id FROM record WHERE account_ref = 'w2')", "orphans",
     "records that no report shows", None),
    ("INSERT INTO subject (signature, created_at) VALUES ('x', '2026')", "orphans", "subjects without a record", None),
    ("INSERT INTO decision (flag_id, decision, who, why, decided_at, seen_until) VALUES ('F99', 'x', 'a', 'b', 'c', 'd')",
     "orphans", "rows of decision whose flag_id names no flag", ("F99",)),
    ("DELETE FROM holding WHERE account_id = 'w1'", "orphans", "accounts without a live holding", ("weipaitang:w1",)),
    ("UPDATE holding SET valid_to = NULL WHERE account_id = 'k1'", "holdings", "accounts held by two at once",
     ("kuaishou:k1",)),
    ("UPDATE holding SET recorded_to = NULL WHERE recorded_to IS NOT NULL", "holdings", "held by two", ("kuaishou:k1",)),
    ("UPDATE holding SET recorded_to = '2999' WHERE recorded_to IS NOT NULL", "holdings", "two holders were believed",
     ("kuaishou:k1",)),
    ("UPDATE holding SET valid_to = valid_from WHERE account_id = 'k2'", "holdings", "end before they begin (valid", None),
    ("UPDATE holding SET recorded_to = '1999' WHERE recorded_to IS NOT NULL", "holdings", "begin (recorded time)", None),
    ("INSERT INTO entity_identifier (entity_id, kind, value) SELECT entity_id, 'uscc', '91411324MA9999999X' FROM entity "
     "WHERE name = '{firm}'", "credit codes", "entities with two credit codes", None),
    ("UPDATE subject SET current_id = (SELECT entity_id FROM entity WHERE name = '{firm}') WHERE id IN "
     "(SELECT subject_id FROM record WHERE account_ref = 'k2')", "credit codes", "records show two credit codes", None),
    ("UPDATE entity SET uscc = '91411324MA9999999X' WHERE name = '{firm}'", "credit codes", "another credit code", None),
    ("UPDATE report_file SET rows_loaded = rows_loaded + 1 WHERE name = 'weipaitang_20260131.jsonl'", "counts", "do not add up",
     None),
    ("DELETE FROM sighting WHERE row = 2", "counts", "another number of records than they brought", None),
    ("DELETE FROM reject", "counts", "another number of rejected rows", None),
    ("INSERT INTO pledge (record_key, file_id, sheet, row) SELECT 'x', file_id, '', 9 FROM pledge", "counts",
     "fewer lines of pledge", None),
    ("INSERT INTO report (file_id, source, as_of, part, scope, unreadable) SELECT id, 'jd', '2026-01-31', '', 'full', 0 "
     "FROM report_file WHERE state = 'refused'", "counts", "refused files of which rows were kept", None),
    ("UPDATE report SET superseded_by = NULL, superseded_at = NULL", "reports", "two reports count", None),
    ("UPDATE report SET superseded_by = (SELECT MAX(id) FROM report WHERE source = 'weipaitang') "
     "WHERE superseded_by IS NOT NULL", "reports", "superseded by one of another source", None),
    ("UPDATE record SET live = 1 - live WHERE account_ref = 'w2'", "reports", "marked as reported", None),
    ("UPDATE audit SET subject = 'E9' WHERE id = 1", "hash chain", "audit trail: it was changed", ("row 1",)),
    ("UPDATE data_key SET key_id = key_id WHERE 1 = 0; {sealed}", "keys", "sealed by a key that is not there", None),
]  # fmt: skip


def planted(connection: Connection, statement: str) -> None:
    """As somebody who owns the database: its own checks are put aside, within a transaction that is rolled back."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        connection.exec_driver_sql("DROP TRIGGER audit_no_update")
        sealed = "UPDATE pledge SET sealed = CAST(x'010000000000000000' || substr(sealed, 10) AS BLOB)"
    else:
        connection.exec_driver_sql("SET session_replication_role = replica")
        sealed = "UPDATE pledge SET sealed = '\\x010000000000000000'::bytea || substring(sealed FROM 10)"
    for one in statement.format(firm=firm(3).name, sealed=sealed).split("; "):
        assert connection.execute(text(one)).rowcount or "1 = 0" in one, f"nothing was planted: {one}"


def test_every_planted_fault_is_found_and_a_whole_registry_has_none(county: World) -> None:
    assert [str(f) for f in examine(county.office)] == []
    lines = {}
    for statement, check, part, shown in PLANTED:
        with county.office.engine.connect() as connection, connection.begin() as transaction:
            planted(connection, statement)
            found = [f for f in findings(connection, county.office.ring) if f.check == check and part in f.what]
            transaction.rollback()
        assert len(found) == 1, f"not found: {part}"
        assert found[0].count >= 1
        assert found[0].shown
        assert shown is None or found[0].shown == shown, part
        lines[part] = str(found[0])
    name, on = ("audit_no_delete", "") if county.office.engine.dialect.name == "sqlite" else ("audit_no_truncate", " ON audit")
    gone = f"hash chain: triggers that keep the audit trail and are gone: 1 ({name})"
    for statement, line in ((f"DROP TRIGGER {name}{on}", gone),
                            ("DROP TABLE desk_session", "storage: tables that are not there: 1 (desk_session)")):  # fmt: skip
        with county.office.engine.connect() as connection, connection.begin() as transaction:
            connection.exec_driver_sql(statement)
            assert [str(f) for f in findings(connection, county.office.ring)] == [line]
            transaction.rollback()
    assert not any("\n" in line for line in lines.values())
    assert lines["accounts held by two at once"] == "holdings: accounts held by two at once: 1 (kuaishou:k1)"
    assert [str(f) for f in examine(county.office)] == []


def raw(county: World) -> list[Finding]:
    found = examine(county.office)
    assert {f.check for f in found} <= {RAW}
    return found


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_archived_reports_are_held_against_the_registry(county: World) -> None:
    county.execute("UPDATE run SET command = 'nightly'")
    archive, ring = county.office.home.archive, county.office.ring
    by_name = {p.name.partition("_")[2].removesuffix(".sealed"): p for p in archive.iterdir()}
    spoilt = by_name["weipaitang_20260131.jsonl"]
    good = spoilt.read_bytes()
    spoilt.write_bytes(good[:-3] + b"xyz")
    assert [str(f) for f in raw(county)] == [f"{RAW}: archived files that do not open whole: 1 ({spoilt.name})"]
    seal_bytes(b'{"a": 1}\n', spoilt, ring)
    assert [f.what for f in raw(county)] == ["archived files that are not what was loaded"]
    spoilt.unlink()
    assert [str(f) for f in raw(county)] == [
        f"{RAW}: files that nightly loaded and the archive does not hold: 1 (weipaitang_20260131.jsonl)"]  # fmt: skip
    spoilt.write_bytes(good)
    county.execute("UPDATE report_file SET rows_read = rows_read + 1, rows_skipped = rows_skipped + 1 WHERE name LIKE '台账%'")
    assert [f.what for f in raw(county)] == ["archived files with another number of rows than the registry counts"]
    assert [str(f) for f in examine(county.office, raw=False)] == []
    county.execute("UPDATE report_file SET rows_read = rows_read - 1, rows_skipped = rows_skipped - 1 WHERE name LIKE '台账%'")
    county.execute("CREATE TABLE apart AS SELECT id, sealed FROM record")
    county.execute("UPDATE record SET sealed = a.sealed FROM apart a WHERE a.id = 3 - record.id AND record.id IN (1, 2)")
    broken = next(county.office.home.refused.iterdir())
    broken.write_bytes(broken.read_bytes()[:-1])
    assert [str(f) for f in examine(county.office)] == [
        "keys: sealed values that do not open in their place: 2 (record.sealed 1, record.sealed 2)",
        f"keys: sealed files that do not open whole: 1 (refused/{broken.name})"]  # fmt: skip


def test_the_command_says_it_in_lines_and_by_its_exit_code(home: Home, tmp_path: Path) -> None:
    kuaishou(home.inbox / "reports" / "kuaishou_20260131.csv", [row("k1", person(1)), row("k2", person(2))])
    with world(home.root, tmp_path / "files") as county:
        nightly(county.office)
    run = CliRunner().invoke
    done = run(main, ["doctor", "--home", str(home.root)])
    assert (done.exit_code, done.output.count("nothing found")) == (0, 9), done.output
    with world(home.root, tmp_path / "files") as county:
        county.execute("UPDATE report_file SET rows_read = 9")
        with county.office.engine.begin() as connection:
            audit.note(connection, "show", "E1")
    done = run(main, ["doctor", "--quick", "--json", "--home", str(home.root)])
    told = json.loads(done.stdout)
    assert (done.exit_code, RAW in told["checked"]) == (1, False)
    assert [(f["check"], f["count"]) for f in told["findings"]] == [("counts", 1)]
    assert "counts: files whose rows do not add up: 1 (1)" in done.stderr
