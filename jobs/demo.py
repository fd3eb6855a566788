"""The demo: the samples into an inbox of its own, one platform pulled from a loopback server, then the main job."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path
from typing import Any

import pandas as pd

from zp_registry.errors import UsageError
from zp_registry.home import Home
from zp_registry.registry import tables
from zp_registry.settings import ApiSettings, Settings
from zp_registry.sources.rehearsal import serve_records

from .nightly import Night, nightly
from .office import at_work

TOKEN_VARIABLE = "ZP_DEMO_TOKEN"


def run(settings: Settings, samples: Path) -> tuple[Night, dict[str, Any], pd.DataFrame]:
    """Runs nightly over copies of the samples; what was loaded before is known by its hash. Returns the night,
    totals, and the rejected rows (EXPORT_REJECTS) that wait for a clerk."""
    inbox, api = samples / "inbox", samples / "api"
    if not inbox.is_dir():
        raise UsageError(f"{samples} holds no sample data (no folder inbox)")
    home = Home(settings.home)
    home.create()
    for folder in ("reports", "pledges"):
        for path in sorted((inbox / folder).iterdir()):
            shutil.copyfile(path, home.inbox / folder / path.name)
    os.environ[TOKEN_VARIABLE] = secrets.token_urlsafe(24)
    records = sorted(api.glob("*.jsonl"))
    platform = records[0].name.rsplit("_", 1)[0] if records else ""
    with serve_records(records[0] if records else None, os.environ[TOKEN_VARIABLE]) as address:
        apis = {platform: ApiSettings(base_url=address, token_env=TOKEN_VARIABLE, enabled=True)} if records else {}
        with at_work(settings.model_copy(update={"api": apis}), "demo") as office:
            night = nightly(office)
            with office.engine.connect() as connection:
                knowledge, rejects = tables.stored(connection), tables.rejects(connection)
    open_flags = knowledge.flags[knowledge.flags["status"] == "open"]
    return (
        night,
        {
            "accounts": len(knowledge.accounts),
            "entities": len(knowledge.entities),
            "holdings": len(knowledge.holdings),
            **{f"open flags {family}": int(n) for family, n in open_flags.groupby("family").size().items()},
        },
        rejects[rejects["status"] == "open"],
    )
