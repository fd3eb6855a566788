"""The year of birth stands beside a person's hashed number: age is a sign, and nothing else of the number is needed for it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("record", sa.Column("birth_year", sa.String(length=4), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("the registry is only ever upgraded: restore the backup made before")
