"""Reservations that expire: what an order still reserves after its last day is released, exactly once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.limits import events, store
from services.limits.ledger import OPEN_ORDER, order_stages
from services.limits.operations import dates
from services.limits.operations.accounts import tell_accounts
from services.limits.operations.orders import move_order


def expire_reservations(work: UnitOfWork, after: UUID | None, most: int) -> list[UUID]:
    """Close the next orders, by id, whose last day was before the business date; returns those it looked at.

    What was delivered stays; a delivery that comes later is one of more than was ordered. Locks the
    customers, and looks again then: of an expiry and a delivery at once, each sees what the other left.
    """
    due = store.next_expiring_orders(work, dates.today(work), after, most)
    if due:
        store.lock_customers(work, {customer_id for customer_id, _ in due})
        for order in store.held_orders(work, [order_id for _, order_id in due]):
            expire_order(work, order)
    return [order_id for _, order_id in due]


def expire_order(work: UnitOfWork, order: dict[str, Any]) -> bool:
    """Close one order whose customer is locked, if its last day was before the business date."""
    on, until = dates.today(work), order["valid_until"]
    if order["status"] != OPEN_ORDER or not order["reserved"] or until is None or until >= on:
        return False
    order.update(status="closed", expired_on=on)
    left = order_stages(order["amount"], order["delivered_total"], order["invoiced_total"], is_open=False)
    move_order(work, order, left, "expire")
    events.order_event(work, "order_expired", order)
    tell_accounts(work, [order["customer_id"]])
    return True
