"""Orders are of the customer who pays; who ordered is kept beside it.

Until now the payer that an order named was kept and nothing made of it: those orders stay with the customer
whose limit they were checked against.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("orders", "payer_id")
    op.add_column("orders", sa.Column("sold_to_id", sa.Uuid(), nullable=True))
    op.create_index(
        "ix_orders_sold_to",
        "orders",
        ["sold_to_id"],
        unique=False,
        postgresql_where=sa.text("sold_to_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_orders_sold_to", table_name="orders")
    op.drop_column("orders", "sold_to_id")
    op.add_column("orders", sa.Column("payer_id", sa.Uuid(), nullable=True))
