"""Whoever should not get something gets nothing: roles, towns, forged forms, other people's things, and what attackers try."""

from __future__ import annotations

import io
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from deskworld import ELSEWHERE, NICKNAME, PASSWORD, STAFF, Client, Site, filled_list, serving
from docx import Document
from openpyxl import Workbook, load_workbook
from worlds import kuaishou, person, phone, row
from zp_registry.jobs.deskwork import Worker
from zp_registry.jobs.office import open_office

from zp_registry.cli import main
from zp_registry.desk import access
from zp_registry.desk.app import MODULES, create_app
from zp_registry.desk.server import check
from zp_registry.desk.upload import file_name
from zp_registry.errors import UsageError
from zp_registry.home import Home
from zp_registry.registry import audit, people
from zp_registry.registry.people import hashed
from zp_registry.settings import DeskSettings, Settings


def _routes() -> list[tuple[str, str, str, bool]]:
    """Every page of the desk: method, address, role, and whether those of single towns are shut out."""
    from flask import Flask

    app = Flask(__name__)
    for module in MODULES:
        app.register_blueprint(module.page)
    out = []
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            if rule.endpoint not in access.PUBLIC:
                out.append((method, rule.rule, getattr(view, "needs_role", ""), getattr(view, "needs_whole", False)))
    return out


ROUTES = _routes()
NAMES = [f"{m} {r}" for m, r, *_ in ROUTES]


def test_no_route_of_the_desk_is_left_out(home: Home) -> None:
    made = open_office(Settings(home=home.root))
    app = create_app(made, Worker(made))
    every = {(m, r.rule) for r in app.url_map.iter_rules() for m in r.methods or () if m not in ("HEAD", "OPTIONS")}
    public = {("GET", "/static/<path:filename>"), ("GET", "/sign-in"), ("POST", "/sign-in")}
    assert every == {(m, r) for m, r, *_ in ROUTES} | public
    made.engine.dispose()


def test_every_page_names_a_role() -> None:
    assert len(ROUTES) > 40
    assert all(role in ("clerk", "investigator", "admin") for _, _, role, _ in ROUTES)


@pytest.fixture(scope="module")
def things(site: Site, staff: dict[str, Client]) -> dict[str, str]:
    """Things of 石佛寺镇, and of 'ban', by the names that addresses have for them. A new name must be added here."""
    path = kuaishou(site.files / "kuaishou_20260531.csv", [row("mine1", person(130))])
    with path.open("rb") as file:
        answer = staff["ban"].post(site.base + "/upload", data={"csrf": staff["ban"].token(), "kind": "report"},
                                   files={"files": file}, allow_redirects=False, timeout=60)  # fmt: skip
    assert answer.status_code == 302
    lists = site.home / "desk" / "lists"
    lists.mkdir(parents=True, exist_ok=True)
    (lists / "催签清单_石佛寺镇_2026-02-28.xlsx").write_bytes(b"PK")
    return {
        "entity_id": site.entity("plain17"), "platform": "kuaishou", "path:account_id": "plain17",
        "flag_id": site.flag("plain17"), "pair": site.pair("near3", "near4"),
        "case_id": site.case("lent"), "name": "催签清单_石佛寺镇_2026-02-28.xlsx",
        "kind": "html", "user": "cha",
        "upload token": site.sql("SELECT token FROM desk_upload WHERE name = 'kuaishou_20260531.csv'")[0][0],
        "work token": site.sql("SELECT token FROM task WHERE subject = 'kuaishou_20260531.csv'")[0][0],
        "rejects token": site.sql("SELECT token FROM reject WHERE status = 'open'")[0][0],
    }  # fmt: skip


def _address(rule: str, things: dict[str, str]) -> str:
    own = f"{rule.split('/')[1]} token"
    return re.sub(r"<([^>]+)>", lambda m: things[own if m[1] == "token" else m[1]], rule)


