"""The tables of overrides: special approvals, and what used them up."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Date, ForeignKey, Integer, Table, Text, UniqueConstraint, Uuid

from services.common.tables import INSTANT, MONEY
from services.limits.model.ground import metadata

overrides = Table(
    "overrides",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("customer_id", Uuid, ForeignKey("customers.id"), nullable=False, index=True),
    Column("amount", MONEY, nullable=False),
    Column("currency", Text, nullable=False),
    # How many orders it lets pass; what used it is kept beside it to be verified.
    Column("count", Integer, nullable=False),
    Column("used_amount", MONEY, nullable=False),
    Column("used_count", Integer, nullable=False),
    # The one order that it is for; empty: any of the customer's. Its source and company where they are known.
    Column("order_no", Text),
    Column("source", Text),
    Column("company", Text),
    # The last business date on which it counts; empty: until it is used up.
    Column("valid_until", Date),
    Column("reason", Text, nullable=False),
    Column("granted_on", Date, nullable=False),
    Column("granted_by", Text, nullable=False),
    Column("granted_at", INSTANT, nullable=False),
    Column("ended_on", Date),
    Column("ended_by", Text),
    Column("ended_at", INSTANT),
    Column("end_reason", Text),
    CheckConstraint("amount > 0 AND count > 0", name="size"),
    CheckConstraint("used_amount >= 0 AND used_amount <= amount", name="used_amount"),
    CheckConstraint("used_count >= 0 AND used_count <= count", name="used_count"),
)

# Append-only by trigger.
override_uses = Table(
    "override_uses",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("override_id", Uuid, ForeignKey("overrides.id"), nullable=False, index=True),
    Column("customer_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("order_no", Text, nullable=False),
    Column("decision_id", Uuid, nullable=False),
    Column("amount", MONEY, nullable=False),
    Column("currency", Text, nullable=False),
    Column("used_on", Date, nullable=False),
    Column("used_by", Text, nullable=False),
    Column("used_at", INSTANT, nullable=False),
    CheckConstraint("amount > 0", name="amount"),
    UniqueConstraint("decision_id"),
)
