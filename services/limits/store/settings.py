"""What an administrator sets for the whole ledger, read together with the business date."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import insert, select, true
from sqlalchemy.dialects.postgresql import insert as upsert

from services.common.db import UnitOfWork
from services.limits.model import business_clock, ledger_settings, settings_changes
from services.limits.store.rows import Row, one_row

SETTINGS = ("horizon_days", "reservation_days", "disputes_are_overdue")
# Before anybody has set anything: no horizon, no expiry, and a dispute alone delays nothing.
_DEFAULTS: Row = {"horizon_days": None, "reservation_days": None, "disputes_are_overdue": True}
_REMEMBERED = "ledger-settings"
_COLUMNS = [ledger_settings.c[name] for name in SETTINGS]
_READ = select(*_COLUMNS)
_FOLLOWING = select(
    *(ledger_settings.c[name] for name in ("disputes_after", "horizon_after", "horizon_since")),
    *(ledger_settings.c[name] for name in ("rates_of", "rates_after_kind", "rates_after_key")),
)
# Whoever asks for the business date will ask for the settings as well: both cost one trip.
_READ_WITH_DATE = select(business_clock.c.date, ledger_settings.c.singleton, *_COLUMNS).select_from(
    business_clock.outerjoin(ledger_settings, true())
)


def settings_of(work: UnitOfWork) -> Row:
    """The settings in force: `horizon_days`, `reservation_days` and `disputes_are_overdue`."""
    found: Row = work.remembered(_REMEMBERED, lambda: one_row(work, _READ) or dict(_DEFAULTS))
    return found


def settings_then(work: UnitOfWork, on: date, known_at: datetime | None = None) -> Row:
    """The settings in force at the end of a date, as they were known at an instant."""
    then = settings_changes.c.effective_date <= on
    if known_at is not None:
        then &= settings_changes.c.changed_at <= known_at
    columns = (settings_changes.c[name] for name in SETTINGS)
    last = select(*columns).where(then).order_by(settings_changes.c.identity.desc()).limit(1)
    return one_row(work, last) or dict(_DEFAULTS)


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


def save_settings(work: UnitOfWork, values: Mapping[str, Any], on: date) -> None:
    """Write settings whose row is locked, and keep from which business date on they hold."""
    changed = {**values, "changed_by": work.caller.actor, "changed_at": work.now}
    work.execute(ledger_settings.update().values(**changed))
    work.forget(_REMEMBERED)
    kept = {**settings_of(work), **changed, "effective_date": on}
    work.execute(insert(settings_changes).values(**kept))


def lock_following(work: UnitOfWork) -> Row | None:
    """How far the ledger has come in following what was set; None where nothing ever was.

    Locks the settings' row. `disputes_after` and `horizon_after` are the last customers that were reached,
    empty when there is nothing to follow; `horizon_since` the date after which orders are due that follow.
    `rates_of` are the currencies whose rates have changed, and `rates_after_…` the last pool that was told.
    """
    return one_row(work, _FOLLOWING.with_for_update())


def save_following(work: UnitOfWork, values: Mapping[str, Any]) -> None:
    """Note how far the ledger has come; the settings' row is locked."""
    work.execute(ledger_settings.update().values(**values))


def follow_rates_of(work: UnitOfWork, currencies: set[str]) -> None:
    """Let all pools follow the rates of these currencies, from the first; the settings' row is locked.

    Who has not been told yet of other rates before must not be forgotten.
    """
    if currencies:
        place = lock_following(work)
        waiting = set(place["rates_of"] or ()) if place else set()
        values = {"rates_of": sorted(currencies | waiting), "rates_after_kind": "", "rates_after_key": ""}
        save_following(work, values)


def followed_rates(work: UnitOfWork, reached: tuple[str, str] | None) -> None:
    """Note up to which pool (kind, key) rates were followed; None: by all."""
    names = ("rates_after_kind", "rates_after_key")
    if reached is None:
        save_following(work, {"rates_of": None, **dict.fromkeys(names)})
    else:
        save_following(work, dict(zip(names, reached, strict=True)))
