"""The queries of what administrators set, and of timers; a docstring says what a query locks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.common.db import UnitOfWork
from services.workflow.model import (
    absences,
    authorities,
    bindings,
    calendar_days,
    calendar_hours,
    instances,
    timers,
)
from services.workflow.store.ground import forget_ground
from services.workflow.store.rows import Row, one, rows


def replace_authorities(work: UnitOfWork, amounts: Mapping[str, Decimal | None]) -> None:
    """Set the authority of every role; roles that are not named have none."""
    forget_ground(work)
    work.execute(delete(authorities))
    if amounts:
        work.execute(
            insert(authorities), [{"role": role, "amount": amounts[role]} for role in sorted(amounts)]
        )


def calendar(work: UnitOfWork) -> dict[str, Any]:
    """The days that are not as the week says, and the hours of a day."""
    return {
        "days": rows(work, select(calendar_days).order_by(calendar_days.c.day)),
        "hours": rows(work, select(calendar_hours).order_by(calendar_hours.c.starts)),
    }


def replace_calendar(work: UnitOfWork, days: list[Row] | None, hours: list[Row] | None) -> None:
    """Set the days or the hours of the calendar."""
    forget_ground(work)
    for table, wanted in ((calendar_days, days), (calendar_hours, hours)):
        if wanted is not None:
            work.execute(delete(table))
            if wanted:
                work.execute(insert(table), wanted)


# --- absences, bindings ----------------------------------------------------------------------------------


def add_absence(work: UnitOfWork, absence: Mapping[str, Any]) -> None:
    """Insert an absence."""
    forget_ground(work)
    work.execute(insert(absences).values(**absence))


def find_absence(work: UnitOfWork, absence_id: UUID) -> Row | None:
    """An absence."""
    return one(work, select(absences).where(absences.c.id == absence_id))


def drop_absence(work: UnitOfWork, absence_id: UUID) -> None:
    """Delete an absence."""
    forget_ground(work)
    work.execute(delete(absences).where(absences.c.id == absence_id))


def absences_of(work: UnitOfWork, username: str | None) -> list[Row]:
    """Somebody's absences, or everybody's, the next ones last."""
    statement = select(absences).order_by(absences.c.starts_at, absences.c.id)
    return rows(work, statement if username is None else statement.where(absences.c.username == username))


def save_binding(work: UnitOfWork, binding: Mapping[str, Any]) -> Row:
    """Insert or replace which flow an event of a type starts."""
    statement = upsert(bindings).values(**binding)
    values = {name: binding[name] for name in ("flow_key", "active")}
    replaced = statement.on_conflict_do_update(
        index_elements=[bindings.c.event, bindings.c.type], set_=values
    )
    return dict(work.execute(replaced.returning(bindings)).mappings().one())


def drop_binding(work: UnitOfWork, binding_id: UUID) -> bool:
    """Delete a binding; False when there is none."""
    return bool(work.execute(delete(bindings).where(bindings.c.id == binding_id)).rowcount)


def bindings_listed(work: UnitOfWork) -> list[Row]:
    """All bindings."""
    return rows(work, select(bindings).order_by(bindings.c.event, bindings.c.type))


def flow_bound_to(work: UnitOfWork, event: str, type: str) -> str | None:
    """The flow that an event of a type starts: the one bound to it, else to every type (`*`)."""
    statement = (
        select(bindings.c.flow_key)
        .where(bindings.c.event == event, bindings.c.type.in_([type, "*"]), bindings.c.active)
        .order_by(bindings.c.type == "*")
        .limit(1)
    )
    found: str | None = work.execute(statement).scalar()
    return found


# --- timers ----------------------------------------------------------------------------------------------


def add_timer(work: UnitOfWork, timer: Mapping[str, Any]) -> None:
    """Insert a timer."""
    work.execute(insert(timers).values(**timer))


def drop_timers(work: UnitOfWork, instance_id: UUID, visit: int | None = None) -> None:
    """Delete the timers of an instance, or of one of its visits."""
    if visit is None:
        work.rows.delete_where(timers, "instance_id", [instance_id])
        return
    work.execute(delete(timers).where(timers.c.instance_id == instance_id, timers.c.visit == visit))


def due_timers(work: UnitOfWork, limit: int, *, webhooks: bool) -> list[Row]:
    """The timers that are due, the longest first: webhooks, or all others."""
    due = select(timers).where(timers.c.due_at <= work.now, (timers.c.kind == "webhook") == webhooks)
    return rows(work, due.order_by(timers.c.due_at, timers.c.id).limit(limit))


def claim_timer(work: UnitOfWork, timer: Mapping[str, Any]) -> tuple[Row, Row] | None:
    """(timer, instance) of a timer that is still due. Locks the instance, then the timer.

    None when another replica was first, or the visit has gone.
    """
    instance = one(work, select(instances).where(instances.c.id == timer["instance_id"]).with_for_update())
    statement = select(timers).where(timers.c.id == timer["id"], timers.c.due_at <= work.now)
    found = one(work, statement.with_for_update())
    return None if found is None or instance is None else (found, instance)


def timers_of(work: UnitOfWork, instance_id: UUID) -> list[Row]:
    """The timers of an instance."""
    return rows(work, select(timers).where(timers.c.instance_id == instance_id))


def drop_timer(work: UnitOfWork, timer_id: UUID) -> None:
    """Delete a timer that has fired."""
    work.execute(delete(timers).where(timers.c.id == timer_id))


def put_off(work: UnitOfWork, timer_id: UUID, due_at: datetime, attempts: int) -> None:
    """Let a timer fire later; `attempts` are those until now."""
    values = {"due_at": due_at, "attempts": attempts}
    work.execute(update(timers).where(timers.c.id == timer_id).values(**values))


def running_children(work: UnitOfWork, instance_id: UUID) -> list[Row]:
    """The sub-flows of an instance that run. Locks their rows."""
    which = (instances.c.parent_id == instance_id) & (instances.c.state == "running")
    return rows(work, select(instances).where(which).order_by(instances.c.id).with_for_update())
