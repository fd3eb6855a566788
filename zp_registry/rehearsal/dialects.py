"""The six dialects from the platform's side: who is asking, is the signature right, which page, in which envelope."""

from __future__ import annotations

import base64
import secrets as randomness
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from zp_registry.rehearsal import checks
from zp_registry.rehearsal.faults import Fault
from zp_registry.rehearsal.wire import Answered, Asked, Refused, number, packed, same, text_time

if TYPE_CHECKING:
    from zp_registry.rehearsal.gateway import Gateway

_OLD_REFRESH_TOKEN_LIVES = 300.0  # seconds


class Dialect:
    """How one dialect asks for tokens, checks callers, pages and refuses."""

    token_path = ""

    def __init__(self, gateway: Gateway) -> None:
        self.g, self.spec = gateway, gateway.spec

    def asks_token(self, asked: Asked) -> bool:
        """Whether the request is for a token."""
        return bool(self.token_path) and asked.path == self.token_path

    def token(self, asked: Asked) -> Answered:
        raise NotImplementedError

    def check(self, asked: Asked) -> None:
        raise NotImplementedError

    def page(self, asked: Asked, fault: Fault) -> Answered:
        raise NotImplementedError

    def refuse(self, no: Refused) -> Answered:
        raise NotImplementedError

    def ends(self, value: Any) -> None:
        if value is not None:
            self.g.cut_offs.add(str(value))


class _SignedParams(Dialect):
    def _biz(self, asked: Asked) -> Mapping[str, Any]:
        return packed(asked.form.get(self.spec["packed"])) if self.spec.get("packed") else asked.form

    def check(self, asked: Asked) -> None:
        form, spec = asked.form, self.spec
        if form.get(spec["method"]["name"]) != spec["method"]["value"]:
            raise Refused("request")
        if form.get(spec["key"]) != self.g.known("key"):
            raise Refused("key")
        if not same(form.get("sign", ""), checks.signed_params(form, self.g.known("secret"), form.get("sign_method", "md5"))):
            raise Refused("signature")
        stamp = form.get("timestamp", "")
        self.g.check_time(text_time(stamp) if spec["time"] == "text" else number(stamp))
        if not same(form.get(spec["token"], ""), self.g.known("token")):
            raise Refused("token")

    def page(self, asked: Asked, fault: Fault) -> Answered:
        spec, biz = self.spec, self._biz(asked)
        name = ""
        if lists := spec.get("lists"):
            name = lists["values"].get(biz.get(lists["name"]), "?")
        size, page = number(biz.get(spec["size"])), number(biz.get(spec["page"]))
        self.ends(biz.get("end_time"))
        rows, total, _ = self.g.cut((page - 1) * size, size, fault, name)
        e = spec["envelope"]
        return Answered({e["name"]: {e["records"]: "none" if fault.shapeless else rows, e["total"]: total, "request_id": "1"}})

    def refuse(self, no: Refused) -> Answered:
        code = self.spec["codes"].get(no.what, 50)
        code, sub = code if isinstance(code, list) else (code, "")
        text = f"This ban will last for {no.seconds} more seconds" if no.what == "limited" else "rehearsed"
        names = self.spec["error"]
        return Answered(
            {
                "error_response": {
                    names["code"]: code,
                    **({names["sub"]: sub} if names["sub"] else {}),
                    "msg": text,
                    "sub_msg": text,
                }
            }
        )


