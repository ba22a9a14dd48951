"""A credit account on any date, by what is known now or was known at an instant.

`as_of` asks by the dates on which things count: what was entered later with an earlier date is in it.
`known_at` asks by the instants at which things were recorded: what the ledger knew at that moment of the
business date that was open then, or of the date that `as_of` names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.common.errors import require_filters
from services.common.paging import page
from services.limits import events, store
from services.limits.ledger import ZERO
from services.limits.model import entries
from services.limits.operations import accounts, dates, horizon, pool_limits
from services.limits.pools import PoolKey
from services.limits.standing import Balance


@dataclass(frozen=True)
class Moment:
    """A date, and the instant until which things are known; None for all that is known now."""

    on: date
    known_at: datetime | None = None

    def knows(self, recorded_at: datetime | None) -> bool:
        """Whether something was known that was recorded at an instant; what never was is not known."""
        return recorded_at is not None and (self.known_at is None or recorded_at <= self.known_at)


def get_account(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """A customer's credit account in API.md's shape: now, or at the end of a date, or as it was known."""
    customer_id, as_of, known_at = received["customer_id"], received["as_of"], received["known_at"]
    if as_of is None and known_at is None:
        shown = accounts.get_account(work, customer_id)
        return {**shown, "pools": [*shown["pools"], *pool_limits.pools_behind(work, customer_id)]}
    accounts.require_customer(work, customer_id)
    moment = _moment(work, as_of, known_at)
    shown = accounts.show(work, customer_id, _account_then(work, customer_id, moment))
    behind = [_pool_then(work, pool, moment) for pool in pool_limits.keys_behind(work, customer_id)]
    return {**shown, "pools": [*shown["pools"], *behind], "known_at": known_at}


def get_pool(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """One pool with its grants: now, or at the end of a date, or as it was known at an instant."""
    as_of, known_at = received.get("as_of"), received.get("known_at")
    if as_of is None and known_at is None:
        return pool_limits.get_pool(work, received)
    pool, moment = pool_limits.require_pool(work, received), _moment(work, as_of, known_at)
    grants = _grants_then(store.grants_of_pool(work, pool), moment)
    shown = [events.grant_view(row) for row in grants]
    return {
        **_pool_then(work, pool, moment),
        "grants": shown,
        "business_date": moment.on,
        "known_at": known_at,
    }


def _pool_then(work: UnitOfWork, pool: PoolKey, moment: Moment) -> dict[str, Any]:
    """How a pool stood, by the limits, the entries and the rates of a date."""
    grants = _grants_then(store.grants_of_pool(work, pool), moment)
    guarantees = _guarantees_then(store.guarantees_of_pool(work, pool), moment)
    balances = {
        row["currency"]: Balance(
            store.stages_on(work, row, moment.on, moment.known_at), _beyond_then(work, pool, row, moment)
        )
        for row in store.pools_of_key(work, pool)
    }
    currency = accounts.currency_of(grants, balances, moment.on, work.base_currency)
    standing = accounts.standing_in(work, currency, grants, guarantees, balances, moment.on, moment.known_at)
    return pool_limits.pool_view(work, pool, standing)


def _beyond_then(work: UnitOfWork, pool: PoolKey, row: Mapping[str, Any], moment: Moment) -> Decimal:
    if pool.is_shared:
        return ZERO
    asked = (UUID(pool.key), row["currency"], moment.on, moment.known_at, pool.segment)
    return horizon.beyond_then(work, *asked)


def list_entries(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """A page of the entries of a customer, newest first: effective by `as_of`, recorded by `known_at`."""
    accounts.require_customer(work, received["customer_id"])
    require_filters(received["where"], ())
    return page(
        work,
        store.entries_of(received["customer_id"], received["as_of"], received["known_at"]),
        received,
        sort={"identity": entries.c.identity},
        key=entries.c.identity,
        default_sort="-identity",
    )


def _moment(work: UnitOfWork, as_of: date | None, known_at: datetime | None) -> Moment:
    if as_of is not None:
        return Moment(as_of, known_at)
    then = None if known_at is None else store.business_date_at(work, known_at)
    return Moment(then or dates.today(work), known_at)


def _account_then(work: UnitOfWork, customer_id: UUID, moment: Moment) -> accounts.Account:
    pools = {row["currency"]: row for row in store.customer_pools(work, customer_id) if not row["segment"]}
    return accounts.Account(
        on=moment.on,
        grants=_grants_then(store.grants_of(work, customer_id), moment),
        guarantees=_guarantees_then(store.guarantees_of(work, customer_id), moment),
        freezes=_freezes_then(store.freezes_of(work, customer_id), moment),
        stages={
            currency: store.stages_on(work, pool, moment.on, moment.known_at)
            for currency, pool in pools.items()
        },
        beyond={
            currency: horizon.beyond_then(work, customer_id, currency, moment.on, moment.known_at)
            for currency in pools
        },
        overdue={
            currency: store.overdue_on(work, customer_id, currency, moment.on, moment.known_at)
            for currency in pools
        },
        known_at=moment.known_at,
    )


def _grants_then(rows: Sequence[dict[str, Any]], moment: Moment) -> list[dict[str, Any]]:
    known = [row for row in rows if moment.knows(row["granted_at"])]
    return [row if moment.knows(row["replaced_at"]) else {**row, "replaced_on": None} for row in known]


def _guarantees_then(rows: Sequence[dict[str, Any]], moment: Moment) -> list[dict[str, Any]]:
    known = [row for row in rows if moment.knows(row["accepted_at"])]
    return [row if moment.knows(row["released_at"]) else {**row, "released_on": None} for row in known]


def _freezes_then(rows: Sequence[dict[str, Any]], moment: Moment) -> list[dict[str, Any]]:
    """The freezes in force at the end of the date: what began and was lifted on it is over by then."""
    known = [row for row in rows if moment.knows(row["frozen_at"]) and row["since"] <= moment.on]
    return [row for row in known if not moment.knows(row["lifted_at"]) or row["lifted_on"] > moment.on]
