"""Orders and deliveries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from services.common.db import UnitOfWork
from services.limits.model import (
    deliveries,
    orders,
)
from services.limits.store.rows import Row, all_rows, one_row


def lock_order(work: UnitOfWork, source: str, company: str, order_no: str) -> Row | None:
    """An order by its full key. Locks its row."""
    which = and_(orders.c.source == source, orders.c.company == company, orders.c.order_no == order_no)
    return one_row(work, select(orders).where(which).with_for_update())


def find_orders(work: UnitOfWork, order_no: str, source: str | None, company: str | None) -> list[Row]:
    """Up to two orders with a number, narrowed by source and company where given."""
    statement = select(orders).where(orders.c.order_no == order_no)
    if source is not None:
        statement = statement.where(orders.c.source == source)
    if company is not None:
        statement = statement.where(orders.c.company == company)
    return all_rows(work, statement.order_by(orders.c.created_at).limit(2))


def orders_with(where: Mapping[str, Any]) -> Select[Any]:
    """Orders with these column values, as a statement to be paged."""
    return select(orders).where(*(orders.c[name] == value for name, value in where.items()))


def save_order(work: UnitOfWork, order: Mapping[str, Any]) -> None:
    """Insert an order, or write every column of one that is there."""
    statement = upsert(orders).values(**order)
    changed = {name: value for name, value in order.items() if name not in ("id", "created_at")}
    work.execute(statement.on_conflict_do_update(index_elements=[orders.c.id], set_=changed))


def add_delivery(work: UnitOfWork, delivery: Mapping[str, Any]) -> bool:
    """Insert a delivery; False when the order has one of that number already."""
    statement = upsert(deliveries).values(**delivery).on_conflict_do_nothing().returning(deliveries.c.id)
    return work.execute(statement).first() is not None


def find_delivery(work: UnitOfWork, order_id: UUID, delivery_no: str) -> Row | None:
    """A delivery of an order by its number."""
    which = and_(deliveries.c.order_id == order_id, deliveries.c.delivery_no == delivery_no)
    return one_row(work, select(deliveries).where(which))


def average_order_amount(work: UnitOfWork, customer_id: UUID, currency: str, since: date) -> Decimal | None:
    """The average amount of the orders that were taken since a date; None without any."""
    statement = select(func.avg(orders.c.amount)).where(
        orders.c.customer_id == customer_id,
        orders.c.currency == currency,
        orders.c.order_date >= since,
        orders.c.status.in_(("reserved", "closed")),
    )
    found: Decimal | None = work.execute(statement).scalar()
    return found
