"""The queries of flows; a docstring says what a query locks, silence that it locks nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Select, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.common.db import UnitOfWork
from services.common.scopes import Facts, Owned, visible
from services.common.snapshots import Snapshots
from services.workflow import rights
from services.workflow.model import (
    business_date,
    customers,
    departments,
    exchange_rates,
    flow_versions,
    flows,
    instances,
    tasks,
    timeline,
    users,
)
from services.workflow.people import Company, Department, Person

Row = dict[str, Any]
_READ = "instances.read"
OWNED = Owned(
    fields=rights.INSTANCES.scope_of_records,
    columns={
        **{name: instances.c[name] for name in ("id", "customer_id", "subject_id", "subject_key", "state")},
        "initiator": instances.c.initiator,
        "department": instances.c.data["department"].astext.label("department"),
        "salesperson": customers.c.salesperson,
        "customer_name": customers.c.name.label("customer_name"),
    },
    owners=("initiator", "salesperson"),
    departments=("department",),
    ids=("id", "customer_id", "subject_id"),
)


def _one(work: UnitOfWork, statement: Any) -> Row | None:
    row = work.execute(statement).mappings().first()
    return None if row is None else dict(row)


def _all(work: UnitOfWork, statement: Any) -> list[Row]:
    return [dict(row) for row in work.execute(statement).mappings()]


def find_flow(work: UnitOfWork, key: str, *, locked: bool = False) -> Row | None:
    """A flow by id or key. Locks its row when `locked`."""
    try:
        which = or_(flows.c.id == UUID(key), flows.c.key == key)
    except ValueError:
        which = flows.c.key == key
    statement = select(flows).where(which)
    return _one(work, statement.with_for_update() if locked else statement)


def flows_listed() -> Select[Any]:
    """All flows, as a statement to be paged."""
    return select(flows)


def add_flow(work: UnitOfWork, flow: Mapping[str, Any]) -> bool:
    """Insert a flow; False when its key is taken."""
    statement = upsert(flows).values(**flow).on_conflict_do_nothing().returning(flows.c.id)
    return work.execute(statement).first() is not None


def change_flow(work: UnitOfWork, flow_id: UUID, values: Mapping[str, Any]) -> None:
    """Change a flow."""
    work.execute(update(flows).where(flows.c.id == flow_id).values(**values))


def add_version(work: UnitOfWork, version: Mapping[str, Any]) -> None:
    """Insert a published version."""
    work.execute(insert(flow_versions).values(**version))


def versions_of(work: UnitOfWork, flow_id: UUID) -> list[Row]:
    """The published versions of a flow, newest first."""
    statement = select(flow_versions).where(flow_versions.c.flow_id == flow_id)
    return _all(work, statement.order_by(flow_versions.c.version.desc()))


def graph_of(work: UnitOfWork, flow_key: str, version: int | None = None) -> tuple[int, Any] | None:
    """(version, graph) of a flow: the one in force, or a given one."""
    wanted = flows.c.published_version if version is None else version
    statement = (
        select(flow_versions.c.version, flow_versions.c.graph)
        .join(flows, flows.c.id == flow_versions.c.flow_id)
        .where(flows.c.key == flow_key, flow_versions.c.version == wanted)
    )
    row = work.execute(statement).first()
    return None if row is None else (row.version, row.graph)


def add_instance(work: UnitOfWork, instance: Mapping[str, Any]) -> bool:
    """Insert an instance; False when its subject was started with that submission already."""
    statement = upsert(instances).values(**instance).on_conflict_do_nothing().returning(instances.c.id)
    return work.execute(statement).first() is not None


def lock_instance(work: UnitOfWork, instance_id: UUID) -> Row:
    """An instance. Locks its row: each action on it happens once."""
    found = _one(work, select(instances).where(instances.c.id == instance_id).with_for_update())
    assert found is not None  # noqa: S101 - tasks refer to it by a foreign key
    return found


def find_instance(work: UnitOfWork, instance_id: UUID) -> Row | None:
    """An instance."""
    return _one(work, select(instances).where(instances.c.id == instance_id))


def sees_instance(work: UnitOfWork, instance: Mapping[str, Any]) -> bool:
    """Whether the caller's right to instances reaches this one."""
    joined = instances.outerjoin(customers, customers.c.customer_id == instances.c.customer_id)
    here = (instances.c.id == instance["id"], visible(work, OWNED, right=_READ))
    return work.execute(select(instances.c.id).select_from(joined).where(*here)).first() is not None


