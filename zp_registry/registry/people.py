"""Who may use the desk: accounts with argon2 passwords, sessions that end, and the throttle on signing in."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import json
import re
import secrets
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import Connection, text

from zp_registry.errors import UsageError
from zp_registry.registry import audit

ROLES: Final = ("clerk", "investigator", "admin")
LEAST = 10  # characters of a password
TRIES, TRIES_FROM, WITHIN = 5, 30, dt.timedelta(minutes=15)  # wrong passwords of one name, and of one address
_NAME = re.compile(r"[\w.@-]{1,60}")
_hasher = PasswordHasher()


@functools.cache
def _nobody() -> str:
    """A hash that no password has: somebody unknown takes as long as somebody known."""
    return _hasher.hash(secrets.token_hex(16))


@dataclass(frozen=True)
class Person:
    """Somebody who may sign in; ``towns`` None: the whole county; ``renew``: another password must be chosen first;
    ``seen_at``: the last sign of whoever is signed in."""

    name: str
    role: str
    towns: tuple[str, ...] | None
    disabled: bool = False
    created_at: str = ""
    renew: bool = False
    seen_at: str | None = None

    def may(self, role: str) -> bool:
        """Whether this role, or one above it, is the person's."""
        return ROLES.index(self.role) >= ROLES.index(role)

    def sees(self, town: str | None) -> bool:
        """Whether an entity of this town is the person's to see; one of no known town is for those of the whole county."""
        return self.towns is None or town in self.towns


def good_name(name: str) -> bool:
    """Whether somebody can sign in under this name."""
    return _NAME.fullmatch(unicodedata.normalize("NFC", name.strip())) is not None


def add(
    connection: Connection, name: str, role: str, towns: Sequence[str] | None, password: str, *, renew: bool = False
) -> None:
    """Adds an account; ``renew``: the person must choose another password at the first sign-in. UsageError for a name that
    stands already or is none, an unknown role, or a weak password."""
    name = unicodedata.normalize("NFC", name.strip())
    if not good_name(name):
        raise UsageError(f"{name!r} is no name to sign in with: letters, digits and . @ _ - alone, at most 60")
    _known_role(role)
    if find(connection, name) is not None:
        raise UsageError(f"there is a user {name} already")
    check(password, name)
    now = audit.moment()
    connection.execute(
        text("INSERT INTO desk_user (name, role, towns, password_hash, disabled, renew, created_at, password_at) "
             "VALUES (:n, :r, :t, :h, 0, :w, :now, :now)"),
        {"n": name, "r": role, "t": _packed(towns), "h": _hasher.hash(password), "w": int(renew), "now": now},
    )  # fmt: skip
    audit.note(connection, "desk user add", name, _access(role, towns))


def set_access(connection: Connection, name: str, role: str, towns: Sequence[str] | None) -> None:
    """What an account may do and see from the next click on. UsageError if there is none, or no such role."""
    person = _needed(connection, name)
    _known_role(role)
    connection.execute(
        text("UPDATE desk_user SET role = :r, towns = :t WHERE name = :n"),
        {"r": role, "t": _packed(towns), "n": person.name},
    )
    before = _access(person.role, person.towns)
    audit.note(connection, "desk user access", person.name, f"{before} → {_access(role, towns)}")


def _known_role(role: str) -> None:
    if role not in ROLES:
        raise UsageError(f"there is no role {role!r}; there are {', '.join(ROLES)}")


def _packed(towns: Sequence[str] | None) -> str | None:
    return None if towns is None else json.dumps(list(towns), ensure_ascii=False)


def _access(role: str, towns: Sequence[str] | None) -> str:
    return f"{role}, {'all towns' if towns is None else '、'.join(towns)}"


def one_time_password() -> str:
    """A password to be told to somebody: no characters that are taken for one another."""
    while True:
        groups = ["".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(4)) for _ in range(4)]
        if len(set("".join(groups))) >= 8:
            return "-".join(groups)


def check(password: str, name: str) -> None:
    """UsageError for a password that is too short or hardly one."""
    if len(password) < LEAST or len(set(password)) < 5 or name.lower() in password.lower():
        raise UsageError(f"a password has at least {LEAST} characters, five different ones, and not the name in it")


def find(connection: Connection, name: str) -> Person | None:
    """The account of this name."""
    row = connection.execute(
        text("SELECT name, role, towns, disabled, created_at, renew FROM desk_user WHERE name = :n"),
        {"n": unicodedata.normalize("NFC", name.strip())},
    ).first()
    return None if row is None else _person(row)


def every(connection: Connection) -> list[Person]:
    """All accounts, by name."""
    rows = connection.execute(
        text("SELECT u.name, u.role, u.towns, u.disabled, u.created_at, u.renew, (SELECT MAX(s.seen_at) FROM desk_session s "
             "WHERE s.name = u.name) FROM desk_user u ORDER BY u.name")
    )  # fmt: skip
    return [_person(r, r[6]) for r in rows]


def _person(row: Any, seen_at: str | None = None) -> Person:
    towns = None if row[2] is None else tuple(json.loads(row[2]))
    return Person(row[0], row[1], towns, bool(row[3]), row[4], bool(row[5]), seen_at)


