"""What an administrator sets for the whole ledger: credit horizon, reservations, disputes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from services.common.db import UnitOfWork
from services.limits import events, store
from services.limits.operations import dates
from services.limits.operations.accounts import cure_freezes, tell_accounts
from services.limits.operations.aging import tell_aged


def get_settings(work: UnitOfWork) -> dict[str, Any]:
    """`{"horizon_days", "reservation_days", "disputes_are_overdue"}`; empty days mean without end."""
    return dict(store.settings_of(work))


def change_settings(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Set what is named, and answer all; what follows for accounts follows at once.

    Locks the settings, then the customers of whom something is disputed, or due for a late delivery.
    """
    before = dict(store.lock_settings(work))
    if before != {**before, **received}:
        store.save_settings(work, received, dates.today(work))
        after = store.settings_of(work)
        events.ledger_settings_changed(work, after)
        if after["disputes_are_overdue"] != before["disputes_are_overdue"]:
            _think_again(work)
        if after["horizon_days"] != before["horizon_days"]:
            tell_accounts(work, store.customers_reserving_after(work, _nearest_horizon(work, before, after)))
    return get_settings(work)


def _nearest_horizon(work: UnitOfWork, *settings: Mapping[str, Any]) -> date:
    days = [one["horizon_days"] for one in settings if one["horizon_days"] is not None]
    return dates.today(work) + timedelta(days=min(days))


def _think_again(work: UnitOfWork) -> None:
    customer_ids = list(store.lock_customers(work, store.disputing_customers(work)))
    for customer_id in customer_ids:
        cure_freezes(work, customer_id)
        tell_aged(work, customer_id)
    tell_accounts(work, customer_ids)
