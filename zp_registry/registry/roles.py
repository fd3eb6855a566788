"""Roles of PostgreSQL with least rights, as SQL for whoever owns the database.

Three roles that do not sign in themselves; users are made members of them. ``loader``: the jobs and the operator's commands.
``desk``: the web pages of bureau staff, which load and decide as well, and keep who may sign in. ``reader``: other tools, for
figures; no ciphertext, no keyed hash, nothing of who did what. None may change the schema, and none may change or delete what
stands on the audit trail: that is left to the owner, who runs ``init`` and upgrades (and whom triggers stop there, too).
"""

from __future__ import annotations

import re
from typing import Final

from sqlalchemy import LargeBinary, Table
from sqlalchemy.engine.default import DefaultDialect

from zp_registry.errors import UsageError
from zp_registry.registry.models import Base

ROLES: Final = ("loader", "desk", "reader")
_STAFF: Final = frozenset({"desk_user", "desk_session", "desk_sign_in"})  # who may sign in, and how
_ADDED_TO: Final = frozenset({"audit"})
# What tells nothing about the county, or all about its keys and its staff.
_HIDDEN: Final = _STAFF | {"audit", "data_key", "state", "task", "touched", "desk_upload", "run"}
# Comparison forms of names are no hashes, but of no use to a reader either.
_HASH: Final = re.compile(r"(_hash|_hashes|_key)$|^(signature|key)$")
_quote = DefaultDialect().identifier_preparer.quote_identifier


def grants(database: str, prefix: str = "zp") -> list[str]:
    """The statements that make the roles ``{prefix}_loader``, ``…_desk``, ``…_reader`` in the PostgreSQL database of that name
    and give them their rights, taking back any other; they may be repeated, and are, after an upgrade. UsageError for a prefix
    that is no plain name."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,40}", prefix):
        raise UsageError(f"{prefix!r} is no plain name (small letters, digits, _)")
    name = {role: f"{prefix}_{role}" for role in ROLES}
    everyone, writers = ", ".join(name.values()), f"{name['loader']}, {name['desk']}"
    tables = list(Base.metadata.sorted_tables)
    plain = [t.name for t in tables if t.name not in _STAFF | _ADDED_TO]
    out = [
        f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$" for role in name.values()
    ]
    return [
        *out,
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {everyone}",
        f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {everyone}",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        f"REVOKE CREATE ON SCHEMA public FROM {everyone}",
        f"REVOKE TEMPORARY ON DATABASE {_quote(database)} FROM PUBLIC",
        f"GRANT CONNECT ON DATABASE {_quote(database)} TO {everyone}",
        f"GRANT TEMPORARY ON DATABASE {_quote(database)} TO {writers}",
        f"GRANT USAGE ON SCHEMA public TO {everyone}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {writers}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(plain)} TO {writers}",
        f"GRANT SELECT, INSERT ON {', '.join(sorted(_ADDED_TO))} TO {writers}",
        f"GRANT SELECT ON alembic_version, {', '.join(sorted(_STAFF))} TO {writers}",
        f"GRANT INSERT, UPDATE, DELETE ON {', '.join(sorted(_STAFF))} TO {name['desk']}",
        f"GRANT EXECUTE ON FUNCTION renew_statistics() TO {writers}",
        *(f"GRANT SELECT ({', '.join(columns)}) ON {t.name} TO {name['reader']}" for t in tables if (columns := shown(t))),
    ]


def shown(table: Table) -> list[str]:
    """The columns of a table that a reader sees; none of a table that is not for readers."""
    if table.name in _HIDDEN:
        return []
    return [c.name for c in table.columns if not isinstance(c.type, LargeBinary) and not _HASH.search(c.name)]
