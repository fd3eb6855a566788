"""Commands about keys, the audit trail, what is kept how long, and a person's own data."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import click
from sqlalchemy.engine import make_url

from zp_registry.cli.common import Answer, Moment, Reason, command
from zp_registry.crypto import CIPHERS, decode_master
from zp_registry.errors import KeyProblem, UsageError
from zp_registry.jobs import backup as copies
from zp_registry.jobs import doctor as health
from zp_registry.jobs import masterkey, office, privacy
from zp_registry.registry import audit, roles, rotation
from zp_registry.registry.keys import find_fitting, open_keyring
from zp_registry.sources.api.secrets import read_secrets

REASON = click.option("--reason", required=True, metavar="TEXT", type=Reason(), help="Why; written to the audit trail.")


@click.group("keys")
def keys() -> None:
    """The keys that seal identity numbers, phones and payee accounts."""


@keys.command("check")
@command
def keys_check(answer: Answer) -> int:
    """Open every sealed value and file; name those that do not open, and say which key seals how many."""
    opened = office.open_office(answer.settings)
    with opened.engine.connect() as connection:
        held = rotation.held(connection)
        damaged = rotation.damaged_values(connection, opened.ring)
    files = rotation.damaged_files(opened.home.root, opened.ring)
    held["sealed files"] = dict(Counter(key.hex() for _, key in rotation.sealed_files(opened.home.root)))
    ciphers, current = opened.ring.data_keys, opened.ring.current.hex()
    rows = [[column, key, ciphers.get(key, "unknown"), "present" if key == current else "older", count]
            for column, counts in held.items() for key, count in counts.items()]  # fmt: skip
    answer.table("sealed values and files", ["what", "key", "cipher", "state", "count"], rows)
    for one in [*damaged, *files]:
        answer.say(f"does not open: {one}")
    former = masterkey.former_keys(opened)
    for file, count in former.items():
        answer.say(f"former master key {file}: " + (f"{count} backups open with it" if count else
                   "no backup here opens with it; if none elsewhere does, delete it"))  # fmt: skip
    if behind := sum(n for counts in held.values() for key, n in counts.items() if key != current):
        answer.say(f"{behind} are under an older key: a rotation was stopped, 'keys rotate' goes on with it")
    answer.say(f"{len(damaged)} values and {len(files)} files do not open" if damaged or files else "everything opens")
    answer.give({"current": current, "cipher": ciphers[current], "held": held, "damaged": damaged, "damaged_files": files,
                 "former_master_keys": {str(f): n for f, n in former.items()}})  # fmt: skip
    return 1 if damaged or files else 0


@keys.command("rotate")
@click.option("--cipher", type=click.Choice(CIPHERS), help="Cipher of the new key (default: the setting crypto.cipher).")
@click.option("--reason", metavar="TEXT", type=Reason(), help="Why; written to the audit trail.")
@command
def keys_rotate(answer: Answer, cipher: str | None, reason: str | None) -> int:
    """Make a new data key and seal everything with it; a rotation that was stopped goes on instead.

    Others may go on working meanwhile; Ctrl-C stops it, and the same command goes on later.
    """
    opened = office.open_office(answer.settings)
    wanted = next(c for c in CIPHERS if c == (cipher or answer.settings.crypto.cipher))
    with opened.engine.connect() as connection:
        held = rotation.held(connection)
    present = opened.ring.current.hex()
    behind = sum(n for counts in held.values() for key, n in counts.items() if key != present)
    behind += sum(key != opened.ring.current for _, key in rotation.sealed_files(opened.home.root))
    if not behind or opened.ring.data_keys[present] != wanted:
        master = find_fitting(opened.engine, opened.home.master_key)
        if master is None:
            raise KeyProblem("there is no master key")
        with opened.engine.begin() as connection:
            present = rotation.add_key(connection, master, wanted, reason)
        opened.ring = open_keyring(opened.engine, master)
    else:
        answer.say("a rotation was stopped: going on with it")
    done = rotation.seal_again(opened.engine, opened.ring)
    done["files"] = rotation.seal_files_again(opened.home.root, opened.ring)
    with opened.engine.begin() as connection:
        audit.note(connection, "keys rotated", f"key {present}: " + ", ".join(f"{n} {c}" for c, n in done.items()), reason)
    answer.table("sealed again", ["what", "count"], [[k, v] for k, v in done.items()])
    answer.give({"key": present, "cipher": opened.ring.data_keys[present], "sealed": done})
    return 0


@keys.command("master")
@REASON
@click.option("--new", "place", metavar="PLACE", help="Where the new key stands: env:VARIABLE or file:PATH (default: a fresh "
              "one, where the present one is in keys/master.key).")
@command
def keys_master(answer: Answer, reason: str, place: str | None) -> None:
    """Change the master key: the data keys are wrapped by a new one, and what they seal stays as it is.

    It may be killed at any moment: the old key or the new one opens the registry, and the next command ends the change. The
    former key's file is kept, since backups made until now open with it alone.
    """
    new = decode_master(read_secrets(["key"], {"key": place}, os.environ)["key"], place) if place else None
    with office.at_work(answer.settings, "keys master") as opened:
        changed = masterkey.change_master(opened, reason, new)
    if changed.former is None:
        answer.say("changed: let ZP_MASTER_KEY or ZP_MASTER_KEY_COMMAND give the new master key from now on")
    else:
        answer.say(f"changed: keep a copy of {opened.home.master_key} in a safe place; {changed.former} opens the backups made "
                   "until now: keep it as long as them")  # fmt: skip
    answer.say("whoever had the old master key and an old copy has the data keys: then run 'keys rotate' too")
    former = str(changed.former) if changed.former else None
    answer.give({"master_key": changed.mark, "data_keys": changed.keys, "former": former})


@click.group("audit")
def audit_() -> None:
    """The audit trail: who did what to whose data, and why."""


@audit_.command("verify")
@command
def audit_verify(answer: Answer) -> int:
    """Find a changed or missing row."""
    with office.open_office(answer.settings).engine.connect() as connection:
        broken = audit.first_break(connection)
        last, last_hash = audit.last_row(connection) or (None, None)
    answer.say("the audit trail is whole" if broken is None else f"row {broken.row}: {broken.what}; what is behind it is not "
               "looked at")  # fmt: skip
    if last is not None:
        answer.say(f"last row {last}, hash {last_hash}")
    answer.give({"broken_at": broken.row if broken else None, "found": broken.what if broken else None, "last": last,
                 "last_hash": last_hash})  # fmt: skip
    return 0 if broken is None else 1


@audit_.command("show")
@click.option("--who", help="Rows of this person or account.")
@click.option("--action", help="Actions that begin so, such as show, export, unmask, review, flag, settings.")
@click.option("--subject", help="Rows whose subject holds this text, such as an entity's id.")
@click.option("--since", type=Moment(), metavar="MOMENT", help="From this date or moment on (UTC).")
@click.option("--until", type=Moment(), metavar="MOMENT", help="Up to this date or moment (UTC), it included.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="Rows at most.")
@command
def audit_show(
    answer: Answer, who: str | None, action: str | None, subject: str | None, since: str | None, until: str | None, limit: int
) -> None:
    """The trail, the newest first."""
    with office.open_office(answer.settings).engine.connect() as connection:
        rows = audit.entries(connection, who=who, action=action, subject=subject, since=since, until=until, limit=limit)
    answer.table("audit trail", ["row", "at", "who", "action", "subject", "reason"], [list(r.values()) for r in rows])
    answer.give({"rows": rows})


@click.command("unmask")
@click.argument("entity_id")
@REASON
@command
def unmask(answer: Answer, entity_id: str, reason: str) -> None:
    """One entity's ID number and phone in clear; the reason is written to the audit trail first."""
    found = privacy.unmask(office.open_office(answer.settings), entity_id, reason)
    answer.table(entity_id, ["what", "in clear"], [[k, v] for k, v in found.items()])
    answer.give({"entity_id": entity_id, **found})


