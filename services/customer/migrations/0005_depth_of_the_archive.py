"""Tags, documents, the black and the white list, review dates, and what similar names are found by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from services.customer.names import name_key, pieces

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TEXTS = postgresql.ARRAY(sa.Text())
_BATCH = 1_000
_ALIVE = sa.text("deleted_at IS NULL")
_ACTIONS = "'created', 'updated', 'deleted', 'attachment_added', 'attachment_removed'"
_NEW_ACTIONS = "'listed', 'document_added', 'document_changed', 'document_removed'"


def upgrade() -> None:
    """Make the columns, and work out what the names that are there are found by."""
    op.add_column("customers", sa.Column("tags", _TEXTS, server_default="{}", nullable=False))
    op.add_column("customers", sa.Column("credit_review_on", sa.Date()))
    op.add_column("customers", sa.Column("review_remind_on", sa.Date()))
    for name in ("list_kind", "list_reason", "listed_by"):
        op.add_column("customers", sa.Column(name, sa.Text()))
    op.add_column("customers", sa.Column("listed_at", sa.DateTime(timezone=True)))
    op.add_column("customers", sa.Column("name_key", sa.Text()))
    op.add_column("customers", sa.Column("name_pieces", _TEXTS))
    _find_names()
    op.alter_column("customers", "name_key", nullable=False)
    op.alter_column("customers", "name_pieces", nullable=False)
    op.create_check_constraint(
        op.f("ck_customers_list_kind"), "customers", "list_kind IN ('blacklist', 'whitelist')"
    )
    op.create_check_constraint(
        op.f("ck_customers_list_reason"), "customers", "(list_kind IS NULL) = (list_reason IS NULL)"
    )
    op.create_index("ix_customers_tags", "customers", ["tags"], postgresql_using="gin")
    op.create_index("ix_customers_name_pieces", "customers", ["name_pieces"], postgresql_using="gin")
    op.create_index("ix_customers_name_key", "customers", ["name_key"], postgresql_where=_ALIVE)
    op.create_index(
        "ix_customers_review",
        "customers",
        ["credit_review_on"],
        postgresql_where=sa.text("deleted_at IS NULL AND credit_review_on IS NOT NULL"),
    )
    op.create_index(
        "ix_customers_review_remind_on",
        "customers",
        ["review_remind_on"],
        postgresql_where=sa.text("deleted_at IS NULL AND review_remind_on IS NOT NULL"),
    )
    _make_documents()
    _allow_actions(f"{_ACTIONS}, {_NEW_ACTIONS}")


def downgrade() -> None:
    """Take it back."""
    op.execute("DELETE FROM customer_history WHERE action = 'listed' OR action LIKE 'document%'")
    _allow_actions(_ACTIONS)
    op.drop_table("documents")
    for name in ("review_remind_on", "review", "name_key", "name_pieces", "tags"):
        op.drop_index(f"ix_customers_{name}", "customers")
    for name in ("list_kind", "list_reason"):
        op.drop_constraint(op.f(f"ck_customers_{name}"), "customers")
    for name in (
        "name_pieces",
        "name_key",
        "listed_at",
        "listed_by",
        "list_reason",
        "list_kind",
        "review_remind_on",
        "credit_review_on",
        "tags",
    ):
        op.drop_column("customers", name)


def _make_documents() -> None:
    op.create_table(
        "documents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("remind_days", sa.Integer(), nullable=False),
        sa.Column("remind_on", sa.Date(), nullable=True),
        sa.Column("attachment_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "valid_from IS NULL OR valid_to IS NULL OR valid_from <= valid_to",
            name=op.f("ck_documents_validity"),
        ),
        sa.CheckConstraint("remind_days >= 0", name=op.f("ck_documents_remind_days")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_documents_customer_id_customers")
        ),
        sa.ForeignKeyConstraint(
            ["attachment_id"], ["attachments.id"], name=op.f("fk_documents_attachment_id_attachments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
    )
    op.create_index(op.f("ix_documents_customer_id"), "documents", ["customer_id"])
    op.create_index(
        "ix_documents_remind_on",
        "documents",
        ["remind_on"],
        postgresql_where=sa.text("deleted_at IS NULL AND remind_on IS NOT NULL"),
    )


def _find_names() -> None:
    connection = op.get_bind()
    after = None
    first = sa.text("SELECT id, name FROM customers WHERE CAST(:after AS uuid) IS NULL OR id > :after"
                    " ORDER BY id LIMIT :size")  # fmt: skip
    fill = sa.text("UPDATE customers SET name_key = :key, name_pieces = :pieces WHERE id = :id")
    while rows := connection.execute(first, {"after": after, "size": _BATCH}).all():
        keys = [(row.id, name_key(row.name)) for row in rows]
        connection.execute(fill, [{"id": one, "key": key, "pieces": pieces(key)} for one, key in keys])
        after = rows[-1].id


def _allow_actions(listed: str) -> None:
    op.drop_constraint(op.f("ck_customer_history_action"), "customer_history")
    op.create_check_constraint(
        op.f("ck_customer_history_action"), "customer_history", f"action IN ({listed})"
    )
