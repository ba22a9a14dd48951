"""Pools and their immutable entries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Select, Text, any_, bindparam, func, select

from services.common.db import UnitOfWork
from services.common.ids import new_id
from services.limits.chain import ROOT, entry_hash
from services.limits.ledger import ZERO, Stages
from services.limits.model import entries, pools
from services.limits.store.book import book_of
from services.limits.store.rows import Row, all_rows

_STAGES = ("reserved", "delivered", "receivable")
_OF_CUSTOMERS = select(pools).where(
    pools.c.kind == "customer", pools.c.key == any_(bindparam("keys", type_=ARRAY(Text)))
)


def read_customer_pools(work: UnitOfWork, customer_ids: Iterable[UUID]) -> None:
    """Hold the pools of these customers; whoever changes them holds the customers' locks."""
    book = book_of(work)

    def read(keys: list[str]) -> list[Row]:
        return all_rows(work, _OF_CUSTOMERS, {"keys": keys})

    book.fetch("customer-pools", (str(customer_id) for customer_id in customer_ids), read, book.pools)


def customer_pools(work: UnitOfWork, customer_id: UUID) -> list[Row]:
    """Every pool of a customer."""
    read_customer_pools(work, [customer_id])
    found = book_of(work).pools.find(("kind", "key"), "customer", str(customer_id))
    return sorted(found, key=lambda row: (row["currency"], row["segment"]))


def customer_pool(work: UnitOfWork, customer_id: UUID, currency: str) -> Row:
    """The customer's overall pool in a currency, made at first use; the customer is locked."""
    for row in customer_pools(work, customer_id):
        if row["currency"] == currency and row["segment"] == "":
            return row
    first = {
        "id": new_id(),
        "kind": "customer",
        "key": str(customer_id),
        "segment": "",
        "currency": currency,
        **dict.fromkeys(_STAGES, ZERO),
        "entries": 0,
        "head": ROOT,
    }
    book_of(work).pools.add(first)
    return first


def post_entry(work: UnitOfWork, pool: Row, entry: Mapping[str, Any], delta: Stages) -> None:
    """Write one immutable entry at the end of its pool's chain, and move the balance with it.

    `pool` is brought up to date as well.
    """
    book = book_of(work)
    held = book.pools.get(pool["id"]) or pool
    row = {
        **entry,
        "pool_id": pool["id"],
        **{stage: getattr(delta, stage) for stage in _STAGES},
        "recorded_at": work.now,
        "actor": work.caller.actor,
        "trace_id": work.trace_id,
        "place": held["entries"] + 1,
    }
    row["hash"] = entry_hash(held["head"], row)
    pool.update({stage: held[stage] + row[stage] for stage in _STAGES})
    pool.update(entries=row["place"], head=row["hash"])
    book.pools.change(pool["id"], {name: pool[name] for name in (*_STAGES, "entries", "head")})
    book.entries.add(row)


def entries_of(customer_id: UUID) -> Select[Any]:
    """The entries of a customer, as a statement to be paged."""
    return select(entries).where(entries.c.customer_id == customer_id)


def balances_on(work: UnitOfWork, customer_id: UUID, currency: str, on: date) -> Stages:
    """What the customer's pool held at the end of a date, from its entries."""
    statement = (
        select(*(func.sum(entries.c[stage]) for stage in _STAGES))
        .join(pools, pools.c.id == entries.c.pool_id)
        .where(
            entries.c.customer_id == customer_id,
            pools.c.currency == currency,
            entries.c.effective_date <= on,
        )
    )
    found = work.execute(statement).one()
    return Stages(*(amount or ZERO for amount in found))
