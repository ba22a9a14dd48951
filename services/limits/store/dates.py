"""Opening business dates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import select, update
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
from services.limits.store.settings import business_date


def today(work: UnitOfWork) -> date:
    """The open business date; before the first was opened, today's in the company's time zone."""
    found: date = work.remembered("business_date", lambda: business_date(work) or work.local_date)
    return found


def business_date_at(work: UnitOfWork, moment: datetime) -> date | None:
    """The business date that was open at an instant; None before the first was opened."""
    statement = select(business_dates.c.date).where(business_dates.c.opened_at <= moment)
    latest = statement.order_by(business_dates.c.opened_at.desc(), business_dates.c.date.desc()).limit(1)
    found: date | None = work.execute(latest).scalar()
    return found


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


def add_day(work: UnitOfWork, on: date, step: str) -> None:
    """Note that a date was opened; a date that was open before begins anew."""
    row = {"date": on, "opened_at": work.now, "opened_by": work.caller.actor, "overdue_customers": 0}
    begun = {**row, "step": step, "reached": None, "root": None}
    statement = upsert(business_dates).values(begun)
    work.execute(statement.on_conflict_do_update(index_elements=[business_dates.c.date], set_=begun))


def day_of(work: UnitOfWork, on: date) -> Row | None:
    """A date that was opened; whoever changes it holds the clock's lock."""
    return one_row(work, select(business_dates).where(business_dates.c.date == on))


def change_day(work: UnitOfWork, on: date, values: Mapping[str, Any]) -> None:
    """Note how far a date has come."""
    work.execute(update(business_dates).where(business_dates.c.date == on).values(**values))


def last_root(work: UnitOfWork) -> str | None:
    """The root over all chains of the last date that was closed."""
    closed = select(business_dates.c.root).where(business_dates.c.root.is_not(None))
    found: str | None = work.execute(closed.order_by(business_dates.c.date.desc()).limit(1)).scalar()
    return found


def has_documents(work: UnitOfWork) -> bool:
    """Whether anything was ever ordered, invoiced or paid here."""
    return any(
        work.execute(select(table.c.id).limit(1)).first() is not None
        for table in (orders, invoices, payments)
    )
