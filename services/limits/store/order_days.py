"""What customers have ordered by date: kept as orders are written, so that an average never sums the orders.

Whoever changes an order need not think of it: the changes are taken from the book when it is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import ARRAY, Select, Uuid, any_, bindparam, func, or_, select, text

from services.common.db import UnitOfWork
from services.limits.ledger import ZERO
from services.limits.model import order_days, orders
from services.limits.store.rows import Row, all_rows

if TYPE_CHECKING:
    # A book writes what is derived here, so this cannot import it.
    from services.limits.store.book import Book

# The orders that were taken; one that was held, refused or cancelled says nothing of what a customer buys.
_COUNTED = ("reserved", "closed")
_KEY = ("customer_id", "order_date", "currency")
_ids = bindparam("ids", type_=ARRAY(Uuid))
TRADE_SINCE = (
    select(
        order_days.c.customer_id,
        order_days.c.currency,
        func.sum(order_days.c.amount).label("amount"),
        func.sum(order_days.c.count).label("count"),
    )
    .where(order_days.c.customer_id == any_(_ids), order_days.c.order_date >= bindparam("since"))
    .group_by(order_days.c.customer_id, order_days.c.currency)
)


def _differences() -> Select[Any]:
    """Days on which what is kept is not the sum of the orders."""
    of_orders = (
        select(
            *(orders.c[name] for name in _KEY),
            func.sum(orders.c.amount).label("amount"),
            func.count().label("count"),
        )
        .where(orders.c.customer_id == any_(_ids), orders.c.status.in_(_COUNTED))
        .group_by(*(orders.c[name] for name in _KEY))
        .subquery("of_orders")
    )
    kept = select(order_days).where(order_days.c.customer_id == any_(_ids)).subquery("kept")
    pairs = of_orders.outerjoin(
        kept,
        (of_orders.c.customer_id == kept.c.customer_id)
        & (of_orders.c.order_date == kept.c.order_date)
        & (of_orders.c.currency == kept.c.currency),
        full=True,
    )
    told = {
        f"{name}_{what}": func.coalesce(side.c[name], 0)
        for what, side in (("kept", kept), ("of_orders", of_orders))
        for name in ("amount", "count")
    }
    return (
        select(
            *(func.coalesce(kept.c[name], of_orders.c[name]).label(name) for name in _KEY),
            *(value.label(name) for name, value in told.items()),
        )
        .select_from(pairs)
        .where(or_(*(told[f"{name}_kept"] != told[f"{name}_of_orders"] for name in ("amount", "count"))))
    )


_DIFFERENCES = _differences()
_GIVE = text(
    """
    WITH given AS (DELETE FROM order_days WHERE customer_id = :giver RETURNING *)
    INSERT INTO order_days (customer_id, order_date, currency, amount, count)
    SELECT :taker, order_date, currency, amount, count FROM given
    ON CONFLICT (customer_id, order_date, currency) DO UPDATE
    SET amount = order_days.amount + excluded.amount, count = order_days.count + excluded.count
    """
)


def is_counted(order: Row) -> bool:
    """Whether an order is one that was taken."""
    return order["status"] in _COUNTED


def add_up_days(work: UnitOfWork, book: Book) -> None:
    """Keep what the orders that are being written change of what was ordered on each date."""
    changed: dict[tuple[Any, ...], list[Any]] = {}
    for before, after in book.orders.changes():
        for row, sign in ((before, -1), (after, 1)):
            if row is not None and is_counted(row):
                total = changed.setdefault(tuple(row[name] for name in _KEY), [ZERO, 0])
                total[0] += sign * row["amount"]
                total[1] += sign
    # In one order, so that nobody waits for somebody who waits for them.
    rows = [
        {**dict(zip(_KEY, key, strict=True)), "amount": amount, "count": count}
        for key, (amount, count) in sorted(changed.items())
        if amount or count
    ]
    work.rows.add_up(order_days, rows)


def give_days(work: UnitOfWork, giver: UUID, taker: UUID) -> None:
    """Let what one customer ordered count as another's, at once. Both are locked."""
    work.execute(_GIVE, {"giver": giver, "taker": taker})


def order_day_differences(work: UnitOfWork, customer_ids: list[UUID]) -> list[Row]:
    """Dates on which these customers ordered otherwise than is kept."""
    return all_rows(work, _DIFFERENCES, {"ids": customer_ids})
