"""PostgreSQL's roles: each can do its work, and the server refuses it anything more."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.exc import ProgrammingError
from worlds import person, row, world
from zp_registry.jobs.office import open_office

from zp_registry.errors import UsageError
from zp_registry.home import Home
from zp_registry.registry import audit
from zp_registry.registry.models import Base
from zp_registry.registry.people import add
from zp_registry.registry.roles import ROLES, grants, shown
from zp_registry.settings import Settings

pytestmark = pytest.mark.postgres
JAN, FEB = "2026-01-31", "2026-02-28"


@pytest.fixture
def users(postgres_url: str, home: Home) -> Iterator[dict[str, str]]:
    """The URLs of a user of each role in a registry that its owner made; given twice, as after an upgrade."""
    prefix = f"t{uuid.uuid4().hex[:8]}"
    open_office(Settings(home=home.root, database_url=postgres_url)).engine.dispose()
    url = make_url(postgres_url)
    owner = create_engine(url, isolation_level="AUTOCOMMIT")
    logins = {role: f"{prefix}_{role}_user" for role in ROLES}
    with owner.connect() as connection:
        for statement in 2 * grants(str(url.database), prefix):
            connection.execute(text(statement))
        for role, login in logins.items():
            connection.execute(text(f"CREATE ROLE {login} LOGIN IN ROLE {prefix}_{role}"))
    yield {role: url.set(username=login).render_as_string(hide_password=False) for role, login in logins.items()}
    with owner.connect() as connection:
        for name in [*logins.values(), *(f"{prefix}_{role}" for role in ROLES)]:
            connection.execute(text(f"DROP OWNED BY {name}"))
            connection.execute(text(f"DROP ROLE {name}"))
    owner.dispose()


def _refused(url: str, *statements: str) -> None:
    engine: Engine = create_engine(url)
    for statement in statements:
        with engine.connect() as connection, pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
            connection.execute(text(statement))
    engine.dispose()


def test_each_role_does_its_work_and_no_more(users: dict[str, str], home: Home, tmp_path: Path) -> None:
    with world(home.root, tmp_path / "a", users["loader"]) as county:
        county.weipaitang(JAN, [row("w1", person(1)), row("w9", person(90))])
        county.weipaitang(FEB, [row("w1", person(2)), row("w9", person(90))])
        county.night()
        assert ("w1", "HOLDER_CHANGED") in county.codes()
    spoil = ("UPDATE audit SET who = 'x'", "DELETE FROM audit", "TRUNCATE audit", "DROP TABLE record",
             "DROP TABLE record_1",
             "CREATE TABLE mine (x int)", "ALTER TABLE record ADD x int", "DROP TRIGGER audit_no_change ON audit")  # fmt: skip
    _refused(users["loader"], *spoil, "INSERT INTO desk_user (name) VALUES ('x')", "DELETE FROM desk_session")
    with world(home.root, tmp_path / "b", users["desk"]) as county:
        with county.office.engine.begin() as connection:
            add(connection, "张三", "clerk", None, "a-Long-enough-1")
        with county.office.engine.connect() as connection:
            assert audit.broken_link(connection) is None
    _refused(users["desk"], *spoil)
    _refused(users["reader"], *spoil, "SELECT sealed FROM record", "SELECT id_hash FROM record", "SELECT * FROM record",
             "SELECT who FROM audit", "SELECT password_hash FROM desk_user", "SELECT wrapped FROM data_key",
             "INSERT INTO flag (code) VALUES ('x')", "CREATE TEMP TABLE t (x int)", "SELECT sealed FROM record_1",
             "SELECT renew_statistics()")  # fmt: skip
    reader = create_engine(users["reader"])
    with reader.connect() as connection:
        found = connection.execute(text("SELECT f.code, e.name, c.phone_mask FROM flag f JOIN entity e USING (entity_id) "
                                        "JOIN account a USING (platform, account_id) JOIN record c ON c.id = a.record_id "
                                        "WHERE f.code = 'HOLDER_CHANGED'")).all()  # fmt: skip
    reader.dispose()
    assert [(r[0], r[1]) for r in found] == [("HOLDER_CHANGED", person(2).name)]
    assert "****" in found[0][2]


def test_nothing_that_is_sealed_or_hashed_is_ever_a_readers() -> None:
    for table in Base.metadata.sorted_tables:
        for column in shown(table):
            assert not column.endswith(("_hash", "_hashes", "_key")), (table.name, column)
            assert column not in ("sealed", "given", "signature"), (table.name, column)


@pytest.mark.parametrize("prefix", ["", "zp-x", "zp; DROP TABLE record", "1x"])
def test_a_prefix_is_a_plain_name(prefix: str) -> None:
    with pytest.raises(UsageError, match="plain name"):
        grants("zp_registry", prefix)
