"""Who may ask for what: sessions, roles, the token against forged requests, and the headers of every answer.

A page that names no role is nobody's: :func:`guard` refuses it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import Any, TypeVar

import structlog
from flask import Blueprint, Response, abort, current_app, g, make_response, redirect, render_template, request, url_for
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse

from zp_registry.desk.state import desk
from zp_registry.errors import UsageError
from zp_registry.registry import audit, people
from zp_registry.registry.people import Person

log = structlog.get_logger(__name__)
page = Blueprint("access", __name__)
F = TypeVar("F", bound=Callable[..., Any])
PUBLIC = ("static", "access.sign_in")
RENEWING = ("access.password", "access.sign_out")  # all that a password given by somebody else is good for
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
          "frame-ancestors 'none'; base-uri 'none'")  # fmt: skip
_SEEN_EVERY = dt.timedelta(seconds=60)


def needs(role: str, *, whole: bool = False) -> Callable[[F], F]:
    """Marks a page as one for this role and those above it; ``whole``: not for those of single towns."""

    def mark(function: F) -> F:
        function.needs_role = role  # type: ignore[attr-defined]
        function.needs_whole = whole  # type: ignore[attr-defined]
        return function

    return mark


def me() -> Person:
    """Who asks."""
    person: Person = g.person
    return person


def secure() -> bool:
    """Whether the browser is spoken to over TLS."""
    settings = desk().office.settings.desk
    return settings.certificate is not None or (settings.behind_proxy and request.is_secure)


def cookie_name() -> str:
    """Browsers keep a name with this prefix from being set by anything but this very server over TLS."""
    return "__Host-zp" if secure() else "zp"


def forgery_token() -> str:
    """What every form carries: bound to the session, or before it to a cookie of its own."""
    base = request.cookies.get(cookie_name()) if "person" in g else g.get("before") or request.cookies.get("zp-before")
    if not base:
        base = g.before = secrets.token_urlsafe(24)
    return hmac.new(base.encode(), b"zp-registry desk form", hashlib.sha256).hexdigest()


def guard() -> AnyResponse | None:
    """Before every request: who asks, whether the role suffices, whether the form is ours."""
    if request.endpoint == "static":
        return None
    settings, token = desk().office.settings.desk, request.cookies.get(cookie_name())
    if token:
        with desk().office.engine.connect() as connection:
            found = people.who_is(
                connection, token, dt.timedelta(minutes=settings.idle_minutes), dt.timedelta(hours=settings.session_hours)
            )
        if found is not None:
            g.person, g.token = found[0], token
            quiet = dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(found[1])
            if quiet > _SEEN_EVERY and request.headers.get("X-Zp-Poll") is None:
                with desk().office.engine.begin() as connection:
                    people.seen(connection, token)
    if any("\x00" in v for _, v in request.args.items(multi=True)) or "\x00" in request.path:
        abort(400)  # no database takes it, and nobody types it
    view = current_app.view_functions.get(request.endpoint or "")
    if request.endpoint not in PUBLIC:
        if "person" not in g:
            if request.method == "GET":
                return redirect(url_for("access.sign_in", then=request.full_path.rstrip("?") if view else None))
            abort(401)
        if view is None:
            abort(404)
        role = getattr(view, "needs_role", None)
        if role is None or not me().may(role) or (getattr(view, "needs_whole", False) and me().towns is not None):
            noted("refused", request.endpoint or request.path[:100])
            abort(403)
        if me().renew and request.endpoint not in RENEWING:
            if request.method == "GET":
                return redirect(url_for("access.password"))
            abort(403)
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        given = request.headers.get("X-Zp-Form") or request.form.get("csrf", "")
        if not hmac.compare_digest(given, forgery_token()) or request.headers.get("Sec-Fetch-Site", "same-origin") not in (
            "same-origin", "none"
        ):  # fmt: skip
            abort(400, "forged")
        if any("\x00" in v for _, v in request.form.items(multi=True)):
            abort(400)
    return None


def noted(action: str, subject: str, reason: str | None = None) -> None:
    """One row on the audit trail, in a transaction of its own, before anything is shown."""
    with desk().office.engine.begin() as connection:
        note(connection, action, subject, reason)


def note(connection: Connection, action: str, subject: str, reason: str | None = None) -> None:
    """The same in the caller's transaction."""
    audit.note(connection, f"desk {action}", subject, reason, me().name)


def headers(response: Response) -> Response:
    """After every request."""
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Server"] = "desk"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    if request.endpoint == "static":
        response.headers["Cache-Control"] = "public, max-age=3600"
    else:
        response.headers["Cache-Control"] = "no-store"
        response.headers["Pragma"] = "no-cache"
    if secure():
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    if (before := g.get("before")) is not None:
        response.set_cookie("zp-before", before, httponly=True, samesite="Strict", secure=secure(), max_age=3600)
    return response


@page.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> Any:
    """The one page that is open to all."""
    wrong, then = "", _inside(request.values.get("then", ""))
    if request.method == "POST":
        name, password = request.form.get("name", ""), request.form.get("password", "")
        with desk().office.engine.begin() as connection:
            token, why = people.sign_in(connection, name, password[:1000], request.remote_addr or "")
        if token is not None:
            answer = make_response(redirect(then or url_for("overview.overview")))
            answer.set_cookie(cookie_name(), token, httponly=True, samesite="Strict", secure=secure(), path="/")
            answer.delete_cookie("zp-before")
            g.pop("before", None)
            return answer
        minutes = int(people.WITHIN.total_seconds() // 60)
        wrong = f"尝试次数过多，请 {minutes} 分钟后再试" if why == "throttled" else "用户名或者密码不对"
    status = 200 if not wrong else 429 if "过多" in wrong else 403
    return render_template("sign_in.html", wrong=wrong, then=then), status


def _inside(target: str) -> str:
    """Only a path of our own: a sign-in must not lead elsewhere."""
    good = target.startswith("/") and not target.startswith(("//", "/\\")) and "\n" not in target and "\\" not in target
    return target[:500] if good and not target.startswith("/sign-") else ""


@page.post("/sign-out")
@needs("clerk")
def sign_out() -> Any:
    """Ends the session."""
    with desk().office.engine.begin() as connection:
        people.sign_out(connection, g.token, me().name)
    answer = make_response(redirect(url_for("access.sign_in")))
    answer.delete_cookie(cookie_name(), path="/", secure=secure(), httponly=True, samesite="Strict")
    return answer


@page.route("/password", methods=["GET", "POST"])
@needs("clerk")
def password() -> Any:
    """Another password, by the person."""
    wrong = ""
    if request.method == "POST":
        old, new, again = (request.form.get(k, "")[:1000] for k in ("old", "new", "again"))
        with desk().office.engine.begin() as connection:
            token, why = people.sign_in(connection, me().name, old, request.remote_addr or "")
        if token is None:
            wrong = "尝试次数过多，请稍后再试" if why == "throttled" else "原密码不对"
        elif new != again:
            wrong = "两次输入的新密码不一致"
        else:
            try:
                with desk().office.engine.begin() as connection, audit.acting_as(me().name):
                    people.set_password(connection, me().name, new)
                return redirect(url_for("access.sign_in"))
            except UsageError:
                wrong = f"新密码至少 {people.LEAST} 个字符，至少 5 种不同的字符，不能含有用户名"
    return render_template("password.html", wrong=wrong, least=people.LEAST)
