"""Once, after an upgrade: the year of birth of records that were loaded before it was kept."""

from __future__ import annotations

import json
import re

import pandas as pd
from sqlalchemy import Connection

from zp_registry.crypto import Keyring
from zp_registry.registry import bulk
from zp_registry.registry.state import read_state, write_state

_STATE, _BATCH = "birth_years", 5000
_CITIZEN = re.compile(r"\d{6}((?:18|19|20)\d{2})\d{7}[\dX]")


def fill_birth_years(connection: Connection, ring: Keyring) -> int:
    """Fills ``record.birth_year`` from the sealed numbers where it is missing; gives how many. Does nothing when done."""
    if read_state(connection, _STATE):
        return 0
    at = count = 0
    while True:
        rows = bulk.read(
            connection,
            "SELECT id, record_key, sealed FROM record WHERE id > :at AND birth_year IS NULL AND sealed IS NOT NULL "
            "AND (id_hash IS NOT NULL OR operator_hash IS NOT NULL) ORDER BY id LIMIT :n",
            {"at": at, "n": _BATCH},
            integers=["id"],
            raw=["sealed"],
        )
        if rows.empty:
            break
        at = int(rows["id"].iloc[-1])
        years = [_year(json.loads(ring.unseal(bytes(s), column="record.sealed", record_key=k)))
                 for k, s in zip(rows["record_key"], rows["sealed"], strict=True)]  # fmt: skip
        found = pd.DataFrame({"id": rows["id"], "birth_year": pd.Series(years, index=rows.index, dtype="str")}).dropna()
        count += len(found)
        bulk.stage(connection, "by_years", found)
        connection.exec_driver_sql(
            "UPDATE record SET birth_year = (SELECT y.birth_year FROM by_years y WHERE y.id = record.id) "
            "WHERE id IN (SELECT id FROM by_years)"
        )
        bulk.unstage(connection, "by_years")
    write_state(connection, _STATE, "done")
    return count


def _year(values: dict[str, str]) -> str | None:
    found = _CITIZEN.fullmatch(values.get("id_number") or values.get("operator_id_number") or "")
    return found[1] if found else None
