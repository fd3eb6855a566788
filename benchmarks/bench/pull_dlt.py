"""The same platform through a dlt pipeline with its ``rest_api`` source, as its documentation sets one up:
``python -m bench.pull_dlt PLATFORM ADDRESS FOLDER DATABASE WAY``.

DATABASE: ``duckdb``, which dlt loads quickest, or ``sqlite``, the registry's own. WAY: ``append`` only adds; by ``merge`` each
record takes the place of the one with its key, as nightly reports need it. Nothing is checked, mapped, sealed or resolved."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ.update({"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"})

import dlt
from dlt.sources.rest_api import rest_api_source

from .measure import spent

SIZE = 200  # the page size of both mappings
FORMATS: Any = {"duckdb": "parquet", "sqlite": "typed-jsonl"}  # the quickest of those that it offers
KEYS = {"xiaohongshu": "red_id", "weipaitang": "shop__id"}


def described(platform: str, base: str, way: str) -> dict[str, Any]:
    """The configuration of the source."""
    if platform == "xiaohongshu":
        client = {
            "base_url": f"{base}/",
            "auth": {"type": "bearer", "token": "t" * 24},
            "paginator": {"type": "offset", "limit": SIZE, "offset": 0, "offset_param": "offset", "limit_param": "limit",
                          "total_path": "total"},
        }
        endpoint: dict[str, Any] = {"path": "reports/identity", "data_selector": "data"}
    else:
        client = {
            "base_url": f"{base}/",
            "auth": {"type": "oauth2_client_credentials", "access_token_url": f"{base}/oauth/token", "client_id": "t" * 24,
                     "client_secret": "t" * 24, "access_token_request_data": {"grant_type": "client_credentials"}},
            "paginator": {"type": "json_link", "next_url_path": "next"},
        }
        endpoint = {"path": "v1/identity-reports", "data_selector": "items", "params": {"limit": SIZE}}
    resource_ = {"name": "report", "endpoint": endpoint, "write_disposition": way}
    if way == "merge":
        resource_["primary_key"] = KEYS[platform]
    return {"client": client, "resources": [resource_]}


def pipeline_into(base: str, folder: Path) -> Any:
    """A dlt pipeline into a new database of this kind in ``folder``, which is made."""
    folder.mkdir(parents=True)
    target: Any = (
        dlt.destinations.duckdb(str(folder / "target.duckdb"))
        if base == "duckdb"
        else dlt.destinations.sqlalchemy(f"sqlite:///{folder / 'target.sqlite'}")
    )
    return dlt.pipeline("bench", pipelines_dir=str(folder / "work"), destination=target, dataset_name="staging")


def timed(pipeline: Any, source: Any, base: str) -> dict[str, Any]:
    """Runs ``source`` into the table ``report``: records, seconds, processor seconds."""
    wall, cpu = time.perf_counter(), spent()
    pipeline.run(source, loader_file_format=FORMATS[base])
    used, seconds = spent() - cpu, time.perf_counter() - wall
    records = pipeline.last_trace.last_normalize_info.row_counts["report"]
    return {"records": records, "cpu": round(used, 3), "seconds": round(seconds, 2)}


def main() -> None:
    """Prints records, seconds, processor seconds."""
    platform, address, folder, base, way = sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4], sys.argv[5]
    source = rest_api_source(described(platform, f"{address}/{platform}", way))  # type: ignore[arg-type]
    print(json.dumps(timed(pipeline_into(base, folder), source, base)))


if __name__ == "__main__":
    main()
