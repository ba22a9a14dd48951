"""Pools that several customers share, or that stand for one selling company, and their limits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "customer_groups",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_groups")),
    )
    # What there is are customers' overall pools, which always control.
    op.add_column("pools", sa.Column("controlled", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.alter_column("pools", "controlled", server_default=None)
    op.alter_column("grants", "customer_id", nullable=True)
    op.add_column("grants", sa.Column("pool_kind", sa.Text(), nullable=False, server_default="customer"))
    op.add_column("grants", sa.Column("pool_key", sa.Text(), nullable=True))
    op.add_column("grants", sa.Column("segment", sa.Text(), nullable=False, server_default=""))
    op.execute("UPDATE grants SET pool_key = customer_id::text")
    op.alter_column("grants", "pool_key", nullable=False)
    op.alter_column("grants", "pool_kind", server_default=None)
    op.alter_column("grants", "segment", server_default=None)
    op.create_check_constraint(
        op.f("ck_grants_owner"), "grants", "(pool_kind = 'customer') = (customer_id IS NOT NULL)"
    )
    op.create_index("ix_grants_pool", "grants", ["pool_kind", "pool_key"], unique=False)


def downgrade() -> None:
    op.execute("DELETE FROM grants WHERE pool_kind <> 'customer' OR segment <> ''")
    op.drop_index("ix_grants_pool", table_name="grants")
    op.drop_constraint(op.f("ck_grants_owner"), "grants", type_="check")
    for name in ("segment", "pool_key", "pool_kind"):
        op.drop_column("grants", name)
    op.alter_column("grants", "customer_id", nullable=False)
    op.drop_column("pools", "controlled")
    op.drop_table("customer_groups")
