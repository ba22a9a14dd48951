"""Overrides: special approvals that let orders pass beyond a limit or a rule, and what used them up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    money = sa.Numeric(24, 4)
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "overrides",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("amount", money, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("used_amount", money, nullable=False),
        sa.Column("used_count", sa.Integer(), nullable=False),
        sa.Column("order_no", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("company", sa.Text(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("granted_on", sa.Date(), nullable=False),
        sa.Column("granted_by", sa.Text(), nullable=False),
        sa.Column("granted_at", instant, nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("ended_at", instant, nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("amount > 0 AND count > 0", name=op.f("ck_overrides_size")),
        sa.CheckConstraint(
            "used_amount >= 0 AND used_amount <= amount", name=op.f("ck_overrides_used_amount")
        ),
        sa.CheckConstraint("used_count >= 0 AND used_count <= count", name=op.f("ck_overrides_used_count")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_overrides_customer_id_customers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_overrides")),
    )
    op.create_index(op.f("ix_overrides_customer_id"), "overrides", ["customer_id"])
    op.create_table(
        "override_uses",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("override_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("order_no", sa.Text(), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("amount", money, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("used_on", sa.Date(), nullable=False),
        sa.Column("used_by", sa.Text(), nullable=False),
        sa.Column("used_at", instant, nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_override_uses_amount")),
        sa.ForeignKeyConstraint(
            ["override_id"], ["overrides.id"], name=op.f("fk_override_uses_override_id_overrides")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_override_uses")),
        sa.UniqueConstraint("decision_id", name=op.f("uq_override_uses_decision_id")),
    )
    op.create_index(op.f("ix_override_uses_override_id"), "override_uses", ["override_id"])
    op.execute(
        "CREATE TRIGGER override_uses_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON override_uses "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_table("override_uses")
    op.drop_table("overrides")
