"""The tables of the customer service."""

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
    Sequence,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.common.forms.model import definition_tables, file_table, people_table
from services.common.imports.model import import_tables
from services.common.tables import INSTANT, MONEY, service_metadata

metadata = service_metadata()

# Codes of customers that come without one.
customer_code_numbers = Sequence("customer_code_numbers", metadata=metadata)

customer_groups = Table(
    "customer_groups",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("parent_id", Uuid, ForeignKey("customer_groups.id"), index=True),
    Column("created_at", INSTANT, nullable=False),
    Column("created_by", Text, nullable=False),
    CheckConstraint("parent_id <> id", name="not_its_own_parent"),
)

customers = Table(
    "customers",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("uscc", Text),
    Column("group_id", Uuid, ForeignKey("customer_groups.id"), index=True),
    Column("region", Text),
    Column("salesperson", Text),
    Column("department", Text),
    Column("contacts", JSONB, nullable=False),
    Column("fields", JSONB, nullable=False),
    Column("tags", ARRAY(Text), nullable=False, server_default="{}"),
    Column("credit_review_on", Date),
    # Null once it was told of.
    Column("review_remind_on", Date),
    # Black or white, who put the customer there and why.
    Column("list_kind", Text),
    Column("list_reason", Text),
    Column("listed_by", Text),
    Column("listed_at", INSTANT),
    # What names that are like it are found by, see `names`.
    Column("name_key", Text, nullable=False),
    Column("name_pieces", ARRAY(Text), nullable=False),
    Column("form_version", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("updated_at", INSTANT, nullable=False),
    Column("updated_by", Text, nullable=False),
    Column("deleted_at", INSTANT),
    # As whom a deleted customer goes on.
    Column("merged_into", Uuid),
    CheckConstraint("version > 0", name="version"),
    CheckConstraint("code <> '' AND name <> ''", name="named"),
    CheckConstraint("jsonb_typeof(contacts) = 'array'", name="contacts"),
    CheckConstraint("jsonb_typeof(fields) = 'object'", name="fields"),
    CheckConstraint("list_kind IN ('blacklist', 'whitelist')", name="list_kind"),
    CheckConstraint("(list_kind IS NULL) = (list_reason IS NULL)", name="list_reason"),
)
_alive = customers.c.deleted_at.is_(None)
Index("uq_customers_code", customers.c.code, unique=True, postgresql_where=_alive)
Index(
    "uq_customers_uscc", customers.c.uscc, unique=True, postgresql_where=_alive & customers.c.uscc.isnot(None)
)
Index("ix_customers_created_at", customers.c.created_at, customers.c.id, postgresql_where=_alive)
Index("ix_customers_name", customers.c.name, customers.c.id, postgresql_where=_alive)
Index("ix_customers_salesperson", customers.c.salesperson, postgresql_where=_alive)
Index("ix_customers_tags", customers.c.tags, postgresql_using="gin")
Index("ix_customers_name_pieces", customers.c.name_pieces, postgresql_using="gin")
Index("ix_customers_name_key", customers.c.name_key, postgresql_where=_alive)
Index(
    "ix_customers_review",
    customers.c.credit_review_on,
    postgresql_where=_alive & customers.c.credit_review_on.isnot(None),
)
Index(
    "ix_customers_review_remind_on",
    customers.c.review_remind_on,
    postgresql_where=_alive & customers.c.review_remind_on.isnot(None),
)

# Copies of what limits and risk_rules decided, fed by their events and by nothing else.
customer_credit = Table(
    "customer_credit",
    metadata,
    Column("customer_id", Uuid, primary_key=True),
    Column("credit_status", Text, nullable=False, server_default="unset"),
    Column("credit_limit", MONEY),
    Column("credit_unlimited", Boolean, nullable=False, server_default="false"),
    Column("credit_currency", Text),
    Column("exposure", MONEY, nullable=False, server_default="0"),
    Column("payment_term_days", Integer),
    Column("grade", Text),
    Column("rated_on", Date),
    Column("updated_at", INSTANT, nullable=False),
)

customer_history = Table(
    "customer_history",
    metadata,
    Column("identity", BigInteger, Identity(), primary_key=True),
    Column("customer_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("action", Text, nullable=False),
    Column("changes", JSONB, nullable=False),
    Column("changed_at", INSTANT, nullable=False),
    Column("changed_by", Text, nullable=False),
    CheckConstraint(
        "action IN ('created', 'updated', 'deleted', 'attachment_added', 'attachment_removed', 'listed',"
        " 'document_added', 'document_changed', 'document_removed', 'merged')",
        name="action",
    ),
)
Index("ix_customer_history_customer", customer_history.c.customer_id, customer_history.c.identity)

attachments = Table(
    "attachments",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("customer_id", Uuid, ForeignKey("customers.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("storage_key", Text, nullable=False, unique=True),
    Column("uploaded_at", INSTANT, nullable=False),
    Column("uploaded_by", Text, nullable=False),
    Column("deleted_at", INSTANT),
    CheckConstraint("size_bytes > 0", name="size"),
)

# Licences, contracts and the like of a customer; `remind_on` is null once it was told of.
documents = Table(
    "documents",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("customer_id", Uuid, ForeignKey("customers.id"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("number", Text),
    Column("valid_from", Date),
    Column("valid_to", Date),
    Column("remind_days", Integer, nullable=False),
    Column("remind_on", Date),
    Column("attachment_id", Uuid, ForeignKey("attachments.id")),
    Column("version", Integer, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("updated_at", INSTANT, nullable=False),
    Column("updated_by", Text, nullable=False),
    Column("deleted_at", INSTANT),
    CheckConstraint("valid_from IS NULL OR valid_to IS NULL OR valid_from <= valid_to", name="validity"),
    CheckConstraint("remind_days >= 0", name="remind_days"),
)
Index(
    "ix_documents_remind_on",
    documents.c.remind_on,
    postgresql_where=documents.c.deleted_at.is_(None) & documents.c.remind_on.isnot(None),
)

# Two customers that are one: `waits_for` names the services that have not handed over yet what they keep.
merges = Table(
    "merges",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("customer_id", Uuid, ForeignKey("customers.id"), nullable=False, unique=True),
    Column("into_id", Uuid, ForeignKey("customers.id"), nullable=False, index=True),
    Column("reason", Text, nullable=False),
    Column("waits_for", ARRAY(Text), nullable=False),
    Column("handed_over", JSONB, nullable=False),
    Column("merged_at", INSTANT, nullable=False),
    Column("merged_by", Text, nullable=False),
    Column("finished_at", INSTANT),
    CheckConstraint("customer_id <> into_id", name="two"),
    CheckConstraint("(finished_at IS NULL) = (waits_for <> '{}')", name="finished"),
)

# Which state of a customer each ERP told last: a lower revision changes nothing.
erp_revisions = Table(
    "erp_revisions",
    metadata,
    Column("source", Text, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("updated_at", INSTANT, nullable=False),
)

form_versions, form_drafts = definition_tables(metadata)
form_files = file_table(metadata)
imports, import_errors = import_tables(metadata)
form_people = people_table(metadata)
