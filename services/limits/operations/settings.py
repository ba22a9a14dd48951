"""What an administrator sets for the whole ledger: credit horizon, reservations, disputes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.common.db import UnitOfWork
from services.limits import events, store
from services.limits.operations.accounts import cure_freezes, tell_accounts
from services.limits.operations.aging import tell_aged


def get_settings(work: UnitOfWork) -> dict[str, Any]:
    """`{"horizon_days", "reservation_days", "disputes_are_overdue"}`; empty days mean without end."""
    return dict(store.settings_of(work))


def change_settings(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Set what is named, and answer all; what follows for those who dispute something follows at once.

    Locks the settings, then those customers.
    """
    before = dict(store.lock_settings(work))
    if before != {**before, **received}:
        store.save_settings(work, received)
        after = store.settings_of(work)
        events.ledger_settings_changed(work, after)
        if after["disputes_are_overdue"] != before["disputes_are_overdue"]:
            _think_again(work)
    return get_settings(work)


def _think_again(work: UnitOfWork) -> None:
    customer_ids = list(store.lock_customers(work, store.disputing_customers(work)))
    for customer_id in customer_ids:
        cure_freezes(work, customer_id)
        tell_aged(work, customer_id)
    tell_accounts(work, customer_ids)
