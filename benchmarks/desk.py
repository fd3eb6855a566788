"""How quick the desk answers: each page alone, then 20 clerks at once, on a county of 100,000 accounts.

    python benchmarks/desk.py FOLDER [--accounts 100000] [--seed 811] [--database URL] [--clerks 20] [--rounds 15] [--alone 9]

The county is made in FOLDER once (simulator, import of reports and ledgers, resolve: some minutes) and served from there
again; with ``--database`` it is loaded into that (empty) PostgreSQL database instead of SQLite. Accounts of the desk are added
to it. Each page is asked for ``--alone`` times by one person; then so many people at once each ask for ``--rounds`` pages,
reading each for a second or two, and register an attempt now and then. Printed as tables and, with --out, as JSON.
"""

from __future__ import annotations

import argparse
import datetime as dt
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from bench.measure import PROGRAM, run

SECRET = secrets.token_urlsafe(12)
WRITES_EVERY = 8  # of so many pages one is an attempt that is registered


def main() -> None:
    """Makes the county, serves it, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--months", type=int, default=2)
    parser.add_argument("--seed", type=int, default=811)
    parser.add_argument("--database", help="URL of an empty PostgreSQL database, or of one that this script filled.")
    parser.add_argument("--clerks", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--alone", type=int, default=9)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    env = made(given.folder, given.accounts, given.months, given.seed, given.database)
    with serving(env) as (base, name, warm, cpu):
        first = signed_in(base, name)
        pages = chosen(first, base)
        alone, clerks = Times(), Times()
        before, worked = cpu(), defaultdict[str, float](float)
        for _ in range(given.alone):
            for page, path in pages:
                began = cpu()
                alone.take(page, first, "GET", base + path)
                worked[page] += 1000 * (cpu() - began) / given.alone
        between = cpu()
        at_once(base, name, pages, clerks, given.clerks, given.rounds)
        spent = [between - before, cpu() - between]
    print(f"first answers after the start: {warm:.1f} s; other work on the machine (load): {os.getloadavg()[0]:.1f}")
    for title, times, used in (("one person", alone, spent[0]), (f"{given.clerks} people at once", clerks, spent[1])):
        each = 1000 * used / times.rows()[-1]["requests"]
        print(f"\n{title}, {each:.0f} ms of the server's processor time a request")
        print(f"{'page':<14}{'requests':>9}{'errors':>8}{'median ms':>11}{'p95 ms':>9}{'cpu ms':>8}")
        for row in times.rows():
            cost = f"{worked[row['page']]:.0f}" if times is alone and row["page"] in worked else ""
            print(f"{row['page']:<14}{row['requests']:>9}{row['errors']:>8}{row['median']:>11}{row['p95']:>9}{cost:>8}")
    if given.out:
        given.out.write_text(json.dumps({"warm": warm, "alone": alone.rows(), "at_once": clerks.rows()}, indent=1))


def made(folder: Path, accounts: int, months: int, seed: int, database: str | None) -> dict[str, str]:
    """The environment of commands upon the county, which is made where it is not there yet."""
    world, home = folder / "world", folder / ("home-postgresql" if database else "home")
    env = {"ZP_HOME": str(home), **({"ZP_DATABASE_URL": database} if database else {})}
    if not world.exists():
        options = {"--seed": seed, "--accounts": accounts, "--months": months}
        words = [str(x) for pair in options.items() for x in pair]
        run([sys.executable, "-m", "zp_registry.simulator", world, *words])
    if not (note := home / "made.json").exists():
        home.mkdir(parents=True)
        for words in (["import", world / "reports"], ["pledges", "import", world / "pledges"], ["resolve"]):
            done = run([PROGRAM, *words, "--json"], env)
            print(f"{words[0]}: {done.seconds:.0f} s", file=sys.stderr)
        note.write_text(json.dumps({"accounts": accounts, "months": months, "seed": seed}))
    return {**os.environ, **env}


@contextmanager
def serving(env: dict[str, str]) -> Iterator[tuple[str, str, float, Callable[[], float]]]:
    """The desk in a process of its own; its address, somebody who may sign in, seconds until what is kept is made, and a
    function that tells its processor seconds."""
    name = f"bench{secrets.token_hex(3)}"
    add = [PROGRAM, "desk", "user", "add", name, "--role", "investigator", "--password", "-"]
    subprocess.run(add, input=SECRET.encode(), env=env, check=True, stdout=subprocess.DEVNULL)
    server = subprocess.Popen(
        [PROGRAM, "serve", "--port", "0", "--json"], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert server.stdout is not None
        base = json.loads(server.stdout.readline())["address"].rstrip("/")
        began = time.perf_counter()
        client = signed_in(base, name)
        for path in ("/", "/look?q=玉", "/followups"):  # what is kept until the next resolve is made once
            client.get(base + path, timeout=300).raise_for_status()
        warm, stat = time.perf_counter() - began, Path(f"/proc/{server.pid}/stat")
        yield base, name, warm, lambda: sum(map(int, stat.read_text().split()[13:15])) / os.sysconf("SC_CLK_TCK")
    finally:
        server.terminate()
        server.wait()


def signed_in(base: str, name: str) -> requests.Session:
    """A session."""
    client = requests.Session()
    client.trust_env = False
    filled = {"csrf": token(client.get(base + "/sign-in", timeout=60).text), "name": name, "password": SECRET}
    client.post(base + "/sign-in", data=filled, timeout=60).raise_for_status()
    return client


def token(page: str) -> str:
    """The token of a page's forms."""
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', page)
    assert found
    return found[1]


