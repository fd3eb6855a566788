"""Casework: notices from outside, cases with their history, reviewed pairs, whose pledge it is; versions of rules on flags"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "notice",
        sa.Column("id", _ID, nullable=False),
        sa.Column("record_key", sa.String(length=40), nullable=False),
        sa.Column("topic", sa.String(length=20), nullable=False),
        sa.Column("about", sa.String(length=40), nullable=False),
        sa.Column("file_id", _ID, nullable=True),
        sa.Column("sheet", sa.String(length=120), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("platform", sa.String(length=60), nullable=True),
        sa.Column("account_id", sa.String(length=500), nullable=True),
        sa.Column("subject_name", sa.Text(), nullable=True),
        sa.Column("subject_key", sa.Text(), nullable=True),
        sa.Column("uscc", sa.String(length=18), nullable=True),
        sa.Column("id_hash", sa.String(length=40), nullable=True),
        sa.Column("id_mask", sa.String(length=60), nullable=True),
        sa.Column("phone_hash", sa.String(length=40), nullable=True),
        sa.Column("phone_mask", sa.String(length=60), nullable=True),
        sa.Column("payee_hash", sa.String(length=40), nullable=True),
        sa.Column("payee_mask", sa.String(length=60), nullable=True),
        sa.Column("outcome", sa.String(length=40), nullable=False),
        sa.Column("happened_on", sa.String(length=10), nullable=False),
        sa.Column("remark", sa.Text(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["file_id"], ["report_file.id"], name=op.f("fk_notice_file_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("record_key", name=op.f("uq_notice_record_key")),
    )
    op.create_index(op.f("ix_notice_about"), "notice", ["about"])
    op.create_index(op.f("ix_notice_file_id"), "notice", ["file_id"])
    op.create_table(
        "case_file",
        sa.Column("case_id", sa.String(length=20), nullable=False),
        sa.Column("platform", sa.String(length=60), nullable=False),
        sa.Column("account_id", sa.String(length=500), nullable=False),
        sa.Column("entity_id", sa.String(length=20), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("level", sa.String(length=10), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("codes", sa.Text(), nullable=False),
        sa.Column("opened_on", sa.String(length=10), nullable=False),
        sa.Column("news_on", sa.String(length=10), nullable=False),
        sa.Column("grace_until", sa.String(length=10), nullable=False),
        sa.Column("deadline", sa.String(length=10), nullable=False),
        sa.Column("provisional", sa.Integer(), nullable=False),
        sa.Column("assignee", sa.String(length=200), nullable=True),
        sa.Column("group_id", sa.String(length=20), nullable=True),
        sa.Column("closed_why", sa.Text(), nullable=True),
        sa.Column("worked", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_case_file")),
    )
    op.create_index(op.f("ix_case_file_entity_id"), "case_file", ["entity_id"])
    op.create_index(op.f("ix_case_file_state"), "case_file", ["state"])
    op.create_index(op.f("ix_case_file_group_id"), "case_file", ["group_id"])
    op.create_table(
        "case_event",
        sa.Column("id", _ID, nullable=False),
        sa.Column("case_id", sa.String(length=20), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("from_state", sa.String(length=20), nullable=False),
        sa.Column("to_state", sa.String(length=20), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_event")),
    )
    op.create_index(op.f("ix_case_event_case_id"), "case_event", ["case_id"])
    op.create_table(
        "reviewed_pair",
        sa.Column("id", _ID, nullable=False),
        sa.Column("entity_id", sa.String(length=20), nullable=False),
        sa.Column("other_entity_id", sa.String(length=20), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("name_key", sa.Text(), nullable=True),
        sa.Column("expires_on", sa.String(length=10), nullable=False),
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("withdrawn_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviewed_pair")),
    )
    op.create_index(op.f("ix_reviewed_pair_entity_id"), "reviewed_pair", ["entity_id"])
    op.create_table(
        "pledge_match",
        sa.Column("id", _ID, nullable=False),
        sa.Column("record_key", sa.String(length=40), nullable=False),
        sa.Column("entity_id", sa.String(length=20), nullable=True),
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("withdrawn_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pledge_match")),
    )
    op.create_index(op.f("ix_pledge_match_record_key"), "pledge_match", ["record_key"])
    op.add_column("flag", sa.Column("explained", sa.Text(), nullable=True))
    op.add_column("flag", sa.Column("rule_version", sa.String(length=40), nullable=True))
    op.execute("DELETE FROM state WHERE name = 'derived_from'")


def downgrade() -> None:
    raise NotImplementedError("the registry is only ever upgraded: restore the backup made before")
