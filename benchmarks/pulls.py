"""Pulls of 50,000 records in each dialect from the rehearsal server, under a script of faults: is anything lost or doubled, are
there ever more requests than the stated rate, and what does it cost. ``python benchmarks/pulls.py [--records N] [--rate N]``"""

from __future__ import annotations

import argparse
import json
import logging
import time
from pathlib import Path
from typing import Any

import structlog

from zp_registry.mapping import load_mappings
from zp_registry.rehearsal import Gateway, Script, packaged, serve
from zp_registry.sources.api.pull import pull
from zp_registry.sources.api.spec import ApiSpec
from zp_registry.sources.files import text_column

# Each kind again and again, at numbers that have no common factor, so that they also meet.
FAULTS: list[dict[str, Any]] = [
    {"every": 37, "status": 429, "retry_after": "1"},
    {"every": 41, "status": 429, "ratelimit": 1},
    {"every": 43, "status": 500},
    {"every": 47, "status": 503},
    {"every": 53, "drop": True},
    {"every": 59, "truncate": True},
    {"every": 61, "html": True},
    {"every": 67, "garbage": True},
    {"every": 71, "charset": True},
    {"every": 73, "limited": True, "seconds": 1},
    {"every": 79, "busy": True},
    {"every": 83, "shapeless": True},
    {"every": 89, "repeat_page": True},
    {"every": 97, "wrong_total": 7},
    {"every": 101, "empty_page": True},
    {"every": 103, "short_page": True},
    {"at": 107, "stall": 3.0},
]


def measured(name: str, gateway: Gateway, base: str, rate: float) -> dict[str, Any]:
    """One pull; ``lost`` and ``doubled`` are counts of records, ``peak`` the most requests in any second."""
    described = load_mappings()[name].api
    assert described is not None
    data = described.model_dump(by_alias=True, exclude_defaults=True)
    data |= {"base_url": base, "pace": {"per_second": rate}, "limits": {"backoff": 0.1, "read_timeout": 2}}
    spec = ApiSpec.model_validate(data)
    # The packaged waits are those of the real platforms: up to a minute.
    spec = spec.model_copy(update={"errors": [r.model_copy(update={"seconds": min(r.seconds, 1.0)}) for r in spec.errors]})
    started, cpu = time.monotonic(), time.thread_time()
    got = pull(spec, gateway.secrets, platform=name)
    seconds, cpu = time.monotonic() - started, time.thread_time() - cpu
    came = [i for t in got.file.tables for i in text_column(t.columns[(t.header or []).index("id")]).text.tolist()]
    wanted = {r["id"] for rows in gateway.records.values() for r in rows}
    return {
        "dialect": gateway.spec["dialect"], "platform": name, "records": len(came), "lost": len(wanted - set(came)),
        "doubled": len(came) - len(set(came)), "complete": got.complete, "requests": got.requests, "retries": got.retries,
        "fault kinds": len(gateway.script.played), "faults": sum(gateway.script.played.values()), "rate": rate,
        "peak": gateway.most_in(1.0), "seconds": round(seconds, 1), "client cpu seconds": round(cpu, 2),
    }  # fmt: skip


def main() -> None:
    """Prints a line for each platform and writes ``results/pulls.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=50_000)
    parser.add_argument("--rate", type=float, default=25.0, help="requests a second")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    mappings, gateways = load_mappings(), {}
    for name, spec in packaged().items():
        api = mappings[name].api
        lists = [one.sheet for one in api.lists] if api and api.lists else [""]
        each = options.records // len(lists)
        rows = {k: [{"id": f"{k}{i:07d}", "name": f"玉缘{i}号玉雕店", "owner": f"商行{i}"} for i in range(each)]
                for k in lists}
        gateways[name] = Gateway(spec, rows, Script(rules=FAULTS))
    results = []
    with serve(gateways) as rehearsal:
        for name, gateway in gateways.items():
            results.append(measured(name, gateway, rehearsal.base(name), options.rate))
            print(json.dumps(results[-1], ensure_ascii=False), flush=True)
    target = Path(__file__).parent / "results" / "pulls.json"
    target.write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
