"""Resolving for years: what changed since the last resolve, trained models, one live edge between two subjects"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "touched",
        sa.Column("record_id", _ID, nullable=False),
        sa.Column("was_live", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], name=op.f("fk_touched_record_id")),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_touched")),
    )
    op.create_table(
        "match_model",
        sa.Column("version", _ID, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("settings_hash", sa.String(length=40), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.Column("trained_at", sa.String(length=32), nullable=False),
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.Column("in_use", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_match_model")),
    )
    op.add_column("record", sa.Column("live", sa.Integer(), server_default="0", nullable=False))
    op.add_column("edge", sa.Column("rule", sa.String(length=40), server_default="", nullable=False))
    for column in ("contact_record", "town_record"):
        op.add_column("entity", sa.Column(column, _ID, nullable=True))
    op.execute(
        "UPDATE record SET live = 1 WHERE EXISTS (SELECT 1 FROM sighting s JOIN report r ON r.id = s.report_id "
        "WHERE s.record_id = record.id AND r.superseded_by IS NULL)"
    )
    # Scores become match weights and rules get names: the machine's own edges are made anew by the next resolve.
    op.execute("DELETE FROM edge WHERE tier <> 'person'")
    op.execute("DELETE FROM state WHERE name = 'derived_from'")
    for name, tier in (("uq_edge_live_person", "= 'person'"), ("uq_edge_live_machine", "<> 'person'")):
        where = sa.text(f"tier {tier} AND deleted_at IS NULL")
        op.create_index(name, "edge", ["left_id", "right_id"], unique=True, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    raise NotImplementedError("the registry is only ever upgraded: restore the backup made before")
