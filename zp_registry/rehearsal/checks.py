"""Signatures as the gateways reckon them, each written out from the platform's own rule."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping


def signed_params(params: Mapping[str, str], secret: str, method: str) -> str:
    """Dialect A: MD5 of ``secret + Σ(key + value, sorted) + secret``, or HMAC-SHA256 of ``Σ(key + value)``; upper-case hex."""
    text = "".join(key + params[key] for key in sorted(params) if key != "sign")
    if method == "hmac-sha256":
        return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest().upper()
    return hashlib.md5((secret + text + secret).encode(), usedforsecurity=False).hexdigest().upper()


def signed_json(params: Mapping[str, str], secret: str) -> str:
    """Dialect B: HMAC-SHA256 (lower-case hex) of ``secret + app_key…method…param_json…timestamp…v… + secret``."""
    text = secret
    for key in ("app_key", "method", "param_json", "timestamp", "v"):
        text += key + params.get(key, "")
    return hmac.new(secret.encode(), (text + secret).encode(), hashlib.sha256).hexdigest()


def signed_form(params: Mapping[str, str], secret: str) -> str:
    """Dialect C: HMAC-SHA256 (Base64) of ``k=v&…&signSecret=S`` with sorted keys."""
    text = "&".join(f"{key}={params[key]}" for key in sorted(params) if key != "sign") + "&signSecret=" + secret
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode()