@pytest.mark.parametrize(("method", "rule", "role", "whole"), ROUTES, ids=NAMES)
def test_nobody_a_wrong_role_and_a_missing_token_get_nothing(
    site: Site, staff: dict[str, Client], things: dict[str, str], method: str, rule: str, role: str, whole: bool
) -> None:
    path, nobody = _address(rule, things), site.client()
    if method == "GET":
        answer = nobody.page(path)
        assert answer.status_code == 302
        assert "/sign-in" in answer.headers["Location"]
    else:
        assert nobody.post(site.base + path, data={"csrf": "0" * 64}, allow_redirects=False, timeout=60).status_code == 401
        for given in ({}, {"csrf": "0" * 64}, {"csrf": staff["ban"].token()}):  # none, a wrong one, another person's
            answer = staff["guan"].post(site.base + path, data=given, allow_redirects=False, timeout=60)
            assert answer.status_code == 400, given
    below = {"clerk": [], "investigator": ["ban"], "admin": ["ban", "cha"]}[role] + (["qutun", "quguan"] if whole else [])
    for who in below:
        answer = staff[who].page(path) if method == "GET" else staff[who].give(path)
        assert answer.status_code == 403, who
        assert person(1).name not in answer.text
    assert not below or site.sql("SELECT COUNT(*) FROM audit WHERE action = 'desk refused' AND who = :w", w=below[-1])[0][0]


# Forms that name their thing in themselves and not in the address, with what of another's they ask for.
BY_FORM = {"POST /upload/again": ("token", "u"), "POST /upload/confirm": ("u",), "POST /upload/drop": ("token", "u")}
# Forms about no town: what they do concerns whoever sends them alone.
NO_TOWN = {"POST /sign-out": "ends one's own session", "POST /password": "one's own password"}
# Forms that take what may be of any town: a test of their own proves what comes of it.
OWN_TEST = {
    "POST /look": "test_a_wrong_town_gets_nothing",
    "POST /upload": "test_a_wrong_town_gets_nothing_by_a_workbook",
    "POST /followups/lists": "test_lists_are_written_for_all_and_shown_to_each_town_alone",
}
TRIED = [r for r, name in zip(ROUTES, NAMES, strict=True) if name not in NO_TOWN and name not in OWN_TEST]


def test_every_route_is_tried_from_a_wrong_town() -> None:
    """In the test below, which fails for a form that is neither shut to single towns nor has its thing named above."""
    listed = [*BY_FORM, *NO_TOWN, *OWN_TEST]
    assert len(set(listed)) == len(listed)
    assert set(listed) <= set(NAMES), "no route of this name"
    assert not [n for n in listed if "<" in n or n.startswith("GET")]
    named = {n for (m, r, _, whole), n in zip(ROUTES, NAMES, strict=True) if m == "GET" or "<" in r or whole}
    assert named | set(listed) == set(NAMES)
    assert named.isdisjoint(listed)
    assert all(callable(globals().get(test)) for test in OWN_TEST.values())


@pytest.mark.parametrize(("method", "rule", "role", "whole"), TRIED, ids=[f"{m} {r}" for m, r, *_ in TRIED])
def test_a_wrong_town_gets_nothing_of_any_page(
    site: Site, staff: dict[str, Client], things: dict[str, str], method: str, rule: str, role: str, whole: bool
) -> None:
    path, of_another = _address(rule, things), f"{method} {rule}" in BY_FORM
    form = dict.fromkeys(BY_FORM.get(f"{method} {rule}", ()), things["upload token"])
    count = "SELECT (SELECT COUNT(*) FROM task), (SELECT COUNT(*) FROM desk_user), (SELECT MAX(state) FROM desk_upload)"
    before = site.sql(count)
    answer = staff["quguan"].page(path) if method == "GET" else staff["quguan"].give(path, form)
    assert method == "GET" or whole or "<" in rule or of_another, "say in BY_FORM what of another's it could ask for"
    if whole or "<" in rule or of_another:
        assert answer.status_code == (403 if whole else 404)
        assert site.sql(count) == before
    if method == "GET":  # those who may do see it: the answer above is about the town
        rightful = {"clerk": "ban", "investigator": "cha", "admin": "guan"}[role]
        assert staff[rightful].page(path).status_code in ((200, 404) if rule == "/upload/check" else (200,))
    of_others = {person(n).name for n in (1, 2, *range(10, 24))} | {things["entity_id"], "石佛寺镇"}
    if rule not in ("/users", "/trail"):
        assert not [x for x in of_others if x in answer.text]


