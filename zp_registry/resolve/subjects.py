"""What is known of each subject: its numbers and names, and the tokens by which it may be recognised.

Everything works on whole tables in DuckDB, in memory; tokens are keyed hashes and comparison forms, never a number in clear.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import duckdb
import pandas as pd
import pyarrow as pa

from zp_registry.frames import BUSINESS_KINDS
from zp_registry.scratch import scratch

# The columns of a record that say who its holder is; ``was_live``: whether it counted when entities were last resolved.
ROWS = (
    "record_id", "subject_id", "live", "was_live", "platform", "account_ref", "loose", "subject_kind", "subject_key", "uscc",
    "id_hash", "id_mask", "phone_hash", "phone_hashes", "phone_mask", "payee_hash", "payee_mask", "address_key", "legal_key",
    "operator_key", "town", "market",
)  # fmt: skip
# Tokens that many unrelated names may share; those of so many names are hubs.
SHARED = ("phone", "payee", "address")
LEAST_ADDRESS = 6  # characters: a shorter address is a place, not an address


@dataclass(frozen=True)
class Hubs:
    """How many different names make a phone, payee account or address one that says nothing about who somebody is (an agency's
    phone, a bookkeeper's account, a market's address)."""

    names: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SHARED, 4))


def open_tables(
    rows: pd.DataFrame | pa.Table, accounts: pd.DataFrame, order: pd.DataFrame | pa.Table, hubs: Hubs
) -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory with the tables

    ``rows``: those of the given ones that count · ``s``: subject_id, place (its place in an order that does not depend on
    loading), business, kind, name_key, strong, id_mask, head, tail (visible ends), town, market, of those that :func:`fill`
    was called for · ``d``: subject_id, name, uscc, id, mask: hashes of what was ever said of it; live_name, live_tail (the last
    two digits): of what is said now · ``t``: subject_id, type, token, live, was_live · ``hub``: type, token of the hubs among
    live tokens; ``was_hub`` among former ones.

    ``rows``: ROWS, account records; those count that stand or stood in a live report and name a holder · ``accounts``:
    record_id, account_id and was_account_id (accounts.match_accounts over what is live and over what was) for loose rows ·
    ``order``: subject_id, key (any text that is a subject's own wherever it is loaded).
    """
    con = scratch(ordered=False)
    con.register("every_row", rows)
    con.execute("CREATE TEMP VIEW rows AS FROM every_row WHERE subject_id IS NOT NULL AND (live = 1 OR was_live = 1)")
    con.register("loose_accounts", accounts)
    con.register("orders", order)
    con.execute(f"CREATE TEMP TABLE s AS {_DESCRIBED.format(which='WHERE false')}")
    _tokens(con)
    said = {"name": "subject_key", "uscc": "uscc", "id": "id_hash", "mask": "id_mask"}
    hashes = ", ".join(f"CASE WHEN count({c}) > 0 THEN hash(max({c})) END AS {name}" for name, c in said.items())
    con.execute(
        f"""
        CREATE TEMP TABLE d AS
        WITH g AS (SELECT subject_id, {hashes}, max(subject_key) FILTER (live = 1) AS subject_key,
                          max(id_mask) FILTER (live = 1) AS id_mask FROM rows GROUP BY subject_id)
        SELECT * EXCLUDE (subject_key, id_mask), CASE WHEN subject_key IS NOT NULL THEN hash(subject_key) END AS live_name,
               CASE WHEN length({_TAIL}) >= 2 THEN hash(right({_TAIL}, 2)) END AS live_tail FROM g"""
    )
    least = " ".join(f"WHEN '{kind}' THEN {int(names)}" for kind, names in hubs.names.items())
    con.execute(
        f"""
        CREATE TEMP TABLE crowd AS
        -- Most tokens are of too few subjects, whatever their names.
        WITH busy AS (SELECT type, token FROM t WHERE type IN ({", ".join(f"'{k}'" for k in hubs.names)})
                      GROUP BY type, token HAVING count(*) >= CASE type {least} END),
        c AS (SELECT type, token, count(DISTINCT name) FILTER (live) AS names, count(DISTINCT name) FILTER (was_live) AS were
              FROM t SEMI JOIN busy USING (type, token) JOIN d USING (subject_id) GROUP BY type, token)
        SELECT type, token, names >= CASE type {least} END AS now, were >= CASE type {least} END AS before FROM c;
        CREATE TEMP TABLE hub AS SELECT type, token FROM crowd WHERE now;
        CREATE TEMP TABLE was_hub AS SELECT type, token FROM crowd WHERE before"""
    )
    return con