def disable(connection: Connection, name: str, *, disabled: bool = True) -> None:
    """Shuts an account out, at once and everywhere, or lets it in again. UsageError if there is none."""
    person = _needed(connection, name)
    connection.execute(text("UPDATE desk_user SET disabled = :d WHERE name = :n"), {"d": int(disabled), "n": person.name})
    end_all(connection, person.name)
    audit.note(connection, "desk user disable" if disabled else "desk user enable", person.name)


def set_password(connection: Connection, name: str, password: str, *, renew: bool = False) -> None:
    """Gives an account another password (``renew``: only to choose one's own with); it is signed out everywhere. UsageError if
    there is none, or for a weak password."""
    person = _needed(connection, name)
    check(password, person.name)
    connection.execute(
        text("UPDATE desk_user SET password_hash = :h, password_at = :t, renew = :w WHERE name = :n"),
        {"h": _hasher.hash(password), "t": audit.moment(), "w": int(renew), "n": person.name},
    )
    end_all(connection, person.name)
    audit.note(connection, "desk user password", person.name)


def _needed(connection: Connection, name: str) -> Person:
    person = find(connection, name)
    if person is None:
        raise UsageError(f"there is no user {name}")
    return person


# -- signing in


def sign_in(connection: Connection, name: str, password: str, address: str) -> tuple[str | None, str]:
    """The cookie's value for a new session, or None; and why in one word: good | wrong | throttled. Every try is kept, and
    noted on the trail."""
    name = unicodedata.normalize("NFC", name.strip())[:60]
    since = (dt.datetime.now(dt.UTC) - WITHIN).isoformat(timespec="milliseconds")
    connection.execute(text("DELETE FROM desk_sign_in WHERE at < :s"), {"s": since})
    wrong = connection.execute(
        text("SELECT COALESCE(SUM(CASE WHEN name = :n THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN address = :a THEN 1 ELSE "
             "0 END), 0) FROM desk_sign_in WHERE good = 0"), {"n": name, "a": address}).one()  # fmt: skip
    if wrong[0] >= TRIES or wrong[1] >= TRIES_FROM:
        audit.note(connection, "desk sign-in throttled", name, address, name)
        return None, "throttled"
    row = connection.execute(text("SELECT password_hash, disabled FROM desk_user WHERE name = :n"), {"n": name}).first()
    good = _verified(row[0] if row else _nobody(), password) and row is not None and not row[1]
    connection.execute(
        text("INSERT INTO desk_sign_in (at, name, address, good) VALUES (:t, :n, :a, :g)"),
        {"t": audit.moment(), "n": name, "a": address, "g": int(good)},
    )
    if not good:
        # A name that is unknown is often a password typed into the wrong field: it is not kept.
        audit.note(connection, "desk sign-in refused", name if row else "(unknown name)", address, name if row else "-")
        return None, "wrong"
    connection.execute(text("DELETE FROM desk_sign_in WHERE name = :n AND good = 0"), {"n": name})
    token = secrets.token_urlsafe(32)
    now = audit.moment()
    connection.execute(
        text("INSERT INTO desk_session (token_hash, name, created_at, seen_at, address) VALUES (:h, :n, :t, :t, :a)"),
        {"h": hashed(token), "n": name, "t": now, "a": address},
    )
    audit.note(connection, "desk sign-in", name, address, name)
    return token, "good"


def _verified(kept: str, password: str) -> bool:
    try:
        return _hasher.verify(kept, password)
    except (Argon2Error, InvalidHashError):
        return False


def hashed(token: str) -> str:
    """How a cookie's value is kept."""
    return hashlib.sha256(token.encode()).hexdigest()


def who_is(connection: Connection, token: str, idle: dt.timedelta, longest: dt.timedelta) -> tuple[Person, str] | None:
    """The person whose session this is, and when it was last seen; None when it has ended."""
    now = dt.datetime.now(dt.UTC)
    row = connection.execute(
        text("SELECT u.name, u.role, u.towns, u.disabled, u.created_at, u.renew, s.seen_at FROM desk_session s JOIN desk_user "
             "u ON u.name = s.name WHERE s.token_hash = :h AND s.seen_at >= :i AND s.created_at >= :c AND u.disabled = 0"),
        {"h": hashed(token), "i": (now - idle).isoformat(timespec="milliseconds"),
         "c": (now - longest).isoformat(timespec="milliseconds")},
    ).first()  # fmt: skip
    return None if row is None else (_person(row), str(row[6]))


def seen(connection: Connection, token: str) -> None:
    """Notes that a session is in use."""
    connection.execute(
        text("UPDATE desk_session SET seen_at = :t WHERE token_hash = :h"), {"t": audit.moment(), "h": hashed(token)}
    )


def sign_out(connection: Connection, token: str, name: str) -> None:
    """Ends a session."""
    connection.execute(text("DELETE FROM desk_session WHERE token_hash = :h"), {"h": hashed(token)})
    audit.note(connection, "desk sign-out", name, who=name)


def end_all(connection: Connection, name: str) -> None:
    """Ends all sessions of an account."""
    connection.execute(text("DELETE FROM desk_session WHERE name = :n"), {"n": name})


def town_names(towns: Collection[str], known: Collection[str]) -> list[str]:
    """The full names of towns as an operator typed them. UsageError for one that the county does not have."""
    out = []
    for town in towns:
        found = [k for k in known if town in (k, k.rstrip("镇乡"), k.removesuffix("街道"))]
        if len(found) != 1:
            raise UsageError(f"there is no town {town}; there are {'、'.join(known)}")
        out.append(found[0])
    return out
