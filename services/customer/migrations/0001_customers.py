"""The first tables: customers and all that belongs to them, and the common ground."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("customer_code_numbers")))
    op.create_table(
        "commands",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("on_answer", sa.Text(), nullable=False),
        sa.Column("on_behalf_of", sa.Text(), nullable=True),
        sa.Column("trace_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('pending', 'done', 'refused')", name=op.f("ck_commands_state")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_commands")),
    )
    op.create_index(
        "ix_commands_pending",
        "commands",
        ["next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_table(
        "customer_credit",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("credit_status", sa.Text(), server_default="unset", nullable=False),
        sa.Column("credit_limit", sa.Numeric(precision=24, scale=4), nullable=True),
        sa.Column("credit_unlimited", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("credit_currency", sa.Text(), nullable=True),
        sa.Column("exposure", sa.Numeric(precision=24, scale=4), server_default="0", nullable=False),
        sa.Column("payment_term_days", sa.Integer(), nullable=True),
        sa.Column("grade", sa.Text(), nullable=True),
        sa.Column("rated_on", sa.Date(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_customer_credit")),
    )
    op.create_table(
        "customer_groups",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.CheckConstraint("parent_id <> id", name=op.f("ck_customer_groups_not_its_own_parent")),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["customer_groups.id"], name=op.f("fk_customer_groups_parent_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_groups")),
        sa.UniqueConstraint("code", name=op.f("uq_customer_groups_code")),
    )
    op.create_index(op.f("ix_customer_groups_parent_id"), "customer_groups", ["parent_id"], unique=False)
    op.create_table(
        "customer_history",
        sa.Column("identity", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("changes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "action IN ('created', 'updated', 'deleted', 'attachment_added', 'attachment_removed')",
            name=op.f("ck_customer_history_action"),
        ),
        sa.PrimaryKeyConstraint("identity", name=op.f("pk_customer_history")),
    )
    op.create_index(
        "ix_customer_history_customer", "customer_history", ["customer_id", "identity"], unique=False
    )
    op.create_table(
        "erp_revisions",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source", "code", name=op.f("pk_erp_revisions")),
    )
    op.create_table(
        "event_head",
        sa.Column("singleton", sa.Boolean(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("published", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("published <= sequence", name=op.f("ck_event_head_published_is_numbered")),
        sa.CheckConstraint("singleton", name=op.f("ck_event_head_only_one")),
        sa.PrimaryKeyConstraint("singleton", name=op.f("pk_event_head")),
    )
    op.create_table(
        "events",
        sa.Column("identity", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("ordering_key", sa.Text(), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("trace_id", sa.Text(), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("dataversion", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("identity", name=op.f("pk_events")),
        sa.UniqueConstraint("id", name=op.f("uq_events_id")),
        sa.UniqueConstraint("sequence", name=op.f("uq_events_sequence")),
    )
    op.create_index("ix_events_ordering_key", "events", ["ordering_key", "sequence"], unique=False)
    op.create_index(
        "ix_events_unnumbered",
        "events",
        ["identity"],
        unique=False,
        postgresql_where=sa.text("sequence IS NULL"),
    )
    op.create_table(
        "form_versions",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("definition", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_by", sa.Text(), nullable=False),
        sa.CheckConstraint("version > 0", name=op.f("ck_form_versions_version")),
        sa.PrimaryKeyConstraint("key", "version", name=op.f("pk_form_versions")),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("input_hash", sa.Text(), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("principal", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index(op.f("ix_idempotency_keys_created_at"), "idempotency_keys", ["created_at"], unique=False)
    op.create_table(
        "parked_events",
        sa.Column("identity", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("ordering_key", sa.Text(), nullable=False),
        sa.Column("event", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("parked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("identity", name=op.f("pk_parked_events")),
    )
    op.create_index(
        "ix_parked_events_open_key",
        "parked_events",
        ["source", "ordering_key"],
        unique=False,
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_index(
        "uq_parked_events_open",
        "parked_events",
        ["source", "id"],
        unique=True,
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_table(
        "positions",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("last_event_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('running', 'stopped', 'diverged')", name=op.f("ck_positions_state")),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_positions")),
    )
    op.create_table(
        "scheduled_runs",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_scheduled_runs")),
    )
    op.create_table(
        "customers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("uscc", sa.Text(), nullable=True),
        sa.Column("group_id", sa.Uuid(), nullable=True),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("salesperson", sa.Text(), nullable=True),
        sa.Column("department", sa.Text(), nullable=True),
        sa.Column("contacts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("form_version", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("code <> '' AND name <> ''", name=op.f("ck_customers_named")),
        sa.CheckConstraint("jsonb_typeof(contacts) = 'array'", name=op.f("ck_customers_contacts")),
        sa.CheckConstraint("jsonb_typeof(fields) = 'object'", name=op.f("ck_customers_fields")),
        sa.CheckConstraint("version > 0", name=op.f("ck_customers_version")),
        sa.ForeignKeyConstraint(["group_id"], ["customer_groups.id"], name=op.f("fk_customers_group_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
    )
    op.create_index(
        "ix_customers_created_at",
        "customers",
        ["created_at", "id"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(op.f("ix_customers_group_id"), "customers", ["group_id"], unique=False)
    op.create_index(
        "ix_customers_name",
        "customers",
        ["name", "id"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_customers_salesperson",
        "customers",
        ["salesperson"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "uq_customers_code",
        "customers",
        ["code"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "uq_customers_uscc",
        "customers",
        ["uscc"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL AND uscc IS NOT NULL"),
    )
    op.create_table(
        "attachments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("storage_key", sa.Text(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("uploaded_by", sa.Text(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("size_bytes > 0", name=op.f("ck_attachments_size")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_attachments_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachments")),
        sa.UniqueConstraint("storage_key", name=op.f("uq_attachments_storage_key")),
    )
    op.create_index(op.f("ix_attachments_customer_id"), "attachments", ["customer_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_attachments_customer_id"), table_name="attachments")
    op.drop_table("attachments")
    op.drop_index(
        "uq_customers_uscc",
        table_name="customers",
        postgresql_where=sa.text("deleted_at IS NULL AND uscc IS NOT NULL"),
    )
    op.drop_index("uq_customers_code", table_name="customers", postgresql_where=sa.text("deleted_at IS NULL"))
    op.drop_index(
        "ix_customers_salesperson", table_name="customers", postgresql_where=sa.text("deleted_at IS NULL")
    )
    op.drop_index("ix_customers_name", table_name="customers", postgresql_where=sa.text("deleted_at IS NULL"))
    op.drop_index(op.f("ix_customers_group_id"), table_name="customers")
    op.drop_index(
        "ix_customers_created_at", table_name="customers", postgresql_where=sa.text("deleted_at IS NULL")
    )
    op.drop_table("customers")
    op.drop_table("scheduled_runs")
    op.drop_table("positions")
    op.drop_index(
        "uq_parked_events_open", table_name="parked_events", postgresql_where=sa.text("resolved_at IS NULL")
    )
    op.drop_index(
        "ix_parked_events_open_key",
        table_name="parked_events",
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.drop_table("parked_events")
    op.drop_index(op.f("ix_idempotency_keys_created_at"), table_name="idempotency_keys")
    op.drop_table("idempotency_keys")
    op.drop_table("form_versions")
    op.drop_index("ix_events_unnumbered", table_name="events", postgresql_where=sa.text("sequence IS NULL"))
    op.drop_index("ix_events_ordering_key", table_name="events")
    op.drop_table("events")
    op.drop_table("event_head")
    op.drop_table("erp_revisions")
    op.drop_index("ix_customer_history_customer", table_name="customer_history")
    op.drop_table("customer_history")
    op.drop_index(op.f("ix_customer_groups_parent_id"), table_name="customer_groups")
    op.drop_table("customer_groups")
    op.drop_table("customer_credit")
    op.drop_index("ix_commands_pending", table_name="commands", postgresql_where=sa.text("state = 'pending'"))
    op.drop_table("commands")
    op.execute(sa.schema.DropSequence(sa.Sequence("customer_code_numbers")))
