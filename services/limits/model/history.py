"""The tables that views of any date read: what was closed, and how what is now came to be."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
)

from services.common.tables import INSTANT, MONEY
from services.limits.model.ground import LONG_DAYS, metadata

# What a pool held at the end of a business date on which it had new entries.
closings = Table(
    "closings",
    metadata,
    Column("pool_id", Uuid, ForeignKey("pools.id"), primary_key=True),
    Column("date", Date, primary_key=True),
    # What was known when the date was closed: its entries by then, the hash and the instant of the last.
    Column("entries", BigInteger, nullable=False),
    Column("head", Text, nullable=False),
    Column("recorded_at", INSTANT, nullable=False),
    Column("first_reserved", MONEY, nullable=False),
    Column("first_delivered", MONEY, nullable=False),
    Column("first_receivable", MONEY, nullable=False),
    # What is known now: whoever writes an entry with an earlier date brings these up to date.
    Column("reserved", MONEY, nullable=False),
    Column("delivered", MONEY, nullable=False),
    Column("receivable", MONEY, nullable=False),
)
Index("ix_closings_date", closings.c.date, closings.c.pool_id)

# How the open amount of an invoice came to be what it is.
open_changes = Table(
    "open_changes",
    metadata,
    Column("identity", BigInteger, Identity(), primary_key=True),
    Column("invoice_id", Uuid, ForeignKey("invoices.id"), nullable=False, index=True),
    Column("customer_id", Uuid, nullable=False),
    Column("change", MONEY, nullable=False),
    Column("effective_date", Date, nullable=False),
    # The business date on which it was recorded.
    Column("posted_on", Date, nullable=False),
    Column("recorded_at", INSTANT, nullable=False),
)
Index("ix_open_changes_posted", open_changes.c.customer_id, open_changes.c.posted_on)
Index(
    "ix_open_changes_late",
    open_changes.c.customer_id,
    open_changes.c.posted_on,
    postgresql_where=open_changes.c.posted_on - open_changes.c.effective_date > LONG_DAYS,
)

# How what orders with a delivery date reserve came to be what it is, by that date: the credit horizon asks.
reserved_changes = Table(
    "reserved_changes",
    metadata,
    Column("identity", BigInteger, Identity(), primary_key=True),
    Column("order_id", Uuid, ForeignKey("orders.id"), nullable=False, index=True),
    Column("customer_id", Uuid, nullable=False),
    Column("currency", Text, nullable=False),
    Column("delivery_date", Date, nullable=False),
    Column("change", MONEY, nullable=False),
    Column("effective_date", Date, nullable=False),
    Column("recorded_at", INSTANT, nullable=False),
)
Index("ix_reserved_changes_effective", reserved_changes.c.customer_id, reserved_changes.c.effective_date)
Index(
    "ix_reserved_changes_ahead",
    reserved_changes.c.customer_id,
    reserved_changes.c.delivery_date,
    postgresql_where=reserved_changes.c.delivery_date - reserved_changes.c.effective_date > LONG_DAYS,
)

# What was set for the whole ledger, each time anew, and from which business date on.
settings_changes = Table(
    "settings_changes",
    metadata,
    Column("identity", BigInteger, Identity(), primary_key=True),
    Column("horizon_days", Integer),
    Column("reservation_days", Integer),
    Column("disputes_are_overdue", Boolean, nullable=False),
    Column("effective_date", Date, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("changed_at", INSTANT, nullable=False),
)
