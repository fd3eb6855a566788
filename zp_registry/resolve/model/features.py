"""One row per subject with all that a pair of subjects is compared by."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa

from zp_registry.scratch import scratch

# Families whose name has two characters; of all others the first character is the family's.
COMPOUND = (
    "欧阳", "司马", "上官", "诸葛", "东方", "皇甫", "尉迟", "公孙", "慕容", "令狐", "宇文", "长孙", "司徒", "司空", "夏侯",
    "端木", "百里", "南宫", "独孤", "轩辕", "呼延", "东郭", "西门", "澹台", "公冶", "申屠", "太叔", "闻人", "钟离",
)  # fmt: skip

# The columns of features: name, SQL type.
COLUMNS = {
    "subject_id": "BIGINT", "business": "BOOLEAN", "strong": "VARCHAR", "name_key": "VARCHAR", "surname": "VARCHAR",
    "id_mask": "VARCHAR", "id_head": "VARCHAR", "id_tail": "VARCHAR", "town": "VARCHAR", "market": "VARCHAR",
    "operators": "BIGINT[]", "phones": "BIGINT[]", "shared_phones": "BIGINT[]",
    "phone_visible": "VARCHAR[]", "payees": "BIGINT[]", "shared_payees": "BIGINT[]", "payee_visible": "VARCHAR[]",
    "addresses": "BIGINT[]", "shared_addresses": "BIGINT[]", "accounts": "BIGINT[]", "block_keys": "BIGINT[]",
}  # fmt: skip


def features(subjects: pd.DataFrame, tokens: pd.DataFrame) -> pa.Table:
    """``subjects``: subject_id, business, name_key, strong, id_mask, and town and market if known · ``tokens``: subject_id,
    type (phone, phone_mask, payee, payee_mask, address, account, operator), token, hub.

    The result has the columns COLUMNS, its rows in no order: ``phones``, ``payees``, ``addresses`` hold what few names share,
    ``shared_…`` what many do (hubs); ``id_head`` and ``id_tail`` are the digits that a masked number shows at its ends,
    ``phone_visible`` a number's first three and last four (``138*0001``), ``payee_visible`` the last four (``*1234``). Numbers
    in lists are hashes of tokens, good for this process.
    ``block_keys``: two subjects are candidates if they share one. A token that few names share is a key by itself; a hub, an
    operator or the digits of a mask are so only together with a second thing that agrees and is no hub.
    """
    connection = scratch()
    missing = [f"NULL::VARCHAR AS {name}" for name in ("town", "market", "id_mask") if name not in subjects]
    connection.register("subjects_in", pa.Table.from_pandas(subjects, preserve_index=False))
    connection.register("tokens_in", pa.Table.from_pandas(tokens[["subject_id", "type", "token", "hub"]], preserve_index=False))
    compound = ", ".join(f"'{name}'" for name in COMPOUND)
    connection.execute(_PREPARE.format(missing="".join(f", {m}" for m in missing), compound=compound))
    return connection.sql(_FEATURES).to_arrow_table().cast(_schema())


def _schema() -> pa.Schema:
    kinds = {
        "BIGINT": pa.int64(), "BOOLEAN": pa.bool_(), "VARCHAR": pa.string(), "BIGINT[]": pa.list_(pa.int64()),
        "VARCHAR[]": pa.list_(pa.string()),
    }  # fmt: skip
    return pa.schema([(name, kinds[kind]) for name, kind in COLUMNS.items()])


_PREPARE = """
CREATE TEMP TABLE subject AS
SELECT subject_id::BIGINT AS subject_id, business::BOOLEAN AS business, nullif(strong::VARCHAR, '') AS strong,
       nullif(name_key::VARCHAR, '') AS name_key,
       CASE WHEN NOT business THEN CASE WHEN length(name_key) > 2 AND left(name_key, 2) IN ({compound}) THEN left(name_key, 2)
                                        ELSE nullif(left(name_key, 1), '') END END AS surname,
       nullif(id_mask::VARCHAR, '') AS id_mask,
       CASE WHEN contains(id_mask, '*') THEN split_part(id_mask, '*', 1) ELSE id_mask END AS id_head,
       CASE WHEN contains(id_mask, '*') THEN split_part(id_mask, '*', -1) ELSE id_mask END AS id_tail,
       town::VARCHAR AS town, market::VARCHAR AS market
