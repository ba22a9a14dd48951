"""The tables of applications."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    Identity,
    Index,
    Integer,
    Sequence,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.common.tables import INSTANT, MONEY, service_metadata

metadata = service_metadata()

application_numbers = Sequence("application_numbers", metadata=metadata)

applications = Table(
    "applications",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("number", Text, nullable=False, unique=True),
    Column("type", Text, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("customer_code", Text, nullable=False),
    Column("customer_name", Text, nullable=False),
    Column("amount", MONEY, nullable=False),
    Column("currency", Text, nullable=False),
    Column("term_days", Integer),
    Column("valid_from", Date),
    Column("valid_to", Date),
    Column("reason", Text),
    Column("fields", JSONB, nullable=False),
    Column("initiator", Text, nullable=False),
    # That of the initiator when it was filed; empty where nobody had one.
    Column("department", Text),
    Column("status", Text, nullable=False),
    # What was approved may be less than what was asked: amount, currency, term, validity.
    Column("approved", JSONB),
    Column("instance_id", Uuid),
    Column("submission", Integer, nullable=False),
    Column("problem", Text),
    Column("version", Integer, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("updated_at", INSTANT, nullable=False),
    CheckConstraint(
        "status IN ('draft', 'in_approval', 'returned', 'granting', 'effective', 'rejected', 'withdrawn', "
        "'grant_failed')",
        name="status",
    ),
    CheckConstraint("amount > 0", name="amount"),
)
Index("ix_applications_customer", applications.c.customer_id, applications.c.created_at)
Index("ix_applications_initiator", applications.c.initiator, applications.c.created_at)

history = Table(
    "history",
    metadata,
    Column("identity", BigInteger, Identity(), primary_key=True),
    Column("application_id", Uuid, nullable=False, index=True),
    Column("action", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("detail", JSONB, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at", INSTANT, nullable=False),
)
