"""The business date that everything in the ledger is dated by."""

from __future__ import annotations

from datetime import date
from typing import Any

from services.common.db import UnitOfWork
from services.limits import store


def today(work: UnitOfWork) -> date:
    """The open business date; before the first was opened, today's in the company's time zone."""
    found: date = work.remembered("business_date", lambda: store.business_date(work) or work.local_date)
    return found


def get_business_date(work: UnitOfWork) -> dict[str, Any]:
    """The open business date, and whether the schedule moves it."""
    clock = store.read_clock(work)
    if clock is None:
        return {"date": work.local_date, "follows_schedule": True}
    return {"date": clock["date"], "follows_schedule": clock["follows_schedule"]}
