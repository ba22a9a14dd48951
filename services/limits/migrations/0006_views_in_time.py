"""What a view of any date needs: closings of pools, how open amounts changed, when each row was known."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
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
    ("disputes", sa.Column("resolved_at", _INSTANT)),
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
    """
    UPDATE disputes SET resolved_at = coalesce(
        (SELECT min(events.time) FROM events
        WHERE events.type = 'dispute_resolved' AND events.data->'dispute'->>'id' = disputes.id::text),
        opened_at
    ) WHERE resolved_on IS NOT NULL
    """,
    """
    INSERT INTO settings_changes (
        horizon_days, reservation_days, disputes_are_overdue, effective_date, changed_by, changed_at
    )
    SELECT (data->'settings'->>'horizon_days')::integer, (data->'settings'->>'reservation_days')::integer,
        (data->'settings'->>'disputes_are_overdue')::boolean,
        coalesce((SELECT max(date) FROM business_dates WHERE opened_at <= events.time), events.time::date),
        actor, time
    FROM events WHERE type = 'ledger_settings_changed' ORDER BY identity
    """,
    # Which delivery dates an order had before is not known: it had the one that it has.
    """
    INSERT INTO reserved_changes (
        order_id, customer_id, currency, delivery_date, change, effective_date, recorded_at
    )
    SELECT orders.id, orders.customer_id, orders.currency, orders.delivery_date, entries.reserved,
        entries.effective_date, entries.recorded_at
    FROM entries JOIN orders ON orders.id = entries.document_id
    WHERE entries.document_type = 'order' AND entries.reserved <> 0 AND orders.delivery_date IS NOT NULL
    ORDER BY entries.identity
    """,
    # Until now every entry counted from the business date on which it was recorded.
    """
    UPDATE payments SET free_since = recorded.first_on
    FROM (
        SELECT document_id, min(effective_date) AS first_on FROM entries
        WHERE document_type IN ('payment', 'credit_note') GROUP BY document_id
    ) AS recorded WHERE recorded.document_id = payments.id
    """,
    """
    UPDATE invoices SET open_since = coalesce(
        (SELECT max(effective_date) FROM entries
        WHERE document_type = 'invoice' AND document_id = invoices.id AND receivable > 0),
        invoice_date
    )
    """,
    # An open amount moves with the entries of its invoice, and with the money that covers it.
    """
    INSERT INTO open_changes (invoice_id, customer_id, change, effective_date, posted_on, recorded_at)
    SELECT document_id, customer_id, receivable, effective_date, effective_date, recorded_at
    FROM entries WHERE document_type = 'invoice' AND receivable <> 0 ORDER BY identity
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
    UPDATE invoices SET changed_on = last.changed_on
    FROM (
        SELECT invoice_id, max(effective_date) AS changed_on FROM open_changes GROUP BY invoice_id
    ) AS last WHERE last.invoice_id = invoices.id
    """,
)
# What is only ever added to, and made by this migration.
_APPEND_ONLY = ("open_changes", "reserved_changes", "settings_changes")


def upgrade() -> None:
    for table, column in _COLUMNS:
        op.add_column(table, column)
    _make_closings()
    _make_changes("open_changes", "invoice_id", "invoices", sa.Column("posted_on", sa.Date(), nullable=False))
    _make_changes(
        "reserved_changes",
        "order_id",
        "orders",
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("delivery_date", sa.Date(), nullable=False),
    )
    _make_settings_changes()
    _make_indexes()
    for statement in _FILL:
        op.execute(statement)
    op.alter_column("business_dates", "step", server_default=None)
    op.create_check_constraint(
        op.f("ck_business_dates_step"),
        "business_dates",
        "step IN ('expiry', 'limits', 'aging', 'open', 'closing', 'closed')",
    )
    for table in _APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def _make_closings() -> None:
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


def _make_changes(table: str, column: str, of_table: str, *own: sa.Column[Any]) -> None:
    """A table of how an amount of a document came to be what it is."""
    op.create_table(
        table,
        sa.Column("identity", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column(column, sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("change", _MONEY, nullable=False),
        sa.Column("effective_date", sa.Date(), nullable=False),
        sa.Column("recorded_at", _INSTANT, nullable=False),
        *own,
        sa.ForeignKeyConstraint([column], [f"{of_table}.id"], name=op.f(f"fk_{table}_{column}")),
        sa.PrimaryKeyConstraint("identity", name=op.f(f"pk_{table}")),
    )
    op.create_index(op.f(f"ix_{table}_{column}"), table, [column])


def _make_settings_changes() -> None:
    op.create_table(
        "settings_changes",
        sa.Column("identity", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("horizon_days", sa.Integer(), nullable=True),
        sa.Column("reservation_days", sa.Integer(), nullable=True),
        sa.Column("disputes_are_overdue", sa.Boolean(), nullable=False),
        sa.Column("effective_date", sa.Date(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("identity", name=op.f("pk_settings_changes")),
    )


def _make_indexes() -> None:
    for name, table, columns, only in (
        ("ix_open_changes_posted", "open_changes", ["customer_id", "posted_on"], None),
        (
            "ix_open_changes_late",
            "open_changes",
            ["customer_id", "posted_on"],
            "posted_on - effective_date > 30",
        ),
        ("ix_reserved_changes_effective", "reserved_changes", ["customer_id", "effective_date"], None),
        (
            "ix_reserved_changes_ahead",
            "reserved_changes",
            ["customer_id", "delivery_date"],
            "delivery_date - effective_date > 30",
        ),
        ("ix_invoices_customer_due", "invoices", ["customer_id", "due_date"], None),
        ("ix_invoices_settled_late", "invoices", ["customer_id", "due_date"], "changed_on - due_date > 30"),
        ("ix_entries_effective", "entries", ["pool_id", "effective_date"], None),
    ):
        op.create_index(name, table, columns, postgresql_where=None if only is None else sa.text(only))
    for table in _VALIDITY:
        for name in ("valid_from", "valid_to"):
            op.drop_index(f"ix_{table}_{name}", table_name=table)
            op.create_index(f"ix_{table}_{name}", table, [name, "customer_id"])


def downgrade() -> None:
    op.drop_constraint(op.f("ck_business_dates_step"), "business_dates", type_="check")
    for table in _VALIDITY:
        for name in ("valid_from", "valid_to"):
            op.drop_index(f"ix_{table}_{name}", table_name=table)
            op.create_index(f"ix_{table}_{name}", table, [name])
    op.drop_index("ix_entries_effective", table_name="entries")
    op.drop_index("ix_invoices_settled_late", table_name="invoices")
    op.drop_index("ix_invoices_customer_due", table_name="invoices")
    for table in (*_APPEND_ONLY, "closings"):
        op.drop_table(table)
    for table, column in reversed(_COLUMNS):
        op.drop_column(table, str(column.name))
