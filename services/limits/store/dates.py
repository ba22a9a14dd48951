"""Opening business dates."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert

from services.common.db import UnitOfWork
from services.limits.model import (
    business_clock,
    business_dates,
    invoices,
    orders,
    payments,
)
from services.limits.store.rows import Row, one_row


def read_clock(work: UnitOfWork) -> Row | None:
    """The business clock."""
    return one_row(work, select(business_clock))


def lock_clock(work: UnitOfWork) -> Row | None:
    """The business clock. Locks its row, so that one opening runs at a time."""
    return one_row(work, select(business_clock).with_for_update())


def set_clock(work: UnitOfWork, on: date, *, follows_schedule: bool) -> None:
    """Move the business clock."""
    values = {"date": on, "follows_schedule": follows_schedule}
    statement = upsert(business_clock).values(singleton=True, **values)
    work.execute(statement.on_conflict_do_update(index_elements=[business_clock.c.singleton], set_=values))


def add_business_date(work: UnitOfWork, on: date, overdue: int) -> None:
    """Note that a date was opened."""
    row = {
        "date": on,
        "opened_at": work.now,
        "opened_by": work.caller.actor,
        "overdue_customers": overdue,
    }
    work.execute(upsert(business_dates).values(**row).on_conflict_do_nothing())


def has_documents(work: UnitOfWork) -> bool:
    """Whether anything was ever ordered, invoiced or paid here."""
    return any(
        work.execute(select(table.c.id).limit(1)).first() is not None
        for table in (orders, invoices, payments)
    )
