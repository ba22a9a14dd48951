"""Exchange rates by date, and the rate that each entry was posted by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_STEPS = "'expiry', 'limits', 'rates', 'aging', 'open', 'closing', 'closed'"
_STEPS_BEFORE = "'expiry', 'limits', 'aging', 'open', 'closing', 'closed'"


def upgrade() -> None:
    op.create_table(
        "exchange_rates",
        sa.Column("identity", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("base", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("rate", sa.Numeric(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("currency <> base", name=op.f("ck_exchange_rates_not_of_the_base")),
        sa.CheckConstraint("rate > 0", name=op.f("ck_exchange_rates_rate")),
        sa.PrimaryKeyConstraint("identity", name=op.f("pk_exchange_rates")),
    )
    op.create_index(
        "ix_exchange_rates_in_force",
        "exchange_rates",
        ["base", "currency", sa.literal_column("valid_from DESC"), sa.literal_column("identity DESC")],
        unique=False,
    )
    op.create_index("ix_exchange_rates_valid_from", "exchange_rates", ["valid_from"], unique=False)
    op.execute(
        "CREATE TRIGGER exchange_rates_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON exchange_rates "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.add_column("entries", sa.Column("rate", sa.Numeric(), nullable=True))
    op.add_column("ledger_settings", sa.Column("rates_of", postgresql.ARRAY(sa.Text()), nullable=True))
    op.add_column("ledger_settings", sa.Column("rates_after_kind", sa.Text(), nullable=True))
    op.add_column("ledger_settings", sa.Column("rates_after_key", sa.Text(), nullable=True))
    op.create_index("ix_pools_currency", "pools", ["currency", "kind", "key"], unique=False)
    op.create_index("ix_grants_currency", "grants", ["currency", "pool_kind", "pool_key"], unique=False)
    op.create_index("ix_guarantees_currency", "guarantees", ["currency", "customer_id"], unique=False)
    _let_steps_be(_STEPS)


def _let_steps_be(steps: str) -> None:
    name = op.f("ck_business_dates_step")
    op.drop_constraint(name, "business_dates", type_="check")
    op.create_check_constraint(name, "business_dates", f"step IN ({steps})")


def downgrade() -> None:
    op.execute("UPDATE business_dates SET step = 'aging', reached = NULL WHERE step = 'rates'")
    _let_steps_be(_STEPS_BEFORE)
    for name, table in (
        ("ix_guarantees_currency", "guarantees"),
        ("ix_grants_currency", "grants"),
        ("ix_pools_currency", "pools"),
    ):
        op.drop_index(name, table_name=table)
    for name in ("rates_after_key", "rates_after_kind", "rates_of"):
        op.drop_column("ledger_settings", name)
    op.drop_column("entries", "rate")
    op.drop_table("exchange_rates")
