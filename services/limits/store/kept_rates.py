"""Which rates the entries of pools keep, and what says whether they were in force: limits, rates, dates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select

from services.common.db import UnitOfWork
from services.limits.model import business_dates, entries, exchange_rates, grants, pools
from services.limits.store.rows import Row, all_rows

_range = (pools.c.id > bindparam("after"), pools.c.id <= bindparam("last"))
_KEPT = (
    select(entries.c.pool_id, entries.c.place, entries.c.rate, entries.c.recorded_at, pools.c.currency)
    .join(pools, pools.c.id == entries.c.pool_id)
    .where(*_range, entries.c.rate.is_not(None))
    .order_by(entries.c.pool_id, entries.c.place)
)
_LIMITS = (
    select(pools.c.id, grants.c.currency)
    .join(grants, (grants.c.pool_kind == pools.c.kind) & (grants.c.pool_key == pools.c.key))
    .where(*_range, grants.c.segment == pools.c.segment, grants.c.currency != pools.c.currency)
    .distinct()
)
_RATES = (
    select(*(exchange_rates.c[name] for name in ("currency", "valid_from", "set_at", "rate")))
    .where(exchange_rates.c.base == bindparam("base"))
    .order_by(exchange_rates.c.valid_from, exchange_rates.c.identity)
)
_DATES = select(business_dates.c.date, business_dates.c.opened_at).order_by(business_dates.c.date)


def kept_rates(work: UnitOfWork, after: UUID | None, last: UUID) -> Iterator[Any]:
    """The entries of these pools that keep a rate: `pool_id`, `place`, `rate`, `recorded_at`, `currency`."""
    return iter(work.execute(_KEPT, {"after": after or UUID(int=0), "last": last}))


def other_limit_currencies(work: UnitOfWork, after: UUID | None, last: UUID) -> dict[UUID, set[str]]:
    """The currencies, beside their own, in which these pools ever had a limit."""
    found: dict[UUID, set[str]] = {}
    for row in work.execute(_LIMITS, {"after": after or UUID(int=0), "last": last}):
        found.setdefault(row.id, set()).add(row.currency)
    return found


def rates_ever_set(work: UnitOfWork) -> list[Row]:
    """Every rate to the base currency that was ever set: of one date the later ones come later."""
    return all_rows(work, _RATES, {"base": work.base_currency})


def dates_ever_opened(work: UnitOfWork) -> list[Row]:
    """Every business date, and when it was opened."""
    return all_rows(work, _DATES)
