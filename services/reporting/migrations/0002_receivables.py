"""Instalments, credit notes, write-offs, bills and disputes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_MONEY = sa.Numeric(precision=24, scale=4)


def upgrade() -> None:
    op.create_table(
        "fact_instalment",
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=False),
        sa.Column("amount", _MONEY, nullable=False),
        sa.Column("later", _MONEY, nullable=False),
        sa.PrimaryKeyConstraint("invoice_id", "due_date", name=op.f("pk_fact_instalment")),
    )
    # Until now every invoice fell due on one date.
    op.execute("INSERT INTO fact_instalment SELECT id, due_date, amount, 0 FROM fact_invoice")
    op.create_table(
        "fact_bill",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("bill_no", sa.Text(), nullable=False),
        sa.Column("amount", _MONEY, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fact_bill")),
    )
    op.create_index(op.f("ix_fact_bill_customer_id"), "fact_bill", ["customer_id"])
    op.create_table(
        "ledger_settings",
        sa.Column("singleton", sa.Boolean(), nullable=False),
        sa.Column("disputes_are_overdue", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("singleton", name=op.f("pk_ledger_settings")),
    )
    op.add_column("fact_invoice", sa.Column("disputed", _MONEY, nullable=False, server_default="0"))
    op.alter_column("fact_invoice", "disputed", server_default=None)
    for table in ("fact_payment", "fact_allocation"):
        op.add_column(table, sa.Column("kind", sa.Text(), nullable=False, server_default="payment"))
        op.alter_column(table, "kind", server_default=None)


def downgrade() -> None:
    for table in ("fact_payment", "fact_allocation"):
        op.drop_column(table, "kind")
    op.drop_column("fact_invoice", "disputed")
    for table in ("ledger_settings", "fact_bill", "fact_instalment"):
        op.drop_table(table)