FROM (SELECT *{missing} FROM subjects_in);
CREATE TEMP TABLE token AS
SELECT subject_id, kind, ends, (hash(kind, coalesce(ends, token)) >> 1)::BIGINT AS code FROM (
    SELECT subject_id::BIGINT AS subject_id, token::VARCHAR AS token,
           CASE WHEN hub THEN 'shared_' || type ELSE type END AS kind,
           CASE WHEN type IN ('phone_mask', 'payee_mask') THEN
               CASE WHEN length(split_part(token, '*', -1)) >= 4 THEN
                   CASE WHEN type = 'phone_mask' THEN left(split_part(token, '*', 1), 3) ELSE '' END || '*'
                        || right(split_part(token, '*', -1), 4) END END AS ends
    FROM tokens_in WHERE token IS NOT NULL)
WHERE ends IS NOT NULL OR kind NOT IN ('phone_mask', 'payee_mask');
-- Some masks end in two digits only.
CREATE TEMP TABLE tail AS
SELECT subject_id, (hash('tail', right(id_tail, 2)) >> 1)::BIGINT AS code FROM subject WHERE length(id_tail) >= 2;
CREATE TEMP TABLE key_of AS
WITH
-- What is not enough by itself, and what may stand beside it.
first AS (
    SELECT subject_id, code FROM token
    WHERE kind IN ('shared_phone', 'shared_payee', 'shared_address', 'operator') OR ends IS NOT NULL
    UNION ALL SELECT subject_id, code FROM tail),
second AS (
    SELECT subject_id, (hash('name', name_key) >> 1)::BIGINT AS code FROM subject WHERE name_key IS NOT NULL
    UNION ALL SELECT subject_id, code FROM tail UNION ALL SELECT subject_id, code FROM token WHERE kind = 'operator')
SELECT subject_id, list(code) AS block_keys FROM (
    SELECT subject_id, code FROM token WHERE kind IN ('phone', 'payee', 'address', 'account')
    UNION ALL SELECT f.subject_id, (hash(least(f.code, s.code), greatest(f.code, s.code)) >> 1)::BIGINT
    FROM first f JOIN second s USING (subject_id) WHERE f.code <> s.code
) GROUP BY subject_id;
"""

_FEATURES = """
WITH lists AS (
    SELECT subject_id,
           list(code) FILTER (kind = 'phone') AS phones, list(code) FILTER (kind = 'shared_phone') AS shared_phones,
           list(ends) FILTER (kind = 'phone_mask') AS phone_visible,
           list(code) FILTER (kind = 'payee') AS payees, list(code) FILTER (kind = 'shared_payee') AS shared_payees,
           list(ends) FILTER (kind = 'payee_mask') AS payee_visible,
           list(code) FILTER (kind = 'address') AS addresses, list(code) FILTER (kind = 'shared_address') AS shared_addresses,
           list(code) FILTER (kind IN ('account', 'shared_account')) AS accounts,
           list(code) FILTER (kind IN ('operator', 'shared_operator')) AS operators
    FROM token GROUP BY subject_id)
SELECT s.subject_id, s.business, s.strong, s.name_key, s.surname, s.id_mask, s.id_head, s.id_tail, s.town, s.market,
       l.operators, l.phones, l.shared_phones, l.phone_visible, l.payees, l.shared_payees, l.payee_visible, l.addresses,
       l.shared_addresses, l.accounts, k.block_keys
FROM subject s LEFT JOIN lists l USING (subject_id) LEFT JOIN key_of k USING (subject_id)
"""
