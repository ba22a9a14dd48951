"""Guarantees, collateral and insurance that raise the limit of any pool, not only of a customer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("pools", sa.Column("guaranteed", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("guarantees", sa.Column("pool_kind", sa.Text(), nullable=False, server_default="customer"))
    op.add_column("guarantees", sa.Column("pool_key", sa.Text(), nullable=True))
    op.add_column("guarantees", sa.Column("segment", sa.Text(), nullable=False, server_default=""))
    op.execute("UPDATE guarantees SET pool_key = customer_id::text")
    op.alter_column("guarantees", "pool_key", nullable=False)
    op.alter_column("guarantees", "pool_kind", server_default=None)
    op.alter_column("guarantees", "segment", server_default=None)
    op.alter_column("guarantees", "customer_id", nullable=True)
    op.create_check_constraint(
        op.f("ck_guarantees_owner"), "guarantees", "(pool_kind = 'customer') = (customer_id IS NOT NULL)"
    )
    op.create_index("ix_guarantees_pool", "guarantees", ["pool_kind", "pool_key"], unique=False)
    op.drop_index("ix_guarantees_currency", table_name="guarantees")
    op.create_index(
        "ix_guarantees_currency", "guarantees", ["currency", "pool_kind", "pool_key"], unique=False
    )


def downgrade() -> None:
    op.execute("DELETE FROM guarantees WHERE pool_kind <> 'customer' OR segment <> ''")
    op.drop_index("ix_guarantees_currency", table_name="guarantees")
    op.create_index("ix_guarantees_currency", "guarantees", ["currency", "customer_id"], unique=False)
    op.drop_index("ix_guarantees_pool", table_name="guarantees")
    op.drop_constraint(op.f("ck_guarantees_owner"), "guarantees", type_="check")
    op.alter_column("guarantees", "customer_id", nullable=False)
    for name in ("segment", "pool_key", "pool_kind"):
        op.drop_column("guarantees", name)
    op.drop_column("pools", "guaranteed")
