"""Trained models of the probabilistic tier, kept in the registry; one may be in use, else the packaged one is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import Connection, insert, text

from zp_registry.errors import UsageError
from zp_registry.registry import audit, bulk
from zp_registry.registry.models import MatchModel as Kept
from zp_registry.resolve.model import MatchModel, load_model, read_model


def current_model(connection: Connection, path: Path | None = None) -> MatchModel:
    """The model of the file ``path``, else the one in use, else the packaged one. Raises UsageError when it is faulty."""
    if path is not None:
        return load_model(path)
    row = connection.execute(text("SELECT version, settings FROM match_model WHERE in_use = 1")).first()
    return load_model() if row is None else read_model(str(row[1]), f"model {row[0]} of the registry")


def keep_model(connection: Connection, model: MatchModel, summary: dict[str, Any]) -> tuple[int, MatchModel]:
    """Keeps a trained model under the next version and returns both; it is not in use yet."""
    version = int(connection.execute(text("SELECT COALESCE(MAX(version), 0) + 1 FROM match_model")).scalar_one())
    kept = model.model_copy(update={"version": str(version)})
    connection.execute(
        insert(Kept).values(
            version=version,
            name=kept.name,
            settings_hash=kept.hash(),
            settings=kept.to_json(),
            summary=json.loads(json.dumps(summary)),
            trained_at=audit.moment(),
            who=audit.who_am_i(),
            in_use=0,
        )
    )
    audit.note(connection, "train match model", f"version {version}, {kept.hash()}")
    return version, kept


def use_model(connection: Connection, version: int | None) -> MatchModel:
    """From the next resolve on this version is what pairs are scored by; None: the packaged model. Raises UsageError for a
    version that is not kept or cannot be read."""
    if version is None:
        chosen = load_model()
    else:
        row = connection.execute(text("SELECT settings FROM match_model WHERE version = :v"), {"v": version}).first()
        if row is None:
            raise UsageError(f"there is no model {version}: `resolve models` lists those that are kept")
        chosen = read_model(str(row[0]), f"model {version} of the registry")
    one_in_use = text("UPDATE match_model SET in_use = CASE WHEN version = :v THEN 1 ELSE 0 END")
    connection.execute(one_in_use, {"v": -1 if version is None else version})
    name = "the packaged one" if version is None else f"version {version}"
    audit.note(connection, "use match model", f"{name}, {chosen.hash()}")
    return chosen


def kept_models(connection: Connection) -> pd.DataFrame:
    """``version, name, settings_hash, trained_at, who, in_use`` (0 or 1), the newest first."""
    return bulk.read(
        connection,
        "SELECT version, name, settings_hash, trained_at, who, in_use FROM match_model ORDER BY version DESC",
        integers=["version", "in_use"],
    )
