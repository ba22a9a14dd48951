"""Guarantees, and how a grant came to be."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "guarantees",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Numeric(precision=24, scale=4), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("accepted_percent", sa.Numeric(precision=7, scale=4), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("accepted_by", sa.Text(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_on", sa.Date(), nullable=True),
        sa.Column("released_by", sa.Text(), nullable=True),
        sa.Column("release_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('guarantee', 'collateral', 'insurance')", name=op.f("ck_guarantees_kind")
        ),
        sa.CheckConstraint(
            "accepted_percent > 0 AND accepted_percent <= 100", name=op.f("ck_guarantees_accepted_percent")
        ),
        sa.CheckConstraint("valid_to >= valid_from", name=op.f("ck_guarantees_validity")),
        sa.CheckConstraint("value > 0", name=op.f("ck_guarantees_value")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_guarantees_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guarantees")),
    )
    op.create_index(op.f("ix_guarantees_customer_id"), "guarantees", ["customer_id"], unique=False)
    op.create_index("ix_guarantees_valid_from", "guarantees", ["valid_from"], unique=False)
    op.create_index("ix_guarantees_valid_to", "guarantees", ["valid_to"], unique=False)
    # What was granted before was granted anew: nothing could be raised or cut.
    op.add_column("grants", sa.Column("change", sa.Text(), nullable=False, server_default="grant"))
    op.alter_column("grants", "change", server_default=None)
    op.create_check_constraint(
        op.f("ck_grants_change"), "grants", "change IN ('grant', 'raise', 'cut', 'replace')"
    )
    op.create_index("ix_grants_valid_from", "grants", ["valid_from"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_grants_valid_from", table_name="grants")
    op.drop_constraint(op.f("ck_grants_change"), "grants", type_="check")
    op.drop_column("grants", "change")
    op.drop_index("ix_guarantees_valid_to", table_name="guarantees")
    op.drop_index("ix_guarantees_valid_from", table_name="guarantees")
    op.drop_index(op.f("ix_guarantees_customer_id"), table_name="guarantees")
    op.drop_table("guarantees")
