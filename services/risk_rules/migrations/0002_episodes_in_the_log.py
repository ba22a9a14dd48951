"""Where in the log of limits an episode began and ended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Of those that were there before nobody knows; they count as older than everything.
    op.add_column(
        "episodes", sa.Column("first_sequence", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.alter_column("episodes", "first_sequence", server_default=None)
    op.add_column("episodes", sa.Column("end_sequence", sa.BigInteger(), nullable=True))
    op.execute("UPDATE episodes SET end_sequence = 0 WHERE ended_at IS NOT NULL")


def downgrade() -> None:
    op.drop_column("episodes", "end_sequence")
    op.drop_column("episodes", "first_sequence")
