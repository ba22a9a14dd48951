"""Pools and their immutable entries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Select, Text, and_, any_, bindparam, column, func, or_, select

from services.common.db import UnitOfWork
from services.common.ids import new_id
from services.limits.chain import ROOT, entry_hash
from services.limits.ledger import ZERO, Stages
from services.limits.model import entries, pools
from services.limits.pools import CUSTOMER, OVERALL, PoolKey
from services.limits.store.book import book_of
from services.limits.store.rows import Row, all_rows

_STAGES = ("reserved", "delivered", "receivable")
_LOOKED_AGAIN = "shared-pools-again"
_asked = (
    func.unnest(bindparam("kinds", type_=ARRAY(Text)), bindparam("keys", type_=ARRAY(Text)))
    .table_valued(column("kind", Text), column("key", Text), name="asked")
    .render_derived()
)
_SHARED = (
    select(pools)
    .join(_asked, and_(pools.c.kind == _asked.c.kind, pools.c.key == _asked.c.key))
    .order_by(pools.c.id)
)
_LOCK_SHARED = _SHARED.with_for_update(of=pools)
_OF_CUSTOMERS = select(pools).where(
    pools.c.kind == "customer", pools.c.key == any_(bindparam("keys", type_=ARRAY(Text)))
)


def read_customer_pools(work: UnitOfWork, customer_ids: Iterable[UUID]) -> None:
    """Hold the pools of these customers; whoever changes them holds the customers' locks."""
    book, keys = book_of(work), [str(customer_id) for customer_id in customer_ids]
    book.fetch("customer-pools", keys, _OF_CUSTOMERS, book.pools, lambda missing: {"keys": missing})


def customer_pools(work: UnitOfWork, customer_id: UUID) -> list[Row]:
    """The customer's overall pool, a row a currency."""
    return sorted(pools_of_key(work, PoolKey(CUSTOMER, str(customer_id))), key=lambda row: row["currency"])


def pools_of_customer(work: UnitOfWork, customer_id: UUID) -> list[Row]:
    """Every pool of a customer, those for a segment as well."""
    read_customer_pools(work, [customer_id])
    return book_of(work).pools.find(("kind", "key"), CUSTOMER, str(customer_id))


def lock_shared_pools(work: UnitOfWork, carriers: Iterable[tuple[str, str]]) -> None:
    """Hold every pool of these (kind, key). Locks their rows, sorted, after the customers who share them.

    A unit of work that only reads locks nothing.
    """
    book, statement = book_of(work), _SHARED if work.reads_only else _LOCK_SHARED
    book.fetch("shared-pools", carriers, statement, book.pools, _named)


def _named(carriers: list[tuple[str, str]]) -> dict[str, list[str]]:
    return {"kinds": [kind for kind, _ in carriers], "keys": [key for _, key in carriers]}


def shared_pools(work: UnitOfWork, carriers: Iterable[tuple[str, str]]) -> list[Row]:
    """The pools of these (kind, key), which are locked."""
    shelf = book_of(work).pools
    return [row for kind, key in carriers for row in shelf.find(("kind", "key"), kind, key)]


def pools_of_key(work: UnitOfWork, pool: PoolKey) -> list[Row]:
    """A pool's rows, one a currency. Locks those that customers share."""
    if pool.is_shared:
        lock_shared_pools(work, [(pool.kind, pool.key)])
    else:
        read_customer_pools(work, [UUID(pool.key)])
    found = book_of(work).pools.find(("kind", "key"), pool.kind, pool.key)
    return [row for row in found if row["segment"] == pool.segment]


def pools_under(work: UnitOfWork, kind: str, key: str) -> list[PoolKey]:
    """The pools of one (kind, key) that control, the overall one first; they are held."""
    rows = book_of(work).pools.find(("kind", "key"), kind, key)
    if kind == CUSTOMER:
        rows = pools_of_customer(work, UUID(key))
    return sorted({PoolKey(kind, key, row["segment"]) for row in rows if row["controlled"]})


