"""The tables of rules, their firings, and ratings."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.common.tables import INSTANT, MONEY, service_metadata

metadata = service_metadata()

rules = Table(
    "rules",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("draft", JSONB, nullable=False),
    Column("published_version", Integer),
    Column("version", Integer, nullable=False),
    Column("author", Text, nullable=False),
    Column("updated_at", INSTANT, nullable=False),
)

# Published versions are never changed: a firing and a decision name the version that they followed.
rule_versions = Table(
    "rule_versions",
    metadata,
    Column("rule_id", Uuid, ForeignKey("rules.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("definition", JSONB, nullable=False),
    Column("published_at", INSTANT, nullable=False),
    Column("published_by", Text, nullable=False),
)

customers = Table(
    "customers",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("salesperson", Text),
    Column("department", Text),
)

# One row per rule and customer while its condition holds: a rule fires once for each.
episodes = Table(
    "episodes",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("rule_key", Text, nullable=False),
    Column("rule_version", Integer, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("facts", JSONB, nullable=False),
    Column("began_on", Date, nullable=False),
    Column("fired_at", INSTANT, nullable=False),
    Column("ended_on", Date),
    Column("ended_at", INSTANT),
    # Where in the log of limits it began and ended: what is read again from there is known.
    Column("first_sequence", BigInteger, nullable=False),
    Column("end_sequence", BigInteger),
    UniqueConstraint("rule_key", "customer_id", "number"),
)
_open = episodes.c.ended_at.is_(None)
Index("uq_episodes_open", episodes.c.rule_key, episodes.c.customer_id, unique=True, postgresql_where=_open)
Index("ix_episodes_customer_open", episodes.c.customer_id, postgresql_where=_open)
Index("ix_episodes_fired", episodes.c.rule_key, episodes.c.id)

# What payments have shown of a customer's behaviour, in the account's currency.
behaviour = Table(
    "behaviour",
    metadata,
    Column("customer_id", Uuid, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("paid", MONEY, nullable=False),
    Column("paid_on_time", MONEY, nullable=False),
    Column("amount_days_late", Numeric(28, 4), nullable=False),
    CheckConstraint("paid >= paid_on_time", name="on_time_is_part"),
)

ratings = Table(
    "ratings",
    metadata,
    Column("customer_id", Uuid, primary_key=True),
    Column("grade", Text, nullable=False),
    Column("score", Integer, nullable=False),
    Column("by_person", Boolean, nullable=False),
    Column("rated_on", Date, nullable=False),
    Column("reasons", JSONB, nullable=False),
    CheckConstraint("grade IN ('A', 'B', 'C', 'D', 'E')", name="grade"),
)
