"""A small county behind a real desk: the registry on either database, the server as its own process, people who sign in."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import requests
from openpyxl import Workbook
from sqlalchemy import Engine, create_engine, text
from worlds import Party, douyin, firm, masked, person, phone, row, shop, world

from zp_registry.registry import people

PASSWORD = "Probe-Wort-2026"
NICKNAME = "<script>alert('x')</script><img src=x onerror=alert(1)>"
FORMULA = '=HYPERLINK("http://x","y")'
ELSEWHERE = "河南省南阳市镇平县曲屯镇榆沟村1号"
STAFF = {
    "guan": ("admin", None), "quguan": ("admin", ["曲屯镇"]), "cha": ("investigator", None), "ban": ("clerk", None),
    "qutun": ("clerk", ["曲屯镇"]), "quchaxun": ("investigator", ["曲屯镇"]), "shifo": ("investigator", ["石佛寺镇"]),
}  # fmt: skip


def like(n: int, **changed: Any) -> Party:
    """The n-th person with something else."""
    return replace(person(n), **changed)


def weak(account: str, holder: Party, **changed: Any) -> dict[str, Any]:
    """A row that shows no whole number of its holder."""
    return row(account, holder, **{"payee": None, "payee_name": None, "streamers": [], **changed})


FAR = like(40, address=ELSEWHERE)
ROWS = (
    weak("near1", person(1), person_id=masked(person(1).person_id)),
    weak("near2", like(1, phone=phone(101), address=person(60).address), person_id=masked(person(1).person_id)),
    weak("near3", person(2), person_id=masked(person(2).person_id)),
    weak("near4", like(2, phone=phone(102), address=person(61).address), person_id=masked(person(2).person_id)),
    *(row(f"plain{n}", person(n)) for n in range(10, 24)),
    row("evil", person(24), account_name=NICKNAME),
    row("formula", like(25, name=FORMULA, person=FORMULA)),
    row("shop", firm(30)),
    row("biz", shop(36)),
    row("bizman", like(36, address=ELSEWHERE)),  # runs it, and lives in another town
    row("far", FAR),
    row("sold", person(32)),
    row("lent", person(34)),
)
LATER = (*ROWS[:-2], row("sold", person(33)), row("lent", person(35)))


def build(home: Path, files: Path, url: str | None) -> None:
    """Two months of reports, resolved and flagged; and the staff."""
    with world(home, files, url) as made:
        made.kuaishou("2026-01-31", [*ROWS, row("", person(41))])  # the last one is turned back
        made.kuaishou("2026-02-28", list(LATER))
        made.load(douyin(made.file("douyin_20260228.xlsx"), [row("dy1", person(26))], "2026-02-28"))
        made.night()
        with made.office.engine.begin() as connection:
            for who, (role, towns) in STAFF.items():
                people.add(connection, who, role, towns, PASSWORD)


def filled_list(*lines: Sequence[str]) -> Workbook:
    """A follow-up list as it comes back: of each line the entity, date, method and outcome."""
    book = Workbook()
    for line in (("主体编号", "本次催签日期", "催签方式", "办理结果"), *lines):
        book.active.append(line)
    return book


@dataclass
class Site:
    """A desk that serves: where, and its database."""

    base: str
    home: Path
    files: Path
    engine: Engine
    env: dict[str, str]

    def sql(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        with self.engine.connect() as connection:
            return [tuple(r) for r in connection.execute(text(query), values)]

    def entity(self, account: str) -> str:
        """Id of the entity that holds an account."""
        return str(self.sql("SELECT entity_id FROM account WHERE account_id = :a", a=account)[0][0])

    def flag(self, account: str, family: str = "PLEDGE") -> str:
        """The flag of an account's holder."""
        return str(self.sql("SELECT flag_id FROM flag WHERE entity_id = :e AND family = :f AND status = 'open'",
                            e=self.entity(account), f=family)[0][0])  # fmt: skip

    def case(self, account: str) -> str:
        """The case of an account."""
        return str(self.sql("SELECT case_id FROM case_file WHERE account_id = :a", a=account)[0][0])

    def pair(self, one: str, other: str) -> str:
        """The pair of two accounts' holders."""
        return "-".join(sorted((self.entity(one), self.entity(other)), key=lambda e: int(e[1:])))

    def client(self, who: str | None = None) -> Client:
        """Somebody with a session, or nobody."""
        made = Client(self.base)
        if who is not None:
            made.sign_in(who)
        return made


class Client(requests.Session):
    """A browser without eyes: it keeps its cookie and sends the form's token along."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base, self.trust_env = base.rstrip("/"), False
        self.kept = ""

    def page(self, path: str, **given: Any) -> requests.Response:
        """A page, redirects not followed."""
        return self.get(self.base + path, allow_redirects=False, timeout=60, **given)

    def token(self, path: str = "/password") -> str:
        """The token of the forms: the session's, or that of the sign-in page."""
        if path == "/password" and self.kept:
            return self.kept
        found = re.search(r'name="csrf" value="([0-9a-f]{64})"', self.get(self.base + path, timeout=60).text)
        assert found, path
        self.kept = found[1] if path == "/password" else ""
        return found[1]

    def give(self, path: str, data: dict[str, Any] | None = None, **given: Any) -> requests.Response:
        """A form as the page would send it."""
        filled = {"csrf": self.token(), **(data or {})}
        return self.post(self.base + path, data=filled, allow_redirects=False, timeout=60, **given)

    def sign_in(self, who: str, password: str = PASSWORD) -> requests.Response:
        """Signs in."""
        filled = {"csrf": self.token("/sign-in"), "name": who, "password": password}
        return self.post(self.base + "/sign-in", data=filled, allow_redirects=False, timeout=60)


@contextmanager
def serving(home: Path, files: Path, url: str | None, **env: str) -> Iterator[Site]:
    """The server as its own process, on a port of its own."""
    import os

    where = url or f"sqlite:///{home / 'db' / 'registry.sqlite'}"
    full = {
        **os.environ,
        "ZP_HOME": str(home),
        "ZP_DATABASE_URL": where,
        "ZP_LOGS__FILE": str(home / "logs" / "desk.log"),
        **env,
    }
    program = [sys.executable, "-c", "from zp_registry.cli import main; main()", "serve", "--port", "0", "--json"]
    process = subprocess.Popen(program, env=full, cwd=files, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            _, err = process.communicate(timeout=30)
            raise AssertionError(err.decode())
        engine = create_engine(where)
        yield Site(json.loads(line)["address"].rstrip("/"), home, files, engine, full)
        engine.dispose()
    finally:
        process.terminate()
        process.communicate(timeout=30)
