"""Money that covers what was due first, revisions of an order's content, entries by customer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # What was recorded before was as good as named: it stays where it is.
    op.add_column(
        "allocations", sa.Column("automatic", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.alter_column("allocations", "automatic", server_default=None)
    op.create_index(
        "ix_allocations_automatic",
        "allocations",
        ["customer_id"],
        unique=False,
        postgresql_where=sa.text("automatic"),
    )
    op.add_column("orders", sa.Column("content_revision", sa.Integer(), nullable=True))
    op.execute("UPDATE orders SET content_revision = revision")
    op.alter_column("orders", "content_revision", nullable=False)
    op.create_index("ix_entries_customer", "entries", ["customer_id", "identity"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_entries_customer", table_name="entries")
    op.drop_index("ix_allocations_automatic", table_name="allocations", postgresql_where=sa.text("automatic"))
    op.drop_column("allocations", "automatic")
    op.drop_column("orders", "content_revision")
