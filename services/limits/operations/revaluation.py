"""What other rates make of the pools: nobody asked, so they are told, and flagged where over their limits."""

from __future__ import annotations

from uuid import UUID

from services.common.db import UnitOfWork
from services.limits import events, store
from services.limits.operations import dates
from services.limits.operations.accounts import tell_accounts
from services.limits.operations.carriers import standing_of
from services.limits.operations.pool_limits import pool_view
from services.limits.pools import CUSTOMER, PoolKey

_TOLD_AT_ONCE = 100


def follow_opened_date(work: UnitOfWork) -> bool:
    """Let the pools follow the rates that begin with the business date; False where none do.

    Locks the settings.
    """
    changing = store.currencies_changing(work, dates.today(work))
    if changing:
        store.lock_settings(work)
        store.follow_rates_of(work, set(changing))
    return bool(changing)


def follow_rates(work: UnitOfWork) -> bool:
    """Tell the next pools that other rates concern; False when there are none left.

    Whoever sets rates or opens a date calls this until it answers False, each time in a transaction of its
    own. Locks the settings, then the customers and the shared pools of one piece.
    """
    place = store.lock_following(work)
    if place is None or not place["rates_of"]:
        return False
    after = (place["rates_after_kind"], place["rates_after_key"])
    found = store.next_concerned(work, place["rates_of"], after, _TOLD_AT_ONCE)
    customers = [UUID(key) for kind, key in found if kind == CUSTOMER]
    store.lock_customers(work, customers)
    store.lock_shared_pools(work, sorted(each for each in found if each[0] != CUSTOMER))
    for kind, key in found:
        for pool in store.pools_under(work, kind, key):
            _tell(work, pool)
    tell_accounts(work, customers)
    store.followed_rates(work, found[-1] if len(found) == _TOLD_AT_ONCE else None)
    return True


def _tell(work: UnitOfWork, pool: PoolKey) -> None:
    standing = standing_of(work, pool)
    limit = standing.limit.amount
    over_limit = bool(standing.missing) or (limit is not None and standing.counted > limit)
    events.pool_revalued(work, pool, pool_view(work, pool, standing), over_limit=over_limit)
