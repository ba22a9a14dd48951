"""The tables of applications."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Identity,
    Index,
    Integer,
    Sequence,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

from services.common.forms.model import definition_tables, file_table, people_table
from services.common.imports.model import import_tables
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

form_versions, form_drafts = definition_tables(metadata)
imports, import_errors = import_tables(metadata)

# One partition per form, made when it is first published: each has the indexes that its own fields ask for.
form_records = Table(
    "form_records",
    metadata,
    Column("form", Text, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("form_version", Integer, nullable=False),
    Column("fields", JSONB, nullable=False),
    # What full-text search reads, see `services.common.forms.words`.
    Column("words", TSVECTOR, nullable=False),
    Column("department", Text),
    Column("version", Integer, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("updated_at", INSTANT, nullable=False),
    Column("updated_by", Text, nullable=False),
    Column("deleted_at", INSTANT),
    CheckConstraint("version > 0", name="version"),
    postgresql_partition_by="LIST (form)",
)
Index("ix_form_records_words", form_records.c.words, postgresql_using="gin")

# What a record has that no other may have; `rule` are the fields, `value` what they hold.
form_unique_values = Table(
    "form_unique_values",
    metadata,
    Column("form", Text, primary_key=True),
    Column("rule", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("record_id", Uuid, nullable=False, index=True),
)

form_numbers = Table(
    "form_numbers",
    metadata,
    # Form, field and period of a running number.
    Column("name", Text, primary_key=True),
    Column("last", BigInteger, nullable=False),
)

form_record_history = Table(
    "form_record_history",
    metadata,
    Column("identity", BigInteger, Identity(), primary_key=True),
    Column("record_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("form_version", Integer, nullable=False),
    Column("action", Text, nullable=False),
    Column("changes", JSONB, nullable=False),
    Column("changed_at", INSTANT, nullable=False),
    Column("changed_by", Text, nullable=False),
)
Index("ix_form_record_history_record", form_record_history.c.record_id, form_record_history.c.identity)

form_views = Table(
    "form_views",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("form", Text, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("filter", Text),
    Column("sort", Text),
    Column("columns", JSONB, nullable=False),
    Column("version", Integer, nullable=False),
    Column("updated_at", INSTANT, nullable=False),
    UniqueConstraint("form", "owner", "name"),
)
form_files = file_table(metadata)
form_people = people_table(metadata)
