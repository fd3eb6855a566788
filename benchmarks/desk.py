"""How quick the desk answers: 20 clerks at once on the pages they use, on a registry that stands already.

    python benchmarks/desk.py HOME [--clerks 20] [--rounds 15]

HOME is a registry that ``zp-registry`` filled (``simulate``, ``nightly``). A user is added to it and it is served from: give
a copy. Printed as a table: requests, errors, median and 95th percentile in milliseconds for each page.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import statistics
import subprocess
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path

import requests

PROGRAM = [sys.executable, "-c", "from zp_registry.cli import main; main()"]
SECRET = secrets.token_urlsafe(12)


def main() -> None:
    """Adds a user, serves, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("home", type=Path)
    parser.add_argument("--clerks", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    env = {**os.environ, "ZP_HOME": str(given.home)}
    name = f"bench{secrets.token_hex(3)}"
    add = [*PROGRAM, "desk", "user", "add", name, "--role", "investigator", "--password", "-"]
    subprocess.run(add, input=SECRET.encode(), env=env, check=True, stderr=subprocess.DEVNULL)
    server = subprocess.Popen(
        [*PROGRAM, "serve", "--port", "0", "--json"], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert server.stdout is not None
        base = json.loads(server.stdout.readline())["address"].rstrip("/")
        first = signed_in(base, name)
        pages = chosen(first, base)
        for _, path in pages:  # what is kept until the next resolve is made once
            first.get(base + path, timeout=300)
        times, errors = measured(base, name, pages, given.clerks, given.rounds)
    finally:
        server.terminate()
        server.wait()
    print(f"{'page':<12}{'requests':>9}{'errors':>8}{'median ms':>11}{'p95 ms':>9}")
    for page, _ in [*pages, ("all", "")]:
        own = sorted(times[page]) if page != "all" else sorted(t for ts in times.values() for t in ts)
        lost = errors[page] if page != "all" else sum(errors.values())
        print(f"{page:<12}{len(own):>9}{lost:>8}{1000 * statistics.median(own):>11.0f}{1000 * own[int(0.95 * len(own))]:>9.0f}")


def signed_in(base: str, name: str) -> requests.Session:
    """A session."""
    client = requests.Session()
    client.trust_env = False
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', client.get(base + "/sign-in", timeout=60).text)
    assert found
    filled = {"csrf": found[1], "name": name, "password": SECRET}
    assert client.post(base + "/sign-in", data=filled, timeout=60).status_code == 200
    return client


def chosen(client: requests.Session, base: str) -> list[tuple[str, str]]:
    """The pages to ask for, with ids that this registry has."""
    out = [("overview", "/"), ("look name", "/look?q=玉缘"), ("look letters", "/look?q=yy"), ("follow-ups", "/followups"),
           ("review", "/review"), ("cases", "/cases")]  # fmt: skip
    for page, place, pattern in (
        ("dossier", "/look?q=玉缘", r"/entity/E\d+"), ("follow-up", "/followups", r"/followups/F\d+"),
        ("pair", "/review", r"/review/E\d+-E\d+"), ("case", "/cases", r"/cases/C\d+"),
    ):  # fmt: skip
        if found := re.search(pattern, client.get(base + place, timeout=300).text):
            out.append((page, found[0]))
    return out


def measured(
    base: str, name: str, pages: list[tuple[str, str]], clerks: int, rounds: int
) -> tuple[dict[str, list[float]], dict[str, int]]:
    """Seconds of each answer by page, and how many were none; each clerk reads for a second or two between two pages."""
    times: dict[str, list[float]] = defaultdict(list)
    errors: dict[str, int] = defaultdict(int)
    lock = threading.Lock()

    def clerk(number: int) -> None:
        client = signed_in(base, name)
        for n in range(rounds):
            page, path = pages[(n + number) % len(pages)]
            began = time.perf_counter()
            try:
                good = client.get(base + path, timeout=120).status_code == 200
            except requests.RequestException:
                good = False
            took = time.perf_counter() - began
            with lock:
                times[page].append(took)
                errors[page] += not good
            time.sleep(1 + (number * 7 + n * 3) % 10 / 10)

    threads = [threading.Thread(target=clerk, args=(n,)) for n in range(clerks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times, errors


if __name__ == "__main__":
    main()
