"""What every job needs: settings, the home folder, the database, the keys, the lock and a run record."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

import structlog
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from zp_registry.crypto import Keyring, create_master
from zp_registry.errors import KeyProblem, UsageError
from zp_registry.flags.rulebook import Rulebook, load_rulebook
from zp_registry.home import Home
from zp_registry.lock import only_writer
from zp_registry.mapping import Mappings, load_mappings
from zp_registry.registry import audit
from zp_registry.registry.audit import moment
from zp_registry.registry.database import open_database, schema_is_current, schema_of, upgrade
from zp_registry.registry.keys import find_fitting, open_keyring, settle_master
from zp_registry.registry.onewriter import only_writer_of
from zp_registry.registry.runs import finish_run, start_run
from zp_registry.registry.state import read_state, write_state
from zp_registry.settings import Settings

from .backup import backup_before_upgrade

log = structlog.get_logger(__name__)


@dataclass
class Office:
    """An opened registry. ``run_id`` is set while a job that writes is running; ``summary`` becomes part of its record."""

    settings: Settings
    home: Home
    engine: Engine
    ring: Keyring
    mappings: Mappings
    run_id: str | None = None
    state: str = "done"
    exit_code: int = 0
    summary: dict[str, object] = field(default_factory=dict)

    def mapping_hash(self, mapping_id: str) -> str:
        """A short hash of a mapping's content."""
        return hashlib.sha256(self.mappings[mapping_id].model_dump_json().encode()).hexdigest()[:16]

    @property
    def rules_version(self) -> str:
        """A short hash of the settings that rules depend on."""
        text = self.settings.model_dump_json(include={"pledges", "flags", "resolve"})
        return hashlib.sha256((text + self.rulebook.hash()).encode()).hexdigest()[:12]

    @functools.cached_property
    def rulebook(self) -> Rulebook:
        """The rules of the flags, with the home's own changes. UsageError when that file is wrong."""
        return load_rulebook(self.home.root)


def open_office(settings: Settings) -> Office:
    """An office for looking: no lock is needed, but making or upgrading the registry takes it for that moment (LockHeld).

    Raises KeyProblem as :func:`at_work` does.
    """
    home = Home(settings.home)
    home.create()
    engine = open_database(settings.database_url)
    if schema_is_current(engine):
        return _open(settings, home, engine)
    with only_writer(home.lock, "setting up"):
        return _open(settings, home, engine)


def _open(settings: Settings, home: Home, engine: Engine, *, backup: bool = True) -> Office:
    """Opens the registry in the home folder, made or upgraded if need be; before an upgrade it is backed up.

    Raises, before anything is changed: KeyProblem when the registry has data but the master key is lost or wrong, BackupFailed,
    UsageError when its schema is newer than this program; and UpgradeFailed, after which it is as it was.
    """
    master = find_fitting(engine, home.master_key)
    if master is None:
        if _has_keys(engine):
            raise KeyProblem(f"the registry is encrypted, but there is no master key: put it back into {home.master_key}")
        master = create_master(home.master_key)
    if not schema_is_current(engine):
        with only_writer_of(engine, home.root, "upgrade"):
            _upgrade(home, engine, master, backup=backup)
    folders = [settings.mappings_dir] if settings.mappings_dir else []
    ring = open_keyring(engine, master, settings.crypto.cipher)
    return Office(settings, home, engine, ring, load_mappings(*folders))


def _upgrade(home: Home, engine: Engine, master: bytes, *, backup: bool) -> None:
    former = schema_of(engine)
    if not _has_keys(engine):
        upgrade(engine)
        return
    ring = open_keyring(engine, master)  # a wrong key must not even change the schema
    saved = backup_before_upgrade(engine, ring, home) if backup else None
    upgrade(engine)
    log.info("upgraded", before=former, now=schema_of(engine), backup=str(saved) if saved else None)


def _has_keys(engine: Engine) -> bool:
    if not inspect(engine).has_table("data_key"):
        return False
    with engine.connect() as connection:
        return connection.execute(text("SELECT 1 FROM data_key")).first() is not None


@contextmanager
def at_work(settings: Settings, command: str, *, backup: bool = True) -> Iterator[Office]:
    """An office that holds the lock and leaves a run record, whatever happens. Raises LockHeld (exit code 4). ``backup``:
    before an older registry is upgraded."""
    home = Home(settings.home)
    home.create()
    with ExitStack() as stack:
        stack.enter_context(only_writer(home.lock, command))
        office = _open(settings, home, open_database(settings.database_url), backup=backup)
        stack.enter_context(only_writer_of(office.engine, home.root, command))
        settle_master(office.engine, home.master_key)
        office.run_id = start_run(office.engine, command)
        note_settings(office)
        try:
            yield office
        except BaseException as error:
            code = error.exit_code if isinstance(error, UsageError | KeyProblem) else 1
            with suppress(SQLAlchemyError):  # a database that is gone must not hide what went wrong
                finish_run(office.engine, office.run_id, "failed", code, {**office.summary, "error": type(error).__name__})
            raise
        finish_run(office.engine, office.run_id, office.state, office.exit_code, {**office.summary, "at": moment()})


def note_settings(office: Office) -> None:
    """Notes on the audit trail which settings differ from those of the last run; their values are not noted."""
    told = office.settings.model_dump(mode="json", exclude={"database_url", "home"})
    each = {s: v if isinstance(v, dict) else {"": v} for s, v in told.items()}
    now = {f"{s}.{name}": hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
           for s, values in each.items() for name, value in values.items()}  # fmt: skip
    text_ = json.dumps(now, sort_keys=True)
    with office.engine.connect() as connection:
        before = read_state(connection, "settings")
    if before == text_:
        return
    with office.engine.begin() as connection:
        write_state(connection, "settings", text_)
        if before is not None:
            old = json.loads(before)
            changed = sorted(k.rstrip(".") for k in {*old, *now} if old.get(k) != now.get(k))
            audit.note(connection, "settings changed", ", ".join(changed))
