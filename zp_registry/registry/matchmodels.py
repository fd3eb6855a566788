"""Trained models of the probabilistic tier, kept in the registry."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, text

from zp_registry.resolve.model import MatchModel, load_model, read_model


def current_model(connection: Connection, path: Path | None = None) -> MatchModel:
    """The model of the file ``path``, else the one in use, else the packaged one."""
    if path is not None:
        return load_model(path)
    row = connection.execute(text("SELECT settings FROM match_model WHERE in_use = 1")).first()
    return load_model() if row is None else read_model(str(row[0]))
