"""Exchange rates: set, listed, and looked up for whoever sums what is held in several currencies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from services.common.db import UnitOfWork
from services.common.errors import Invalid, require_filters
from services.common.fields import parse_date
from services.common.paging import page
from services.limits import events, store
from services.limits.model import exchange_rates
from services.limits.operations import dates
from services.limits.rates import Rates

_REMEMBERED = "exchange-rates"


def rates_for(
    work: UnitOfWork, currencies: Iterable[str], on: date | None = None, known_at: datetime | None = None
) -> Rates:
    """The rates of these currencies in force on a date (the business date), as they were known at an instant.

    One currency alone needs no rate, and asks the database for none.
    """
    on = on or dates.today(work)
    wanted = set(currencies)
    if len(wanted) < 2:
        return Rates(work.base_currency, on, {})
    name = _REMEMBERED if known_at is None else f"{_REMEMBERED}:{known_at}"
    known: dict[tuple[str, date], Decimal | None] = work.remembered(name, dict)
    unknown = {each for each in wanted if each != work.base_currency and (each, on) not in known}
    if unknown:
        found = store.rates_in_force(work, unknown, on, known_at)
        known.update({(each, on): found.get(each) for each in unknown})
    to_base = {each: rate for each in wanted if (rate := known.get((each, on))) is not None}
    return Rates(work.base_currency, on, to_base)


def set_exchange_rates(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Set rates to the base currency, each from its date on (the business date): `{"items"}`, all or none.

    What is in force already concerns accounts at once: they follow by `revaluation.follow_rates`. `Invalid`
    for a rate of the base currency, and for two of one currency and date. Locks the settings.
    """
    today = dates.today(work)
    rows = [
        {
            "base": work.base_currency,
            "currency": each["currency"],
            "valid_from": each["valid_from"] or today,
            "rate": each["rate"],
            "source": each["source"] or received["source"],
            "set_by": work.caller.actor,
            "set_at": work.now,
        }
        for each in received["rates"]
    ]
    _check(work, rows)
    store.lock_settings(work)
    store.add_exchange_rates(work, rows)
    work.forget(_REMEMBERED)
    store.follow_rates_of(work, {row["currency"] for row in rows if row["valid_from"] <= today})
    items = [rate_view(row) for row in rows]
    events.exchange_rates_set(work, items)
    return {"items": items}


def _check(work: UnitOfWork, rows: list[dict[str, Any]]) -> None:
    seen: set[tuple[str, date]] = set()
    errors = []
    for place, row in enumerate(rows):
        key = (row["currency"], row["valid_from"])
        if row["currency"] == work.base_currency:
            text = f"{work.base_currency} 是本位币, 不需要汇率"
            errors.append({"field": f"rates.{place}.currency", "code": "rate_of_base", "message": text})
        elif key in seen:
            text = "同一币种同一日期出现两次"
            errors.append({"field": f"rates.{place}.currency", "code": "rate_twice", "message": text})
        seen.add(key)
    if errors:
        raise Invalid(errors[0]["message"], code=errors[0]["code"], errors=errors)


def list_exchange_rates(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """A page of all rates that were ever set, latest date first, by `currency`, `valid_from`, `source`."""
    return page(
        work,
        store.exchange_rates_with(_wanted(received["where"])),
        received,
        sort={"valid_from": exchange_rates.c.valid_from, "set_at": exchange_rates.c.set_at},
        key=exchange_rates.c.identity,
        default_sort="-valid_from",
        to_item=rate_view,
    )


def _wanted(where: Mapping[str, Any]) -> dict[str, Any]:
    require_filters(where, ("currency", "valid_from", "source"))
    return {name: parse_date(value) if name == "valid_from" else str(value) for name, value in where.items()}


def get_exchange_rates(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """The rates in force on a date (the business date), as they were known at an instant.

    `{"base", "date", "rates": {currency: rate}}`: one unit of the currency is so many of the base currency.
    """
    on = received["on"] or dates.today(work)
    found = store.rates_in_force(work, store.currencies_with_rates(work), on, received["known_at"])
    shown = {each: f"{rate:f}" for each, rate in sorted(found.items())}
    return {"base": work.base_currency, "date": on, "rates": shown}


def rate_view(row: Mapping[str, Any]) -> dict[str, Any]:
    """A rate as callers and subscribers see it."""
    names = ("base", "currency", "valid_from", "source", "set_by", "set_at")
    return {**{name: row[name] for name in names}, "rate": f"{row['rate'].normalize():f}"}
