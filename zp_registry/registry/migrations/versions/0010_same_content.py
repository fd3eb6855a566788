"""A file that was merely saved again is known by what its tables say"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("report_file", sa.Column("content_sha256", sa.String(64), nullable=True))
    op.create_index(op.f("ix_report_file_content_sha256"), "report_file", ["content_sha256"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("the registry is only ever upgraded: restore the backup made before")
