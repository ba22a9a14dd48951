"""Whether what has already happened took a customer past the limit: recorded all the same, and flagged."""

from __future__ import annotations

from uuid import UUID

from services.common.db import UnitOfWork
from services.limits import store
from services.limits.operations import dates, horizon
from services.limits.operations.accounts import limit_of


def is_over_limit(work: UnitOfWork, customer_id: UUID, currency: str) -> bool:
    """Whether a customer's exposure in a currency is above the effective limit on the business date."""
    limit = limit_of(work, customer_id, currency, dates.today(work))
    pool = store.customer_pool(work, customer_id, currency)
    exposure = pool["reserved"] + pool["delivered"] + pool["receivable"]
    exposure -= horizon.beyond(work, customer_id, currency)
    available = limit.available(exposure)
    return bool(available is not None and available < 0)
