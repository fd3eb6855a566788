"""Run records: what was started, how it ended; a run that was killed is found by the next one."""

from __future__ import annotations

import json
import os
import secrets
import socket
from typing import Any

from sqlalchemy import Engine, text

from zp_registry.frames import as_records
from zp_registry.registry import bulk
from zp_registry.registry.audit import moment


def start_run(engine: Engine, command: str) -> str:
    """Notes a new run and returns its id. The caller holds the lock, so that any run still noted as running was killed."""
    run_id = moment()[:19].replace(":", "").replace("-", "") + "-" + secrets.token_hex(3)
    with engine.begin() as connection:
        connection.execute(text("UPDATE run SET state = 'killed', ended_at = :n WHERE state = 'running'"), {"n": moment()})
        connection.execute(
            text("INSERT INTO run (run_id, command, state, started_at, pid, host) VALUES (:r, :c, 'running', :n, :p, :h)"),
            {"r": run_id, "c": command, "n": moment(), "p": os.getpid(), "h": socket.gethostname()},
        )
    return run_id


def finish_run(engine: Engine, run_id: str, state: str, exit_code: int, summary: dict[str, Any]) -> None:
    """Notes how a run ended: ``state`` done | partial | failed."""
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE run SET state = :s, exit_code = :e, ended_at = :n, summary = :j WHERE run_id = :r"),
            {"s": state, "e": exit_code, "n": moment(), "r": run_id, "j": json.dumps(summary, ensure_ascii=False, default=str)},
        )


def last_runs(engine: Engine, limit: int = 20) -> list[dict[str, Any]]:
    """The newest runs first."""
    with engine.connect() as connection:
        frame = bulk.read(
            connection,
            "SELECT run_id, command, state, started_at, ended_at, exit_code FROM run ORDER BY started_at DESC LIMIT :n",
            {"n": limit},
            integers=["exit_code"],
        )
    return as_records(frame)