def pool_of(work: UnitOfWork, pool: PoolKey, currency: str) -> Row:
    """A pool's row in a currency, made at first use; whoever uses it holds its lock, or its customer's."""
    held = _row_of(work, pool, currency)
    if held is not None:
        return held
    first = {
        "id": new_id(),
        **pool._asdict(),
        "currency": currency,
        **dict.fromkeys(_STAGES, ZERO),
        "entries": 0,
        "head": ROOT,
        # An overall pool of a customer always counts; another exists because somebody controls it.
        "controlled": True,
        "guaranteed": False,
        "recorded_at": None,
    }
    book_of(work).pools.add(first)
    return first


def balance_of(work: UnitOfWork, pool: PoolKey, currency: str) -> Stages:
    """What a pool holds in a currency."""
    row = _row_of(work, pool, currency)
    return Stages() if row is None else Stages(*(row[stage] for stage in _STAGES))


def _row_of(work: UnitOfWork, pool: PoolKey, currency: str) -> Row | None:
    """A pool's row in a currency, if there is one.

    Whoever waited for the lock of the rows that were there may miss one that was made meanwhile: it looks
    again, once nobody else can make another.
    """
    for row in pools_of_key(work, pool):
        if row["currency"] == currency:
            return row
    if not pool.is_shared or work.reads_only:
        return None
    again = work.remembered(_LOOKED_AGAIN, set)
    if (pool.kind, pool.key) not in again:
        again.add((pool.kind, pool.key))
        book_of(work).pools.hold(all_rows(work, _SHARED, {"kinds": [pool.kind], "keys": [pool.key]}))
    return next((row for row in pools_of_key(work, pool) if row["currency"] == currency), None)


def control_pool(work: UnitOfWork, pool: PoolKey, *, controlled: bool) -> None:
    """Say whether a pool that is held controls what it holds."""
    for row in pools_of_key(work, pool):
        book_of(work).pools.change(row["id"], {"controlled": controlled})


def note_guarantee(work: UnitOfWork, pool: PoolKey) -> None:
    """Say that a pool that is held has a guarantee."""
    for row in pools_of_key(work, pool):
        book_of(work).pools.change(row["id"], {"guaranteed": True})


def controlled_pools(work: UnitOfWork) -> list[PoolKey]:
    """Every pool that controls and is not just a customer's overall one."""
    statement = (
        select(pools.c.kind, pools.c.key, pools.c.segment)
        .where(pools.c.controlled, or_(pools.c.kind != CUSTOMER, pools.c.segment != OVERALL))
        .distinct()
        .order_by(pools.c.kind, pools.c.key, pools.c.segment)
    )
    return [PoolKey(row.kind, row.key, row.segment) for row in work.execute(statement)]


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
        "rate": entry.get("rate"),
        "place": held["entries"] + 1,
    }
    row["hash"] = entry_hash(held["head"], row)
    pool.update({stage: held[stage] + row[stage] for stage in _STAGES})
    pool.update(entries=row["place"], head=row["hash"], recorded_at=row["recorded_at"])
    book.pools.change(pool["id"], {name: pool[name] for name in (*_STAGES, "entries", "head", "recorded_at")})
    book.entries.add(row)


def entries_of(customer_id: UUID, as_of: date | None = None, known_at: datetime | None = None) -> Select[Any]:
    """The entries of a customer's overall pool, to be paged: effective by a date, recorded by an instant."""
    own = select(pools.c.id).where(
        pools.c.kind == CUSTOMER, pools.c.key == str(customer_id), pools.c.segment == OVERALL
    )
    statement = select(entries).where(entries.c.customer_id == customer_id, entries.c.pool_id.in_(own))
    if as_of is not None:
        statement = statement.where(entries.c.effective_date <= as_of)
    if known_at is not None:
        statement = statement.where(entries.c.recorded_at <= known_at)
    return statement