def test_the_notices_of_a_town_name_nobody_of_another(site: Site, staff: dict[str, Client]) -> None:
    def told(who: str, query: str = "") -> str:
        document = Document(io.BytesIO(staff[who].page(f"/followups/notices{query}").content))
        return "\n".join(p.text for p in document.paragraphs)

    theirs = person(17).name
    assert theirs in told("ban")
    assert theirs in told("ban", "?town=石佛寺镇")
    assert theirs not in told("ban", "?town=曲屯镇")
    for query in ("", "?town=曲屯镇", "?code=PLEDGE_MISSING"):
        assert theirs not in told("qutun", query)
    assert staff["qutun"].page("/followups/notices?town=石佛寺镇").status_code == 404


def test_a_wrong_town_gets_nothing(site: Site, staff: dict[str, Client]) -> None:
    entity, flag, pair = site.entity("plain17"), site.flag("plain17"), site.pair("near3", "near4")
    for who in ("qutun", "quchaxun"):
        assert staff[who].page(f"/followups/notices?flag={flag}").status_code == 404
        for words in (person(17).name, person(17).person_id, phone(17), "plain17", entity):
            answer = staff[who].post(site.base + "/look", data={"csrf": staff[who].token(), "q": words}, timeout=60)
            assert answer.status_code == 200
            assert f"/entity/{entity}" not in answer.text, words
    assert f"/entity/{site.entity('far')}" in staff["qutun"].page("/followups/" + site.flag("far")).text
    assert "首次通知" in staff["qutun"].page("/followups/" + site.flag("far")).text, "how urgent it has become"
    assert "首次通知" in staff["qutun"].page("/followups").text
    assert ELSEWHERE in staff["qutun"].page(f"/entity/{site.entity('far')}").text
    assert staff["shifo"].page(f"/review/{pair}").status_code == 200
    # Nor anything of what is linked with one's own: who runs a business but lives elsewhere.
    mine, theirs = f"/entity/{site.entity('biz')}", f"/entity/{site.entity('bizman')}"
    assert theirs in staff["cha"].page(mine).text
    assert theirs not in staff["shifo"].page(mine).text
    assert staff["shifo"].page(mine).status_code == 200


def _sent(site: Site, who: Client, kind: str, book: Workbook) -> dict[str, Any]:
    """What came of a workbook that somebody uploaded."""
    data = io.BytesIO()
    book.save(data)
    answer = who.post(site.base + "/upload", data={"csrf": who.token(), "kind": kind}, allow_redirects=False, timeout=60,
                      files={"files": ("x.xlsx", data.getvalue())})  # fmt: skip
    assert answer.status_code == 302
    until = time.monotonic() + 60
    while time.monotonic() < until:
        state, result = site.sql("SELECT state, result FROM task ORDER BY id DESC LIMIT 1")[0]
        if state in ("done", "failed"):
            return {"state": state, **(json.loads(result) if isinstance(result, str) else result)}
        time.sleep(0.1)
    raise AssertionError("the work does not end")


def test_a_wrong_town_gets_nothing_by_a_workbook(site: Site, staff: dict[str, Client]) -> None:
    """Neither a line about another town's entity, whose number anybody can make up, nor a rejected row of another's file."""
    book = filled_list(*((site.entity(a), "2026-03-09", "电话", "无法联系") for a in ("plain19", "bizman")))
    told = _sent(site, staff["qutun"], "followups", book)
    attempts = "SELECT entity_id FROM followup_attempt WHERE attempted_on = '2026-03-09'"
    assert site.sql(attempts) == [(site.entity("bizman"),)]
    assert "没有这个主体的催签记录" in str(told["problems"])
    assert person(19).name not in str(told)
    rows = load_workbook(io.BytesIO(staff["ban"].give("/rejects.xlsx").content))
    (cell,) = [c for s in rows.worksheets for r in s.iter_rows() for c in r
               if c.value == "快手ID" and "kuaishou_20260131" in s.title]  # fmt: skip
    cell.parent.cell(cell.row + 1, cell.column).value = "stolen1"
    told = _sent(site, staff["qutun"], "rejects", rows)
    assert told["state"] == "failed"
    assert site.sql("SELECT COUNT(*) FROM account WHERE account_id = 'stolen1'") == [(0,)]
    kept = "SELECT j.status FROM reject j JOIN report_file f ON f.id = j.file_id WHERE f.name = 'kuaishou_20260131.csv'"
    assert site.sql(kept) == [("open",)]


