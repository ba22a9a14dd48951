"""The copies of customers, whose rows are the locks of what they own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from services.common.db import UnitOfWork
from services.limits.model import customers
from services.limits.store.book import among_ids, book_of
from services.limits.store.rows import Row, all_rows, one_row

_LOCK = select(customers).where(among_ids(customers.c.id)).order_by(customers.c.id).with_for_update()
_BY_ID = select(customers).where(customers.c.id == bindparam("customer_id"), customers.c.active)
_BY_CODE = select(customers).where(customers.c.code == bindparam("customer_code"), customers.c.active)
_CODES = select(customers.c.code, customers.c.id).where(
    customers.c.code == any_(bindparam("codes", type_=ARRAY(Text))), customers.c.active
)


def save_customer(work: UnitOfWork, customer: Mapping[str, Any]) -> None:
    """Insert or replace the copy of a customer, at once. Locks its row."""
    values = dict(customer)
    statement = upsert(customers).values(values)
    work.execute(statement.on_conflict_do_update(index_elements=[customers.c.id], set_=values))
    shelf = book_of(work).customers
    if shelf.get(customer["id"]) is not None:
        shelf.replace(values)


def find_customer(work: UnitOfWork, customer_id: UUID | None, code: str | None) -> Row | None:
    """An active customer by id, else by code."""
    shelf = book_of(work).customers
    if customer_id is not None:
        held = shelf.get(customer_id)
        if held is None:
            return one_row(work, _BY_ID, {"customer_id": customer_id})
        return held if held["active"] else None
    for held in shelf.find(("code",), code):
        if held["active"]:
            return held
    return one_row(work, _BY_CODE, {"customer_code": code})


def lock_customers(work: UnitOfWork, ids: Iterable[UUID]) -> dict[UUID, Row]:
    """Customers by id. Locks their rows, sorted: everything that a customer owns waits for this lock."""
    book = book_of(work)
    wanted = sorted(set(ids))
    book.fetch_ids("customer", wanted, _LOCK, book.customers)
    found = ((customer_id, book.customers.get(customer_id)) for customer_id in wanted)
    return {customer_id: row for customer_id, row in found if row is not None}


def customers_by_code(work: UnitOfWork, codes: Iterable[str]) -> dict[str, UUID]:
    """The ids of active customers by their codes."""
    rows = all_rows(work, _CODES, {"codes": sorted(set(codes))})
    return {row["code"]: row["id"] for row in rows}


def count_customers(work: UnitOfWork, ids: Iterable[UUID], codes: Iterable[str]) -> int:
    """How many of these ids and codes are known customers."""
    by_id = select(func.count()).select_from(customers).where(customers.c.id.in_(sorted(ids)))
    by_code = select(func.count(customers.c.code.distinct())).where(customers.c.code.in_(sorted(codes)))
    return sum(int(work.execute(statement).scalar_one()) for statement in (by_id, by_code))
