"""What an administrator sets for the whole ledger: credit horizon, reservations, disputes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.limits import events, store
from services.limits.operations import dates
from services.limits.operations.accounts import cure_freezes, tell_accounts
from services.limits.operations.aging import tell_aged

# Before every customer; and customers whose orders wait for one piece.
_FIRST = UUID(int=0)
_FOLLOWED_AT_ONCE = 100


def get_settings(work: UnitOfWork) -> dict[str, Any]:
    """`{"horizon_days", "reservation_days", "disputes_are_overdue"}`; empty days mean without end."""
    return dict(store.settings_of(work))


def change_settings(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Set what is named, and answer all; for accounts it follows by `follow_settings`. Locks the settings."""
    before = dict(store.lock_settings(work))
    if before != {**before, **received}:
        store.save_settings(work, received, dates.today(work))
        after = store.settings_of(work)
        events.ledger_settings_changed(work, after)
        if after["disputes_are_overdue"] != before["disputes_are_overdue"]:
            store.save_following(work, {"disputes_after": _FIRST})
        if after["horizon_days"] != before["horizon_days"]:
            since = _nearest_horizon(work, before, after)
            store.save_following(work, {"horizon_after": _FIRST, "horizon_since": since})
    return get_settings(work)


def follow_settings(work: UnitOfWork) -> bool:
    """Let the next accounts follow what was set; False when there are none left.

    Those of whom something is disputed, and those who have orders due beyond a horizon that has moved, each
    once. Whoever sets something calls this until it answers False, each time in a transaction of its own.
    Locks the settings, then the customers of one piece.
    """
    place = store.lock_following(work)
    if place is None:
        return False
    if place["disputes_after"] is not None:
        ids = store.next_disputing_customers(work, place["disputes_after"], _FOLLOWED_AT_ONCE)
        _think_again(work, ids)
        store.save_following(work, {"disputes_after": _reached(ids)})
        return True
    if place["horizon_after"] is not None:
        since, after = place["horizon_since"], place["horizon_after"]
        ids = store.next_customers_reserving_since(work, since, after, _FOLLOWED_AT_ONCE)
        tell_accounts(work, ids)
        store.save_following(work, {"horizon_after": _reached(ids)})
        return True
    return False


def _reached(ids: Sequence[UUID]) -> UUID | None:
    return ids[-1] if len(ids) == _FOLLOWED_AT_ONCE else None


def _nearest_horizon(work: UnitOfWork, *settings: Mapping[str, Any]) -> date:
    days = [one["horizon_days"] for one in settings if one["horizon_days"] is not None]
    nearest = dates.today(work) + timedelta(days=min(days))
    place = store.lock_following(work)
    # Who has not been told yet of the change before must not be forgotten.
    waiting = place["horizon_since"] if place and place["horizon_after"] else nearest
    return min(nearest, waiting)


def _think_again(work: UnitOfWork, customer_ids: Sequence[UUID]) -> None:
    store.lock_customers(work, customer_ids)
    for customer_id in customer_ids:
        cure_freezes(work, customer_id)
        tell_aged(work, customer_id)
    tell_accounts(work, customer_ids)