_KINDS = ", ".join(f"'{k}'" for k in BUSINESS_KINDS)
_HEAD = "CASE WHEN contains(id_mask, '*') THEN split_part(id_mask, '*', 1) ELSE id_mask END"
_TAIL = "CASE WHEN contains(id_mask, '*') THEN split_part(id_mask, '*', -1) ELSE id_mask END"
_DESCRIBED = f"""
    WITH g AS (
        SELECT subject_id, coalesce(bool_or(subject_kind IN ({_KINDS})), false) OR max(uscc) IS NOT NULL AS business,
               min(subject_kind) AS kind, max(subject_key) AS name_key, max(uscc) AS uscc, max(id_hash) AS id_hash,
               max(id_mask) AS id_mask, max(town) AS town, max(market) AS market
        FROM (FROM rows {{which}}) WHERE live = 1 GROUP BY subject_id)
    SELECT g.subject_id, (hash(o.key) >> 1)::BIGINT AS place, business, kind, name_key,
           CASE WHEN uscc IS NOT NULL THEN 'uscc:' || uscc WHEN NOT business THEN 'id:' || id_hash END AS strong,
           id_mask, {_HEAD} AS head, {_TAIL} AS tail, town, market
    FROM g JOIN orders o ON o.subject_id = g.subject_id"""


def fill(con: duckdb.DuckDBPyConnection, which: str | None = None) -> None:
    """Sees to it that table ``s`` has the live subjects of the table ``which`` (None: all)."""
    if which is None:
        con.execute(f"CREATE OR REPLACE TEMP TABLE s AS {_DESCRIBED.format(which='')}")
        return
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE asked_for AS SELECT DISTINCT subject_id FROM {which} ANTI JOIN s USING (subject_id)"
    )
    con.execute(f"INSERT INTO s {_DESCRIBED.format(which='SEMI JOIN asked_for USING (subject_id)')}")


def _tokens(con: duckdb.DuckDBPyConnection) -> None:
    """Table ``t``. Tokens are 64-bit hashes; type: phone, payee, address, account, operator (the business's operator or legal
    representative by name)."""
    one = {
        "payee": "payee_hash",
        "address": f"CASE WHEN length(address_key) >= {LEAST_ADDRESS} THEN address_key END",
        "operator": "coalesce(operator_key, legal_key)",
    }
    parts = [
        f"SELECT subject_id, '{kind}' AS type, hash({value}) AS token, live, was_live FROM rows WHERE ({value}) IS NOT NULL"
        for kind, value in one.items()
    ]
    parts.append(
        "SELECT subject_id, 'phone', hash(unnest(string_split(coalesce(phone_hashes, phone_hash), ';'))), live, was_live "
        "FROM rows WHERE coalesce(phone_hashes, phone_hash) IS NOT NULL"
    )
    own = "platform || chr(31) || account_ref"
    parts.append(
        f"SELECT subject_id, 'account', hash({own}), live, was_live FROM rows WHERE loose = 0 AND account_ref IS NOT NULL"
    )
    for live, account in (("live", "account_id"), ("was_live", "was_account_id")):
        dead = "was_live" if live == "live" else "live"
        parts.append(
            f"SELECT subject_id, 'account', hash(platform || chr(31) || a.{account}), "
            + ("live, 0" if dead == "was_live" else "0, was_live")
            + f" FROM rows JOIN loose_accounts a USING (record_id) WHERE loose = 1 AND a.{account} IS NOT NULL"
        )
    con.execute(
        "CREATE TEMP TABLE t AS SELECT subject_id, type, token, max(live) = 1 AS live, max(was_live) = 1 AS was_live FROM ("
        + " UNION ALL ".join(parts)
        + ") GROUP BY ALL"
    )


