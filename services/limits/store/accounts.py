"""The copies of customers, whose rows are the locks of what they own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, any_, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.common.db import UnitOfWork
from services.limits.model import customer_groups, customers, departments
from services.limits.pools import DEPARTMENT, GROUP, PoolKey, ancestors
from services.limits.store.book import among_ids, book_of
from services.limits.store.rows import Row, all_rows, one_row

_READ = select(customers).where(among_ids(customers.c.id)).order_by(customers.c.id)
_LOCK = _READ.with_for_update()
_BY_ID = select(customers).where(customers.c.id == bindparam("customer_id"), customers.c.active)
_BY_CODE = select(customers).where(customers.c.code == bindparam("customer_code"), customers.c.active)
_GROUPS, _DEPARTMENTS = "customer-groups", "departments"
_CODES = select(customers.c.code, customers.c.id).where(
    customers.c.code == any_(bindparam("codes", type_=ARRAY(Text))), customers.c.active
)


def save_customer(work: UnitOfWork, customer: Mapping[str, Any]) -> None:
    """Insert or replace the copy of a customer, with the departments above its own, at once. Locks it."""
    path = ancestors(customer["department"], department_parents(work))
    values = {**customer, "departments": list(path)}
    statement = upsert(customers).values(values)
    work.execute(statement.on_conflict_do_update(index_elements=[customers.c.id], set_=values))
    book = book_of(work)
    if book.customers.get(customer["id"]) is not None:
        book.customers.replace(values)
    else:
        # Whoever looked before will find the customer now; writing the row has locked it.
        book.customers.hold([values])
        book.know("customer", [customer["id"]])


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
    """Customers by id. Locks their rows, sorted: everything that a customer owns waits for this lock.

    A unit of work that only reads locks nothing.
    """
    book = book_of(work)
    wanted = sorted(set(ids))
    book.fetch_ids("customer", wanted, _READ if work.reads_only else _LOCK, book.customers)
    found = ((customer_id, book.customers.get(customer_id)) for customer_id in wanted)
    return {customer_id: row for customer_id, row in found if row is not None}


def lock_all_customers(work: UnitOfWork) -> None:
    """Wait until nobody holds a customer, and let nobody have one until the transaction ends."""
    work.execute(text("LOCK TABLE customers IN EXCLUSIVE MODE"))


def customers_of(work: UnitOfWork, kind: str, key: str) -> list[Row]:
    """The customers of a salesperson; of a group or a department, those of all below it, too."""
    if kind == DEPARTMENT:
        return all_rows(work, select(customers).where(customers.c.departments.contains([key])))
    if kind != GROUP:
        return all_rows(work, select(customers).where(customers.c[kind] == key))
    below = select(customer_groups.c.id).where(customer_groups.c.id == UUID(key)).cte(recursive=True)
    below = below.union(select(customer_groups.c.id).join(below, customer_groups.c.parent_id == below.c.id))
    return all_rows(work, select(customers).where(customers.c.group_id.in_(select(below.c.id))))


def save_group(work: UnitOfWork, group: Mapping[str, Any]) -> None:
    """Insert or replace the copy of a customer group, at once."""
    values = dict(group)
    statement = upsert(customer_groups).values(values)
    work.execute(statement.on_conflict_do_update(index_elements=[customer_groups.c.id], set_=values))
    work.forget(_GROUPS)


def department_parents(work: UnitOfWork) -> dict[str, str | None]:
    """The department above each department, by their codes."""
    found: dict[str, str | None] = work.remembered(
        _DEPARTMENTS, lambda: {row["code"]: row["parent"] for row in all_rows(work, select(departments))}
    )
    return found


def save_department(work: UnitOfWork, code: str, parent: str | None) -> None:
    """Insert or replace the copy of a department, at once."""
    values = {"code": code, "parent": parent}
    statement = upsert(departments).values(values)
    work.execute(statement.on_conflict_do_update(index_elements=[departments.c.code], set_=values))
    work.forget(_DEPARTMENTS)


def place_customers(work: UnitOfWork, members: Iterable[Row]) -> list[Row]:
    """Note the departments that are above customers by now, whom nobody else holds; as they are then."""
    parents, book, placed = department_parents(work), book_of(work), []
    for row in members:
        placed.append({**row, "departments": list(ancestors(row["department"], parents))})
        if book.customers.get(row["id"]) is not None:
            book.customers.replace(placed[-1])
    for code, path in {row["department"]: row["departments"] for row in placed}.items():
        of_department = update(customers).where(customers.c.department == code)
        work.execute(of_department.values(departments=path))
    return placed


def group_parents(work: UnitOfWork) -> dict[str, str | None]:
    """The group above each customer group, by their ids as text."""
    rows: dict[str, Row] = _groups(work)
    return {key: None if row["parent_id"] is None else str(row["parent_id"]) for key, row in rows.items()}


def label_of(work: UnitOfWork, pool: PoolKey) -> str | None:
    """The name of whose a pool is, where it is known here: that of a group."""
    if pool.kind != GROUP:
        return None
    group = _groups(work).get(pool.key)
    return None if group is None else str(group["name"])


def _groups(work: UnitOfWork) -> dict[str, Row]:
    found: dict[str, Row] = work.remembered(
        _GROUPS, lambda: {str(row["id"]): row for row in all_rows(work, select(customer_groups))}
    )
    return found


def customers_by_code(work: UnitOfWork, codes: Iterable[str]) -> dict[str, UUID]:
    """The ids of active customers by their codes."""
    rows = all_rows(work, _CODES, {"codes": sorted(set(codes))})
    return {row["code"]: row["id"] for row in rows}


def count_customers(work: UnitOfWork, ids: Iterable[UUID], codes: Iterable[str]) -> int:
    """How many of these ids and codes are known customers."""
    by_id = select(func.count()).select_from(customers).where(customers.c.id.in_(sorted(ids)))
    by_code = select(func.count(customers.c.code.distinct())).where(customers.c.code.in_(sorted(codes)))
    return sum(int(work.execute(statement).scalar_one()) for statement in (by_id, by_code))
