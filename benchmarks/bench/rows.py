"""The records that every competitor gets: the live account records of a registry, as they stand in the table ``record``."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
from sqlalchemy import create_engine, text

# What a competitor may use; numbers, phones and payee accounts are keyed hashes and masks, as in the table.
COLUMNS = (
    "id", "platform", "account_ref", "subject_kind", "subject_key", "uscc", "id_hash", "id_mask", "legal_key", "operator_key",
    "operator_hash", "phone_hash", "phone_mask", "address_key", "town", "payee_key", "payee_hash", "payee_mask",
)  # fmt: skip


def write(home: Path, rows: Path) -> int:
    """Writes the records to a Parquet file; how many."""
    engine = create_engine(f"sqlite:///{home / 'db' / 'registry.sqlite'}")
    query = f"SELECT {', '.join(COLUMNS)} FROM record WHERE live = 1 AND record_kind = 'account' ORDER BY id"
    with engine.connect() as connection:
        frame = pd.read_sql_query(text(query), connection, dtype=dict.fromkeys(COLUMNS[1:], "str"))
    engine.dispose()
    frame.rename(columns={"id": "record_id"}).to_parquet(rows, index=False)
    return len(frame)


def accounts(home: Path) -> pd.DataFrame:
    """Every account with the record that tells its present holder: ``platform, account_id, record_id, entity_id``."""
    engine = create_engine(f"sqlite:///{home / 'db' / 'registry.sqlite'}")
    with engine.connect() as connection:
        frame = pd.read_sql_query(text("SELECT platform, account_id, record_id, entity_id FROM account"), connection)
    engine.dispose()
    return frame


def entities(home: Path) -> dict[int, str]:
    """The entity that every description of a holder belongs to."""
    engine = create_engine(f"sqlite:///{home / 'db' / 'registry.sqlite'}")
    with engine.connect() as connection:
        found = {int(i): str(e) for i, e in connection.execute(text("SELECT id, current_id FROM subject"))}
    engine.dispose()
    return found


if __name__ == "__main__":
    print(write(Path(sys.argv[1]), Path(sys.argv[2])), file=sys.stderr)
