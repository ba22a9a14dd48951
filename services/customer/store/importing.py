"""The queries of customers that come as tables: many at once; a docstring says what a query locks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select

from services.common.db import UnitOfWork
from services.common.scopes import visible
from services.customer.model import customer_code_numbers, customer_groups, customers
from services.customer.store import id_or_code
from services.customer.store.ground import OWNED, Row, alive, with_credit


def find_customers(work: UnitOfWork, keys: Sequence[str]) -> list[Row]:
    """Those of the customers with these ids or codes that are there for the caller, as others copy them."""
    ids, codes = _apart(keys)
    names = ("id", "code", "name", "uscc", "region", "salesperson", "department", "contacts", "fields")
    statement = (
        select(*(customers.c[name] for name in names))
        .select_from(with_credit)
        .where(alive, or_(customers.c.id.in_(ids), customers.c.code.in_(codes)), visible(work, OWNED))
    )
    return [dict(row) for row in work.execute(statement).mappings()]


def holders_of(work: UnitOfWork, codes: Sequence[str], credit_codes: Sequence[str]) -> list[Row]:
    """The customers that have one of these codes or credit codes, whoever may see them, with what is seen."""
    shown = (customers.c.id, customers.c.code, customers.c.name, customers.c.uscc)
    same = or_(customers.c.code.in_(codes), customers.c.uscc.in_(credit_codes))
    statement = select(*shown, visible(work, OWNED).label("seen")).select_from(with_credit)
    return [dict(row) for row in work.execute(statement.where(alive, same)).mappings()]


def lock_by_code(work: UnitOfWork, codes: Sequence[str]) -> None:
    """Lock the rows of customers with these codes, in the order of their codes."""
    statement = select(customers.c.id).where(customers.c.code.in_(codes), alive).order_by(customers.c.code)
    work.execute(statement.with_for_update())


def next_code_numbers(work: UnitOfWork, count: int) -> list[int]:
    """So many numbers for generated codes; those of rolled-back customers are not used again."""
    series = func.generate_series(1, count).table_valued()
    found = work.execute(select(customer_code_numbers.next_value()).select_from(series))
    return [int(number) for number in found.scalars()]


def groups_named(work: UnitOfWork, texts: Sequence[str]) -> dict[str, UUID]:
    """Customer groups by what a cell may call them: id, code, or a name that only one has."""
    ids, _ = _apart(texts)
    group = customer_groups.c
    statement = select(group.id, group.code, group.name).where(
        or_(group.id.in_(ids), group.code.in_(texts), group.name.in_(texts))
    )
    rows = list(work.execute(statement))
    found: dict[str, Any] = {}
    for row in rows:
        if sum(other.name == row.name for other in rows) == 1:
            found[row.name] = row.id
    for row in rows:
        found[row.code] = found[str(row.id)] = row.id
    return found


def _apart(keys: Sequence[str]) -> tuple[list[UUID], list[str]]:
    pairs = [id_or_code(key) for key in keys]
    return [one for one, _ in pairs if one is not None], [code for _, code in pairs if code is not None]
