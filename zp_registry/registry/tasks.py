"""Work in the background, as rows that the desk and the command line both see."""

from __future__ import annotations

import json
import secrets
from typing import Any

from sqlalchemy import Connection, text

from zp_registry.crypto import Keyring
from zp_registry.frames import as_records
from zp_registry.registry import bulk
from zp_registry.registry.audit import moment

_SHOWN = "id, token, kind, who, subject, state, step, done, total, result, created_at, started_at, ended_at"


def hand_in(connection: Connection, ring: Keyring, kind: str, who: str, subject: str, given: dict[str, Any]) -> str:
    """Adds work to the queue and returns its token; ``given`` is sealed."""
    token = secrets.token_urlsafe(16)
    sealed = ring.seal(json.dumps(given, ensure_ascii=False).encode(), column="task.given", record_key=token)
    connection.execute(
        text("INSERT INTO task (token, kind, who, subject, state, step, given, created_at) "
             "VALUES (:t, :k, :w, :s, 'waiting', '', :g, :n)"),
        {"t": token, "k": kind, "w": who, "s": subject, "g": sealed, "n": moment()},
    )  # fmt: skip
    return token


def next_one(connection: Connection, ring: Keyring) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The oldest that waits, now running, with its arguments."""
    row = connection.execute(
        text(f"SELECT {_SHOWN}, given FROM task WHERE state = 'waiting' ORDER BY id LIMIT 1")
    ).mappings().first()  # fmt: skip
    if row is None:
        return None
    task = dict(row)
    given = json.loads(ring.unseal(bytes(task.pop("given")), column="task.given", record_key=task["token"]))
    connection.execute(
        text("UPDATE task SET state = 'running', started_at = :n WHERE id = :i"), {"n": moment(), "i": task["id"]}
    )
    return task, given


def tell(connection: Connection, task: int, step: str, done: int = 0, total: int = 0) -> None:
    """Notes how far it is."""
    connection.execute(
        text("UPDATE task SET step = :s, done = :d, total = :t WHERE id = :i"),
        {"s": step, "d": done, "t": total, "i": task},
    )


def finish(connection: Connection, task: int, state: str, result: dict[str, Any]) -> None:
    """Notes how it ended; its arguments are forgotten."""
    connection.execute(
        text("UPDATE task SET state = :s, result = :r, ended_at = :n, given = NULL WHERE id = :i"),
        {"s": state, "r": json.dumps(result, ensure_ascii=False, default=str), "n": moment(), "i": task},
    )


def left_over(connection: Connection, message: str) -> int:
    """What was running when the server was stopped has failed. Returns how many there were."""
    return connection.execute(
        text("UPDATE task SET state = 'failed', result = :r, ended_at = :n, given = NULL WHERE state = 'running'"),
        {"r": json.dumps({"message": message}, ensure_ascii=False), "n": moment()},
    ).rowcount


def one(connection: Connection, token: str) -> dict[str, Any] | None:
    """One piece of work, without its arguments."""
    row = connection.execute(text(f"SELECT {_SHOWN} FROM task WHERE token = :t"), {"t": token}).mappings().first()
    return None if row is None else _opened(dict(row))


def newest(connection: Connection, who: str | None = None, limit: int = 20) -> list[dict[str, Any]]:
    """The newest first, of everybody or of one person."""
    rows = bulk.read(
        connection,
        f"SELECT {_SHOWN} FROM task WHERE CAST(:w AS TEXT) IS NULL OR who = :w ORDER BY id DESC LIMIT :n",
        {"w": who, "n": limit},
        integers=["id", "done", "total"],
    )
    return [_opened(r) for r in as_records(rows)]


def _opened(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "result": json.loads(row["result"]) if row["result"] else {}}
