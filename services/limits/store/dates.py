"""Opening business dates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import bindparam, select

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

_CLOCK, _DAY = "business-clock", "business-day"
_LOCK_CLOCK = select(business_clock).with_for_update()
_READ_DAY = select(business_dates).where(business_dates.c.date == bindparam("day"))
_FIRST_DOCUMENTS = [select(table.c.id).limit(1) for table in (orders, invoices, payments)]


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
    found: Row | None = work.remembered(_CLOCK, lambda: one_row(work, _LOCK_CLOCK))
    return found


def set_clock(work: UnitOfWork, on: date, *, follows_schedule: bool) -> None:
    """Move the business clock, whose row is locked."""
    row = {"singleton": True, "date": on, "follows_schedule": follows_schedule}
    if lock_clock(work) != row:
        work.rows.upsert(business_clock, [row])
        work.remember(_CLOCK, row)


def add_day(work: UnitOfWork, on: date, step: str) -> Row:
    """Note that a date was opened; a date that was open before begins anew."""
    row = {"date": on, "opened_at": work.now, "opened_by": work.caller.actor, "overdue_customers": 0}
    begun = {**row, "step": step, "reached": None, "root": None}
    work.rows.upsert(business_dates, [begun])
    work.remember((_DAY, on), begun)
    return begun


def day_of(work: UnitOfWork, on: date) -> Row | None:
    """A date that was opened; whoever changes it holds the clock's lock."""
    asked = {"day": on}
    found: Row | None = work.remembered((_DAY, on), lambda: one_row(work, _READ_DAY, asked))
    return found


def change_day(work: UnitOfWork, on: date, values: Mapping[str, Any]) -> None:
    """Note how far a date has come."""
    work.rows.update(business_dates, [{"date": on, **values}], values)
    day = day_of(work, on)
    if day is not None:
        day.update(values)


def last_root(work: UnitOfWork) -> str | None:
    """The root over all chains of the last date that was closed."""
    closed = select(business_dates.c.root).where(business_dates.c.root.is_not(None))
    found: str | None = work.execute(closed.order_by(business_dates.c.date.desc()).limit(1)).scalar()
    return found


def has_documents(work: UnitOfWork) -> bool:
    """Whether anything was ever ordered, invoiced or paid here."""
    found: bool = work.remembered(
        "has-documents", lambda: any(work.execute(first).first() is not None for first in _FIRST_DOCUMENTS)
    )
    return found
