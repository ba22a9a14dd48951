"""The copies of customers, whose rows are the locks of what they own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from services.common.db import UnitOfWork
from services.limits.model import (
    customers,
)
from services.limits.store.rows import Row, all_rows, one_row


def save_customer(work: UnitOfWork, customer: Mapping[str, Any]) -> None:
    """Insert or replace the copy of a customer."""
    values = dict(customer)
    statement = upsert(customers).values(values)
    work.execute(statement.on_conflict_do_update(index_elements=[customers.c.id], set_=values))


def find_customer(work: UnitOfWork, customer_id: UUID | None, code: str | None) -> Row | None:
    """An active customer by id, else by code."""
    locked: dict[UUID, Row] = work.remembered("locked_customers", dict)
    if customer_id in locked:
        return locked[customer_id] if locked[customer_id]["active"] else None
    which = customers.c.id == customer_id if customer_id is not None else customers.c.code == code
    return one_row(work, select(customers).where(which, customers.c.active))


def lock_customers(work: UnitOfWork, ids: Iterable[UUID]) -> dict[UUID, Row]:
    """Customers by id. Locks their rows, sorted: everything that a customer owns waits for this lock."""
    locked: dict[UUID, Row] = work.remembered("locked_customers", dict)
    wanted = sorted(set(ids) - set(locked))
    if wanted:
        statement = select(customers).where(customers.c.id.in_(wanted)).order_by(customers.c.id)
        locked |= {row["id"]: row for row in all_rows(work, statement.with_for_update())}
    return {customer_id: locked[customer_id] for customer_id in ids if customer_id in locked}


def customers_by_code(work: UnitOfWork, codes: Iterable[str]) -> dict[str, UUID]:
    """The ids of active customers by their codes."""
    statement = select(customers.c.code, customers.c.id).where(
        customers.c.code.in_(sorted(set(codes))), customers.c.active
    )
    return {row.code: row.id for row in work.execute(statement)}


def count_customers(work: UnitOfWork, ids: Iterable[UUID], codes: Iterable[str]) -> int:
    """How many of these ids and codes are known customers."""
    by_id = select(func.count()).select_from(customers).where(customers.c.id.in_(sorted(ids)))
    by_code = select(func.count(customers.c.code.distinct())).where(customers.c.code.in_(sorted(codes)))
    return sum(int(work.execute(statement).scalar_one()) for statement in (by_id, by_code))
