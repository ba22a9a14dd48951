"""The queries of copies of people, customers and rates; they lock nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert

from services.common.db import UnitOfWork
from services.common.snapshots import Snapshots
from services.workflow.model import (
    absences,
    business_date,
    customers,
    departments,
    duties,
    exchange_rates,
    users,
)
from services.workflow.people import Company, Department, Person
from services.workflow.store.rows import Row, rows

_COMPANIES = "companies"


def company(work: UnitOfWork, flow_key: str | None = None) -> Company:
    """Everybody, how they are organised, and who stands in for whom now in a flow."""
    known: dict[str | None, Company] = work.remembered(_COMPANIES, dict)
    if flow_key not in known:
        known[flow_key] = _company(work, flow_key)
    return known[flow_key]


def forget_companies(work: UnitOfWork) -> None:
    """Look everybody up anew: this unit of work has changed who works here, or who is away."""
    work.forget(_COMPANIES)


def _company(work: UnitOfWork, flow_key: str | None) -> Company:
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
    deputies = {} if flow_key is None else {**_on_leave(work, found), **_deputies(work, flow_key)}
    return Company(people, units, deputies)


def _on_leave(work: UnitOfWork, people: Sequence[Row]) -> dict[str, str]:
    """Who stands in today for whom the directory says is on leave."""
    today = work.local_date.isoformat()
    return {
        row["username"]: row["leave"]["stand_in"]
        for row in people
        if row["leave"]
        and row["leave"].get("stand_in")
        and row["leave"]["from"] <= today <= row["leave"]["until"]
    }


def _deputies(work: UnitOfWork, flow_key: str) -> dict[str, str]:
    """Who stands in for whom now; an absence from one flow goes before one from all, a later before."""
    here = absences.c.flow_key.is_(None) | (absences.c.flow_key == flow_key)
    now = (absences.c.starts_at <= work.now) & (work.now < absences.c.ends_at)
    order = (absences.c.flow_key.is_not(None), absences.c.id)
    found = work.execute(select(absences.c.username, absences.c.deputy).where(here & now).order_by(*order))
    return {row.username: row.deputy for row in found}


def department_of(work: UnitOfWork, username: str) -> str | None:
    """The department of somebody."""
    found: str | None = work.execute(select(users.c.department).where(users.c.username == username)).scalar()
    return found


def is_allowed(work: UnitOfWork, duty: str) -> bool:
    """Whether the installation allows what a duty keeps apart; not where nothing was said."""
    return bool(work.execute(select(duties.c.allowed).where(duties.c.key == duty)).scalar())


def save_duties(work: UnitOfWork, allowed: Mapping[str, bool]) -> None:
    """Keep what the installation allows."""
    for key, value in allowed.items():
        work.part(Snapshots).put(duties, {"key": key, "allowed": value})


def save_user(work: UnitOfWork, user: Mapping[str, Any]) -> None:
    """Insert or replace the copy of a user."""
    forget_companies(work)
    names = ("username", "name", "department", "roles", "active")
    values = {name: user[name] for name in names} | {"leave": user.get("leave")}
    statement = upsert(users).values(**values)
    work.execute(statement.on_conflict_do_update(index_elements=[users.c.username], set_=values))


def save_department(work: UnitOfWork, department: Mapping[str, Any]) -> None:
    """Insert or replace the copy of a department."""
    forget_companies(work)
    values = {name: department[name] for name in ("code", "name", "parent", "head")}
    statement = upsert(departments).values(**values)
    work.execute(statement.on_conflict_do_update(index_elements=[departments.c.code], set_=values))


def save_customer(work: UnitOfWork, customer_id: UUID, values: Mapping[str, Any]) -> None:
    """Keep a part of what is known of a customer."""
    work.part(Snapshots).put(customers, {"customer_id": customer_id, **values})


def customers_by_id(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, Row]:
    """What is known of customers."""
    statement = select(customers).where(customers.c.customer_id.in_(sorted(set(ids))))
    return {row["customer_id"]: row for row in rows(work, statement)}


def save_rate(work: UnitOfWork, rate: Mapping[str, Any]) -> None:
    """Keep the exchange rate of a currency from a date on, instead of one that was kept for that date."""
    names = ("base", "currency")
    values = {name: rate[name] for name in names}
    values |= {"valid_from": date.fromisoformat(rate["valid_from"]), "rate": Decimal(rate["rate"])}
    work.part(Snapshots).put(exchange_rates, values)


def save_business_date(work: UnitOfWork, on: date) -> None:
    """Keep the open business date."""
    work.part(Snapshots).put(business_date, {"singleton": True, "date": on})


def rate_in_force(work: UnitOfWork, currency: str) -> Decimal | None:
    """The rate of a currency to the base currency on the business date; None where nobody has set one."""
    on = work.execute(select(business_date.c.date)).scalar() or work.local_date
    last = (
        select(exchange_rates.c.rate)
        .where(
            exchange_rates.c.base == work.base_currency,
            exchange_rates.c.currency == currency,
            exchange_rates.c.valid_from <= on,
        )
        .order_by(exchange_rates.c.valid_from.desc())
        .limit(1)
    )
    found: Decimal | None = work.execute(last).scalar()
    return found
