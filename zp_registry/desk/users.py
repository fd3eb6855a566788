"""用户: who may sign in, what each may do and see; for administrators of the whole county."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from sqlalchemy import Connection

from zp_registry.desk.access import me, needs
from zp_registry.desk.state import desk
from zp_registry.normalise.divisions import divisions
from zp_registry.registry import audit, people
from zp_registry.registry.people import Person

page = Blueprint("users", __name__)


def _towns() -> list[str]:
    return [t.name for t in divisions().towns]


NO_TOWN = "请选中乡镇街道，或者选“全县”"


def _asked() -> tuple[str, list[str] | None]:
    """Role and towns (None: all) as the form has them; 400 for what the form does not offer."""
    role, towns = request.form.get("role", ""), request.form.getlist("towns")
    if role not in people.ROLES or not set(towns) <= set(_towns()):
        abort(400)
    return role, None if request.form.get("where") == "all" else towns


@page.get("/users")
@needs("admin", whole=True)
def users() -> Any:
    """Everybody, and the form for somebody new."""
    return _list()


def _list(**said: Any) -> Any:
    with desk().office.engine.connect() as connection:
        rows = people.every(connection)
    return render_template("users.html", rows=rows, roles=people.ROLES, towns=_towns(), **said)


@page.post("/users")
@needs("admin", whole=True)
def add() -> Any:
    """Adds somebody; the password is shown this once, and must be replaced at the first sign-in."""
    name, (role, towns) = request.form.get("name", "").strip()[:60], _asked()
    if towns == []:
        return _list(wrong=NO_TOWN), 422
    if not people.good_name(name):
        return _list(wrong="用户名只能用汉字、字母、数字和 . @ _ -"), 422
    secret = people.one_time_password()
    with desk().office.engine.begin() as connection, audit.acting_as(me().name):
        if people.find(connection, name) is not None:
            return _list(wrong=f"已经有用户 {name}"), 422
        people.add(connection, name, role, towns, secret, renew=True)
    return _list(secret=secret, whose=name)


def _other(connection: Connection, name: str) -> Person:
    """Somebody else: nobody shuts out or changes themselves, so an administrator is always left."""
    found = people.find(connection, name)
    if found is None or found.name == me().name:
        abort(404)
    return found


@page.get("/users/<user>")
@needs("admin", whole=True)
def one(user: str) -> Any:
    """One account, and what can be changed."""
    return _one(user)


def _one(user: str, wrong: str = "") -> Any:
    with desk().office.engine.connect() as connection:
        person = _other(connection, user)
    return render_template("user.html", row=person, roles=people.ROLES, towns=_towns(), wrong=wrong)


@page.post("/users/<user>/access")
@needs("admin", whole=True)
def access(user: str) -> Any:
    """Another role, or other towns."""
    role, towns = _asked()
    if towns == []:
        return _one(user, NO_TOWN), 422
    with desk().office.engine.begin() as connection, audit.acting_as(me().name):
        people.set_access(connection, _other(connection, user).name, role, towns)
    return redirect(url_for("users.one", user=user))


@page.post("/users/<user>/password")
@needs("admin", whole=True)
def password(user: str) -> Any:
    """Another password, shown this once."""
    secret = people.one_time_password()
    with desk().office.engine.begin() as connection, audit.acting_as(me().name):
        person = _other(connection, user)
        people.set_password(connection, person.name, secret, renew=True)
    return _list(secret=secret, whose=person.name)


@page.post("/users/<user>/state")
@needs("admin", whole=True)
def state(user: str) -> Any:
    """Shuts an account out, at once and everywhere, or lets it in again."""
    with desk().office.engine.begin() as connection, audit.acting_as(me().name):
        people.disable(connection, _other(connection, user).name, disabled=request.form.get("disabled") == "1")
    return redirect(url_for("users.one", user=user))
