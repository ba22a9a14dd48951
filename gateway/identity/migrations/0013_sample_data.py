"""Whether the installation holds the sample company, and how far it has been made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "sample_data",
        sa.Column("singleton", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("whole", sa.Integer(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("contents", postgresql.JSONB(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("singleton", name=op.f("ck_sample_data_only_one")),
        sa.CheckConstraint(
            "state IN ('making', 'made', 'failed', 'removing')", name=op.f("ck_sample_data_state")
        ),
        sa.PrimaryKeyConstraint("singleton", name=op.f("pk_sample_data")),
    )


def downgrade() -> None:
    """Take it away."""
    op.drop_table("sample_data")
