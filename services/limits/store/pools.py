"""Pools and their immutable entries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Select, Text, any_, bindparam, select

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
        "recorded_at": None,
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
        # A unit of work that began earlier may have waited for the lock: the chain goes by the lock.
        "recorded_at": max(work.now, held["recorded_at"] or work.now),
        "actor": work.caller.actor,
        "trace_id": work.trace_id,
        "place": held["entries"] + 1,
    }
    row["hash"] = entry_hash(held["head"], row)
    pool.update({stage: held[stage] + row[stage] for stage in _STAGES})
    pool.update(entries=row["place"], head=row["hash"], recorded_at=row["recorded_at"])
    book.pools.change(pool["id"], {name: pool[name] for name in (*_STAGES, "entries", "head", "recorded_at")})
    book.entries.add(row)


def entries_of(customer_id: UUID, as_of: date | None = None, known_at: datetime | None = None) -> Select[Any]:
    """The entries of a customer, as a statement to be paged: effective by a date, recorded by an instant."""
    statement = select(entries).where(entries.c.customer_id == customer_id)
    if as_of is not None:
        statement = statement.where(entries.c.effective_date <= as_of)
    if known_at is not None:
        statement = statement.where(entries.c.recorded_at <= known_at)
    return statement
