"""Overrides, and what used them up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, func, or_, select

from services.common.db import UnitOfWork
from services.limits.model import override_uses, overrides
from services.limits.store.book import among_ids, book_of
from services.limits.store.owned import seen
from services.limits.store.rows import Row, all_rows, one_row

_BY_ID = select(overrides).where(overrides.c.id == bindparam("override"))
# What is used up or ended lets nothing pass any more.
_LIVE = select(overrides).where(
    among_ids(overrides.c.customer_id),
    overrides.c.ended_on.is_(None),
    overrides.c.used_count < overrides.c.count,
)
_USED = (
    select(
        override_uses.c.override_id,
        func.sum(override_uses.c.amount).label("amount"),
        func.count().label("count"),
    )
    .where(among_ids(override_uses.c.override_id))
    .group_by(override_uses.c.override_id)
    .subquery()
)
_DIFFERENCES = (
    select(overrides.c.id, overrides.c.used_amount, overrides.c.used_count)
    .outerjoin(_USED, _USED.c.override_id == overrides.c.id)
    .where(
        among_ids(overrides.c.id),
        or_(
            overrides.c.used_amount != func.coalesce(_USED.c.amount, 0),
            overrides.c.used_count != func.coalesce(_USED.c.count, 0),
        ),
    )
)


def add_override(work: UnitOfWork, override: Mapping[str, Any]) -> None:
    """Insert an override."""
    book_of(work).overrides.add(override)


def live_overrides(work: UnitOfWork, customer_id: UUID) -> list[Row]:
    """What may still let orders of a customer pass, whatever its last day is; the oldest first."""
    book = book_of(work)
    book.fetch_ids("overrides", [customer_id], _LIVE, book.overrides)
    found = book.overrides.find(("customer_id",), customer_id)
    live = [row for row in found if row["ended_on"] is None and row["used_count"] < row["count"]]
    return sorted(live, key=lambda row: row["id"])


def change_override(work: UnitOfWork, override_id: UUID, values: Mapping[str, Any]) -> None:
    """Change an override that is held."""
    book_of(work).overrides.change(override_id, values)


def add_override_use(work: UnitOfWork, use: Mapping[str, Any]) -> None:
    """Insert what used an override."""
    book_of(work).override_uses.add(use)


def find_override(work: UnitOfWork, override_id: UUID) -> Row | None:
    """An override by its id; whoever changes it locks its customer first, and then holds it."""
    return book_of(work).overrides.get(override_id) or one_row(work, _BY_ID, {"override": override_id})


def held_override(work: UnitOfWork, override_id: UUID) -> Row | None:
    """An override by its id, held; its customer is locked."""
    book = book_of(work)
    book.overrides.hold(all_rows(work, _BY_ID, {"override": override_id}))
    return book.overrides.get(override_id)


def overrides_with(work: UnitOfWork, where: Mapping[str, Any]) -> Select[Any]:
    """Overrides with these column values, as a statement to be paged."""
    wanted = (overrides.c[name] == value for name, value in where.items())
    return select(overrides).where(seen(work, overrides), *wanted)


def uses_of(work: UnitOfWork, override_ids: Sequence[UUID]) -> list[Row]:
    """What used these overrides, the oldest first."""
    statement = select(override_uses).where(among_ids(override_uses.c.override_id))
    return all_rows(work, statement.order_by(override_uses.c.id), {"ids": list(override_ids)})


def override_differences(work: UnitOfWork, ids: list[UUID]) -> list[Row]:
    """Overrides of which another amount or count is used than their uses say."""
    return all_rows(work, _DIFFERENCES, {"ids": ids})