@click.group("retention")
def retention() -> None:
    """What is kept how long, and what is deleted when its time is over."""


@retention.command("run")
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@command
def retention_run(answer: Answer, dry_run: bool) -> None:
    """Delete what is older than the settings under [retention]; noted on the audit trail."""
    with office.at_work(answer.settings, "retention run") as opened:
        rows = privacy.retention(opened, dry_run=dry_run)
    answer.table("would be deleted" if dry_run else "deleted", ["what", "before", "article", "count"],
                 [list(r.values()) for r in rows])  # fmt: skip
    answer.give({"dry_run": dry_run, "rules": rows})


@click.group("person")
def person() -> None:
    """A person's own data, on request (个人信息保护法 arts. 44-47). Every request leaves a record on the audit trail."""


@person.command("show")
@click.argument("entity_id")
@REASON
@command
def person_show(answer: Answer, entity_id: str, reason: str) -> None:
    """Everything that is held about an entity, in clear, with its sources (art. 45)."""
    found = privacy.everything_about(office.open_office(answer.settings), entity_id, reason)
    for part, rows in found.items():
        if rows:
            answer.table(part, list(rows[0]), [list(r.values()) for r in rows])
    answer.give({"entity_id": entity_id, **found})


@person.command("delete")
@click.argument("entity_id")
@REASON
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted, and what the law keeps.")
@command
def person_delete(answer: Answer, entity_id: str, reason: str, dry_run: bool) -> int:
    """Delete an entity's numbers, phones and payee accounts where no law keeps them (art. 47)."""
    with office.at_work(answer.settings, "person delete") as opened:
        result = privacy.delete_person(opened, entity_id, reason, dry_run=dry_run)
    answer.say(str(result["message"]))
    answer.give(result)
    return 0 if result["deleted"] or dry_run else 3


