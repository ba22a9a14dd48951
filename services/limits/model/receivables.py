"""The tables of what becomes of invoices and payments: write-offs, bills and disputes."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Date, ForeignKey, Index, Table, Text, UniqueConstraint, Uuid

from services.common.tables import INSTANT, MONEY
from services.limits.model.ground import metadata

write_offs = Table(
    "write_offs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("source", Text, nullable=False),
    Column("company", Text, nullable=False),
    Column("write_off_no", Text, nullable=False),
    Column("customer_id", Uuid, ForeignKey("customers.id"), nullable=False, index=True),
    Column("invoice_id", Uuid, ForeignKey("invoices.id"), nullable=False, index=True),
    Column("invoice_no", Text, nullable=False),
    Column("amount", MONEY, nullable=False),
    Column("currency", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("written_off_on", Date, nullable=False),
    Column("status", Text, nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("recorded_at", INSTANT, nullable=False),
    UniqueConstraint("source", "company", "write_off_no"),
    CheckConstraint("status IN ('recorded', 'reversed')", name="status"),
    CheckConstraint("amount > 0", name="amount"),
)

# A payment by bill pays its invoices at once, and the bill binds its amount until it is honoured.
bills = Table(
    "bills",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("source", Text, nullable=False),
    Column("company", Text, nullable=False),
    Column("bill_no", Text, nullable=False),
    Column("customer_id", Uuid, ForeignKey("customers.id"), nullable=False, index=True),
    Column("payment_id", Uuid, ForeignKey("payments.id"), nullable=False, index=True),
    Column("amount", MONEY, nullable=False),
    Column("currency", Text, nullable=False),
    Column("due_date", Date, nullable=False),
    Column("status", Text, nullable=False),
    Column("settled_on", Date),
    Column("recorded_at", INSTANT, nullable=False),
    CheckConstraint("status IN ('pending', 'honoured', 'dishonoured', 'void')", name="status"),
    CheckConstraint("amount > 0", name="amount"),
)
# A bill whose payment was a mistake may be recorded again.
Index(
    "uq_bills_number",
    bills.c.source,
    bills.c.company,
    bills.c.bill_no,
    unique=True,
    postgresql_where=bills.c.status != "void",
)
Index("ix_bills_number", bills.c.bill_no)

disputes = Table(
    "disputes",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("customer_id", Uuid, ForeignKey("customers.id"), nullable=False, index=True),
    Column("invoice_id", Uuid, ForeignKey("invoices.id"), nullable=False, index=True),
    Column("invoice_no", Text, nullable=False),
    Column("amount", MONEY, nullable=False),
    Column("currency", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("opened_on", Date, nullable=False),
    Column("opened_by", Text, nullable=False),
    Column("opened_at", INSTANT, nullable=False),
    Column("resolved_on", Date),
    Column("resolved_by", Text),
    Column("resolution", Text),
    CheckConstraint("status IN ('open', 'resolved')", name="status"),
    CheckConstraint("amount > 0", name="amount"),
)
