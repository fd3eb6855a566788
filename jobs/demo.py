"""The demo: the samples into an inbox of its own, two platforms pulled from a rehearsal server, then the main job."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pandas as pd

from zp_registry.errors import UsageError
from zp_registry.home import Home
from zp_registry.registry import tables
from zp_registry.rehearsal import Gateway, packaged, read_records, serve
from zp_registry.settings import ApiSettings, Settings

from .nightly import Night, nightly
from .office import at_work

VARIABLE = "ZP_DEMO_{platform}_{secret}"


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
    known, gateways = packaged(), {}
    for path in sorted(api.glob("*.jsonl")):
        platform = path.name.rsplit("_", 1)[0]
        gateways[platform] = Gateway(known[platform], read_records(path))
    with serve(gateways) as rehearsal:
        apis = {name: ApiSettings(base_url=rehearsal.base(name), secrets=_secrets(name, gateway.secrets))
                for name, gateway in gateways.items()}
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


def _secrets(platform: str, secrets: dict[str, str]) -> dict[str, str]:
    """The rehearsal's secrets as variables of this process, and where each is."""
    places = {}
    for name, value in secrets.items():
        variable = VARIABLE.format(platform=platform, secret=name).upper()
        os.environ[variable] = value
        places[name] = f"env:{variable}"
    return places