def test_other_peoples_uploads_are_not_mine(site: Site, staff: dict[str, Client], things: dict[str, str]) -> None:
    token = things["upload token"]
    for who in ("guan", "cha", "qutun"):
        assert staff[who].page(f"/upload/check?u={token}").status_code == 404, who
        for path, data in (
            ("/upload/confirm", {"u": token}),
            ("/upload/drop", {"token": token}),
            ("/upload/again", {"token": token}),
        ):
            assert staff[who].give(path, data).status_code == 404, (who, path)
    assert site.sql("SELECT COUNT(*) FROM account WHERE account_id = 'mine1'") == [(0,)]
    # A clerk cannot let a file pass its expectations.
    assert staff["ban"].give("/upload/again", {"token": token, "u": token, "accept": "想要"}).status_code == 403


def test_an_upload_can_be_thrown_away(site: Site, staff: dict[str, Client], tmp_path: Path) -> None:
    path = kuaishou(tmp_path / "kuaishou_20260630.csv", [row("mine2", person(131))])
    with path.open("rb") as file:
        staff["ban"].post(site.base + "/upload", data={"csrf": staff["ban"].token(), "kind": "report"}, files={"files": file},
                          timeout=60)  # fmt: skip
    token = site.sql("SELECT token FROM desk_upload WHERE name = 'kuaishou_20260630.csv'")[0][0]
    assert staff["ban"].give("/upload/drop", {"token": token, "u": token}).status_code == 302
    assert not any((site.home / "desk" / "uploads" / token).glob("*"))


# Pages about one thing that leave nothing on the trail, with the reason.
UNNOTED = {
    "GET /work/<token>": "what one did oneself", "GET /work/<token>/state": "what one did oneself",
    "GET /upload/layout/<token>": "what one uploaded oneself, masked", "GET /users/<user>": "about staff, for administrators",
}
ABOUT_ONE = [(r, role) for m, r, role, _ in ROUTES if m == "GET" and "<" in r and f"GET {r}" not in UNNOTED]


@pytest.mark.parametrize(("rule", "role"), ABOUT_ONE, ids=[r for r, _ in ABOUT_ONE])
def test_whoever_looks_at_somebody_is_on_the_trail(
    site: Site, staff: dict[str, Client], things: dict[str, str], rule: str, role: str
) -> None:
    who = {"clerk": "ban", "investigator": "cha"}[role]
    count = "SELECT COUNT(*) FROM audit WHERE who = :w"
    before = site.sql(count, w=who)[0][0]
    assert staff[who].page(_address(rule, things)).status_code == 200
    assert site.sql(count, w=who)[0][0] == before + 1


def test_without_a_reason_nothing_is_decided_and_nothing_shown(site: Site, staff: dict[str, Client]) -> None:
    """Also where the browser does not ask for one: a form that somebody made."""
    count = "SELECT COUNT(*) FROM task"
    before, pair, case = site.sql(count), site.pair("near3", "near4"), site.case("lent")
    for form in ({"decision": "same"}, {"decision": "undo", "why": " "}, {"why": "some reason"}):
        assert staff["cha"].give(f"/review/{pair}/decide", {**form, "expect": ""}).status_code == 302
    assert site.sql(count) == before
    version = site.sql("SELECT version FROM case_file WHERE case_id = :c", c=case)[0][0]
    staff["cha"].give(f"/cases/{case}/act", {"action": "dismissed", "expect": str(version), "note": " "})
    assert site.sql("SELECT version FROM case_file WHERE case_id = :c", c=case) == [(version,)]
    shown = "SELECT COUNT(*) FROM audit WHERE action = 'desk unmask'"
    before = site.sql(shown)
    answer = staff["cha"].give(f"/entity/{site.entity('plain17')}/unmask", {"why": " "})
    assert answer.status_code == 302
    assert site.sql(shown) == before


