"""The queries of rules; a docstring says what a query locks, silence that it locks nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Select, Uuid, any_, bindparam, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.common.db import UnitOfWork
from services.common.scopes import Facts, of_customers, visible, visible_through
from services.common.snapshots import Snapshots
from services.risk_rules import rights
from services.risk_rules.model import behaviour, customers, episodes, ratings, rule_versions, rules

Row = dict[str, Any]
OWNED = of_customers(rights.RATINGS.scope_of_records, customers)
_OPEN_EPISODES = (
    select(episodes)
    .where(episodes.c.customer_id == any_(bindparam("ids", type_=ARRAY(Uuid))), episodes.c.ended_at.is_(None))
    .order_by(episodes.c.id)
    .with_for_update()
)
_ENDED_EPISODE = (
    select(episodes.c.id)
    .where(
        episodes.c.rule_key == bindparam("rule"),
        episodes.c.customer_id == bindparam("customer"),
        episodes.c.first_sequence <= bindparam("here"),
        episodes.c.end_sequence > bindparam("here"),
    )
    .limit(1)
)
_BEHAVIOUR = select(behaviour).where(behaviour.c.customer_id == any_(bindparam("ids", type_=ARRAY(Uuid))))
_RATINGS = select(ratings).where(ratings.c.customer_id == any_(bindparam("ids", type_=ARRAY(Uuid))))
_LOCK_RATINGS = _RATINGS.order_by(ratings.c.customer_id).with_for_update()


def _one(work: UnitOfWork, statement: Any) -> Row | None:
    row = work.execute(statement).mappings().first()
    return None if row is None else dict(row)


def _all(work: UnitOfWork, statement: Any, parameters: Mapping[str, Any] | None = None) -> list[Row]:
    return [dict(row) for row in work.execute(statement, parameters).mappings()]


def _of_customer(work: UnitOfWork, what: str, statement: Any, customer_id: UUID) -> list[Row]:
    """The rows of one customer, read with those of all customers that this unit of work will ask for."""
    held: dict[UUID, list[Row]] = work.remembered(what, dict)
    if customer_id not in held:
        wanted = sorted({customer_id, *_customers_foreseen(work)} - set(held))
        held.update((one, []) for one in wanted)
        for row in _all(work, statement, {"ids": wanted}):
            held[row["customer_id"]].append(row)
    return held[customer_id]


def _customers_foreseen(work: UnitOfWork) -> list[UUID]:
    found: list[UUID] = work.remembered("customers-foreseen", lambda: _ids(work.foreseen))
    return found


def _ids(keys: Sequence[str]) -> list[UUID]:
    ids = []
    for key in keys:
        # The key of an event that concerns no customer (a business date) is no id.
        with suppress(ValueError):
            ids.append(UUID(key))
    return ids


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
    work.part(Snapshots).put(customers, {**values, "id": UUID(str(values["id"]))})


def find_customer(work: UnitOfWork, customer_id: UUID) -> Row | None:
    """The copy of a customer."""
    work.part(Snapshots).flush()
    return _one(work, select(customers).where(customers.c.id == customer_id))


def open_episodes(work: UnitOfWork, customer_id: UUID) -> dict[str, Row]:
    """The episodes of a customer that have not ended, by rule. Locks their rows."""
    rows = _of_customer(work, "episodes", _OPEN_EPISODES, customer_id)
    return {row["rule_key"]: row for row in rows}


def is_known(work: UnitOfWork, rule_key: str, customer_id: UUID, sequence: int) -> bool:
    """Whether a place in the log of limits lies within an episode of a rule that has ended since."""
    asked = {"rule": rule_key, "customer": customer_id, "here": sequence}
    return work.execute(_ENDED_EPISODE, asked).first() is not None


def next_number(work: UnitOfWork, rule_key: str, customer_id: UUID) -> int:
    """The number of a customer's next episode of a rule."""
    statement = select(func.coalesce(func.max(episodes.c.number), 0)).where(
        episodes.c.rule_key == rule_key, episodes.c.customer_id == customer_id
    )
    return int(work.execute(statement).scalar_one()) + 1


def add_episode(work: UnitOfWork, episode: Mapping[str, Any]) -> None:
    """Insert an episode."""
    work.execute(insert(episodes).values(**episode))
    _of_customer(work, "episodes", _OPEN_EPISODES, episode["customer_id"]).append(dict(episode))


def end_episode(work: UnitOfWork, episode: Mapping[str, Any], on: date, sequence: int) -> None:
    """End an open episode, on a date and at a place in the log of limits."""
    statement = update(episodes).where(episodes.c.id == episode["id"])
    work.execute(statement.values(ended_on=on, ended_at=work.now, end_sequence=sequence))
    running = _of_customer(work, "episodes", _OPEN_EPISODES, episode["customer_id"])
    running[:] = [row for row in running if row["id"] != episode["id"]]


def facts_of(work: UnitOfWork, key: str) -> Facts | None:
    """What record scopes read of a customer's firings and rating."""
    try:
        which = customers.c.id == UUID(key)
    except ValueError:
        which = customers.c.code == key
    row = _one(work, select(customers).where(which))
    return None if row is None else OWNED.facts(row)


def customer_seen(work: UnitOfWork, customer_id: UUID) -> Row | None:
    """The copy of a customer that the caller may see."""
    return _one(work, select(customers).where(customers.c.id == customer_id, visible(work, OWNED)))


def episodes_of_rule(work: UnitOfWork, rule_key: str) -> Select[Any]:
    """The firings of a rule, as a statement to be paged."""
    seen = visible_through(work, OWNED, customers.c.id == episodes.c.customer_id)
    return select(episodes).where(episodes.c.rule_key == rule_key, seen)


def add_behaviour(
    work: UnitOfWork, customer_id: UUID, currency: str, paid: Decimal, on_time: Decimal, amount_days: Decimal
) -> None:
    """Add what a payment shows (or take it back, with negative figures)."""
    rows = _of_customer(work, "behaviour", _BEHAVIOUR, customer_id)
    added = {"paid": paid, "paid_on_time": on_time, "amount_days_late": amount_days}
    row = next((row for row in rows if row["currency"] == currency), None)
    if row is None:
        row = {"customer_id": customer_id, "currency": currency, **dict.fromkeys(added, Decimal(0))}
        rows.append(row)
    row.update((name, row[name] + amount) for name, amount in added.items())
    work.part(Snapshots).put(behaviour, row)


def behaviour_of(work: UnitOfWork, customer_id: UUID) -> Row | None:
    """How a customer has paid, in the currency in which most was paid."""
    rows = _of_customer(work, "behaviour", _BEHAVIOUR, customer_id)
    return max(rows, key=lambda row: row["paid"], default=None)


def rating_of(work: UnitOfWork, customer_id: UUID) -> Row | None:
    """The rating of a customer. Locks its row, where the unit of work may change it."""
    statement = _RATINGS if work.reads_only else _LOCK_RATINGS
    rows = _of_customer(work, "ratings", statement, customer_id)
    return rows[0] if rows else None


def save_rating(work: UnitOfWork, rating: Mapping[str, Any]) -> None:
    """Insert or replace the rating of a customer."""
    _of_customer(work, "ratings", _LOCK_RATINGS, rating["customer_id"])[:] = [dict(rating)]
    work.part(Snapshots).put(ratings, rating)
