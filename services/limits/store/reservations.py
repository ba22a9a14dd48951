"""What orders reserve for deliveries after a date: now, and on any date by what was known at an instant.

Whoever changes an order need not think of it: how its reservation has moved is kept whenever it is saved.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Date, bindparam, func, or_, select

from services.common.db import UnitOfWork
from services.limits.ledger import ZERO
from services.limits.model import LONG_DAYS, orders, reserved_changes
from services.limits.pools import OVERALL
from services.limits.store.book import among_ids, book_of
from services.limits.store.rows import Row, all_rows

_reserves = orders.c.reserved > 0
_OF_SEGMENT = (orders.c.customer_id, orders.c.company, orders.c.currency)
_RESERVED_AFTER = (
    select(*_OF_SEGMENT, func.sum(orders.c.reserved).label("reserved"))
    .where(among_ids(orders.c.customer_id), _reserves, orders.c.delivery_date > bindparam("after"))
    .group_by(*_OF_SEGMENT)
)
_RESERVING_ON = (
    select(orders.c.customer_id).where(_reserves, orders.c.delivery_date == bindparam("on")).distinct()
)
_RESERVING_SINCE = (
    select(orders.c.customer_id)
    .where(_reserves, orders.c.delivery_date > bindparam("since"), orders.c.customer_id > bindparam("after"))
    .distinct()
    .order_by(orders.c.customer_id)
)
_EXPIRING = (
    select(orders.c.customer_id, orders.c.id)
    .where(_reserves, orders.c.valid_until < bindparam("before"))
    .order_by(orders.c.id)
)
_ahead = (
    reserved_changes.c.customer_id == bindparam("customer"),
    reserved_changes.c.currency == bindparam("of_currency"),
    reserved_changes.c.effective_date <= bindparam("on", type_=Date),
    reserved_changes.c.delivery_date > bindparam("after", type_=Date),
)
# Made for a delivery not long ahead, so not long before the date; or made long ahead.
_RESERVED_THEN = select(func.sum(reserved_changes.c.change)).where(
    *_ahead,
    or_(
        reserved_changes.c.effective_date > bindparam("after", type_=Date) - LONG_DAYS,
        reserved_changes.c.delivery_date - reserved_changes.c.effective_date > LONG_DAYS,
    ),
)


def note_reservation(work: UnitOfWork, before: Row | None, after: Mapping[str, Any]) -> None:
    """Keep how an order that is being saved reserves other than before, by who pays and its delivery date."""
    moved: dict[tuple[UUID, str, date], Decimal] = defaultdict(Decimal)
    for row, sign in ((before, -1), (after, 1)):
        if row and row["delivery_date"]:
            moved[row["customer_id"], row["currency"], row["delivery_date"]] += sign * row["reserved"]
    for (customer_id, currency, delivery_date), change in moved.items():
        if change:
            book_of(work).reserved_changes.add(
                {
                    "order_id": after["id"],
                    "customer_id": customer_id,
                    "currency": currency,
                    "delivery_date": delivery_date,
                    "change": change,
                    "effective_date": after["effective_date"],
                    "recorded_at": work.now,
                }
            )


def reserved_then(
    work: UnitOfWork,
    customer_id: UUID,
    currency: str,
    after: date,
    on: date,
    known_at: datetime | None,
    segment: str = OVERALL,
) -> Decimal:
    """What a customer's orders in a currency, and in a segment, reserved on a date for later deliveries.

    Those are the ones `after` a date. Looks at what was reserved around the date, or long ahead: never at
    the history.
    """
    asked = {"customer": customer_id, "of_currency": currency, "after": after, "on": on}
    statement = _RESERVED_THEN
    if known_at is not None:
        statement = statement.where(reserved_changes.c.recorded_at <= known_at)
    if segment != OVERALL:
        in_segment = (orders.c.id == reserved_changes.c.order_id) & (orders.c.company == segment)
        statement = statement.join(orders, in_segment)
    found: Decimal | None = work.execute(statement, asked).scalar()
    return found or ZERO


def read_reserved_after(work: UnitOfWork, customer_ids: Iterable[UUID], after: date) -> None:
    """Hold what the orders of these customers reserve for deliveries after a date, as the database has it."""
    totals = _reserved(work, after)
    missing = [customer_id for customer_id in dict.fromkeys(customer_ids) if customer_id not in totals]
    if missing:
        totals.update((customer_id, {}) for customer_id in missing)
        for row in all_rows(work, _RESERVED_AFTER, {"ids": missing, "after": after}):
            totals[row["customer_id"]][row["company"], row["currency"]] = row["reserved"]


def _reserved(work: UnitOfWork, after: date) -> dict[UUID, dict[tuple[str, str], Decimal]]:
    """By customer, then by (segment, currency)."""
    totals: dict[UUID, dict[tuple[str, str], Decimal]] = work.remembered(f"reserved-after:{after}", dict)
    return totals


def reserved_after(
    work: UnitOfWork, customer_id: UUID, currency: str, after: date, segment: str = OVERALL
) -> Decimal:
    """What the orders of a customer in a currency, and in a segment, reserve for deliveries after a date."""

    def counts(company: str, in_currency: str) -> bool:
        return in_currency == currency and segment in (OVERALL, company)

    read_reserved_after(work, [customer_id], after)
    found = _reserved(work, after)[customer_id].items()
    reserved = sum((amount for key, amount in found if counts(*key)), ZERO)
    for row, sign in book_of(work).orders.changes_of(("customer_id",), customer_id):
        if counts(row["company"], row["currency"]) and (row["delivery_date"] or after) > after:
            reserved += sign * row["reserved"]
    return reserved


def next_customers_reserving_on(work: UnitOfWork, on: date, after: UUID | None, most: int) -> list[UUID]:
    """The next customers, by id, of orders that reserve something for a delivery on a date."""
    statement = _RESERVING_ON if after is None else _RESERVING_ON.where(orders.c.customer_id > after)
    return list(work.execute(statement.order_by(orders.c.customer_id).limit(most), {"on": on}).scalars())


def next_customers_reserving_since(work: UnitOfWork, since: date, after: UUID, most: int) -> list[UUID]:
    """The next customers, by id, of orders that reserve something for a delivery after a date."""
    asked = {"since": since, "after": after}
    return list(work.execute(_RESERVING_SINCE.limit(most), asked).scalars())


def next_expiring_orders(
    work: UnitOfWork, before: date, after: UUID | None, most: int
) -> list[tuple[UUID, UUID]]:
    """The next orders, by id, that still reserve what they should only until before a date.

    Each as (customer, order).
    """
    statement = _EXPIRING if after is None else _EXPIRING.where(orders.c.id > after)
    return [(row.customer_id, row.id) for row in work.execute(statement.limit(most), {"before": before})]
