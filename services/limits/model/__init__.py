"""The tables of the limit ledger."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    false,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.common.tables import INSTANT, MONEY
from services.limits.model.exchange_rates import exchange_rates
from services.limits.model.ground import LONG_DAYS, metadata
from services.limits.model.history import closings, open_changes, reserved_changes, settings_changes
from services.limits.model.overrides import override_uses, overrides
from services.limits.model.receivables import allocations, bills, disputes, invoices, payments, write_offs
from services.limits.model.settings import ledger_settings

__all__ = [
    "LONG_DAYS",
    "allocations",
    "bills",
    "closings",
    "disputes",
    "exchange_rates",
    "invoices",
    "ledger_settings",
    "metadata",
    "open_changes",
    "override_uses",
    "overrides",
    "payments",
    "reserved_changes",
    "settings_changes",
    "write_offs",
]

# The copy of a customer that the ledger needs; its row is the lock of everything the customer owns.
customers = Table(
    "customers",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("code", Text, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("salesperson", Text),
    Column("department", Text),
    # Its department and all above that, the nearest first: whoever checks an order need not look it up.
    Column("departments", ARRAY(Text)),
    Column("group_id", Uuid),
    # Of the white list: rules only warn of its orders. The black list is a freeze.
    Column("whitelisted", Boolean, nullable=False, server_default=false()),
    Column("active", Boolean, nullable=False),
    # Whose everything is that was this customer's.
    Column("merged_into", Uuid),
)
Index("ix_customers_departments", customers.c.departments, postgresql_using="gin")

# The copy of a department: those above a customer's own may carry limits, too.
departments = Table(
    "departments",
    metadata,
    Column("code", Text, primary_key=True),
    Column("parent", Text),
)

# The copy of a customer group: those above a customer's own may carry limits, too.
customer_groups = Table(
    "customer_groups",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("parent_id", Uuid),
)

# Whatever carries a limit. Balances are kept by the transaction that writes the entries they sum.
# A customer's overall pool is always there; any other only while, or since, somebody controls it.
pools = Table(
    "pools",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("segment", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("reserved", MONEY, nullable=False),
    Column("delivered", MONEY, nullable=False),
    Column("receivable", MONEY, nullable=False),
    # How many entries it has, and the hash of the last: the end of their chain.
    Column("entries", BigInteger, nullable=False),
    Column("head", Text, nullable=False),
    Column("controlled", Boolean, nullable=False),
    # Whether it was ever given a guarantee: who holds the row need not look for any otherwise.
    Column("guaranteed", Boolean, nullable=False, server_default=false()),
    # When the last was recorded: no entry is recorded before the one that it stands behind.
    Column("recorded_at", INSTANT),
    # The last business date that was closed for it (closings), and its entries by then.
    Column("closed_on", Date),
    Column("closed_entries", BigInteger),
    UniqueConstraint("kind", "key", "segment", "currency"),
    CheckConstraint("kind IN ('customer', 'group', 'salesperson', 'department')", name="kind"),
    CheckConstraint("reserved >= 0", name="reserved"),
    CheckConstraint("delivered >= 0", name="delivered"),
)
Index("ix_pools_currency", pools.c.currency, pools.c.kind, pools.c.key)

grants = Table(
    "grants",
    metadata,
    Column("id", Uuid, primary_key=True),
    # Empty for a pool that several customers share.
    Column("customer_id", Uuid, ForeignKey("customers.id"), index=True),
    Column("pool_kind", Text, nullable=False),
    Column("pool_key", Text, nullable=False),
    Column("segment", Text, nullable=False),
    Column("kind", Text, nullable=False),
    # How it came to be: granted anew, or the one before it raised, cut or replaced.
    Column("change", Text, nullable=False),
    Column("amount", MONEY),
    Column("unlimited", Boolean, nullable=False),
    Column("currency", Text, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    Column("term_days", Integer),
    # The payment term (terms.py); empty where it is plainly net days, or none was agreed.
    Column("term", JSONB),
    Column("application_id", Text, unique=True),
    Column("reason", Text),
    Column("granted_by", Text, nullable=False),
    Column("granted_at", INSTANT, nullable=False),
    # A new base grant replaces the one before it: that one ends here, and stays as history.
    Column("replaced_on", Date),
    Column("replaced_at", INSTANT),
    CheckConstraint("kind IN ('base', 'temporary')", name="kind"),
    CheckConstraint("(pool_kind = 'customer') = (customer_id IS NOT NULL)", name="owner"),
    CheckConstraint("change IN ('grant', 'raise', 'cut', 'replace')", name="change"),
    CheckConstraint("unlimited = (amount IS NULL)", name="amount_or_unlimited"),
    CheckConstraint("amount >= 0", name="amount"),
    CheckConstraint("valid_to >= valid_from", name="validity"),
)
Index("ix_grants_pool", grants.c.pool_kind, grants.c.pool_key)
Index("ix_grants_currency", grants.c.currency, grants.c.pool_kind, grants.c.pool_key)
Index("ix_grants_valid_from", grants.c.valid_from, grants.c.customer_id)
Index("ix_grants_valid_to", grants.c.valid_to, grants.c.customer_id)

# What raises an effective limit by value × accepted percent while it is valid.
guarantees = Table(
    "guarantees",
    metadata,
    Column("id", Uuid, primary_key=True),
    # Empty for a pool that several customers share.
    Column("customer_id", Uuid, ForeignKey("customers.id"), index=True),
    Column("pool_kind", Text, nullable=False),
    Column("pool_key", Text, nullable=False),
    Column("segment", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("value", MONEY, nullable=False),
    Column("currency", Text, nullable=False),
    Column("accepted_percent", Numeric(7, 4), nullable=False),
    Column("provider", Text, nullable=False),
    Column("reference", Text),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    Column("reason", Text),
    Column("accepted_by", Text, nullable=False),
    Column("accepted_at", INSTANT, nullable=False),
    Column("released_on", Date),
    Column("released_at", INSTANT),
    Column("released_by", Text),
    Column("release_reason", Text),
    CheckConstraint("(pool_kind = 'customer') = (customer_id IS NOT NULL)", name="owner"),
    CheckConstraint("kind IN ('guarantee', 'collateral', 'insurance')", name="kind"),
    CheckConstraint("value > 0", name="value"),
    CheckConstraint("accepted_percent > 0 AND accepted_percent <= 100", name="accepted_percent"),
    CheckConstraint("valid_to >= valid_from", name="validity"),
)
Index("ix_guarantees_pool", guarantees.c.pool_kind, guarantees.c.pool_key)
Index("ix_guarantees_currency", guarantees.c.currency, guarantees.c.pool_kind, guarantees.c.pool_key)
Index("ix_guarantees_valid_from", guarantees.c.valid_from, guarantees.c.customer_id)
Index("ix_guarantees_valid_to", guarantees.c.valid_to, guarantees.c.customer_id)

freezes = Table(
    "freezes",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("customer_id", Uuid, ForeignKey("customers.id"), nullable=False, index=True),
    Column("source", Text, nullable=False),
    Column("episode", Text),
    Column("reason", Text, nullable=False),
    Column("cure", JSONB),
    Column("since", Date, nullable=False),
    Column("frozen_by", Text, nullable=False),
    Column("frozen_at", INSTANT, nullable=False),
    Column("lifted_on", Date),
    Column("lifted_by", Text),
    Column("lifted_at", INSTANT),
    Column("lift_reason", Text),
)
Index(
    "uq_freezes_open",
    freezes.c.customer_id,
    freezes.c.source,
    unique=True,
    postgresql_where=freezes.c.lifted_at.is_(None),
)

# Stages follow from the totals (ledger.order_stages); they are kept beside them to be summed and verified.
orders = Table(
    "orders",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("source", Text, nullable=False),
    Column("company", Text, nullable=False),
    Column("order_no", Text, nullable=False),
    Column("customer_id", Uuid, ForeignKey("customers.id"), nullable=False),
    # Who ordered, where that is not the customer who pays, and so owes.
    Column("sold_to_id", Uuid),
    Column("amount", MONEY, nullable=False),
    Column("currency", Text, nullable=False),
    Column("order_date", Date, nullable=False),
    Column("delivery_date", Date),
    Column("salesperson", Text),
    Column("status", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    # A status may come with a later revision than the content that it belongs to, and before it.
    Column("content_revision", Integer, nullable=False),
    Column("delivered_total", MONEY, nullable=False),
    Column("invoiced_total", MONEY, nullable=False),
    Column("reserved", MONEY, nullable=False),
    Column("delivered", MONEY, nullable=False),
    Column("decision_id", Uuid),
    # The last business date on which it reserves, and the date on which what was left of it expired.
    Column("valid_until", Date),
    Column("expired_on", Date),
    # The date of the last entry of its: nothing that concerns it takes effect before that.
    Column("effective_date", Date),
    Column("created_at", INSTANT, nullable=False),
    Column("updated_at", INSTANT, nullable=False),
    UniqueConstraint("source", "company", "order_no"),
    CheckConstraint("status IN ('reserved', 'held', 'refused', 'cancelled', 'closed')", name="status"),
    CheckConstraint("amount > 0", name="amount"),
    CheckConstraint("reserved >= 0 AND delivered >= 0", name="stages"),
)
Index("ix_orders_sold_to", orders.c.sold_to_id, postgresql_where=orders.c.sold_to_id.is_not(None))
Index("ix_orders_customer", orders.c.customer_id, orders.c.order_date)
Index("ix_orders_status", orders.c.status, orders.c.id)
_reserving = orders.c.reserved > 0
Index(
    "ix_orders_reserving_delivery", orders.c.customer_id, orders.c.delivery_date, postgresql_where=_reserving
)
Index("ix_orders_reserving_until", orders.c.valid_until, postgresql_where=_reserving)

# What a customer ordered on each date, of the orders that were taken: averages need not sum the orders.
order_days = Table(
    "order_days",
    metadata,
    Column("customer_id", Uuid, primary_key=True),
    Column("order_date", Date, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("amount", MONEY, nullable=False),
    Column("count", BigInteger, nullable=False),
)

# A return is a delivery of a negative amount; one that was a mistake is reversed.
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("order_id", Uuid, ForeignKey("orders.id"), nullable=False, index=True),
    Column("delivery_no", Text, nullable=False),
    Column("amount", MONEY, nullable=False),
    Column("delivered_at", Date, nullable=False),
    Column("recorded_at", INSTANT, nullable=False),
    Column("reversed_on", Date),
    UniqueConstraint("order_id", "delivery_no"),
    CheckConstraint("amount <> 0", name="amount"),
)

entries = Table(
    "entries",
    metadata,
    Column("identity", BigInteger, Identity(), primary_key=True),
    Column("pool_id", Uuid, ForeignKey("pools.id"), nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("action", Text, nullable=False),
    Column("document_type", Text, nullable=False),
    Column("document_id", Uuid, nullable=False),
    Column("document_no", Text, nullable=False),
    Column("reserved", MONEY, nullable=False),
    Column("delivered", MONEY, nullable=False),
    Column("receivable", MONEY, nullable=False),
    # The rate to the currency of the pool's limit when it was posted; empty in that currency.
    Column("rate", Numeric),
    Column("effective_date", Date, nullable=False),
    Column("recorded_at", INSTANT, nullable=False),
    Column("actor", Text, nullable=False),
    Column("trace_id", Text, nullable=False),
    # Its place in the chain of its pool, and the hash over it and the entry before (chain.py).
    Column("place", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    UniqueConstraint("pool_id", "place"),
)
Index("ix_entries_customer", entries.c.customer_id, entries.c.identity)
Index("ix_entries_effective", entries.c.pool_id, entries.c.effective_date)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("customer_id", Uuid, nullable=False),
    Column("order_no", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("company", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("amount", MONEY, nullable=False),
    Column("currency", Text, nullable=False),
    Column("reasons", JSONB, nullable=False),
    Column("would_pass_if", JSONB, nullable=False),
    Column("inputs", JSONB, nullable=False),
    Column("rules", JSONB, nullable=False),
    Column("business_date", Date, nullable=False),
    Column("decided_at", INSTANT, nullable=False),
    Column("decided_by", Text, nullable=False),
)
Index("ix_decisions_customer", decisions.c.customer_id, decisions.c.decided_at)

order_check_rules = Table(
    "order_check_rules",
    metadata,
    Column("key", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("definition", JSONB, nullable=False),
)

# ERP documents that cannot be applied yet: their customer, or the order they speak of, has not arrived.
waiting_documents = Table(
    "waiting_documents",
    metadata,
    Column("identity", BigInteger, Identity(), primary_key=True),
    Column("waits_for", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("routing_key", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("received_at", INSTANT, nullable=False),
    CheckConstraint("waits_for IN ('customer', 'order')", name="waits_for"),
)
Index("ix_waiting_documents_key", waiting_documents.c.waits_for, waiting_documents.c.key)

erp_event_ids = Table(
    "erp_event_ids",
    metadata,
    Column("source", Text, primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("received_at", INSTANT, nullable=False),
)

business_clock = Table(
    "business_clock",
    metadata,
    Column("singleton", Boolean, primary_key=True),
    Column("date", Date, nullable=False),
    # False after somebody opened another date than today's: a demo in the past is not to be overtaken.
    Column("follows_schedule", Boolean, nullable=False),
    CheckConstraint("singleton", name="only_one"),
)

business_dates = Table(
    "business_dates",
    metadata,
    Column("date", Date, primary_key=True),
    Column("opened_at", INSTANT, nullable=False),
    Column("opened_by", Text, nullable=False),
    Column("overdue_customers", Integer, nullable=False),
    # Where the day stands (operations/opening.py), and the last customer or pool that its step has reached.
    Column("step", Text, nullable=False),
    Column("reached", Uuid),
    # The root over the chains of all pools, once it is closed.
    Column("root", Text),
    CheckConstraint(
        "step IN ('expiry', 'limits', 'rates', 'aging', 'open', 'closing', 'closed')", name="step"
    ),
)
