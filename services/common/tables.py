"""The tables that every service's database has: its event log, positions, commands and answered keys."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

# Four decimals hold every ISO 4217 currency; 20 digits before them hold every sum of amounts below 10^15.
MONEY = Numeric(24, 4)
INSTANT = DateTime(timezone=True)

_NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


def service_metadata() -> MetaData:
    """A new service's metadata, already holding the tables that the common layer works on."""
    metadata = MetaData(naming_convention=_NAMING)
    _events(metadata)
    _consuming(metadata)
    _commanding(metadata)
    return metadata


def _events(metadata: MetaData) -> None:
    Table(
        "events",
        metadata,
        Column("identity", BigInteger, Identity(), primary_key=True),
        Column("id", Uuid, nullable=False, unique=True),
        Column("sequence", BigInteger),
        Column("type", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("ordering_key", Text, nullable=False),
        Column("time", INSTANT, nullable=False),
        Column("actor", Text, nullable=False),
        Column("trace_id", Text, nullable=False),
        Column("data", JSONB, nullable=False),
        Column("dataversion", Integer, nullable=False),
    )
    events = metadata.tables["events"]
    # Apart, as the numbered ones would else have to step over the remains of all that ever waited.
    numbered = events.c.sequence.is_not(None)
    Index("ix_events_unnumbered", events.c.identity, postgresql_where=events.c.sequence.is_(None))
    Index("uq_events_sequence", events.c.sequence, unique=True, postgresql_where=numbered)
    Table(
        "event_head",
        metadata,
        Column("singleton", Boolean, primary_key=True),
        Column("sequence", BigInteger, nullable=False),
        Column("published", BigInteger, nullable=False),
        CheckConstraint("singleton", name="only_one"),
        CheckConstraint("published <= sequence", name="published_is_numbered"),
    )


def _consuming(metadata: MetaData) -> None:
    Table(
        "positions",
        metadata,
        Column("source", Text, primary_key=True),
        Column("sequence", BigInteger, nullable=False),
        Column("last_event_id", Uuid),
        Column("state", Text, nullable=False),
        Column("problem", Text),
        Column("updated_at", INSTANT, nullable=False),
        CheckConstraint("state IN ('running', 'stopped', 'diverged')", name="state"),
    )
    Table(
        "parked_events",
        metadata,
        Column("identity", BigInteger, Identity(), primary_key=True),
        Column("id", Uuid, nullable=False),
        Column("source", Text, nullable=False),
        Column("sequence", BigInteger),
        Column("ordering_key", Text, nullable=False),
        Column("event", JSONB, nullable=False),
        Column("problem", Text, nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("parked_at", INSTANT, nullable=False),
        Column("resolved_at", INSTANT),
        Column("resolution", Text),
    )
    parked = metadata.tables["parked_events"]
    open_rows = parked.c.resolved_at.is_(None)
    Index("uq_parked_events_open", parked.c.source, parked.c.id, unique=True, postgresql_where=open_rows)
    Index("ix_parked_events_open_key", parked.c.source, parked.c.ordering_key, postgresql_where=open_rows)


def _commanding(metadata: MetaData) -> None:
    Table(
        "commands",
        metadata,
        Column("key", Text, primary_key=True),
        Column("service", Text, nullable=False),
        Column("method", Text, nullable=False),
        Column("payload", JSONB, nullable=False),
        Column("on_answer", Text, nullable=False),
        Column("on_behalf_of", Text),
        Column("trace_id", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("next_attempt_at", INSTANT, nullable=False),
        Column("answer", JSONB),
        Column("problem", Text),
        Column("created_at", INSTANT, nullable=False),
        Column("finished_at", INSTANT),
        CheckConstraint("state IN ('pending', 'done', 'refused')", name="state"),
    )
    commands = metadata.tables["commands"]
    Index(
        "ix_commands_pending",
        commands.c.next_attempt_at,
        postgresql_where=commands.c.state == "pending",
    )
    Table(
        "idempotency_keys",
        metadata,
        Column("principal", Text, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("method", Text, nullable=False),
        Column("input_hash", Text, nullable=False),
        Column("answer", JSONB),
        Column("created_at", INSTANT, nullable=False, index=True),
    )
    Table(
        "scheduled_runs",
        metadata,
        Column("name", Text, primary_key=True),
        Column("started_at", INSTANT, nullable=False),
    )
