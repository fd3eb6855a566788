"""What the law on personal information asks of the registry: data in clear for a reason, on request, and no longer than needed.

个人信息保护法 arts. 44-47: a person may see, correct and, where no law keeps them, have deleted the data about themselves. Each
request leaves a record on the audit trail; no number is ever written there.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import Connection, text

from zp_registry.errors import UsageError
from zp_registry.frames import as_records
from zp_registry.logs import redact_text
from zp_registry.registry import audit, bulk, tables
from zp_registry.registry.dossier import current_entity, entity_dossier
from zp_registry.registry.standing import reference_date

from .backup import old_backups
from .office import Office

FIELDS = ("name", "number", "phone", "address", "payee")
_THEIRS = (
    "FROM record c JOIN subject s ON s.id = c.subject_id WHERE s.current_id = :e AND c.sealed IS NOT NULL"
)


def _known(connection: Connection, entity_id: str) -> str:
    entity = current_entity(connection, entity_id)
    if entity is None:
        raise UsageError(f"nothing is known of {redact_text(entity_id)}")
    return entity


def unmask(office: Office, entity_id: str, reason: str) -> dict[str, str]:
    """``id_number`` and ``phone`` of an entity in clear, after the reason is on the audit trail. UsageError if unknown."""
    with office.engine.begin() as connection:
        entity = _known(connection, entity_id)
        audit.note(connection, "unmask", entity, redact_text(reason))
        shown = tables.stored(connection).entities
        values = tables.open_values(connection, office.ring, shown[shown["entity_id"] == entity])
    row = values.iloc[0]
    return {name: str(row[column]) for name, column in (("id_number", "id_number"), ("phone", "contact_phone"))
            if isinstance(row[column], str)}  # fmt: skip


def everything_about(office: Office, entity_id: str, reason: str) -> dict[str, list[dict[str, Any]]]:
    """All that is held about an entity, in clear, for the person itself: ``entity``, ``records`` (every reported version with
    its sealed fields opened), ``reports`` (where each stands), ``pledges``, ``flags``. UsageError if unknown."""
    with office.engine.begin() as connection:
        entity = _known(connection, entity_id)
        audit.note(connection, "person show", entity, redact_text(reason))
        found = entity_dossier(connection, entity, reference_date(connection) or "9999-12-31") or {}
        records = bulk.read(
            connection,
            "SELECT c.id, c.record_key, c.platform, c.account_ref, c.subject_name, c.uscc, c.business_address, c.sealed "
            + _THEIRS,
            {"e": entity}, integers=["id"], raw=["sealed"],
        )  # fmt: skip
        places = bulk.read(
            connection,
            "SELECT c.id AS record, f.name AS file, r.as_of, g.sheet, g.row FROM record c "
            "JOIN subject s ON s.id = c.subject_id JOIN sighting g ON g.record_id = c.id "
            "JOIN report r ON r.id = g.report_id JOIN report_file f ON f.id = r.file_id "
            "WHERE s.current_id = :e ORDER BY r.as_of, c.id",
            {"e": entity}, integers=["record", "row"],
        )  # fmt: skip
    opened = [json.loads(office.ring.unseal(bytes(s), column="record.sealed", record_key=k))
              for s, k in zip(records["sealed"], records["record_key"], strict=True)]  # fmt: skip
    plain = as_records(records.drop(columns=["sealed", "record_key"]))
    return {
        "entity": [found.get("entity", {})],
        "records": [{**row, **values} for row, values in zip(plain, opened, strict=True)],
        "reports": as_records(places),
        "flags": [{k: f[k] for k in ("flag_id", "code", "status", "reason") if k in f} for f in found.get("flags", [])],
    }


def note_correction(office: Office, entity_id: str, field: str, stated: str, reason: str) -> list[dict[str, Any]]:
    """Keeps a person's word that a value is wrong, and returns who reported it (platform, account, newest report date). What is
    reported is evidence and is not rewritten: the platform's corrected report supersedes it."""
    with office.engine.begin() as connection:
        entity = _known(connection, entity_id)
        audit.note(connection, "person correct", entity, redact_text(f"{field}: {stated}; {reason}"))
        return as_records(bulk.read(
            connection,
            "SELECT c.platform, c.account_ref AS account, MAX(r.as_of) AS newest FROM record c JOIN subject s ON s.id = "
            "c.subject_id JOIN sighting g ON g.record_id = c.id JOIN report r ON r.id = g.report_id WHERE s.current_id = :e "
            "GROUP BY c.platform, c.account_ref ORDER BY c.platform, c.account_ref",
            {"e": entity},
        ))  # fmt: skip


