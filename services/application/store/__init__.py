"""The queries of applications; a docstring says what a query locks, silence that it locks nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, insert, select, update

from services.application import rights
from services.application.model import application_numbers, applications, history
from services.common.db import UnitOfWork
from services.common.scopes import Facts, Owned, visible

Row = dict[str, Any]
OWNED = Owned(
    fields=rights.APPLICATIONS.scope_of_records,
    columns={
        name: applications.c[name]
        for name in ("id", "customer_id", *rights.APPLICATIONS.scope_of_records.fields)
        if name in applications.c
    },
    owners=("initiator",),
    departments=("department",),
    ids=("id", "customer_id"),
)


def next_number(work: UnitOfWork) -> int:
    """A number that no other application has."""
    return int(work.execute(select(application_numbers.next_value())).scalar_one())


def add(work: UnitOfWork, application: Mapping[str, Any]) -> None:
    """Insert an application."""
    work.execute(insert(applications).values(**application))


def find(work: UnitOfWork, key: str, *, locked: bool = False) -> Row | None:
    """An application by id or number that the caller may see. Locks its row when `locked`."""
    try:
        which = applications.c.id == UUID(key)
    except ValueError:
        which = applications.c.number == key
    statement = select(applications).where(which, visible(work, OWNED))
    row = work.execute(statement.with_for_update() if locked else statement).mappings().first()
    return None if row is None else dict(row)


def facts_of(work: UnitOfWork, key: str) -> Facts | None:
    """What record scopes read of an application."""
    row = find(work, key)
    return None if row is None else OWNED.facts(row)


def change(work: UnitOfWork, application_id: UUID, values: Mapping[str, Any]) -> None:
    """Change an application."""
    work.execute(update(applications).where(applications.c.id == application_id).values(**values))


def hand_over(work: UnitOfWork, giver: UUID, taker: Mapping[str, Any]) -> list[Row]:
    """Let the applications of one customer be another's; answers them. Locks their rows."""
    named = {f"customer_{name}": taker[name] for name in ("id", "code", "name")}
    statement = update(applications).where(applications.c.customer_id == giver)
    values = {**named, "version": applications.c.version + 1, "updated_at": work.now}
    rows = work.execute(statement.values(values).returning(applications)).mappings()
    return sorted((dict(row) for row in rows), key=lambda row: str(row["number"]))


def listed(work: UnitOfWork, where: Mapping[str, Any], own: Mapping[str, Any]) -> Select[Any]:
    """The caller's applications with these values of columns and form fields, to be paged."""
    wanted = [applications.c[name] == value for name, value in where.items()]
    wanted += [applications.c.fields[key].astext == value for key, value in own.items()]
    return select(applications).where(visible(work, OWNED), *wanted)


def count_with(work: UnitOfWork, keys: Sequence[str]) -> dict[str, int]:
    """How many applications hold something under each of these form fields."""
    held = (applications.c.fields.op("?")(key) for key in keys)
    holding = [func.count().filter(one).label(f"k{place}") for place, one in enumerate(held)]
    return dict(zip(keys, map(int, work.execute(select(*holding)).one()), strict=True))


def add_history(work: UnitOfWork, application: Mapping[str, Any], action: str, detail: Any) -> None:
    """Add a line to an application's history."""
    work.execute(
        insert(history).values(
            application_id=application["id"],
            action=action,
            status=application["status"],
            detail=detail,
            actor=work.caller.actor,
            at=work.now,
        )
    )


def history_of(work: UnitOfWork, application_id: UUID) -> list[Row]:
    """The history of an application, oldest first."""
    statement = select(history).where(history.c.application_id == application_id).order_by(history.c.identity)
    return [dict(row) for row in work.execute(statement).mappings()]
