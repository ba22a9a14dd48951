"""What a customer ordered on each date: the average order is asked of that, not of the orders."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "order_days",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("order_date", sa.Date(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(24, 4), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "order_date", "currency", name=op.f("pk_order_days")),
    )
    op.execute(
        """
        INSERT INTO order_days (customer_id, order_date, currency, amount, count)
        SELECT customer_id, order_date, currency, sum(amount), count(*)
        FROM orders WHERE status IN ('reserved', 'closed') GROUP BY customer_id, order_date, currency
        """
    )


def downgrade() -> None:
    op.drop_table("order_days")
