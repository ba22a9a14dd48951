"""Opening business days: one by one, never backwards once there are documents."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

from services.common.db import UnitOfWork
from services.common.errors import Conflict
from services.common.money import format_amount
from services.limits import events, ledger, store
from services.limits.operations import horizon
from services.limits.operations.accounts import tell_accounts
from services.limits.operations.expiry import expire_reservations


def open_next(work: UnitOfWork, target: date, *, by_schedule: bool = False) -> bool:
    """Open the next missing day up to `target`; False when nothing is left to open.

    An installation without documents jumps to any date; with documents every day between is run in order,
    each in its own transaction. Locks the business clock. `Conflict` for a date before the open one.
    """
    clock = store.lock_clock(work)
    follows = target == work.local_date
    if clock is None or (clock["date"] != target and not store.has_documents(work)):
        if clock is not None and by_schedule and not clock["follows_schedule"]:
            return False
        _open(work, target, follows_schedule=follows)
        return False
    current: date = clock["date"]
    if by_schedule and not clock["follows_schedule"]:
        return False
    if target < current:
        raise Conflict(f"营业日期只能向前: 现在是 {current}", code="business_date_backwards")
    if target == current:
        store.set_clock(work, current, follows_schedule=follows or clock["follows_schedule"])
        return False
    following = current + timedelta(days=1)
    _open(work, following, follows_schedule=follows)
    return following < target


def _open(work: UnitOfWork, on: date, *, follows_schedule: bool) -> None:
    store.set_clock(work, on, follows_schedule=follows_schedule)
    work.forget("business_date")
    events.business_date_opened(work, on)
    aged = _age(work, on)
    store.add_business_date(work, on, aged)
    expire_reservations(work)
    tell_accounts(work, [*store.customers_whose_limit_changes(work, on), *horizon.coming_inside(work)])


def _age(work: UnitOfWork, on: date) -> int:
    count = 0
    rows = store.overdue_customers(work, on)
    for (customer_id, currency), group in groupby(rows, lambda row: (row["customer_id"], row["currency"])):
        items = list(group)
        events.customer_aged(work, customer_id, aged_view(items, currency, on))
        count += 1
    return count


def aged_view(items: list[dict[str, Any]], currency: str, on: date) -> dict[str, Any]:
    """What a customer owes too late in a currency, from the rows of `store.overdue_customers`."""
    first = items[0]
    return {
        "customer_name": first["name"],
        "customer_code": first["code"],
        "salesperson": first["salesperson"],
        "department": first["department"],
        "business_date": on,
        "currency": currency,
        "overdue_amount": format_amount(sum((item["open_amount"] for item in items), Decimal(0)), currency),
        "max_days_overdue": max(ledger.days_overdue(item["due_date"], on) for item in items),
        "items": [
            {
                "invoice_no": item["invoice_no"],
                "due_date": item["due_date"],
                "open_amount": format_amount(item["open_amount"], currency),
                "days_overdue": ledger.days_overdue(item["due_date"], on),
            }
            for item in items
        ],
    }