def delete_person(office: Office, entity_id: str, reason: str, *, dry_run: bool = False) -> dict[str, Any]:
    """Deletes an entity's sealed numbers, phones and payee accounts if the period that the law sets is over; else nothing.

    Returns ``deleted`` (records), ``last_reported``, ``kept_until`` and a ``message`` in Chinese.
    """
    years = office.settings.retention.identity_years
    with office.engine.begin() as connection:
        entity = _known(connection, entity_id)
        last = connection.execute(
            text("SELECT MAX(r.as_of) FROM record c JOIN subject s ON s.id = c.subject_id "
                 "JOIN sighting g ON g.record_id = c.id JOIN report r ON r.id = g.report_id WHERE s.current_id = :e"),
            {"e": entity},
        ).scalar() or ""  # fmt: skip
        until = _later(last, years * 12) if last else ""
        kept = until > dt.date.today().isoformat()
        count = int(connection.execute(text("SELECT COUNT(*) " + _THEIRS), {"e": entity}).scalar() or 0)
        if not dry_run:
            if not kept:
                connection.execute(
                    text("UPDATE record SET sealed = NULL, birth_year = NULL WHERE subject_id IN "
                         "(SELECT id FROM subject WHERE current_id = :e)"),
                    {"e": entity},
                )
            outcome = "refused: the law keeps them until " + until if kept else f"{count} records"
            audit.note(connection, "person delete", f"{entity}: {outcome}", redact_text(reason))
    message = (
        f"依《网络交易监督管理办法》第三十一条，须保存至 {until}（最后一次报送 {last} 起满 {years} 年）；"
        "在此之前依《个人信息保护法》第四十七条第二款，只作存储并采取安全保护措施"
        if kept
        else f"{'将删除' if dry_run else '已删除'} {count} 条记录中的号码"
    )
    return {"deleted": 0 if kept else count, "last_reported": last, "kept_until": until, "message": message}


def retention(office: Office, *, dry_run: bool = False) -> list[dict[str, Any]]:
    """What is older than the settings allow: ``what``, ``before``, ``article``, ``count``; deleted unless ``dry_run``.

    Files and runs go by the clock, reported data by the newest report date. The audit trail is never shortened.
    """
    rules, home = office.settings.retention, office.home
    today = dt.date.today().isoformat()
    out: list[dict[str, Any]] = []
    for what, folder, months, article in (
        ("log files", home.logs, rules.log_months, "网络安全法 第二十一条"),
        ("archived files", home.archive, rules.file_years * 12, "直播电商监督管理办法 第二十七、二十八、四十五条"),
        ("refused files", home.refused, rules.refused_months, "个人信息保护法 第六、十九条"),
    ):
        before = _later(today, -months)
        out.append(_rule(what, before, article, _old_files(folder.rglob("*"), before, dry_run)))
    before = _later(today, -rules.backup_months)
    old = old_backups(home, before)
    if not dry_run:
        for copy in old:
            shutil.rmtree(copy)
    out.append(_rule("backups made before upgrades", before, "个人信息保护法 第十九、四十七条", len(old)))
    with office.engine.begin() as connection:
        before = _later(today, -rules.log_months)
        out.append(_rule("run records", before, "网络安全法 第二十一条", _gone(
            connection, "run WHERE state <> 'running' AND started_at < :d AND NOT EXISTS "
            "(SELECT 1 FROM report_file f WHERE f.run_id = run.run_id)", {"d": before}, dry_run)))  # fmt: skip
        before = _later(reference_date(connection) or today, -rules.identity_years * 12)
        gone = (
            "record WHERE sealed IS NOT NULL AND live = 0 AND NOT EXISTS (SELECT 1 FROM sighting g JOIN report r ON "
            "r.id = g.report_id WHERE g.record_id = record.id AND r.as_of >= :d) AND NOT EXISTS (SELECT 1 FROM account a "
            "WHERE a.platform = record.platform AND a.account_id = record.account_ref AND a.last_seen >= :d)"
        )
        count = int(connection.execute(text(f"SELECT COUNT(*) FROM {gone}"), {"d": before}).scalar() or 0)
        if count and not dry_run:
            connection.execute(
                text(f"UPDATE record SET sealed = NULL, birth_year = NULL WHERE id IN (SELECT id FROM {gone})"), {"d": before}
            )
        article = "网络交易监督管理办法 第三十一条；个人信息保护法 第四十七条"
        out.append(_rule("numbers of accounts that are gone", before, article, count))
        if not dry_run:
            audit.note(connection, "retention run", ", ".join(f"{r['count']} {r['what']}" for r in out))
    return out


def _rule(what: str, before: str, article: str, count: int) -> dict[str, Any]:
    return {"what": what, "before": before, "article": article, "count": count}


def _later(day: str, months: int) -> str:
    """The day so many months later (earlier, if negative), at the latest the month's last."""
    return (pd.Timestamp(day) + pd.DateOffset(months=months)).date().isoformat()


def _old_files(paths: Iterable[Path], before: str, dry_run: bool) -> int:
    count = 0
    for path in [p for p in paths if p.is_file() and not p.is_symlink()]:
        if dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC).date().isoformat() < before:
            count += 1
            if not dry_run:
                path.unlink()
    return count


def _gone(connection: Connection, what: str, values: dict[str, str], dry_run: bool) -> int:
    count = int(connection.execute(text(f"SELECT COUNT(*) FROM {what}"), values).scalar() or 0)
    if count and not dry_run:
        connection.execute(text(f"DELETE FROM {what}"), values)
    return count
