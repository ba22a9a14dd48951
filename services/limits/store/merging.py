"""Documents that get another owner, because two customers turned out to be one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, insert, select, update

from services.common.db import UnitOfWork
from services.limits.model import (
    allocations,
    bills,
    customers,
    disputes,
    invoices,
    orders,
    overrides,
    payments,
    reserved_changes,
    write_offs,
)
from services.limits.store.book import book_of
from services.limits.store.order_days import give_days
from services.limits.store.rows import Row, one_row

_OWNED = (orders, invoices, payments, allocations, write_offs, bills, disputes, overrides)
_target = customers.alias("target")
_MERGED = select(_target).join(customers, customers.c.merged_into == _target.c.id).where(_target.c.active)
_BY_ID = _MERGED.where(customers.c.id == bindparam("customer_id"))
_BY_CODE = _MERGED.where(customers.c.code == bindparam("customer_code"))


def give_documents(work: UnitOfWork, giver: UUID, taker: UUID, on: Any) -> dict[str, int]:
    """Let everything that one customer owns be another's; how many documents of each kind.

    Both are locked. Writes what the unit of work holds, and holds nothing afterwards: what was held says
    whose it was. What happened to reservations stays the giver's until `on`, and is the taker's from then on.
    """
    book = book_of(work)
    book.flush()
    counted = {}
    changes = reserved_changes.c
    names = ("order_id", "currency", "delivery_date", "change")
    held = select(*(changes[name] for name in names)).where(changes.customer_id == giver)
    stamp = {"effective_date": on, "recorded_at": work.now}
    rows = [{**row, **stamp} for row in work.execute(held).mappings()]
    moved = [{**row, "customer_id": giver, "change": -row["change"]} for row in rows]
    moved += [{**row, "customer_id": taker} for row in rows]
    if moved:
        work.execute(insert(reserved_changes), moved)
    for table in _OWNED:
        given = update(table).where(table.c.customer_id == giver).values(customer_id=taker)
        counted[table.name] = int(work.execute(given).rowcount)
    give_days(work, giver, taker)
    ordered = update(orders).where(orders.c.sold_to_id == giver).values(sold_to_id=taker)
    work.execute(ordered)
    same = orders.c.sold_to_id == orders.c.customer_id
    work.execute(update(orders).where(orders.c.customer_id == taker, same).values(sold_to_id=None))
    work.execute(update(customers).where(customers.c.merged_into == giver).values(merged_into=taker))
    work.execute(update(customers).where(customers.c.id == giver).values(active=False, merged_into=taker))
    book.forget()
    return {name: count for name, count in counted.items() if count}


def find_merged(work: UnitOfWork, customer_id: UUID | None, code: str | None) -> Row | None:
    """The active customer into whom the one with this id, else with this code, was merged."""
    if customer_id is not None:
        return one_row(work, _BY_ID, {"customer_id": customer_id})
    return one_row(work, _BY_CODE, {"customer_code": code})
