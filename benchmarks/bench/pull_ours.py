"""One platform pulled by the registry: ``python -m bench.pull_ours PLATFORM ADDRESS HOME``. Processor seconds are those of this
process from the first request on; starting Python and opening the registry do not count, as they do not for the other."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import structlog
from zp_registry.jobs.office import at_work
from zp_registry.jobs.pulls import pull_platforms

from zp_registry.cli.common import suit_columns
from zp_registry.mapping import load_mappings, map_report
from zp_registry.normalise import normalise
from zp_registry.quarantine.judge import Expectations, judge
from zp_registry.registry import bulk
from zp_registry.settings import ApiSettings, Settings
from zp_registry.sources.api.pull import pull

from .measure import spent


def main() -> None:
    """Prints records, seconds, processor seconds: ``staged`` as far as the quarantine and a staging table, ``whole`` to the
    commit, with pages and report sealed."""
    platform, address, home = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    suit_columns()  # as every command does
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    folder = home / "mappings"
    folder.mkdir(parents=True)
    _without_limit(platform, folder)
    secrets = ("token",) if platform == "xiaohongshu" else ("client_id", "client_secret")
    for name in secrets:
        os.environ[f"BENCH_{name}"] = "t" * 24
    places = {name: f"env:BENCH_{name}" for name in secrets}
    interface = ApiSettings(base_url=f"{address}/{platform}", secrets=places)
    made = Settings(home=home, mappings_dir=folder, api={platform: interface})
    answer: dict[str, object] = {}
    with at_work(made, "pull") as office:
        spec = office.mappings[platform].api
        assert spec is not None
        spec = spec.model_copy(update={"base_url": f"{address}/{platform}"})
        wall, cpu = time.perf_counter(), spent()
        got = pull(spec, dict.fromkeys(secrets, "t" * 24), platform=platform)
        pulled = spent()
        mapped = map_report(got.file, office.mappings, platform=platform)
        clean = normalise(mapped)
        judged = judge(clean.frame, clean.faults, Expectations(), file=mapped.file.name, full=True, previous={}, accept=None)
        with office.engine.connect() as connection:
            bulk.stage(connection, "bench_rows", judged.accepted)
            connection.rollback()
        answer["staged"] = {"records": len(mapped.frame), "rejected": len(judged.rejected), "pull cpu": round(pulled - cpu, 3),
                            "cpu": round(spent() - cpu, 3), "seconds": round(time.perf_counter() - wall, 2)}
        wall, cpu = time.perf_counter(), spent()
        [outcome] = pull_platforms(office)
        assert outcome.state == "loaded", outcome.message
        answer["whole"] = {"records": outcome.counts.read, "rejected": outcome.counts.rejected, "cpu": round(spent() - cpu, 3),
                           "seconds": round(time.perf_counter() - wall, 2)}
    print(json.dumps(answer))


def _without_limit(platform: str, folder: Path) -> None:
    """The packaged mapping at a rate that no client here reaches: it is not the waits that are measured."""
    import yaml

    found = load_mappings()[platform]
    data = found.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    data["api"]["pace"] = {"per_second": 1000}
    (folder / f"{platform}.yaml").write_text(yaml.safe_dump(data, allow_unicode=True), "utf-8")


if __name__ == "__main__":
    main()
