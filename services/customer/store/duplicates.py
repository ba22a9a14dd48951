"""Customers whose names are like another's."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, or_, select

from services.common.db import UnitOfWork
from services.common.scopes import visible
from services.customer import names
from services.customer.model import customers
from services.customer.store.ground import OWNED, Row, alive, with_credit

_CANDIDATES_MAX = 2_000


def find_alike(work: UnitOfWork, key: str, uscc: str | None, but: UUID | None) -> list[Row]:
    """Customers that the caller sees whose names may be like one with this key, or with the credit code.

    Locks nothing. How like they are is left to `names`; of more than `_CANDIDATES_MAX`, the oldest.
    """
    shown = (customers.c.id, customers.c.code, customers.c.name, customers.c.uscc, customers.c.name_key)
    same = [customers.c.name_pieces.overlap(names.probes(key))]
    if uscc is not None:
        same.append(customers.c.uscc == uscc)
    statement = _seen(work, *shown).where(or_(*same))
    if but is not None:
        statement = statement.where(customers.c.id != but)
    rows = work.execute(statement.order_by(customers.c.id).limit(_CANDIDATES_MAX)).mappings()
    return [dict(row) for row in rows]


def keys_of_several(work: UnitOfWork) -> Select[Any]:
    """The names' keys that more than one of the customers has whom the caller sees."""
    several = _seen(work, customers.c.name_key).group_by(customers.c.name_key).having(func.count() > 1)
    return several.correlate(None)


def _seen(work: UnitOfWork, *columns: Any) -> Select[Any]:
    return select(*columns).select_from(with_credit).where(alive, visible(work, OWNED))
