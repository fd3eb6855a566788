"""What must hold for every interface: no secret leaves, no stranger is trusted, odd answers are no report."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import logging
import ssl
import threading
import traceback
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from rehearsed import changed, interface, people

from zp_registry.errors import Fatal, FileRefused, OptionNeeded, Retriable, SourceFailed, UsageError
from zp_registry.logs import set_up_logs
from zp_registry.rehearsal import Fault, serve_records
from zp_registry.sources.api.paging import Page
from zp_registry.sources.api.pull import Pulled, pull
from zp_registry.sources.api.reading import canonical, lined
from zp_registry.sources.api.secrets import read_secrets
from zp_registry.sources.api.spec import ApiSpec
from zp_registry.sources.api.vault import MemoryVault
from zp_registry.sources.api.verdict import LONGEST_WAIT, waits
from zp_registry.sources.files import text_column
from zp_registry.sources.jsonlines import RecordColumns
from zp_registry.sources.limits import ReadLimits

TOKEN = "tok-4f9a1c7e2b6d"
AS_OF = "2026-03-31"
GIVEN = {"token": TOKEN}


def spec(base_url: str = "", **changes: Any) -> ApiSpec:
    quick = {
        "base_url": base_url,
        "paging": {"kind": "offset", "size": 10},
        "pace": {"per_second": 500},
        "limits": {"backoff": 0.01, "read_timeout": 5, "attempts": 5},
    }
    return changed(changed(interface("xiaohongshu"), quick), changes)


def pulled(records: Any, faults: list[Fault] | None = None, **changes: Any) -> Pulled:
    with serve_records(records, TOKEN, faults=faults or []) as address:
        return pull(spec(address, **changes), GIVEN, platform="somewhere", as_of=AS_OF)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "http://open.example.com",
        "ftp://127.0.0.1",
        "https://",
        "https://user:pw@open.example.com",
        "https://a.example/?x=1",
        "http://127.0.0.1:99999999",
        "nonsense",
    ],
)
def test_the_token_is_not_sent_to_an_address_that_is_none_or_is_open_to_others(address: str) -> None:
    with pytest.raises(Fatal):
        pull(spec(address), GIVEN, platform="somewhere")


def test_an_untrusted_certificate_is_refused_even_by_a_careless_session(tmp_path: Path) -> None:
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers.get("Authorization", ""))

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda request, client_address: None  # type: ignore[method-assign]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_self_signed(tmp_path))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with requests.Session() as careless:
            careless.verify = False
            with pytest.raises(Fatal, match="证书"):
                pull(spec(f"https://127.0.0.1:{server.server_address[1]}"), GIVEN, platform="somewhere", session=careless)
    finally:
        server.shutdown()
        server.server_close()
    assert seen == []


def _self_signed(folder: Path) -> Path:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def test_no_records_are_an_empty_file_and_promised_ones_a_failure() -> None:
    with pytest.raises(FileRefused, match="FILE_EMPTY"):
        pulled(None)
    with pytest.raises(SourceFailed, match="一条也没有"):
        pulled(None, [Fault(wrong_total=4)])


# -- how long to wait, and how much to take

MOMENT = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "Fri, 01 Jan 2100 00:00:00 GMT"}, LONGEST_WAIT),
        ({"retry-after": "Fri, 01 Jan 2010 00:00:00 GMT"}, 0),
        ({"retry-after": "99999999999"}, LONGEST_WAIT),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "soon", "ratelimit-remaining": "0", "ratelimit-reset": "4"}, 4),
        ({"ratelimit-limit": "10", "ratelimit-remaining": "0", "ratelimit-reset": "4"}, 4),
        ({"ratelimit-limit": "10", "ratelimit-remaining": "3", "ratelimit-reset": "4"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9"}, 9),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(MOMENT.timestamp()))}, LONGEST_WAIT),
        ({"ratelimit": "limit=10, remaining=0, reset=5"}, 5),
        ({"ratelimit": "limit=10, remaining=2, reset=5"}, None),
        ({"ratelimit": '"default";r=0;t=6'}, 6),
        ({"ratelimit": '"default";r=50;t=6'}, None),
        ({"ratelimit-remaining": "none", "ratelimit-reset": "-"}, None),
        ({}, None),
    ],
)
def test_every_form_in_which_platforms_ask_to_wait_is_understood(headers: dict[str, str], seconds: float | None) -> None:
    assert waits(headers) == seconds


def test_an_answer_that_unpacks_to_more_than_the_cap_is_refused() -> None:
    small = gzip.compress(b'{"data":[],"total":0,"x":"' + b" " * 2_000_000 + b'"}')
    assert len(small) < 5_000
    with responses.RequestsMock() as mock:
        mock.get("https://open.example.com/reports/identity", body=small, headers={"Content-Encoding": "gzip"})
        with pytest.raises(Fatal, match="50000 字节"):
            pull(spec("https://open.example.com", limits={"answer_bytes": 50_000}), GIVEN, platform="somewhere")


def test_the_answers_of_a_whole_pull_have_a_cap_too() -> None:
    with pytest.raises(Fatal, match="全部超过 3000 字节"):
        pulled(people(500), limits={"pull_bytes": 3000})


def test_a_pull_that_lasts_too_long_stops_and_goes_on_from_there() -> None:
    vault = MemoryVault()
    with serve_records(people(40), TOKEN, faults=[Fault(), Fault(stall=0.4)]) as address:
        with pytest.raises(SourceFailed, match="下次从原处继续"):
            pull(spec(address, limits={"minutes": 0.3 / 60}), GIVEN, platform="somewhere", vault=vault)
        got = pull(spec(address), GIVEN, platform="somewhere", vault=vault)
    assert (got.complete, got.records, got.resumed, got.requests) == (True, 40, 2, 2)


# -- odd answers


def _odd(body: Any, **changes: Any) -> Pulled:
    text = body if isinstance(body, str) else json.dumps(body)
    with responses.RequestsMock() as mock:
        mock.get("https://open.example.com/v1/reports/identity", body=text)
        return pull(spec("https://open.example.com/v1/", limits={"attempts": 1}, **changes), GIVEN, platform="somewhere")


@pytest.mark.parametrize(
    "body",
    [
        {"code": 1},
        {"data": None, "total": 0},
        {"data": {"a": 1}},
        {"data": [1]},
        [],
        7,
        "",
        '{"data":[{"a":NaN}],"total":1}',
        "[" * 100_000,
        '{"data":[{"a":1}],"total":1',
        '{"data":[{"a":' + "9" * 5000 + '}],"total":1}',
    ],
)
def test_an_answer_of_another_shape_is_no_report(body: Any) -> None:
    with pytest.raises(Retriable):
        _odd(body)


def test_envelopes_are_told_by_the_mapping() -> None:
    assert _odd([{"a": 1}], answer={"records": "", "total": ""}).complete
    assert _odd({"r": {"list": [{"a": 1}], "n": "1"}}, answer={"records": "r.list", "total": "r.n"}).complete


@pytest.mark.parametrize("total", [None, -1, True, "many", 1.5])
def test_without_a_total_nothing_proves_that_the_list_is_whole(total: Any) -> None:
    got = _odd({"data": [{"a": 1}], "total": total})
    assert (got.complete, got.total) == (False, None)
    assert any("没有给出总条数" in r for r in got.remarks)


def test_half_a_character_does_not_spoil_the_report() -> None:
    table = _odd('{"data":[{"a":"\\ud83d\\ude00\\ud83d!"}],"total":1}').file.tables[0]
    assert text_column(table.columns[0]).text.tolist() == ["😀\ufffd!"]


@given(st.dictionaries(st.text(max_size=8), st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8"))))
def test_a_record_stays_one_line_and_one_record(record: dict[str, Any]) -> None:
    line = canonical(record)
    assert len(line.splitlines()) == 1
    assert json.loads(line) == {k.encode("utf-16", "surrogatepass").decode("utf-16", "replace"): v for k, v in record.items()}


_CELLS = st.none() | st.booleans() | st.integers(-9, 10**16) | st.text(max_size=4) | st.lists(st.text(max_size=3), max_size=2)
_OBJECTS = st.dictionaries(st.sampled_from("xy"), _CELLS, max_size=2)
_RECORDS = st.dictionaries(st.sampled_from("abcd"), _CELLS | _OBJECTS, max_size=4)


@given(st.lists(_RECORDS, max_size=5))
def test_records_of_a_page_are_written_and_taken_apart_as_one_by_one(records: list[dict[str, Any]]) -> None:
    page, lines = lined(Page(records, None, None))
    assert lines == [canonical(r) for r in records]
    assert page.records == records
    together = RecordColumns()
    together.add(records)
    one_by_one = RecordColumns()
    for record in records:
        one_by_one.add([record])
    tables = [columns.table("page", ReadLimits()) for columns in (together, one_by_one)]
    cells = [{h: text_column(c).text.tolist() for h, c in zip(t.header or [], t.columns, strict=True)} for t in tables]
    assert cells[0].keys() == cells[1].keys()
    assert str(cells[0]) == str({h: cells[1][h] for h in cells[0]})


def test_parameters_carry_the_report_date() -> None:
    request = {
        "path": "/reports/identity",
        "query": {"offset": "{offset}", "limit": "{size}", "date": "{as_of}", "county": "411324"},
        "headers": {"Authorization": "Bearer {secret:token}"},
    }
    with responses.RequestsMock() as mock:
        mock.get(
            "https://open.example.com/reports/identity",
            json={"data": [{"a": 1}], "total": 1},
            match=[
                responses.matchers.query_param_matcher({"date": AS_OF, "county": "411324", "offset": "0", "limit": "10"}),
                responses.matchers.header_matcher({"Authorization": f"Bearer {TOKEN}"}),
            ],
        )
        asked = spec("https://open.example.com", request=request)
        assert pull(asked, GIVEN, platform="somewhere", as_of=AS_OF).complete
    with pytest.raises(OptionNeeded):
        pull(asked, GIVEN, platform="somewhere")
    with pytest.raises(UsageError):
        pull(asked, GIVEN, platform="somewhere", as_of="31.3.2026")


def test_the_report_stands_for_the_stated_date_or_else_for_the_day_of_the_cut_off() -> None:
    today = dt.datetime.now(dt.timezone(dt.timedelta(hours=8))).strftime("%Y%m%d")
    with responses.RequestsMock() as mock:
        mock.get("https://open.example.com/reports/identity", json={"data": [{"a": 1}], "total": 1, "day": "2026-03-30"})
        at = "https://open.example.com"
        names = [
            pull(s, GIVEN, platform="p", as_of=day, dated=dated).file.name
            for s, day, dated in (
                (spec(at), AS_OF, False),
                (spec(at, answer={"as_of": "day"}), None, False),
                (spec(at), None, True),
            )
        ]
        assert names == ["p_20260331.api.jsonl", "p_20260330.api.jsonl", "p.api.jsonl"]
        assert pull(spec(at), GIVEN, platform="p").file.name == f"p_{today}.api.jsonl"


@pytest.mark.parametrize(
    "wrong",
    [
        {"request": {"path": "https://elsewhere.example/x"}},
        {"request": {"path": "/"}},
        {"request": {"path": "/x?token=1"}},
        {"dialect": "F"},
        {"paging": {"size": 0}},
        {"tokn": "x"},
        {"request": {"query": {"page": "{page}"}}},
        {"request": {"headers": {"X": "{secert:token}"}}},
        {"request": {"headers": {"X": "{token}"}}},
        {"paging": {"kind": "cursor"}},
        {"errors": [{"do": "retry"}]},
        {"errors": [{"codes": [1], "do": "wait", "seconds_in": "("}]},
        {"sign": {"method": "hmac-sha256"}},
    ],
)
def test_a_wrong_section_of_a_mapping_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        spec(**wrong)


# -- secrets


def test_secrets_come_from_variables_and_from_closed_files(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("from-file\n")
    file.chmod(0o600)
    places = {"a": "env:A", "b": f"file:{file}"}
    assert read_secrets(["a", "b"], places, {"A": " from-variable\n"}) == {"a": "from-variable", "b": "from-file"}
    assert read_secrets(["only"], {"*": "env:A"}, {"A": "x"}) == {"only": "x"}, "the short form serves a single secret"
    with pytest.raises(UsageError, match=r"a is missing.*b is not configured"):
        read_secrets(["a", "b"], {"a": "env:A"}, {})


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o622])
def test_a_secret_file_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    file.chmod(mode)
    with pytest.raises(UsageError, match="chmod 600") as caught:
        read_secrets(["token"], {"token": f"file:{file}"}, {})
    assert TOKEN not in str(caught.value)


def test_what_to_set_is_said(tmp_path: Path) -> None:
    empty = tmp_path / "token"
    empty.touch(0o600)
    for place, says in (
        ("env:MY_TOKEN", "MY_TOKEN"),
        (f"file:{empty}", "empty"),
        (f"file:{tmp_path / 'none'}", "cannot be read"),
        (f"file:{tmp_path}", "not a file"),
    ):
        with pytest.raises(UsageError, match=says):
            read_secrets(["token"], {"token": place}, {})
    for odd in (TOKEN + "\nX: y", TOKEN + " x", TOKEN + "密", TOKEN + "\x00"):
        with pytest.raises(UsageError) as caught:
            read_secrets(["token"], {"token": "env:T"}, {"T": odd})
        assert TOKEN not in str(caught.value)
        with pytest.raises(Fatal) as refused:
            pull(spec("http://127.0.0.1:9"), {"token": odd}, platform="somewhere")
        assert TOKEN not in str(refused.value)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the log holds, at its most talkative."""
    stream, root = io.StringIO(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers = []
    set_up_logs("debug", stream=stream)
    yield stream
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def test_the_token_is_in_no_log_and_no_error(log: io.StringIO) -> None:
    secret = "s3cr3t-" + "parameter"
    faults = [Fault(status=500), Fault(html=True), Fault(truncate=True), Fault(drop=True)]
    request = {"query": {"offset": "{offset}", "limit": "{size}", "x": secret}}
    shown = [repr(pulled(people(3), faults, request=request))]
    for last in (Fault(status=403), Fault(redirect="http://localhost:1/"), Fault(drop=True)):
        with pytest.raises(SourceFailed) as caught:
            pulled(people(3), [*faults, last], request=request)
        shown += ["".join(traceback.format_exception(caught.value)), repr(caught.value)]
    logged = log.getvalue()
    assert logged.count("repeated") >= 4, "the log does tell what happened"
    for text in (logged, *shown):
        assert TOKEN not in text
        assert secret not in text
    assert "某商行" not in logged


def test_a_netrc_does_not_replace_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert pulled(people(3)).complete


def test_this_machine_is_not_asked_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert pulled(people(3)).complete
