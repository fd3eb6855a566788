"""Signatures against vectors that openssl reckons from the platforms' published rules, text by text."""

from __future__ import annotations

import base64
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rehearsed import interface

from zp_registry.rehearsal import checks
from zp_registry.sources.api.sign import signature
from zp_registry.sources.api.spec import Sign
from zp_registry.sources.api.template import as_text

SECRET = "s3cr3t"


def openssl(*words: str, text: str) -> bytes:
    if not (program := shutil.which("openssl")):
        pytest.skip("openssl is not installed")
    return subprocess.run([program, "dgst", *words, "-binary"], input=text.encode(), capture_output=True, check=True).stdout


def sign_of(platform: str) -> Sign:
    found = interface(platform).sign
    assert found is not None
    return found


VALUES = {f"secret:{name}": SECRET for name in ("app_secret", "client_secret", "sign_secret")}


def test_md5_of_secret_pairs_secret_in_upper_case() -> None:
    """pdd, jos: secret + Σ(k+v sorted) + secret."""
    params = {"type": "pdd.identity.report.get", "client_id": "c1", "timestamp": "1480411125", "data_type": "JSON", "sign": "x"}
    text = "s3cr3tclient_idc1data_typeJSONtimestamp1480411125typepdd.identity.report.gets3cr3t"
    for platform in ("pinduoduo", "jd"):
        assert signature(sign_of(platform), params, VALUES) == openssl("-md5", text=text).hex().upper()


def test_hmac_sha256_of_pairs_in_upper_case() -> None:
    params = {"method": "m", "app_key": "k", "timestamp": "2026-03-31 08:00:00", "名": "值"}
    text = "app_keykmethodmtimestamp2026-03-31 08:00:00名值"
    assert signature(sign_of("taobao"), params, VALUES) == openssl("-sha256", "-hmac", SECRET, text=text).hex().upper()


def test_hmac_sha256_of_five_fields_between_secrets() -> None:
    """The access token is sent and not signed, nor is sign_method; param_json has sorted keys and no HTML escapes."""
    packed = as_text({"size": 100, "page": 0, "name": "<玉&石>"})
    assert packed == '{"name":"<玉&石>","page":0,"size":100}'
    params = {
        "app_key": "k",
        "method": "identity.report",
        "param_json": packed,
        "timestamp": "2026-03-31 08:00:00",
        "v": "2",
        "access_token": "never",
        "sign_method": "hmac-sha256",
    }
    text = f"s3cr3tapp_keykmethodidentity.reportparam_json{packed}timestamp2026-03-31 08:00:00v2s3cr3t"
    assert signature(sign_of("douyin"), params, VALUES) == openssl("-sha256", "-hmac", SECRET, text=text).hex()


def test_hmac_sha256_of_a_query_string_in_base64() -> None:
    params = {"method": "m", "appkey": "k", "timestamp": "1480411125000", "access_token": "t", "param": '{"cursor":"a"}'}
    text = 'access_token=t&appkey=k&method=m&param={"cursor":"a"}&timestamp=1480411125000&signSecret=s3cr3t'
    digest = openssl("-sha256", "-hmac", SECRET, text=text)
    assert signature(sign_of("kuaishou"), params, VALUES) == base64.b64encode(digest).decode()


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,12}", fullmatch=True), st.text(st.characters(codec="utf-8"), max_size=20)))
def test_client_and_rehearsal_agree_on_any_parameters(params: dict[str, str]) -> None:
    """Two writings of one rule, whatever the values hold."""
    params.pop("sign", None)
    assert signature(sign_of("jd"), params, VALUES) == checks.signed_params(params, SECRET, "md5")
    assert signature(sign_of("taobao"), params, VALUES) == checks.signed_params(params, SECRET, "hmac-sha256")
    whole = {"app_key": "", "method": "", "param_json": "", "timestamp": "", "v": "", **params}
    assert signature(sign_of("douyin"), whole, VALUES) == checks.signed_json(whole, SECRET)
    if params:
        assert signature(sign_of("kuaishou"), params, VALUES) == checks.signed_form(params, SECRET)
