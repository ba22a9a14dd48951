"""Who carries the credit of a customer: the pools that a document touches, and how each is checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.limits import ledger, store
from services.limits.deciding import PoolCheck
from services.limits.operations import dates, horizon
from services.limits.operations.accounts import currency_of
from services.limits.pools import (
    CUSTOMER,
    DEPARTMENT,
    GROUP,
    SALESPERSON,
    Owner,
    PoolKey,
    ancestors,
    judged,
    title_of,
    touched,
)

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
        department=customer["department"],
    )


def shared_carriers(owners: Iterable[Owner]) -> list[tuple[str, str]]:
    """The (kind, key) of everything but the customers themselves that may carry a limit for these owners."""
    found: set[tuple[str, str]] = set()
    for owner in owners:
        found.update((GROUP, group) for group in owner.groups)
        if owner.salesperson:
            found.add((SALESPERSON, owner.salesperson))
        if owner.department:
            found.add((DEPARTMENT, owner.department))
    return sorted(found)


def foresee(work: UnitOfWork, customer_ids: Iterable[UUID]) -> None:
    """Hold the pools that these customers share with others. Locks them, after the customers, sorted."""
    customers = store.lock_customers(work, customer_ids).values()
    store.lock_shared_pools(work, shared_carriers(owner_from(work, customer) for customer in customers))


def touched_by(work: UnitOfWork, document: Mapping[str, Any]) -> Sequence[PoolKey]:
    """The pools that hold a document's exposure. Locks those that others share."""
    known: dict[tuple[UUID, str], list[PoolKey]] = work.remembered(_TOUCHED, dict)
    key = document["customer_id"], document.get("company") or ""
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
    on = dates.today(work)
    grants = store.grants_of_pool(work, pool)
    currency = order["currency"]
    if grants and not any(row["currency"] == currency for row in grants):
        currency = currency_of(grants, (), on, work.base_currency)
    carriers = limit_carriers(work, pool, currency)
    return PoolCheck(
        name=pool.name,
        title=title_of(pool, store.label_of(work, pool)),
        currency=currency,
        limit=ledger.limit_on(on, *carriers),
        exposure=store.balance_of(work, pool, currency).total - beyond_horizon(work, pool, currency),
        increase=increase,
        later=partial(_later_limits, work, carriers),
    )


def beyond_horizon(work: UnitOfWork, pool: PoolKey, currency: str) -> Decimal:
    """What of a pool's balance does not count yet; what customers share counts all that is reserved."""
    if pool.is_shared:
        return ledger.ZERO
    return horizon.beyond(work, UUID(pool.key), currency, pool.segment)


def limit_carriers(
    work: UnitOfWork, pool: PoolKey, currency: str
) -> tuple[Sequence[ledger.Grant], Sequence[ledger.Guarantee]]:
    """The grants and guarantees in a currency that make a pool's limit; guarantees stand on overall pools."""
    grants = [row for row in store.grants_of_pool(work, pool) if row["currency"] == currency]
    guarantees = []
    if pool.kind == CUSTOMER and not pool.segment:
        guarantees = [row for row in store.guarantees_of(work, UUID(pool.key)) if row["currency"] == currency]
    return store.as_grants(grants), store.as_guarantees(guarantees)


def _later_limits(
    work: UnitOfWork, carriers: tuple[Sequence[ledger.Grant], Sequence[ledger.Guarantee]]
) -> list[tuple[Any, ledger.Limit]]:
    days = ledger.limit_dates(dates.today(work), *carriers)
    return [(day, ledger.limit_on(day, *carriers)) for day in days]


def _key(row: Mapping[str, Any]) -> PoolKey:
    return PoolKey(row["kind"], row["key"], row["segment"])
