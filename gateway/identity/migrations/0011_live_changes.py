"""What has changed for whom, for those who watch: kept for minutes, so that every process can tell its streams."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "live_changes",
        sa.Column("identity", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("identity", name=op.f("pk_live_changes")),
    )
    op.create_index(op.f("ix_live_changes_at"), "live_changes", ["at"])


def downgrade() -> None:
    """Take it away."""
    op.drop_table("live_changes")
