"""The star schema: customers and dates around what was ordered, invoiced, paid and granted."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, Index, Integer, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from services.common.tables import INSTANT, MONEY, service_metadata

metadata = service_metadata()

dim_customer = Table(
    "dim_customer",
    metadata,
    Column("customer_id", Uuid, primary_key=True),
    Column("code", Text),
    Column("name", Text),
    Column("region", Text),
    Column("salesperson", Text),
    Column("department", Text),
    Column("grade", Text),
    Column("credit_status", Text, nullable=False, server_default="unset"),
    Column("deleted", Boolean, nullable=False, server_default="false"),
)

account_state = Table(
    "account_state",
    metadata,
    Column("customer_id", Uuid, primary_key=True),
    Column("currency", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("frozen", Boolean, nullable=False),
    Column("credit_limit", MONEY),
    Column("unlimited", Boolean, nullable=False),
    Column("reserved", MONEY, nullable=False),
    Column("delivered", MONEY, nullable=False),
    Column("receivable", MONEY, nullable=False),
    Column("available", MONEY),
    Column("payment_term_days", Integer),
)

# The limit that a customer had at the end of a business date on which it changed.
limit_history = Table(
    "limit_history",
    metadata,
    Column("customer_id", Uuid, primary_key=True),
    Column("business_date", Date, primary_key=True),
    Column("currency", Text, nullable=False),
    Column("credit_limit", MONEY),
    Column("used", MONEY, nullable=False),
)

grants = Table(
    "grants",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("customer_id", Uuid, nullable=False, index=True),
    Column("grant", JSONB, nullable=False),
    Column("granted_at", INSTANT, nullable=False),
)

freezes = Table(
    "freezes",
    metadata,
    Column("event_id", Uuid, primary_key=True),
    Column("customer_id", Uuid, nullable=False, index=True),
    Column("action", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("reason", Text),
    Column("business_date", Date, nullable=False),
)

fact_order = Table(
    "fact_order",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("customer_id", Uuid, nullable=False, index=True),
    Column("order_no", Text, nullable=False),
    Column("company", Text, nullable=False),
    Column("amount", MONEY, nullable=False),
    Column("reserved", MONEY, nullable=False),
    Column("delivered", MONEY, nullable=False),
    Column("invoiced", MONEY, nullable=False),
    Column("currency", Text, nullable=False),
    Column("order_date", Date, nullable=False),
    Column("status", Text, nullable=False),
)
Index("ix_fact_order_date", fact_order.c.order_date)

fact_invoice = Table(
    "fact_invoice",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("customer_id", Uuid, nullable=False, index=True),
    Column("invoice_no", Text, nullable=False),
    Column("company", Text, nullable=False),
    Column("amount", MONEY, nullable=False),
    Column("currency", Text, nullable=False),
    Column("invoice_date", Date, nullable=False),
    Column("due_date", Date, nullable=False),
    # What of it is disputed now.
    Column("disputed", MONEY, nullable=False),
    Column("reversed", Boolean, nullable=False),
)
Index("ix_fact_invoice_date", fact_invoice.c.invoice_date)

# When which part of an invoice falls due, by date. `later` is what falls due after it: money covers the
# first first, so that what is open of a part is what is open of the invoice beyond the later ones.
fact_instalment = Table(
    "fact_instalment",
    metadata,
    Column("invoice_id", Uuid, primary_key=True),
    Column("due_date", Date, primary_key=True),
    Column("amount", MONEY, nullable=False),
    Column("later", MONEY, nullable=False),
)

# Payments, and the credit notes that pay like them.
fact_payment = Table(
    "fact_payment",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("customer_id", Uuid, nullable=False, index=True),
    Column("payment_no", Text, nullable=False),
    Column("amount", MONEY, nullable=False),
    Column("currency", Text, nullable=False),
    Column("paid_at", Date, nullable=False),
    Column("reversed", Boolean, nullable=False),
)

# Acceptance bills: they bind their amount until they are honoured.
fact_bill = Table(
    "fact_bill",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("customer_id", Uuid, nullable=False, index=True),
    Column("bill_no", Text, nullable=False),
    Column("amount", MONEY, nullable=False),
    Column("currency", Text, nullable=False),
    Column("due_date", Date, nullable=False),
    Column("status", Text, nullable=False),
)

# What takes off what is open of an invoice: a part of a payment, of a credit note, or a write-off (`kind`).
fact_allocation = Table(
    "fact_allocation",
    metadata,
    Column("payment_id", Uuid, primary_key=True),
    Column("invoice_id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("amount", MONEY, nullable=False),
    Column("allocated_on", Date, nullable=False),
)
Index("ix_fact_allocation_invoice", fact_allocation.c.invoice_id)

# What the ledger's settings say of what reports show.
ledger_settings = Table(
    "ledger_settings",
    metadata,
    Column("singleton", Boolean, primary_key=True),
    Column("disputes_are_overdue", Boolean, nullable=False),
)

business_date = Table("business_date", metadata, Column("date", Date, primary_key=True))

# What the ledger told of its chains when each business date closed: later it must still say the same.
ledger_roots = Table(
    "ledger_roots",
    metadata,
    Column("date", Date, primary_key=True),
    Column("root", Text, nullable=False),
    Column("before", Text),
    Column("pools", Integer, nullable=False),
)

dashboards = Table(
    "dashboards",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("widgets", JSONB, nullable=False),
    Column("version", Integer, nullable=False),
    Column("author", Text, nullable=False),
)

PROJECTIONS = (
    "dim_customer",
    "account_state",
    "limit_history",
    "grants",
    "freezes",
    "fact_order",
    "fact_invoice",
    "fact_instalment",
    "fact_payment",
    "fact_bill",
    "fact_allocation",
    "ledger_settings",
    "business_date",
    "ledger_roots",
)