class _SignedJson(Dialect):
    token_path = "/token/create"
    codes: ClassVar[dict[str, Any]] = {
        "signature": (40003, "isv.signature-invalid"),
        "token": (40003, "isv.access-token-expired"),
        "key": (30001, ""),
        "limited": (60000, ""),
        "busy": (20000, "isp.service-unavailable"),
        "clock": (40003, "isv.timestamp-invalid"),
    }

    def check(self, asked: Asked) -> None:
        self._signed(asked, self.spec["method"])
        self.g.check_token(asked.form.get("access_token"))

    def _signed(self, asked: Asked, method: str) -> None:
        form = asked.form
        if form.get("app_key") != self.g.known("key") or form.get("method") != method or form.get("v") != "2":
            raise Refused("key")
        if not same(form.get("sign", ""), checks.signed_json(form, self.g.known("secret"))):
            raise Refused("signature")
        self.g.check_time(text_time(form.get("timestamp", "")))

    def token(self, asked: Asked) -> Answered:
        self._signed(asked, "token.create")
        if packed(asked.form.get("param_json")).get("grant_type") != "authorization_self":
            raise Refused("request")
        return Answered({"code": 10000, "data": {"access_token": self.g.issue(), "expires_in": int(self.g.life)}})

    def page(self, asked: Asked, fault: Fault) -> Answered:
        biz = packed(asked.form.get("param_json"))
        size = number(biz.get("size"))
        if size > 100:
            raise Refused("request")
        self.ends(biz.get("end_time"))
        rows, total, _ = self.g.cut(number(biz.get("page")) * size, size, fault)
        return Answered({"code": 10000, "msg": "success", "data": {"list": None if fault.shapeless else rows, "total": total}})

    def refuse(self, no: Refused) -> Answered:
        code, sub = self.codes.get(no.what, (40001, "isv.parameter-invalid"))
        return Answered({"code": code, "msg": "rehearsed", "sub_code": sub, "sub_msg": "rehearsed", "data": None})


class _SignedForm(Dialect):
    token_path = "/oauth2/refresh_token"
    codes: ClassVar[dict[str, Any]] = {
        "signature": 100200103,
        "token": 100200101,
        "refresh": 100200102,
        "key": 100200105,
        "limited": 100200429,
        "busy": 100200500,
        "clock": 100200104,
        "cursor": 100200404,
    }

    def __init__(self, gateway: Gateway) -> None:
        super().__init__(gateway)
        self._replaced: dict[str, str] = {}  # refresh tokens by the access token that came with their successor

    def check(self, asked: Asked) -> None:
        form = asked.form
        if form.get("appkey") != self.g.known("key") or form.get("method") != self.spec["method"]:
            raise Refused("key")
        if not same(form.get("sign", ""), checks.signed_form(form, self.g.known("secret"))):
            raise Refused("signature")
        self.g.check_time(number(form.get("timestamp")) / 1000)
        self.g.check_token(form.get("access_token"))
        # Harsher than life: whoever uses new tokens without having kept them is locked out at once.
        self.g.refresh_tokens.pop(self._replaced.pop(form["access_token"], ""), None)

    def token(self, asked: Asked) -> Answered:
        form, g = asked.form, self.g
        if form.get("app_id") != g.known("key") or not same(form.get("app_secret", ""), g.known("app_secret")):
            raise Refused("key")
        old = form.get("refresh_token", "")
        if g.refresh_tokens.get(old, 0) < time.time():
            raise Refused("refresh")
        g.refresh_tokens[old] = min(g.refresh_tokens[old], time.time() + _OLD_REFRESH_TOKEN_LIVES)
        new = randomness.token_urlsafe(24)
        g.refresh_tokens[new] = float("inf")
        token = g.issue()
        self._replaced[token] = old
        return Answered({"result": 1, "access_token": token, "expires_in": int(g.life), "refresh_token": new})

    def page(self, asked: Asked, fault: Fault) -> Answered:
        biz = packed(asked.form.get("param"))
        self.ends(biz.get("endTime"))
        start = 0
        if (cursor := biz.get("cursor")) is not None:
            try:
                start = int(base64.urlsafe_b64decode(str(cursor)).decode().removeprefix("at:"))
            except ValueError:
                raise Refused("cursor") from None
        rows, total, after = self.g.cut(start, number(biz.get("pageSize")), fault)
        more = after < len(self.g.records.get("", []))
        lead = base64.urlsafe_b64encode(f"at:{after}".encode()).decode() if more else "nomore"
        return Answered({"result": 1, "data": {"list": {} if fault.shapeless else rows, "total": total, "cursor": lead}})

    def refuse(self, no: Refused) -> Answered:
        return Answered({"result": self.codes.get(no.what, 100200100), "error_msg": "rehearsed"})


