"""Forms that people define, and the records of every one of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Each reads a value of a record as one type: null for what is of another one, as an older version of the form
# may have written. Whoever writes ISO 8601 means one instant, whatever the session's settings are, so they may
# call themselves immutable and stand in indexes.
_TEXT = "value #>> '{}'"
_READERS = {
    "form_text": ("text", f"SELECT CASE WHEN jsonb_typeof(value) = 'string' THEN {_TEXT} END"),
    "form_number": (
        "numeric",
        f"SELECT CASE WHEN {_TEXT} ~ '^-?[0-9]{{1,30}}(\\.[0-9]+)?$' THEN trim_scale(round(({_TEXT})::numeric, 20)) END",
    ),
    "form_date": (
        "date",
        f"SELECT CASE WHEN {_TEXT} ~ '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}$' AND pg_input_is_valid({_TEXT}, 'date') THEN ({_TEXT})::date END",
    ),
    "form_instant": (
        "timestamptz",
        f"SELECT CASE WHEN {_TEXT} ~ '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9:.]+Z$' AND pg_input_is_valid({_TEXT}, 'timestamptz') THEN ({_TEXT})::timestamptz END",
    ),
    "form_flag": ("boolean", f"SELECT CASE WHEN jsonb_typeof(value) = 'boolean' THEN ({_TEXT})::boolean END"),
}


def upgrade() -> None:
    """Make the tables and the functions that read values."""
    for name, (kind, body) in _READERS.items():
        op.execute(
            f"CREATE FUNCTION {name}(value jsonb) RETURNS {kind} LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $${body}$$"
        )
    _definitions()
    _records()
    op.create_table(
        "form_views",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("filter", sa.Text(), nullable=True),
        sa.Column("sort", sa.Text(), nullable=True),
        sa.Column("columns", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_form_views")),
        sa.UniqueConstraint("form", "owner", "name", name=op.f("uq_form_views_form")),
    )
    op.create_index(op.f("ix_form_views_form"), "form_views", ["form"])


def _definitions() -> None:
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
        "form_drafts",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("definition", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("revision > 0", name=op.f("ck_form_drafts_revision")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_form_drafts")),
    )


def _records() -> None:
    op.create_table(
        "form_records",
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("form_version", sa.Integer(), nullable=False),
        sa.Column("fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("words", postgresql.TSVECTOR(), nullable=False),
        sa.Column("department", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("version > 0", name=op.f("ck_form_records_version")),
        sa.PrimaryKeyConstraint("form", "id", name=op.f("pk_form_records")),
        postgresql_partition_by="LIST (form)",
    )
    op.create_index("ix_form_records_words", "form_records", ["words"], postgresql_using="gin")
    op.create_table(
        "form_unique_values",
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("form", "rule", "value", name=op.f("pk_form_unique_values")),
    )
    op.create_index(op.f("ix_form_unique_values_record_id"), "form_unique_values", ["record_id"])
    op.create_table(
        "form_numbers",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_form_numbers")),
    )
    op.create_table(
        "form_record_history",
        sa.Column("identity", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("form_version", sa.Integer(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("changes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("identity", name=op.f("pk_form_record_history")),
    )
    op.create_index("ix_form_record_history_record", "form_record_history", ["record_id", "identity"])


def downgrade() -> None:
    """Take everything away, records included."""
    tables = ("form_views", "form_record_history", "form_numbers", "form_unique_values", "form_records")
    for table in (*tables, "form_drafts", "form_versions"):
        op.drop_table(table)
    for name in _READERS:
        op.execute(f"DROP FUNCTION {name}(jsonb)")
