"""What the ledger says, recomputed from what it is made of."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import case, func, or_, select

from services.common.db import UnitOfWork
from services.limits.chain import ROOT, entry_hash
from services.limits.ledger import Stages
from services.limits.model import (
    allocations,
    bills,
    entries,
    invoices,
    orders,
    payments,
    pools,
    write_offs,
)
from services.limits.pools import CUSTOMER, OVERALL
from services.limits.store.rows import Row, all_rows

Progress = Callable[[int, int], None]
_ENTRIES_AT_ONCE = 10_000
_CHAINS = select(
    entries.c.pool_id,
    entries.c.place,
    entries.c.hash,
    *(entries.c[name] for name in ("action", "document_type", "document_id")),
    *(entries.c[name] for name in ("reserved", "delivered", "receivable", "effective_date", "recorded_at")),
).order_by(entries.c.pool_id, entries.c.place)


def pool_differences(work: UnitOfWork) -> list[Row]:
    """Pools whose balance is not the sum of their entries."""
    summed = (
        select(
            entries.c.pool_id,
            func.sum(entries.c.reserved).label("reserved"),
            func.sum(entries.c.delivered).label("delivered"),
            func.sum(entries.c.receivable).label("receivable"),
        )
        .group_by(entries.c.pool_id)
        .subquery()
    )
    stages = ("reserved", "delivered", "receivable")
    differs = or_(*(pools.c[name] != func.coalesce(summed.c[name], 0) for name in stages))
    statement = (
        select(
            pools.c.id,
            pools.c.key,
            pools.c.currency,
            *(pools.c[name] for name in stages),
            *(func.coalesce(summed.c[name], 0).label(f"entries_{name}") for name in stages),
        )
        .select_from(pools.outerjoin(summed, summed.c.pool_id == pools.c.id))
        .where(differs)
    )
    return all_rows(work, statement)


def broken_chains(work: UnitOfWork, progress: Progress) -> list[Row]:
    """Pools of which the entries do not form a chain that ends at the pool's head; the first break of each.

    `progress` gets how many entries were read and how many there are.
    """
    total = int(work.execute(select(func.count()).select_from(entries)).scalar_one())
    heads = {
        row.id: (row.entries, row.head)
        for row in work.execute(select(pools.c.id, pools.c.entries, pools.c.head))
    }
    ends: dict[UUID, tuple[int, str]] = {}
    broken: dict[UUID, Row] = {}
    rows = work.execute(_CHAINS.execution_options(yield_per=_ENTRIES_AT_ONCE)).mappings()
    for count, row in enumerate(map(dict, rows), start=1):
        pool_id = row["pool_id"]
        place, before = ends.get(pool_id, (0, ROOT))
        if row["place"] != place + 1 or row["hash"] != entry_hash(before, row):
            broken.setdefault(pool_id, {"pool_id": pool_id, "place": row["place"]})
        ends[pool_id] = (row["place"], row["hash"])
        if count % _ENTRIES_AT_ONCE == 0:
            progress(count, total)
    progress(total, total)
    for pool_id, head in heads.items():
        if ends.get(pool_id, (0, ROOT)) != head:
            broken.setdefault(pool_id, {"pool_id": pool_id, "place": head[0]})
    return [broken[pool_id] for pool_id in sorted(broken)]


def document_totals(work: UnitOfWork) -> dict[tuple[str, str], Stages]:
    """Exposure by customer and currency, recomputed from the documents alone."""
    totals: dict[tuple[str, str], Stages] = {}

    def add(statement: Any, make: Any) -> None:
        for row in work.execute(statement).all():
            found = tuple(row)
            key = (str(found[0]), str(found[1]))
            totals[key] = totals.get(key, Stages()) + make(found)

    by_order = select(
        orders.c.customer_id, orders.c.currency, func.sum(orders.c.reserved), func.sum(orders.c.delivered)
    ).group_by(orders.c.customer_id, orders.c.currency)
    add(by_order, lambda row: Stages(reserved=row[2], delivered=row[3]))
    for amount, counts, sign in (
        (invoices.c.amount - invoices.c.written_off, invoices.c.status != "reversed", 1),
        (payments.c.amount, payments.c.status != "reversed", -1),
        (bills.c.amount, bills.c.status == "pending", 1),
    ):
        table = counts.left.table
        summed = (
            select(table.c.customer_id, table.c.currency, func.sum(amount))
            .where(counts)
            .group_by(table.c.customer_id, table.c.currency)
        )
        add(summed, partial(_receivable, sign))
    return totals


def _receivable(sign: int, row: Any) -> Stages:
    return Stages(receivable=sign * row[2])


def all_pools(work: UnitOfWork) -> list[Row]:
    """Every customer's overall pool."""
    return all_rows(work, select(pools).where(pools.c.kind == CUSTOMER, pools.c.segment == OVERALL))


