"""The table of exchange rates, to which rows are only ever added."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, Identity, Index, Numeric, Table, Text

from services.common.tables import INSTANT
from services.limits.model.ground import metadata

# One unit of the currency is `rate` units of the base currency, from a date on until the next date that has
# one. A rate that was wrong is set anew for the same date: the last counts.
exchange_rates = Table(
    "exchange_rates",
    metadata,
    Column("identity", BigInteger, Identity(), primary_key=True),
    Column("base", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("rate", Numeric, nullable=False),
    Column("source", Text, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("set_at", INSTANT, nullable=False),
    CheckConstraint("rate > 0", name="rate"),
    CheckConstraint("currency <> base", name="not_of_the_base"),
)
Index(
    "ix_exchange_rates_in_force",
    exchange_rates.c.base,
    exchange_rates.c.currency,
    exchange_rates.c.valid_from.desc(),
    exchange_rates.c.identity.desc(),
)
Index("ix_exchange_rates_valid_from", exchange_rates.c.valid_from)
