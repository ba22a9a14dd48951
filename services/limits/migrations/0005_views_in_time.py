"""What a view of any date needs: closings of pools, how open amounts changed, when each row was known."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_MONEY = sa.Numeric(24, 4)
_INSTANT = sa.DateTime(timezone=True)
_COLUMNS: tuple[tuple[str, sa.Column[Any]], ...] = (
    ("pools", sa.Column("recorded_at", _INSTANT)),
    ("pools", sa.Column("closed_on", sa.Date())),
    ("pools", sa.Column("closed_entries", sa.BigInteger())),
    ("grants", sa.Column("replaced_at", _INSTANT)),
    ("guarantees", sa.Column("released_at", _INSTANT)),
    ("orders", sa.Column("effective_date", sa.Date())),
    ("invoices", sa.Column("open_since", sa.Date())),
    ("invoices", sa.Column("changed_on", sa.Date())),
    ("payments", sa.Column("free_since", sa.Date())),
    ("business_dates", sa.Column("step", sa.Text(), nullable=False, server_default="closed")),
    ("business_dates", sa.Column("reached", sa.Uuid())),
    ("business_dates", sa.Column("root", sa.Text())),
)
_VALIDITY = ("grants", "guarantees")

# What can be known of rows that are there already.
_FILL = (
    """
    UPDATE pools SET recorded_at = last.recorded_at
    FROM (SELECT pool_id, max(recorded_at) AS recorded_at FROM entries GROUP BY pool_id) AS last
    WHERE last.pool_id = pools.id
    """,
    """
    UPDATE grants SET replaced_at = (
        SELECT coalesce(min(later.granted_at), grants.granted_at) FROM grants AS later
        WHERE later.customer_id = grants.customer_id AND later.kind = grants.kind
        AND later.granted_at > grants.granted_at AND (later.kind = 'base' OR later.change <> 'grant')
    ) WHERE replaced_on IS NOT NULL
    """,
    """
    UPDATE guarantees SET released_at = coalesce(
        (SELECT min(events.time) FROM events
        WHERE events.type = 'guarantee_released' AND events.subject = guarantees.id::text),
        accepted_at
    ) WHERE released_on IS NOT NULL
    """,
    """
    UPDATE orders SET effective_date = last.effective_date
    FROM (
        SELECT document_id, max(effective_date) AS effective_date FROM entries
        WHERE document_type = 'order' GROUP BY document_id
    ) AS last WHERE last.document_id = orders.id
    """,
    "UPDATE business_dates SET step = 'open' WHERE date = (SELECT date FROM business_clock)",
    # Until now every entry counted from the business date on which it was recorded.
    """
    CREATE TEMPORARY TABLE recorded ON COMMIT DROP AS
    SELECT document_id, min(effective_date) AS first_on, max(effective_date) AS last_on,
        max(recorded_at) AS last_at
    FROM entries WHERE document_type IN ('invoice', 'payment') GROUP BY document_id
    """,
    """
    UPDATE payments SET free_since = recorded.first_on FROM recorded
    WHERE recorded.document_id = payments.id
    """,
    """
    UPDATE invoices SET open_since = coalesce(
        (SELECT first_on FROM recorded WHERE recorded.document_id = invoices.id), invoice_date
    )
    """,
    """
    INSERT INTO open_changes (invoice_id, customer_id, change, effective_date, posted_on, recorded_at)
    SELECT id, customer_id, amount, open_since, open_since, recorded_at
    FROM invoices ORDER BY recorded_at, id
    """,
    """
    INSERT INTO open_changes (invoice_id, customer_id, change, effective_date, posted_on, recorded_at)
    SELECT invoices.id, invoices.customer_id, -allocations.amount,
        greatest(invoices.open_since, payments.free_since, allocations.allocated_on),
        greatest(invoices.open_since, payments.free_since, allocations.allocated_on),
        greatest(invoices.recorded_at, payments.recorded_at)
    FROM allocations
    JOIN invoices ON invoices.id = allocations.invoice_id
    JOIN payments ON payments.id = allocations.payment_id
    ORDER BY payments.recorded_at, allocations.id
    """,
    """
    INSERT INTO open_changes (invoice_id, customer_id, change, effective_date, posted_on, recorded_at)
    SELECT invoices.id, customer_id, -amount, recorded.last_on, recorded.last_on, recorded.last_at
    FROM invoices JOIN recorded ON recorded.document_id = invoices.id WHERE status = 'reversed'
    """,
    """
    UPDATE invoices SET changed_on = last.changed_on
    FROM (
        SELECT invoice_id, max(effective_date) AS changed_on FROM open_changes GROUP BY invoice_id
    ) AS last WHERE last.invoice_id = invoices.id
    """,
)


def upgrade() -> None:
    for table, column in _COLUMNS:
        op.add_column(table, column)
    op.create_table(
        "closings",
        sa.Column("pool_id", sa.Uuid(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.Text(), nullable=False),
        sa.Column("recorded_at", _INSTANT, nullable=False),
        *(
            sa.Column(prefix + name, _MONEY, nullable=False)
            for prefix in ("first_", "")
            for name in ("reserved", "delivered", "receivable")
        ),
        sa.ForeignKeyConstraint(["pool_id"], ["pools.id"], name=op.f("fk_closings_pool_id")),
        sa.PrimaryKeyConstraint("pool_id", "date", name=op.f("pk_closings")),
    )
    op.create_index("ix_closings_date", "closings", ["date", "pool_id"])
    op.create_table(
        "open_changes",
        sa.Column("identity", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("change", _MONEY, nullable=False),
        sa.Column("effective_date", sa.Date(), nullable=False),
        sa.Column("posted_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_open_changes_invoice_id")),
        sa.PrimaryKeyConstraint("identity", name=op.f("pk_open_changes")),
    )
    op.create_index(op.f("ix_open_changes_invoice_id"), "open_changes", ["invoice_id"])
    op.create_index("ix_open_changes_posted", "open_changes", ["customer_id", "posted_on"])
    op.create_index(
        "ix_open_changes_late",
        "open_changes",
        ["customer_id", "posted_on"],
        postgresql_where=sa.text("posted_on - effective_date > 30"),
    )
    op.create_index("ix_invoices_customer_due", "invoices", ["customer_id", "due_date"])
    op.create_index(
        "ix_invoices_settled_late",
        "invoices",
        ["customer_id", "due_date"],
        postgresql_where=sa.text("changed_on - due_date > 30"),
    )
    op.create_index("ix_entries_effective", "entries", ["pool_id", "effective_date"])
    for table in _VALIDITY:
        for name in ("valid_from", "valid_to"):
            op.drop_index(f"ix_{table}_{name}", table_name=table)
            op.create_index(f"ix_{table}_{name}", table, [name, "customer_id"])
    for statement in _FILL:
        op.execute(statement)
    op.alter_column("business_dates", "step", server_default=None)
    op.create_check_constraint(
        op.f("ck_business_dates_step"),
        "business_dates",
        "step IN ('limits', 'aging', 'open', 'closing', 'closed')",
    )
    op.execute(
        "CREATE TRIGGER open_changes_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON open_changes"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_business_dates_step"), "business_dates", type_="check")
    for table in _VALIDITY:
        for name in ("valid_from", "valid_to"):
            op.drop_index(f"ix_{table}_{name}", table_name=table)
            op.create_index(f"ix_{table}_{name}", table, [name])
    op.drop_index("ix_entries_effective", table_name="entries")
    op.drop_index("ix_invoices_settled_late", table_name="invoices")
    op.drop_index("ix_invoices_customer_due", table_name="invoices")
    op.drop_table("open_changes")
    op.drop_table("closings")
    for table, column in reversed(_COLUMNS):
        op.drop_column(table, str(column.name))
