"""The desk: serving it, and who may sign in."""

from __future__ import annotations

import sys

import click

from zp_registry.cli.common import Answer, command
from zp_registry.errors import UsageError
from zp_registry.jobs import office
from zp_registry.normalise.divisions import divisions
from zp_registry.registry import people, tasks


@click.command("serve")
@click.option("--host", help="Address to listen on (default: the setting desk.host).")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on (default: the setting desk.port).")
@command
def serve(answer: Answer, host: str | None, port: int | None) -> None:
    """The desk: a web page for bureau staff. Runs until it is interrupted."""
    from zp_registry import desk

    given = {k: v for k, v in (("host", host), ("port", port)) if v is not None}
    settings = answer.settings.model_copy(update={"desk": answer.settings.desk.model_copy(update=given)})

    def ready(address: str) -> None:
        answer.say(f"serving {address}")
        answer.give({"address": address})
        sys.stdout.flush()

    desk.serve(office.open_office(settings), ready)


@click.group("desk")
def desk_() -> None:
    """Who may sign in to the desk, and what it does in the background."""


@desk_.group("user")
def user() -> None:
    """Accounts of the desk."""


def _password(given: str | None) -> str:
    """From standard input (one line) or by asking: a password on the command line would stand in the process list."""
    if given == "-":
        return sys.stdin.readline().rstrip("\r\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


RENEW = click.option("--renew", is_flag=True, help="The person must choose another password at the next sign-in.")
TOWNS = click.option("--town", "towns", multiple=True, help="A town that the person may see; repeat it (default: the county).")


def _named(towns: tuple[str, ...]) -> list[str] | None:
    return people.town_names(towns, [t.name for t in divisions().towns]) if towns else None


FROM = click.option("--password", metavar="-", type=click.Choice(["-"]), help="Read it from standard input (default: ask).")


@user.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice(people.ROLES), required=True, help="What the person may do.")
@TOWNS
@FROM
@RENEW
@command
def add(answer: Answer, name: str, role: str, towns: tuple[str, ...], password: str | None, renew: bool) -> None:
    """Add an account: clerk (uploads, corrections, follow-up), investigator (also decides and unmasks) or admin."""
    named = _named(towns)
    secret = _password(password)
    opened = office.open_office(answer.settings)
    with opened.engine.begin() as connection:
        people.add(connection, name, role, named, secret, renew=renew)
    answer.say(f"added: {name} ({role}, {'all towns' if named is None else '、'.join(named)})")
    answer.give({"name": name, "role": role, "towns": named})


@user.command("access")
@click.argument("name")
@click.option("--role", type=click.Choice(people.ROLES), required=True, help="What the person may do.")
@TOWNS
@command
def access(answer: Answer, name: str, role: str, towns: tuple[str, ...]) -> None:
    """Give an account another role or other towns, from the next click on."""
    named = _named(towns)
    with office.open_office(answer.settings).engine.begin() as connection:
        people.set_access(connection, name, role, named)
    answer.say(f"{name}: {role}, {'all towns' if named is None else '、'.join(named)}")
    answer.give({"name": name, "role": role, "towns": named})


@user.command("list")
@command
def list_(answer: Answer) -> None:
    """All accounts."""
    with office.open_office(answer.settings).engine.connect() as connection:
        found = people.every(connection)
    answer.table(
        "users", ["name", "role", "towns", "state", "since"],
        [[p.name, p.role, "all" if p.towns is None else "、".join(p.towns), "disabled" if p.disabled else "", p.created_at[:10]]
         for p in found],
    )  # fmt: skip
    answer.give({"users": [vars(p) for p in found]})


@user.command("disable")
@click.argument("name")
@click.option("--undo", is_flag=True, help="Let the person in again.")
@command
def disable(answer: Answer, name: str, undo: bool) -> None:
    """Shut an account out, at once and everywhere."""
    with office.open_office(answer.settings).engine.begin() as connection:
        people.disable(connection, name, disabled=not undo)
    answer.say(f"{'enabled' if undo else 'disabled'}: {name}")
    answer.give({"name": name, "disabled": not undo})


@user.command("password")
@click.argument("name")
@FROM
@RENEW
@command
def password(answer: Answer, name: str, password: str | None, renew: bool) -> None:
    """Give an account another password; it is signed out everywhere."""
    opened = office.open_office(answer.settings)
    with opened.engine.connect() as connection:
        if people.find(connection, name) is None:
            raise UsageError(f"there is no user {name}")
    secret = _password(password)
    with opened.engine.begin() as connection:
        people.set_password(connection, name, secret, renew=renew)
    answer.say(f"another password: {name}")
    answer.give({"name": name})


@desk_.command("tasks")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Lines at most.")
@command
def tasks_(answer: Answer, limit: int) -> None:
    """The desk's newest work in the background."""
    with office.open_office(answer.settings).engine.connect() as connection:
        rows = tasks.newest(connection, limit=limit)
    answer.table("tasks", ["kind", "who", "state", "step", "created", "ended"],
                 [[r["kind"], r["who"], r["state"], r["step"], r["created_at"], r["ended_at"]] for r in rows])  # fmt: skip
    answer.give({"tasks": rows})


COMMANDS = (serve, desk_)
