"""How long an order reserves: until the date that it names, else for the days that are set, else on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from services.common.db import UnitOfWork
from services.common.errors import invalid_field
from services.limits import store
from services.limits.operations import dates


def reserves_until(work: UnitOfWork, received: Mapping[str, Any]) -> date | None:
    """The last business date on which a new order reserves; `Invalid` for one that has passed.

    Unless it comes as a message, which may be late: that expires at once.
    """
    named: date | None = received.get("valid_until")
    if named is None:
        return _by_default(work)
    if named < dates.today(work) and not received.get("event_id"):
        raise invalid_field("valid_until", "valid_until_past", "有效期早于营业日期")
    return named


def begin_again(work: UnitOfWork, order: dict[str, Any]) -> None:
    """Let an order that is taken once more, and whose date has passed, reserve like one that names none."""
    if order["valid_until"] is not None and order["valid_until"] < dates.today(work):
        order["valid_until"] = _by_default(work)
    order["expired_on"] = None


def _by_default(work: UnitOfWork) -> date | None:
    days = store.settings_of(work)["reservation_days"]
    return None if days is None else dates.today(work) + timedelta(days=days)
