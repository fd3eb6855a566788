"""What all pages of one server share: the open office, the worker, the index of names, and answers kept until the next
resolve."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from flask import current_app
from sqlalchemy import Connection, text

from zp_registry.jobs.deskwork import Worker
from zp_registry.jobs.office import Office
from zp_registry.jobs.review_explain import explanations
from zp_registry.registry import tasks
from zp_registry.registry.search import NameIndex
from zp_registry.registry.state import read_state

T = TypeVar("T")
PATIENCE = 3.0  # seconds that a page waits for its work before it shows the progress instead


Ends = tuple[int, int]
_AGAIN = 600.0  # seconds after which a weight is explained anew in any case


class Explained:
    """How the weights of pairs come about. That takes half a second, for one pair as for ten: so those that come next are
    explained while somebody reads the first one."""

    def __init__(self, office: Office) -> None:
        self.office, self.pool = office, ThreadPoolExecutor(1, "desk-ahead")
        self.kept: dict[Ends, list[dict[str, Any]]] = {}
        self.mark, self.until, self.lock = "", 0.0, threading.Lock()

    def of(self, connection: Connection, pair: Ends, coming: Sequence[Ends]) -> list[dict[str, Any]]:
        """That of this pair; ``coming``: those that will be asked for next."""
        mark = str(connection.execute(text("SELECT MAX(id) FROM report_file")).scalar())  # what people decide changes none
        with self.lock:
            if mark != self.mark or time.monotonic() > self.until:
                self.kept, self.mark, self.until = {}, mark, time.monotonic() + _AGAIN
            kept = self.kept
        if pair not in kept:
            kept[pair] = explanations(self.office, connection, [pair]).get(pair, [])
        rest = [p for p in coming if p not in kept]
        if len(rest) > len(coming) // 2:
            self.pool.submit(self._ahead, kept, rest)
        return kept[pair]

    def _ahead(self, kept: dict[Ends, list[dict[str, Any]]], pairs: Sequence[Ends]) -> None:
        missing = [p for p in pairs if p not in kept]
        if missing:
            with self.office.engine.connect() as connection:
                found = explanations(self.office, connection, missing)
            kept.update({p: found.get(p, []) for p in missing})


class Asked:
    """Numbers that people looked up, by a key that stands in the address in their place; the newest alone, in memory."""

    MOST = 2000

    def __init__(self) -> None:
        self.kept: dict[str, tuple[str, str]] = {}
        self.lock = threading.Lock()

    def keep(self, who: str, words: str) -> str:
        """The key of these words."""
        key = secrets.token_urlsafe(9)
        with self.lock:
            self.kept[key] = (who, words)
            while len(self.kept) > self.MOST:
                del self.kept[next(iter(self.kept))]
        return key

    def words(self, who: str, key: str) -> str:
        """What this person asked under this key; nothing for others, and when it is gone."""
        owner, words = self.kept.get(key, ("", ""))
        return words if owner == who else ""


@dataclass
class Desk:
    """See the module."""

    office: Office
    worker: Worker
    titles: Mapping[str, str]
    explained: Explained
    asked: Asked = field(default_factory=Asked)
    index: NameIndex | None = None
    kept: dict[str, tuple[str, Any]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    making: threading.Lock = field(default_factory=threading.Lock)

    def mark(self, connection: Connection) -> str:
        """Changes whenever knowledge does."""
        return read_state(connection, "derived_from") or ""

    def names(self, connection: Connection) -> NameIndex:
        """The index of names, made anew when knowledge has changed."""
        mark = self.mark(connection)
        with self.lock:
            if self.index is None or self.index.mark != mark:
                self.index = NameIndex.of(connection, mark, self.index)
            return self.index

    def once(self, connection: Connection, name: str, make: Callable[[], T]) -> T:
        """The answer of ``make``, kept until knowledge changes."""
        mark = self.mark(connection)
        found = self.kept.get(name)
        if found is None or found[0] != mark:
            with self.making:  # of twenty who ask at once one makes it
                found = self.kept.get(name)
                if found is None or found[0] != mark:
                    found = self.kept[name] = (mark, make())
        return found[1]

    def hand_in(self, kind: str, who: str, subject: str, given: dict[str, Any]) -> dict[str, Any]:
        """Hands work to the worker and waits a little for it; the row of the work as it is then."""
        with self.office.engine.begin() as connection:
            token = tasks.hand_in(connection, self.office.ring, kind, who, subject, given)
        self.worker.call()
        until = time.monotonic() + PATIENCE
        while True:
            with self.office.engine.connect() as connection:
                row = tasks.one(connection, token)
            assert row is not None
            if row["state"] in ("done", "failed") or time.monotonic() > until:
                return row
            time.sleep(0.05)


def desk() -> Desk:
    """That of the server which answers this request."""
    found: Desk = current_app.extensions["zp_desk"]
    return found
