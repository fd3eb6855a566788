"""Follow-up by hand: one attempt, or one signed pledge with its scan's number, entered where a list would have brought it."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pandas as pd
from sqlalchemy import Connection, text

from zp_registry.errors import UsageError
from zp_registry.frames import FOLLOWUP_RESULTS, as_records
from zp_registry.lists.followups_form import METHODS, OUTCOMES
from zp_registry.logs import redact_text
from zp_registry.mapping import Mapping, RawRow, from_raw
from zp_registry.registry import audit, bulk, tables
from zp_registry.registry.followups import add_attempts
from zp_registry.registry.known import today

from .corrections import A_FEW_ROWS
from .imports import Options, Outcome, load_mapped
from .office import Office

BY_HAND = "网页登记"
_TEXT = re.compile(r"[^\x00-\x1f]{1,120}")


def add_attempt(office: Office, flag_id: str, *, on: str, method: str, outcome: str, note: str) -> bool:
    """Keeps one attempt; False when it stands already. UsageError, in Chinese, for what a list would not take either."""
    if method not in METHODS or outcome not in OUTCOMES:
        raise UsageError("请从下拉列表中选择催签方式和办理结果")
    _past(on)
    row = {"sheet": BY_HAND, "row": 0, "flag_id": flag_id, "entity_id": None, "attempted_on": on, "method": method,
           "outcome": outcome, "note": redact_text(note.strip())[:500]}  # fmt: skip
    frame = pd.DataFrame([row], columns=list(FOLLOWUP_RESULTS))
    frame = frame.astype({c: "str" for c in FOLLOWUP_RESULTS if c != "row"})
    with office.engine.begin() as connection:
        added, unknown = add_attempts(connection, frame, audit.moment())
        if len(unknown):
            raise UsageError(f"没有编号为 {flag_id} 的催签事项")
        audit.note(connection, "follow-up attempt", flag_id, f"{on} {method} {outcome}")
    return bool(added)


def _past(on: str) -> None:
    try:
        day = date.fromisoformat(on)
    except ValueError:
        raise UsageError("日期应写成 2026-09-30 的样子") from None
    if day > today():
        raise UsageError("日期不能晚于今天")
    if day.year < 2015:
        raise UsageError("日期太早，请检查年份")


def subject(connection: Connection, office: Office, entity_id: str) -> dict[str, Any] | None:
    """An entity with its number and phone in clear: the caller notes that on the audit trail."""
    rows = bulk.read(
        connection,
        "SELECT entity_id, kind, name, uscc, id_mask, phone_mask, contact_name, address, town, number_record, phone_record "
        "FROM entity WHERE entity_id = :e",
        {"e": entity_id},
        integers=["number_record", "phone_record"],
    )
    if rows.empty:
        return None
    clear = tables.open_values(connection, office.ring, rows)
    values = dict(as_records(clear)[0])
    return {**as_records(rows)[0], "id_number": values["id_number"], "phone": values["contact_phone"]}


def register_pledge(
    office: Office, entity_id: str, *, number: str, signer: str, signed_on: str, scan_number: str, version: str = "",
    method: str = "纸质", remark: str = ""
) -> Outcome:  # fmt: skip
    """Enters one signed pledge as a ledger's row would: the same checks, the same rules. UsageError, in Chinese, for what is
    wrong or missing; FileRefused when the row would be rejected."""
    for what, value in (("承诺书编号", number), ("签署人", signer), ("扫描件编号", scan_number)):
        if not _TEXT.fullmatch(value.strip()):
            raise UsageError(f"请填写{what}")
    _past(signed_on)
    with office.engine.connect() as connection:
        who = subject(connection, office, entity_id)
        twice = connection.execute(
            text("SELECT 1 FROM pledge WHERE pledge_number = :n AND superseded_by IS NULL"), {"n": number.strip()}
        ).first()
    if who is None:
        raise UsageError(f"没有编号为 {entity_id} 的主体")
    if twice:
        raise UsageError("此承诺书编号已经登记过，请检查编号；更正旧的登记请交台账")
    values = {
        "pledge_number": number, "subject_name": who["name"], "number": who["uscc"] or who["id_number"], "signer": signer,
        "contact_phone": who["phone"], "town": who["town"], "template_version": version, "signed_on": signed_on,
        "method": method, "scan_number": scan_number, "remark": redact_text(remark),
    }  # fmt: skip
    layout = _ledger(office)
    cells = {c.header: str(values.get(c.field or "") or "").strip() for c in layout.columns_of(layout.sheets[0])}
    mapped = from_raw([RawRow(BY_HAND, 1, cells)], mapping=layout, as_of=None, file_name=BY_HAND)

    def noted(connection: Connection) -> None:
        audit.note(connection, "register pledge", f"{entity_id} {number.strip()}", f"scan {scan_number.strip()}")

    return load_mapped(office, mapped, Options(kind="pledge"), A_FEW_ROWS, noted)


def _ledger(office: Office) -> Mapping:
    """The layout of ledgers that can hold the most of what is entered here."""
    return max((m for m in office.mappings if m.kind == "pledge"), key=lambda m: len(m.columns_of(m.sheets[0])))
