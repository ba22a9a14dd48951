"""Pools and their immutable entries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.common.db import UnitOfWork
from services.common.ids import new_id
from services.limits.ledger import ZERO, Stages
from services.limits.model import (
    entries,
    pools,
)
from services.limits.store.rows import Row, all_rows, one_row


def lock_customer_pool(work: UnitOfWork, customer_id: UUID, currency: str) -> Row:
    """The customer's overall pool in a currency, made at first use. Locks its row, once per unit of work.

    `post_entry` keeps the answered row's balances up to date.
    """
    key = f"pool:{customer_id}:{currency}"
    found: Row = work.remembered(key, lambda: _locked_pool(work, customer_id, currency))
    return found


def _locked_pool(work: UnitOfWork, customer_id: UUID, currency: str) -> Row:
    first = {
        "id": new_id(),
        "kind": "customer",
        "key": str(customer_id),
        "segment": "",
        "currency": currency,
        "reserved": ZERO,
        "delivered": ZERO,
        "receivable": ZERO,
    }
    which = and_(
        pools.c.kind == "customer",
        pools.c.key == str(customer_id),
        pools.c.segment == "",
        pools.c.currency == currency,
    )
    found = one_row(work, select(pools).where(which).with_for_update())
    if found is None:
        work.execute(upsert(pools).values(first).on_conflict_do_nothing())
        found = one_row(work, select(pools).where(which).with_for_update())
    assert found is not None  # noqa: S101 - it was inserted just above, in this transaction or another
    return found


def customer_pools(work: UnitOfWork, customer_id: UUID) -> list[Row]:
    """Every pool of a customer."""
    which = and_(pools.c.kind == "customer", pools.c.key == str(customer_id))
    return all_rows(work, select(pools).where(which).order_by(pools.c.currency, pools.c.segment))


def post_entry(work: UnitOfWork, pool: Row, entry: Mapping[str, Any], delta: Stages) -> None:
    """Write one immutable entry and move the balance with it: of the row, which is locked, and of `pool`."""
    pool_id = pool["id"]
    for stage in ("reserved", "delivered", "receivable"):
        pool[stage] += getattr(delta, stage)
    work.execute(
        insert(entries),
        {
            **entry,
            "pool_id": pool_id,
            "reserved": delta.reserved,
            "delivered": delta.delivered,
            "receivable": delta.receivable,
            "recorded_at": work.now,
            "actor": work.caller.actor,
            "trace_id": work.trace_id,
        },
    )
    work.execute(
        update(pools)
        .where(pools.c.id == pool_id)
        .values(
            reserved=pools.c.reserved + delta.reserved,
            delivered=pools.c.delivered + delta.delivered,
            receivable=pools.c.receivable + delta.receivable,
        )
    )


def entries_of(customer_id: UUID) -> Select[Any]:
    """The entries of a customer, as a statement to be paged."""
    return select(entries).where(entries.c.customer_id == customer_id)


def balances_on(work: UnitOfWork, customer_id: UUID, currency: str, on: date) -> Stages:
    """What the customer's pool held at the end of a date, from its entries."""
    statement = (
        select(func.sum(entries.c.reserved), func.sum(entries.c.delivered), func.sum(entries.c.receivable))
        .join(pools, pools.c.id == entries.c.pool_id)
        .where(
            entries.c.customer_id == customer_id,
            pools.c.currency == currency,
            entries.c.effective_date <= on,
        )
    )
    found = work.execute(statement).one()
    return Stages(*(amount or ZERO for amount in found))
