"""The credit horizon: orders due for delivery after it do not count in the exposure until they come inside.

Nothing runs for that: what is beyond is asked for on the business date, of the orders that still reserve.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.limits import store
from services.limits.ledger import ZERO, order_stages
from services.limits.operations import dates
from services.limits.pools import OVERALL


def last_day(work: UnitOfWork) -> date | None:
    """The last delivery date that counts, on the business date; None where all do."""
    return _last_day(store.settings_of(work), dates.today(work))


def _last_day(settings: Mapping[str, Any], on: date) -> date | None:
    days = settings["horizon_days"]
    return None if days is None else on + timedelta(days=days)


def is_beyond(work: UnitOfWork, order: Mapping[str, Any]) -> bool:
    """Whether an order is due for delivery after the horizon; one without a date is not."""
    last = last_day(work)
    return last is not None and order["delivery_date"] is not None and order["delivery_date"] > last


def beyond(work: UnitOfWork, customer_id: UUID, currency: str, segment: str = OVERALL) -> Decimal:
    """What a customer's orders in a currency, in a segment, reserve beyond the horizon; it does not count.

    What was delivered or invoiced of them counts: only reservations wait. One sum over an index that
    holds nothing but orders that still reserve, and none where no horizon is set.
    """
    last = last_day(work)
    return ZERO if last is None else store.reserved_after(work, customer_id, currency, last, segment)


def beyond_then(
    work: UnitOfWork,
    customer_id: UUID,
    currency: str,
    on: date,
    known_at: datetime | None,
    segment: str = OVERALL,
) -> Decimal:
    """The same at the end of a date, as it was known at an instant, by the horizon that was set then."""
    last = _last_day(store.settings_then(work, on, known_at), on)
    if last is None:
        return ZERO
    return store.reserved_then(work, customer_id, currency, last, on, known_at, segment)


def counted(work: UnitOfWork, order: Mapping[str, Any], increase: Decimal) -> Decimal:
    """How much of what an order would bind more counts; `order` is as it is to be, not yet saved.

    One that moves inside the horizon counts with all that it reserves, as if it were new.
    """
    if last_day(work) is None:
        return increase
    if is_beyond(work, order):
        increase -= order_stages(
            order["amount"], order["delivered_total"], order["invoiced_total"], is_open=True
        ).reserved
    before = store.held_order(work, order["id"])
    if before is not None and is_beyond(work, before):
        increase += before["reserved"]
    return increase


def foresee(work: UnitOfWork, customer_ids: Sequence[UUID]) -> None:
    """Hold what `beyond` asks for, for all these customers at once."""
    last = last_day(work)
    if last is not None:
        store.read_reserved_after(work, customer_ids, last)


def coming_inside(work: UnitOfWork, after: UUID | None, most: int) -> list[UUID]:
    """The next customers, by id, whose exposure rises today, because orders have come inside the horizon."""
    last = last_day(work)
    return [] if last is None else store.next_customers_reserving_on(work, last, after, most)
