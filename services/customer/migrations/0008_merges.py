"""Customers that go on as another, and how far each merge has come."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_CK = "ck_customer_history_action"
_ACTIONS = (
    "'created', 'updated', 'deleted', 'attachment_added', 'attachment_removed', 'listed',"
    " 'document_added', 'document_changed', 'document_removed'"
)


def upgrade() -> None:
    """Make the table and the column."""
    op.add_column("customers", sa.Column("merged_into", sa.Uuid(), nullable=True))
    op.create_table(
        "merges",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("into_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("waits_for", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("handed_over", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("merged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("merged_by", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("customer_id <> into_id", name=op.f("ck_merges_two")),
        sa.CheckConstraint("(finished_at IS NULL) = (waits_for <> '{}')", name=op.f("ck_merges_finished")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_merges_customer_id_customers")
        ),
        sa.ForeignKeyConstraint(["into_id"], ["customers.id"], name=op.f("fk_merges_into_id_customers")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merges")),
        sa.UniqueConstraint("customer_id", name=op.f("uq_merges_customer_id")),
    )
    op.create_index(op.f("ix_merges_into_id"), "merges", ["into_id"])
    _allow(f"{_ACTIONS}, 'merged'")


def downgrade() -> None:
    """Take it back; whoever was merged stays deleted."""
    op.execute("DELETE FROM customer_history WHERE action = 'merged'")
    _allow(_ACTIONS)
    op.drop_table("merges")
    op.drop_column("customers", "merged_into")


def _allow(listed: str) -> None:
    op.drop_constraint(op.f(_CK), "customer_history")
    op.create_check_constraint(op.f(_CK), "customer_history", f"action IN ({listed})")
