"""Payee accounts are found by an index: a pair is explained from the rows that share one"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_record_payee_hash"), "record", ["payee_hash"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("the registry is only ever upgraded: restore the backup made before")
