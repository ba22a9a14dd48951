"""The queries of rules; a docstring says what a query locks, silence that it locks nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.common.db import UnitOfWork
from services.risk_rules.model import behaviour, customers, episodes, ratings, rule_versions, rules

Row = dict[str, Any]


def _one(work: UnitOfWork, statement: Any) -> Row | None:
    row = work.execute(statement).mappings().first()
    return None if row is None else dict(row)


def _all(work: UnitOfWork, statement: Any) -> list[Row]:
    return [dict(row) for row in work.execute(statement).mappings()]


def find_rule(work: UnitOfWork, key: str, *, locked: bool = False) -> Row | None:
    """A rule by id or key. Locks its row when `locked`."""
    try:
        which = or_(rules.c.id == UUID(key), rules.c.key == key)
    except ValueError:
        which = rules.c.key == key
    statement = select(rules).where(which)
    return _one(work, statement.with_for_update() if locked else statement)


def rules_listed() -> Select[Any]:
    """All rules, as a statement to be paged."""
    return select(rules)


def add_rule(work: UnitOfWork, rule: Mapping[str, Any]) -> bool:
    """Insert a rule; False when its key is taken."""
    statement = upsert(rules).values(**rule).on_conflict_do_nothing().returning(rules.c.id)
    return work.execute(statement).first() is not None


def change_rule(work: UnitOfWork, rule_id: UUID, values: Mapping[str, Any]) -> None:
    """Change a rule."""
    work.execute(update(rules).where(rules.c.id == rule_id).values(**values))


def add_version(work: UnitOfWork, version: Mapping[str, Any]) -> None:
    """Insert a published version."""
    work.execute(insert(rule_versions).values(**version))


def versions_of(work: UnitOfWork, rule_id: UUID) -> list[Row]:
    """The published versions of a rule, newest first."""
    statement = select(rule_versions).where(rule_versions.c.rule_id == rule_id)
    return _all(work, statement.order_by(rule_versions.c.version.desc()))


def published(work: UnitOfWork, trigger: str) -> list[Row]:
    """The published definitions of a trigger: key, version, definition."""
    statement = (
        select(rules.c.key, rule_versions.c.version, rule_versions.c.definition)
        .join(
            rule_versions,
            (rule_versions.c.rule_id == rules.c.id) & (rule_versions.c.version == rules.c.published_version),
        )
        .where(rule_versions.c.definition["trigger"].astext == trigger)
        .order_by(rules.c.key)
    )
    return [row for row in _all(work, statement) if row["definition"].get("active", True)]


def save_customer(work: UnitOfWork, customer: Mapping[str, Any]) -> None:
    """Insert or replace the copy of a customer."""
    names = ("id", "code", "name", "salesperson", "department")
    values = {name: customer.get(name) for name in names}
    values["id"] = UUID(str(values["id"]))
    statement = upsert(customers).values(**values)
    work.execute(statement.on_conflict_do_update(index_elements=[customers.c.id], set_=values))


def find_customer(work: UnitOfWork, customer_id: UUID) -> Row | None:
    """The copy of a customer."""
    return _one(work, select(customers).where(customers.c.id == customer_id))


def open_episodes(work: UnitOfWork, customer_id: UUID) -> dict[str, Row]:
    """The episodes of a customer that have not ended, by rule. Locks their rows."""
    statement = select(episodes).where(episodes.c.customer_id == customer_id, episodes.c.ended_at.is_(None))
    return {row["rule_key"]: row for row in _all(work, statement.order_by(episodes.c.id).with_for_update())}


def next_number(work: UnitOfWork, rule_key: str, customer_id: UUID) -> int:
    """The number of a customer's next episode of a rule."""
    statement = select(func.coalesce(func.max(episodes.c.number), 0)).where(
        episodes.c.rule_key == rule_key, episodes.c.customer_id == customer_id
    )
    return int(work.execute(statement).scalar_one()) + 1


def add_episode(work: UnitOfWork, episode: Mapping[str, Any]) -> None:
    """Insert an episode."""
    work.execute(insert(episodes).values(**episode))


def end_episode(work: UnitOfWork, episode_id: UUID, on: date) -> None:
    """End an episode."""
    statement = update(episodes).where(episodes.c.id == episode_id)
    work.execute(statement.values(ended_on=on, ended_at=work.now))


def episodes_of_rule(rule_key: str) -> Select[Any]:
    """The firings of a rule, as a statement to be paged."""
    return select(episodes).where(episodes.c.rule_key == rule_key)


def add_behaviour(
    work: UnitOfWork, customer_id: UUID, currency: str, paid: Decimal, on_time: Decimal, amount_days: Decimal
) -> None:
    """Add what a payment shows (or take it back, with negative figures)."""
    row = {
        "customer_id": customer_id,
        "currency": currency,
        "paid": paid,
        "paid_on_time": on_time,
        "amount_days_late": amount_days,
    }
    statement = upsert(behaviour).values(**row)
    work.execute(
        statement.on_conflict_do_update(
            index_elements=[behaviour.c.customer_id, behaviour.c.currency],
            set_={
                "paid": behaviour.c.paid + paid,
                "paid_on_time": behaviour.c.paid_on_time + on_time,
                "amount_days_late": behaviour.c.amount_days_late + amount_days,
            },
        )
    )


def behaviour_of(work: UnitOfWork, customer_id: UUID) -> Row | None:
    """How a customer has paid, in the currency in which most was paid."""
    statement = select(behaviour).where(behaviour.c.customer_id == customer_id)
    return _one(work, statement.order_by(behaviour.c.paid.desc()).limit(1))


def rating_of(work: UnitOfWork, customer_id: UUID) -> Row | None:
    """The rating of a customer."""
    return _one(work, select(ratings).where(ratings.c.customer_id == customer_id))


def save_rating(work: UnitOfWork, rating: Mapping[str, Any]) -> None:
    """Insert or replace the rating of a customer."""
    statement = upsert(ratings).values(**rating)
    work.execute(statement.on_conflict_do_update(index_elements=[ratings.c.customer_id], set_=dict(rating)))