def chosen(client: requests.Session, base: str) -> list[tuple[str, str]]:
    """The pages to ask for, with ids that this registry has."""
    town = re.findall(r"/followups\?town=([^\"&]+)", client.get(base + "/", timeout=300).text)[0]
    out = [
        ("overview", "/"), ("look: name", "/look?q=玉缘"), ("look: pinyin", "/look?q=yuyuan"),
        ("look: initials", "/look?q=wxm"), ("look: nothing", "/look?q=没有这样的名字"), ("follow-ups", "/followups"),
        ("of a town", f"/followups?town={town}"), ("never tried", "/followups?tried=no"),
        ("far behind", "/followups?start=10000"), ("notices", f"/followups/notices?town={town}"),
        ("rejects", "/rejects"), ("review", "/review"), ("cases", "/cases"), ("work", "/work"),
    ]  # fmt: skip
    for page, place, pattern in (
        ("dossier", "/look?q=玉缘", r"/entity/E\d+"), ("account", "/look?q=玉缘", r'/account/[a-z_]+/[^"?#]+'),
        ("follow-up", "/followups", r"/followups/F\d+"), ("reject", "/rejects", r"/rejects/[\w-]{12,}"),
        ("pair", "/review", r"/review/E\d+-E\d+"), ("case", "/cases", r"/cases/C\d+"),
    ):  # fmt: skip
        found = re.search(pattern, client.get(base + place, timeout=300).text)
        assert found, page
        out.append((page, found[0]))
    return out


@dataclass
class Times:
    """Seconds of each answer by page, and how many were none."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, page: str, client: requests.Session, method: str, url: str, data: dict[str, str] | None = None) -> None:
        """Asks once."""
        began = time.perf_counter()
        try:
            good = client.request(method, url, data=data, timeout=120, allow_redirects=False).status_code in (200, 302)
        except requests.RequestException:
            good = False
        took = time.perf_counter() - began
        with self.lock:
            self.seconds[page].append(took)
            self.errors[page] += not good

    def rows(self) -> list[dict[str, Any]]:
        """page, requests, errors, median and p95 (milliseconds); the last line is of all."""
        every = {**self.seconds, "all": [t for ts in self.seconds.values() for t in ts]}
        errors = {**self.errors, "all": sum(self.errors.values())}
        return [
            {"page": page, "requests": len(own), "errors": errors[page], "median": round(1000 * statistics.median(own)),
             "p95": round(1000 * sorted(own)[int(0.95 * len(own))])}
            for page, own in every.items() if own
        ]  # fmt: skip


def at_once(base: str, name: str, pages: list[tuple[str, str]], times: Times, clerks: int, rounds: int) -> None:
    """So many people at once; each reads for a second or two between two pages."""
    flag = dict(pages)["follow-up"]

    def clerk(number: int) -> None:
        client = signed_in(base, name)
        form = token(client.get(base + flag, timeout=60).text)
        for n in range(rounds):
            if (n + number) % WRITES_EVERY == 0:
                said = {"method": "电话", "outcome": "无法联系", "note": f"{number}.{n}"}
                data = {"csrf": form, "on": dt.date.today().isoformat(), **said}
                times.take("(attempt)", client, "POST", f"{base}{flag}/attempt", data)
            else:
                page, path = pages[(7 * n + number) % len(pages)]
                times.take(page, client, "GET", base + path)
            time.sleep(1 + (number * 7 + n * 3) % 10 / 10)

    threads = [threading.Thread(target=clerk, args=(n,)) for n in range(clerks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