def order_rows(work: UnitOfWork, after: UUID | None, limit: int) -> list[Row]:
    """Orders by id, for recomputing their stages piece by piece."""
    statement = select(orders).order_by(orders.c.id).limit(limit)
    return all_rows(work, statement if after is None else statement.where(orders.c.id > after))


def open_amount_differences(work: UnitOfWork) -> list[Row]:
    """Invoices whose open amount is not their amount less what was allocated to them and written off.

    Nor may what is written off be other than the sum of the write-offs.
    """
    allocated = (
        select(allocations.c.invoice_id, func.sum(allocations.c.amount).label("allocated"))
        .where(allocations.c.invoice_id.is_not(None))
        .group_by(allocations.c.invoice_id)
        .subquery()
    )
    given_up = (
        select(write_offs.c.invoice_id, func.sum(write_offs.c.amount).label("given_up"))
        .where(write_offs.c.status != "reversed")
        .group_by(write_offs.c.invoice_id)
        .subquery()
    )
    written_off = func.coalesce(given_up.c.given_up, 0)
    expected = invoices.c.amount - func.coalesce(allocated.c.allocated, 0) - written_off
    statement = (
        select(invoices.c.invoice_no, invoices.c.open_amount, expected.label("expected"))
        .select_from(
            invoices.outerjoin(allocated, allocated.c.invoice_id == invoices.c.id).outerjoin(
                given_up, given_up.c.invoice_id == invoices.c.id
            )
        )
        .where(
            invoices.c.status != "reversed",
            or_(invoices.c.open_amount != expected, invoices.c.written_off != written_off),
        )
    )
    return all_rows(work, statement)


def unallocated_differences(work: UnitOfWork) -> list[Row]:
    """Payments and credit notes of which another part is on account than their allocations leave."""
    allocated = (
        select(allocations.c.payment_id, func.sum(allocations.c.amount).label("allocated"))
        .where(allocations.c.invoice_id.is_not(None))
        .group_by(allocations.c.payment_id)
        .subquery()
    )
    left = payments.c.amount - func.coalesce(allocated.c.allocated, 0)
    expected = case((payments.c.status == "reversed", 0), else_=left)
    statement = (
        select(payments.c.kind, payments.c.payment_no, payments.c.unallocated, expected.label("expected"))
        .select_from(payments.outerjoin(allocated, allocated.c.payment_id == payments.c.id))
        .where(payments.c.unallocated != expected)
    )
    return all_rows(work, statement)


def counts(work: UnitOfWork) -> dict[str, int]:
    """How many rows the ledger holds of each kind."""
    tables = {
        "entries": entries,
        "pools": pools,
        "orders": orders,
        "invoices": invoices,
        "payments": payments,
        "write_offs": write_offs,
        "bills": bills,
    }
    return {
        name: int(work.execute(select(func.count()).select_from(table)).scalar_one())
        for name, table in tables.items()
    }
