"""The year of birth beside a person's hashed number, since age is a sign; what went back to platforms for checking"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("record", sa.Column("birth_year", sa.String(length=4), nullable=True))
    op.create_table(
        "reverification",
        sa.Column("id", _ID, nullable=False),
        sa.Column("platform", sa.String(length=60), nullable=False),
        sa.Column("account_id", sa.String(length=500), nullable=False),
        sa.Column("asked_on", sa.String(length=10), nullable=False),
        sa.Column("deadline", sa.String(length=10), nullable=False),
        sa.Column("problems", sa.Text(), nullable=False),
        sa.Column("closed_on", sa.String(length=10), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reverification")),
    )
    op.create_index("ix_reverification_platform_account_id", "reverification", ["platform", "account_id"])


def downgrade() -> None:
    raise NotImplementedError("the registry is only ever upgraded: restore the backup made before")