def test_a_session_that_was_ended_does_not_come_back(site: Site) -> None:
    who = site.client("ban")
    cookie = who.cookies["zp"]
    assert who.give("/sign-out").status_code == 302
    who.cookies.set("zp", cookie)
    assert who.page("/").status_code == 302
    assert site.sql("SELECT COUNT(*) FROM desk_user WHERE password_hash NOT LIKE '$argon2id$%'") == [(0,)]


def test_a_nickname_is_shown_and_never_run(site: Site, staff: dict[str, Client]) -> None:
    for path in ("/account/kuaishou/evil", f"/entity/{site.entity('evil')}", "/look?q=script", f"/look?q={NICKNAME}"):
        text = staff["cha"].page(path).text
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "&lt;script&gt;alert" in text, path


@pytest.mark.parametrize(
    "words",
    ["' OR 1=1 --", "%", "_", "%%%", "\\", "'; DROP TABLE entity; --", "\x01\x02", "𠮷" * 300, "(.*)+", "-1 UNION SELECT"]
)
def test_words_are_words_whatever_stands_in_them(site: Site, staff: dict[str, Client], words: str) -> None:
    answer = staff["ban"].post(site.base + "/look", data={"csrf": staff["ban"].token(), "q": words}, timeout=60)
    assert answer.status_code == 200
    assert "/entity/E" not in answer.text
    assert site.sql("SELECT COUNT(*) FROM entity")[0][0] > 10
    for path in ("/followups", "/cases", "/rejects"):
        given = {"town": words, "code": words, "start": words, "q": words, "page": words, "file": words, "level": words}
        assert staff["cha"].page(path, params=given).status_code == 200


@pytest.mark.parametrize(
    "given",
    [
        "../../../etc/passwd",
        "..\\..\\x.csv",
        "/etc/x.csv",
        "..",
        ".",
        "",
        "a/../../b.csv",
        "x\x00.csv",
        "\u202efdp.csv",
        "a\u2060b\u00ad.csv",
        "half\ud800.csv",
        "长" * 300 + ".csv",
        ".hidden",
    ],
)
def test_a_file_name_leads_nowhere(given: str) -> None:
    name = file_name(given)
    assert name
    assert not name.startswith(".")
    assert not re.search(r"[/\\\x00\u00ad\u202e\u2060\ud800]", name)
    assert len(name.encode()) <= 200


def test_what_is_no_spreadsheet_is_refused_and_stays_in_its_place(site: Site, staff: dict[str, Client]) -> None:
    who = staff["ban"]
    for name, data in (
        ("../../../../tmp/zp_evil.csv", b"a,b\n1,2\n"), ("x.xlsx", b"MZ\x90\x00" * 100),
        ("x.html", b"<script>alert(1)</script>"),
        ("y.xlsx", b""), ("z.csv", bytes(range(256)) * 50),
    ):  # fmt: skip
        answer = who.post(site.base + "/upload", data={"csrf": who.token(), "kind": "report"}, files={"files": (name, data)},
                          timeout=60)  # fmt: skip
        assert answer.status_code == 200
        assert "确认导入" not in answer.text
        assert "<script>alert" not in answer.text
    assert not Path("/tmp/zp_evil.csv").exists()
    inside = [p for p in (site.home / "desk" / "uploads").rglob("*") if p.is_file()]
    assert inside
    assert all(p.stat().st_mode & 0o077 == 0 for p in inside)
    assert not list((site.home / "desk" / "spool").iterdir())
    for kind in ("../x", "other"):
        assert who.post(site.base + "/upload", data={"csrf": who.token(), "kind": kind}, files={"files": ("a.csv", b"x")},
                        timeout=60).status_code == 400  # fmt: skip
    for name in ("../../keys/master.key", "..%2f..%2fkeys%2fmaster.key", "%2e%2e/x"):
        assert who.page(f"/followups/lists/{name}").status_code in (404, 302)
        assert who.page(f"/static/{name}").status_code == 404


def test_every_answer_is_shut_to_other_sites_and_to_caches(site: Site, staff: dict[str, Client]) -> None:
    for client, path in (
        (staff["ban"], "/"),
        (site.client(), "/sign-in"),
        (staff["ban"], "/nothing"),
        (staff["ban"], "/cases"),
    ):
        headers = client.page(path).headers
        assert "'unsafe" not in headers["Content-Security-Policy"]
        assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self';")
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "Strict-Transport-Security" not in headers  # not over TLS
        assert not re.search(r"python|werkzeug|cheroot|flask", headers.get("Server", ""), re.IGNORECASE)
    cookie = site.client().sign_in("ban").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    text = staff["cha"].page("/").text
    assert not re.search(r"""<script(?![^>]*src=)|\son\w+=|style=|https?://(?!www\.w3\.org)""", text)


