"""What becomes of receivables: credit notes, write-offs, bills, disputes, terms, returns; orders that expire."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_MONEY = sa.Numeric(precision=24, scale=4)
_INSTANT = sa.DateTime(timezone=True)
_RESERVING = sa.text("reserved > 0")


def upgrade() -> None:
    _make_tables()
    _extend_invoices()
    # Whatever paid until now was money.
    op.add_column("payments", sa.Column("kind", sa.Text(), nullable=False, server_default="payment"))
    op.alter_column("payments", "kind", server_default=None)
    op.add_column("payments", sa.Column("reason", sa.Text(), nullable=True))
    op.add_column("payments", sa.Column("order_no", sa.Text(), nullable=True))
    op.add_column("payments", sa.Column("order_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_payments_order_id"), "payments", "orders", ["order_id"], ["id"])
    op.create_index(op.f("ix_payments_order_id"), "payments", ["order_id"])
    op.create_index(
        "ix_payments_unmatched_order",
        "payments",
        ["source", "order_no"],
        postgresql_where=sa.text("order_id IS NULL AND order_no IS NOT NULL"),
    )
    op.create_check_constraint(op.f("ck_payments_kind"), "payments", "kind IN ('payment', 'credit_note')")
    op.drop_constraint(op.f("uq_payments_source_company_payment_no"), "payments", type_="unique")
    op.create_unique_constraint(
        op.f("uq_payments_kind_source_company_payment_no"),
        "payments",
        ["kind", "source", "company", "payment_no"],
    )
    op.add_column("deliveries", sa.Column("reversed_on", sa.Date(), nullable=True))
    _replace_check("deliveries", "amount", "amount <> 0")
    op.add_column("orders", sa.Column("valid_until", sa.Date(), nullable=True))
    op.add_column("orders", sa.Column("expired_on", sa.Date(), nullable=True))
    op.create_index(
        "ix_orders_reserving_delivery",
        "orders",
        ["customer_id", "delivery_date"],
        postgresql_where=_RESERVING,
    )
    op.create_index("ix_orders_reserving_until", "orders", ["valid_until"], postgresql_where=_RESERVING)
    op.add_column("grants", sa.Column("term", postgresql.JSONB(astext_type=sa.Text()), nullable=True))


def _extend_invoices() -> None:
    for name in ("written_off", "disputed"):
        op.add_column("invoices", sa.Column(name, _MONEY, nullable=False, server_default="0"))
        op.alter_column("invoices", name, server_default=None)
    op.add_column("invoices", sa.Column("last_due_date", sa.Date(), nullable=True))
    op.execute("UPDATE invoices SET last_due_date = due_date")
    op.alter_column("invoices", "last_due_date", nullable=False)
    op.add_column(
        "invoices", sa.Column("instalments", postgresql.JSONB(astext_type=sa.Text()), nullable=True)
    )
    _replace_check("invoices", "status", "status IN ('open', 'paid', 'written_off', 'reversed')")
    _replace_check("invoices", "open_amount", "open_amount >= 0 AND open_amount + written_off <= amount")
    op.create_check_constraint(op.f("ck_invoices_parts"), "invoices", "written_off >= 0 AND disputed >= 0")
    op.create_check_constraint(op.f("ck_invoices_last_due_date"), "invoices", "last_due_date >= due_date")


def _replace_check(table: str, name: str, condition: str) -> None:
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)


def _make_tables() -> None:
    op.create_table(
        "ledger_settings",
        sa.Column("singleton", sa.Boolean(), nullable=False),
        sa.Column("horizon_days", sa.Integer(), nullable=True),
        sa.Column("reservation_days", sa.Integer(), nullable=True),
        sa.Column("disputes_are_overdue", sa.Boolean(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", _INSTANT, nullable=False),
        sa.CheckConstraint("horizon_days >= 0", name=op.f("ck_ledger_settings_horizon_days")),
        sa.CheckConstraint("reservation_days >= 0", name=op.f("ck_ledger_settings_reservation_days")),
        sa.CheckConstraint("singleton", name=op.f("ck_ledger_settings_only_one")),
        sa.PrimaryKeyConstraint("singleton", name=op.f("pk_ledger_settings")),
    )
    op.create_table(
        "bills",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("company", sa.Text(), nullable=False),
        sa.Column("bill_no", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("amount", _MONEY, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("settled_on", sa.Date(), nullable=True),
        sa.Column("recorded_at", _INSTANT, nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'honoured', 'dishonoured', 'void')", name=op.f("ck_bills_status")
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_bills_amount")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_bills_customer_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_bills_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bills")),
    )
    op.create_index(op.f("ix_bills_customer_id"), "bills", ["customer_id"])
    op.create_index(op.f("ix_bills_payment_id"), "bills", ["payment_id"])
    op.create_index("ix_bills_number", "bills", ["bill_no"])
    op.create_index(
        "uq_bills_number",
        "bills",
        ["source", "company", "bill_no"],
        unique=True,
        postgresql_where=sa.text("status != 'void'"),
    )
    op.create_table(
        "disputes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_no", sa.Text(), nullable=False),
        sa.Column("amount", _MONEY, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("opened_at", _INSTANT, nullable=False),
        sa.Column("resolved_on", sa.Date(), nullable=True),
        sa.Column("resolved_by", sa.Text(), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.CheckConstraint("status IN ('open', 'resolved')", name=op.f("ck_disputes_status")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_disputes_amount")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_disputes_customer_id")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_disputes_invoice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disputes")),
    )
    op.create_index(op.f("ix_disputes_customer_id"), "disputes", ["customer_id"])
    op.create_index(op.f("ix_disputes_invoice_id"), "disputes", ["invoice_id"])
    op.create_table(
        "write_offs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("company", sa.Text(), nullable=False),
        sa.Column("write_off_no", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_no", sa.Text(), nullable=False),
        sa.Column("amount", _MONEY, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("written_off_on", sa.Date(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", _INSTANT, nullable=False),
        sa.CheckConstraint("status IN ('recorded', 'reversed')", name=op.f("ck_write_offs_status")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_write_offs_amount")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_write_offs_customer_id")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_write_offs_invoice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_write_offs")),
        sa.UniqueConstraint(
            "source", "company", "write_off_no", name=op.f("uq_write_offs_source_company_write_off_no")
        ),
    )
    op.create_index(op.f("ix_write_offs_customer_id"), "write_offs", ["customer_id"])
    op.create_index(op.f("ix_write_offs_invoice_id"), "write_offs", ["invoice_id"])


def downgrade() -> None:
    for table in ("write_offs", "disputes", "bills", "ledger_settings"):
        op.drop_table(table)
    op.drop_column("grants", "term")
    op.drop_index("ix_orders_reserving_until", table_name="orders", postgresql_where=_RESERVING)
    op.drop_index("ix_orders_reserving_delivery", table_name="orders", postgresql_where=_RESERVING)
    op.drop_column("orders", "expired_on")
    op.drop_column("orders", "valid_until")
    _replace_check("deliveries", "amount", "amount > 0")
    op.drop_column("deliveries", "reversed_on")
    op.drop_constraint(op.f("uq_payments_kind_source_company_payment_no"), "payments", type_="unique")
    op.create_unique_constraint(
        op.f("uq_payments_source_company_payment_no"), "payments", ["source", "company", "payment_no"]
    )
    op.drop_index("ix_payments_unmatched_order", table_name="payments")
    op.drop_index(op.f("ix_payments_order_id"), table_name="payments")
    op.drop_constraint(op.f("fk_payments_order_id"), "payments", type_="foreignkey")
    op.drop_column("payments", "order_id")
    op.drop_column("payments", "order_no")
    op.drop_column("payments", "reason")
    op.drop_column("payments", "kind")
    op.drop_constraint(op.f("ck_invoices_last_due_date"), "invoices", type_="check")
    op.drop_constraint(op.f("ck_invoices_parts"), "invoices", type_="check")
    _replace_check("invoices", "open_amount", "open_amount >= 0 AND open_amount <= amount")
    _replace_check("invoices", "status", "status IN ('open', 'paid', 'reversed')")
    for name in ("instalments", "last_due_date", "disputed", "written_off"):
        op.drop_column("invoices", name)
