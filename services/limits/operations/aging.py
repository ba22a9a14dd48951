"""Telling who is overdue: with each new day, and at once where something else has made it so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.common.money import format_amount
from services.limits import events, store
from services.limits.ledger import OverdueItem, days_overdue, overdue_of
from services.limits.operations import dates

_NAMED = ("name", "code", "salesperson", "department")


def tell_next_aged(work: UnitOfWork, after: UUID | None, most: int) -> tuple[list[UUID], int]:
    """Tell what the next customers, by id, owe too late; returns whom it looked at, and how often it told.

    Locks the customers: a payment that is being recorded comes before or after, never in between.
    """
    on = dates.today(work)
    ids = store.next_overdue_customers(work, on, after, most)
    store.lock_customers(work, ids)
    with store.together(work):
        store.read_customer_pools(work, ids)
        store.read_overdue(work, ids, on)
    return ids, sum(tell_aged(work, customer_id) for customer_id in ids)


def tell_aged(work: UnitOfWork, customer_id: UUID) -> int:
    """Tell what a locked customer owes too late, in each currency; returns in how many."""
    on, told = dates.today(work), 0
    customer = store.lock_customers(work, [customer_id])[customer_id]
    named = {f"customer_{name}" if name in ("name", "code") else name: customer[name] for name in _NAMED}
    for currency in dict.fromkeys(pool["currency"] for pool in store.customer_pools(work, customer_id)):
        items = store.overdue_items(work, customer_id, currency, on)
        if items:
            events.customer_aged(work, customer_id, {**named, **_aged(items, currency, on)})
            told += 1
    return told


def _aged(items: Sequence[OverdueItem], currency: str, on: date) -> dict[str, Any]:
    overdue = overdue_of(items)
    return {
        "business_date": on,
        "currency": currency,
        "overdue_amount": format_amount(overdue.amount, currency),
        "max_days_overdue": overdue.max_days(on),
        "items": [
            {
                "invoice_no": item.invoice_no,
                "due_date": item.due_date,
                "open_amount": format_amount(item.open_amount, currency),
                "days_overdue": days_overdue(item.due_date, on),
            }
            for item in items
        ],
    }
