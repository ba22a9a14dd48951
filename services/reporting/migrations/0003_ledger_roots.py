"""What the ledger told of its chains at the end of each business date."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger_roots",
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("pools", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("date", name=op.f("pk_ledger_roots")),
    )


def downgrade() -> None:
    op.drop_table("ledger_roots")
