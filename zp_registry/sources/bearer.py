"""Dialect F: a static token, pages by ``offset`` and ``limit``, ``{"data":[…],"total":n}``.

A dialect is two functions that :mod:`zp_registry.sources.transport` picks by ``spec.dialect``: one makes what signs the
requests out of the secret, the other reads pages until it knows the last one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import requests
from requests.auth import AuthBase

from zp_registry.errors import Retriable
from zp_registry.sources.apispec import ApiSpec
from zp_registry.sources.client import Client
from zp_registry.sources.page import Page


class Bearer(AuthBase):
    """``Authorization: Bearer …``. As ``auth``, so that a ~/.netrc cannot replace it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def pages(client: Client, spec: ApiSpec, params: Mapping[str, str]) -> Iterator[Page]:
    """Pages from offset 0 on. The offset moves by the records that came, so a platform that caps ``limit`` loses none."""
    offset, last = 0, False
    while not last:
        query = {**params, spec.offset_param: str(offset), spec.limit_param: str(spec.page_size)}
        records, total = client.ask(query, lambda answer: _envelope(answer, spec))
        offset += len(records)
        last = not records or (offset >= total if total is not None else len(records) < spec.page_size)
        yield Page(records, total, last)


def _envelope(answer: Any, spec: ApiSpec) -> tuple[list[dict[str, Any]], int | None]:
    records = _at(answer, spec.record_path)
    if not isinstance(records, list) or not all(isinstance(r, dict) for r in records):
        raise Retriable(f"返回内容中没有记录列表（{spec.record_path or '整个返回内容'}）")
    return records, _count(_at(answer, spec.total_path)) if spec.total_path else None


def _at(value: Any, path: str) -> Any:
    for key in filter(None, path.split(".")):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _count(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 12:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
