"""Grants and freezes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.common.db import UnitOfWork
from services.limits.ledger import Grant
from services.limits.model import (
    freezes,
    grants,
)
from services.limits.store.rows import Row, all_rows, one_row


def grants_of(work: UnitOfWork, customer_id: UUID) -> list[Row]:
    """Every grant that a customer ever had, newest first."""
    statement = select(grants).where(grants.c.customer_id == customer_id)
    statement = statement.order_by(grants.c.granted_at.desc(), grants.c.id.desc())
    found: list[Row] = work.remembered(f"grants:{customer_id}", lambda: all_rows(work, statement))
    return found


def as_grants(rows: Iterable[Mapping[str, Any]]) -> list[Grant]:
    """Grants as the rules see them."""
    names = Grant.__dataclass_fields__
    return [Grant(**{name: row[name] for name in names}) for row in rows]


def replace_base_grants(work: UnitOfWork, customer_id: UUID, on: date) -> None:
    """End the base grants that are in force or to come, as from a date."""
    work.execute(
        update(grants)
        .where(grants.c.customer_id == customer_id, grants.c.kind == "base", grants.c.replaced_on.is_(None))
        .values(replaced_on=func.greatest(on, grants.c.valid_from))
    )


def add_grant(work: UnitOfWork, grant: Mapping[str, Any]) -> None:
    """Insert a grant."""
    work.execute(insert(grants).values(**grant))
    work.forget(f"grants:{grant['customer_id']}")


def grant_of_application(work: UnitOfWork, application_id: str) -> Row | None:
    """The grant that an application led to."""
    return one_row(work, select(grants).where(grants.c.application_id == application_id))


def customers_whose_limit_changes(work: UnitOfWork, on: date) -> list[UUID]:
    """Customers of whom a grant begins on a date or ended the day before."""
    ended = on - timedelta(days=1)
    statement = select(grants.c.customer_id).where(
        grants.c.replaced_on.is_(None), or_(grants.c.valid_from == on, grants.c.valid_to == ended)
    )
    return sorted({row.customer_id for row in work.execute(statement)})


def open_freezes(work: UnitOfWork, customer_id: UUID) -> list[Row]:
    """The freezes in force, oldest first."""
    statement = select(freezes).where(freezes.c.customer_id == customer_id, freezes.c.lifted_at.is_(None))
    statement = statement.order_by(freezes.c.frozen_at, freezes.c.id)
    found: list[Row] = work.remembered(f"freezes:{customer_id}", lambda: all_rows(work, statement))
    return found


def freezes_of(work: UnitOfWork, customer_id: UUID) -> list[Row]:
    """Every freeze that a customer ever had, newest first."""
    statement = select(freezes).where(freezes.c.customer_id == customer_id)
    return all_rows(work, statement.order_by(freezes.c.frozen_at.desc(), freezes.c.id.desc()))


def add_freeze(work: UnitOfWork, freeze: Mapping[str, Any]) -> bool:
    """Insert a freeze; False when that source froze the customer already."""
    work.forget(f"freezes:{freeze['customer_id']}")
    statement = upsert(freezes).values(**freeze).on_conflict_do_nothing().returning(freezes.c.id)
    return work.execute(statement).first() is not None


def lift_freezes(work: UnitOfWork, customer_id: UUID, ids: Sequence[UUID], on: date, why: str | None) -> None:
    """End freezes of a customer."""
    work.forget(f"freezes:{customer_id}")
    work.execute(
        update(freezes)
        .where(freezes.c.id.in_(ids))
        .values(lifted_on=on, lifted_at=work.now, lifted_by=work.caller.actor, lift_reason=why)
    )
