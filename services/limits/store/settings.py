"""What an administrator sets for the whole ledger, read together with the business date."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import select, true
from sqlalchemy.dialects.postgresql import insert as upsert

from services.common.db import UnitOfWork
from services.limits.model import business_clock, ledger_settings
from services.limits.store.rows import Row, one_row

SETTINGS = ("horizon_days", "reservation_days", "disputes_are_overdue")
# Before anybody has set anything: no horizon, no expiry, and a dispute alone delays nothing.
_DEFAULTS: Row = {"horizon_days": None, "reservation_days": None, "disputes_are_overdue": True}
_REMEMBERED = "ledger-settings"
_COLUMNS = [ledger_settings.c[name] for name in SETTINGS]
_READ = select(*_COLUMNS)
# Whoever asks for the business date will ask for the settings as well: both cost one trip.
_READ_WITH_DATE = select(business_clock.c.date, ledger_settings.c.singleton, *_COLUMNS).select_from(
    business_clock.outerjoin(ledger_settings, true())
)


def settings_of(work: UnitOfWork) -> Row:
    """The settings in force: `horizon_days`, `reservation_days` and `disputes_are_overdue`."""
    found: Row = work.remembered(_REMEMBERED, lambda: one_row(work, _READ) or dict(_DEFAULTS))
    return found


def business_date(work: UnitOfWork) -> date | None:
    """The open business date; None before the first was opened."""
    row = one_row(work, _READ_WITH_DATE)
    if row is None:
        return None
    found = {name: row[name] for name in SETTINGS} if row["singleton"] else dict(_DEFAULTS)
    work.remembered(_REMEMBERED, lambda: found)
    on: date = row["date"]
    return on


def lock_settings(work: UnitOfWork) -> Row:
    """The same, to be changed. Locks their row, made at first use."""
    values = {**_DEFAULTS, "changed_by": work.caller.actor, "changed_at": work.now}
    work.execute(upsert(ledger_settings).values(singleton=True, **values).on_conflict_do_nothing())
    work.forget(_REMEMBERED)
    work.execute(_READ.with_for_update())
    return settings_of(work)


def save_settings(work: UnitOfWork, values: Mapping[str, Any]) -> None:
    """Write settings whose row is locked."""
    changed = {**values, "changed_by": work.caller.actor, "changed_at": work.now}
    work.execute(ledger_settings.update().values(**changed))
    work.forget(_REMEMBERED)
