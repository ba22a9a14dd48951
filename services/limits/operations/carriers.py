"""Who carries the credit of a customer: the pools that a document touches, and how each is checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.common.money import EXACT
from services.limits import ledger, store
from services.limits.deciding import PoolCheck
from services.limits.operations import dates, exchange, horizon
from services.limits.operations.accounts import currency_of, standing_in
from services.limits.pools import (
    CUSTOMER,
    DEPARTMENT,
    GROUP,
    SALESPERSON,
    Owner,
    PoolKey,
    ancestors,
    judged,
    segment_of,
    title_of,
    touched,
)
from services.limits.rates import ONE, RateMissing
from services.limits.standing import Balance, Standing

_TOUCHED = "touched-pools"


def owner_of(work: UnitOfWork, customer_id: UUID) -> Owner:
    """Who stands behind what a customer owes. The customer is locked, or only looked at."""
    return owner_from(work, store.lock_customers(work, [customer_id])[customer_id])


def owner_from(work: UnitOfWork, customer: Mapping[str, Any]) -> Owner:
    """The same from a copy of the customer, which may be an older one."""
    group = customer["group_id"]
    parents = store.group_parents(work) if group is not None else {}
    return Owner(
        customer=str(customer["id"]),
        groups=ancestors(None if group is None else str(group), parents),
        salesperson=customer["salesperson"],
        departments=_departments(customer),
    )


def _departments(customer: Mapping[str, Any]) -> tuple[str, ...]:
    if customer["department"] is None:
        return ()
    return tuple(customer["departments"] or (customer["department"],))


def shared_carriers(owners: Iterable[Owner]) -> list[tuple[str, str]]:
    """The (kind, key) of everything but the customers themselves that may carry a limit for these owners."""
    found: set[tuple[str, str]] = set()
    for owner in owners:
        found.update((GROUP, group) for group in owner.groups)
        if owner.salesperson:
            found.add((SALESPERSON, owner.salesperson))
        found.update((DEPARTMENT, department) for department in owner.departments)
    return sorted(found)


def foresee(work: UnitOfWork, customer_ids: Iterable[UUID]) -> None:
    """Hold the pools that these customers share with others. Locks them, after the customers, sorted."""
    customers = store.lock_customers(work, customer_ids).values()
    store.lock_shared_pools(work, shared_carriers(owner_from(work, customer) for customer in customers))


def touched_by(work: UnitOfWork, document: Mapping[str, Any]) -> Sequence[PoolKey]:
    """The pools that hold a document's exposure. Locks those that others share."""
    known: dict[tuple[UUID, str], list[PoolKey]] = work.remembered(_TOUCHED, dict)
    key = document["customer_id"], segment_of(document)
    if key not in known:
        known[key] = touched_for(work, owner_of(work, key[0]), key[1])
    return known[key]


def forget_touched(work: UnitOfWork) -> None:
    """Look the touched pools up anew: this unit of work has changed what controls, or who stands behind."""
    work.forget(_TOUCHED)


def touched_for(work: UnitOfWork, owner: Owner, segment: str) -> list[PoolKey]:
    """The pools that hold the exposure of an owner in a segment. Locks those that others share."""
    carriers = shared_carriers([owner])
    store.lock_shared_pools(work, carriers)
    own = store.pools_of_customer(work, UUID(owner.customer))
    rows = [*own, *store.shared_pools(work, carriers)]
    return touched(owner, segment, {_key(row) for row in rows if row["controlled"]})


def pool_checks(
    work: UnitOfWork, order: Mapping[str, Any], counted: Decimal, increase: Decimal
) -> list[PoolCheck]:
    """Every pool that an order must pass, the customer's own first.

    Only the customer's own pools know a credit horizon: what others share counts all that is reserved.
    """
    pools = touched_by(work, order)
    limited = {
        PoolKey(CUSTOMER, row["pool_key"], row["segment"])
        for row in store.grants_of_customer(work, order["customer_id"])
    }
    return [
        _pool_check(work, pool, order, increase if pool.is_shared else counted)
        for pool in judged(pools, limited)
    ]


def _pool_check(work: UnitOfWork, pool: PoolKey, order: Mapping[str, Any], increase: Decimal) -> PoolCheck:
    standing = standing_of(work, pool, order["currency"])
    currency, missing = standing.currency, set(standing.missing)
    rate = ONE
    if currency != order["currency"]:
        try:
            rates = exchange.rates_for(work, (currency, order["currency"]))
            rate = rates.between(order["currency"], currency)
        except RateMissing as lack:
            missing.update(() if standing.limit.unlimited else lack.currencies)
    used = {} if rate == ONE else {order["currency"]: rate}
    return PoolCheck(
        name=pool.name,
        title=title_of(pool, store.label_of(work, pool)),
        currency=currency,
        limit=standing.limit,
        exposure=standing.counted,
        increase=EXACT.multiply(increase, rate),
        later=partial(_later_limits, standing),
        rate=rate,
        rates={**standing.rates, **used},
        missing=tuple(sorted(missing)),
        on=standing.on,
    )


def standing_of(work: UnitOfWork, pool: PoolKey, default: str | None = None) -> Standing:
    """How a pool stands on the business date, in the currency of its limit.

    One that never had a limit is told in the `default` currency, else in one of those that it holds.
    """
    grants, guarantees = store.grants_of_pool(work, pool), store.guarantees_of_pool(work, pool)
    rows = store.pools_of_key(work, pool)
    balances = {
        row["currency"]: Balance(
            ledger.Stages(row["reserved"], row["delivered"], row["receivable"]),
            beyond_horizon(work, pool, row["currency"]),
        )
        for row in rows
    }
    held = () if default else balances
    currency = currency_of(grants, held, dates.today(work), default or work.base_currency)
    return standing_in(work, currency, grants, guarantees, balances)


def limit_currency(work: UnitOfWork, pool: PoolKey, currency: str) -> str:
    """The currency of a pool's limit; where it never had one, that of a document which is posted there.

    A shared pool has a row in the currency of each limit that it ever had, so that one which has rows in one
    currency only needs no look at its limits.
    """
    if pool.is_shared and all(row["currency"] == currency for row in store.pools_of_key(work, pool)):
        return currency
    return currency_of(store.grants_of_pool(work, pool), (), dates.today(work), currency)


def beyond_horizon(work: UnitOfWork, pool: PoolKey, currency: str) -> Decimal:
    """What of a pool's balance does not count yet; what customers share counts all that is reserved."""
    if pool.is_shared:
        return ledger.ZERO
    return horizon.beyond(work, UUID(pool.key), currency, pool.segment)


def _later_limits(standing: Standing) -> list[tuple[Any, ledger.Limit]]:
    carriers = standing.grants, standing.guarantees
    return [(day, ledger.limit_on(day, *carriers)) for day in ledger.limit_dates(standing.on, *carriers)]


def _key(row: Mapping[str, Any]) -> PoolKey:
    return PoolKey(row["kind"], row["key"], row["segment"])
