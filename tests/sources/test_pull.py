"""Pulling a report over real sockets: what arrives, what is noticed, what is refused, and that the token stays secret."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import logging
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from email.utils import format_datetime
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

from zp_registry.errors import Fatal, FileRefused, OptionNeeded, Retriable, SourceFailed, UsageError
from zp_registry.logs import set_up_logs
from zp_registry.sources.apispec import ApiSpec
from zp_registry.sources.page import canonical
from zp_registry.sources.rehearsal import Fault, serve_records
from zp_registry.sources.transport import Pulled, pull, read_token

TOKEN = "tok-4f9a1c7e2b6d"
AS_OF = "2026-03-31"


def people(n: int) -> list[dict[str, Any]]:
    return [{"red_id": f"9{i:07d}", "nickname": f"店铺{i}\u2028号", "subject_name": f"某商行{i}", "fans": i, "closed": None}
            for i in range(n)]


def spec(base_url: str = "", **changes: Any) -> ApiSpec:
    return ApiSpec.model_validate({"base_url": base_url, "path": "/reports/identity", "page_size": 10, "backoff": 0.01,
                                   "requests_per_second": 1000, "read_timeout": 5, **changes})


def pulled(records: Any, faults: list[Fault] | None = None, **changes: Any) -> Pulled:
    with serve_records(records, TOKEN, faults=faults or [], path="/reports/identity") as address:
        return pull(spec(address, **changes), TOKEN, platform="somewhere", as_of=AS_OF)


def raw_of(records: list[dict[str, Any]]) -> bytes:
    return "".join(canonical(r) + "\n" for r in records).encode()


# -- whole pulls


def test_every_record_of_every_page_reaches_the_report_file_in_order() -> None:
    records = people(25)
    got = pulled(records)
    assert (got.complete, got.records, got.total, got.requests, got.remarks) == (True, 25, 25, 3, [])
    assert got.file.name == "somewhere_20260331.api.jsonl"
    assert (got.file.format, got.file.sha256) == ("jsonl", hashlib.sha256(got.raw).hexdigest())
    table = got.file.tables[0]
    assert table.header is not None
    assert list(table.columns[table.header.index("red_id")]) == [r["red_id"] for r in records]
    assert table.columns[table.header.index("nickname")][3] == "店铺3\u2028号"


def test_the_hash_does_not_depend_on_the_page_size_nor_on_the_order_of_keys() -> None:
    records = people(53)
    turned = [dict(reversed(r.items())) for r in records]
    hashes = {pulled(r, page_size=size).file.sha256 for r, size in ((records, 1), (records, 7), (records, 53), (turned, 1000))}
    assert len(hashes) == 1


def test_many_pages() -> None:
    got = pulled(people(1500), page_size=3)
    assert (got.complete, got.records, got.requests) == (True, 1500, 500)


def test_a_platform_that_caps_its_pages_loses_no_record() -> None:
    with serve_records(people(40), TOKEN, largest_page=7) as address:
        got = pull(spec(address, page_size=100), TOKEN, platform="somewhere")
    assert (got.complete, got.records, got.requests) == (True, 40, 6)
    assert got.file.name == "somewhere.api.jsonl"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_a_csv_report_can_be_rehearsed_as_an_interface(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "report.csv"
    path.write_text('red_id,nickname\r\n0012,"春天,小铺"\r\n0013,龙井村\r\n', encoding=encoding, newline="")
    assert pulled(path).raw.decode() == '{"nickname":"春天,小铺","red_id":"0012"}\n{"nickname":"龙井村","red_id":"0013"}\n'


def test_the_rehearsal_runs_as_a_program_of_its_own(tmp_path: Path) -> None:
    records, port = tmp_path / "r.jsonl", tmp_path / "port"
    records.write_bytes(raw_of(people(12)))
    server = subprocess.Popen(
        [sys.executable, "-m", "zp_registry.sources.rehearsal", "--records", str(records), "--token-env", "SOME_TOKEN",
         "--port-file", str(port)], env={**os.environ, "SOME_TOKEN": TOKEN})
    try:
        end = time.monotonic() + 60
        while not port.exists() and server.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        got = pull(spec(f"http://127.0.0.1:{port.read_text().strip()}"), TOKEN, platform="somewhere")
        assert got.raw == raw_of(people(12))
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0
    finally:
        server.kill()
        server.wait()


# -- failures that pass


@pytest.mark.parametrize("fault", [
    Fault(status=429, retry_after="0"), Fault(status=429), Fault(status=500), Fault(status=503, retry_after="rubbish"),
    Fault(status=408), Fault(truncate=True), Fault(html=True), Fault(drop=True), Fault(stall=1.5)])
def test_a_failure_that_passes_leaves_no_trace_in_the_report(fault: Fault) -> None:
    got = pulled(people(25), [Fault(), fault, Fault()], read_timeout=0.5 if fault.stall else 5)
    assert (got.raw, got.complete, got.remarks, got.requests) == (raw_of(people(25)), True, [], 4)


@pytest.mark.parametrize(("fault", "says"), [
    (Fault(status=429, retry_after="0"), "429"), (Fault(status=502), "502"), (Fault(truncate=True), "中途断开"),
    (Fault(html=True), "网页"), (Fault(drop=True), "连接"), (Fault(stall=1.0), "及时")])
def test_attempts_end_with_a_plain_error(fault: Fault, says: str) -> None:
    with pytest.raises(Retriable, match=says) as caught:
        pulled(people(25), [fault] * 3, attempts=3, read_timeout=0.3 if fault.stall else 5)
    assert "已试 3 次" in str(caught.value)


def test_a_wait_that_the_platform_asks_for_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    date = format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=60), usegmt=True)
    past = format_datetime(dt.datetime.now(dt.UTC) - dt.timedelta(days=1), usegmt=True)
    assert pulled(people(3), [Fault(status=429, retry_after=w) for w in ("7", date, past, "86400")]).complete
    long = [s for s in slept if s > 1]  # the others are the pace, and the server's
    assert len(long) == 3
    assert long[0] == 7
    assert 50 < long[1] <= 60
    assert long[2] == 120, "a day's wait is capped: the next night comes sooner"


def test_no_more_requests_in_a_second_than_allowed() -> None:
    start = time.monotonic()
    pulled(people(50), requests_per_second=20)
    assert time.monotonic() - start >= 4 / 20


# -- failures that do not pass


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_refusal_is_final_and_asked_for_once(status: int) -> None:
    with serve_records(people(3), TOKEN, faults=[Fault(status=status)]) as address, pytest.raises(Fatal, match=str(status)):
        pull(spec(address), TOKEN, platform="somewhere")  # the fault is gone after one request: a second one would succeed


def test_a_wrong_token_is_final() -> None:
    with serve_records(people(3), TOKEN) as address, pytest.raises(Fatal, match="401"):
        pull(spec(address), "another-token", platform="somewhere")


def test_a_redirect_within_the_address_is_followed_and_one_elsewhere_refused() -> None:
    with serve_records(people(3), "x" + TOKEN) as elsewhere:
        assert pulled(people(3), [Fault(redirect="/reports/identity?offset=0&limit=10")]).complete
        for target in (elsewhere + "/reports/identity", "https://127.0.0.1/", "//localhost/x", "http://[broken/"):
            with pytest.raises(Fatal):
                pulled(people(3), [Fault(redirect=target)])
    with pytest.raises(Fatal, match="转址"):
        pulled(people(3), [Fault(redirect="/reports/identity")] * 9)


@pytest.mark.parametrize("address", [
    "", "http://open.example.com", "ftp://127.0.0.1", "https://", "https://user:pw@open.example.com", "https://a.example/?x=1",
    "http://127.0.0.1:99999999", "nonsense"])
def test_the_token_is_not_sent_to_an_address_that_is_none_or_is_open_to_others(address: str) -> None:
    with pytest.raises(Fatal):
        pull(spec(address), TOKEN, platform="somewhere")


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
                pull(spec(f"https://127.0.0.1:{server.server_address[1]}"), TOKEN, platform="somewhere", session=careless)
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
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1)).sign(key, hashes.SHA256()))
    path = folder / "server.pem"
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                       serialization.NoEncryption()) + made.public_bytes(serialization.Encoding.PEM))
    return path


def test_an_answer_beyond_the_cap_is_refused() -> None:
    with pytest.raises(Fatal, match="5000"):
        pulled(people(500), max_bytes=5000, page_size=500)
    with pytest.raises(Fatal, match="5000"):
        pulled(people(500), max_bytes=5000, page_size=5)  # all answers together count


def test_no_records_are_an_empty_file_and_promised_ones_a_failure() -> None:
    with pytest.raises(FileRefused, match="FILE_EMPTY"):
        pulled(None)
    with pytest.raises(SourceFailed, match="一条也没有"):
        pulled(None, [Fault(wrong_total=4)])


# -- what does not fit


def test_a_total_that_is_never_reached_makes_the_report_incomplete() -> None:
    got = pulled(people(25), [Fault(wrong_total=3)] * 10)
    assert (got.complete, got.records, got.total) == (False, 25, 28)
    assert any("28" in r and "25" in r for r in got.remarks)


def test_a_total_that_is_too_small_makes_the_report_incomplete() -> None:
    got = pulled(people(25), [Fault(wrong_total=-3)] * 10)
    assert (got.complete, got.total, got.records) == (False, 22, 25)


def test_a_total_that_changed_meanwhile_is_read_once_more() -> None:
    got = pulled(people(25), [Fault(wrong_total=1)])
    assert (got.complete, got.records, got.total, got.requests) == (True, 25, 25, 6)
    assert any("总条数有变化" in r for r in got.remarks)
    got = pulled(people(25), [Fault(wrong_total=1), Fault(), Fault(), Fault(wrong_total=1)])
    assert not got.complete, "moved both times"


def test_a_page_that_repeats_the_former_is_noticed_and_its_records_are_dropped() -> None:
    once = pulled(people(25), [Fault(), Fault(repeat_page=True)])
    assert (once.complete, once.raw) == (True, raw_of(people(25))), "the second reading was clean"
    assert any("完全相同" in r for r in once.remarks)
    twice = pulled(people(25), [Fault(), Fault(repeat_page=True), Fault()] * 2)
    assert (twice.complete, twice.records) == (False, 15), "25 came and 25 were promised, and yet ten are missing"
    always = pulled(people(25), [Fault(), *[Fault(repeat_page=True)] * 20])
    assert (always.complete, always.records) == (False, 10)
    assert always.requests <= 6, "a platform that does not page is not asked on and on"


def test_doubles_that_the_platform_itself_holds_do_not_make_the_report_incomplete() -> None:
    near, far = [*people(9), people(9)[-1]], [*people(30), people(30)[2]]
    got = pulled(near)
    assert (got.complete, got.records, got.total, got.requests) == (True, 9, 10, 1)
    got = pulled(far)
    assert (got.complete, got.records, got.total, got.requests) == (True, 30, 31, 8)
    assert any("原有" in r for r in got.remarks)


def test_a_record_that_slips_between_pages_is_found_by_the_second_reading() -> None:
    """A shop opens while page 1 is read: page 2 repeats the last record of page 1 and, by the old total, one is missed."""
    records = people(12)
    with serve_records(records, TOKEN) as address, requests.Session() as session:
        def insert(answer: requests.Response, *_: Any, **__: Any) -> None:
            if len(records) == 12:
                records.insert(0, {"red_id": "new"})
        session.hooks["response"].append(insert)
        got = pull(spec(address), TOKEN, platform="somewhere", session=session)
    assert (got.complete, got.records) == (True, 13)
    assert got.raw.startswith(b'{"red_id":"new"}')


def test_a_cap_of_pages_makes_the_report_incomplete_and_asks_no_page_more() -> None:
    got = pulled(people(25), max_pages=2)
    assert (got.complete, got.records, got.requests) == (False, 20, 2)
    assert pulled(people(20), max_pages=2).complete


# -- odd answers


def _odd(body: Any, **changes: Any) -> Pulled:
    text = body if isinstance(body, str) else json.dumps(body)
    with responses.RequestsMock() as mock:
        mock.get("https://open.example.com/v1/reports/identity", body=text)
        return pull(spec("https://open.example.com/v1/", attempts=1, **changes), TOKEN, platform="somewhere")


@pytest.mark.parametrize("body", [
    {"code": 1}, {"data": None, "total": 0}, {"data": {"a": 1}}, {"data": [1]}, [], 7, "", '{"data":[{"a":NaN}],"total":1}',
    "[" * 100_000, '{"data":[{"a":1}],"total":1', '{"data":[{"a":' + "9" * 5000 + '}],"total":1}'])
def test_an_answer_of_another_shape_is_no_report(body: Any) -> None:
    with pytest.raises(Retriable):
        _odd(body)


def test_envelopes_are_told_by_the_mapping() -> None:
    assert _odd([{"a": 1}], record_path="", total_path="").complete
    assert _odd({"r": {"list": [{"a": 1}], "n": "1"}}, record_path="r.list", total_path="r.n").complete


@pytest.mark.parametrize("total", [None, -1, True, "many", 1.5])
def test_without_a_total_nothing_proves_that_the_list_is_whole(total: Any) -> None:
    got = _odd({"data": [{"a": 1}], "total": total})
    assert (got.complete, got.total) == (False, None)
    assert any("没有给出总条数" in r for r in got.remarks)


def test_half_a_character_does_not_spoil_the_report() -> None:
    assert _odd('{"data":[{"a":"\\ud83d\\ude00\\ud83d!"}],"total":1}').raw.decode() == '{"a":"😀\ufffd!"}\n'


@given(st.dictionaries(st.text(max_size=8), st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8"))))
def test_a_record_stays_one_line_and_one_record(record: dict[str, Any]) -> None:
    line = canonical(record)
    assert len(line.splitlines()) == 1
    assert json.loads(line) == {k.encode("utf-16", "surrogatepass").decode("utf-16", "replace"): v for k, v in record.items()}


def test_parameters_carry_the_report_date() -> None:
    with responses.RequestsMock() as mock:
        mock.get("https://open.example.com/reports/identity", json={"data": [{"a": 1}], "total": 1}, match=[
            responses.matchers.query_param_matcher({"date": AS_OF, "county": "411324", "offset": "0", "limit": "10"}),
            responses.matchers.header_matcher({"Authorization": f"Bearer {TOKEN}"})])
        asked = spec("https://open.example.com", params={"date": "{as_of}", "county": "411324"})
        assert pull(asked, TOKEN, platform="somewhere", as_of=AS_OF).complete
    with pytest.raises(OptionNeeded):
        pull(asked, TOKEN, platform="somewhere")
    with pytest.raises(UsageError):
        pull(asked, TOKEN, platform="somewhere", as_of="31.3.2026")


@pytest.mark.parametrize("wrong", [
    {"path": "https://elsewhere.example/x"}, {"path": "/"}, {"path": "/x?token=1"}, {"dialect": "Z"}, {"page_size": 0},
    {"tokn": "x"}])
def test_a_wrong_section_of_a_mapping_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        spec(**wrong)


# -- the token


def test_the_token_comes_from_the_variable_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("from-file\n")
    file.chmod(0o600)
    assert read_token(variable="T", file=file, environ={"T": " from-variable\n"}) == "from-variable"
    assert read_token(variable="T", file=file, environ={"T": ""}) == "from-file"
    file.chmod(0o400)
    assert read_token(variable=None, file=file, environ={}) == "from-file"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o622])
def test_a_token_file_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    file.chmod(mode)
    with pytest.raises(UsageError, match="chmod 600") as caught:
        read_token(variable=None, file=file, environ={})
    assert TOKEN not in str(caught.value)


def test_what_to_set_is_said(tmp_path: Path) -> None:
    empty = tmp_path / "token"
    empty.touch(0o600)
    for variable, file, says in (("MY_TOKEN", None, "MY_TOKEN"), (None, None, "token_env"), (None, empty, "empty"),
                                 (None, tmp_path / "none", "cannot be read"), (None, tmp_path, "not a file")):
        with pytest.raises(UsageError, match=says):
            read_token(variable=variable, file=file, environ={})
    for odd in (TOKEN + "\nX: y", TOKEN + " x", TOKEN + "密", TOKEN + "\x00"):
        with pytest.raises(UsageError) as caught:
            read_token(variable="T", file=None, environ={"T": odd})
        assert TOKEN not in str(caught.value)
        with pytest.raises(Fatal) as refused:
            pull(spec("http://127.0.0.1:9"), odd, platform="somewhere")
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
    shown = [repr(pulled(people(3), faults, params={"secret": secret}))]
    for last in (Fault(status=403), Fault(redirect="http://localhost:1/"), Fault(drop=True)):
        with pytest.raises(SourceFailed) as caught:
            pulled(people(3), [*faults, last], params={"secret": secret})
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
