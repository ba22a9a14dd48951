"""Telling at once that a customer is overdue, where something else than a new day has made it so."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.limits import events, store
from services.limits.operations import dates
from services.limits.operations.opening import aged_view


def tell_aged(work: UnitOfWork, customer_id: UUID) -> None:
    """Tell what a locked customer owes too late, in each currency: rules need not wait for the next day."""
    on = dates.today(work)
    customer = store.lock_customers(work, [customer_id])[customer_id]
    named = {name: customer[name] for name in ("name", "code", "salesperson", "department")}
    for pool in store.customer_pools(work, customer_id):
        currency = pool["currency"]
        rows: list[dict[str, Any]] = [
            {
                **named,
                "invoice_no": item.invoice_no,
                "due_date": item.due_date,
                "open_amount": item.open_amount,
            }
            for item in store.overdue_items(work, customer_id, currency, on)
        ]
        if rows:
            events.customer_aged(work, customer_id, aged_view(rows, currency, on))
