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
    op.create_index(op.f("ix_account_record_id"), "account", ["record_id"])
    op.create_index(op.f("ix_entity_identifier_value"), "entity_identifier", ["value"])
    op.create_index("ix_flag_family_status_first_seen", "flag", ["family", "status", "first_seen", "flag_id"])
    op.create_index("ix_flag_platform_account_id", "flag", ["platform", "account_id"])
    op.create_index(op.f("ix_record_address_key"), "record", ["address_key"])
    several = sa.text("phone_hashes LIKE '%;%'")
    op.create_index(
        "ix_record_more_phones", "record", ["phone_hashes"], sqlite_where=several, postgresql_where=several
    )


def downgrade() -> None:
    raise NotImplementedError("the registry is only ever upgraded: restore the backup made before")
