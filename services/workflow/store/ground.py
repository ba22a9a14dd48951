"""What every move of a flow reads of the company: read once for each version of it, kept in this process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import select

from services.common.db import UnitOfWork
from services.common.expressions import Calendar
from services.workflow.calendar import WorkingTime
from services.workflow.model import (
    absences,
    authorities,
    calendar_days,
    calendar_hours,
    departments,
    duties,
    ground_version,
    users,
)
from services.workflow.people import Company, Department, Person
from services.workflow.store.rows import Row, rows

_NAME = "ground"
_KEPT_MAX = 8
_VERSION = select(ground_version.c.version)
# A version is changed by triggers in the transaction of whatever changes what it is of, to one that never
# was: what was read under it is good for ever.
_kept: dict[UUID, Ground] = {}


@dataclass(frozen=True)
class Ground:
    """The people and how they are organised, who is away, what is allowed, and when people work."""

    company: Company
    away: tuple[Row, ...]
    on_leave: tuple[Row, ...]
    allowed: frozenset[str]
    authorities: Mapping[str, Decimal | None]
    calendar: Calendar
    hours: tuple[tuple[time, time], ...]


def ground(work: UnitOfWork) -> Ground:
    """The ground as it is for this unit of work."""
    found: Ground = work.remembered(_NAME, partial(_find, work))
    return found


def forget_ground(work: UnitOfWork) -> None:
    """Look again: this unit of work has changed a part of it."""
    work.forget(_NAME)


def company(work: UnitOfWork, flow_key: str | None = None) -> Company:
    """Everybody, how they are organised, and who stands in for whom now in a flow."""
    known = ground(work)
    if flow_key is None or not (known.away or known.on_leave):
        return known.company
    today = work.local_date.isoformat()
    deputies = {
        row["username"]: row["leave"]["stand_in"]
        for row in known.on_leave
        if row["leave"]["from"] <= today <= row["leave"]["until"]
    }
    deputies |= _deputies(known, flow_key, work.now)
    return replace(known.company, deputies=deputies)


def is_allowed(work: UnitOfWork, duty: str) -> bool:
    """Whether the installation allows what a duty keeps apart; not where nothing was said."""
    return duty in ground(work).allowed


def authorities_by_role(work: UnitOfWork) -> Mapping[str, Decimal | None]:
    """Up to which amount each role may approve; None is without limit."""
    return ground(work).authorities


def working_days(work: UnitOfWork) -> Calendar:
    """The days on which the company works."""
    return ground(work).calendar


def working_time(work: UnitOfWork) -> WorkingTime:
    """The business calendar: days and hours."""
    known = ground(work)
    return WorkingTime(known.calendar, known.hours, work.timezone)


def _find(work: UnitOfWork) -> Ground:
    version = work.execute(_VERSION).scalar_one()
    if version not in _kept:
        if len(_kept) >= _KEPT_MAX:
            _kept.clear()
        _kept[version] = _read(work)
    return _kept[version]


def _read(work: UnitOfWork) -> Ground:
    found = rows(work, select(users))
    people = {
        row["username"]: Person(
            row["username"], row["department"], tuple(row["roles"]), active=bool(row["active"])
        )
        for row in found
    }
    units = {
        row["code"]: Department(row["code"], row["parent"], row["head"])
        for row in rows(work, select(departments))
    }
    days = rows(work, select(calendar_days))
    return Ground(
        company=Company(people, units),
        # An absence from one flow goes before one from all, a later before an earlier: the last counts.
        away=tuple(rows(work, select(absences).order_by(absences.c.flow_key.is_not(None), absences.c.id))),
        on_leave=tuple(row for row in found if row["leave"] and row["leave"].get("stand_in")),
        allowed=frozenset(work.execute(select(duties.c.key).where(duties.c.allowed)).scalars()),
        authorities={row["role"]: row["amount"] for row in rows(work, select(authorities))},
        calendar=Calendar(
            frozenset(row["day"] for row in days if not row["works"]),
            frozenset(row["day"] for row in days if row["works"]),
        ),
        hours=tuple(sorted((row["starts"], row["ends"]) for row in rows(work, select(calendar_hours)))),
    )


def _deputies(known: Ground, flow_key: str, now: datetime) -> dict[str, Any]:
    """Who stands in for whom now."""
    return {
        row["username"]: row["deputy"]
        for row in known.away
        if row["flow_key"] in (None, flow_key) and row["starts_at"] <= now < row["ends_at"]
    }
