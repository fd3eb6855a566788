"""When a ledger row counted and a notice came, so that what was known on a past date can be told again"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("pledge", sa.Column("stood", sa.Text(), nullable=False, server_default=""))
    # What was superseded before ceased to count when the row in its place came.
    op.execute(
        "UPDATE pledge SET stood = (SELECT f.received_at FROM report_file f WHERE f.id = pledge.file_id) || COALESCE((SELECT "
        "' ' || f.received_at FROM pledge q JOIN report_file f ON f.id = q.file_id WHERE q.id = pledge.superseded_by), '')"
    )
    op.add_column("notice", sa.Column("noted_at", sa.String(length=32), nullable=False, server_default=""))
    op.execute(
        "UPDATE notice SET noted_at = COALESCE((SELECT f.received_at FROM report_file f WHERE f.id = notice.file_id), "
        "happened_on || 'T00:00:00.000+00:00')"
    )


def downgrade() -> None:
    raise NotImplementedError("the registry is only ever upgraded: restore the backup made before")