class _Oauth(Dialect):
    token_path = "/oauth/token"

    def check(self, asked: Asked) -> None:
        self.g.check_token(asked.headers.get("authorization", "").removeprefix("Bearer "))

    def token(self, asked: Asked) -> Answered:
        form, g = asked.form, self.g
        if (
            form.get("grant_type") != "client_credentials"
            or form.get("client_id") != g.known("key")
            or not same(form.get("client_secret", ""), g.known("secret"))
        ):
            return Answered({"error": "invalid_client"}, 401)
        return Answered({"access_token": g.issue(), "token_type": "Bearer", "expires_in": int(g.life)})

    def page(self, asked: Asked, fault: Fault) -> Answered:
        self.ends(asked.query.get("before"))
        start, size = number(asked.query.get("after", 0)), number(asked.query.get("limit", 100))
        rows, _, after = self.g.cut(start, size, fault)
        more = after < len(self.g.records.get("", []))
        link = f"{asked.root}{self.spec['path']}?after={after}&limit={size}" if more else None
        return Answered({"items": None if fault.shapeless else rows, "next": link})

    def refuse(self, no: Refused) -> Answered:
        status = {"limited": 429, "busy": 503, "request": 400}.get(no.what, 401)
        waits = [("Retry-After", str(no.seconds))] if no.what == "limited" else []
        return Answered({"error": no.what}, status, waits)


class _TokenQuery(Dialect):
    token_path = "/cgi-bin/stable_token"
    codes: ClassVar[dict[str, Any]] = {"token": 42001, "key": 40013, "limited": 45011, "busy": -1, "day": 45009}
    _last = ""

    def check(self, asked: Asked) -> None:
        self.g.check_token(asked.query.get("access_token"))

    def token(self, asked: Asked) -> Answered:
        body, g = asked.body, self.g
        if (
            body.get("grant_type") != "client_credential"
            or body.get("appid") != g.known("key")
            or not same(str(body.get("secret", "")), g.known("secret"))
        ):
            raise Refused("key")
        if body.get("force_refresh") is True:
            g.tokens.clear()
        if g.tokens.get(self._last, 0) < time.time():  # stable: the same one until it ends
            self._last = g.issue()
        return Answered({"access_token": self._last, "expires_in": int(g.tokens[self._last] - time.time())})

    def page(self, asked: Asked, fault: Fault) -> Answered:
        body = asked.body
        self.ends(body.get("end_time"))
        size = number(body.get("page_size"))
        if size > 200:
            raise Refused("request")
        rows, total, after = self.g.cut(number(body.get("next_key") or 0), size, fault)
        more = after < len(self.g.records.get("", []))
        return Answered(
            {
                "errcode": 0,
                "errmsg": "ok",
                "list": None if fault.shapeless else rows,
                "total_num": total,
                "next_key": str(after) if more else "",
            }
        )

    def refuse(self, no: Refused) -> Answered:
        return Answered({"errcode": self.codes.get(no.what, 40097), "errmsg": "rehearsed"})


class _Bearer(Dialect):
    def check(self, asked: Asked) -> None:
        if not same(asked.headers.get("authorization", ""), f"Bearer {self.g.known('token')}"):
            raise Refused("token")

    def page(self, asked: Asked, fault: Fault) -> Answered:
        rows, total, _ = self.g.cut(number(asked.query.get("offset", 0)), number(asked.query.get("limit", 100)), fault)
        return Answered({"data": None if fault.shapeless else rows, "total": total})

    def refuse(self, no: Refused) -> Answered:
        status = {"limited": 429, "busy": 503, "request": 400}.get(no.what, 401)
        return Answered({"error": no.what}, status, [("Retry-After", str(no.seconds))] if no.what == "limited" else [])


DIALECTS: dict[str, type[Dialect]] = {
    "A": _SignedParams,
    "B": _SignedJson,
    "C": _SignedForm,
    "D": _Oauth,
    "E": _TokenQuery,
    "F": _Bearer,
}
