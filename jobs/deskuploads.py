"""Files that were sent to the desk: where they lie until they are archived, and what became of each."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from zp_registry.crypto import seal_file
from zp_registry.frames import as_records
from zp_registry.registry import audit, bulk

from .archive import sealed_path
from .office import Office


def upload_folder(office: Office, token: str) -> Path:
    """Where an upload lies until it is archived; nobody else may read it."""
    folder = office.home.root / "desk" / "uploads" / token
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def upload_path(office: Office, token: str) -> Path | None:
    """The uploaded file, None when it is gone."""
    return next((p for p in upload_folder(office, token).iterdir() if p.is_file()), None)


def set_upload(connection: Connection, token: str, state: str, understood: dict[str, Any] | None = None) -> None:
    """Notes what became of an upload."""
    if understood is None:
        connection.execute(text("UPDATE desk_upload SET state = :s WHERE token = :t"), {"s": state, "t": token})
    else:
        connection.execute(
            # What was thrown away while it was read stays so.
            text("UPDATE desk_upload SET state = :s, understood = :u WHERE token = :t AND state <> 'dropped'"),
            {"s": state, "u": json.dumps(understood, ensure_ascii=False), "t": token},
        )


def uploads(connection: Connection, tokens: list[str] | None = None, who: str | None = None) -> list[dict[str, Any]]:
    """Uploads by their tokens, or the newest of one person (None: of everybody)."""
    rows = as_records(bulk.read(
        connection,
        "SELECT token, who, name, kind, size, sha256, state, understood, created_at FROM desk_upload "
        "WHERE (CAST(:w AS TEXT) IS NULL OR who = :w) ORDER BY created_at DESC, token LIMIT 500", {"w": who}, integers=["size"],
    ))  # fmt: skip
    wanted = rows if tokens is None else [r for t in tokens for r in rows if r["token"] == t]
    return [{**r, "understood": json.loads(r["understood"]) if r["understood"] else {}} for r in wanted]


def take_in(connection: Connection, token: str, who: str, name: str, kind: str, path: Path) -> None:
    """Notes a file that has been uploaded whole."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    connection.execute(
        text("INSERT INTO desk_upload (token, who, name, kind, size, sha256, state, created_at) "
             "VALUES (:t, :w, :n, :k, :z, :h, 'reading', :c)"),
        {"t": token, "w": who, "n": name, "k": kind, "z": path.stat().st_size, "h": digest, "c": audit.moment()},
    )  # fmt: skip
    audit.note(connection, "upload", f"{name} ({kind}, {path.stat().st_size} bytes, {digest[:16]})")


def archive(office: Office, token: str, path: Path, *, refused: bool = False) -> None:
    """Seals an upload away; no plain copy is left."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    folder = office.home.refused if refused else office.home.archive
    seal_file(path, sealed_path(folder, digest, path.name), office.ring)
    shutil.rmtree(upload_folder(office, token), ignore_errors=True)
