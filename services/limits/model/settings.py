"""The table of what an administrator sets for the whole ledger."""

from __future__ import annotations

from sqlalchemy import ARRAY, Boolean, CheckConstraint, Column, Date, Integer, Table, Text, Uuid

from services.common.tables import INSTANT
from services.limits.model.ground import metadata

ledger_settings = Table(
    "ledger_settings",
    metadata,
    Column("singleton", Boolean, primary_key=True),
    # Orders due for delivery more days ahead do not count; empty: all count.
    Column("horizon_days", Integer),
    # How long an order reserves that says nothing of it; empty: until it is closed.
    Column("reservation_days", Integer),
    Column("disputes_are_overdue", Boolean, nullable=False),
    # The last customers who follow what was set: of disputes, of orders due after a date. Empty: all do.
    Column("disputes_after", Uuid),
    Column("horizon_after", Uuid),
    Column("horizon_since", Date),
    # The currencies whose rates have changed, and the last pool (kind, key) that was told of it.
    Column("rates_of", ARRAY(Text)),
    Column("rates_after_kind", Text),
    Column("rates_after_key", Text),
    Column("changed_by", Text, nullable=False),
    Column("changed_at", INSTANT, nullable=False),
    CheckConstraint("singleton", name="only_one"),
    CheckConstraint("horizon_days >= 0", name="horizon_days"),
    CheckConstraint("reservation_days >= 0", name="reservation_days"),
)
