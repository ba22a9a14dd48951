"""The tables of receivables: invoices, what pays them, and what becomes of both."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    and_,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.common.tables import INSTANT, MONEY
from services.limits.model.ground import LONG_DAYS, metadata

invoices = Table(
    "invoices",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("source", Text, nullable=False),
    Column("company", Text, nullable=False),
    Column("invoice_no", Text, nullable=False),
    # Whose exposure it is: its order's selling company, where that names one, else its own.
    Column("segment", Text, nullable=False),
    Column("customer_id", Uuid, ForeignKey("customers.id"), nullable=False),
    Column("order_no", Text),
    Column("order_id", Uuid, ForeignKey("orders.id"), index=True),
    Column("amount", MONEY, nullable=False),
    # What is to be paid: amount − allocations − written off.
    Column("open_amount", MONEY, nullable=False),
    Column("written_off", MONEY, nullable=False),
    # What its open disputes are about.
    Column("disputed", MONEY, nullable=False),
    Column("currency", Text, nullable=False),
    Column("invoice_date", Date, nullable=False),
    # With instalments ([{due_date, amount}], by date), the first of their dates and the last.
    Column("due_date", Date, nullable=False),
    Column("last_due_date", Date, nullable=False),
    Column("instalments", JSONB),
    Column("salesperson", Text),
    Column("status", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("recorded_at", INSTANT, nullable=False),
    # From when on money may cover it: since it took effect, or since it lost money that covered it.
    Column("open_since", Date),
    # The last date on which its open amount changed: the one from which it is settled, if it is.
    Column("changed_on", Date),
    UniqueConstraint("source", "company", "invoice_no"),
    CheckConstraint("status IN ('open', 'paid', 'written_off', 'reversed')", name="status"),
    CheckConstraint("amount > 0", name="amount"),
    CheckConstraint("open_amount >= 0 AND open_amount + written_off <= amount", name="open_amount"),
    CheckConstraint("written_off >= 0 AND disputed >= 0", name="parts"),
    CheckConstraint("last_due_date >= due_date", name="last_due_date"),
)
_open_invoice = invoices.c.open_amount > 0
Index("ix_invoices_open_due", invoices.c.due_date, invoices.c.customer_id, postgresql_where=_open_invoice)
Index(
    "ix_invoices_open_customer", invoices.c.customer_id, invoices.c.due_date, postgresql_where=_open_invoice
)
Index("ix_invoices_customer_due", invoices.c.customer_id, invoices.c.due_date)
Index(
    "ix_invoices_settled_late",
    invoices.c.customer_id,
    invoices.c.due_date,
    postgresql_where=invoices.c.changed_on - invoices.c.due_date > LONG_DAYS,
)
Index("ix_invoices_customer_number", invoices.c.customer_id, invoices.c.invoice_no)
Index(
    "ix_invoices_unmatched_order",
    invoices.c.source,
    invoices.c.order_no,
    postgresql_where=invoices.c.order_id.is_(None),
)

# Whatever pays invoices: money, or a credit note. The number of a credit note is its `payment_no` here.
payments = Table(
    "payments",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("company", Text, nullable=False),
    Column("payment_no", Text, nullable=False),
    # As with invoices: a credit note may name an order.
    Column("segment", Text, nullable=False),
    Column("customer_id", Uuid, ForeignKey("customers.id"), nullable=False, index=True),
    Column("amount", MONEY, nullable=False),
    Column("unallocated", MONEY, nullable=False),
    Column("currency", Text, nullable=False),
    Column("paid_at", Date, nullable=False),
    Column("method", Text, nullable=False),
    Column("reason", Text),
    # The order of which a credit note takes back what was invoiced, because its goods came back.
    Column("order_no", Text),
    Column("order_id", Uuid, ForeignKey("orders.id"), index=True),
    Column("status", Text, nullable=False),
    Column("recorded_at", INSTANT, nullable=False),
    UniqueConstraint("kind", "source", "company", "payment_no"),
    CheckConstraint("kind IN ('payment', 'credit_note')", name="kind"),
    # From when on it may cover invoices: since it took effect, or since it was taken from an invoice.
    Column("free_since", Date),
    CheckConstraint("status IN ('recorded', 'reversed')", name="status"),
    CheckConstraint("amount > 0", name="amount"),
    CheckConstraint("unallocated >= 0 AND unallocated <= amount", name="unallocated"),
)

Index(
    "ix_payments_unmatched_order",
    payments.c.source,
    payments.c.order_no,
    postgresql_where=and_(payments.c.order_id.is_(None), payments.c.order_no.is_not(None)),
)

# `invoice_id` is empty while the invoice that the payer named has not arrived.
allocations = Table(
    "allocations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("payment_id", Uuid, ForeignKey("payments.id"), nullable=False, index=True),
    Column("invoice_id", Uuid, ForeignKey("invoices.id"), index=True),
    Column("customer_id", Uuid, nullable=False),
    Column("invoice_no", Text, nullable=False),
    Column("amount", MONEY, nullable=False),
    Column("allocated_on", Date, nullable=False),
    # Nobody named the invoice: the ledger let the money cover what was due first, and may think again.
    Column("automatic", Boolean, nullable=False),
    CheckConstraint("amount > 0", name="amount"),
)
Index(
    "ix_allocations_automatic",
    allocations.c.customer_id,
    postgresql_where=allocations.c.automatic,
)
Index(
    "ix_allocations_waiting",
    allocations.c.customer_id,
    allocations.c.invoice_no,
    postgresql_where=allocations.c.invoice_id.is_(None),
)

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

# A payment by bill pays its invoices at once, and the bill binds its amount until it is honoured: in the
# segments of the invoices that it pays, and what pays none in that of its own company.
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
    Column("resolved_at", INSTANT),
    Column("resolved_by", Text),
    Column("resolution", Text),
    CheckConstraint("status IN ('open', 'resolved')", name="status"),
    CheckConstraint("amount > 0", name="amount"),
)
