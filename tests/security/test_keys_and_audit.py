"""Keys change under load, wrong ones are noticed before anything is written, and the audit trail shows every tampering."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click import BadParameter
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from worlds import World, kuaishou, masked, person, row, world
from zp_registry.jobs import privacy
from zp_registry.jobs.nightly import nightly
from zp_registry.jobs.office import open_office

from zp_registry.cli.common import Moment
from zp_registry.crypto import Damaged, Keyring, find_master, seal_bytes
from zp_registry.errors import KeyProblem, UsageError
from zp_registry.home import Home
from zp_registry.registry import audit, rotation, tables
from zp_registry.registry.database import open_database
from zp_registry.registry.keys import open_keyring
from zp_registry.settings import Settings

MASTER = bytes(range(32))


def filled(county: World, count: int = 30) -> None:
    county.kuaishou("2026-01-31", [row(f"k{n}", person(n)) for n in range(count)])
    county.night()


def clear(county: World) -> list[str]:
    with county.office.engine.connect() as connection:
        return list(tables.unmasked(connection, county.knowledge(), county.office.ring)["id_number"])


@pytest.mark.parametrize("cipher", ["aes-256-gcm", "sm4-gcm"])
def test_a_value_opens_in_its_row_and_column_alone(cipher: str) -> None:
    ring, rows = Keyring.create(MASTER, cipher)  # type: ignore[arg-type]
    assert set(ring.data_keys.values()) == {cipher}
    sealed = ring.seal_column(["a", "b"], column="record.sealed", record_keys=["1", "2"])
    again = Keyring.open(MASTER, rows)
    assert again.unseal_column(sealed, column="record.sealed", record_keys=["1", "2"]) == ["a", "b"]
    for values, column in ((sealed[::-1], "record.sealed"), (sealed, "pledge.sealed")):
        with pytest.raises(Damaged):
            again.unseal_column(values, column=column, record_keys=["1", "2"])
    for at in range(len(sealed[0] or b"")):
        spoilt = bytearray(sealed[0] or b"")
        spoilt[at] ^= 1
        with pytest.raises((Damaged, KeyProblem)):
            again.unseal(bytes(spoilt), column="record.sealed", record_key="1")


def test_sm4_is_sm4() -> None:
    """RFC 8998, appendix A.1."""
    from zp_registry.crypto.ciphers import Sm4Gcm

    key, nonce = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210"), bytes.fromhex("00001234567800000000ABCD")
    more = bytes.fromhex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2")
    plain = bytes.fromhex("AAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBCCCCCCCCCCCCCCCCDDDDDDDDDDDDDDDD"
                          "EEEEEEEEEEEEEEEEFFFFFFFFFFFFFFFFEEEEEEEEEEEEEEEEAAAAAAAAAAAAAAAA")  # fmt: skip
    sealed = Sm4Gcm(key).encrypt(nonce, plain, more)
    assert sealed.hex().upper().startswith("17F399F08C67D5EE19D0DC9969C4BB7D")
    assert sealed[-16:].hex().upper() == "83DE3541E4C2B58177E065A9BF7B62EC"
    assert Sm4Gcm(key).decrypt(nonce, sealed, more) == plain


def test_swapped_ciphertexts_are_found(home: Home, tmp_path: Path) -> None:
    with world(home.root, tmp_path / "files") as county:
        filled(county, 4)
        county.execute("CREATE TABLE apart AS SELECT id, sealed FROM record")
        county.execute("UPDATE record SET sealed = a.sealed FROM apart a WHERE a.id = 3 - record.id AND record.id IN (1, 2)")
        with county.office.engine.connect() as connection:
            assert rotation.damaged_values(connection, county.office.ring) == ["record.sealed 1", "record.sealed 2"]


@pytest.mark.parametrize("cipher", ["aes-256-gcm", "sm4-gcm"])
def test_a_rotation_is_stopped_and_goes_on_and_work_goes_on_beside_it(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cipher: str
) -> None:
    monkeypatch.setattr(rotation, "BATCH", 7)
    with world(tmp_path / "home", tmp_path / "files", database_url) as county:
        county.office.home.create()
        filled(county)
        before, engine = clear(county), county.office.engine
        master = find_master(county.office.home.master_key)
        assert master is not None
        with engine.begin() as connection:
            rotation.add_key(connection, master, cipher, "yearly")  # type: ignore[arg-type]
        fresh = open_keyring(engine, master)

        class Stopped(Exception):
            pass

        def stop(_what: str, count: int) -> None:
            if count >= 14:
                raise Stopped

        with pytest.raises(Stopped):
            rotation.seal_again(engine, fresh, stop)
        with engine.connect() as connection:
            counts = rotation.held(connection)["record.sealed"]
        assert counts == {county.office.ring.current.hex(): 16, fresh.current.hex(): 14}
        # a run that began before still seals with the older key
        county.weipaitang("2026-02-28", [row(f"m{n}", person(n + 50)) for n in range(9)])
        county.office.ring = fresh
        assert clear(county)[:1] == before[:1]
        rotation.seal_again(engine, fresh)
        with engine.connect() as connection:
            assert rotation.held(connection)["record.sealed"] == {fresh.current.hex(): 39}
            assert rotation.damaged_values(connection, fresh) == []
        assert set(fresh.data_keys.values()) >= {cipher}
        county.night()
        assert set(before) <= set(clear(county))


def test_a_wrong_or_lost_key_is_noticed_before_anything_is_written(home: Home, tmp_path: Path) -> None:
    with world(home.root, tmp_path / "files") as county:
        filled(county, 3)
    settings, file = Settings(home=home.root), home.db / "registry.sqlite"
    good = home.master_key.read_bytes()

    def state() -> bytes:
        engine = open_database(settings.database_url)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        engine.dispose()
        return file.read_bytes()

    before = state()
    home.master_key.unlink()
    with pytest.raises(KeyProblem, match="no master key"):
        open_office(settings)
    assert not home.master_key.exists()
    home.master_key.write_bytes(b"A" * 43 + b"=\n")
    home.master_key.chmod(0o600)
    with pytest.raises(KeyProblem, match="not the one"):
        open_office(settings)
    assert state() == before
    home.master_key.write_bytes(good)
    home.master_key.chmod(0o640)
    with pytest.raises(KeyProblem, match="read by others"):
        open_office(settings)
    home.master_key.chmod(0o600)
    engine = open_office(settings).engine
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM data_key"))
    engine.dispose()
    with pytest.raises(KeyProblem, match="data_key is empty"):
        open_office(settings)


# -- the audit trail


def told(county: World) -> int | None:
    with county.office.engine.connect() as connection:
        return audit.broken_link(connection)


def forge(county: World, statement: str) -> None:
    """As somebody who owns the database, and has no key."""
    for trigger in ("audit_no_update", "audit_no_delete"):
        county.execute(f"DROP TRIGGER IF EXISTS {trigger}")
    county.execute(statement)


def test_the_database_refuses_to_change_or_delete_rows_of_the_trail(database_url: str, tmp_path: Path) -> None:
    with world(tmp_path / "home", tmp_path / "files", database_url) as county:
        with county.office.engine.begin() as connection:
            audit.note(connection, "show", "E1")
        for statement in ("UPDATE audit SET who = 'x'", "DELETE FROM audit"):
            with pytest.raises(DBAPIError, match="never changed or deleted"):
                county.execute(statement)
        assert told(county) is None


@pytest.mark.parametrize(("statement", "at", "what"), [
    ("UPDATE audit SET subject = 'E9' WHERE id = 2", 2, "changed"), ("DELETE FROM audit WHERE id = 2", 3, "between them"),
    ("DELETE FROM audit WHERE id = 3", 2, "behind it"), ("DELETE FROM audit", 1, "all rows"),
    ("UPDATE audit SET reason = NULL WHERE id = 1", 1, "changed"),
])  # fmt: skip
def test_a_changed_or_missing_row_is_found(home: Home, tmp_path: Path, statement: str, at: int, what: str) -> None:
    with world(home.root, tmp_path / "files") as county:
        with county.office.engine.begin() as connection:
            for n in range(3):
                audit.note(connection, "show", f"E{n}", "why")
        assert told(county) is None
        forge(county, statement)
        assert told(county) == at
        with county.office.engine.connect() as connection:
            assert what in str(audit.first_break(connection))


def test_a_trail_that_is_made_anew_without_the_key_is_found(home: Home, tmp_path: Path) -> None:
    import hashlib

    with world(home.root, tmp_path / "files") as county:
        with county.office.engine.begin() as connection:
            audit.note(connection, "unmask", "E1", "curious", "somebody")
        at, who, action = "2026-01-01T00:00:00.000+00:00", "nobody", "show"
        digest = hashlib.sha256("\x1f".join(["", at, who, action, "E1", "None"]).encode()).hexdigest()
        forge(county, f"UPDATE audit SET at = '{at}', who = '{who}', action = '{action}', reason = NULL, row_hash = '{digest}'")
        assert told(county) == 1


def test_the_trail_is_filtered_and_says_who_unmasked_what_and_why(home: Home, tmp_path: Path) -> None:
    with world(home.root, tmp_path / "files") as county:
        filled(county, 3)
        entity = county.holder("k1")
        in_clear = privacy.unmask(county.office, entity, "call back")
        assert in_clear == {"id_number": person(1).person_id, "phone": person(1).phone}
        with pytest.raises(UsageError):
            privacy.unmask(county.office, "E999999", "x")
        with county.office.engine.connect() as connection:
            rows = audit.entries(connection, action="unmask")
            assert [(r["subject"], r["reason"]) for r in rows] == [(entity, "call back")]
            assert audit.entries(connection, subject="100%") == []
            assert audit.entries(connection, who="nobody") == []
            assert audit.entries(connection, since="2999-01-01") == []
            assert len(audit.entries(connection, until="2999-01-01", limit=1)) == 1


def test_lists_cases_and_dossiers_that_were_read_stand_on_the_trail(home: Home, tmp_path: Path) -> None:
    from click.testing import CliRunner

    from zp_registry.cli import main

    kuaishou(home.inbox / "reports" / "kuaishou_20260131.csv", [row("k1", person(1)), row("k2", person(2))])
    kuaishou(home.inbox / "reports" / "kuaishou_20260228.csv", [row("k1", person(3)), row("k2", person(2))])
    with world(home.root, tmp_path / "files") as county:
        nightly(county.office)
        case = county.sql("SELECT case_id FROM case_file")["case_id"].iloc[0]
        entity = county.holder("k2")
    for words in (["show", entity], ["show", "kuaishou:k1"], ["case", "show", case], ["export", "accounts"],
                  ["unmask", entity, "--reason", "函3号"],
                  ["export", "entities", "--unmask", "--reason", "函4号"]):  # fmt: skip
        assert CliRunner().invoke(main, [*words, "--home", str(home.root)]).exit_code == 0
    assert CliRunner().invoke(main, ["unmask", entity, "--home", str(home.root)]).exit_code == 2
    assert CliRunner().invoke(main, ["unmask", entity, "--reason", " ", "--home", str(home.root)]).exit_code == 2
    with world(home.root, tmp_path / "files") as county, county.office.engine.connect() as connection:
        rows = audit.entries(connection)[::-1]
        assert audit.broken_link(connection) is None
    assert [(r["action"], r["reason"]) for r in rows if r["action"].startswith("write")] == [
        ("write follow-up lists", None), ("write transfer list", None)]  # fmt: skip
    assert [(r["action"], r["subject"].split(":")[0], r["reason"]) for r in rows[-7:]] == [
        ("show", entity, None), ("show", "kuaishou", None), ("show", case, None), ("export", "accounts", None),
        ("unmask", entity, "函3号"), ("export unmasked", "entities", "函4号"), ("export", "entities", None)]  # fmt: skip


@pytest.mark.parametrize(("given", "kept"), [
    ("2026-03-31", "2026-03-31"), ("2026-03-31T08:00", "2026-03-31T08:00"), ("2026-03-31 08:00:05", "2026-03-31T08:00:05"),
    ("2026-03-31T08:00+08:00", "2026-03-31T00:00"), ("昨天", None), ("2026-13-01", None), ("0001-01-01T00:00+08:00", None),
])  # fmt: skip
def test_the_trail_is_not_asked_for_a_moment_that_is_none(given: str, kept: str | None) -> None:
    if kept is not None:
        assert Moment().convert(given, None, None) == kept
        return
    with pytest.raises(BadParameter, match="neither a date"):
        Moment().convert(given, None, None)


def test_a_rotation_that_was_stopped_is_told(home: Home, tmp_path: Path) -> None:
    from click.testing import CliRunner

    from zp_registry.cli import main

    with world(home.root, tmp_path / "files") as county:
        filled(county, 3)
        seal_bytes(b"a report", home.archive / "a.csv.sealed", county.office.ring)
        master = find_master(home.master_key)
        assert master is not None
        with county.office.engine.begin() as connection:
            rotation.add_key(connection, master, "aes-256-gcm", "yearly")
        with county.office.engine.connect() as connection:
            last = audit.last_row(connection)
    assert last is not None
    done = CliRunner().invoke(main, ["audit", "verify", "--home", str(home.root)])
    assert (done.exit_code, f"last row {last[0]}, hash {last[1]}" in done.output) == (0, True)
    for command, said in (("check", "4 are under an older key"), ("rotate", "going on with it"), ("check", "everything opens")):
        done = CliRunner().invoke(main, ["keys", command, "--home", str(home.root)])
        assert (done.exit_code, said in done.output) == (0, True)
    assert "older" not in done.output


def test_settings_that_changed_are_noted_by_name(home: Home, tmp_path: Path) -> None:
    for years in (2, 2, 3):
        with world(home.root, tmp_path / "files", validity_years=years) as county, county.office.engine.connect() as connection:
            rows = audit.entries(connection, action="settings")
    assert [r["subject"] for r in rows] == ["pledges.validity_years"]


# -- a person's own data, and time that is over


def test_a_person_sees_all_and_is_deleted_only_when_the_law_allows(home: Home, tmp_path: Path) -> None:
    with world(home.root, tmp_path / "files") as county:
        county.kuaishou("2020-01-31", [row("k1", person(1)), row("k2", person(2))])
        county.kuaishou("2026-01-31", [row("k2", person(2))])
        county.night()
        one, two = (county.flags and county.sql(
            "SELECT entity_id FROM entity WHERE name = :n", n=person(n).name)["entity_id"].iloc[0] for n in (1, 2))  # fmt: skip
        found = privacy.everything_about(county.office, one, "request of 2026-02-01")
        assert person(1).person_id in str(found["records"])
        assert [r["as_of"] for r in found["reports"]] == ["2020-01-31"]
        assert person(2).person_id not in str(found)
        kept = privacy.delete_person(county.office, two, "request")
        assert (kept["deleted"], kept["kept_until"] > "2028") == (0, True)
        assert privacy.delete_person(county.office, one, "request", dry_run=True)["deleted"] == 1
        assert privacy.delete_person(county.office, one, "request")["deleted"] == 1
        assert privacy.everything_about(county.office, one, "again")["records"] == []
        assert privacy.note_correction(county.office, two, "phone", person(9).phone, "wrong")[0]["account"] == "k2"
        with county.office.engine.connect() as connection:
            trail = str(audit.entries(connection))
        assert person(9).phone not in trail
        assert masked(person(1).person_id) in str(county.sql("SELECT id_mask FROM record")["id_mask"].tolist())


def test_retention_tells_before_it_deletes(home: Home, tmp_path: Path) -> None:
    kuaishou(home.inbox / "reports" / "kuaishou_20260131.csv", [row("k1", person(1))])
    (home.inbox / "reports" / "x.csv").write_bytes(b"")
    with world(home.root, tmp_path / "files") as county:
        nightly(county.office)
        county.kuaishou("2020-01-31", [row("k9", person(9))])
        county.night()
        for path in (home.logs / "old.log", *home.refused.iterdir()):
            path.touch()
            os.utime(path, (1_500_000_000, 1_500_000_000))
        told_ = {r["what"]: r["count"] for r in privacy.retention(county.office, dry_run=True)}
        assert told_ == {"log files": 1, "archived files": 0, "refused files": 1, "run records": 0,
                         "backups made before upgrades": 0, "numbers of accounts that are gone": 0}  # fmt: skip
        assert (home.logs / "old.log").exists()
        privacy.retention(county.office)
        assert not (home.logs / "old.log").exists()
        assert not list(home.refused.iterdir())
        assert len(list(home.archive.iterdir())) == 1
