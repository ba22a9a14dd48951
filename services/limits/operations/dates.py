"""The business date that everything in the ledger is dated by."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from services.common.db import UnitOfWork
from services.limits import store


def today(work: UnitOfWork) -> date:
    """The open business date; before the first was opened, today's in the company's time zone."""
    return store.today(work)


def effective_date(work: UnitOfWork, dated: date | None, order: Mapping[str, Any] | None = None) -> date:
    """From when on a document with a date of its own counts: never after the business date.

    What concerns an order counts no earlier than the order's last entry, so that on no date anything counts
    twice beside it, or not at all.
    """
    on = today(work)
    counted = on if dated is None else min(dated, on)
    since = order["effective_date"] if order is not None else None
    return counted if since is None else max(counted, since)


def get_business_date(work: UnitOfWork) -> dict[str, Any]:
    """The open business date, and whether the schedule moves it."""
    clock = store.read_clock(work)
    if clock is None:
        return {"date": work.local_date, "follows_schedule": True}
    return {"date": clock["date"], "follows_schedule": clock["follows_schedule"]}
