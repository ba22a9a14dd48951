"""Copies of exchange rates by date, and of the business date whose rates count."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exchange_rates",
        sa.Column("base", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("rate", sa.Numeric(), nullable=False),
        sa.PrimaryKeyConstraint("base", "currency", "valid_from", name=op.f("pk_exchange_rates")),
    )
    op.create_table(
        "business_date",
        sa.Column("singleton", sa.Boolean(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.CheckConstraint("singleton", name=op.f("ck_business_date_only_one")),
        sa.PrimaryKeyConstraint("singleton", name=op.f("pk_business_date")),
    )


def downgrade() -> None:
    op.drop_table("business_date")
    op.drop_table("exchange_rates")
