"""The desk: passwords that must be replaced, and indexes for what its pages ask"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("desk_user", sa.Column("renew", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    raise NotImplementedError("the registry is only ever upgraded: restore the backup made before")