def facts_of(work: UnitOfWork, key: str) -> Facts | None:
    """What record scopes read of an instance."""
    try:
        which = instances.c.id == UUID(key)
    except ValueError:
        which = instances.c.subject_key == key
    joined = instances.outerjoin(customers, customers.c.customer_id == instances.c.customer_id)
    shown = [column.label(name) for name, column in OWNED.columns.items()]
    row = _one(work, select(*shown).select_from(joined).where(which))
    return None if row is None else OWNED.facts(row)


def instance_of_subject(work: UnitOfWork, subject_type: str, subject_id: str) -> Row | None:
    """The newest instance of a subject. Locks its row."""
    statement = select(instances).where(
        instances.c.subject_type == subject_type, instances.c.subject_id == subject_id
    )
    return _one(work, statement.order_by(instances.c.submission.desc()).limit(1).with_for_update())


def change_instance(work: UnitOfWork, instance_id: UUID, values: Mapping[str, Any]) -> None:
    """Change an instance."""
    work.execute(update(instances).where(instances.c.id == instance_id).values(**values))


def add_task(work: UnitOfWork, task: Mapping[str, Any]) -> bool:
    """Insert a task; False when that person has it already."""
    statement = upsert(tasks).values(**task).on_conflict_do_nothing().returning(tasks.c.id)
    return work.execute(statement).first() is not None


def find_task(work: UnitOfWork, task_id: UUID, *, locked: bool = False) -> Row | None:
    """A task. Locks its row when `locked`."""
    statement = select(tasks).where(tasks.c.id == task_id)
    return _one(work, statement.with_for_update() if locked else statement)


def change_task(work: UnitOfWork, task_id: UUID, values: Mapping[str, Any]) -> None:
    """Change a task."""
    work.execute(update(tasks).where(tasks.c.id == task_id).values(**values))


def close_group(work: UnitOfWork, group_key: str, state: str) -> list[Row]:
    """Close the open tasks of a group; returns them."""
    which = (tasks.c.group_key == group_key) & (tasks.c.state == "open")
    statement = update(tasks).where(which).values(state=state, closed_at=work.now).returning(tasks)
    return _all(work, statement)


def tasks_of(assignee: str, kind: str | None, state: str | None) -> Select[Any]:
    """A person's tasks, as a statement to be paged."""
    statement = select(tasks).where(tasks.c.assignee == assignee)
    if kind is not None:
        statement = statement.where(tasks.c.kind == kind)
    return statement if state is None else statement.where(tasks.c.state == state)


def tasks_of_instance(work: UnitOfWork, instance_id: UUID) -> list[Row]:
    """The tasks of an instance, oldest first."""
    return _all(work, select(tasks).where(tasks.c.instance_id == instance_id).order_by(tasks.c.id))


def add_timeline(work: UnitOfWork, line: Mapping[str, Any]) -> None:
    """Add a line to an instance's timeline."""
    work.execute(insert(timeline).values(at=work.now, **line))


def timeline_of(work: UnitOfWork, instance_id: UUID) -> list[Row]:
    """The timeline of an instance, oldest first."""
    statement = select(timeline).where(timeline.c.instance_id == instance_id)
    return _all(work, statement.order_by(timeline.c.identity))


def company(work: UnitOfWork) -> Company:
    """Everybody and how they are organised."""
    people = {
        row["username"]: Person(
            row["username"], row["department"], tuple(row["roles"]), active=bool(row["active"])
        )
        for row in _all(work, select(users))
    }
    units = {
        row["code"]: Department(row["code"], row["parent"], row["head"])
        for row in _all(work, select(departments))
    }
    return Company(people, units)


def save_user(work: UnitOfWork, user: Mapping[str, Any]) -> None:
    """Insert or replace the copy of a user."""
    names = ("username", "name", "department", "roles", "active")
    values = {name: user[name] for name in names}
    statement = upsert(users).values(**values)
    work.execute(statement.on_conflict_do_update(index_elements=[users.c.username], set_=values))


def save_department(work: UnitOfWork, department: Mapping[str, Any]) -> None:
    """Insert or replace the copy of a department."""
    values = {name: department[name] for name in ("code", "name", "parent", "head")}
    statement = upsert(departments).values(**values)
    work.execute(statement.on_conflict_do_update(index_elements=[departments.c.code], set_=values))


def save_customer(work: UnitOfWork, customer_id: UUID, values: Mapping[str, Any]) -> None:
    """Keep a part of what is known of a customer."""
    work.part(Snapshots).put(customers, {"customer_id": customer_id, **values})


def customers_by_id(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, Row]:
    """What is known of customers."""
    statement = select(customers).where(customers.c.customer_id.in_(sorted(set(ids))))
    return {row["customer_id"]: row for row in _all(work, statement)}


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