FITS = (
    "(coalesce({l}.head, '') = '' OR coalesce({r}.head, '') = '' OR "
    "(left({l}.head, least(length({l}.head), length({r}.head))) = left({r}.head, least(length({l}.head), length({r}.head))))) "
    "AND (coalesce({l}.tail, '') = '' OR coalesce({r}.tail, '') = '' OR "
    "right({l}.tail, least(length({l}.tail), length({r}.tail))) = right({r}.tail, least(length({l}.tail), length({r}.tail))))"
)


def fits(left: str, right: str) -> str:
    """SQL that is true where two masked numbers (columns head, tail) can be one number: the visible ends agree as far as both
    show them; an unknown one fits anything."""
    return "(" + FITS.format(l=left, r=right) + ")"


def described(con: duckdb.DuckDBPyConnection, which: str | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Subjects (subject_id, business, kind, name_key, strong, id_mask, town, market) of the table ``which`` (None: all) and
    their live tokens (subject_id, type, token, hub), as the model tier takes them."""
    fill(con, which)
    which = which or "s"
    subjects = con.execute(
        "SELECT subject_id, business, kind, name_key, strong, id_mask, town, market FROM s "
        f"SEMI JOIN (SELECT subject_id FROM {which}) USING (subject_id) ORDER BY subject_id"
    ).df()
    tokens = con.execute(
        "SELECT t.subject_id, t.type, CAST(t.token AS VARCHAR) AS token, h.token IS NOT NULL AS hub "
        "FROM t LEFT JOIN hub h ON h.type = t.type AND h.token = t.token "
        f"WHERE t.live AND t.subject_id IN (SELECT subject_id FROM {which}) "
        "UNION ALL SELECT DISTINCT subject_id, unnest(['phone_mask', 'payee_mask']), unnest([phone_mask, payee_mask]), false "
        f"FROM rows WHERE live = 1 AND subject_id IN (SELECT subject_id FROM {which})"
    ).df()
    tokens = tokens[tokens["token"].notna()]
    return subjects, tokens


def masks_fit(left: pd.Series[str], right: pd.Series[str]) -> pd.Series[bool]:
    """True where two masked numbers can be one number: the visible ends agree as far as both show them; NA fits anything."""

    def ends(mask: object) -> tuple[str, str] | None:
        if not isinstance(mask, str) or "*" not in mask:
            return None if not isinstance(mask, str) else (mask, mask)
        return mask[: mask.index("*")], mask[mask.rindex("*") + 1 :]

    def fit(a: object, b: object) -> bool:
        x, y = ends(a), ends(b)
        if x is None or y is None:
            return True
        head, tail = min(len(x[0]), len(y[0])), min(len(x[1]), len(y[1]))
        return x[0][:head] == y[0][:head] and (tail == 0 or x[1][-tail:] == y[1][-tail:])

    pairs = pd.DataFrame({"a": left.to_numpy(), "b": right.to_numpy()}, index=left.index)
    distinct = pairs.drop_duplicates()
    known = {
        (a, b): fit(a, b)
        for a, b in zip(
            distinct["a"].astype(object).where(distinct["a"].notna(), None),
            distinct["b"].astype(object).where(distinct["b"].notna(), None),
            strict=True,
        )
    }
    cleaned = pairs.astype(object).where(pairs.notna(), None)
    return pd.Series([known[(a, b)] for a, b in zip(cleaned["a"], cleaned["b"], strict=True)], index=left.index, dtype=bool)
