"""What a case tells: an account's months, and what it shares with others."""

from __future__ import annotations

import re
from typing import Any, Final

import pandas as pd
from sqlalchemy import Connection

from zp_registry.frames import as_records
from zp_registry.registry import bulk

LANES: Final = {"holder": "登记主体", "streamers": "出镜人员", "phone": "联系电话", "payee": "收款账户"}
_MOST = 40  # accounts in a picture: more would be black
_BETWEEN, _NUMBER = re.compile(r"[\s（）、；;]+"), re.compile(r"[0-9A-Z*]*[0-9*]{4}[0-9A-Z*]*")


def timeline(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One dictionary per month and report row: month, as_of, source_file, sheet, row, holder, streamers, phone, payee (masked)
    and ``changed``: the lanes that differ from what was known before; that a number is told or no longer told beside the same
    name is no difference. ``history``: of the account's dossier, oldest first."""
    out: list[dict[str, Any]] = []
    known: dict[str, str] = {}
    for r in history:
        name = r["subject_name"] or "（未报名称）"
        number = r["uscc"] or r["id_mask"]
        payee = " ".join(v for v in (r["payee_name"], r["payee_mask"]) if v)
        values = {
            "holder": f"{name}（{number}）" if number else name,
            "streamers": r["streamers"] or "",
            "phone": r["phone_mask"] or "",
            "payee": payee,
        }
        changed = [lane for lane, value in values.items() if value and not _alike(known.get(lane, value), value)]
        known |= {lane: value for lane, value in values.items() if value}
        out.append(
            {
                "month": r["as_of"][:7], "as_of": r["as_of"], "source_file": r["source_file"], "sheet": r["sheet"],
                "row": r["row"], **values, "changed": changed, "status": r["account_status"] or "",
            }
        )  # fmt: skip
    return out


def _alike(former: str, now: str) -> bool:
    """Whether two values of a lane say the same, one of them perhaps without the numbers."""
    if former == now:
        return True
    (names, numbers), (names_now, numbers_now) = _taken_apart(former), _taken_apart(now)
    if names and names_now:
        return names == names_now and (not numbers or not numbers_now or numbers == numbers_now)
    return bool(numbers) and numbers == numbers_now


def _taken_apart(value: str) -> tuple[list[str], list[str]]:
    parts = [p for p in _BETWEEN.split(value) if p]
    return [p for p in parts if not _NUMBER.fullmatch(p)], [p for p in parts if _NUMBER.fullmatch(p)]


def graph(connection: Connection, platform: str, account_id: str) -> dict[str, Any]:
    """Accounts that share the account's present phone or payee account, with their holders: ``nodes`` (id, kind: account |
    holder | phone | payee, label, focus) and ``edges`` (left, right); ``more``: accounts left out."""
    key = {"p": platform, "a": account_id}
    own = bulk.read(
        connection,
        "SELECT c.phone_hash, c.payee_hash FROM account a JOIN record c ON c.id = a.record_id "
        "WHERE a.platform = :p AND a.account_id = :a",
        key,
    )
    if own.empty:
        return {"nodes": [], "edges": [], "more": 0}
    values = {"phone": own["phone_hash"].iloc[0], "payee": own["payee_hash"].iloc[0]}
    values = {k: None if pd.isna(v) else str(v) for k, v in values.items()}
    rows = bulk.read(
        connection,
        """
        SELECT a.platform, a.account_id, a.account_name, a.entity_id, e.name, c.phone_hash, c.phone_mask, c.payee_hash,
               c.payee_mask, c.payee_name
        FROM (SELECT record_id AS id FROM account WHERE platform = :p AND account_id = :a
              UNION SELECT id FROM record WHERE phone_hash = :phone
              UNION SELECT id FROM record WHERE payee_hash = :payee) n
        CROSS JOIN record c CROSS JOIN account a LEFT JOIN entity e ON e.entity_id = a.entity_id
        WHERE c.id = n.id AND a.record_id = c.id
        ORDER BY CASE WHEN a.platform = :p AND a.account_id = :a THEN 0 ELSE 1 END, a.platform, a.account_id""",
        {**key, **values},
    )
    more = max(0, len(rows) - _MOST)
    former = bulk.read(
        connection,
        "SELECT DISTINCT h.entity_id, e.name FROM holding h LEFT JOIN entity e ON e.entity_id = h.entity_id "
        "WHERE h.platform = :p AND h.account_id = :a AND h.recorded_to IS NULL",
        key,
    )
    nodes: dict[str, dict[str, Any]] = {}
    edges: list[dict[str, str]] = []

    def node(ident: str, kind: str, label: str, focus: bool = False) -> str:
        nodes.setdefault(ident, {"id": ident, "kind": kind, "label": label, "focus": focus})
        return ident

    for n, r in enumerate(as_records(rows.head(_MOST))):
        account = node(f"a:{r['platform']}:{r['account_id']}", "account", r["account_name"] or r["account_id"], n == 0)
        if r["entity_id"]:
            holder = node(f"h:{r['entity_id']}", "holder", r["name"] or r["entity_id"])
            edges.append({"left": account, "right": holder})
        for kind, label in (("phone", r["phone_mask"]), ("payee", r["payee_mask"] or r["payee_name"])):
            if values[kind] is not None and r[f"{kind}_hash"] == values[kind]:
                edges.append({"left": account, "right": node(f"{kind}", kind, label or "")})
        if n == 0:
            for f in as_records(former):
                if f["entity_id"] and f["entity_id"] != r["entity_id"]:
                    holder = node(f"h:{f['entity_id']}", "holder", f"{f['name'] or f['entity_id']}（曾持有）")
                    edges.append({"left": account, "right": holder})
    return {"nodes": list(nodes.values()), "edges": edges, "more": more}