def test_lists_are_written_for_all_and_shown_to_each_town_alone(site: Site, staff: dict[str, Client]) -> None:
    assert staff["qutun"].give("/followups/lists").status_code == 302
    until = time.monotonic() + 60
    while "催签清单_曲屯镇" not in (shown := staff["qutun"].page("/followups").text) and time.monotonic() < until:
        time.sleep(0.2)
    written = {p.name.split("_")[1] for p in (site.home / "desk" / "lists").glob("催签清单_*.xlsx")}
    assert {"曲屯镇", "石佛寺镇"} <= written
    assert set(re.findall(r"催签清单_([^_<]+)_", shown)) == {"曲屯镇"}
    assert "催签汇总" not in shown
    assert "催签汇总" in staff["ban"].page("/followups").text


def test_what_no_database_takes_is_no_request(site: Site, staff: dict[str, Client]) -> None:
    assert staff["ban"].give("/look", {"q": "\x00x"}).status_code == 400
    assert staff["ban"].page("/followups?town=%00").status_code == 400
    assert staff["ban"].page("/entity/E%001").status_code == 400


def test_a_form_from_another_site_is_refused(site: Site, staff: dict[str, Client]) -> None:
    answer = staff["ban"].give("/sign-out", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 400
    assert staff["ban"].page("/").status_code == 200


def test_signing_in_leads_nowhere_else(site: Site) -> None:
    for then in ("https://evil.test/", "//evil.test", "/\\evil.test", "javascript:alert(1)"):
        who = site.client()
        filled = {"csrf": who.token("/sign-in"), "name": "ban", "password": PASSWORD, "then": then}
        answer = who.post(site.base + "/sign-in", data=filled, allow_redirects=False, timeout=60)
        assert answer.status_code == 302
        assert answer.headers["Location"] == "/"


def _command(site: Site, *words: str, secret: str = "") -> int:
    """The exit code of a command of the operator, beside the server that runs."""
    return CliRunner().invoke(main, [*words], input=f"{secret}\n", env=site.env).exit_code


def _staff(site: Site, *words: str, secret: str = "") -> int:
    return _command(site, "desk", "user", *words, secret=secret)


def test_guessing_is_throttled_and_an_account_can_be_shut(site: Site) -> None:
    assert _staff(site, "add", "xin", "--role", "clerk", "--town", "火星镇", "--password", "-", secret=PASSWORD) == 2
    assert _staff(site, "add", "xin", "--role", "clerk", "--town", "石佛寺", "--password", "-", secret=PASSWORD) == 0
    assert PASSWORD not in str(site.sql("SELECT password_hash FROM desk_user WHERE name = 'xin'"))
    guest = site.client("xin")
    assert guest.page("/").status_code == 200
    assert _staff(site, "disable", "xin") == 0
    assert guest.page("/").status_code == 302
    assert site.client().sign_in("xin").status_code == 403
    assert _staff(site, "disable", "xin", "--undo") == 0
    who = site.client()
    assert [who.sign_in("xin", f"falsch-{n}").status_code for n in range(6)][-1] == 429
    assert who.sign_in("xin").status_code == 429  # the right one does not help now
    assert site.client().sign_in("ban").status_code == 302  # others get in
    told = {r[0] for r in site.sql("SELECT action FROM audit WHERE who = 'xin'")}
    assert {"desk sign-in", "desk sign-in refused", "desk sign-in throttled"} <= told
    assert site.client().sign_in("wer-ist-das", "x").text.count("用户名或者密码不对") == 1


@pytest.mark.parametrize("column", ["seen_at", "created_at"])  # nobody clicked for long, or it has been open for long
def test_a_session_ends(site: Site, column: str) -> None:
    from sqlalchemy import text

    who = site.client("ban")
    assert who.page("/").status_code == 200
    with site.engine.begin() as connection:
        connection.execute(
            text(f"UPDATE desk_session SET {column} = '2026-01-01T00:00:00.000+00:00' WHERE name = 'ban' AND token_hash = :h"),
            {"h": hashed(who.cookies["zp"])},
        )
    assert who.page("/").status_code == 302


def test_a_workbook_of_rejected_rows_is_handed_over_and_left_nowhere(site: Site, staff: dict[str, Client]) -> None:
    def left() -> set[str]:
        return {p.name for p in (site.home / "desk").rglob("*") if p.is_file() and p.suffix in (".xlsx", ".tmp")}

    before = left()  # what was uploaded, and lists that wait to be fetched
    whole = staff["ban"].give("/rejects.xlsx", {})
    assert (whole.status_code, whole.content[:2]) == (200, b"PK")
    assert left() == before


def test_the_trail_is_whole_and_the_log_holds_no_numbers(site: Site, staff: dict[str, Client]) -> None:
    staff["cha"].give(f"/entity/{site.entity('plain18')}/unmask", {"why": f"核对 {phone(18)}"})
    assert _command(site, "audit", "verify") == 0
    reasons = [r[0] for r in site.sql("SELECT reason FROM audit WHERE action = 'desk unmask'")]
    assert reasons
    assert not any(phone(18) in str(r) for r in reasons)
    log = (site.home / "logs" / "desk.log").read_text("utf-8")
    assert "page failed" not in log
    assert not any(number in log for n in range(40) for number in (phone(n), person(n).person_id))


@pytest.fixture(scope="module")
def staff(site: Site) -> dict[str, Client]:
    """Everybody with a session."""
    return {who: site.client(who) for who in STAFF}


# -- TLS


def test_the_desk_does_not_leave_the_machine_in_clear(home: Home) -> None:
    for given in ({"host": "0.0.0.0"}, {"host": "10.1.2.3"}, {"certificate": home.root / "c.pem"}):
        with pytest.raises(UsageError):
            check(open_office(Settings(home=home.root, desk=DeskSettings(**given))))
    check(open_office(Settings(home=home.root, desk=DeskSettings(host="0.0.0.0", behind_proxy=True))))


def test_behind_a_proxy_the_browser_is_told_of_tls_and_its_address_counts(home: Home) -> None:
    made = open_office(Settings(home=home.root, desk=DeskSettings(behind_proxy=True)))
    with made.engine.begin() as connection:
        people.add(connection, "ban", "clerk", None, PASSWORD)
    client = create_app(made, Worker(made)).test_client()
    via = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7", "X-Forwarded-Host": "desk.example"}

    def sign_in(password: str) -> Any:
        text = client.get("/sign-in", headers=via).get_data(as_text=True)
        found = re.search(r'name="csrf" value="([0-9a-f]{64})"', text)
        assert found
        return client.post("/sign-in", data={"csrf": found[1], "name": "ban", "password": password}, headers=via)

    answer = sign_in(PASSWORD)
    assert answer.status_code == 302
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if c.startswith("__Host-zp="))
    assert "Secure" in cookie
    with made.engine.connect() as connection:
        assert [r["reason"] for r in audit.entries(connection, action="desk sign-in")] == ["192.0.2.7"]


def test_over_tls_the_cookie_and_the_name_are_bound_to_it(tmp_path: Path) -> None:
    import datetime as dt

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    made = made.not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
    certificate, private = tmp_path / "c.pem", tmp_path / "k.pem"
    certificate.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    files = tmp_path / "files"
    files.mkdir()
    given = {"ZP_DESK__CERTIFICATE": str(certificate), "ZP_DESK__PRIVATE_KEY": str(private)}
    (tmp_path / "home" / "logs").mkdir(parents=True)
    with serving(tmp_path / "home", files, None, **given) as tls:
        assert tls.base.startswith("https://")
        assert _staff(tls, "add", "ban", "--role", "clerk", "--password", "-", secret=PASSWORD) == 0
        who = tls.client()
        who.verify = False
        answer = who.sign_in("ban")
        assert answer.status_code == 302
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
        assert "__Host-zp=" in answer.headers["Set-Cookie"]
        assert "Secure" in answer.headers["Set-Cookie"]
        assert who.page("/").status_code == 200