@person.command("correct")
@click.argument("entity_id")
@click.argument("field", type=click.Choice(privacy.FIELDS))
@click.argument("stated", metavar="WHAT_THE_PERSON_SAYS")
@REASON
@command
def person_correct(answer: Answer, entity_id: str, field: str, stated: str, reason: str) -> None:
    """Note that a person says a value is wrong (art. 46); the platform that reported it is asked to report anew."""
    with office.at_work(answer.settings, "person correct") as opened:
        sources = privacy.note_correction(opened, entity_id, field, stated, reason)
    answer.table("reported by", ["platform", "account", "newest report"], [list(r.values()) for r in sources])
    answer.say("noted; pass the correction on to these platforms: their next report brings the value that holds")
    answer.give({"entity_id": entity_id, "field": field, "sources": sources})


@click.command("backup")
@click.argument("target", type=click.Path(path_type=Path))
@command
def backup(answer: Answer, target: Path) -> None:
    """Write a sealed copy of the registry to the new folder TARGET, and prove it; others may go on working."""
    opened = office.open_office(answer.settings)
    manifest = copies.backup(opened.engine, opened.ring, target)
    answer.say(f"written and proved: {target}; keep the master key elsewhere: without it the backup cannot be read")
    answer.give({"backup": str(target), "schema": manifest["schema"], "counts": manifest["counts"]})


@click.command("restore")
@click.argument("source", type=click.Path(exists=True, file_okay=False, path_type=Path))
@command
def restore(answer: Answer, source: Path) -> None:
    """Bring a backup into an empty home (or an empty PostgreSQL database), where its master key is already."""
    manifest = copies.restore(answer.settings, source)
    answer.say(f"restored: made {manifest['made_at']}, schema {manifest['schema']}; 'keys check' and 'audit verify' prove it")
    answer.give({"schema": manifest["schema"], "counts": manifest["counts"]})


@click.command("doctor")
@click.option("--quick", is_flag=True, help="Do not open sealed values and files, nor read archived reports anew.")
@command
def doctor(answer: Answer, quick: bool) -> int:
    """Look the registry over, and name whatever does not fit together; others may go on working, nothing is changed.

    Orphans, overlapping holdings, entities with two credit codes, counts, reports, the audit trail's chain, every sealed value
    and file, and every archived report against the rows that the registry counts for it. Exit code 1 when something was found.
    """
    found = health.examine(office.open_office(answer.settings), raw=not quick)
    looked = [c for c in health.ALL if not (quick and c == health.RAW)]
    for check in looked:
        mine = [f for f in found if f.check == check]
        for finding in mine:
            answer.say(str(finding))
        if not mine:
            answer.say(f"{check}: nothing found")
    answer.give({"checked": looked, "findings": [{**vars(f), "shown": list(f.shown)} for f in found]})
    return 1 if found else 0


@click.command("roles")
@click.option("--prefix", default="zp", show_default=True, metavar="NAME", help="The roles are NAME_loader, _desk, _reader.")
@click.option("--database", metavar="NAME", help="Name of the PostgreSQL database (default: that of the settings).")
@command
def roles_(answer: Answer, prefix: str, database: str | None) -> None:
    """Print the SQL that makes PostgreSQL roles with least rights; give it to psql as the database's owner.

    loader: the jobs; desk: the web pages; reader: other tools, which see masked values alone. To be repeated after an upgrade.
    """
    url = make_url(answer.settings.database_url)
    name = database or (url.database if url.get_backend_name() == "postgresql" else None)
    if not name:
        raise UsageError("the settings name no PostgreSQL database: give one by --database NAME")
    statements = roles.grants(name, prefix)
    if not answer.as_json:
        click.echo("\n".join(f"{s};" for s in statements))
    answer.give({"statements": statements})


COMMANDS = (backup, restore, doctor, keys, audit_, unmask, retention, person, roles_)
