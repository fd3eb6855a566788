"""Signatures of requests, as the mapping's ``sign`` describes them."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from zp_registry.sources.api.spec import Sign
from zp_registry.sources.api.template import as_text, fill


def signature(sign: Sign, params: Mapping[str, str], values: Mapping[str, Any]) -> str:
    """The signature of ``params`` (query and form, before URL encoding, the signature itself not among them); ``values``
    fills the placeholders of ``before``, ``after`` and ``key``."""
    names = sorted((set(sign.fields) & set(params)) if sign.fields else set(params))
    pairs = [f"{name}{sign.equals}{params[name]}" for name in names if name not in sign.leave_out and name != sign.name]
    text = as_text(fill(sign.before, values)) + sign.between.join(pairs) + as_text(fill(sign.after, values))
    data, algorithm = text.encode("utf-8"), sign.method.removeprefix("hmac-")
    if sign.method.startswith("hmac-"):
        digest = hmac.digest(as_text(fill(sign.key, values)).encode("utf-8"), data, algorithm)
    else:
        digest = hashlib.new(algorithm, data, usedforsecurity=False).digest()
    if sign.output == "base64":
        return base64.b64encode(digest).decode("ascii")
    return digest.hex() if sign.output == "hex" else digest.hex().upper()
