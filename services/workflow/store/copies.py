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
    business_date,
    customers,
    departments,
    duties,
    exchange_rates,
    users,
)
from services.workflow.store.ground import forget_ground
from services.workflow.store.rows import Row, rows


def department_of(work: UnitOfWork, username: str) -> str | None:
    """The department of somebody."""
    found: str | None = work.execute(select(users.c.department).where(users.c.username == username)).scalar()
    return found


def save_duties(work: UnitOfWork, allowed: Mapping[str, bool]) -> None:
    """Keep what the installation allows."""
    for key, value in allowed.items():
        work.part(Snapshots).put(duties, {"key": key, "allowed": value})


def save_user(work: UnitOfWork, user: Mapping[str, Any]) -> None:
    """Insert or replace the copy of a user."""
    forget_ground(work)
    names = ("username", "name", "department", "roles", "active")
    values = {name: user[name] for name in names} | {"leave": user.get("leave")}
    statement = upsert(users).values(**values)
    work.execute(statement.on_conflict_do_update(index_elements=[users.c.username], set_=values))


def save_department(work: UnitOfWork, department: Mapping[str, Any]) -> None:
    """Insert or replace the copy of a department."""
    forget_ground(work)
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
